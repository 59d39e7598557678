//! A plan that is ready to run.
//!
//! Reads a verified plan, the facts of its dialects and their kernels, and prepares every
//! operation once. What depends on sizes is decided at the first run with these sizes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use multilane_plan::cost::CostModel;
use multilane_plan::memory::{self, Memory};
use multilane_plan::{
    DType, DimId, Extent, Form, Kernels, Location, Op, Plan, Prepared, Region, Registry, Scalar, ValueId, ValueType,
};

use super::error::PlanRunError;
use super::pool::BufferPool;
use super::script::Script;
use crate::cpus;

/// A plan with its kernels.
///
/// Several threads may run it at the same time.
pub struct Program {
    pub(super) plan: Plan,
    pub(super) name: Arc<str>,
    pub(super) registry: Registry,
    pub(super) kernels: Kernels,
    pub(super) model: Arc<CostModel>,
    pub(super) pool: BufferPool,
    pub(super) body: Block,
    /// How many places the values of a run need.
    pub(super) slots: usize,
    /// Numbers that are there from the start.
    pub(super) constants: Vec<(usize, Scalar)>,
    /// The iterations of all outermost loops together, at most.
    pub(super) iterations: u64,
    /// How it runs for the sizes of the last run.
    pub(super) script: Mutex<Option<Arc<Script>>>,
}

/// A region that is ready to run.
pub(super) struct Block {
    /// By the place of their operations in the region; none for constants.
    pub(super) steps: Vec<Option<Step>>,
    pub(super) parameters: Vec<usize>,
    pub(super) yields: Vec<usize>,
    /// Places of everything that is made inside, parameters included.
    pub(super) locals: Vec<usize>,
}

/// What a result is, and where it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResultSlot {
    pub(super) slot: usize,
    pub(super) kind: ResultKind,
    /// The number of the output it is, if it is one.
    pub(super) output: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ResultKind {
    Scalar(DType),
    Array(DType, DimId),
    /// Made by its kernel.
    Opaque,
}

/// An operation that is ready to run.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) location: Option<Location>,
    pub(super) work: Work,
    pub(super) operands: Vec<Operand>,
    pub(super) results: Vec<ResultSlot>,
    /// Places of values that nobody reads any more, besides the operands that say so.
    pub(super) dead: Vec<usize>,
    /// Results and operands, by number, that may share memory when nobody else has it.
    pub(super) in_place: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub(super) slot: usize,
    /// Nobody reads the value after this.
    pub(super) is_last: bool,
}

pub(super) enum Work {
    Kernel(Box<dyn Prepared>),
    Loop { body: Block, count: u64, until: bool },
}

impl Program {
    /// Makes ready to run a plan that [`multilane_plan::verify`] accepts, with the cost
    /// model of a made-up machine and the process's buffers.
    pub fn prepare(plan: &Plan, registry: &Registry, kernels: &Kernels) -> Result<Self, PlanRunError> {
        let mut preparing = Preparing {
            plan,
            registry,
            kernels,
            // Who may share memory does not depend on sizes.
            memory: memory::assign(plan, registry, &1.0),
            slots: HashMap::new(),
            constants: Vec::new(),
            lasting: HashSet::new(),
        };
        let mut body = preparing.block(&plan.body, &[])?;
        for (number, value) in plan.body.yields.iter().enumerate() {
            if plan.body.yields[..number].contains(value) {
                continue;
            }
            let slot = preparing.slot(*value);
            for result in body
                .steps
                .iter_mut()
                .flatten()
                .filter_map(Step::kernel_results)
                .flatten()
            {
                if result.slot == slot {
                    result.output = Some(number);
                }
            }
        }
        let counts = body.steps.iter().flatten().map(|step| match step.work {
            Work::Loop { count, .. } => count,
            Work::Kernel(_) => 0,
        });
        Ok(Self {
            plan: plan.clone(),
            name: plan.name.as_str().into(),
            registry: registry.clone(),
            kernels: kernels.clone(),
            model: Arc::new(CostModel::typical(cpus::usable() as usize)),
            pool: BufferPool::shared().clone(),
            iterations: counts.fold(0, u64::saturating_add),
            slots: preparing.slots.len(),
            constants: preparing.constants,
            body,
            script: Mutex::new(None),
        })
    }

    /// Decides by this cost model what runs on how many lanes.
    #[must_use]
    pub fn with_model(mut self, model: Arc<CostModel>) -> Self {
        self.model = model;
        self.script = Mutex::new(None);
        self
    }

    /// Takes memory from this pool.
    #[must_use]
    pub fn with_pool(mut self, pool: BufferPool) -> Self {
        self.pool = pool;
        self
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The cost model that decides.
    pub fn model(&self) -> &Arc<CostModel> {
        &self.model
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({})", self.plan.name)
    }
}

impl Step {
    /// The results of a kernel: what it can write where the caller wants it.
    fn kernel_results(&mut self) -> Option<&mut Vec<ResultSlot>> {
        matches!(self.work, Work::Kernel(_)).then_some(&mut self.results)
    }

    pub(super) fn malformed(&self, problem: impl Into<String>) -> PlanRunError {
        PlanRunError::Malformed {
            op: self.name.clone(),
            problem: problem.into(),
            location: self.location.clone(),
        }
    }
}

struct Preparing<'a> {
    plan: &'a Plan,
    registry: &'a Registry,
    kernels: &'a Kernels,
    memory: Memory,
    slots: HashMap<ValueId, usize>,
    constants: Vec<(usize, Scalar)>,
    /// Constants are there for every iteration of the loops around them.
    lasting: HashSet<ValueId>,
}

impl Preparing<'_> {
    /// The place of a value. Values of the plan that nothing uses have none.
    fn slot(&mut self, value: ValueId) -> usize {
        let next = self.slots.len();
        *self.slots.entry(value).or_insert(next)
    }

    fn places(&mut self, values: &[ValueId]) -> Vec<usize> {
        values.iter().map(|value| self.slot(*value)).collect()
    }

    fn block(&mut self, region: &Region, path: &[usize]) -> Result<Block, PlanRunError> {
        let parameters = self.places(&region.parameters);
        let mut locals = parameters.clone();
        let mut steps = Vec::with_capacity(region.ops.len());
        for (index, op) in region.ops.iter().enumerate() {
            let path = [path, &[index]].concat();
            let step = self.step(op, &path)?;
            if step.is_some() {
                locals.extend(self.places(&op.results));
            }
            steps.push(step);
        }
        Ok(Block {
            steps,
            parameters,
            yields: self.places(&region.yields),
            locals,
        })
    }

    fn step(&mut self, op: &Op, path: &[usize]) -> Result<Option<Step>, PlanRunError> {
        let malformed = |problem: &str| PlanRunError::Malformed {
            op: op.name.clone(),
            problem: problem.to_owned(),
            location: op.location.clone(),
        };
        let form = self.registry.get(&op.name).map(|def| def.form);
        if form == Some(Form::Constant) {
            let (Some(number), [result]) = (op.constant(), &op.results[..]) else {
                return Err(malformed("has no number"));
            };
            let slot = self.slot(*result);
            self.constants.push((slot, number));
            self.lasting.insert(*result);
            return Ok(None);
        }
        let work = if op.name == "core.loop" {
            let count = op.int("count").and_then(|count| u64::try_from(count).ok());
            let [region] = &op.regions[..] else {
                return Err(malformed("has to have one region"));
            };
            let until = op.flag("until");
            let carried = region.parameters.len();
            let fits = op.operands.len() == carried
                && region.yields.len() == carried + usize::from(until)
                && op.results.len() == carried + 2;
            if !fits {
                return Err(malformed("carries as many values in as it does not carry out"));
            }
            Work::Loop {
                body: self.block(region, &[path, &[0]].concat())?,
                count: count.ok_or_else(|| malformed("has to have a `count` of 0 or more"))?,
                until,
            }
        } else {
            let kernel = self.kernels.get(&op.name);
            let prepared = kernel.and_then(|kernel| kernel.prepare(self.plan, op, self.kernels));
            Work::Kernel(prepared.map_err(|source| PlanRunError::Kernel {
                source,
                location: op.location.clone(),
            })?)
        };
        let facts = self.memory.at(path).cloned().unwrap_or_default();
        // Constants are there for every iteration of the loops around them.
        let last = facts.dies.iter().chain(&facts.moved).copied();
        let last: Vec<ValueId> = last.filter(|value| !self.lasting.contains(value)).collect();
        // A loop reads some of its operands again inside; those end with it.
        let moves = |value: &ValueId| match work {
            Work::Loop { .. } => facts.moved.contains(value) && last.contains(value),
            Work::Kernel(_) => last.contains(value),
        };
        let mut operands: Vec<Operand> = Vec::with_capacity(op.operands.len());
        for (index, value) in op.operands.iter().enumerate() {
            operands.push(Operand {
                slot: self.slot(*value),
                is_last: moves(value) && !op.operands[index + 1..].contains(value),
            });
        }
        let mut results = Vec::with_capacity(op.results.len());
        for value in &op.results {
            let kind = match self.plan.values.get(value.0 as usize).map(|info| &info.ty) {
                Some(ValueType::Tensor {
                    dtype,
                    extent: Extent::Scalar,
                }) => ResultKind::Scalar(*dtype),
                Some(ValueType::Tensor {
                    dtype,
                    extent: Extent::Dim(dim),
                }) => ResultKind::Array(*dtype, *dim),
                Some(ValueType::Opaque { .. }) => ResultKind::Opaque,
                None => return Err(malformed("makes a value that the plan does not have")),
            };
            results.push(ResultSlot {
                slot: self.slot(*value),
                kind,
                output: None,
            });
        }
        let dead: Vec<ValueId> = last
            .iter()
            .copied()
            .filter(|value| !(moves(value) && op.operands.contains(value)))
            .collect();
        Ok(Some(Step {
            name: op.name.clone(),
            location: op.location.clone(),
            work,
            operands,
            results,
            dead: self.places(&dead),
            in_place: facts.in_place,
        }))
    }
}
