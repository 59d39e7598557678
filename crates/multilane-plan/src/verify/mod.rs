//! Check that a plan holds together; collect everything that does not.
//!
//! Every value is written once and read where it is visible, every type follows from the
//! operands, every region has the shape of its operation, every size comes in with an input.
//! Reads a plan of any kind, hand-made ones too, and never panics on it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{PlanError, Site, closest};
use crate::plan::{Op, Plan, Region, ValueId};
use crate::registry::{Form, Registry};
use crate::text::{dim_name, type_name, value_name};
use crate::types::{DimId, Extent, ValueType};

/// Regions inside regions, at most: readers and passes recurse into them.
pub const MAX_NESTING: usize = 48;

/// Checks a plan; all errors, in the order of the operations.
pub fn verify(plan: &Plan, registry: &Registry) -> Result<(), Vec<PlanError>> {
    let mut verifier = Verifier {
        plan,
        registry,
        state: vec![State::Unwritten; plan.values.len()],
        written: BTreeSet::new(),
        floor: 0,
        errors: Vec::new(),
    };
    verifier.frame();
    collect_written(&plan.body, &mut verifier.written, 0);
    verifier.enter(&plan.body, "plan", 0, &Site::default());
    verifier.region(&plan.body, 0, &mut Vec::new());
    verifier.yields(&plan.body, "return", &Site::default());
    if verifier.errors.is_empty() {
        verifier.sizes();
    }
    if verifier.errors.is_empty() {
        Ok(())
    } else {
        Err(verifier.errors)
    }
}

/// Where in its life a value is, as the walk goes on.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Unwritten,
    /// Written, in a region at this depth that is still open.
    Visible(usize),
    /// Written, in a region that has ended.
    Gone,
}

struct Verifier<'a> {
    plan: &'a Plan,
    registry: &'a Registry,
    state: Vec<State>,
    /// Values that something in the plan writes, wherever it stands.
    written: BTreeSet<ValueId>,
    /// Values of regions above this depth are hidden: an isolated operation is around.
    floor: usize,
    errors: Vec<PlanError>,
}

impl Verifier<'_> {
    /// Names, counts and types that the plan declares.
    fn frame(&mut self) {
        let plan = self.plan;
        let counts = [
            ("inputs", plan.inputs.len(), plan.body.parameters.len()),
            ("outputs", plan.outputs.len(), plan.body.yields.len()),
        ];
        for (what, names, values) in counts {
            if names != values {
                self.malformed(format!("{names} names for {values} {what}"));
            }
        }
        for (what, names) in [
            ("inputs", &plan.inputs),
            ("outputs", &plan.outputs),
            ("sizes", &plan.dims),
        ] {
            let mut seen = BTreeSet::new();
            for name in names {
                if !seen.insert(name) {
                    self.malformed(format!("two {what} are called `{name}`"));
                }
            }
        }
        for (index, info) in plan.values.iter().enumerate() {
            for dim in dims_of(&info.ty) {
                if dim.0 as usize >= plan.dims.len() {
                    let value = value_name(plan, ValueId(index as u32));
                    self.malformed(format!("`{value}` has the size number {}, which is not there", dim.0));
                }
            }
        }
    }

    /// Marks a region's parameters as written.
    fn enter(&mut self, region: &Region, op: &str, depth: usize, site: &Site) {
        for parameter in &region.parameters {
            self.write(*parameter, op, depth, site);
        }
    }

    fn region(&mut self, region: &Region, depth: usize, path: &mut Vec<usize>) {
        for (index, op) in region.ops.iter().enumerate() {
            path.push(index);
            self.op(op, depth, path);
            path.pop();
        }
    }

    fn op(&mut self, op: &Op, depth: usize, path: &mut Vec<usize>) {
        let site = Site::of(op, path);
        for operand in &op.operands {
            self.read(*operand, &op.name, &site);
        }
        let def = self.registry.get(&op.name);
        if def.is_none() {
            self.errors.push(PlanError::UnknownOp {
                op: op.name.clone(),
                similar: closest(&op.name, self.registry.iter().map(|def| def.name)),
                site: site.clone(),
            });
        }
        let errors_before_regions = self.errors.len();
        if depth >= MAX_NESTING && !op.regions.is_empty() {
            let problem = format!("stands inside {MAX_NESTING} others; that is as deep as plans go");
            self.errors.push(PlanError::invalid(&op.name, &problem, site.clone()));
        } else {
            let isolated = def.is_some_and(|def| def.isolated());
            for (index, region) in op.regions.iter().enumerate() {
                path.push(index);
                let floor = self.floor;
                if isolated {
                    self.floor = depth + 1;
                }
                self.enter(region, &op.name, depth + 1, &site);
                self.region(region, depth + 1, path);
                self.yields(region, "yield", &site);
                self.floor = floor;
                self.leave(depth + 1);
                path.pop();
            }
        }
        let regions_hold = self.errors.len() == errors_before_regions;
        if let Some(def) = def
            && self.in_range(op)
        {
            // Types of a region that does not hold would only be wrong once more.
            if regions_hold {
                match (def.infer)(self.plan, op) {
                    Ok(types) => self.results(op, &types, &site),
                    Err(problem) => self.errors.push(PlanError::invalid(&op.name, &problem, site.clone())),
                }
            }
            if def.isolated() {
                self.fused(op, &site);
            }
        }
        for result in &op.results {
            self.write(*result, &op.name, depth, &site);
        }
    }

    fn yields(&mut self, region: &Region, what: &str, site: &Site) {
        for value in &region.yields {
            self.read(*value, what, site);
        }
    }

    fn read(&mut self, value: ValueId, op: &str, site: &Site) {
        let why = match self.state.get(value.0 as usize) {
            None => "is not in the plan's list of values",
            Some(State::Visible(depth)) if *depth >= self.floor => return,
            Some(State::Visible(_)) => "is neither an operand of the isolated operation around it nor made inside",
            Some(State::Gone) => "belongs to a region that has ended",
            Some(State::Unwritten) if self.written.contains(&value) => "is written later only",
            Some(State::Unwritten) => "nothing writes",
        };
        self.errors.push(PlanError::Unreadable {
            op: op.to_owned(),
            value: value_name(self.plan, value),
            why,
            site: site.clone(),
        });
    }

    fn write(&mut self, value: ValueId, op: &str, depth: usize, site: &Site) {
        match self.state.get_mut(value.0 as usize) {
            Some(state @ State::Unwritten) => *state = State::Visible(depth),
            Some(_) => self.errors.push(PlanError::Rewritten {
                op: op.to_owned(),
                value: value_name(self.plan, value),
                site: site.clone(),
            }),
            None => {
                let problem = format!("writes %{}, which is not in the plan's list of values", value.0);
                self.errors.push(PlanError::invalid(op, &problem, site.clone()));
            }
        }
    }

    /// Ends the regions at a depth.
    fn leave(&mut self, depth: usize) {
        for state in &mut self.state {
            if matches!(state, State::Visible(at) if *at >= depth) {
                *state = State::Gone;
            }
        }
    }

    /// Whether an operation and all inside it speak of values and sizes that exist, so that types may be looked up.
    fn in_range(&self, op: &Op) -> bool {
        let known = |values: &[ValueId]| {
            values.iter().all(|value| {
                self.plan
                    .values
                    .get(value.0 as usize)
                    .is_some_and(|info| dims_of(&info.ty).all(|dim| (dim.0 as usize) < self.plan.dims.len()))
            })
        };
        known(&op.operands)
            && known(&op.results)
            && op.regions.iter().all(|region| {
                known(&region.parameters) && known(&region.yields) && region.ops.iter().all(|op| self.in_range(op))
            })
    }

    fn results(&mut self, op: &Op, types: &[ValueType], site: &Site) {
        if types.len() != op.results.len() {
            let problem = format!("makes {} results, not {}", types.len(), op.results.len());
            self.errors.push(PlanError::invalid(&op.name, &problem, site.clone()));
            return;
        }
        for (result, inferred) in op.results.iter().zip(types) {
            let declared = self.plan.ty(*result);
            if declared != inferred {
                self.errors.push(PlanError::ResultType {
                    op: op.name.clone(),
                    value: value_name(self.plan, *result),
                    declared: type_name(self.plan, declared),
                    inferred: type_name(self.plan, inferred),
                    site: site.clone(),
                });
            }
        }
    }

    /// What stands in a fused operation can be computed block by block in one pass.
    fn fused(&mut self, op: &Op, site: &Site) {
        let Some(region) = op.regions.first() else { return };
        let mut problems = Vec::new();
        let mut extent: Option<DimId> = None;
        let mut reduced: BTreeSet<ValueId> = BTreeSet::new();
        for inner in &region.ops {
            let Some(form) = self.registry.get(&inner.name).map(|def| def.form) else {
                continue;
            };
            for operand in &inner.operands {
                if reduced.contains(operand) {
                    let value = value_name(self.plan, *operand);
                    problems.push(format!("reads the reduction `{value}` before all blocks are done"));
                }
            }
            // Blockwise operations read whole operands, so only their results are in step with the blocks.
            let in_step: &[&[ValueId]] = match form {
                Form::Constant => &[],
                Form::Elementwise => &[&inner.operands, &inner.results],
                Form::Reduction => {
                    reduced.extend(&inner.results);
                    &[&inner.operands]
                }
                Form::Blockwise => {
                    for operand in &inner.operands {
                        if !region.parameters.contains(operand) {
                            let value = value_name(self.plan, *operand);
                            problems.push(format!("`{}` reads all of `{value}`, which is made inside", inner.name));
                        }
                    }
                    &[&inner.results]
                }
                Form::Whole | Form::Control => {
                    problems.push(format!(
                        "cannot hold `{}`, which does not go element by element",
                        inner.name
                    ));
                    &[]
                }
            };
            for value in in_step.iter().copied().flatten() {
                if let Some(Extent::Dim(dim)) = self.plan.ty(*value).extent()
                    && *extent.get_or_insert(dim) != dim
                {
                    let (value, dim) = (value_name(self.plan, *value), dim_name(self.plan, dim));
                    problems.push(format!("runs over one size, and `{value}` has `{dim}`"));
                }
            }
        }
        for problem in problems {
            self.errors.push(PlanError::invalid(&op.name, &problem, site.clone()));
        }
    }

    /// Every size that a value has comes in with an input, or is a number.
    fn sizes(&mut self) {
        let brought: BTreeSet<DimId> = self
            .plan
            .body
            .parameters
            .iter()
            .flat_map(|value| dims_of(self.plan.ty(*value)))
            .collect();
        let mut missing: BTreeMap<DimId, ValueId> = BTreeMap::new();
        for value in &self.written {
            for dim in dims_of(self.plan.ty(*value)) {
                if !brought.contains(&dim) && self.plan.fixed_size(dim).is_none() {
                    missing.entry(dim).or_insert(*value);
                }
            }
        }
        for (dim, value) in missing {
            let (dim, value) = (dim_name(self.plan, dim), value_name(self.plan, value));
            self.malformed(format!("no input says how many `{dim}` are, and `{value}` has as many"));
        }
    }

    fn malformed(&mut self, problem: String) {
        self.errors.push(PlanError::Malformed {
            plan: self.plan.name.clone(),
            problem,
        });
    }
}

/// The sizes in a type.
fn dims_of(ty: &ValueType) -> impl Iterator<Item = DimId> + '_ {
    let (one, many) = match ty {
        ValueType::Tensor {
            extent: Extent::Dim(dim),
            ..
        } => (Some(*dim), &[][..]),
        ValueType::Tensor { .. } => (None, &[][..]),
        ValueType::Opaque { dims, .. } => (None, dims.as_slice()),
    };
    one.into_iter().chain(many.iter().copied())
}

fn collect_written(region: &Region, written: &mut BTreeSet<ValueId>, depth: usize) {
    written.extend(&region.parameters);
    for op in &region.ops {
        written.extend(&op.results);
        if depth < MAX_NESTING {
            for inner in &op.regions {
                collect_written(inner, written, depth + 1);
            }
        }
    }
}
