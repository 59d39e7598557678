//! Print a plan as text. Never panics, whatever the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::attributes::{self, number};
use super::names::{identifier, is_identifier, quoted, type_name};
use crate::plan::{Op, Plan, Region, ValueId};
use crate::types::{DimId, Extent, ValueType};

/// The plan as text, with the lines its operations were written at.
pub fn print(plan: &Plan) -> String {
    Printer::new(plan, true).plan()
}

/// The same without lines of the user's source, for reading.
pub fn print_without_locations(plan: &Plan) -> String {
    Printer::new(plan, false).plan()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self))
    }
}

struct Printer<'a> {
    plan: &'a Plan,
    locations: bool,
    labels: BTreeMap<ValueId, String>,
    out: String,
}

impl<'a> Printer<'a> {
    fn new(plan: &'a Plan, locations: bool) -> Self {
        Self {
            plan,
            locations,
            labels: labels(plan),
            out: String::new(),
        }
    }

    fn plan(mut self) -> String {
        let plan = self.plan;
        let parameters: Vec<String> = plan
            .body
            .parameters
            .iter()
            .enumerate()
            .map(|(index, value)| {
                self.with_name(plan.inputs.get(index), *value) + &format!(": {}", self.type_of(*value))
            })
            .collect();
        let _ = writeln!(
            self.out,
            "plan {}({}) {{",
            identifier(&plan.name),
            parameters.join(", ")
        );
        if sizes_in_order(plan) != plan.dims {
            let sizes: Vec<String> = plan.dims.iter().map(|dim| identifier(dim)).collect();
            let _ = writeln!(self.out, "  sizes {}", sizes.join(", "));
        }
        for op in &plan.body.ops {
            self.op(op, 1);
        }
        let outputs: Vec<String> = plan
            .body
            .yields
            .iter()
            .enumerate()
            .map(|(index, value)| self.with_name(plan.outputs.get(index), *value))
            .collect();
        self.last_line("return", &outputs, 1);
        self.out.push_str("}\n");
        self.out
    }

    /// `%x` when the input or output is called as its value is, else `name = %x`.
    fn with_name(&self, name: Option<&String>, value: ValueId) -> String {
        let label = self.label(value);
        let of_value = self
            .plan
            .values
            .get(value.0 as usize)
            .and_then(|info| info.name.as_ref());
        match name {
            Some(name) if of_value != Some(name) => format!("{} = {label}", identifier(name)),
            _ => label,
        }
    }

    fn op(&mut self, op: &Op, depth: usize) {
        let indent = "  ".repeat(depth);
        self.out.push_str(&indent);
        if !op.results.is_empty() {
            let results: Vec<String> = op
                .results
                .iter()
                .map(|value| format!("{}: {}", self.label(*value), self.type_of(*value)))
                .collect();
            let _ = write!(self.out, "{} = ", results.join(", "));
        }
        let plain = op.name.contains('.') && op.name.split('.').all(is_identifier);
        self.out
            .push_str(&if plain { op.name.clone() } else { quoted(&op.name) });
        if let Some(value) = self.plain_constant(op) {
            let _ = write!(self.out, " {}", number(value));
        } else {
            let operands: Vec<String> = op.operands.iter().map(|value| self.label(*value)).collect();
            let _ = write!(self.out, "({})", operands.join(", "));
            if !op.attributes.is_empty() {
                let _ = write!(self.out, " {}", attributes::print(&op.attributes));
            }
        }
        for region in &op.regions {
            self.region(region, depth);
        }
        if self.locations
            && let Some(location) = &op.location
        {
            let _ = write!(self.out, " at {}:{}", quoted(&location.file), location.line);
        }
        self.out.push('\n');
    }

    /// The number of a constant that has nothing unusual about it.
    fn plain_constant(&self, op: &Op) -> Option<crate::Scalar> {
        let value = op.constant()?;
        let [result] = op.results.as_slice() else { return None };
        let ty = &self.plan.values.get(result.0 as usize)?.ty;
        (op.operands.is_empty()
            && op.attributes.len() == 1
            && op.regions.is_empty()
            && *ty == ValueType::scalar(value.dtype()))
        .then_some(value)
    }

    fn region(&mut self, region: &Region, depth: usize) {
        let parameters: Vec<String> = region
            .parameters
            .iter()
            .map(|value| format!("{}: {}", self.label(*value), self.type_of(*value)))
            .collect();
        let _ = writeln!(self.out, " ({}) {{", parameters.join(", "));
        for op in &region.ops {
            self.op(op, depth + 1);
        }
        let yields: Vec<String> = region.yields.iter().map(|value| self.label(*value)).collect();
        self.last_line("yield", &yields, depth + 1);
        let _ = write!(self.out, "{}}}", "  ".repeat(depth));
    }

    fn last_line(&mut self, word: &str, values: &[String], depth: usize) {
        let space = if values.is_empty() { "" } else { " " };
        let _ = writeln!(self.out, "{}{word}{space}{}", "  ".repeat(depth), values.join(", "));
    }

    fn label(&self, value: ValueId) -> String {
        match self.labels.get(&value) {
            Some(label) => label.clone(),
            None => format!("%?{}", value.0),
        }
    }

    fn type_of(&self, value: ValueId) -> String {
        match self.plan.values.get(value.0 as usize) {
            Some(info) => type_name(self.plan, &info.ty),
            None => "?".to_owned(),
        }
    }
}

/// What each value is called in the text: by its name, with a number behind it when another
/// one has the name, or by a number alone.
fn labels(plan: &Plan) -> BTreeMap<ValueId, String> {
    let mut labels = BTreeMap::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut repeats: BTreeMap<String, usize> = BTreeMap::new();
    let mut unnamed = 0;
    for value in plan.written() {
        let label = match plan.values.get(value.0 as usize).and_then(|info| info.name.as_ref()) {
            None => {
                unnamed += 1;
                format!("%{}", unnamed - 1)
            }
            Some(name) => {
                let base = format!("%{}", identifier(name));
                let mut label = base.clone();
                while taken.contains(&label) {
                    let repeat = repeats.entry(base.clone()).or_insert(0);
                    *repeat += 1;
                    label = format!("{base}.{repeat}");
                }
                taken.insert(label.clone());
                label
            }
        };
        labels.entry(value).or_insert(label);
    }
    labels
}

/// The names of the sizes as a reader of the text meets them.
fn sizes_in_order(plan: &Plan) -> Vec<String> {
    let mut met: Vec<DimId> = Vec::new();
    for value in plan.written() {
        let dims = match plan.values.get(value.0 as usize).map(|info| &info.ty) {
            Some(ValueType::Tensor {
                extent: Extent::Dim(dim),
                ..
            }) => std::slice::from_ref(dim),
            Some(ValueType::Opaque { dims, .. }) => dims.as_slice(),
            _ => &[],
        };
        for dim in dims {
            if !met.contains(dim) {
                met.push(*dim);
            }
        }
    }
    met.iter()
        .filter_map(|dim| plan.dims.get(dim.0 as usize).cloned())
        .collect()
}
