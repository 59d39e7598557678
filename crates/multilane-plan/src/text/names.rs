//! Names of values, sizes and types for people. Never panics, whatever the plan.

use std::fmt::Write as _;

use crate::plan::{Plan, ValueId, fixed_size};
use crate::types::{DimId, Extent, ValueType};

/// The name its user gave a value, or its number.
pub(crate) fn value_name(plan: &Plan, value: ValueId) -> String {
    match plan.values.get(value.0 as usize).and_then(|info| info.name.as_ref()) {
        Some(name) => name.clone(),
        None => format!("%{}", value.0),
    }
}

/// The name of a size.
pub(crate) fn dim_name(plan: &Plan, dim: DimId) -> String {
    match plan.dims.get(dim.0 as usize) {
        Some(name) if fixed_size(name).is_some() => name.clone(),
        Some(name) => identifier(name),
        None => format!("?{}", dim.0),
    }
}

/// A type as the text form writes it.
pub(crate) fn type_name(plan: &Plan, ty: &ValueType) -> String {
    match ty {
        ValueType::Tensor {
            dtype,
            extent: Extent::Scalar,
        } => dtype.to_string(),
        ValueType::Tensor {
            dtype,
            extent: Extent::Dim(dim),
        } => format!("{dtype}[{}]", dim_name(plan, *dim)),
        ValueType::Opaque { kind, dims } => {
            let dims: Vec<String> = dims.iter().map(|dim| dim_name(plan, *dim)).collect();
            format!("{}<{}>", identifier(kind), dims.join(", "))
        }
    }
}

/// Whether a name can stand in the text form without quotes.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

/// A name as the text form writes it: quoted unless it is an identifier.
pub(super) fn identifier(name: &str) -> String {
    if is_identifier(name) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A text in quotes, with escapes for what would not survive on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if other.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", other as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
