use std::collections::BTreeMap;

use crate::{Array, Attribute, Attributes, Builder, DType, Location, Operand, Registry, Scalar, Value, evaluate};

fn builder() -> Builder {
    Builder::new("test", Registry::core())
}

/// The one output of a plan over `x: f64[n]`.
fn run(build: impl FnOnce(&mut Builder, crate::ValueId) -> crate::ValueId, x: &[f64]) -> Value {
    let mut b = builder();
    let input = b.array("x", DType::F64, "n").unwrap();
    let y = build(&mut b, input);
    b.output("y", y).unwrap();
    let plan = b.finish().unwrap();
    let inputs = BTreeMap::from([("x".to_owned(), Value::Array(Array::from_vec(x.to_vec())))]);
    evaluate(&plan, &Registry::core(), &inputs).unwrap().remove(0)
}

fn floats(value: &Value) -> Vec<f64> {
    value.array().unwrap().as_slice::<f64>().unwrap().to_vec()
}

#[test]
fn evaluates_a_chain_with_literals() {
    let y = run(
        |b, x| {
            let twice = b.mul(x, 2).unwrap();
            b.add(twice, 1.0).unwrap()
        },
        &[1.0, 2.5],
    );
    assert_eq!(floats(&y), [3.0, 6.0]);
}

#[test]
fn types_meet_as_numpys_do() {
    use DType::{Bool, F32, F64, I32, I64};
    let cases = [
        (I32, I64, I64),
        (Bool, I32, I32),
        (F32, I32, F64),
        (F32, I64, F64),
        (F32, Bool, F32),
        (I64, F64, F64),
        (F32, F64, F64),
    ];
    for (a, c, expected) in cases {
        let mut b = builder();
        let x = b.array("x", a, "n").unwrap();
        let y = b.array("y", c, "n").unwrap();
        let sum = b.add(x, y).unwrap();
        assert_eq!(b.ty(sum).dtype(), Some(expected), "{a} + {c}");
    }
    let literals: [(DType, Operand, DType); 6] = [
        (F32, 2.5.into(), F32),
        (F32, 2.into(), F32),
        (I32, 2.into(), I32),
        (I32, 2.5.into(), F64),
        (Bool, 2.into(), I64),
        (I64, true.into(), I64),
    ];
    for (a, literal, expected) in literals {
        let mut b = builder();
        let x = b.array("x", a, "n").unwrap();
        let product = b.mul(x, literal).unwrap();
        assert_eq!(b.ty(product).dtype(), Some(expected), "{a} * {literal:?}");
    }
}

#[test]
fn a_loop_stops_when_its_condition_holds() {
    let mut b = builder();
    let start = b.scalar("start", DType::F64).unwrap();
    let done = b
        .iterate(100, &[start.into()], |b, carried| {
            let half = b.mul(carried[0], 0.5)?;
            let small = b.lt(half, 1.0)?;
            Ok((vec![half], Some(small)))
        })
        .unwrap();
    b.output("value", done.values[0]).unwrap();
    b.output("iterations", done.iterations).unwrap();
    b.output("converged", done.converged).unwrap();
    let plan = b.finish().unwrap();
    let run = |start: f64| {
        let inputs = BTreeMap::from([("start".to_owned(), Value::Scalar(Scalar::F64(start)))]);
        let outputs = evaluate(&plan, &Registry::core(), &inputs).unwrap();
        outputs.iter().map(|value| value.scalar().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(run(10.0), [Scalar::F64(0.625), Scalar::I64(4), Scalar::Bool(true)]);
    let [value, iterations, converged] = run(f64::INFINITY).try_into().unwrap();
    assert_eq!(
        (value, iterations, converged),
        (Scalar::F64(f64::INFINITY), Scalar::I64(100), Scalar::Bool(false))
    );
}

#[test]
fn an_error_names_the_users_line() {
    let mut b = builder();
    let x = b.array("x", DType::F64, "n").unwrap();
    let y = b.array("y", DType::F64, "m").unwrap();
    b.set_location(Some(Location {
        file: "app.py".to_owned(),
        line: 12,
    }));
    let error = b.add(x, y).unwrap_err();
    assert_eq!(
        error.report(),
        "error at app.py:12: `core.add` needs arrays of one size, and `x` has `n` elements where `y` has `m`"
    );
    let error = b.core("sqr", &[x.into()], Default::default()).unwrap_err();
    assert_eq!(
        error.report(),
        "error at app.py:12: no operation is called `core.sqr`\n  hint: did you mean `core.sqrt`?"
    );
    let flags = b.gt(x, 0).unwrap();
    let error = b.add(flags, true).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("cast to i64 first, or use `&`, `|`, `~`"));
    // What failed left nothing behind.
    b.output("flags", flags).unwrap();
    b.finish().unwrap();
}

#[test]
fn values_stay_in_their_loop() {
    let mut b = builder();
    let x = b.scalar("x", DType::F64).unwrap();
    let mut inner = None;
    b.iterate(3, &[x.into()], |b, carried| {
        let next = b.add(carried[0], 1.0)?;
        inner = Some(next);
        assert!(b.output("early", next).is_err());
        Ok((vec![next], None))
    })
    .unwrap();
    let error = b.add(inner.unwrap(), x).unwrap_err();
    assert!(
        error.to_string().contains("belongs to a loop that has ended"),
        "{error}"
    );
    let error = b.begin_loop(-1).unwrap_err();
    assert!(error.to_string().contains("cannot run -1 times"), "{error}");
    assert!(b.end_loop(&[], None).is_err());
    assert!(b.carry(x).is_err());
    b.begin_loop(1).unwrap();
    assert!(b.finish().is_err());
}

#[test]
fn a_loop_whose_values_change_type_is_refused_and_stays_open() {
    let mut b = builder();
    let x = b.array("x", DType::F64, "n").unwrap();
    b.begin_loop(2).unwrap();
    let carried = b.carry(1.0).unwrap();
    let next = b.mul(carried, x).unwrap();
    let error = b.end_loop(&[next], None).unwrap_err();
    assert!(
        error.to_string().contains("cast or broadcast") || error.hint().is_some(),
        "{error}"
    );
    let next = b.sum(next).unwrap();
    let done = b.end_loop(&[next], None).unwrap();
    b.output("y", done.values[0]).unwrap();
    b.finish().unwrap();
}

#[test]
fn powers_of_integers_are_not_negative() {
    let mut b = builder();
    let x = b.array("x", DType::I64, "n").unwrap();
    assert!(b.pow(x, -1).is_err());
    let y = b.pow(x, -1.0).unwrap();
    assert_eq!(b.ty(y).dtype(), Some(DType::F64));
}

#[test]
fn reductions_follow_numpy() {
    let x = [3.0, -4.0, 0.0];
    let one = |build: fn(&mut Builder, crate::ValueId) -> crate::ValueId| run(build, &x).scalar().unwrap();
    assert_eq!(one(|b, x| b.sum(x).unwrap()), Scalar::F64(-1.0));
    assert_eq!(one(|b, x| b.norm(x, "l2").unwrap()), Scalar::F64(5.0));
    assert_eq!(one(|b, x| b.norm(x, "l1").unwrap()), Scalar::F64(7.0));
    assert_eq!(one(|b, x| b.norm(x, "max").unwrap()), Scalar::F64(4.0));
    assert_eq!(one(|b, x| b.count(x).unwrap()), Scalar::I64(2));
    assert_eq!(one(|b, x| b.reduce_min(x).unwrap()), Scalar::F64(-4.0));
    assert_eq!(one(|b, x| b.reduce_max(x).unwrap()), Scalar::F64(3.0));
    assert_eq!(one(|b, x| b.any(x).unwrap()), Scalar::Bool(true));
    assert_eq!(one(|b, x| b.all(x).unwrap()), Scalar::Bool(false));
    assert_eq!(
        one(|b, x| {
            let flags = b.ge(x, 0).unwrap();
            b.sum(flags).unwrap()
        }),
        Scalar::I64(2)
    );
}

#[test]
fn a_map_is_the_operations_of_its_formula() {
    let text = |text: &str| Attribute::Text(text.to_owned());
    let y = run(
        |b, x| {
            let attributes = Attributes::from([("expression".to_owned(), text("a*2 + b"))]);
            b.core("map", &[x.into(), 0.5.into()], attributes).unwrap()
        },
        &[1.0, 2.0],
    );
    assert_eq!(floats(&y), [2.5, 4.5]);
    let mut b = builder();
    let x = b.array("x", DType::F64, "n").unwrap();
    let mut attributes = Attributes::from([
        ("expression".to_owned(), text("sqrt(left)")),
        ("names".to_owned(), Attribute::List(vec![text("left")])),
    ]);
    let root = b.op("core.map", &[x], attributes.clone()).unwrap()[0];
    assert_eq!(b.last_op().unwrap().results, [root]);
    assert_eq!(b.last_op().unwrap().name, "core.sqrt");
    assert!(b.op("core.map", &[x, x], attributes.clone()).is_err());
    attributes.remove("expression");
    assert!(b.op("core.map", &[x], attributes).is_err());
}
