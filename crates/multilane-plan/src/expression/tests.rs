use std::collections::BTreeMap;

use expect_test::{Expect, expect};

use super::{names, parse_into};
use crate::{Array, Builder, DType, Location, Operand, Registry, Scalar, Value, evaluate};

/// Builds a formula over `a, b: f64[n]`, `i: i64[n]`, `f: f32[n]`, `m: f64[m]` and the number `two`.
fn build(text: &str) -> Result<crate::Plan, crate::PlanError> {
    let mut b = Builder::new("test", Registry::core());
    let mut variables: BTreeMap<String, Operand> = BTreeMap::new();
    for (name, dtype, dim) in [
        ("a", DType::F64, "n"),
        ("b", DType::F64, "n"),
        ("i", DType::I64, "n"),
        ("f", DType::F32, "n"),
        ("other", DType::F64, "m"),
    ] {
        variables.insert(name.to_owned(), b.array(name, dtype, dim)?.into());
    }
    variables.insert("two".to_owned(), Operand::Int(2));
    b.set_location(Some(Location {
        file: "app.py".to_owned(),
        line: 3,
    }));
    let result = parse_into(&mut b, text, &variables)?;
    b.output("result", result)?;
    Ok(b.finish().unwrap())
}

/// Element 0 of the formula at a = 3, b = 0.5, i = -2, f = 0.25.
fn at_first(text: &str) -> Scalar {
    let plan = build(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let inputs = BTreeMap::from([
        ("a".to_owned(), Value::Array(Array::from_vec(vec![3.0_f64, 7.0]))),
        ("b".to_owned(), Value::Array(Array::from_vec(vec![0.5_f64, -1.0]))),
        ("i".to_owned(), Value::Array(Array::from_vec(vec![-2_i64, 5]))),
        ("f".to_owned(), Value::Array(Array::from_vec(vec![0.25_f32, 1.0]))),
        ("other".to_owned(), Value::Array(Array::from_vec(vec![1.0_f64]))),
    ]);
    match &evaluate(&plan, &Registry::core(), &inputs).unwrap()[0] {
        Value::Scalar(number) => *number,
        Value::Array(array) => crate::evaluate::elements(array)[0],
        Value::Opaque(_) => unreachable!(),
    }
}

#[test]
fn means_what_python_means() {
    let (a, b) = (3.0_f64, 0.5_f64);
    let cases: &[(&str, f64)] = &[
        ("a + b * 2", a + b * 2.0),
        ("(a + b) * 2", 7.0),
        ("a - b - 1", 1.5),
        ("a / b / 2", 3.0),
        ("-a ** 2", -9.0),
        ("(-a) ** 2", 9.0),
        ("2 ** 3 ** two * 1.0", 512.0),
        ("a ** -two", 1.0 / 9.0),
        ("a*-b", -1.5),
        ("--a", 3.0),
        ("+a", 3.0),
        ("a*b + a*sin(b)", a * b + a * b.sin()),
        ("where(a > b, a, -1)", 3.0),
        ("where(a > 1 & i, 1, 2) + 0.0", f64::NAN),
        ("min(a, b) + max(a, b, 10)", 10.5),
        ("minimum(a, b)", 0.5),
        ("sum(a)", 10.0),
        ("max(a) - min(b)", 8.0),
        ("mean(i)", 1.5),
        ("norm(a, 1)", 10.0),
        ("norm(a, inf)", 7.0),
        ("recip(b, 0.5)", 1.0),
        ("i / 4", -0.5),
        ("sqrt(i * i)", 2.0),
        ("1e-3 + .5 + 1_000 + 0x10", 1016.501),
        ("pi", std::f64::consts::PI),
        ("float64(f) * 4", 1.0),
        ("tanh(log(exp(b)))", 0.5_f64.tanh()),
        ("pow(a, 2)", 9.0),
        ("abs(cos(b))", b.cos()),
    ];
    for (text, expected) in cases {
        if expected.is_nan() {
            assert!(build(text).is_err(), "{text}");
            continue;
        }
        let found = at_first(text);
        assert_eq!(found.dtype(), DType::F64, "{text}");
        assert!(
            (found.as_f64() - expected).abs() < 1e-12,
            "{text}: {found:?}, not {expected}"
        );
    }
    for (text, expected) in [
        ("a > b", Scalar::Bool(true)),
        ("(a > b) & ~(i == -2)", Scalar::Bool(false)),
        ("(a > b) | True ^ True", Scalar::Bool(true)),
        ("any(a > 5)", Scalar::Bool(true)),
        ("all(i)", Scalar::Bool(true)),
        ("i * 3", Scalar::I64(-6)),
        ("i ** 3", Scalar::I64(-8)),
        ("count_nonzero(i)", Scalar::I64(2)),
        ("f * 2 + 0.5", Scalar::F32(1.0)),
        ("int32(a)", Scalar::I32(3)),
        ("two + 1", Scalar::I64(3)),
    ] {
        assert_eq!(at_first(text), expected, "{text}");
    }
}

#[test]
fn names_come_once_and_in_order() {
    assert_eq!(names("b*a + sin(c)*a").unwrap(), ["a", "b", "c"]);
}

#[track_caller]
fn check_error(text: &str, expect: Expect) {
    expect.assert_eq(&(build(text).unwrap_err().report() + "\n"));
}

#[test]
fn errors_point_at_their_place() {
    check_error(
        "a + bb*2",
        expect![[r#"
        error at app.py:3: no variable is called `bb` at column 5
          a + bb*2
              ^
    "#]],
    );
    check_error(
        "a + sinn(b)",
        expect![[r#"
        error at app.py:3: no function is called `sinn` at column 5
          a + sinn(b)
              ^
          hint: did you mean `sin`?
    "#]],
    );
    check_error(
        "a + (b * 2",
        expect![[r#"
        error at app.py:3: expected `)`, found the end at column 11
          a + (b * 2
                    ^
    "#]],
    );
    check_error(
        "a +\n  b c",
        expect![[r#"
        error at app.py:3: expected an operator, found `c` at column 5
            b c
              ^
    "#]],
    );
    check_error(
        "a < b < 3",
        expect![[r#"
        error at app.py:3: comparisons cannot be chained at column 7
          a < b < 3
                ^
          hint: write `(a < b) & (b < c)`
    "#]],
    );
    check_error(
        "a and b",
        expect![[r#"
        error at app.py:3: `and` does not work on arrays at column 3
          a and b
            ^
          hint: write `(a) & (b)`
    "#]],
    );
    check_error(
        "a % 2",
        expect![[r#"
        error at app.py:3: there is no operator `%` at column 3
          a % 2
            ^
    "#]],
    );
    check_error(
        "a.real + __import__('os')",
        expect![[r#"
        error at app.py:3: `.` has no meaning here at column 2
          a.real + __import__('os')
           ^
          hint: attributes cannot be read; pass the value under a name
    "#]],
    );
    check_error(
        "a + other",
        expect![[r#"
        error at app.py:3: `core.add` needs arrays of one size, and `a` has `n` elements where `other` has `m` at column 3
          a + other
            ^
    "#]],
    );
    check_error(
        "a + (a > b) + ~i",
        expect![[r#"
        error at app.py:3: `core.not` needs truth values, not i64 at column 15
          a + (a > b) + ~i
                        ^
          hint: compare them with something
    "#]],
    );
    check_error(
        "i ** -1",
        expect![[r#"
        error at app.py:3: `core.pow` cannot raise integers to a negative power at column 3
          i ** -1
            ^
          hint: write the power as a float
    "#]],
    );
    check_error(
        "where(a, b)",
        expect![[r#"
        error at app.py:3: `where` takes 3 operands, not 2 at column 1
          where(a, b)
          ^
    "#]],
    );
    check_error(
        "99999999999999999999",
        expect![[r#"
        error at app.py:3: `99999999999999999999` is not a number that i64 or f64 holds at column 1
          99999999999999999999
          ^
    "#]],
    );
    check_error(
        "sin",
        expect![[r#"
        error at app.py:3: no variable is called `sin` at column 1
          sin
          ^
          hint: it is a function: write `sin(…)`
    "#]],
    );
    assert!(
        build("")
            .unwrap_err()
            .to_string()
            .contains("expected a value, found the end at column 1")
    );
}

#[test]
fn a_formula_that_fails_writes_nothing() {
    let mut b = Builder::new("test", Registry::core());
    let a = b.array("a", DType::F64, "n").unwrap();
    let variables = BTreeMap::from([("a".to_owned(), Operand::Value(a))]);
    for text in ["a + 1 +", "a * 2 + zz", "(a"] {
        parse_into(&mut b, text, &variables).unwrap_err();
    }
    b.output("a", a).unwrap();
    assert_eq!(b.finish().unwrap().body.ops, []);
}

#[test]
fn long_and_deep_formulas_are_read_or_refused() {
    let long = format!("a{}", " + a".repeat(20_000));
    assert_eq!(names(&long).unwrap(), ["a"]);
    let deep = format!("{}a{}", "(".repeat(50_000), ")".repeat(50_000));
    assert!(names(&deep).is_err());
    assert!(names(&"-".repeat(100_000)).is_err());
    assert!(names(&format!("a{}", "**a".repeat(50_000))).is_err());
    assert!(names(&"sin(".repeat(50_000)).is_err());
}
