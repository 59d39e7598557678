//! Circuits made ready to run, and the ways to run them.
//!
//! A circuit whose measurements are all at its end runs once, and shots are drawn from its
//! state. Any other runs once for each shot (`trajectory`).

use multilane_plan::Lanes;

use super::sample::draw;
use super::state::{Register, State};
use super::trajectory::{self, Part};
use super::{Options, Precision, Shots, execute, required_bytes};
use crate::circuit::{Circuit, Control, Gate, Instruction, Operation};
use crate::error::QuantumError;
use crate::kernels::{Float, Level};
use crate::passes;
use crate::schedule::{Compiled, Sweep, compile, fuse, lower};

/// A circuit made ready to run.
#[derive(Clone, Debug)]
pub struct Program {
    qubits: usize,
    clbits: usize,
    gates: usize,
    precision: Precision,
    form: Form,
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Gates of the circuit.
    pub gates: usize,
    /// What is left of them after merging; a diagonal gate counts once for each of its factors.
    pub actions: usize,
    /// How often the state is read and written, or the part of it that is not 0 yet.
    pub passes: usize,
    /// Bytes that this reads and writes.
    pub moved_bytes: u64,
}

#[derive(Clone, Debug)]
enum Form {
    F32(Kind<f32>),
    F64(Kind<f64>),
}

/// How a circuit runs.
#[derive(Clone, Debug)]
enum Kind<T> {
    /// Once; then these qubits are measured into these classical bits.
    Once(Compiled<T>, Vec<(usize, usize)>),
    /// Once for each shot.
    Shots(Vec<Part<T>>),
}

impl Program {
    /// Makes a circuit ready.
    pub fn new(circuit: &Circuit, options: &Options) -> Result<Self, QuantumError> {
        let (qubits, precision) = (circuit.qubits(), options.precision);
        required_bytes(qubits, precision)?;
        let gates = passes::gates(circuit);
        let mut prepared;
        let circuit = if options.optimize {
            prepared = circuit.clone();
            passes::prepare(&mut prepared);
            &prepared
        } else {
            circuit
        };
        Ok(Self {
            qubits,
            clbits: circuit.clbits(),
            gates,
            precision,
            form: match precision {
                Precision::F32 => Form::F32(kind(circuit, options)?),
                Precision::F64 => Form::F64(kind(circuit, options)?),
            },
        })
    }

    /// What a run does, as it is planned.
    pub fn summary(&self) -> Summary {
        let planned = match &self.form {
            Form::F32(kind) => kind.summary(),
            Form::F64(kind) => kind.summary(),
        };
        Summary {
            gates: self.gates,
            ..planned
        }
    }

    /// What each pass over the state does, for all parts of the circuit.
    pub fn sweeps(&self) -> Vec<Sweep> {
        match &self.form {
            Form::F32(kind) => kind.sweeps(),
            Form::F64(kind) => kind.sweeps(),
        }
    }

    /// How exact its amplitudes are.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The bytes of its state, there or not.
    pub fn state_bytes(&self) -> usize {
        self.precision.bytes() << self.qubits
    }

    /// The bytes of its state, which can be had.
    pub fn bytes(&self) -> Result<usize, QuantumError> {
        required_bytes(self.qubits, self.precision)
    }

    /// Runs it on all qubits 0; the state is that before the measurements at the end.
    pub fn run(&self, lanes: &dyn Lanes) -> Result<State, QuantumError> {
        self.run_watched(lanes, &mut |_| {})
    }

    /// As [`Program::run`]; calls `after` with the number of each pass over memory when it is done, one after the other:
    /// those of [`Program::sweeps`].
    pub fn run_watched(&self, lanes: &dyn Lanes, after: &mut dyn FnMut(usize)) -> Result<State, QuantumError> {
        Ok(match &self.form {
            Form::F32(kind) => State::F32(kind.state(self, lanes, after)?),
            Form::F64(kind) => State::F64(kind.state(self, lanes, after)?),
        })
    }

    /// Runs it and measures so many times; the same seed gives the same shots.
    pub fn shots(&self, shots: usize, seed: u64, lanes: &dyn Lanes) -> Result<Shots, QuantumError> {
        match &self.form {
            Form::F32(kind) => kind.shots(self, shots, seed, lanes),
            Form::F64(kind) => kind.shots(self, shots, seed, lanes),
        }
    }

    /// Measures a state that [`Program::run`] gave.
    pub fn measure(&self, state: &State, shots: usize, seed: u64, lanes: &dyn Lanes) -> Result<Shots, QuantumError> {
        let measured = match &self.form {
            Form::F32(Kind::Once(_, measured)) | Form::F64(Kind::Once(_, measured)) => measured,
            _ => return Err(several_states("measure")),
        };
        let outcomes = match state {
            State::F32(register) => draw(register.amplitudes(), shots, seed, lanes),
            State::F64(register) => draw(register.amplitudes(), shots, seed, lanes),
        };
        let mut found = Shots::new(self.clbits, shots);
        for (shot, basis) in outcomes.into_iter().enumerate() {
            for (qubit, clbit) in measured {
                if basis >> qubit & 1 == 1 {
                    found.set(shot, *clbit);
                }
            }
        }
        Ok(found)
    }
}

impl<T: Float> Kind<T> {
    /// The parts that are gates.
    fn compiled(&self) -> Vec<&Compiled<T>> {
        match self {
            Self::Once(compiled, _) => vec![compiled],
            Self::Shots(parts) => {
                let gates = parts.iter().filter_map(|part| match part {
                    Part::Gates { compiled, .. } => Some(compiled),
                    Part::Measure { .. } => None,
                });
                gates.collect()
            }
        }
    }

    fn sweeps(&self) -> Vec<Sweep> {
        self.compiled().iter().flat_map(|compiled| compiled.sweeps()).collect()
    }

    fn summary(&self) -> Summary {
        let compiled = self.compiled();
        Summary {
            gates: 0,
            actions: compiled.iter().map(|compiled| compiled.actions).sum(),
            passes: compiled.iter().map(|compiled| compiled.passes.len()).sum(),
            moved_bytes: compiled.iter().map(|compiled| compiled.moved_bytes()).sum(),
        }
    }

    /// The state of a circuit that has a single one.
    fn state(
        &self,
        program: &Program,
        lanes: &dyn Lanes,
        after: &mut dyn FnMut(usize),
    ) -> Result<Register<T>, QuantumError> {
        let Self::Once(compiled, _) = self else {
            return Err(several_states("state"));
        };
        let mut register = Register::any(program.qubits, program.bytes()?)?;
        execute::execute_watched(compiled, &mut register, lanes, after)?;
        Ok(register)
    }

    fn shots(&self, program: &Program, shots: usize, seed: u64, lanes: &dyn Lanes) -> Result<Shots, QuantumError> {
        match self {
            Self::Once(..) => program.measure(&program.run(lanes)?, shots, seed, lanes),
            Self::Shots(parts) => {
                let mut found = Shots::new(program.clbits, shots);
                trajectory::run(parts, program.qubits, program.bytes()?, seed, lanes, &mut found)?;
                Ok(found)
            }
        }
    }
}

pub(super) fn several_states(operation: &'static str) -> QuantumError {
    QuantumError::NoSingleState {
        operation,
        cause: "measures, resets or decides before its end",
    }
}

/// A gate with its controls and targets.
pub(super) type Applied<'a> = (&'a Gate, &'a [Control], &'a [usize]);

pub(super) fn applied(instruction: &Instruction) -> Option<Applied<'_>> {
    match &instruction.operation {
        Operation::Gate {
            gate,
            controls,
            targets,
        } => Some((gate, controls, targets)),
        _ => None,
    }
}

fn kind<T: Float>(circuit: &Circuit, options: &Options) -> Result<Kind<T>, QuantumError> {
    let instructions = circuit.instructions();
    if let Some(measured) = measured_at_the_end(circuit) {
        let gates = instructions.iter().filter_map(applied).collect();
        return Ok(Kind::Once(ready(circuit.qubits(), gates, options, true)?, measured));
    }
    Ok(Kind::Shots(parts(circuit.qubits(), circuit, options)?))
}

/// The parts of a circuit, ready to run one after the other on a state of `qubits` qubits.
pub(super) fn parts<T: Float>(
    qubits: usize,
    circuit: &Circuit,
    options: &Options,
) -> Result<Vec<Part<T>>, QuantumError> {
    let instructions = circuit.instructions();
    let mut parts: Vec<Part<T>> = Vec::new();
    let mut gates = Vec::new();
    for instruction in instructions {
        let plain = instruction.condition.is_none();
        if let (Some(gate), true) = (applied(instruction), plain) {
            gates.push(gate);
            continue;
        }
        if matches!(instruction.operation, Operation::Barrier { .. }) {
            continue;
        }
        if !gates.is_empty() {
            let compiled = ready(qubits, std::mem::take(&mut gates), options, false)?;
            let condition = None;
            parts.push(Part::Gates { compiled, condition });
        }
        let condition = instruction.condition.clone();
        parts.push(match &instruction.operation {
            Operation::Measure { qubit, clbit } => Part::Measure {
                qubit: *qubit,
                clbit: Some(*clbit),
                condition,
            },
            Operation::Reset { qubit } => Part::Measure {
                qubit: *qubit,
                clbit: None,
                condition,
            },
            _ => Part::Gates {
                compiled: ready(qubits, applied(instruction).into_iter().collect(), options, false)?,
                condition,
            },
        });
    }
    if !gates.is_empty() {
        let compiled = ready(qubits, gates, options, false)?;
        let condition = None;
        parts.push(Part::Gates { compiled, condition });
    }
    Ok(parts)
}

/// The measurements, when nothing but measurements follows on their qubits and nothing depends on them.
pub(super) fn measured_at_the_end(circuit: &Circuit) -> Option<Vec<(usize, usize)>> {
    let mut done = vec![false; circuit.qubits()];
    let mut taken = vec![false; circuit.clbits()];
    let mut measured = Vec::new();
    for instruction in circuit.instructions() {
        if instruction.condition.is_some() {
            return None;
        }
        match &instruction.operation {
            Operation::Gate { controls, targets, .. } => {
                let mut qubits = controls
                    .iter()
                    .map(|control| control.qubit)
                    .chain(targets.iter().copied());
                if qubits.any(|qubit| done[qubit]) {
                    return None;
                }
            }
            Operation::Reset { .. } => return None,
            Operation::Measure { qubit, clbit } => {
                // A classical bit that is written twice keeps the later value.
                if std::mem::replace(&mut taken[*clbit], true) {
                    return None;
                }
                done[*qubit] = true;
                measured.push((*qubit, *clbit));
            }
            Operation::Barrier { .. } => {}
        }
    }
    Some(measured)
}

/// Makes gates ready to run. With `fresh`, all qubits are 0 before.
pub(super) fn ready<T: Float>(
    qubits: usize,
    gates: Vec<Applied<'_>>,
    options: &Options,
    fresh: bool,
) -> Result<Compiled<T>, QuantumError> {
    let mut actions = lower(qubits, gates, fresh)?;
    if options.fuse {
        actions = fuse(qubits, actions);
    }
    // Levels above the processor's would not run.
    let level = options.level.min(Level::detect());
    Ok(compile(options.shape(qubits), level, actions, fresh))
}

/// Runs a circuit on all qubits 0; the state is that before the measurements at its end.
pub fn simulate(circuit: &Circuit, options: &Options, lanes: &dyn Lanes) -> Result<State, QuantumError> {
    Program::new(circuit, options)?.run(lanes)
}
