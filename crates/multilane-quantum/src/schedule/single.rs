//! Finds what can go over a state by itself: one gate, or several on at most two qubits.
//!
//! Such a gate needs no scratch: it is bound by memory alone, and reads and writes every amplitude it changes once.

use num_complex::Complex64;

use super::action::{Action, Controls, Matrix, product};
use super::batch::{ones, places};
use crate::kernels::{Level, Real, Stream, Work};

/// Bits that number the lanes of the longest vector.
const MOST_LANE_BITS: usize = 4;

/// The most bits above the lanes that choose the factors of a diagonal.
const MOST_CHOOSING: u32 = 4;

/// The actions as one gate for a state of so many qubits; nothing when they are more than that.
pub(crate) fn single<T: Real>(qubits: usize, level: Level, actions: &[Action]) -> Option<Stream<T>> {
    let shape = Shape::new::<T>(qubits, level)?;
    let phase = |action: &Action| match action {
        Action::Phase { mask, factor } => Some((*mask, *factor)),
        _ => None,
    };
    if let Some(factors) = actions.iter().map(phase).collect::<Option<Vec<_>>>() {
        return shape.diagonal(&factors);
    }
    match actions {
        [
            Action::Flip {
                target,
                controls: Controls { mask, value },
            },
        ] if *target >= shape.lane_bits && mask & ones(shape.lane_bits) == 0 => {
            Some(shape.flip(*target, *mask, *value))
        }
        [Action::Flip { target, controls }] => shape.matrix(&[*target], *controls, &flipping()),
        [
            Action::Dense {
                targets,
                controls,
                matrix,
            },
        ] => shape.matrix(targets, *controls, matrix),
        _ => {
            let mask = actions.iter().fold(0, |mask, action| mask | action.mask());
            let targets = places(mask);
            let (first, rest) = actions.split_first()?;
            if targets.len() > 2 {
                return None;
            }
            let together = |matrix: Matrix, action: &Action| product(&action.matrix_on(&targets), &matrix);
            let matrix = rest.iter().fold(first.matrix_on(&targets), together);
            shape.matrix(&targets, Controls::default(), &matrix)
        }
    }
}

/// A factor for each value of a bit, for a state of so many qubits; nothing for one of less than a vector.
pub(crate) fn per_value<T: Real>(
    qubits: usize,
    level: Level,
    bit: usize,
    factors: [Complex64; 2],
) -> Option<Stream<T>> {
    let shape = Shape::new::<T>(qubits, level)?;
    Some(shape.choosing(0, 1 << bit, |state| factors[(state >> bit & 1) as usize]))
}

fn flipping() -> Matrix {
    [0.0, 1.0, 1.0, 0.0].map(Complex64::from).to_vec()
}

/// How the bits of a state divide.
#[derive(Clone, Copy)]
struct Shape {
    /// The lowest: lanes of a vector.
    lane_bits: usize,
    /// The others: the number of a group.
    group_bits: usize,
    /// For each of the lowest its place among the lanes.
    lane_of: [usize; MOST_LANE_BITS],
}

impl Shape {
    fn new<T: Real>(qubits: usize, level: Level) -> Option<Self> {
        let lane_bits = level.lanes::<T>().ilog2() as usize;
        Some(Self {
            lane_bits,
            group_bits: qubits.checked_sub(lane_bits)?,
            lane_of: std::array::from_fn(|bit| level.lane_of::<T>(bit)),
        })
    }

    /// The lowest bits of the state that is at a lane.
    fn state_of(self, lane: u64) -> u64 {
        (0..self.lane_bits).fold(0, |state, bit| state | (lane >> self.lane_of[bit] & 1) << bit)
    }

    fn units(self, fixed: usize) -> usize {
        1 << (self.group_bits - fixed.count_ones() as usize)
    }

    /// The part of a mask that is about the number of a group.
    fn group(self, mask: u64) -> usize {
        (mask >> self.lane_bits) as usize
    }

    fn flip<T>(self, target: usize, mask: u64, value: u64) -> Stream<T> {
        let offset = 1 << (target - self.lane_bits);
        let fixed = self.group(mask) | offset;
        Stream {
            fixed,
            value: self.group(value),
            units: self.units(fixed),
            work: Work::Flip { offset },
        }
    }

    fn matrix<T: Real>(self, targets: &[usize], controls: Controls, matrix: &Matrix) -> Option<Stream<T>> {
        if !(1..=2).contains(&targets.len()) {
            return None;
        }
        // Lanes first: the first bits of the rows are those that change places with one.
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_by_key(|place| targets[*place] >= self.lane_bits);
        let is_lane = |target: usize| target < self.lane_bits;
        let low_targets = order
            .iter()
            .map(|place| targets[*place])
            .filter(|target| is_lane(*target));
        let lanes: Vec<usize> = low_targets.map(|target| self.lane_of[target]).collect();
        let high = targets.iter().filter(|target| !is_lane(**target));
        let mut fixed = high.fold(self.group(controls.mask), |mask, target| {
            mask | 1 << (target - self.lane_bits)
        });
        let mut weights = Vec::new();
        for place in &order {
            weights.push(match targets[*place].checked_sub(self.lane_bits) {
                Some(bit) => 1 << bit,
                // The lowest free bit: its groups are neighbours.
                None => {
                    let bit = fixed.trailing_ones() as usize;
                    if bit >= self.group_bits {
                        return None;
                    }
                    fixed |= 1 << bit;
                    1 << bit
                }
            });
        }
        let offset = |row: usize| {
            (weights.iter().enumerate())
                .map(|(bit, weight)| (row >> bit & 1) * weight)
                .sum()
        };
        let (rows, real) = (1usize << targets.len(), matrix.iter().all(|element| element.im == 0.0));
        // The row of the matrix as it was given.
        let given =
            |row: usize| (order.iter().enumerate()).fold(0, |all, (bit, place)| all | (row >> bit & 1) << place);
        let low = ones(self.lane_bits);
        let acts = |lane: u64| self.state_of(lane) & controls.mask & low == controls.value & low;
        let mut elements = Vec::new();
        for row in 0..rows {
            for column in 0..rows {
                let element = matrix[given(row) * rows + given(column)];
                let identity = Complex64::from(f64::from(row == column));
                let own: Vec<Complex64> = (0..1u64 << self.lane_bits)
                    .map(|lane| if acts(lane) { element } else { identity })
                    .collect();
                elements.extend(own.iter().map(|element| T::from_f64(element.re)));
                if !real {
                    elements.extend(own.iter().map(|element| T::from_f64(element.im)));
                }
            }
        }
        Some(Stream {
            fixed,
            value: self.group(controls.value),
            units: self.units(fixed),
            work: Work::Matrix {
                qubits: targets.len(),
                offsets: std::array::from_fn(offset),
                lanes,
                elements,
                real,
            },
        })
    }

    /// Factors of the states that have all bits of a mask.
    fn diagonal<T: Real>(self, factors: &[(u64, Complex64)]) -> Option<Stream<T>> {
        let (first, _) = factors.first()?;
        // Where a bit that all of them need is 0, nothing changes.
        let needed = factors.iter().fold(*first, |all, (mask, _)| all & mask);
        let named = factors.iter().fold(0, |all, (mask, _)| all | mask);
        let choosing = self.group(named & !needed);
        if choosing.count_ones() > MOST_CHOOSING {
            return None;
        }
        Some(self.choosing(needed, named, |state| {
            let met = factors.iter().filter(|(mask, _)| state & mask == *mask);
            met.map(|(_, factor)| factor).product()
        }))
    }

    /// A diagonal whose factors depend on the bits that are named; above the lanes those that are needed are 1 wherever
    /// a factor is not.
    fn choosing<T: Real>(self, needed: u64, named: u64, factor: impl Fn(u64) -> Complex64) -> Stream<T> {
        let fixed = self.group(needed);
        let bits = places((self.group(named) & !fixed) as u64);
        let (mut factors, mut same) = (Vec::new(), 0u32);
        for choice in 0..1usize << bits.len() {
            let group =
                (bits.iter().enumerate()).fold(fixed, |group, (place, bit)| group | (choice >> place & 1) << bit);
            let state = |lane: u64| (group as u64) << self.lane_bits | self.state_of(lane);
            let own: Vec<Complex64> = (0..1 << self.lane_bits).map(|lane| factor(state(lane))).collect();
            same |= u32::from(own.iter().all(|factor| *factor == Complex64::ONE)) << choice;
            factors.extend(own.iter().map(|factor| T::from_f64(factor.re)));
            factors.extend(own.iter().map(|factor| T::from_f64(factor.im)));
        }
        Stream {
            fixed,
            value: fixed,
            units: self.units(fixed),
            work: Work::Phases {
                bits,
                factors,
                ones: same,
            },
        }
    }
}
