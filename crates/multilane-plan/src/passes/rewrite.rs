//! What passes share: which values an operation reads, what has effects, and replacing values.

use std::collections::HashMap;

use crate::plan::{Op, Region, ValueId};
use crate::registry::{Form, Registry};
use crate::types::Scalar;

/// The name of the loop operation.
pub(crate) const LOOP: &str = "core.loop";
/// The name of the operation that runs several element-wise ones in one pass over memory.
pub(crate) const FUSED: &str = "core.fused";

/// Calls `visit` with every value an operation reads: its operands, and what its regions read from outside.
/// Values that its regions make themselves are included; nothing outside can be confused with them.
pub(crate) fn for_each_value_read(op: &Op, visit: &mut impl FnMut(ValueId)) {
    fn inside(op: &Op, visit: &mut dyn FnMut(ValueId)) {
        op.operands.iter().for_each(|value| visit(*value));
        for region in &op.regions {
            region.ops.iter().for_each(|op| inside(op, visit));
            region.yields.iter().for_each(|value| visit(*value));
        }
    }
    inside(op, visit);
}

/// Whether running an operation does more than give its results. Unknown operations count as if they did.
pub(crate) fn has_effects(op: &Op, registry: &Registry) -> bool {
    match registry.get(&op.name) {
        Some(def) if def.form == Form::Control => {
            let mut inner = op.regions.iter().flat_map(|region| &region.ops);
            inner.any(|op| has_effects(op, registry))
        }
        Some(def) => !def.pure_op,
        None => true,
    }
}

/// How often each value is read, by operations and as what goes out of a region.
pub(crate) fn count_reads(region: &Region, counts: &mut HashMap<ValueId, usize>) {
    for op in &region.ops {
        op.operands
            .iter()
            .for_each(|value| *counts.entry(*value).or_default() += 1);
        op.regions.iter().for_each(|region| count_reads(region, counts));
    }
    region
        .yields
        .iter()
        .for_each(|value| *counts.entry(*value).or_default() += 1);
}

/// Values to be read in place of others.
#[derive(Debug, Default)]
pub(crate) struct Replacements(HashMap<ValueId, ValueId>);

impl Replacements {
    /// From now on `new` is read instead of `old`.
    pub(crate) fn insert(&mut self, old: ValueId, new: ValueId) {
        let new = self.of(new);
        self.0.insert(old, new);
    }

    /// What is read instead of a value: itself when it was not replaced.
    pub(crate) fn of(&self, value: ValueId) -> ValueId {
        let mut value = value;
        while let Some(&new) = self.0.get(&value) {
            value = new;
        }
        value
    }

    /// Replaces the operands of one operation, without its regions.
    pub(crate) fn apply_to_operands(&self, op: &mut Op) {
        op.operands.iter_mut().for_each(|value| *value = self.of(*value));
    }

    /// Replaces everything that is read in a region and in those inside it.
    pub(crate) fn apply(&self, region: &mut Region) {
        if self.0.is_empty() {
            return;
        }
        for op in &mut region.ops {
            self.apply_to_operands(op);
            op.regions.iter_mut().for_each(|region| self.apply(region));
        }
        region.yields.iter_mut().for_each(|value| *value = self.of(*value));
    }
}

/// Notes the numbers of constants that an operation makes.
pub(crate) fn note_constant(op: &Op, constants: &mut HashMap<ValueId, Scalar>) {
    if let (Some(value), Some(result)) = (op.constant(), op.results.first()) {
        constants.insert(*result, value);
    }
}
