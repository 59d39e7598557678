//! Questions to a circuit: only what has influence on the answer is run.
//!
//! What is asked leaves a light cone of the circuit, and qubits that nothing in it acts on need no memory.

use multilane_plan::Lanes;

use super::observe::{Pauli, PauliTerm, check};
use super::program::{Program, measured_at_the_end, several_states};
use super::{Options, State};
use crate::circuit::{Circuit, Operation};
use crate::error::QuantumError;
use crate::passes::{self, Watched, narrowed, within_cone};

/// The expectation value of a sum of Pauli products before the measurements at a circuit's end.
pub fn expectation(
    circuit: &Circuit,
    terms: &[PauliTerm],
    options: &Options,
    lanes: &dyn Lanes,
) -> Result<f64, QuantumError> {
    let (part, terms) = observed(circuit, terms, options)?;
    run(&part, options, lanes)?.expectation(&terms, lanes)
}

/// The probabilities of the values of some qubits, the first as the least significant bit, before the measurements
/// at a circuit's end.
pub fn probabilities(
    circuit: &Circuit,
    qubits: &[usize],
    options: &Options,
    lanes: &dyn Lanes,
) -> Result<Vec<f64>, QuantumError> {
    check(circuit.qubits(), "probabilities", qubits, usize::MAX)?;
    let mut watched = vec![Watched::Not; circuit.qubits()];
    qubits.iter().for_each(|qubit| watched[*qubit] = Watched::Value);
    let (part, names) = cut(circuit, watched, qubits.iter().copied(), "probabilities", options)?;
    let qubits: Vec<usize> = qubits.iter().filter_map(|qubit| names[*qubit]).collect();
    run(&part, options, lanes)?.probabilities(&qubits, lanes)
}

/// What a sum of Pauli products asks of a circuit: the part that has influence on it, and the sum on that part's qubits.
pub(super) fn observed(
    circuit: &Circuit,
    terms: &[PauliTerm],
    options: &Options,
) -> Result<(Circuit, Vec<PauliTerm>), QuantumError> {
    let mut watched = vec![Watched::Not; circuit.qubits()];
    for term in terms {
        let named: Vec<usize> = term.factors.iter().map(|(qubit, _)| *qubit).collect();
        check(circuit.qubits(), "expectation", &named, usize::MAX)?;
        for (qubit, pauli) in &term.factors {
            let own = &mut watched[*qubit];
            *own = match (pauli, *own) {
                (Pauli::Z, Watched::Not | Watched::Value) => Watched::Value,
                _ => Watched::Whole,
            };
        }
    }
    let kept = terms.iter().flat_map(|term| term.factors.iter().map(|(qubit, _)| *qubit));
    let (part, names) = cut(circuit, watched, kept, "expectation", options)?;
    let mut terms = terms.to_vec();
    for (qubit, _) in terms.iter_mut().flat_map(|term| &mut term.factors) {
        *qubit = names[*qubit].expect("what is asked of is kept");
    }
    Ok((part, terms))
}

/// The gates that have influence on what is watched, on the qubits they and `kept` need.
fn cut(
    circuit: &Circuit,
    watched: Vec<Watched>,
    kept: impl IntoIterator<Item = usize>,
    operation: &'static str,
    options: &Options,
) -> Result<(Circuit, Vec<Option<usize>>), QuantumError> {
    if measured_at_the_end(circuit).is_none() {
        return Err(several_states(operation));
    }
    let gates = circuit.instructions().iter().filter(|one| matches!(one.operation, Operation::Gate { .. }));
    let mut part = circuit.on_qubits(circuit.qubits(), gates.cloned().collect());
    if !options.optimize {
        return Ok((part, (0..circuit.qubits()).map(Some).collect()));
    }
    // Gates that cancel would widen the cone.
    passes::prepare(&mut part);
    within_cone(&mut part, watched);
    Ok(narrowed(&part, kept))
}

fn run(part: &Circuit, options: &Options, lanes: &dyn Lanes) -> Result<State, QuantumError> {
    let as_it_is = Options {
        optimize: false,
        ..options.clone()
    };
    Program::new(part, &as_it_is)?.run(lanes)
}
