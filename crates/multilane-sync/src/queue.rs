//! Who waits, in the order of arrival.
//!
//! A queue is changed under the mutex of its primitive only. A place may be stale: its
//! thread gave up, or was granted its turn through another queue. Whoever takes it out
//! finds that when it claims the turn.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::wait::Turn;

/// One thread's place in a queue.
pub(crate) struct Waiter {
    pub(crate) turn: Arc<Turn>,
    pub(crate) thread: u32,
    /// What the primitive wants to know when it grants the turn.
    pub(crate) tag: u32,
}

/// A queue of places.
#[derive(Default)]
pub(crate) struct Queue {
    places: VecDeque<Waiter>,
    inherited: bool,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Forgets everybody; the threads of the parent of a fork do not exist.
    pub(crate) fn inherit(&mut self) {
        self.places.clear();
        self.inherited = true;
    }

    /// Whether `inherit` was called since the last time.
    pub(crate) fn take_inherited(&mut self) -> bool {
        std::mem::take(&mut self.inherited)
    }

    pub(crate) fn join(&mut self, waiter: Waiter) {
        self.places.push_back(waiter);
    }

    /// Goes back to the front: the thread had its turn and found nothing.
    pub(crate) fn rejoin(&mut self, waiter: Waiter) {
        self.places.push_front(waiter);
    }

    /// The first place, stale or not.
    pub(crate) fn first(&self) -> Option<&Waiter> {
        self.places.front()
    }

    /// Takes out the first thread that still waits, with its turn claimed.
    pub(crate) fn claim_first(&mut self) -> Option<Waiter> {
        while let Some(waiter) = self.places.pop_front() {
            if waiter.turn.claim() {
                return Some(waiter);
            }
        }
        None
    }

    /// Takes out the first place; None if its thread does not wait any more.
    pub(crate) fn pop_first(&mut self) -> Option<Waiter> {
        self.places.pop_front().filter(|waiter| waiter.turn.claim())
    }

    /// Grants every turn with that outcome.
    pub(crate) fn grant_all(&mut self, outcome: u32) {
        while let Some(waiter) = self.claim_first() {
            waiter.turn.grant(outcome);
        }
    }

    /// Takes out a place that was given up.
    pub(crate) fn leave(&mut self, turn: &Arc<Turn>) {
        if let Some(index) = self.places.iter().position(|waiter| Arc::ptr_eq(&waiter.turn, turn)) {
            self.places.remove(index);
        }
    }
}
