//! Questions to a circuit: only what has influence on the answer is run.
//!
//! What is asked leaves a light cone of the circuit, and qubits that nothing in it acts on need no memory. The terms of
//! a sum are asked together, or apart where their cones are so much smaller than all of them that it pays.

use std::collections::BTreeMap;

use multilane_plan::Lanes;

use super::observe::{Pauli, PauliTerm, check};
use super::program::{Program, measured_at_the_end, several_states};
use super::{Options, State};
use crate::circuit::{Circuit, Operation};
use crate::error::QuantumError;
use crate::passes::{self, Watched, narrowed, within_cone};

/// Below so many qubits a state costs less than to look for smaller ones.
const SMALL: usize = 12;

/// The expectation value of a sum of Pauli products before the measurements at a circuit's end.
pub fn expectation(
    circuit: &Circuit,
    terms: &[PauliTerm],
    options: &Options,
    lanes: &dyn Lanes,
) -> Result<f64, QuantumError> {
    let mut value = 0.0;
    for Part { circuit, terms } in parts(circuit, terms, options)? {
        value += run(&circuit, options, lanes)?.expectation(&terms, lanes)?;
    }
    Ok(value)
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
    let gates = gates(circuit, "probabilities", options)?;
    let mut watched = vec![Watched::Not; circuit.qubits()];
    qubits.iter().for_each(|qubit| watched[*qubit] = Watched::Value);
    let (part, names) = cut(&gates, watched, options);
    let qubits: Vec<usize> = qubits.iter().filter_map(|qubit| names[*qubit]).collect();
    run(&part, options, lanes)?.probabilities(&qubits, lanes)
}

/// A part of a circuit, and what is asked of it.
pub(super) struct Part {
    /// Gates, on the qubits that matter.
    pub(super) circuit: Circuit,
    /// The sum, on these qubits.
    pub(super) terms: Vec<PauliTerm>,
}

/// Cuts a sum of Pauli products into parts whose values add up to its value.
pub(super) fn parts(circuit: &Circuit, terms: &[PauliTerm], options: &Options) -> Result<Vec<Part>, QuantumError> {
    for term in terms {
        let named: Vec<usize> = term.factors.iter().map(|(qubit, _)| *qubit).collect();
        check(circuit.qubits(), "expectation", &named, usize::MAX)?;
    }
    let gates = gates(circuit, "expectation", options)?;
    let (whole, _) = part(&gates, terms, options);
    if !options.optimize || whole.circuit.qubits() <= SMALL || terms.len() < 2 {
        return Ok(vec![whole]);
    }
    // Terms that need the same qubits share a state.
    let mut groups: BTreeMap<Vec<bool>, Vec<PauliTerm>> = BTreeMap::new();
    for term in terms {
        let (_, names) = part(&gates, std::slice::from_ref(term), options);
        let needed = names.iter().map(Option::is_some).collect();
        groups.entry(needed).or_default().push(term.clone());
    }
    let parts: Vec<Part> = groups.values().map(|terms| part(&gates, terms, options).0).collect();
    let apart: f64 = parts.iter().map(work).sum();
    Ok(if apart < work(&whole) { parts } else { vec![whole] })
}

/// About what a part costs.
fn work(part: &Part) -> f64 {
    (part.circuit.instructions().len() + part.terms.len()) as f64 * (part.circuit.qubits() as f64).exp2()
}

/// The gates of a circuit that leaves a single state.
fn gates(circuit: &Circuit, operation: &'static str, options: &Options) -> Result<Circuit, QuantumError> {
    if measured_at_the_end(circuit).is_none() {
        return Err(several_states(operation));
    }
    let gates = (circuit.instructions().iter()).filter(|one| matches!(one.operation, Operation::Gate { .. }));
    let mut gates = circuit.on_qubits(circuit.qubits(), gates.cloned().collect());
    if options.optimize {
        // Gates that cancel would widen the cones.
        passes::prepare(&mut gates);
    }
    Ok(gates)
}

/// What a sum asks of gates, and the new number of each qubit that matters.
fn part(gates: &Circuit, terms: &[PauliTerm], options: &Options) -> (Part, Vec<Option<usize>>) {
    let mut watched = vec![Watched::Not; gates.qubits()];
    for (qubit, pauli) in terms.iter().flat_map(|term| &term.factors) {
        let own = &mut watched[*qubit];
        *own = match (pauli, *own) {
            (Pauli::Z, Watched::Not | Watched::Value) => Watched::Value,
            _ => Watched::Whole,
        };
    }
    let (circuit, names) = cut(gates, watched, options);
    let mut terms = terms.to_vec();
    for (qubit, _) in terms.iter_mut().flat_map(|term| &mut term.factors) {
        *qubit = names[*qubit].expect("what is asked of is kept");
    }
    (Part { circuit, terms }, names)
}

/// The gates that have influence on what is watched, on the qubits that they need or that are watched.
fn cut(gates: &Circuit, watched: Vec<Watched>, options: &Options) -> (Circuit, Vec<Option<usize>>) {
    if !options.optimize {
        return (gates.clone(), (0..gates.qubits()).map(Some).collect());
    }
    let kept = (watched.iter().enumerate()).filter(|(_, watched)| **watched != Watched::Not);
    let kept: Vec<usize> = kept.map(|(qubit, _)| qubit).collect();
    let mut part = gates.clone();
    within_cone(&mut part, watched);
    narrowed(&part, kept)
}

fn run(part: &Circuit, options: &Options, lanes: &dyn Lanes) -> Result<State, QuantumError> {
    let as_it_is = Options {
        optimize: false,
        ..options.clone()
    };
    Program::new(part, &as_it_is)?.run(lanes)
}
