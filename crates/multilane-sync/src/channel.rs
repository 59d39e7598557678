//! A queue of items between threads, bounded or not.
//!
//! A thread that is woken looks again, so one that is running may take the item first:
//! that is faster than handing over. It then goes back to the front of the queue.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::caller::{Caller, Lingering, Patience};
use crate::error::SyncError;
use crate::guarded::{Guarded, Inherit};
use crate::queue::{Queue, Waiter};
use crate::resource::Nobody;
use crate::thread::{Me, me};
use crate::wait::{Turn, Woken};

/// Items on their way from threads to threads.
pub struct Channel<T> {
    /// The most items at a time; 0 is no bound.
    capacity: AtomicUsize,
    pub(crate) state: Guarded<State<T>>,
}

pub(crate) struct State<T> {
    pub(crate) items: VecDeque<T>,
    pub(crate) receivers: Queue,
    pub(crate) senders: Queue,
    joiners: Queue,
    unfinished: u64,
    pub(crate) closed: bool,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self {
            items: VecDeque::new(),
            receivers: Queue::default(),
            senders: Queue::default(),
            joiners: Queue::default(),
            unfinished: 0,
            closed: false,
        }
    }
}

impl<T> Inherit for State<T> {
    fn inherit(&mut self) {
        self.receivers.inherit();
        self.senders.inherit();
        self.joiners.inherit();
    }
}

/// What became of an item.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent<T> {
    /// It is in the channel.
    Yes,
    /// There was no room in time.
    Full(T),
}

/// The side of a channel that a thread waits at.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Receive,
    Send,
}

impl<T> Channel<T> {
    /// A channel for at most `capacity` items, or any number when that is 0.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: AtomicUsize::new(capacity),
            state: Guarded::new(State::default()),
        }
    }

    /// Puts an item in.
    ///
    /// # Errors
    /// The channel is shut down, or the caller stopped the wait.
    pub fn send(&self, item: T, patience: Patience, caller: &mut impl Caller) -> Result<Sent<T>, SyncError> {
        let mut item = item;
        let mut woken = false;
        let mut lingering = Lingering::new(caller);
        loop {
            match self.try_send(item)? {
                Sent::Yes => return Ok(Sent::Yes),
                Sent::Full(back) => item = back,
            }
            if patience == Patience::None {
                return Ok(Sent::Full(item));
            }
            if lingering.linger() {
                continue;
            }
            if !self.wait(Side::Send, &mut woken, patience, caller)? {
                return Ok(Sent::Full(item));
            }
        }
    }

    /// Takes the oldest item out; None when the time ran out.
    ///
    /// # Errors
    /// The channel is shut down and empty, or the caller stopped the wait.
    pub fn receive(&self, patience: Patience, caller: &mut impl Caller) -> Result<Option<T>, SyncError> {
        let mut woken = false;
        let mut lingering = Lingering::new(caller);
        loop {
            if let Some(item) = self.try_receive()? {
                return Ok(Some(item));
            }
            if patience != Patience::None && lingering.linger() {
                continue;
            }
            if patience == Patience::None || !self.wait(Side::Receive, &mut woken, patience, caller)? {
                return Ok(None);
            }
        }
    }

    /// Puts an item in if there is room.
    ///
    /// # Errors
    /// The channel is shut down.
    #[inline]
    pub fn try_send(&self, item: T) -> Result<Sent<T>, SyncError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(SyncError::Closed);
        }
        if !self.has_room(&state) {
            return Ok(Sent::Full(item));
        }
        state.items.push_back(item);
        state.unfinished += 1;
        let receiver = state.receivers.claim_first();
        drop(state);
        wake(receiver);
        Ok(Sent::Yes)
    }

    /// Takes the oldest item out if there is one.
    ///
    /// # Errors
    /// The channel is shut down and empty.
    #[inline]
    pub fn try_receive(&self) -> Result<Option<T>, SyncError> {
        let mut state = self.state.lock();
        match state.items.pop_front() {
            Some(item) => {
                let sender = if self.has_room(&state) {
                    state.senders.claim_first()
                } else {
                    None
                };
                drop(state);
                wake(sender);
                Ok(Some(item))
            }
            None if state.closed => Err(SyncError::Closed),
            None => Ok(None),
        }
    }

    /// Says that the work on an item taken out is done.
    ///
    /// # Errors
    /// No item is unfinished.
    pub fn task_done(&self) -> Result<(), SyncError> {
        let mut state = self.state.lock();
        state.unfinished = state.unfinished.checked_sub(1).ok_or(SyncError::NothingUnfinished)?;
        if state.unfinished == 0 {
            state.joiners.grant_all(0);
        }
        Ok(())
    }

    /// Waits until the work on every item is done; false when the time ran out.
    ///
    /// # Errors
    /// The caller stopped the wait.
    pub fn join(&self, patience: Patience, caller: &mut impl Caller) -> Result<bool, SyncError> {
        let me = me();
        let turn = Turn::new();
        {
            let mut state = self.state.lock();
            if state.unfinished == 0 {
                return Ok(true);
            }
            if patience == Patience::None {
                return Ok(false);
            }
            state.joiners.join(turn.place(&me, 0));
        }
        match turn.sleep(&me, &Nobody("Channel"), patience, caller) {
            Woken::Granted(_) => Ok(true),
            Woken::TimedOut => {
                self.state.lock().joiners.leave(&turn);
                Ok(false)
            }
            Woken::Failed(error) => {
                self.state.lock().joiners.leave(&turn);
                Err(error)
            }
            Woken::GrantedAndFailed(_, error) => Err(error),
        }
    }

    /// Takes no more items; what is in can still be taken out. With `immediate`, what is
    /// in is dropped and counts as done: it is returned.
    pub fn close(&self, immediate: bool) -> VecDeque<T> {
        let mut state = self.state.lock();
        state.closed = true;
        let mut dropped = VecDeque::new();
        if immediate {
            dropped = std::mem::take(&mut state.items);
            state.unfinished = state.unfinished.saturating_sub(dropped.len() as u64);
            if state.unfinished == 0 {
                state.joiners.grant_all(0);
            }
        }
        state.receivers.grant_all(0);
        state.senders.grant_all(0);
        dropped
    }

    /// Whether it takes no more items.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Items in it.
    pub fn len(&self) -> usize {
        self.state.lock().items.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        !self.has_room(&self.state.lock())
    }

    /// Items put in whose work is not done.
    pub fn unfinished(&self) -> u64 {
        self.state.lock().unfinished
    }

    /// The most items at a time; 0 is no bound.
    pub fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Relaxed)
    }

    /// Sets the bound. Items that are in already stay.
    pub fn set_capacity(&self, capacity: usize) {
        let mut state = self.state.lock();
        self.capacity.store(capacity, Ordering::Relaxed);
        while self.has_room(&state) {
            let Some(waiter) = state.senders.claim_first() else {
                return;
            };
            waiter.turn.grant(waiter.tag);
        }
    }

    /// Calls `look` with each item, unless the channel is being changed.
    pub fn try_each(&self, mut look: impl FnMut(&T)) {
        for item in &self.state.lock().items {
            look(item);
        }
    }

    pub(crate) fn has_room(&self, state: &State<T>) -> bool {
        let capacity = self.capacity.load(Ordering::Relaxed);
        capacity == 0 || state.items.len() < capacity
    }

    /// Whether that side need not wait, or never has to again.
    fn is_ready(&self, state: &State<T>, side: Side) -> bool {
        state.closed
            || match side {
                Side::Receive => !state.items.is_empty(),
                Side::Send => self.has_room(state),
            }
    }

    /// Puts a wait into the queue of a side, unless that is ready.
    pub(crate) fn enqueue(&self, side: Side, turn: &Arc<Turn>, me: &Me, tag: u32, front: bool) -> bool {
        let mut state = self.state.lock();
        if self.is_ready(&state, side) {
            return false;
        }
        let queue = state.side(side);
        if front {
            queue.rejoin(turn.place(me, tag));
        } else {
            queue.join(turn.place(me, tag));
        }
        true
    }

    pub(crate) fn leave(&self, side: Side, turn: &Arc<Turn>) {
        self.state.lock().side(side).leave(turn);
    }

    /// Passes on a turn that its thread did not use.
    pub(crate) fn pass_on(&self, side: Side) {
        let mut state = self.state.lock();
        if self.is_ready(&state, side) {
            let waiter = state.side(side).claim_first();
            drop(state);
            wake(waiter);
        }
    }

    /// Waits for a turn; false when the time ran out.
    fn wait(
        &self,
        side: Side,
        woken: &mut bool,
        patience: Patience,
        caller: &mut impl Caller,
    ) -> Result<bool, SyncError> {
        let me = me();
        let turn = Turn::new();
        if !self.enqueue(side, &turn, &me, 0, *woken) {
            return Ok(true);
        }
        match turn.sleep(&me, &Nobody("Channel"), patience, caller) {
            Woken::Granted(_) => {
                *woken = true;
                Ok(true)
            }
            Woken::TimedOut => {
                self.leave(side, &turn);
                Ok(false)
            }
            Woken::Failed(error) => {
                self.leave(side, &turn);
                Err(error)
            }
            Woken::GrantedAndFailed(_, error) => {
                self.pass_on(side);
                Err(error)
            }
        }
    }
}

impl<T> State<T> {
    fn side(&mut self, side: Side) -> &mut Queue {
        match side {
            Side::Receive => &mut self.receivers,
            Side::Send => &mut self.senders,
        }
    }
}

#[inline]
fn wake(waiter: Option<Waiter>) {
    if let Some(waiter) = waiter {
        waiter.turn.grant(waiter.tag);
    }
}
