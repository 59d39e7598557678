//! Draws basis states with the probabilities of a state.
//!
//! Each draw has a random number of its own; the draws are sorted, blocks are found by
//! their sums, and only blocks that are hit are looked into.

use multilane_plan::Lanes;
use num_complex::Complex;

use super::blocks::{BLOCK, each, probability, weights};
use super::random::unit;
use super::state::State;
use crate::kernels::Float;

impl State {
    /// Basis states drawn with their probabilities, so many; the same seed gives the same ones.
    pub fn sample(&self, shots: usize, seed: u64, lanes: &dyn Lanes) -> Vec<u64> {
        match self {
            Self::F32(register) => draw(register.amplitudes(), shots, seed, lanes),
            Self::F64(register) => draw(register.amplitudes(), shots, seed, lanes),
        }
    }
}

/// The basis states of so many draws, in the order of the draws.
pub(super) fn draw<T: Float>(amplitudes: &[Complex<T>], shots: usize, seed: u64, lanes: &dyn Lanes) -> Vec<u64> {
    let weights = weights(amplitudes, lanes);
    let mut ends = Vec::with_capacity(weights.len());
    let mut total = 0.0;
    for weight in &weights {
        total += weight;
        ends.push(total);
    }
    let mut wanted: Vec<(f64, usize)> = (0..shots).map(|shot| (unit(seed, shot as u64) * total, shot)).collect();
    wanted.sort_by(|left, right| left.0.total_cmp(&right.0));
    // Neighbouring draws of one block together: the block and where its draws begin.
    let mut hits: Vec<(usize, usize)> = Vec::new();
    let mut block = 0;
    for (place, (point, _)) in wanted.iter().enumerate() {
        while block + 1 < ends.len() && *point >= ends[block] {
            block += 1;
        }
        if hits.last().is_none_or(|(last, _)| *last != block) {
            hits.push((block, place));
        }
    }
    let found = each(hits.len(), lanes, |hit| {
        let (block, first) = hits[hit];
        let last = hits.get(hit + 1).map_or(wanted.len(), |(_, next)| *next);
        let before = if block == 0 { 0.0 } else { ends[block - 1] };
        search(amplitudes, block, before, &wanted[first..last])
    });
    let mut outcomes = vec![0; shots];
    for (shot, basis) in found.into_iter().flatten() {
        outcomes[shot] = basis;
    }
    outcomes
}

/// The basis state of each draw of a block; draws are sorted.
fn search<T: Float>(
    amplitudes: &[Complex<T>],
    block: usize,
    before: f64,
    wanted: &[(f64, usize)],
) -> Vec<(usize, u64)> {
    let first = block * BLOCK;
    let own = &amplitudes[first..amplitudes.len().min(first + BLOCK)];
    // Sums are rounded, so a draw may lie behind the last state; it gets the last that can occur.
    let possible = own
        .iter()
        .rposition(|amplitude| probability(*amplitude) > 0.0)
        .unwrap_or(0);
    let (mut at, mut end) = (0, before + own.first().map_or(0.0, |amplitude| probability(*amplitude)));
    let mut found = Vec::with_capacity(wanted.len());
    for (point, shot) in wanted {
        while at < possible && *point >= end {
            at += 1;
            end += probability(own[at]);
        }
        found.push((*shot, (first + at) as u64));
    }
    found
}
