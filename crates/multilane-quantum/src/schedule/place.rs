//! Gives the actions of a batch their places in scratch, unless they are one gate that needs none.
//!
//! Bits that a matrix acts on must not be lanes, so they change places with another bit
//! first: with the one that is needed again last. Diagonal gates in a row, and those that
//! can move next to them, become one run. At the end of a batch the lanes are put back.

use num_complex::Complex64;

use super::action::{Action, Controls};
use super::batch::{Batch, Shape, batches, ones, places};
use super::lower::bits;
use super::single::single;
use crate::kernels::{Dense, Layout, Level, PhaseRun, Places, Real, Step, StepKind, Stream};

/// One pass over the state.
#[derive(Clone, Debug)]
pub(crate) enum Pass<T> {
    /// Chunk by chunk, through scratch.
    Chunks(Chunks<T>),
    /// One gate, where the amplitudes lie.
    Stream(Stream<T>),
}

/// A pass through scratch.
#[derive(Clone, Debug)]
pub(crate) struct Chunks<T> {
    /// Where the amplitudes of a chunk lie.
    pub(crate) layout: Layout,
    /// Bits of a chunk.
    pub(crate) bits: usize,
    /// Bits that number the chunks; others outside the chunk are 0 still.
    pub(crate) outside: Vec<usize>,
    /// How many bits number the amplitudes that are read; none before the first amplitude is written.
    pub(crate) read_bits: Option<usize>,
    /// What is done.
    pub(crate) steps: Vec<Step<T>>,
}

/// A circuit, ready to run from the state 0.
#[derive(Clone, Debug)]
pub(crate) struct Compiled<T> {
    /// How many qubits.
    pub(crate) qubits: usize,
    /// For which instruction set.
    pub(crate) level: Level,
    /// How many actions there are, after merging.
    pub(crate) actions: usize,
    /// The passes, in order.
    pub(crate) passes: Vec<Pass<T>>,
    /// Bits that amplitudes may have which are written; with one of the others they are 0, whatever is there.
    pub(crate) written: u64,
}

/// Makes passes of actions. With `fresh`, the state before is all qubits 0 and its memory holds anything.
pub(crate) fn compile<T: Real>(shape: Shape, level: Level, actions: Vec<Action>, fresh: bool) -> Compiled<T> {
    let all = ones(shape.qubits);
    let mut compiled = Compiled {
        qubits: shape.qubits,
        level,
        actions: actions.len(),
        passes: Vec::new(),
        written: if fresh { 0 } else { all },
    };
    if !fresh && let Some(gate) = single(shape.qubits, level, &actions) {
        compiled.passes.push(Pass::Stream(gate));
        return compiled;
    }
    let mut batches = batches(shape, actions);
    if fresh && batches.is_empty() {
        let local = ones(shape.local.min(shape.qubits));
        let actions = Vec::new();
        batches.push(Batch { local, actions });
    }
    for batch in batches {
        let gate = if compiled.written == all {
            single(shape.qubits, level, &batch.actions)
        } else {
            None
        };
        compiled.passes.push(match gate {
            Some(gate) => Pass::Stream(gate),
            None => Pass::Chunks(chunks(level, &batch, compiled.written)),
        });
        compiled.written |= batch.local;
    }
    compiled
}

/// A pass when amplitudes with other bits than those of `written` are 0, whatever is there.
fn chunks<T: Real>(level: Level, batch: &Batch, written: u64) -> Chunks<T> {
    let local = places(batch.local);
    // A run is written as a whole or not at all.
    let alike = if written == 0 {
        batch.local
    } else {
        batch.local & written
    };
    let run_bits = (alike.trailing_ones() as usize).min(local.len());
    let lane_bits = level.lanes::<T>().ilog2() as usize;
    let lane_bits = if run_bits < lane_bits { 0 } else { lane_bits };
    let mut placing = Placing {
        at: (0..local.len()).collect(),
        batch,
        local: &local,
        lane_bits,
        steps: Vec::new(),
    };
    placing.all();
    let unwritten = local[run_bits..]
        .iter()
        .enumerate()
        .filter(|(_, bit)| written >> **bit & 1 == 0);
    let unwritten = unwritten.fold(0, |mask, (place, _)| mask | 1 << place);
    Chunks {
        layout: layout(&local, &placing.at, run_bits, lane_bits, unwritten),
        bits: local.len(),
        outside: places(written & !batch.local),
        read_bits: (written != 0).then(|| written.count_ones() as usize),
        steps: placing.steps,
    }
}

/// The places of a chunk in the state, and in scratch when its steps are done.
fn layout(local: &[usize], at: &[usize], run_bits: usize, lane_bits: usize, unwritten: usize) -> Layout {
    let sums = |weights: Vec<usize>| {
        let mut sums = vec![0];
        for weight in weights {
            for number in 0..sums.len() {
                sums.push(sums[number] + (1 << weight));
            }
        }
        sums
    };
    Layout {
        run_bits,
        runs: sums(local[run_bits..].to_vec()),
        unwritten,
        left_low: sums(at[lane_bits..run_bits].to_vec()),
        left_high: sums(at[run_bits..].to_vec()),
    }
}

struct Placing<'a, T> {
    /// For each local bit, counted from the lowest, its place in scratch.
    at: Vec<usize>,
    batch: &'a Batch,
    /// The local bits, ascending.
    local: &'a [usize],
    lane_bits: usize,
    steps: Vec<Step<T>>,
}

/// Something in a batch after phases were gathered.
enum Item<'a> {
    Action(&'a Action),
    Phases(Vec<(u64, Complex64)>),
}

impl<T: Real> Placing<'_, T> {
    fn all(&mut self) {
        let items = gather(&self.batch.actions);
        for (number, item) in items.iter().enumerate() {
            match item {
                Item::Phases(factors) => self.phases(factors),
                Item::Action(action) => {
                    // Without lanes every gate goes one amplitude at a time.
                    let narrow = self.lane_bits == 0 || !self.leave_lanes(action, &items[number + 1..]);
                    self.action(action, narrow);
                }
            }
        }
        for bit in 0..self.lane_bits {
            if self.at[bit] != bit {
                // A lane first goes where it need not be exchanged with another lane.
                if self.at[bit] < self.lane_bits {
                    let free = (self.lane_bits..self.at.len()).find(|place| *place >= self.lane_bits);
                    self.exchange(self.at[bit], free.expect("a chunk has more bits than lanes"));
                }
                self.exchange(bit, self.at[bit]);
            }
        }
    }

    /// The local number of a bit of the state.
    fn number(&self, bit: usize) -> usize {
        (self.batch.local & ones(bit)).count_ones() as usize
    }

    /// Moves the bits of an action out of the lanes; false when there is no room.
    fn leave_lanes(&mut self, action: &Action, later: &[Item<'_>]) -> bool {
        let mask = action.mask() & self.batch.local;
        if mask.count_ones() as usize > self.at.len() - self.lane_bits {
            return false;
        }
        for bit in bits(mask) {
            let place = self.at[self.number(bit)];
            if place >= self.lane_bits {
                continue;
            }
            let next_use = |number: usize| {
                let bit = 1u64 << self.local[number];
                let used = |item: &Item<'_>| matches!(item, Item::Action(action) if action.mask() & bit != 0);
                later.iter().position(used).unwrap_or(usize::MAX)
            };
            let candidates = (0..self.at.len())
                .filter(|number| self.at[*number] >= self.lane_bits && mask >> self.local[*number] & 1 == 0);
            let other = candidates
                // Of those that are not needed again, one that belongs into a lane saves the way back.
                .max_by_key(|number| (next_use(*number), *number < self.lane_bits))
                .expect("there is room outside the lanes");
            self.exchange(place, self.at[other]);
        }
        true
    }

    /// Exchanges what is at a lane with what is at another place.
    fn exchange(&mut self, lane: usize, place: usize) {
        self.steps.push(Step {
            outside_mask: 0,
            outside_value: 0,
            kind: StepKind::Exchange {
                bit: lane,
                offset: 1 << (place - self.lane_bits),
            },
        });
        for at in &mut self.at {
            *at = match *at {
                old if old == lane => place,
                old if old == place => lane,
                old => old,
            };
        }
    }

    /// The weight of a local bit, in amplitudes or vectors.
    fn weight(&self, bit: usize, narrow: bool) -> usize {
        1 << (self.at[self.number(bit)] - if narrow { 0 } else { self.lane_bits })
    }

    fn action(&mut self, action: &Action, narrow: bool) {
        let (targets, controls) = match action {
            Action::Dense { targets, controls, .. } => (targets.as_slice(), *controls),
            Action::Flip { target, controls } => (std::slice::from_ref(target), *controls),
            Action::Phase { .. } => return,
        };
        let inside = Controls {
            mask: controls.mask & self.batch.local,
            value: controls.value & self.batch.local,
        };
        let sum = |mask: u64| bits(mask).map(|bit| self.weight(bit, narrow)).sum::<usize>();
        let weights: Vec<usize> = targets.iter().map(|bit| self.weight(*bit, narrow)).collect();
        let mask = sum(inside.mask) | weights.iter().sum::<usize>();
        let vectors = 1usize << (self.at.len() - if narrow { 0 } else { self.lane_bits });
        let places = Places {
            mask,
            value: sum(inside.value),
            count: vectors >> mask.count_ones(),
        };
        let kind = match action {
            Action::Dense { matrix, .. } => {
                let offset = |row: usize| {
                    (weights.iter().enumerate())
                        .map(|(place, weight)| (row >> place & 1) * weight)
                        .sum()
                };
                let offsets = (0..1 << targets.len()).map(offset).collect();
                StepKind::Dense {
                    gate: Dense::arrange(targets.len(), offsets, matrix),
                    places,
                    narrow,
                }
            }
            _ => StepKind::Flip {
                places,
                offset: weights[0],
                narrow,
            },
        };
        self.steps.push(Step {
            outside_mask: controls.mask & !self.batch.local,
            outside_value: controls.value & !self.batch.local,
            kind,
        });
    }

    fn phases(&mut self, factors: &[(u64, Complex64)]) {
        let mut groups: Vec<(usize, Vec<(u64, Complex64)>)> = Vec::new();
        for (mask, factor) in factors {
            let inside = bits(mask & self.batch.local).map(|bit| self.weight(bit, true)).sum();
            let part = (mask & !self.batch.local, *factor);
            match groups.iter_mut().find(|(group, _)| *group == inside) {
                Some((_, parts)) => parts.push(part),
                None => groups.push((inside, vec![part])),
            }
        }
        self.steps.push(Step {
            outside_mask: 0,
            outside_value: 0,
            kind: StepKind::Phases(PhaseRun { groups }),
        });
    }
}

/// Gathers phases into runs: each joins the first run after the last change of its bits.
fn gather(actions: &[Action]) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    let mut changed = [0usize; 64];
    for action in actions {
        let Action::Phase { mask, factor } = action else {
            items.push(Item::Action(action));
            for bit in bits(action.target_mask()) {
                changed[bit] = items.len();
            }
            continue;
        };
        let from = bits(*mask).map(|bit| changed[bit]).max().unwrap_or(0);
        let run = items[from..].iter_mut().find_map(|item| match item {
            Item::Phases(factors) => Some(factors),
            Item::Action(_) => None,
        });
        match run {
            Some(factors) => factors.push((*mask, *factor)),
            None => items.push(Item::Phases(vec![(*mask, *factor)])),
        }
    }
    items
}
