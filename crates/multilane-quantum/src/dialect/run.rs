//! Kernels of the dialect: how an engine runs its operations.
//!
//! A register is a value that operations take over where nobody else reads it any more, and copy before they change it
//! where somebody does. Gates are in `gates`.

use std::sync::{Arc, Mutex, PoisonError};

use multilane_plan::{Call, Kernel, KernelError, Kernels, Op, Plan, Prepared, Scalar, Value};

use super::ask::terms;
use super::facts::{BARRIER, EXPECTATION, FUSED, GATE, KIND, MEASURE, PROBABILITIES, RESET, ZERO, precision};
use super::gates::Gates;
use crate::error::QuantumError;
use crate::simulate::{LiveRegister, Options, PauliTerm, State, seed_of_shot};

/// Adds the kernels of the dialect, and how many qubits a register has.
pub fn kernels(kernels: &mut Kernels) {
    for op in [ZERO, GATE, FUSED, MEASURE, RESET, BARRIER, EXPECTATION, PROBABILITIES] {
        kernels.insert(op, Arc::new(Dialect));
    }
    kernels.insert_measure(KIND, |value| Some(vec![state_of(value)?.qubits()]));
}

/// The state of a value that is a register.
pub fn state_of(value: &Value) -> Option<Arc<State>> {
    let held = value.opaque::<Held>()?.0.lock().unwrap_or_else(PoisonError::into_inner);
    held.as_ref().and_then(|register| register.state().ok().cloned())
}

/// A register among the values of a plan, until an operation takes it over.
struct Held(Mutex<Option<LiveRegister>>);

/// A register as a value.
pub(super) fn hand(register: LiveRegister) -> Value {
    Value::Opaque(Arc::new(Held(Mutex::new(Some(register)))))
}

/// The register that is an operand: itself where only this operation has it, else a copy, which costs nothing until it
/// changes.
pub(super) fn take(op: &str, value: Option<&Value>) -> Result<LiveRegister, KernelError> {
    let Some((held, alone)) = value.and_then(|value| match value {
        Value::Opaque(thing) => Some((thing.downcast_ref::<Held>()?, Arc::strong_count(thing) == 1)),
        _ => None,
    }) else {
        return Err(invalid(op, "the first operand is not a register"));
    };
    let mut held = held.0.lock().unwrap_or_else(PoisonError::into_inner);
    let register = if alone { held.take() } else { held.clone() };
    register.ok_or_else(|| invalid(op, "the register is used up"))
}

pub(super) fn invalid(op: &str, problem: impl Into<String>) -> KernelError {
    KernelError::Invalid {
        op: op.to_owned(),
        problem: problem.into(),
    }
}

pub(super) fn failed(op: &str, error: &QuantumError) -> KernelError {
    match (error, error.hint()) {
        (QuantumError::Stopped, _) => KernelError::Stopped,
        (error, Some(hint)) => invalid(op, format!("{error}; {hint}")),
        (error, None) => invalid(op, error.to_string()),
    }
}

/// Whether the condition of an operation holds for the bits among its operands.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    /// The bits are the operands from here on.
    first: usize,
    bits: usize,
    value: u64,
    negated: bool,
}

impl Decision {
    /// The condition of a verified operation, whose bits are the operands from `first` on.
    pub(super) fn of(op: &Op, first: usize) -> Option<Self> {
        let value = op.int("value")?;
        Some(Self {
            first,
            bits: super::facts::list(op, "clbits").map_or(0, <[_]>::len),
            value: value.cast_unsigned(),
            negated: op.flag("negated"),
        })
    }

    pub(super) fn holds(&self, operands: &[Value]) -> bool {
        let bits = operands.iter().skip(self.first).take(self.bits).enumerate();
        let found = bits.fold(0, |number, (place, bit)| {
            number | u64::from(bit.scalar() == Some(Scalar::Bool(true))) << place
        });
        (found == self.value) != self.negated
    }
}

/// The kernel of all operations.
struct Dialect;

impl Kernel for Dialect {
    fn prepare(&self, plan: &Plan, op: &Op, _: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        let wrong = |problem: String| invalid(&op.name, problem);
        let number = |name: &str| op.int(name).and_then(|number| usize::try_from(number).ok());
        let qubit = || number("qubit").ok_or_else(|| wrong("needs a number as `qubit`".to_owned()));
        Ok(match op.name.as_str() {
            ZERO => Box::new(Zero {
                qubits: number("qubits").ok_or_else(|| wrong("needs a number as `qubits`".to_owned()))?,
                options: Options::with_precision(precision(op).unwrap_or_default()),
            }),
            GATE | FUSED => Box::new(Gates::new(plan, op)?),
            MEASURE => Box::new(Measure {
                qubit: qubit()?,
                decision: Decision::of(op, 1),
            }),
            RESET => Box::new(Reset {
                qubit: qubit()?,
                decision: Decision::of(op, 1),
            }),
            BARRIER => Box::new(Barrier),
            EXPECTATION => Box::new(Expectation(terms(plan, op).map_err(wrong)?)),
            PROBABILITIES => Box::new(Probabilities(super::facts::qubits(plan, op, "qubits").map_err(wrong)?)),
            _ => return Err(KernelError::Missing { op: op.name.clone() }),
        })
    }
}

/// The seed of what a new register measures: that of the first shot of a circuit's run.
pub(super) fn seed(operands: &[Value]) -> u64 {
    let given = match operands.first().and_then(Value::scalar) {
        Some(Scalar::I64(seed)) => seed,
        _ => 0,
    };
    seed_of_shot(given.cast_unsigned(), 0)
}

struct Zero {
    qubits: usize,
    options: Options,
}

impl Prepared for Zero {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let register = LiveRegister::new(self.qubits, self.options.clone(), seed(call.operands));
        call.results[0] = hand(register.map_err(|error| failed(ZERO, &error))?);
        Ok(())
    }
}

struct Measure {
    qubit: usize,
    decision: Option<Decision>,
}

impl Prepared for Measure {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let mut register = take(MEASURE, call.operands.first())?;
        let outcome = if self
            .decision
            .as_ref()
            .is_none_or(|decision| decision.holds(call.operands))
        {
            let found = register.measure(self.qubit, call.lanes);
            Value::Scalar(Scalar::Bool(found.map_err(|error| failed(MEASURE, &error))?))
        } else {
            register.skip();
            // What the bit was before is the last operand.
            call.operands[call.operands.len() - 1].clone()
        };
        call.results[0] = hand(register);
        call.results[1] = outcome;
        Ok(())
    }
}

struct Reset {
    qubit: usize,
    decision: Option<Decision>,
}

impl Prepared for Reset {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let mut register = take(RESET, call.operands.first())?;
        if self
            .decision
            .as_ref()
            .is_none_or(|decision| decision.holds(call.operands))
        {
            let done = register.reset(self.qubit, call.lanes);
            done.map_err(|error| failed(RESET, &error))?;
        } else {
            register.skip();
        }
        call.results[0] = hand(register);
        Ok(())
    }
}

struct Barrier;

impl Prepared for Barrier {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        call.results[0] = hand(take(BARRIER, call.operands.first())?);
        Ok(())
    }
}

/// The state that an operation asks.
fn asked(op: &str, call: &Call<'_>) -> Result<Arc<State>, KernelError> {
    let state = call.operands.first().and_then(state_of);
    state.ok_or_else(|| invalid(op, "the operand is not a register"))
}

struct Expectation(Vec<PauliTerm>);

impl Prepared for Expectation {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let value = asked(EXPECTATION, call)?.expectation(&self.0, call.lanes);
        let value = value.map_err(|error| failed(EXPECTATION, &error))?;
        call.results[0] = Value::Scalar(Scalar::F64(value));
        Ok(())
    }
}

struct Probabilities(Vec<usize>);

impl Prepared for Probabilities {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let found = asked(PROBABILITIES, call)?.probabilities(&self.0, call.lanes);
        let found = found.map_err(|error| failed(PROBABILITIES, &error))?;
        match call.results.first().and_then(Value::array) {
            Some(array) if array.dtype() == multilane_plan::DType::F64 && array.len() == found.len() => {
                // SAFETY: the result holds so many numbers of this type, is written by this call alone, and is not the
                // memory of `found`.
                unsafe {
                    array
                        .as_mut_ptr()
                        .cast::<f64>()
                        .copy_from_nonoverlapping(found.as_ptr(), found.len())
                };
                Ok(())
            }
            _ => Err(invalid(
                PROBABILITIES,
                "the result is not an array for the probabilities",
            )),
        }
    }
}
