//! A queue of items between threads, bounded or not.
//!
//! Putting in and taking out need no lock; only who finds no room, or no item, or somebody who waits
//! for what it did, comes to a queue with a mutex. `README.md` of this crate says why no wake-up is lost.
//!
//! A thread that is woken looks again, so one that is running may take the item first:
//! that is faster than handing over. It then goes back to the front of the queue.

mod block;
mod end;
mod items;

use std::sync::Arc;

use self::items::{Items, Popped, Pushed, Which};
use crate::caller::{Caller, Lingering, Patience};
use crate::error::SyncError;
use crate::gate;
use crate::guarded::{Guarded, Inherited};
use crate::queue::Queue;
use crate::resource::Nobody;
use crate::thread::{Me, me};
use crate::wait::{Turn, Woken};

/// Items on their way from threads to threads.
pub struct Channel<T> {
    items: Inherited<Box<Items<T>>>,
    receivers: Guarded<Queue>,
    senders: Guarded<Queue>,
    joiners: Guarded<Queue>,
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

impl Side {
    /// The end that has to move before this side can go on.
    fn awaits(self) -> Which {
        match self {
            Self::Receive => Which::Tail,
            Self::Send => Which::Head,
        }
    }
}

/// A bound as the items have it; 0 is none.
fn bound(capacity: usize) -> u64 {
    if capacity == 0 { u64::MAX } else { capacity as u64 }
}

impl<T> Channel<T> {
    /// A channel for at most `capacity` items, or any number when that is 0.
    pub fn new(capacity: usize) -> Self {
        Self {
            items: Inherited::new(Box::new(Items::new(bound(capacity)))),
            receivers: Guarded::new(Queue::default()),
            senders: Guarded::new(Queue::default()),
            joiners: Guarded::new(Queue::default()),
        }
    }

    /// Puts an item in.
    ///
    /// # Errors
    /// The channel is shut down, or the caller stopped the wait.
    #[inline]
    pub fn send(&self, item: T, patience: Patience, caller: &mut impl Caller) -> Result<Sent<T>, SyncError> {
        match self.try_send(item)? {
            Sent::Full(item) if patience != Patience::None => self.send_later(item, patience, caller),
            sent => Ok(sent),
        }
    }

    #[cold]
    fn send_later(&self, item: T, patience: Patience, caller: &mut impl Caller) -> Result<Sent<T>, SyncError> {
        let mut item = item;
        let mut woken = false;
        let mut lingering = Lingering::new(caller);
        while lingering.linger() || self.wait(Side::Send, &mut woken, patience, caller)? {
            match self.try_send(item)? {
                Sent::Yes => return Ok(Sent::Yes),
                Sent::Full(back) => item = back,
            }
        }
        Ok(Sent::Full(item))
    }

    /// Takes the oldest item out; None when the time ran out.
    ///
    /// # Errors
    /// The channel is shut down and empty, or the caller stopped the wait.
    #[inline]
    pub fn receive(&self, patience: Patience, caller: &mut impl Caller) -> Result<Option<T>, SyncError> {
        match self.try_receive()? {
            None if patience != Patience::None => self.receive_later(patience, caller),
            received => Ok(received),
        }
    }

    #[cold]
    fn receive_later(&self, patience: Patience, caller: &mut impl Caller) -> Result<Option<T>, SyncError> {
        let mut woken = false;
        let mut lingering = Lingering::new(caller);
        while lingering.linger() || self.wait(Side::Receive, &mut woken, patience, caller)? {
            if let Some(item) = self.try_receive()? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Puts an item in if there is room.
    ///
    /// # Errors
    /// The channel is shut down.
    #[inline]
    pub fn try_send(&self, item: T) -> Result<Sent<T>, SyncError> {
        match self.items.get().push(item) {
            Pushed::Yes(awaited) => {
                if awaited {
                    self.rouse(Side::Receive);
                }
                Ok(Sent::Yes)
            }
            Pushed::Full(item) => Ok(Sent::Full(item)),
            Pushed::Closed => Err(SyncError::Closed),
        }
    }

    /// Takes the oldest item out if there is one.
    ///
    /// # Errors
    /// The channel is shut down and empty.
    #[inline]
    pub fn try_receive(&self) -> Result<Option<T>, SyncError> {
        match self.items.get().pop() {
            Popped::Item(item, awaited) => {
                if awaited {
                    self.rouse(Side::Send);
                }
                Ok(Some(item))
            }
            Popped::Empty => Ok(None),
            Popped::Closed => Err(SyncError::Closed),
        }
    }

    /// Says that the work on an item taken out is done.
    ///
    /// # Errors
    /// No item is unfinished.
    pub fn task_done(&self) -> Result<(), SyncError> {
        if !self.items.get().finish(1) {
            return Err(SyncError::NothingUnfinished);
        }
        self.release_joiners();
        Ok(())
    }

    /// Waits until the work on every item is done; false when the time ran out.
    ///
    /// # Errors
    /// The caller stopped the wait.
    pub fn join(&self, patience: Patience, caller: &mut impl Caller) -> Result<bool, SyncError> {
        let is_done = |_: &Queue| self.unfinished() == 0;
        gate::pass("Channel", &self.joiners, |queue| queue, is_done, patience, caller)
    }

    /// Lets those go who wait until all work is done, if it is.
    fn release_joiners(&self) {
        if self.unfinished() == 0 {
            let mut joiners = self.joiners.lock();
            // Another item may be in by now, and only who joined before that may go.
            if self.unfinished() == 0 {
                joiners.grant_all(0);
            }
        }
    }

    /// Takes no more items; what is in can still be taken out. With `immediate`, what is
    /// in is dropped and counts as done: it is returned.
    pub fn close(&self, immediate: bool) -> Vec<T> {
        let items = self.items.get();
        items.close();
        let mut dropped = Vec::new();
        if immediate {
            while let Popped::Item(item, _) = items.pop() {
                // Fails where the work on it was said to be done before it was taken out.
                items.finish(1);
                dropped.push(item);
            }
            self.release_joiners();
        }
        for side in [Side::Receive, Side::Send] {
            let mut queue = self.queue(side).lock();
            while let Some(waiter) = queue.claim_first() {
                items.end(side.awaits()).wakes();
                waiter.turn.grant(waiter.tag);
            }
            items.end(side.awaits()).await_no_more();
        }
        dropped
    }

    /// Whether it takes no more items.
    pub fn is_closed(&self) -> bool {
        self.items.get().is_closed()
    }

    /// Items in it.
    pub fn len(&self) -> usize {
        usize::try_from(self.items.get().len()).unwrap_or(usize::MAX)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        self.items.get().room() == 0
    }

    /// Items put in whose work is not done.
    pub fn unfinished(&self) -> u64 {
        self.items.get().unfinished()
    }

    /// The most items at a time; 0 is no bound.
    pub fn capacity(&self) -> usize {
        // What is no number of items is no bound.
        usize::try_from(self.items.get().capacity())
            .map_or(0, |capacity| if capacity == usize::MAX { 0 } else { capacity })
    }

    /// Sets the bound. Items that are in already stay.
    pub fn set_capacity(&self, capacity: usize) {
        self.items.get().set_capacity(bound(capacity));
        self.rouse(Side::Send);
    }

    /// Calls `look` with each item.
    ///
    /// # Safety
    /// No other thread sends, receives or closes meanwhile.
    pub unsafe fn each(&self, look: impl FnMut(&T)) {
        // SAFETY: the caller's.
        unsafe { self.items.get().each(look) }
    }

    /// How many at that side need not wait.
    fn ready(&self, side: Side) -> u64 {
        let items = self.items.get();
        match side {
            Side::Receive => items.len(),
            Side::Send => items.room(),
        }
    }

    fn queue(&self, side: Side) -> &Guarded<Queue> {
        match side {
            Side::Receive => &self.receivers,
            Side::Send => &self.senders,
        }
    }

    /// Wakes who sleeps at a side, unless as many as can go on were woken and have yet to look.
    #[cold]
    pub(crate) fn rouse(&self, side: Side) {
        let end = self.items.get().end(side.awaits());
        while self.ready(side) > end.woken() {
            let mut queue = self.queue(side).lock();
            if self.ready(side) <= end.woken() {
                return;
            }
            let waiter = queue.claim_first();
            if waiter.is_some() {
                end.wakes();
            }
            if queue.is_empty() {
                end.await_no_more();
            }
            drop(queue);
            match waiter {
                Some(waiter) => waiter.turn.grant(waiter.tag),
                None => return,
            }
        }
    }

    /// Says that a thread that was woken is about to look.
    pub(crate) fn looks(&self, side: Side) {
        self.items.get().end(side.awaits()).looks();
    }

    /// Puts a wait into the queue of a side, unless that need not wait, or never has to again.
    pub(crate) fn enqueue(&self, side: Side, turn: &Arc<Turn>, me: &Me, tag: u32, front: bool) -> bool {
        let mut queue = self.queue(side).lock();
        let place = turn.place(me, tag);
        if front {
            queue.rejoin(place);
        } else {
            queue.join(place);
        }
        let items = self.items.get();
        items.end(side.awaits()).await_move();
        // After that: who moves the end from now on sees that somebody waits.
        if items.is_closed() || self.ready(side) > 0 {
            self.remove(&mut queue, side, turn);
            return false;
        }
        true
    }

    pub(crate) fn leave(&self, side: Side, turn: &Arc<Turn>) {
        self.remove(&mut self.queue(side).lock(), side, turn);
    }

    fn remove(&self, queue: &mut Queue, side: Side, turn: &Arc<Turn>) {
        queue.leave(turn);
        if queue.is_empty() {
            self.items.get().end(side.awaits()).await_no_more();
        }
    }

    /// Waits for a turn; false when the time ran out.
    #[cold]
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
                self.looks(side);
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
                self.looks(side);
                self.rouse(side);
                Err(error)
            }
        }
    }
}
