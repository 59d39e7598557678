//! The order in which locks are taken, and reports of taking them the other way round.
//!
//! Only a lock that is waited for without a limit while another is held adds to the
//! order: what is tried or waited for with a timeout cannot be part of a deadlock. The
//! order is kept per pair of locks, with the place where it was first seen and the other
//! locks held whenever it was: what those order cannot go wrong.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::caller::Caller;
use crate::guarded::{Guarded, Inherit};
use crate::resource::Resource;
use crate::thread::Me;

/// Pairs of locks; a program that orders more of them is watched no further.
const MAX_PAIRS: usize = 100_000;

static WATCHES: AtomicBool = AtomicBool::new(true);

/// Whether the order of locks is watched.
pub fn watches_order() -> bool {
    WATCHES.load(Ordering::Relaxed)
}

/// Sets whether the order of locks is watched.
pub fn set_watches_order(on: bool) {
    WATCHES.store(on, Ordering::Relaxed);
}

/// Two locks taken in both orders: two threads that do so at once may wait for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inversion {
    /// The lock that is held, and the one taken now.
    pub held: String,
    /// See `held`.
    pub taken: String,
    /// The locks taken one inside the other before, from the one taken now to the one held.
    pub path: Vec<String>,
    /// Where the program is now.
    pub stack: String,
    /// Where it was when it first went the other way.
    pub stack_before: String,
}

/// What a lock remembers of the order, so that a known one costs a comparison.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    /// The locks held when it was last taken in a known order, as one number.
    known: AtomicU64,
    /// Whether the order has entries of it.
    entered: AtomicBool,
}

impl Mark {
    /// Forgets a lock that is freed.
    pub(crate) fn forget(&self, serial: u64) {
        if self.entered.load(Ordering::Relaxed) {
            ORDER.lock().remove(serial);
        }
    }
}

struct Edge {
    stack: String,
    /// Locks that were held beside, each time.
    gates: Vec<u64>,
}

#[derive(Default)]
struct Node {
    label: String,
    after: HashMap<u64, Edge>,
    before: Vec<u64>,
}

#[derive(Default)]
struct Order {
    locks: HashMap<u64, Node>,
    pairs: usize,
}

impl Inherit for Order {
    fn inherit(&mut self) {}
}

static ORDER: LazyLock<Guarded<Order>> = LazyLock::new(|| Guarded::new(Order::default()));

/// Notes that a thread has taken `taken` beside what it holds; tells if another order was seen before.
pub(crate) fn note(me: &Me, taken: &dyn Resource, caller: &mut impl Caller) -> Option<Box<Inversion>> {
    let mark = taken.order()?;
    let held = me.held();
    // Never 0, and different for the same locks in another order.
    let signature = held.iter().fold(1_u64, |sum, one| {
        // SAFETY: what a thread holds is not freed before it is released.
        let serial = unsafe { &**one }.serial();
        (sum ^ serial).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1
    });
    if mark.known.load(Ordering::Relaxed) == signature {
        return None;
    }
    note_pairs(me, taken, mark, signature, caller)
}

#[cold]
fn note_pairs(
    me: &Me,
    taken: &dyn Resource,
    mark: &Mark,
    signature: u64,
    caller: &mut impl Caller,
) -> Option<Box<Inversion>> {
    // Copied, since describing the stack may run code that takes and releases locks.
    let held: Vec<(u64, String)> = me
        .held()
        .iter()
        // SAFETY: what a thread holds is not freed before it is released.
        .map(|one| unsafe { &**one })
        .filter(|one| one.order().is_some() && one.serial() != taken.serial())
        .map(|one| {
            if let Some(mark) = one.order() {
                mark.entered.store(true, Ordering::Relaxed);
            }
            (one.serial(), one.label())
        })
        .collect();
    let new = (taken.serial(), taken.label());
    mark.entered.store(true, Ordering::Relaxed);
    let mut stack = None;
    let mut found = None;
    let mut all_known = true;
    for (serial, label) in &held {
        let gates: Vec<u64> = held.iter().map(|one| one.0).filter(|one| one != serial).collect();
        let old = (*serial, label.clone());
        let visit = ORDER.lock().visit(old.0, new.0, &gates);
        match visit {
            Visit::Known => continue,
            Visit::Gated => all_known = false,
            Visit::Full => return None,
            Visit::New => {
                let stack = stack.get_or_insert_with(|| caller.stack()).clone();
                ORDER.lock().insert(&old, &new, stack, gates.clone());
                all_known &= gates.is_empty();
            }
            Visit::Opened => {}
        }
        let inverse = ORDER.lock().path(new.0, old.0, &gates);
        if let (None, Some((path, stack_before))) = (&found, inverse) {
            found = Some(Box::new(Inversion {
                held: old.1,
                taken: new.1.clone(),
                path,
                stack: stack.get_or_insert_with(|| caller.stack()).clone(),
                stack_before,
            }));
        }
    }
    if all_known {
        mark.known.store(signature, Ordering::Relaxed);
    }
    found
}

enum Visit {
    New,
    Known,
    /// Known, with locks held beside it each time.
    Gated,
    /// It had such locks before, and none is left.
    Opened,
    Full,
}

impl Order {
    fn visit(&mut self, from: u64, to: u64, gates: &[u64]) -> Visit {
        let full = self.pairs >= MAX_PAIRS;
        match self.locks.get_mut(&from).and_then(|node| node.after.get_mut(&to)) {
            None if full => Visit::Full,
            None => Visit::New,
            Some(edge) if edge.gates.is_empty() => Visit::Known,
            Some(edge) => {
                edge.gates.retain(|gate| gates.contains(gate));
                if edge.gates.is_empty() {
                    Visit::Opened
                } else {
                    Visit::Gated
                }
            }
        }
    }

    fn insert(&mut self, from: &(u64, String), to: &(u64, String), stack: String, gates: Vec<u64>) {
        let node = self.locks.entry(from.0).or_default();
        node.label.clone_from(&from.1);
        if node.after.insert(to.0, Edge { stack, gates }).is_none() {
            self.pairs += 1;
        }
        let node = self.locks.entry(to.0).or_default();
        node.label.clone_from(&to.1);
        node.before.push(from.0);
    }

    fn remove(&mut self, serial: u64) {
        let Some(node) = self.locks.remove(&serial) else { return };
        self.pairs -= node.after.len();
        for after in node.after.keys() {
            if let Some(node) = self.locks.get_mut(after) {
                node.before.retain(|one| *one != serial);
            }
        }
        for before in &node.before {
            if let Some(node) = self.locks.get_mut(before)
                && node.after.remove(&serial).is_some()
            {
                self.pairs -= 1;
            }
        }
    }

    /// A way from one lock to another that no lock in `gates` orders: its locks, and the
    /// stack of its first step.
    fn path(&self, from: u64, to: u64, gates: &[u64]) -> Option<(Vec<String>, String)> {
        let mut came_from: HashMap<u64, u64> = HashMap::new();
        let mut next = vec![from];
        while let Some(lock) = next.pop() {
            if lock == to {
                return Some(self.way(from, to, &came_from));
            }
            let Some(node) = self.locks.get(&lock) else { continue };
            for (after, edge) in &node.after {
                let gated = edge.gates.iter().any(|gate| gates.contains(gate));
                if !gated && *after != from && !came_from.contains_key(after) {
                    came_from.insert(*after, lock);
                    next.push(*after);
                }
            }
        }
        None
    }

    fn way(&self, from: u64, to: u64, came_from: &HashMap<u64, u64>) -> (Vec<String>, String) {
        let mut locks = vec![to];
        while let Some(before) = locks
            .last()
            .filter(|lock| **lock != from)
            .and_then(|lock| came_from.get(lock))
        {
            locks.push(*before);
        }
        locks.reverse();
        let stack = locks
            .get(1)
            .and_then(|second| self.locks.get(&from)?.after.get(second))
            .map(|edge| edge.stack.clone());
        let labels = locks
            .iter()
            .filter_map(|lock| self.locks.get(lock))
            .map(|node| node.label.clone());
        (labels.collect(), stack.unwrap_or_default())
    }
}
