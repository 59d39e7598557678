use proptest::prelude::*;

use super::{from_json, from_json_unverified, schema, to_json, to_json_pretty};
use crate::random::{Config, programs};
use crate::{Attribute, Attributes, Op, Plan, Registry, Scalar, text};

#[track_caller]
fn check_refused(text: &str, problems: &[&str]) {
    let errors = from_json(text, &Registry::core()).unwrap_err();
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(lines, problems);
}

#[test]
fn is_spelled_as_documented() {
    let plan = text::parse(
        "plan p(%x: f64[n]) {\n  %half: f64 = core.constant 0.5\n  %y: f64[n] = core.mul(%x, %half) at \"a.py\":3\n  return %y\n}",
        &Registry::core(),
    )
    .unwrap();
    expect_test::expect![[r#"{"format":1,"plan":{"name":"p","dims":["n"],"values":[{"ty":{"tensor":{"dtype":"f64","extent":{"dim":0}}},"name":"x"},{"ty":{"tensor":{"dtype":"f64","extent":"scalar"}},"name":"half"},{"ty":{"tensor":{"dtype":"f64","extent":{"dim":0}}},"name":"y"}],"inputs":["x"],"outputs":["y"],"body":{"parameters":[0],"ops":[{"name":"core.constant","operands":[],"results":[1],"attributes":{"value":{"scalar":{"f64":0.5}}},"regions":[],"location":null},{"name":"core.mul","operands":[0,1],"results":[2],"attributes":{},"regions":[],"location":{"file":"a.py","line":3}}],"yields":[2]}}}"#]].assert_eq(&to_json(&plan));
    assert_eq!(from_json(&to_json_pretty(&plan), &Registry::core()), Ok(plan));
}

#[test]
fn refuses_a_newer_format_whatever_else_it_holds() {
    check_refused(
        r#"{"format": 2, "graph": {"nodes": []}}"#,
        &["the plan has format 2, and this version reads format 1"],
    );
    check_refused(
        r#"{"format": 18446744073709551615, "plan": 1}"#,
        &["the plan has format 18446744073709551615, and this version reads format 1"],
    );
    check_refused(r#"{"format": 0}"#, &["not a plan in JSON: there is no format 0"]);
}

#[test]
fn refuses_what_is_no_plan_with_its_place() {
    check_refused(
        "{",
        &["not a plan in JSON: EOF while parsing an object at line 1 column 1"],
    );
    check_refused(
        "[]",
        &["not a plan in JSON: invalid length 0, expected an object with `format` and `plan` at line 1 column 2"],
    );
    check_refused(
        "{\"format\": 1,\n \"plan\": {\"name\": \"p\", \"dim\": []}}",
        &[
            "not a plan in JSON: unknown field `dim`, expected one of `name`, `dims`, `values`, `inputs`, `outputs`, `body` at line 2 column 28",
        ],
    );
}

/// A plan over one input of type f64, with given operations; values 1 and 2 are f64 too.
fn by_hand(ops: &str, yields: &str) -> String {
    let value = r#"{"ty": {"tensor": {"dtype": "f64", "extent": "scalar"}}}"#;
    format!(
        r#"{{"format": 1, "plan": {{"name": "p", "dims": [], "values": [{value}, {value}, {value}],
            "inputs": ["x"], "outputs": ["y"],
            "body": {{"parameters": [0], "ops": [{ops}], "yields": {yields}}}}}}}"#
    )
}

#[test]
fn plans_by_hand_that_do_not_hold_together_are_explained() {
    check_refused(
        &by_hand(
            r#"{"name": "core.add", "operands": [0, 2], "results": [1]}, {"name": "core.neg", "operands": [1], "results": [2]}"#,
            "[2]",
        ),
        &["operation 0: `core.add` reads `%2`, which is written later only"],
    );
    check_refused(
        &by_hand(
            r#"{"name": "core.not", "operands": [0], "results": [1]},
               {"name": "core.gt", "operands": [0, 0], "results": [1]},
               {"name": "core.sum", "operands": [0, 0], "results": [9]},
               {"name": "core.loop", "operands": [0], "results": [2], "attributes": {"count": {"int": -1}}, "regions": []}"#,
            "[1, 77]",
        ),
        &[
            "plan `p`: 1 names for 2 outputs",
            "operation 0: `core.not` needs truth values, not f64",
            "operation 1: `core.gt` makes bool, and `%1` is declared as f64",
            "operation 1: `%1` is written a second time by `core.gt`",
            "operation 2: `core.sum` writes %9, which is not in the plan's list of values",
            "operation 3: `core.loop` cannot run -1 times",
            "`return` reads `%77`, which is not in the plan's list of values",
        ],
    );
}

#[test]
fn floats_that_json_has_no_number_for_are_texts() {
    for (float, spelled) in [
        (f64::NAN, r#""nan""#),
        (f64::NEG_INFINITY, r#""-inf""#),
        (f64::from_bits(0xfff8_0000_0000_0001), r#""nan:fff8000000000001""#),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
    ] {
        assert!(to_json(&one(Scalar::F64(float), 0.0)).contains(&format!(r#"{{"f64":{spelled}}}"#)));
    }
    assert!(to_json(&one(Scalar::F32(0.1), 0.0)).contains(r#"{"f32":0.1}"#));
    for wrong in [r#""nan:1""#, r#""Infinity""#, "1e999", "null", "1e39"] {
        let text = to_json(&one(Scalar::F32(0.1), 0.0)).replace(r#"{"f32":0.1}"#, &format!(r#"{{"f32":{wrong}}}"#));
        assert!(from_json_unverified(&text).is_err(), "{wrong}");
    }
}

/// A plan whose one operation has the number and the float as attributes.
fn one(value: Scalar, float: f64) -> Plan {
    let mut plan = Plan::new("p");
    let mut op = Op::new("any.op", vec![], vec![]);
    let list = Attribute::List(vec![Attribute::Scalar(value), Attribute::Float(float)]);
    op.attributes = Attributes::from([("list".to_owned(), list)]);
    plan.body.ops.push(op);
    plan
}

/// The bits of the two attributes of [`one`].
fn bits(plan: &Plan) -> (u64, u64) {
    let Some(Attribute::List(list)) = plan.body.ops[0].attribute("list") else {
        panic!("the list is gone")
    };
    let (Attribute::Scalar(value), Attribute::Float(float)) = (&list[0], &list[1]) else {
        panic!("the list changed")
    };
    let value = match value {
        Scalar::F32(value) => u64::from(value.to_bits()),
        Scalar::F64(value) => value.to_bits(),
        other => other.as_i64() as u64,
    };
    (value, float.to_bits())
}

fn scalars() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<u32>().prop_map(|bits| Scalar::F32(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Scalar::F64(f64::from_bits(bits))),
        any::<i32>().prop_map(Scalar::I32),
        any::<i64>().prop_map(Scalar::I64),
        any::<bool>().prop_map(Scalar::Bool),
    ]
}

proptest! {
    #[test]
    fn numbers_keep_every_bit_in_both_forms(value in scalars(), float in any::<u64>()) {
        let plan = one(value, f64::from_bits(float));
        let from_json = from_json_unverified(&to_json(&plan)).unwrap();
        prop_assert_eq!(bits(&from_json), bits(&plan));
        let from_text = text::parse_unverified(&text::print(&plan), &Registry::core()).unwrap();
        prop_assert_eq!(bits(&from_text), bits(&plan), "{}", plan);
    }

    #[test]
    fn what_is_written_fits_the_schema(
        program in programs(Config { elements: 1, decorated: true, ..Config::default() }),
        value in scalars(),
    ) {
        let validator = jsonschema::validator_for(&serde_json::from_str(&schema()).unwrap()).unwrap();
        for plan in [program.plan, one(value, f64::NAN)] {
            let instance = serde_json::from_str(&to_json(&plan)).unwrap();
            if let Err(error) = validator.validate(&instance) {
                prop_assert!(false, "{error} at {}", error.instance_path());
            }
        }
    }
}

#[test]
fn the_schema_is_published() {
    expect_test::expect_file!["../../schema/plan.schema.json"].assert_eq(&(schema() + "\n"));
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema()).unwrap()).unwrap();
    let good = by_hand(r#"{"name": "core.neg", "operands": [0], "results": [1]}"#, "[1]");
    assert!(validator.is_valid(&serde_json::from_str(&good).unwrap()));
    assert!(from_json(&good, &Registry::core()).is_ok());
    for (from, to) in [
        (r#""format": 1"#, r#""format": 2"#),
        (r#""name": "p", "#, ""),
        (r#""dims""#, r#""sizes""#),
        (r#""f64""#, r#""f65""#),
        (r#""operands": [0]"#, r#""operands": [-1]"#),
        (r#""operands": [0]"#, r#""operands": ["x"]"#),
        (r#""results": [1]"#, r#""results": [1], "location": {"file": 3}"#),
        (
            r#""results": [1]"#,
            r#""results": [1], "attributes": {"a": {"float": "infinite"}}"#,
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(!validator.is_valid(&serde_json::from_str(&bad).unwrap()), "{to}");
        assert!(from_json(&bad, &Registry::core()).is_err(), "{to}");
    }
}
