//! Any text is read as an expression or refused, and makes a valid plan.
#![no_main]

use std::collections::BTreeMap;

use multilane_plan::{Builder, DType, Operand, Registry, expression};

libfuzzer_sys::fuzz_target!(|source: &str| {
    let _ = expression::names(source);
    let mut builder = Builder::new("expression", Registry::core());
    let names: BTreeMap<String, Operand> = [("a", DType::F64), ("b", DType::I64), ("c", DType::Bool)]
        .into_iter()
        .map(|(name, dtype)| {
            let value = builder.array(name, dtype, "n").expect("names differ");
            (name.to_owned(), value.into())
        })
        .collect();
    if let Err(error) = expression::parse_into(&mut builder, source, &names) {
        assert!(!error.report().is_empty());
    }
});
