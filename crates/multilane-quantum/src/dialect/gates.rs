//! Gates of a plan, ready to run: one of them, or a chain as one block.
//!
//! They are scheduled once for the values of their angles, and again when those change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use multilane_plan::{Call, KernelError, Op, Plan, Prepared, Value};

use super::read::gates_of;
use super::run::{Decision, failed, hand, invalid, seed, take};
use crate::circuit::Circuit;
use crate::error::QuantumError;
use crate::simulate::{Block, LiveRegister, Options, Precision, Program};

/// What runs a `quantum.gate` or a `quantum.fused`.
pub(super) struct Gates {
    op: String,
    circuit: Circuit,
    /// Names of the circuit's parameters and the operands that they are.
    parameters: Vec<(String, usize)>,
    decision: Option<Decision>,
    /// For gates on a new register, its precision.
    zero: Option<Precision>,
    last: Mutex<Option<Arc<Scheduled>>>,
}

/// Gates for some values of their angles.
struct Scheduled {
    angles: Vec<f64>,
    work: Work,
}

enum Work {
    /// On a new register.
    Whole(Program),
    /// On one that is there.
    Part(Block),
}

impl Gates {
    pub(super) fn new(plan: &Plan, op: &Op) -> Result<Self, KernelError> {
        let read = gates_of(plan, op).map_err(|error| failed(&op.name, &error))?;
        let named = read.circuit.parameters().iter();
        let number = |name: &String| name.parse().ok().map(|number| (name.clone(), number));
        let bits = super::facts::list(op, "clbits").map_or(0, <[_]>::len);
        Ok(Self {
            op: op.name.clone(),
            parameters: named.filter_map(number).collect(),
            decision: Decision::of(op, op.operands.len().saturating_sub(bits)),
            circuit: read.circuit,
            zero: read.zero,
            last: Mutex::new(None),
        })
    }

    /// The gates for these angles, from the last run if they were the same.
    fn scheduled(&self, angles: Vec<f64>, precision: Precision) -> Result<Arc<Scheduled>, QuantumError> {
        // Never waits: in a child of a fork, whoever has the lock may not exist.
        let mut last = self.last.try_lock().ok();
        let fits = |scheduled: &Scheduled| match &scheduled.work {
            Work::Whole(_) => true,
            Work::Part(block) => block.precision() == precision,
        };
        if let Some(scheduled) = last.as_deref().and_then(Option::as_ref)
            && scheduled.angles == angles
            && fits(scheduled)
        {
            return Ok(scheduled.clone());
        }
        let values: BTreeMap<String, f64> = self
            .parameters
            .iter()
            .zip(&angles)
            .map(|((name, _), angle)| (name.clone(), *angle))
            .collect();
        let circuit = self.circuit.bind(&values)?;
        let work = match self.zero {
            Some(precision) => Work::Whole(Program::new(&circuit, &Options::with_precision(precision))?),
            None => Work::Part(Block::new(&circuit, &Options::with_precision(precision))?),
        };
        let scheduled = Arc::new(Scheduled { angles, work });
        if let Some(last) = &mut last {
            **last = Some(scheduled.clone());
        }
        Ok(scheduled)
    }

    fn angles(&self, operands: &[Value]) -> Result<Vec<f64>, KernelError> {
        let angle = |(_, number): &(String, usize)| operands.get(*number).and_then(Value::scalar);
        let angles: Option<Vec<f64>> = (self.parameters.iter())
            .map(|parameter| angle(parameter).map(multilane_plan::Scalar::as_f64))
            .collect();
        angles.ok_or_else(|| invalid(&self.op, "an angle is not a number"))
    }
}

impl Prepared for Gates {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let failed = |error: QuantumError| failed(&self.op, &error);
        let angles = self.angles(call.operands)?;
        if let Some(precision) = self.zero {
            let scheduled = self.scheduled(angles, precision).map_err(failed)?;
            if let Work::Whole(program) = &scheduled.work {
                let state = Arc::new(program.run(call.lanes).map_err(failed)?);
                let options = Options::with_precision(precision);
                let register = LiveRegister::from_state(state, options, seed(call.operands));
                call.results[0] = hand(register.map_err(failed)?);
            }
            return Ok(());
        }
        let mut register = take(&self.op, call.operands.first())?;
        if self
            .decision
            .as_ref()
            .is_none_or(|decision| decision.holds(call.operands))
        {
            let scheduled = self.scheduled(angles, register.precision()).map_err(failed)?;
            if let Work::Part(block) = &scheduled.work {
                register.run(block, call.lanes).map_err(failed)?;
            }
        }
        call.results[0] = hand(register);
        Ok(())
    }
}
