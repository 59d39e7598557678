//! Circuits that measure, reset or decide on their way: one run for each shot.
//!
//! What comes before the first of those is run once and copied. Each shot has random
//! numbers of its own, so shots are the same whatever runs beside them.

use multilane_plan::Lanes;

use super::measure::measure;
use super::random::{number, unit};
use super::state::Register;
use super::{Shots, execute};
use crate::circuit::Condition;
use crate::error::QuantumError;
use crate::kernels::Float;
use crate::schedule::Compiled;

/// A part of a circuit.
#[derive(Clone, Debug)]
pub(super) enum Part<T> {
    /// Gates.
    Gates {
        /// Ready to run.
        compiled: Compiled<T>,
        /// Run only when this holds.
        condition: Option<Condition>,
    },
    /// A measurement; without a classical bit a reset.
    Measure {
        /// The qubit.
        qubit: usize,
        /// Where the outcome goes.
        clbit: Option<usize>,
        /// Done only when this holds.
        condition: Option<Condition>,
    },
}

impl<T> Part<T> {
    fn condition(&self) -> Option<&Condition> {
        match self {
            Self::Gates { condition, .. } | Self::Measure { condition, .. } => condition.as_ref(),
        }
    }
}

/// Runs all shots.
pub(super) fn run<T: Float>(
    parts: &[Part<T>],
    qubits: usize,
    bytes: usize,
    seed: u64,
    lanes: &dyn Lanes,
    shots: &mut Shots,
) -> Result<(), QuantumError> {
    let mut first = Register::new(qubits, bytes)?;
    first.amplitudes_mut()[0].re = T::from_f64(1.0);
    let same = parts
        .iter()
        .take_while(|part| matches!(part, Part::Gates { condition: None, .. }))
        .count();
    for part in &parts[..same] {
        if let Part::Gates { compiled, .. } = part {
            execute::execute(compiled, &mut first, lanes)?;
        }
    }
    // Every shot begins with a copy.
    let mut register = Register::any(qubits, bytes)?;
    let mut clbits = vec![false; shots.clbits()];
    for shot in 0..shots.len() {
        register.copy_from(&first);
        clbits.fill(false);
        let seed = seed_of_shot(seed, shot as u64);
        let mut measured = 0;
        for part in &parts[same..] {
            step(part, &mut register, &mut clbits, || unit(seed, measured), lanes)?;
            // Done or not, so that what is measured later is the same.
            measured += u64::from(matches!(part, Part::Measure { .. }));
        }
        for (clbit, _) in clbits.iter().enumerate().filter(|(_, one)| **one) {
            shots.set(shot, clbit);
        }
    }
    Ok(())
}

/// The seed of what one shot measures.
pub(crate) fn seed_of_shot(seed: u64, shot: u64) -> u64 {
    number(seed, shot)
}

/// Does a part, unless its condition forbids it.
pub(super) fn step<T: Float>(
    part: &Part<T>,
    register: &mut Register<T>,
    clbits: &mut [bool],
    point: impl FnOnce() -> f64,
    lanes: &dyn Lanes,
) -> Result<(), QuantumError> {
    if part.condition().is_some_and(|condition| !condition.holds(clbits)) {
        return Ok(());
    }
    match part {
        Part::Gates { compiled, .. } => execute::execute(compiled, register, lanes)?,
        Part::Measure { qubit, clbit, .. } => {
            let one = measure(register, *qubit, point(), lanes);
            match clbit {
                Some(clbit) => clbits[*clbit] = one,
                None if one => lower(register, *qubit),
                None => {}
            }
        }
    }
    Ok(())
}

/// Makes a qubit that is 1 in all states 0.
pub(super) fn lower<T: Float>(register: &mut Register<T>, qubit: usize) {
    for pair in register.amplitudes_mut().chunks_exact_mut(2 << qubit) {
        let (zero, one) = pair.split_at_mut(1 << qubit);
        zero.swap_with_slice(one);
    }
}
