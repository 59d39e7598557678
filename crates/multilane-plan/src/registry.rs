//! What is known of operations: a dialect registers one definition for each.
//!
//! Verifier, passes, analyses and cost model are written once over these facts and
//! never ask for an operation by name.

use std::collections::BTreeMap;

use crate::plan::{Op, Plan};
use crate::types::{DimId, Scalar, ValueType};

/// How an operation makes its results from its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A number known when the plan is built; not counted as an operation.
    Constant,
    /// Element `i` of the result from elements `i` of the operands; scalars meet every element.
    Elementwise,
    /// A scalar from all elements of an array.
    Reduction,
    /// Any block of the result from whole operands (a neighbour aggregation); may lead a fused operation.
    Blockwise,
    /// Whole results from whole operands (a label mode, a traversal).
    Whole,
    /// Runs its regions: loops and fused operations.
    Control,
}

/// What an operation spends its time on; a cost model has one speed for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostClass {
    /// Nothing at run time.
    Free,
    /// Additions, multiplications, comparisons, selections.
    Arithmetic,
    /// Divisions and square roots.
    Division,
    /// Sine, exponential, logarithm, power.
    Transcendental,
    /// Sums and other reductions.
    Reduction,
    /// What is done with a number that is read at a place which data decides: the value of a neighbour.
    Gather,
    /// Going on to the next row of such places.
    Row,
    /// Counting how often a label occurs in a row.
    Count,
    /// Work that only one worker can do.
    Sequential,
}

/// What one execution costs, before anything is known of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// What kind of work it is.
    pub class: CostClass,
    /// Units of that work: elements, or edges for a gather.
    pub units: f64,
    /// Bytes read in order.
    pub read_bytes: f64,
    /// Bytes written in order.
    pub written_bytes: f64,
    /// Bytes of the area that is read at random places, once for each unit; 0 when none is.
    pub random_area_bytes: f64,
    /// Rows that the units stand in, of [`CostClass::Row`]; 0 when they stand in none.
    pub rows: f64,
}

impl Cost {
    /// No cost at all.
    pub const FREE: Self = Self {
        class: CostClass::Free,
        units: 0.0,
        read_bytes: 0.0,
        written_bytes: 0.0,
        random_area_bytes: 0.0,
        rows: 0.0,
    };
}

/// The sizes an estimate is made for.
pub trait Sizes {
    /// The number of elements of a named size.
    fn size(&self, dim: DimId) -> f64;
}

/// Computes an operation on constants; `None` where it must stay for run time.
pub type Fold = fn(&Op, &[Scalar]) -> Option<Scalar>;

/// Everything the passes and analyses know of one operation.
#[derive(Clone, Copy, Debug)]
pub struct OpDef {
    /// Dialect and name: `core.add`.
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// How results come from operands.
    pub form: Form,
    /// Same operands, same results, and nothing else happens: may be merged, moved and removed.
    pub pure_op: bool,
    /// May run at the same time as any other operation.
    pub thread_safe: bool,
    /// Listed by the ancestor as data-parallel; also what the static estimator counts.
    pub data_parallel: bool,
    /// Counts as heavy for the static estimator.
    pub heavy: bool,
    /// The first two operands may change places.
    pub commutative: bool,
    /// A result may lie in the memory of an operand of the same type.
    pub in_place: bool,
    /// The types of the results, or what is wrong with the operands and attributes.
    pub infer: fn(&Plan, &Op) -> Result<Vec<ValueType>, String>,
    /// What one execution costs.
    pub cost: fn(&Plan, &Op, &dyn Sizes) -> Cost,
    /// The result from constant scalars.
    pub fold: Option<Fold>,
}

impl OpDef {
    /// Whether its regions see only their own parameters, so that every outer value is an operand.
    pub fn isolated(&self) -> bool {
        self.name == "core.fused"
    }
}

/// The operations that exist.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    ops: BTreeMap<&'static str, OpDef>,
}

impl Registry {
    /// No operations.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The `core` dialect.
    pub fn core() -> Self {
        Self::empty().with(crate::core::dialect())
    }

    /// Adds the operations of a dialect; a later definition replaces an earlier one.
    #[must_use]
    pub fn with(mut self, ops: &[OpDef]) -> Self {
        self.ops.extend(ops.iter().map(|def| (def.name, *def)));
        self
    }

    /// The definition of an operation.
    pub fn get(&self, name: &str) -> Option<&OpDef> {
        self.ops.get(name)
    }

    /// All definitions, by name.
    pub fn iter(&self) -> impl Iterator<Item = &OpDef> {
        self.ops.values()
    }
}
