//! Whatever comes in, readers, the verifier and the printers answer and never panic.

use std::collections::BTreeMap;

use multilane_plan::{
    Attribute, Builder, DType, DimId, Extent, Location, Op, Operand, Plan, Region, Registry, Scalar, ValueId,
    ValueInfo, ValueType, expression, json, text, verify,
};
use proptest::prelude::*;

const PLAN: &str = r#"plan smooth(%x: f64[n], "the limit" = %limit: f64, %g: graph<n, edges>) {
  sizes edges, n
  %half: f64 = core.constant nan(0x7ff8000000000001)
  %y: f64[n], %rounds: i64, %done: bool = core.loop(%x) {count = 20, until = true} (%"an old": f64[n]) {
    %new = core.mul(%"an old", %half)
    %size: f64 = core.norm(%new) {ord = "l2"} at "smooth.py":7
    %small: bool = core.lt(%size, %limit)
    yield %new, %small
  }
  return %y, rounds = %rounds
}
"#;
const FORMULA: &str = "where(a > 1.5e-3, a*b + c**2, -min(a, b)) / (norm(b, 1) + sin(c)) & ~(a == 0x1f)";

fn read_all(text: &str) {
    let registry = Registry::core();
    let _ = text::parse(text, &registry);
    let _ = json::from_json(text, &registry);
    let _ = expression::names(text);
    let mut builder = Builder::new("formula", registry);
    let names: BTreeMap<String, Operand> = ["a", "b", "c"]
        .iter()
        .map(|name| {
            let value = builder.array(name, DType::F64, "n").expect("names differ");
            ((*name).to_owned(), value.into())
        })
        .collect();
    let _ = expression::parse_into(&mut builder, text, &names).map_err(|error| error.report());
}

/// A text with some of its pieces moved, doubled, left out or replaced.
fn damaged(text: &'static str) -> impl Strategy<Value = String> {
    let pieces: Vec<&'static str> = text.split_inclusive(|c: char| !c.is_alphanumeric()).collect();
    let count = pieces.len();
    let change = (0..count, 0..count, 0..4_u8, any::<char>());
    proptest::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        for (at, other, kind, character) in changes {
            match kind {
                0 => pieces[at] = String::new(),
                1 => pieces[at] = pieces[other].clone(),
                2 => pieces[at].push(character),
                _ => pieces.swap(at, other),
            }
        }
        pieces.concat()
    })
}

fn json_plan() -> &'static str {
    static TEXT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    TEXT.get_or_init(|| {
        let text = PLAN.replace("sizes edges, n\n", "");
        json::to_json_pretty(&text::parse(&text, &Registry::core()).expect("the plan is valid"))
    })
}

fn types() -> impl Strategy<Value = ValueType> {
    let extents = prop_oneof![Just(Extent::Scalar), (0..3_u32).prop_map(|dim| Extent::Dim(DimId(dim)))];
    prop_oneof![
        4 => (proptest::sample::select(&DType::ALL[..]), extents)
            .prop_map(|(dtype, extent)| ValueType::Tensor { dtype, extent }),
        1 => ("[a-z<]{0,3}", proptest::collection::vec((0..3_u32).prop_map(DimId), 0..3))
            .prop_map(|(kind, dims)| ValueType::Opaque { kind, dims }),
    ]
}

fn attributes() -> impl Strategy<Value = Attribute> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Attribute::Bool),
        (-3..4_i64).prop_map(Attribute::Int),
        any::<f64>().prop_map(Attribute::Float),
        "\\PC{0,4}".prop_map(Attribute::Text),
        proptest::sample::select(&DType::ALL[..]).prop_map(Attribute::DType),
        any::<f32>().prop_map(|value| Attribute::Scalar(Scalar::F32(value))),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        proptest::collection::vec(inner, 0..3).prop_map(Attribute::List)
    })
}

fn values() -> impl Strategy<Value = Vec<ValueId>> {
    proptest::collection::vec((0..10_u32).prop_map(ValueId), 0..4)
}

fn regions() -> impl Strategy<Value = Region> {
    let mut names: Vec<String> = Registry::core().iter().map(|def| def.name.to_owned()).collect();
    names.extend(["yield", "", "no.op", "core.", "a b"].map(str::to_owned));
    let known = ["value", "count", "until", "ord", "to", "epsilon", "odd name"].map(str::to_owned);
    let op = (
        proptest::sample::select(names),
        values(),
        values(),
        proptest::collection::btree_map(proptest::sample::select(known.to_vec()), attributes(), 0..3),
        proptest::option::of("\\PC{0,4}"),
    )
        .prop_map(|(name, operands, results, attributes, file)| Op {
            attributes,
            location: file.map(|file| Location { file, line: 1 }),
            ..Op::new(name, operands, results)
        })
        .boxed();
    let flat = (values(), proptest::collection::vec(op.clone(), 0..6), values());
    flat.prop_map(|(parameters, ops, yields)| Region {
        parameters,
        ops,
        yields,
    })
    .prop_recursive(3, 24, 3, move |inner| {
        let op = (op.clone(), proptest::collection::vec(inner, 0..2)).prop_map(|(op, regions)| Op { regions, ..op });
        (values(), proptest::collection::vec(op, 0..6), values()).prop_map(|(parameters, ops, yields)| Region {
            parameters,
            ops,
            yields,
        })
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    let infos = (types(), proptest::option::of("\\PC{0,3}")).prop_map(|(ty, name)| ValueInfo { ty, name });
    let names = || proptest::collection::vec("[a-c]{0,2}", 0..3);
    (
        ".{0,4}",
        names(),
        proptest::collection::vec(infos, 0..10),
        names(),
        names(),
        regions(),
    )
        .prop_map(|(name, dims, values, inputs, outputs, body)| Plan {
            name,
            dims,
            values,
            inputs,
            outputs,
            body,
        })
}

proptest! {
    #[test]
    fn on_any_text(text in "(?s).{0,200}") {
        read_all(&text);
    }

    #[test]
    fn on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn on_a_soup_of_tokens(tokens in proptest::collection::vec(
        proptest::sample::select(vec![
            "plan", "p", "(", ")", "{", "}", "[", "]", "<", ">", ",", ":", "=", "%x", "%y", "%0", "%\"a\"", "f64", "n",
            "core.add", "core.loop", "core.constant", "count", "true", "1", "-2.5", "nan", "\"t\"", "yield", "return",
            "at", "sizes", "graph", "//", "\n", "sin", "**", "-", "~", "where", "&", "a",
        ]),
        0..60,
    )) {
        read_all(&tokens.join(" "));
        read_all(&format!("plan p(%x: f64[n]) {{ {} }}", tokens.join(" ")));
    }

    #[test]
    fn on_damaged_texts(text in damaged(PLAN), formula in damaged(FORMULA), json in damaged(json_plan())) {
        read_all(&text);
        read_all(&formula);
        read_all(&json);
    }

    #[test]
    fn on_plans_that_do_not_hold_together(plan in plans()) {
        let registry = Registry::core();
        let verdict = verify(&plan, &registry);
        let _ = plan.to_string();
        let _ = multilane_plan::dot::to_dot(&plan);
        let again = json::from_json_unverified(&json::to_json(&plan)).unwrap();
        // NaN differs from itself, so the texts are compared.
        prop_assert_eq!(json::to_json(&again), json::to_json(&plan));
        if verdict.is_ok() {
            let read = text::parse(&text::print(&plan), &registry);
            prop_assert!(read.is_ok(), "{plan}: {read:?}");
        }
    }
}
