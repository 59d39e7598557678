//! Live registers: gates and measurements one at a time, each done when it is asked for.
//!
//! Whoever holds the state of a register keeps it as it was: the register takes memory of
//! its own before it changes what somebody else still holds. So copies cost nothing until
//! one of both changes.

use std::sync::Arc;

use multilane_plan::Lanes;

use super::block::{Block, Form};
use super::measure::measure;
use super::program::parts;
use super::random::{number, unit};
use super::state::{Register, State};
use super::trajectory::{self, Part};
use super::{Options, Precision, direct, execute, required_bytes};
use crate::circuit::{Circuit, Control, Gate, Instruction, Operation};
use crate::error::QuantumError;
use crate::kernels::{Float, Level};
use crate::schedule::{Action, compile, lower};

/// States of at most so many qubits are changed amplitude by amplitude.
const DIRECT_QUBITS: usize = 9;

/// Qubits with a state, changed as soon as something is asked for.
#[derive(Clone, Debug)]
pub struct LiveRegister {
    state: Arc<State>,
    options: Options,
    /// No instructions: it knows what may be one.
    rules: Circuit,
    seed: u64,
    /// Measurements so far; each has a random number of its own.
    measured: u64,
    /// Copies so far; each has a seed of its own.
    copies: u64,
    lost: bool,
}

impl LiveRegister {
    /// So many qubits, all 0.
    pub fn new(qubits: usize, options: Options, seed: u64) -> Result<Self, QuantumError> {
        let bytes = required_bytes(qubits, options.precision)?;
        let state = match options.precision {
            Precision::F32 => State::F32(zero(qubits, bytes)?),
            Precision::F64 => State::F64(zero(qubits, bytes)?),
        };
        Self::from_state(Arc::new(state), options, seed)
    }

    /// In a given state.
    pub fn from_state(state: Arc<State>, options: Options, seed: u64) -> Result<Self, QuantumError> {
        let precision = state.precision();
        Ok(Self {
            rules: Circuit::new(state.qubits(), 0)?,
            options: Options { precision, ..options },
            state,
            seed,
            measured: 0,
            copies: 0,
            lost: false,
        })
    }

    /// How many qubits there are.
    pub fn qubits(&self) -> usize {
        self.state.qubits()
    }

    /// How exact amplitudes are.
    pub fn precision(&self) -> Precision {
        self.options.precision
    }

    /// The state as it is now; later changes do not reach it.
    pub fn state(&self) -> Result<&Arc<State>, QuantumError> {
        if self.lost {
            Err(QuantumError::StateLost)
        } else {
            Ok(&self.state)
        }
    }

    /// A register of its own in the same state; what it measures is drawn anew.
    #[must_use]
    pub fn copy(&mut self) -> Self {
        self.copies += 1;
        Self {
            seed: number(self.seed, u64::MAX - self.copies),
            measured: 0,
            copies: 0,
            ..self.clone()
        }
    }

    /// Applies a gate.
    pub fn gate(
        &mut self,
        gate: Gate,
        controls: Vec<Control>,
        targets: Vec<usize>,
        lanes: &dyn Lanes,
    ) -> Result<(), QuantumError> {
        let operation = Operation::Gate {
            gate,
            controls,
            targets,
        };
        let instruction = Instruction {
            operation,
            condition: None,
        };
        self.rules.check(&instruction)?;
        let Operation::Gate {
            gate,
            controls,
            targets,
        } = &instruction.operation
        else {
            return Ok(());
        };
        let (gate, controls, targets) = (gate, controls.as_slice(), targets.as_slice());
        let actions = lower(self.qubits(), [(gate, controls, targets)], false)?;
        let options = self.options.clone();
        // A gate is short: it is done before anybody is listened to who wants to stop.
        let lanes = &Steady(lanes);
        self.change(|state| match state {
            State::F32(register) => run(register, actions, &options, lanes),
            State::F64(register) => run(register, actions, &options, lanes),
        })
    }

    /// Measures a qubit: it has the value from now on.
    pub fn measure(&mut self, qubit: usize, lanes: &dyn Lanes) -> Result<bool, QuantumError> {
        self.check(Operation::Reset { qubit })?;
        let point = self.point();
        let lanes = &Steady(lanes);
        self.change(|state| {
            Ok(match state {
                State::F32(register) => measure(register, qubit, point, lanes),
                State::F64(register) => measure(register, qubit, point, lanes),
            })
        })
    }

    /// Makes a qubit 0, whatever it was.
    pub fn reset(&mut self, qubit: usize, lanes: &dyn Lanes) -> Result<(), QuantumError> {
        if self.measure(qubit, lanes)? {
            self.gate(Gate::X, Vec::new(), vec![qubit], lanes)?;
        }
        Ok(())
    }

    /// Applies a circuit; returns its classical bits.
    pub fn apply(&mut self, circuit: &Circuit, lanes: &dyn Lanes) -> Result<Vec<bool>, QuantumError> {
        if circuit.qubits() > self.qubits() {
            return Err(QuantumError::QubitOutOfRange {
                qubit: circuit.qubits() - 1,
                qubits: self.qubits(),
            });
        }
        let mut clbits = vec![false; circuit.clbits()];
        let (seed, first, options) = (self.seed, self.measured, self.options.clone());
        let mut random = Random { seed, next: first };
        self.change(|state| match state {
            State::F32(register) => play(register, circuit, &options, &mut random, &mut clbits, lanes),
            State::F64(register) => play(register, circuit, &options, &mut random, &mut clbits, lanes),
        })?;
        self.measured = random.next;
        Ok(clbits)
    }

    /// Applies gates that were made ready for registers of so many qubits and this precision.
    pub(crate) fn run(&mut self, block: &Block, lanes: &dyn Lanes) -> Result<(), QuantumError> {
        self.change(|state| match (state, &block.0) {
            (State::F32(register), Form::F32(compiled)) => execute::execute(compiled, register, lanes),
            (State::F64(register), Form::F64(compiled)) => execute::execute(compiled, register, lanes),
            _ => unreachable!("whoever makes a block ready asks the register for its precision"),
        })
    }

    /// Leaves the random number of the next measurement unused, as for one that is not done.
    pub(crate) fn skip(&mut self) {
        self.measured += 1;
    }

    /// Changes the state, in memory that nobody else holds. What ends early leaves no state.
    fn change<R>(&mut self, work: impl FnOnce(&mut State) -> Result<R, QuantumError>) -> Result<R, QuantumError> {
        if self.lost {
            return Err(QuantumError::StateLost);
        }
        if Arc::get_mut(&mut self.state).is_none() {
            self.state = Arc::new(self.state.duplicate()?);
        }
        let state = Arc::get_mut(&mut self.state).expect("nobody else has seen it yet");
        self.lost = true;
        let done = work(state);
        // Other errors come before the first amplitude changes.
        self.lost = matches!(done, Err(QuantumError::Stopped | QuantumError::OutOfMemory { .. }));
        done
    }

    fn check(&self, operation: Operation) -> Result<(), QuantumError> {
        let condition = None;
        self.rules.check(&Instruction { operation, condition })
    }

    fn point(&mut self) -> f64 {
        self.measured += 1;
        unit(self.seed, self.measured - 1)
    }
}

/// Random numbers, one after the other.
struct Random {
    seed: u64,
    next: u64,
}

/// Lanes that nobody stops.
struct Steady<'a>(&'a dyn Lanes);

impl Lanes for Steady<'_> {
    fn count(&self) -> usize {
        self.0.count()
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        self.0.run(pieces, body);
    }
}

fn zero<T: Float>(qubits: usize, bytes: usize) -> Result<Register<T>, QuantumError> {
    let mut register = Register::new(qubits, bytes)?;
    register.amplitudes_mut()[0].re = T::from_f64(1.0);
    Ok(register)
}

fn run<T: Float>(
    register: &mut Register<T>,
    actions: Vec<Action>,
    options: &Options,
    lanes: &dyn Lanes,
) -> Result<(), QuantumError> {
    let qubits = register.qubits();
    if qubits <= DIRECT_QUBITS {
        for action in &actions {
            direct::apply(register.amplitudes_mut(), action);
        }
        return Ok(());
    }
    let level = options.level.min(Level::detect());
    let compiled = compile(options.shape(qubits), level, actions, false);
    execute::execute(&compiled, register, lanes)
}

fn play<T: Float>(
    register: &mut Register<T>,
    circuit: &Circuit,
    options: &Options,
    random: &mut Random,
    clbits: &mut [bool],
    lanes: &dyn Lanes,
) -> Result<(), QuantumError> {
    let parts: Vec<Part<T>> = parts(register.qubits(), circuit, options)?;
    for part in &parts {
        let point = || {
            random.next += 1;
            unit(random.seed, random.next - 1)
        };
        trajectory::step(part, register, clbits, point, lanes)?;
    }
    Ok(())
}
