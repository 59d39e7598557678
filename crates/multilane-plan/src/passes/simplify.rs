//! Applies algebraic identities that hold exactly, for every number of the type.
//!
//! Rewrites operations of the `core` dialect by the list in `identities`, makes up no
//! array where a scalar will do, and drops what a loop carries unchanged. Never
//! relies on real arithmetic: `x + 0.0` stays, because it turns `-0.0` into `0.0`.

use std::collections::HashMap;

use super::identities::{Change, Known, Operand, identity};
use super::rewrite::{FUSED, LOOP, Replacements, count_reads, has_effects, note_constant};
use crate::plan::{Attribute, Attributes, Op, Plan, Region, ValueId};
use crate::registry::{Form, Registry};
use crate::types::{Extent, Scalar, ValueType};

/// More rewrites of one operation than there are identities to follow each other.
const MOST_REWRITES: usize = 8;

/// Applies identities; returns how many operations were rewritten or removed.
pub fn simplify(plan: &mut Plan, registry: &Registry) -> usize {
    let mut body = std::mem::take(&mut plan.body);
    let mut reads = HashMap::new();
    count_reads(&body, &mut reads);
    let mut work = Simplification {
        plan,
        registry,
        reads,
        known: Known::default(),
        replacements: Replacements::default(),
        changed: 0,
    };
    work.region(&mut body);
    work.replacements.apply(&mut body);
    let changed = work.changed;
    plan.body = body;
    changed
}

struct Simplification<'a> {
    plan: &'a mut Plan,
    registry: &'a Registry,
    reads: HashMap<ValueId, usize>,
    known: Known,
    replacements: Replacements,
    changed: usize,
}

impl Simplification<'_> {
    fn region(&mut self, region: &mut Region) {
        for mut op in std::mem::take(&mut region.ops) {
            self.replacements.apply_to_operands(&mut op);
            let stays = match op.name.as_str() {
                FUSED => true,
                LOOP => {
                    op.regions.iter_mut().for_each(|inner| self.region(inner));
                    self.settle_loop(&mut op, &mut region.ops)
                }
                _ => self.operation(&mut op, &mut region.ops),
            };
            if stays {
                note_constant(&op, &mut self.known.constants);
                if let [result] = op.results[..]
                    && op.regions.is_empty()
                {
                    self.known.ops.insert(result, op.clone());
                }
                region.ops.push(op);
            }
        }
        let replacements = &self.replacements;
        region
            .yields
            .iter_mut()
            .for_each(|value| *value = replacements.of(*value));
    }

    /// Rewrites one operation as far as it goes; false when its result is replaced.
    fn operation(&mut self, op: &mut Op, before: &mut Vec<Op>) -> bool {
        for _ in 0..MOST_REWRITES {
            let [result] = op.results[..] else { return true };
            if self.unspread(op, before) {
                self.changed += 1;
                continue;
            }
            let Some(change) = identity(self.plan, &self.known, op) else {
                return true;
            };
            self.changed += 1;
            match change {
                Change::Value(value) if self.plan.ty(value) == self.plan.ty(result) => {
                    self.replacements.insert(result, value);
                    return false;
                }
                Change::Value(value) => become_op(op, "core.broadcast", vec![value]),
                Change::Number(number) if self.plan.ty(result).extent() == Some(Extent::Scalar) => {
                    become_op(op, "core.constant", Vec::new());
                    op.attributes.insert("value".to_owned(), Attribute::Scalar(number));
                }
                Change::Number(number) => {
                    let value = self.constant(number, op, before);
                    become_op(op, "core.broadcast", vec![value]);
                }
                Change::Op(name, operands) => {
                    let operands = operands
                        .into_iter()
                        .map(|operand| match operand {
                            Operand::Value(value) => value,
                            Operand::Number(number) => self.constant(number, op, before),
                        })
                        .collect();
                    // A cast keeps what it casts to.
                    let attributes = (name == op.name).then(|| op.attributes.clone());
                    become_op(op, name, operands);
                    op.attributes = attributes.unwrap_or_default();
                }
            }
        }
        true
    }

    /// Reads a scalar where an element-wise operation reads an array that is this scalar everywhere.
    fn unspread(&mut self, op: &mut Op, before: &mut Vec<Op>) -> bool {
        let elementwise = self
            .registry
            .get(&op.name)
            .is_some_and(|def| def.form == Form::Elementwise);
        if !elementwise || op.name == "core.broadcast" || op.operands.is_empty() {
            return false;
        }
        let spread: Vec<Option<ValueId>> = op.operands.iter().map(|value| self.known.broadcast(*value)).collect();
        if spread.iter().all(Option::is_none) {
            return false;
        }
        let is_array = |value: &ValueId| matches!(self.plan.ty(*value).extent(), Some(Extent::Dim(_)));
        let shaped = op
            .operands
            .iter()
            .zip(&spread)
            .any(|(value, scalar)| scalar.is_none() && is_array(value));
        for (operand, scalar) in op.operands.iter_mut().zip(&spread) {
            *operand = scalar.unwrap_or(*operand);
        }
        if shaped {
            return true;
        }
        // All operands are scalars now: compute one number and spread that.
        let Some(dtype) = self.plan.ty(op.results[0]).dtype() else {
            return false;
        };
        let number = self.plan.value(ValueType::scalar(dtype), None);
        let mut computed = op.clone();
        computed.results = vec![number];
        self.known.ops.insert(number, computed.clone());
        before.push(computed);
        become_op(op, "core.broadcast", vec![number]);
        true
    }

    /// A new constant, written before the operation that needs it.
    fn constant(&mut self, number: Scalar, near: &Op, before: &mut Vec<Op>) -> ValueId {
        let value = self.plan.value(ValueType::scalar(number.dtype()), None);
        let mut op = Op::new("core.constant", Vec::new(), vec![value]);
        op.attributes.insert("value".to_owned(), Attribute::Scalar(number));
        op.location = near.location.clone();
        self.known.constants.insert(value, number);
        before.push(op);
        value
    }

    /// Drops what a loop carries unchanged and what is known of how it ends; false when the loop does nothing.
    fn settle_loop(&mut self, op: &mut Op, before: &mut Vec<Op>) -> bool {
        let count = op.int("count").unwrap_or(0).max(0);
        let carried = op.operands.len();
        let well_formed = op.regions.len() == 1
            && op.results.len() == carried + 2
            && op.regions[0].parameters.len() == carried
            && op.regions[0].yields.len() >= carried;
        if !well_formed {
            return true;
        }
        if count == 0 || !op.flag("until") {
            let (iterations, converged) = (op.results[carried], op.results[carried + 1]);
            self.settle(iterations, Scalar::I64(count), op, before);
            self.settle(converged, Scalar::Bool(false), op, before);
        }
        if count == 0 && !has_effects(op, self.registry) {
            for (result, operand) in op.results.iter().zip(&op.operands) {
                self.replacements.insert(*result, *operand);
            }
            self.changed += 1;
            return false;
        }
        for index in (0..carried).rev() {
            let region = &mut op.regions[0];
            let (parameter, operand, after) = (region.parameters[index], op.operands[index], region.yields[index]);
            if after != parameter && after != operand {
                continue;
            }
            self.replacements.insert(parameter, operand);
            self.replacements.insert(op.results[index], operand);
            op.operands.remove(index);
            op.results.remove(index);
            region.parameters.remove(index);
            region.yields.remove(index);
            self.changed += 1;
        }
        true
    }

    /// Replaces a result that is a known number, when anything reads it.
    fn settle(&mut self, result: ValueId, number: Scalar, op: &Op, before: &mut Vec<Op>) {
        if self.reads.get(&result).is_some_and(|reads| *reads > 0) {
            let value = self.constant(number, op, before);
            self.replacements.insert(result, value);
            self.changed += 1;
        }
    }
}

/// Makes another operation of it, with the same results.
fn become_op(op: &mut Op, name: &str, operands: Vec<ValueId>) {
    op.name = name.to_owned();
    op.operands = operands;
    op.attributes = Attributes::new();
}
