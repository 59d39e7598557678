//! Gradients of expectation values by the adjoint method of Jones and Gacon (arXiv:2009.02823).
//!
//! The state and its product with the observable go back together, gate by gate; on the way the slope of each angle is
//! one product of the two. Gates that commute with all that is not undone yet are read at the same place: layers of gates
//! are read in a few passes over both states, and undone together.

use std::collections::BTreeMap;

use multilane_plan::Lanes;
use num_complex::Complex64;

use super::asked::{Part, parts};
use super::execute::execute;
use super::observable::apply;
use super::observe::PauliTerm;
use super::program::{Applied, Program, applied, ready};
use super::state::{Register, State};
use super::transition::{Site, transitions};
use super::{Options, required_bytes};
use crate::circuit::{Angle, Circuit, Control, Gate, Instruction, Operation};
use crate::error::QuantumError;
use crate::kernels::Float;

/// An expectation value and how it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// The expectation value.
    pub value: f64,
    /// Its slope along each parameter of the circuit, in the order of [`Circuit::parameters`].
    pub slopes: Vec<f64>,
}

/// The expectation value of a sum of Pauli products where the parameters have these values, and its gradient.
///
/// A parameter may be in any number of angles, and angles may be any function of parameters.
pub fn gradient(
    circuit: &Circuit,
    terms: &[PauliTerm],
    values: &BTreeMap<String, f64>,
    options: &Options,
    lanes: &dyn Lanes,
) -> Result<Gradient, QuantumError> {
    // Says what is wrong with the values, before anything runs.
    circuit.bind(values)?;
    let mut sum = Gradient {
        value: 0.0,
        slopes: vec![0.0; circuit.parameters().len()],
    };
    let as_it_is = Options {
        optimize: false,
        ..options.clone()
    };
    for Part { circuit: part, terms } in parts(circuit, terms, options)? {
        // Two states are held at a time.
        required_bytes(part.qubits() + 1, options.precision)?;
        let bound = part.bind(values)?;
        let walk = Walk {
            part: &part,
            bound: &bound,
            values,
            options: &as_it_is,
            lanes,
        };
        let mut slopes = part.parameters().iter().map(|name| (name.as_str(), 0.0)).collect();
        sum.value += match Program::new(&bound, &as_it_is)?.run(lanes)? {
            State::F32(register) => walk.back(register, &terms, &mut slopes)?,
            State::F64(register) => walk.back(register, &terms, &mut slopes)?,
        };
        for (name, total) in circuit.parameters().iter().zip(&mut sum.slopes) {
            *total += slopes[name.as_str()];
        }
    }
    Ok(sum)
}

struct Walk<'a> {
    part: &'a Circuit,
    /// The same gates with numbers for their angles.
    bound: &'a Circuit,
    values: &'a BTreeMap<String, f64>,
    options: &'a Options,
    lanes: &'a dyn Lanes,
}

impl Walk<'_> {
    fn back<T: Float>(
        &self,
        mut state: Register<T>,
        terms: &[PauliTerm],
        slopes: &mut BTreeMap<&str, f64>,
    ) -> Result<f64, QuantumError> {
        let lanes = self.lanes;
        let bytes = required_bytes(state.qubits(), self.options.precision)?;
        let mut other = Register::new(state.qubits(), bytes)?;
        let value = apply(terms, state.amplitudes(), other.amplitudes_mut(), lanes);
        // Gates that are still to be undone, the last first, and those of them whose angles have slopes to be read.
        let (mut pending, mut turns): (Vec<&Instruction>, Vec<Turn<'_>>) = (Vec::new(), Vec::new());
        let pairs = self.part.instructions().iter().zip(self.bound.instructions());
        for (named, bound) in pairs.rev() {
            let (Some((gate, ..)), Some((number, controls, targets))) = (applied(named), applied(bound)) else {
                continue;
            };
            if gate.angles().iter().any(|angle| angle.number().is_none()) {
                if !pending.iter().all(|later| later.lets_past(named)) {
                    self.read(&turns, &state, &other, slopes)?;
                    self.undo(&pending, [&mut state, &mut other])?;
                    pending.clear();
                    turns.clear();
                }
                let operators = along_angles(number);
                turns.push(Turn {
                    angles: gate.angles(),
                    site: site(controls, targets, &operators),
                    operators,
                });
            }
            pending.push(bound);
        }
        self.read(&turns, &state, &other, slopes)?;
        Ok(value)
    }

    /// Adds what gates have to do with the slopes; all of them could be the last gate.
    fn read<T: Float>(
        &self,
        turns: &[Turn<'_>],
        state: &Register<T>,
        other: &Register<T>,
        slopes: &mut BTreeMap<&str, f64>,
    ) -> Result<(), QuantumError> {
        if self.lanes.stopped() {
            return Err(QuantumError::Stopped);
        }
        let sites: Vec<Site> = turns.iter().map(|turn| turn.site).collect();
        let found = transitions(other.amplitudes(), state.amplitudes(), &sites, self.lanes);
        for (turn, found) in turns.iter().zip(found) {
            for (angle, operator) in turn.angles.iter().zip(&turn.operators) {
                let products = operator.iter().zip(found).map(|(element, found)| element * found);
                let slope = 2.0 * products.sum::<Complex64>().re;
                angle.slopes(slope, self.values, &mut |name, part| {
                    *slopes.get_mut(name).expect("a circuit knows its parameters") += part;
                })?;
            }
        }
        Ok(())
    }

    fn undo<T: Float>(&self, gates: &[&Instruction], states: [&mut Register<T>; 2]) -> Result<(), QuantumError> {
        let inverse: Vec<Instruction> = gates.iter().map(|gate| undone(gate)).collect();
        let gates: Vec<Applied<'_>> = inverse.iter().filter_map(applied).collect();
        let compiled = ready(self.bound.qubits(), gates, self.options, false)?;
        for state in states {
            execute(&compiled, state, self.lanes)?;
        }
        Ok(())
    }
}

fn undone(instruction: &Instruction) -> Instruction {
    let mut instruction = instruction.clone();
    if let Operation::Gate { gate, .. } = &mut instruction.operation {
        *gate = gate.inverse();
    }
    instruction
}

/// A gate whose angles have slopes.
struct Turn<'a> {
    angles: Vec<&'a Angle>,
    /// For each angle the derivative times the gate's inverse.
    operators: Vec<Operator>,
    site: Site,
}

/// A matrix on one qubit, row by row; only the first element for a gate without a target.
type Operator = [Complex64; 4];

fn site(controls: &[Control], targets: &[usize], operators: &[Operator]) -> Site {
    let bits = |all: bool| {
        let own = controls.iter().filter(move |control| all || control.positive);
        own.fold(0, |mask, control| mask | 1usize << control.qubit)
    };
    let mut needed = 0;
    for (place, element) in operators.iter().flat_map(|operator| operator.iter().enumerate()) {
        // The slope is a real part: a real element asks for that of the sum, an imaginary one for the other.
        needed |= u8::from(element.re != 0.0) << (2 * place) | u8::from(element.im != 0.0) << (2 * place + 1);
    }
    Site {
        target: targets.first().copied(),
        mask: bits(true),
        value: bits(false),
        needed,
    }
}

/// For each angle of a gate the derivative times the gate's inverse.
fn along_angles(gate: &Gate) -> Vec<Operator> {
    let (zero, half) = (Complex64::ZERO, Complex64::new(0.5, 0.0));
    let (i, turn) = (Complex64::I, Complex64::new(0.0, -0.5));
    match gate {
        Gate::GlobalPhase(_) => vec![[i, zero, zero, zero]],
        Gate::P(_) => vec![[zero, zero, zero, i]],
        Gate::Rx(_) => vec![[zero, turn, turn, zero]],
        Gate::Ry(_) => vec![[zero, -half, half, zero]],
        Gate::Rz(_) => vec![[turn, zero, zero, -turn]],
        Gate::U(Angle::Number(theta), Angle::Number(phi), _) => {
            // The gate is `p(phi) ry(theta) p(lambda)`: the first angle turns around a turned Y, the last around
            // Z as all of it turns that.
            let phase = Complex64::from_polar(0.5, *phi);
            let (sin, cos) = (theta / 2.0).sin_cos();
            let side = -i * phase * (2.0 * sin * cos);
            vec![
                [zero, -phase.conj(), phase, zero],
                [zero, zero, zero, i],
                [i * sin * sin, -side.conj(), side, i * cos * cos],
            ]
        }
        _ => Vec::new(),
    }
}
