//! Chooses which actions share a pass over the state.
//!
//! The lowest bits are local to every chunk; a batch adds a few high ones. An action may
//! run when its targets are local; bits it only reads may lie anywhere. An action that
//! stays for a later batch keeps back those that do not commute with it. Greedy: each
//! batch is the heaviest of those grown from several first actions.

use super::action::Action;
use super::lower::bits;

/// Actions that run in one pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// Bits that are local, all of the lowest among them.
    pub(crate) local: u64,
    /// What is done, in order.
    pub(crate) actions: Vec<Action>,
}

/// How much of a state is local to a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    /// All bits of the state.
    pub(crate) qubits: usize,
    /// The lowest bits, always local.
    pub(crate) low: usize,
    /// Bits of a chunk.
    pub(crate) local: usize,
}

/// How many first actions are tried for each batch.
const SEEDS: usize = 24;

/// Cuts actions into batches.
pub(crate) fn batches(shape: Shape, mut actions: Vec<Action>) -> Vec<Batch> {
    let mut batches = Vec::new();
    while !actions.is_empty() {
        let local = choose(shape, &actions);
        let runs = runnable(local, &actions);
        let mut taken = Vec::new();
        let mut left = Vec::new();
        for (action, run) in actions.into_iter().zip(runs) {
            if run { &mut taken } else { &mut left }.push(action);
        }
        batches.push(Batch { local, actions: taken });
        actions = left;
    }
    batches
}

/// The local bits of the next batch.
fn choose(shape: Shape, actions: &[Action]) -> u64 {
    let low = ones(shape.low);
    if shape.local >= shape.qubits {
        return ones(shape.qubits);
    }
    let mut best = (f64::NEG_INFINITY, low);
    let mut seeds = Vec::new();
    let mut blocked = Blocked::default();
    for (number, action) in actions.iter().enumerate() {
        if blocked.allows(action) && action.target_mask() & !low != 0 && seeds.len() < SEEDS {
            seeds.push(number);
        }
        blocked.skip_if(action, !blocked.allows(action));
    }
    seeds.push(0);
    for seed in seeds {
        let mut local = low | actions[seed].target_mask();
        // An action that needs more bits than a chunk has room for has none to spare.
        let room = shape.local.max(local.count_ones() as usize);
        grow(&mut local, room, actions);
        let weight: f64 = (runnable(local, actions).iter().zip(actions))
            .map(|(run, action)| if *run { weight(action) } else { 0.0 })
            .sum();
        if weight > best.0 {
            best = (weight, local);
        }
    }
    let mut local = best.1;
    // Spare room goes to the lowest bits: longer runs of neighbours.
    for bit in 0..shape.qubits {
        if (local.count_ones() as usize) < shape.local {
            local |= 1 << bit;
        }
    }
    local
}

/// Adds the bits that actions need, in order, while there is room.
fn grow(local: &mut u64, room: usize, actions: &[Action]) {
    let mut blocked = Blocked::default();
    for action in actions {
        let targets = action.target_mask();
        let wanted = *local | targets;
        let fits = wanted.count_ones() as usize <= room;
        let runs = blocked.allows(action) && fits;
        if runs {
            *local = wanted;
        }
        blocked.skip_if(action, !runs);
    }
}

/// Which actions run when these bits are local.
fn runnable(local: u64, actions: &[Action]) -> Vec<bool> {
    let mut blocked = Blocked::default();
    (actions.iter())
        .map(|action| {
            let runs = action.target_mask() & !local == 0 && blocked.allows(action);
            blocked.skip_if(action, !runs);
            runs
        })
        .collect()
}

/// Bits of actions that were left behind.
#[derive(Default)]
struct Blocked {
    changed: u64,
    read: u64,
}

impl Blocked {
    /// Whether an action commutes with all that were left behind.
    fn allows(&self, action: &Action) -> bool {
        action.target_mask() & (self.changed | self.read) == 0 && action.control_mask() & self.changed == 0
    }

    fn skip_if(&mut self, action: &Action, skipped: bool) {
        if skipped {
            self.changed |= action.target_mask();
            self.read |= action.control_mask();
        }
    }
}

/// About what an action saves when it need not wait for another pass.
fn weight(action: &Action) -> f64 {
    match action {
        Action::Dense { targets, .. } => (1 << targets.len()) as f64,
        Action::Flip { .. } => 1.0,
        Action::Phase { .. } => 0.25,
    }
}

/// The lowest `count` bits.
pub(super) fn ones(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// The places of the bits of a mask, ascending.
pub(super) fn places(mask: u64) -> Vec<usize> {
    bits(mask).collect()
}
