//! Runs a program once.
//!
//! Follows a [`Script`]: takes operands out of their places, finds memory for results,
//! calls the kernel, puts the results into theirs. Values that are read for the last time
//! leave their places, so whether memory is free is told by who still refers to it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use multilane_plan::cost::Mode;
use multilane_plan::{Array, Call, DType, Lanes, Prepared, Scalar, Value};
use multilane_trace::Trace;

use super::bind::{self, Dims, Target, size_of};
use super::control::{Control, OneLane, Watch};
use super::copy::copy;
use super::error::PlanRunError;
use super::finish;
use super::program::{Block, Program, ResultKind, Step, Work};
use super::script::{Script, Stage};
use super::times::{self, GroupTime, LaneLog, LaneTime, Tally};
use super::workspace::{Workspace, is_free, overlap};
use crate::clock;

/// What a run gave and how long it took.
pub struct Run {
    /// The plan's outputs, in order. They share no memory with inputs or each other.
    pub outputs: Vec<Value>,
    /// What the lanes did, in the order in which it ended, if the control asked for it.
    pub lanes: Vec<LaneTime>,
    /// When it started.
    pub start_ns: u64,
    /// When it ended.
    pub end_ns: u64,
    /// The most bytes of values it held at one time, inputs and given outputs not counted.
    pub peak_bytes: u64,
    name: Arc<str>,
    script: Arc<Script>,
    tallies: Vec<Tally>,
    /// What is predicted beside the groups.
    overhead_ns: f64,
}

impl Run {
    /// What ran when, in the order of the plan: the groups of its prediction.
    pub fn groups(&self) -> Vec<GroupTime> {
        let groups = self.script.groups.iter().zip(&self.tallies);
        groups
            .map(|(group, tally)| tally.complete(group, self.script.lanes))
            .collect()
    }

    /// What the cost model says that such a run takes: each loop counts as often as it went round.
    pub fn predicted_ns(&self) -> f64 {
        self.overhead_ns + self.tallies.iter().map(Tally::predicted_ns).sum::<f64>()
    }

    /// The run as a trace, for reports; the caller fills in the facts of the machine.
    pub fn trace(&self) -> Trace {
        times::to_trace(&self.name, &self.groups(), &self.lanes, (self.start_ns, self.end_ns))
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Run({}, {} ns)", self.name, self.end_ns - self.start_ns)
    }
}

impl Program {
    /// Runs the plan on `inputs`, given in the order of the plan's inputs.
    ///
    /// `given` has an array for each output that is to be written to one, or is empty.
    pub fn run(
        &self,
        inputs: &[Value],
        given: &[Option<Array>],
        lanes: &dyn Lanes,
        control: &Control,
    ) -> Result<Run, PlanRunError> {
        let start_ns = clock::now_ns();
        let sizes = bind::sizes(self, inputs)?;
        let targets = bind::targets(self, &sizes, inputs, given)?;
        let script = self.script(&sizes, lanes.count());
        let log = control.records_lanes().then(|| LaneLog::new(lanes.count()));
        let watch = Watch::new(lanes, control, self.iterations, log);
        let mut places = vec![None; self.slots];
        for (slot, number) in &self.constants {
            places[*slot] = Some(Value::Scalar(*number));
        }
        for (slot, value) in self.body.parameters.iter().zip(inputs) {
            places[*slot] = Some(value.clone());
        }
        let mut runner = Runner {
            program: self,
            script: &script,
            watch: &watch,
            places,
            sizes,
            targets,
            workspace: Workspace::new(&self.pool),
            tallies: vec![Tally::default(); script.groups.len()],
            lane_times: Vec::new(),
            depth: 0,
            loops: 0,
            now_ns: start_ns,
        };
        runner.block(&self.body, &script.body)?;
        runner.check_stop()?;
        if self.iterations > 0 {
            watch.tell();
        }
        let outputs = finish::outputs(self, &mut runner, inputs, given)?;
        Ok(Run {
            outputs,
            lanes: runner.lane_times,
            start_ns,
            end_ns: clock::now_ns(),
            peak_bytes: runner.workspace.peak_bytes(),
            name: self.name.clone(),
            overhead_ns: self.model.run_ns + runner.loops as f64 * self.model.dispatch_ns,
            tallies: runner.tallies,
            script,
        })
    }

    /// The sizes that inputs bring along, by [`multilane_plan::DimId`].
    pub(crate) fn sizes(&self, inputs: &[Value]) -> Result<Vec<f64>, PlanRunError> {
        let sizes = bind::sizes(self, inputs)?;
        Ok(sizes.iter().map(|size| size.unwrap_or(0) as f64).collect())
    }

    /// The decisions for these sizes, from the last run if they were the same.
    fn script(&self, sizes: &Dims, lanes: usize) -> Arc<Script> {
        // Never waits: in a child of a fork, whoever has the lock may not exist.
        let mut last = self.script.try_lock().ok();
        if let Some(script) = last.as_deref().and_then(Option::as_ref)
            && script.lanes == lanes
            && script.sizes == *sizes
        {
            return script.clone();
        }
        let script = Arc::new(Script::new(self, sizes, lanes));
        if let Some(last) = &mut last {
            **last = Some(script.clone());
        }
        script
    }
}

/// A run under way.
pub(super) struct Runner<'a> {
    program: &'a Program,
    script: &'a Script,
    watch: &'a Watch<'a>,
    /// The values, by their places.
    places: Vec<Option<Value>>,
    sizes: Dims,
    /// Arrays of the caller that outputs are written to as they are made.
    targets: Vec<Option<Target>>,
    workspace: Workspace<'a>,
    tallies: Vec<Tally>,
    lane_times: Vec<LaneTime>,
    /// Loops around what runs now.
    depth: usize,
    /// Loops that were begun.
    loops: u64,
    /// When the last group ended: what follows starts then.
    now_ns: u64,
}

/// One execution of a kernel, its values at hand.
struct Execution<'a> {
    step: &'a Step,
    kernel: &'a dyn Prepared,
    operands: Vec<Value>,
    results: Vec<Value>,
    outcome: Result<(), PlanRunError>,
}

impl Execution<'_> {
    /// Calls the kernel. A panic of it is an error of this run and nothing more.
    fn run(&mut self, lanes: &dyn Lanes) {
        let mut call = Call {
            operands: &self.operands,
            results: &mut self.results,
            lanes,
        };
        let (step, kernel) = (self.step, self.kernel);
        self.outcome = match catch_unwind(AssertUnwindSafe(|| kernel.run(&mut call))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(PlanRunError::Kernel {
                source,
                location: step.location.clone(),
            }),
            Err(panic) => Err(PlanRunError::Panicked {
                op: step.name.clone(),
                message: message(&*panic),
                location: step.location.clone(),
            }),
        };
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

impl<'a> Runner<'a> {
    pub(super) fn lanes(&self) -> &dyn Lanes {
        self.watch
    }

    /// The value at a place.
    pub(super) fn read(&self, slot: usize) -> Result<Value, PlanRunError> {
        let value = self.places.get(slot).cloned().flatten();
        value.ok_or_else(|| PlanRunError::Malformed {
            op: self.program.plan.name.clone(),
            problem: "hands out a value that nothing writes".to_owned(),
            location: None,
        })
    }

    /// A copy of an array in memory of its own.
    pub(super) fn duplicate(&mut self, array: &Array, name: &str) -> Result<Array, PlanRunError> {
        let (dtype, len) = (array.dtype(), array.len());
        let new = self
            .workspace
            .take(dtype, len)
            .ok_or_else(|| no_memory(dtype, len, name))?;
        copy(array, &new, self.watch);
        Ok(new)
    }

    fn check_stop(&self) -> Result<(), PlanRunError> {
        if self.watch.stopped() {
            let progress = self.watch.progress();
            return Err(PlanRunError::Stopped {
                done: progress.done,
                total: progress.total,
            });
        }
        Ok(())
    }

    fn block(&mut self, block: &'a Block, stages: &[Stage]) -> Result<(), PlanRunError> {
        for stage in stages {
            self.check_stop()?;
            let first = stage.ops.first().and_then(|op| block.steps.get(*op)?.as_ref());
            if stage.mode == Mode::Loop {
                if let Some(step) = first {
                    self.repeat(step, stage)?;
                }
                continue;
            }
            let (mode, predicted_ns) = match &stage.contest {
                Some(contest) => contest.next(),
                None => (stage.mode, self.script.groups[stage.group].predicted_ns),
            };
            if mode == Mode::SideBySide {
                self.side_by_side(block, stage)?;
            } else if let Some(step) = first {
                self.single(step, mode)?;
            }
            let start_ns = std::mem::replace(&mut self.now_ns, clock::now_ns());
            if let Some(contest) = &stage.contest {
                contest.note(mode, self.now_ns.saturating_sub(start_ns));
            }
            self.tallies[stage.group].add(start_ns, self.now_ns, mode, predicted_ns);
            if let Some(log) = &self.watch.log {
                log.take(stage.group, &mut self.lane_times);
            }
        }
        Ok(())
    }

    /// Runs one operation by itself.
    fn single(&mut self, step: &'a Step, mode: Mode) -> Result<(), PlanRunError> {
        let mut execution = self.begin(step)?;
        self.allocate(&mut execution, true)?;
        match mode {
            Mode::Wide => execution.run(self.watch),
            _ => execution.run(&OneLane {
                watch: self.watch,
                notes: true,
            }),
        }
        self.end(execution)
    }

    /// Runs independent operations at the same time, each on one lane.
    fn side_by_side(&mut self, block: &'a Block, stage: &Stage) -> Result<(), PlanRunError> {
        let steps = stage.ops.iter().filter_map(|op| block.steps.get(*op)?.as_ref());
        let mut all: Vec<Execution<'a>> = steps.map(|step| self.begin(step)).collect::<Result<_, _>>()?;
        for index in 0..all.len() {
            // What one of them reads, another may not overwrite. Memory of the run tells by itself
            // that somebody refers to it; that of the caller does not.
            let target = |output: Option<usize>| Some(&self.targets.get(output?)?.as_ref()?.array);
            let wanted: Vec<&Array> = all[index]
                .step
                .results
                .iter()
                .filter_map(|r| target(r.output))
                .collect();
            let others = all.iter().enumerate().filter(|(other, _)| *other != index);
            let mut read = others.flat_map(|(_, other)| other.operands.iter().filter_map(Value::array));
            let may_target = !read.any(|array| wanted.iter().any(|target| overlap(target, array)));
            self.allocate(&mut all[index], may_target)?;
        }
        let all: Vec<Mutex<Execution<'a>>> = all.into_iter().map(Mutex::new).collect();
        self.watch.run(all.len(), &|piece, _lane| {
            // Each has its own lock, so nobody ever waits.
            let mut execution = all[piece].lock().unwrap_or_else(PoisonError::into_inner);
            execution.run(&OneLane {
                watch: self.watch,
                notes: false,
            });
        });
        let mut outcome = Ok(());
        for execution in all {
            let ended = self.end(execution.into_inner().unwrap_or_else(PoisonError::into_inner));
            outcome = outcome.and(ended);
        }
        outcome
    }

    /// Takes the operands of an operation.
    fn begin(&mut self, step: &'a Step) -> Result<Execution<'a>, PlanRunError> {
        let Work::Kernel(kernel) = &step.work else {
            return Err(step.malformed("is a loop where none can be"));
        };
        Ok(Execution {
            kernel: &**kernel,
            operands: self.operands(step)?,
            results: Vec::with_capacity(step.results.len()),
            outcome: Ok(()),
            step,
        })
    }

    fn operands(&mut self, step: &Step) -> Result<Vec<Value>, PlanRunError> {
        let mut operands = Vec::with_capacity(step.operands.len());
        for operand in &step.operands {
            let place = self.places.get_mut(operand.slot);
            let value = place.and_then(|place| if operand.is_last { place.take() } else { place.clone() });
            operands.push(value.ok_or_else(|| step.malformed("reads a value that is not there"))?);
        }
        Ok(operands)
    }

    /// The array that an output may be written to now.
    fn target(&self, output: usize) -> Option<Array> {
        let target = self.targets.get(output)?.as_ref()?;
        let mut held = self.places.iter().flatten().filter_map(Value::array);
        let is_read = target.is_input && held.any(|array| overlap(array, &target.array));
        (!is_read).then(|| target.array.clone())
    }

    /// Finds memory for the results of an operation.
    fn allocate(&mut self, execution: &mut Execution<'a>, may_target: bool) -> Result<(), PlanRunError> {
        let step = execution.step;
        for (number, result) in step.results.iter().enumerate() {
            let value = match result.kind {
                ResultKind::Scalar(dtype) => Value::Scalar(Scalar::I64(0).cast(dtype)),
                // Whatever stands there, the kernel replaces it.
                ResultKind::Opaque => Value::Scalar(Scalar::Bool(false)),
                ResultKind::Array(dtype, dim) => {
                    let len = size_of(self.program, &self.sizes, dim)?;
                    let target = result.output.filter(|_| may_target);
                    let target = target.and_then(|output| self.target(output));
                    let array = target.or_else(|| in_place(step, number, &execution.operands, dtype, len));
                    Value::Array(match array {
                        Some(array) => array,
                        None => {
                            let array = self.workspace.take(dtype, len);
                            array.ok_or_else(|| no_memory(dtype, len, &step.name))?
                        }
                    })
                }
            };
            execution.results.push(value);
        }
        Ok(())
    }

    /// Puts the results into their places and frees what is not needed any more.
    fn end(&mut self, execution: Execution<'a>) -> Result<(), PlanRunError> {
        let Execution {
            step,
            operands,
            results,
            outcome,
            ..
        } = execution;
        if let Err(error) = outcome {
            // A kernel that stopped half-way was asked to.
            self.check_stop()?;
            return Err(error);
        }
        for (result, value) in step.results.iter().zip(results) {
            self.places[result.slot] = Some(value);
        }
        operands.into_iter().for_each(|value| self.workspace.give(value));
        self.free(&step.dead);
        Ok(())
    }

    fn free(&mut self, slots: &[usize]) {
        for slot in slots {
            if let Some(value) = self.places[*slot].take() {
                self.workspace.give(value);
            }
        }
    }

    /// Runs a loop: what an iteration gives is what the next one gets.
    fn repeat(&mut self, step: &'a Step, stage: &Stage) -> Result<(), PlanRunError> {
        let Work::Loop { body, count, until } = &step.work else {
            return Err(step.malformed("is not a loop"));
        };
        let mut carried = self.operands(step)?;
        let (mut iterations, mut converged) = (0, false);
        self.depth += 1;
        self.loops += 1;
        while iterations < *count && !converged {
            self.check_stop()?;
            for (slot, value) in body.parameters.iter().zip(carried.drain(..)) {
                self.places[*slot] = Some(value);
            }
            self.block(body, &stage.body)?;
            for slot in &body.yields {
                carried.push(self.read(*slot)?);
            }
            self.free(&body.locals);
            if *until {
                converged = carried.pop().and_then(|value| value.scalar()) == Some(Scalar::Bool(true));
            }
            iterations += 1;
            if self.depth == 1 {
                self.watch.advance(1);
            }
        }
        self.depth -= 1;
        if self.depth == 0 {
            self.watch.advance(count - iterations);
        }
        carried.push(Value::Scalar(Scalar::I64(iterations as i64)));
        carried.push(Value::Scalar(Scalar::Bool(converged)));
        for (result, value) in step.results.iter().zip(carried) {
            self.places[result.slot] = Some(value);
        }
        self.free(&step.dead);
        Ok(())
    }
}

/// The memory of an operand, when a result may have it and nobody else refers to it.
fn in_place(step: &Step, number: usize, operands: &[Value], dtype: DType, len: usize) -> Option<Array> {
    let (_, operand) = step.in_place.iter().find(|(result, _)| *result == number)?;
    let slot = step.operands.get(*operand)?.slot;
    let array = operands.get(*operand)?.array()?;
    // The place was emptied when the value was taken for the last time: what refers to it
    // are these operands, and whoever else there is.
    let clones = step.operands.iter().filter(|operand| operand.slot == slot).count();
    let fits = array.dtype() == dtype && array.len() == len && array.is_writable() && is_free(array, clones);
    fits.then(|| array.clone())
}

fn no_memory(dtype: DType, len: usize, value: &str) -> PlanRunError {
    PlanRunError::NoMemory {
        bytes: (len as u64).saturating_mul(dtype.size() as u64),
        value: value.to_owned(),
    }
}
