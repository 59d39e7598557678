//! The plan itself: operations in static single assignment, in nested regions.
//!
//! Pure data. Every value is written once, by an operation or as a parameter of a
//! region; a region sees the values of the regions around it, unless its operation is
//! isolated (`core.fused`). Nothing here checks anything: that is `verify`'s work.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::{DType, DimId, Scalar, ValueType};

/// A value of a plan; an index into [`Plan::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ValueId(pub u32);

/// A fact about an operation that is known when the plan is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Attribute {
    /// A flag.
    Bool(bool),
    /// A count, an axis, a seed.
    Int(i64),
    /// A float that is not a value of the plan (a tolerance, an epsilon).
    Float(
        #[serde(with = "crate::json::float64")]
        #[schemars(with = "crate::json::Float")]
        f64,
    ),
    /// A name or a mode.
    Text(String),
    /// An element type, as of `core.cast`.
    DType(DType),
    /// A number with its type, as of `core.constant`.
    Scalar(Scalar),
    /// Several of them.
    List(Vec<Attribute>),
}

/// Attributes by name, in the order of their names.
pub type Attributes = BTreeMap<String, Attribute>;

/// Where in the user's source an operation was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// The file, as the interpreter names it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// Dialect and name: `core.add`.
    pub name: String,
    /// The values it reads.
    #[serde(default)]
    pub operands: Vec<ValueId>,
    /// The values it writes.
    #[serde(default)]
    pub results: Vec<ValueId>,
    /// What else it needs to know.
    #[serde(default)]
    pub attributes: Attributes,
    /// Its bodies: one for `core.loop` and `core.fused`, none for most.
    #[serde(default)]
    pub regions: Vec<Region>,
    /// Where it was written.
    #[serde(default)]
    pub location: Option<Location>,
}

impl Op {
    /// An operation without attributes, regions or location.
    pub fn new(name: impl Into<String>, operands: Vec<ValueId>, results: Vec<ValueId>) -> Self {
        Self {
            name: name.into(),
            operands,
            results,
            attributes: Attributes::new(),
            regions: Vec::new(),
            location: None,
        }
    }

    /// The dialect's name: what stands before the dot.
    pub fn dialect(&self) -> &str {
        self.name.split_once('.').map_or("", |(dialect, _)| dialect)
    }

    /// An attribute by its name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }

    /// A whole number by its name.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attributes.get(name) {
            Some(Attribute::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// A float by its name; whole numbers count.
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.attributes.get(name) {
            Some(Attribute::Float(value)) => Some(*value),
            Some(Attribute::Int(value)) => Some(*value as f64),
            _ => None,
        }
    }

    /// A text by its name.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attribute::Text(value)) => Some(value),
            _ => None,
        }
    }

    /// A flag by its name; absent means false.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.attributes.get(name), Some(Attribute::Bool(true)))
    }

    /// The number of a `core.constant`.
    pub fn constant(&self) -> Option<Scalar> {
        match self.attributes.get("value") {
            Some(Attribute::Scalar(value)) if self.name == "core.constant" => Some(*value),
            _ => None,
        }
    }
}

/// A list of operations with what comes in and what goes out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Values that come in: a plan's inputs, a loop's carried values, a fused operation's operands.
    pub parameters: Vec<ValueId>,
    /// The operations, each after those it reads from.
    pub ops: Vec<Op>,
    /// Values that go out.
    pub yields: Vec<ValueId>,
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueInfo {
    /// Its type.
    pub ty: ValueType,
    /// The name its user gave it; printed, never relied on.
    #[serde(default)]
    pub name: Option<String>,
}

/// A program over arrays and graphs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Names of sizes, by [`DimId`]; a number is the name of that size.
    pub dims: Vec<String>,
    /// Every value, by [`ValueId`]. Values that no operation writes any more may stay.
    pub values: Vec<ValueInfo>,
    /// Names of the inputs, one for each parameter of the body.
    pub inputs: Vec<String>,
    /// Names of the outputs, one for each value the body yields.
    pub outputs: Vec<String>,
    /// The operations.
    pub body: Region,
}

impl Plan {
    /// A plan without inputs, operations or outputs.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The size with a name, entered if it is new.
    pub fn dim(&mut self, name: &str) -> DimId {
        let index = self.dims.iter().position(|dim| dim == name).unwrap_or_else(|| {
            self.dims.push(name.to_owned());
            self.dims.len() - 1
        });
        DimId(index as u32)
    }

    /// The number of elements that a size has by its name: `4` is 4. Other sizes come in with inputs.
    pub fn fixed_size(&self, dim: DimId) -> Option<usize> {
        self.dims.get(dim.0 as usize).and_then(|name| fixed_size(name))
    }

    /// A new value.
    pub fn value(&mut self, ty: ValueType, name: Option<String>) -> ValueId {
        self.values.push(ValueInfo { ty, name });
        ValueId((self.values.len() - 1) as u32)
    }

    /// What is known of a value.
    ///
    /// # Panics
    /// When the value is of another plan; a verified plan has no such values.
    pub fn info(&self, value: ValueId) -> &ValueInfo {
        &self.values[value.0 as usize]
    }

    /// The type of a value; panics as [`Plan::info`] does.
    pub fn ty(&self, value: ValueId) -> &ValueType {
        &self.info(value).ty
    }

    /// The values that are written, in the order of the text form: inputs, then for each
    /// operation its results and, inside its regions, parameters and operations.
    pub fn written(&self) -> Vec<ValueId> {
        let mut values = Vec::new();
        region_values(&self.body, &mut values);
        values
    }

    /// The same plan with values numbered by [`Plan::written`], and those that nothing writes left out.
    pub fn compacted(&self) -> Self {
        let written = self.written();
        let numbers: BTreeMap<ValueId, ValueId> = written
            .iter()
            .enumerate()
            .map(|(number, value)| (*value, ValueId(number as u32)))
            .collect();
        let mut plan = self.clone();
        plan.values = written
            .iter()
            .filter_map(|value| self.values.get(value.0 as usize).cloned())
            .collect();
        renumber(&mut plan.body, &numbers);
        plan
    }
}

/// The size that a name says; as numbers are written, and no other way, so that equal sizes have equal names.
pub(crate) fn fixed_size(name: &str) -> Option<usize> {
    let size: usize = name.parse().ok()?;
    (size.to_string() == name).then_some(size)
}

fn region_values(region: &Region, values: &mut Vec<ValueId>) {
    values.extend(&region.parameters);
    for op in &region.ops {
        values.extend(&op.results);
        for inner in &op.regions {
            region_values(inner, values);
        }
    }
}

fn renumber(region: &mut Region, numbers: &BTreeMap<ValueId, ValueId>) {
    let change = |values: &mut Vec<ValueId>| {
        for value in values {
            *value = numbers.get(value).copied().unwrap_or(*value);
        }
    };
    change(&mut region.parameters);
    change(&mut region.yields);
    for op in &mut region.ops {
        change(&mut op.operands);
        change(&mut op.results);
        for inner in &mut op.regions {
            renumber(inner, numbers);
        }
    }
}
