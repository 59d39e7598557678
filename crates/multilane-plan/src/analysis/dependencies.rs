//! The dependency graph of a plan, its execution levels and its critical path.
//!
//! Constants are not operations and neither are inputs; a loop is its body, once. Operations
//! with effects depend on the effects before them.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::passes::{LOOP, for_each_value_read, has_effects};
use crate::plan::{Op, Plan, Region, ValueId};
use crate::registry::{Form, OpDef, Registry};

/// An operation of the dependency graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its number, in the order of the plan.
    pub id: usize,
    /// Dialect and name.
    pub name: String,
    /// Its place: in the body, then region and place there, and so on.
    pub path: Vec<usize>,
    /// The first level at which everything it needs is there.
    pub level: usize,
    /// The operations it depends on.
    pub depends_on: Vec<usize>,
    /// Names of the values it reads, constants left out.
    pub inputs: Vec<String>,
    /// Names of the values it writes.
    pub outputs: Vec<String>,
    /// Whether it works on every element by itself.
    pub data_parallel: bool,
    /// Whether it may run at the same time as any other.
    pub thread_safe: bool,
    /// Whether it counts as heavy for the static estimator.
    pub heavy: bool,
}

impl Operation {
    /// The operation in its plan.
    pub fn find<'a>(&self, plan: &'a Plan) -> Option<&'a Op> {
        let mut region = &plan.body;
        let mut steps = self.path.iter();
        loop {
            let op = region.ops.get(*steps.next()?)?;
            match steps.next() {
                None => return Some(op),
                Some(number) => region = op.regions.get(*number)?,
            }
        }
    }

    /// Where its region is.
    pub fn region(&self) -> &[usize] {
        self.path.split_last().map_or(&[], |(_, region)| region)
    }
}

/// The dependency graph of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The operations.
    pub operations: Vec<Operation>,
    /// Their numbers by level.
    pub levels: Vec<Vec<usize>>,
    /// A longest chain of operations that depend on each other.
    pub critical_path: Vec<usize>,
}

/// Builds the dependency graph of a plan.
pub fn levels(plan: &Plan, registry: &Registry) -> Analysis {
    let mut walk = Walk {
        plan,
        registry,
        operations: Vec::new(),
        written: HashMap::new(),
    };
    walk.region(&plan.body, &[], 0);
    let operations = walk.operations;
    let mut levels = vec![Vec::new(); operations.iter().map(|op| op.level + 1).max().unwrap_or(0)];
    operations.iter().for_each(|op| levels[op.level].push(op.id));
    Analysis {
        critical_path: critical_path(&operations, |_| 1.0),
        operations,
        levels,
    }
}

/// The chain of dependent operations that weighs most.
pub(super) fn critical_path(operations: &[Operation], weight: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut longest: Vec<(f64, Option<usize>)> = Vec::with_capacity(operations.len());
    for op in operations {
        let before = op
            .depends_on
            .iter()
            .copied()
            .max_by(|a, b| longest[*a].0.total_cmp(&longest[*b].0));
        let length = before.map_or(0.0, |before| longest[before].0);
        longest.push((length + weight(op.id), before));
    }
    let mut at = (0..longest.len()).max_by(|a, b| longest[*a].0.total_cmp(&longest[*b].0).then(b.cmp(a)));
    let mut path = Vec::new();
    while let Some(id) = at {
        path.push(id);
        at = longest[id].1;
    }
    path.reverse();
    path
}

/// When a value is there and which operations it comes from.
#[derive(Clone, Default)]
struct Written {
    /// The first level that can read it.
    level: usize,
    by: BTreeSet<usize>,
    is_constant: bool,
}

struct Walk<'a> {
    plan: &'a Plan,
    registry: &'a Registry,
    operations: Vec<Operation>,
    written: HashMap<ValueId, Written>,
}

impl Walk<'_> {
    /// Goes through a region whose operations can start at a level; returns the level after its last.
    fn region(&mut self, region: &Region, path: &[usize], start: usize) -> usize {
        let mut end = start;
        let mut effect: Option<Written> = None;
        for (index, op) in region.ops.iter().enumerate() {
            let path = [path, &[index]].concat();
            let mut needs = self.needs(op, start);
            let effects = has_effects(op, self.registry);
            if effects && let Some(before) = &effect {
                needs.level = needs.level.max(before.level);
                needs.by.extend(&before.by);
            }
            let is_constant = self
                .registry
                .get(&op.name)
                .is_some_and(|def| def.form == Form::Constant);
            let after = if is_constant {
                Written {
                    is_constant: true,
                    ..Written::default()
                }
            } else if op.name == LOOP {
                self.repeat(op, &path, needs)
            } else {
                self.operation(op, path, needs)
            };
            end = end.max(after.level);
            if effects {
                effect = Some(after.clone());
            }
            if op.name != LOOP {
                op.results.iter().for_each(|result| {
                    self.written.insert(*result, after.clone());
                });
            }
        }
        end
    }

    /// What the operands of an operation need.
    fn needs(&self, op: &Op, start: usize) -> Written {
        let mut needs = Written {
            level: start,
            ..Written::default()
        };
        for written in op.operands.iter().filter_map(|value| self.written.get(value)) {
            needs.level = needs.level.max(written.level);
            needs.by.extend(&written.by);
        }
        // A loop waits for what its body reads from outside, too.
        for_each_value_read(op, &mut |value| {
            if let Some(written) = self.written.get(&value) {
                needs.level = needs.level.max(written.level);
            }
        });
        needs
    }

    fn operation(&mut self, op: &Op, path: Vec<usize>, needs: Written) -> Written {
        let id = self.operations.len();
        let def = self.registry.get(&op.name);
        let named = |values: &[ValueId]| -> Vec<String> {
            let mut names: Vec<String> = Vec::new();
            for value in values {
                let name = self.name(*value);
                let is_constant = self.written.get(value).is_some_and(|written| written.is_constant);
                if !is_constant && !names.contains(&name) {
                    names.push(name);
                }
            }
            names
        };
        let operation = Operation {
            id,
            name: op.name.clone(),
            path,
            level: needs.level,
            depends_on: needs.by.into_iter().collect(),
            inputs: named(&op.operands),
            outputs: named(&op.results),
            data_parallel: def.is_some() && self.definitions(op).all(|def| def.data_parallel),
            thread_safe: def.is_some_and(|def| def.thread_safe) && !has_effects(op, self.registry),
            heavy: self.definitions(op).any(|def| def.heavy),
        };
        self.operations.push(operation);
        Written {
            level: needs.level + 1,
            by: BTreeSet::from([id]),
            is_constant: false,
        }
    }

    /// The definitions of what an operation computes: its own, or those of what is inside.
    fn definitions<'b>(&'b self, op: &'b Op) -> impl Iterator<Item = &'b OpDef> {
        let inside = op.regions.iter().flat_map(|region| &region.ops);
        let own = op.regions.is_empty().then_some(op);
        own.into_iter()
            .chain(inside)
            .filter_map(|op| self.registry.get(&op.name))
    }

    /// A loop starts when its operands are there, and what it gives is there when its body has ended.
    fn repeat(&mut self, op: &Op, path: &[usize], needs: Written) -> Written {
        let mut all = needs.clone();
        let Some(region) = op.regions.first() else { return all };
        for (parameter, operand) in region.parameters.iter().zip(&op.operands) {
            let by = self
                .written
                .get(operand)
                .map(|written| written.by.clone())
                .unwrap_or_default();
            let written = Written {
                level: needs.level,
                by,
                is_constant: false,
            };
            self.written.insert(*parameter, written);
        }
        let before = self.operations.len();
        all.level = self.region(region, &[path, &[0]].concat(), needs.level);
        all.by.extend(before..self.operations.len());
        let carried = op.operands.len();
        for (number, result) in op.results.iter().enumerate() {
            let from = region.yields.get(number).filter(|_| number < carried);
            let by = from
                .and_then(|value| self.written.get(value))
                .map(|written| written.by.clone());
            let written = Written {
                level: all.level,
                by: by.unwrap_or_else(|| all.by.clone()),
                is_constant: false,
            };
            self.written.insert(*result, written);
        }
        all
    }

    fn name(&self, value: ValueId) -> String {
        self.plan
            .info(value)
            .name
            .clone()
            .unwrap_or_else(|| format!("%{}", value.0))
    }
}
