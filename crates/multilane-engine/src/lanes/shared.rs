//! One team for each number of lanes, for the whole process.
//!
//! Everything that computes shares them, so that ten plans at once do not start ten
//! times as many threads as there are processors.

use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::Team;
use crate::cpus;

struct Node {
    lanes: usize,
    team: Team,
    next: *mut Node,
}

/// Nodes are added and never removed. A lock would be held for ever in the child of a
/// fork, if another thread of the parent was inside.
static TEAMS: AtomicPtr<Node> = AtomicPtr::new(std::ptr::null_mut());

static USABLE: AtomicUsize = AtomicUsize::new(0);

/// The processors this process may use, looked up once.
fn usable() -> usize {
    match USABLE.load(Ordering::Relaxed) {
        0 => {
            let cpus = cpus::usable() as usize;
            USABLE.store(cpus, Ordering::Relaxed);
            cpus
        }
        cpus => cpus,
    }
}

/// The process's team of so many lanes, the caller's included; without a number, a lane
/// for every processor this process may use.
pub fn shared(lanes: Option<usize>) -> &'static Team {
    let lanes = lanes.unwrap_or_else(usable).max(1);
    let mut added: Option<Box<Node>> = None;
    loop {
        let first = TEAMS.load(Ordering::Acquire);
        let mut at = first;
        // SAFETY: nodes are never freed or changed once they are in the list.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.lanes == lanes {
                return &node.team;
            }
            at = node.next;
        }
        let mut node = added.take().unwrap_or_else(|| {
            Box::new(Node {
                lanes,
                team: Team::new(lanes),
                next: first,
            })
        });
        node.next = first;
        let node = Box::into_raw(node);
        if TEAMS
            .compare_exchange(first, node, Ordering::AcqRel, Ordering::Acquire)
            .is_err()
        {
            // SAFETY: it did not get into the list, so nobody else has the pointer.
            added = Some(unsafe { Box::from_raw(node) });
        }
    }
}

#[cfg(test)]
mod tests {
    use multilane_plan::Lanes;

    use super::*;

    #[test]
    fn everybody_gets_the_same_team() {
        let teams: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| std::ptr::from_ref(shared(Some(7))).addr()))
                .collect();
            asked.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(teams.iter().all(|team| *team == teams[0]));
        assert_eq!(shared(Some(7)).count(), 7);
        assert_eq!(shared(None).count(), cpus::usable() as usize);
        assert_eq!(shared(Some(0)).count(), 1);
    }
}
