//! One gate over a whole state, where it lies: read, apply, write, each amplitude once.
//!
//! A group is as many amplitudes as a vector has lanes: two vectors in the state, where real and imaginary parts
//! alternate. A unit is the groups that a gate mixes. Targets above the lanes are bits of a group's number. A target
//! that is a lane changes places with such a bit while its groups are in registers. Controls above the lanes leave
//! groups out; those that are lanes give every lane its own elements, the identity where the gate does not act. Lanes
//! are in the order that takes the fewest instructions ([`super::Level::lane_of`]).
//! Never starts threads.

use std::ops::Range;

use super::simd::{Real, Vector};

/// A gate that goes over a state by itself.
#[derive(Clone, Debug)]
pub(crate) struct Stream<T> {
    /// Bits of a group's number that do not count units: those of targets and of controls.
    pub(crate) fixed: usize,
    /// What they are in the first group of a unit: controls that have to be 1.
    pub(crate) value: usize,
    /// How many units there are.
    pub(crate) units: usize,
    /// What is done to a unit.
    pub(crate) work: Work<T>,
}

/// What is done to a unit.
#[derive(Clone, Debug)]
pub(crate) enum Work<T> {
    /// Multiplies by a matrix.
    Matrix {
        /// On how many qubits: 1 or 2.
        qubits: usize,
        /// Where each row's group lies from the first, in groups.
        offsets: [usize; 4],
        /// The first qubits' lane bits, when they are lanes: bits of the rows that change places with them.
        lanes: Vec<usize>,
        /// Row by row a vector of real parts, and one of imaginary parts unless `real`.
        elements: Vec<T>,
        /// Whether all imaginary parts are 0.
        real: bool,
    },
    /// Exchanges two groups.
    Flip {
        /// How far apart they are, in groups.
        offset: usize,
    },
    /// Multiplies a group by factors.
    Phases {
        /// Bits of the group's number that choose them.
        bits: Vec<usize>,
        /// For each choice a vector of real parts and one of imaginary parts.
        factors: Vec<T>,
        /// Choices whose factors are all 1, as bits.
        ones: u32,
    },
}

impl<T> Stream<T> {
    /// Groups of a unit.
    pub(crate) fn groups_of_unit(&self) -> usize {
        match &self.work {
            Work::Matrix { qubits, .. } => 1 << qubits,
            Work::Flip { .. } => 2,
            Work::Phases { .. } => 1,
        }
    }

    /// Groups that are read and written.
    pub(crate) fn groups(&self) -> usize {
        let all = self.units * self.groups_of_unit();
        match &self.work {
            Work::Phases { bits, ones, .. } => (all >> bits.len()) * ((1 << bits.len()) - ones.count_ones() as usize),
            _ => all,
        }
    }
}

/// Applies a gate to some of its units.
///
/// # Safety
/// `state` holds all groups of the gate, only the caller uses those of these units, and the processor has the level
/// of `V`, for whose lanes the gate was made.
#[inline(always)]
pub(crate) unsafe fn stream<V: Vector>(state: *mut V::Element, stream: &Stream<V::Element>, units: Range<usize>) {
    // SAFETY: the contract.
    unsafe {
        match &stream.work {
            Work::Flip { offset } => flip::<V>(state, stream, *offset, units),
            Work::Phases { bits, factors, ones } => phases::<V>(state, stream, bits, factors, *ones, units),
            Work::Matrix {
                qubits, lanes, real, ..
            } => match (qubits, lanes.len(), real) {
                (1, 0, true) => matrix::<V, 2, 4, 0, true>(state, stream, units),
                (1, 0, false) => matrix::<V, 2, 4, 0, false>(state, stream, units),
                (1, _, true) => matrix::<V, 2, 4, 1, true>(state, stream, units),
                (1, _, false) => matrix::<V, 2, 4, 1, false>(state, stream, units),
                (_, 0, true) => matrix::<V, 4, 16, 0, true>(state, stream, units),
                (_, 0, false) => matrix::<V, 4, 16, 0, false>(state, stream, units),
                (_, 1, true) => matrix::<V, 4, 16, 1, true>(state, stream, units),
                (_, 1, false) => matrix::<V, 4, 16, 1, false>(state, stream, units),
                (_, _, true) => matrix::<V, 4, 16, 2, true>(state, stream, units),
                (_, _, false) => matrix::<V, 4, 16, 2, false>(state, stream, units),
            },
        }
    }
}

/// The first group of a unit, without the controls: the unit's number put into the bits outside `fixed`.
fn place(unit: usize, fixed: usize) -> usize {
    let (mut unit, mut left) = (unit, fixed);
    while left != 0 {
        let below = (1usize << left.trailing_zeros()) - 1;
        unit = (unit & !below) << 1 | unit & below;
        left &= left - 1;
    }
    unit
}

/// Multiplies units of `N` groups by a matrix of `M` elements; the first `L` bits of its rows are lanes in the state.
#[inline(always)]
unsafe fn matrix<V: Vector, const N: usize, const M: usize, const L: usize, const REAL: bool>(
    state: *mut V::Element,
    stream: &Stream<V::Element>,
    units: Range<usize>,
) {
    let Work::Matrix {
        offsets,
        lanes,
        elements,
        ..
    } = &stream.work
    else {
        return;
    };
    let Stream { fixed, value, .. } = *stream;
    let places: [usize; N] = std::array::from_fn(|row| offsets[row] * 2 * V::LANES);
    let lanes: [usize; L] = std::array::from_fn(|bit| lanes[bit]);
    // SAFETY: the contract of `stream`; a matrix has a vector for each part of an element.
    unsafe {
        let zero = V::splat(V::Element::from_f64(0.0));
        let (mut a, mut b) = ([zero; M], [zero; M]);
        for element in 0..M {
            let from = elements.as_ptr().add(element * V::LANES * if REAL { 1 } else { 2 });
            a[element] = V::load(from);
            if !REAL {
                b[element] = V::load(from.add(V::LANES));
            }
        }
        let mut at = place(units.start, fixed);
        for _ in units {
            let unit = state.add((at | value) * 2 * V::LANES);
            let (mut x, mut y) = ([zero; N], [zero; N]);
            for row in 0..N {
                let from = unit.add(places[row]);
                (x[row], y[row]) = V::part(V::load(from), V::load(from.add(V::LANES)));
            }
            exchange::<V, N, L>(&mut x, lanes);
            exchange::<V, N, L>(&mut y, lanes);
            let (mut re, mut im) = ([zero; N], [zero; N]);
            for row in 0..N {
                for column in 0..N {
                    let (x, y, a) = (x[column], y[column], a[row * N + column]);
                    (re[row], im[row]) = if column == 0 {
                        (a.mul(x), a.mul(y))
                    } else {
                        (a.mul_add(x, re[row]), a.mul_add(y, im[row]))
                    };
                    if !REAL {
                        let b = b[row * N + column];
                        re[row] = b.neg_mul_add(y, re[row]);
                        im[row] = b.mul_add(x, im[row]);
                    }
                }
            }
            exchange::<V, N, L>(&mut re, lanes);
            exchange::<V, N, L>(&mut im, lanes);
            for row in 0..N {
                let to = unit.add(places[row]);
                let (first, second) = V::unite(re[row], im[row]);
                first.store(to);
                second.store(to.add(V::LANES));
            }
            at = (at | fixed).wrapping_add(1) & !fixed;
        }
    }
}

/// Makes lane bits and the first bits of the rows change places.
#[inline(always)]
unsafe fn exchange<V: Vector, const N: usize, const L: usize>(rows: &mut [V; N], lanes: [usize; L]) {
    for (bit, lane) in lanes.into_iter().enumerate() {
        for row in 0..N {
            if row >> bit & 1 == 0 {
                // SAFETY: the contract of `stream`.
                (rows[row], rows[row | 1 << bit]) = unsafe { rows[row].exchange(rows[row | 1 << bit], lane) };
            }
        }
    }
}

/// Exchanges groups `offset` apart.
#[inline(always)]
unsafe fn flip<V: Vector>(state: *mut V::Element, stream: &Stream<V::Element>, offset: usize, units: Range<usize>) {
    let Stream { fixed, value, .. } = *stream;
    // SAFETY: the contract of `stream`.
    unsafe {
        let mut at = place(units.start, fixed);
        for _ in units {
            let first = state.add((at | value) * 2 * V::LANES);
            let second = first.add(offset * 2 * V::LANES);
            let (a, b) = (V::load(first), V::load(first.add(V::LANES)));
            let (c, d) = (V::load(second), V::load(second.add(V::LANES)));
            c.store(first);
            d.store(first.add(V::LANES));
            a.store(second);
            b.store(second.add(V::LANES));
            at = (at | fixed).wrapping_add(1) & !fixed;
        }
    }
}

/// Multiplies groups by the factors that bits of their numbers choose.
#[inline(always)]
unsafe fn phases<V: Vector>(
    state: *mut V::Element,
    stream: &Stream<V::Element>,
    bits: &[usize],
    factors: &[V::Element],
    ones: u32,
    units: Range<usize>,
) {
    let Stream { fixed, value, .. } = *stream;
    let chosen = bits.iter().fold(fixed, |mask, bit| mask | 1 << bit);
    // So many neighbours have the same factors.
    let run = 1usize << chosen.trailing_zeros().min(usize::BITS - 2);
    let (mut unit, mut at) = (units.start, place(units.start, fixed));
    while unit < units.end {
        let length = (run - (unit & (run - 1))).min(units.end - unit);
        let choice = (bits.iter().enumerate()).fold(0, |all, (place, bit)| all | (at >> bit & 1) << place);
        if ones >> choice & 1 == 0 {
            // SAFETY: the contract of `stream`; every choice has two vectors of factors.
            unsafe {
                let own = factors.as_ptr().add(choice * 2 * V::LANES);
                let (x, y) = (V::load(own), V::load(own.add(V::LANES)));
                let mut group = state.add((at | value) * 2 * V::LANES);
                for _ in 0..length {
                    let (a, b) = V::part(V::load(group), V::load(group.add(V::LANES)));
                    let (first, second) = V::unite(b.neg_mul_add(y, a.mul(x)), b.mul_add(x, a.mul(y)));
                    first.store(group);
                    second.store(group.add(V::LANES));
                    group = group.add(2 * V::LANES);
                }
            }
        }
        unit += length;
        at = (at | fixed).wrapping_add(length) & !fixed;
    }
}
