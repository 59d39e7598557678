//! The items of a channel: slots in linked blocks, put in and taken out without a lock.
//!
//! `README.md` of this crate says why no item is lost and no block freed too early. Nobody sleeps here.

use std::ptr;

use super::block::{Block, SLOTS};
use super::end::{AWAITED, CLOSED, End, LAP, Padded, STEP, count, position, slot};
use crate::backoff::Backoff;
#[cfg(not(loom))]
use crate::guarded::Inherit;
use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Items in the order they were put in, at most `capacity` at a time.
pub(super) struct Items<T> {
    tail: Padded<End<T>>,
    head: Padded<End<T>>,
    /// `u64::MAX` is no bound.
    capacity: AtomicU64,
    /// Items whose work is done.
    done: AtomicU64,
    /// Blocks past the head that others were still taking from when the last slot was taken.
    leaving: AtomicPtr<Block<T>>,
}

/// One of the ends.
#[derive(Clone, Copy)]
pub(super) enum Which {
    Tail,
    Head,
}

/// What became of an item to put in.
pub(super) enum Pushed<T> {
    /// It is in; whether somebody sleeps until there is an item.
    Yes(bool),
    Full(T),
    Closed,
}

/// What came of taking an item out.
pub(super) enum Popped<T> {
    /// An item; whether somebody sleeps until there is room.
    Item(T, bool),
    Empty,
    Closed,
}

// SAFETY: items go from thread to thread, and a slot is used by one thread at a time.
unsafe impl<T: Send> Send for Items<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Items<T> {}

impl<T> Items<T> {
    pub(super) fn new(capacity: u64) -> Self {
        let first = Block::new();
        Self {
            tail: Padded(End::new(first)),
            head: Padded(End::new(first)),
            capacity: AtomicU64::new(capacity),
            done: AtomicU64::new(0),
            leaving: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Puts an item in if there is room.
    #[inline(always)]
    pub(super) fn push(&self, item: T) -> Pushed<T> {
        let tail = &self.tail.0;
        let word = tail.word.load(Ordering::Acquire);
        let block = tail.block.load(Ordering::Acquire);
        let slot = slot(word);
        if word & CLOSED != 0 {
            return Pushed::Closed;
        }
        if self.is_full_at(position(word)) {
            return Pushed::Full(item);
        }
        if slot + 1 >= SLOTS {
            return self.push_slowly(word, item);
        }
        match tail.swap(word, word + STEP) {
            Ok(()) => {
                // SAFETY: the block lives until all its slots are taken, and the swap gave this one to this thread.
                unsafe { Block::write(block, slot, item) };
                Pushed::Yes(word & AWAITED != 0)
            }
            Err(now) => self.push_slowly(now, item),
        }
    }

    /// The same at the end of a block, and where another thread was first.
    #[inline(never)]
    fn push_slowly(&self, mut word: u64, item: T) -> Pushed<T> {
        let tail = &self.tail.0;
        let mut backoff = Backoff::new();
        let mut next: *mut Block<T> = ptr::null_mut();
        let pushed = loop {
            if word & CLOSED != 0 {
                break Pushed::Closed;
            }
            // After the word: should it be the block of a later one, the swap fails.
            let block = tail.block.load(Ordering::Acquire);
            let slot = slot(word);
            if slot == SLOTS {
                backoff.pause();
                word = tail.word.load(Ordering::Acquire);
                continue;
            }
            if self.is_full_at(position(word)) {
                break Pushed::Full(item);
            }
            if slot + 1 == SLOTS && next.is_null() {
                next = Block::new();
            }
            match tail.swap(word, word + STEP) {
                Ok(()) => {
                    if slot + 1 == SLOTS {
                        tail.block.store(next, Ordering::Release);
                        tail.word.fetch_add(STEP, Ordering::Release);
                        // SAFETY: the block lives until all its slots are taken, this one too.
                        unsafe { &*block }.next.store(next, Ordering::Release);
                        next = ptr::null_mut();
                    }
                    // SAFETY: as above, and the swap gave this slot to this thread.
                    unsafe { Block::write(block, slot, item) };
                    break Pushed::Yes(word & AWAITED != 0);
                }
                Err(now) => word = now,
            }
            backoff.retry();
        };
        if !next.is_null() {
            // SAFETY: made above, and no other thread knows it.
            drop(unsafe { Box::from_raw(next) });
        }
        pushed
    }

    /// Takes the oldest item out.
    #[inline(always)]
    pub(super) fn pop(&self) -> Popped<T> {
        let head = &self.head.0;
        let word = head.word.load(Ordering::Acquire);
        let block = head.block.load(Ordering::Acquire);
        let slot = slot(word);
        if slot + 1 >= SLOTS {
            return self.pop_slowly(word);
        }
        if let Some(nothing) = self.nothing_at(position(word)) {
            return nothing;
        }
        match head.swap(word, word + STEP) {
            Ok(()) => {
                // SAFETY: the block lives until all its slots are taken, and the swap gave this one to this thread.
                let item = unsafe { Block::take(block, slot) };
                Popped::Item(item, word & AWAITED != 0)
            }
            Err(now) => self.pop_slowly(now),
        }
    }

    /// The same at the end of a block, and where another thread was first.
    #[inline(never)]
    fn pop_slowly(&self, mut word: u64) -> Popped<T> {
        let head = &self.head.0;
        let mut backoff = Backoff::new();
        loop {
            let block = head.block.load(Ordering::Acquire);
            let slot = slot(word);
            if slot == SLOTS {
                backoff.pause();
                word = head.word.load(Ordering::Acquire);
                continue;
            }
            if let Some(nothing) = self.nothing_at(position(word)) {
                return nothing;
            }
            match head.swap(word, word + STEP) {
                Ok(()) => {
                    if slot + 1 == SLOTS {
                        // SAFETY: the block lives until all its slots are taken, this one too.
                        let next = unsafe { &*block }.await_next();
                        head.block.store(next, Ordering::Release);
                        head.word.fetch_add(STEP, Ordering::Release);
                    }
                    // SAFETY: as above, and the swap gave the item to this thread.
                    let item = unsafe { Block::take(block, slot) };
                    if slot + 1 == SLOTS {
                        self.let_go(block);
                    }
                    return Popped::Item(item, word & AWAITED != 0);
                }
                Err(now) => word = now,
            }
            backoff.retry();
        }
    }

    /// Frees a block whose last slot this thread took, and others that could not be freed before. One that other
    /// threads are still taking from is left for the next who comes here.
    fn let_go(&self, block: *mut Block<T>) {
        self.free_or_leave(block);
        if self.leaving.load(Ordering::Relaxed).is_null() {
            return;
        }
        let mut next = self.leaving.swap(ptr::null_mut(), Ordering::Acquire);
        while !next.is_null() {
            let block = next;
            // SAFETY: who takes the list has its blocks alone, but for those who are still taking from them.
            next = unsafe { &*block }.next.load(Ordering::Relaxed);
            self.free_or_leave(block);
        }
    }

    fn free_or_leave(&self, block: *mut Block<T>) {
        // SAFETY: as in `let_go`; and only this thread knows that the last slot of a block is taken that is in no list.
        let used = unsafe { &*block };
        if used.is_used_up() {
            // SAFETY: made by a box, and no thread is left that takes from it.
            drop(unsafe { Box::from_raw(block) });
            return;
        }
        let mut first = self.leaving.load(Ordering::Relaxed);
        loop {
            used.next.store(first, Ordering::Relaxed);
            let put = self
                .leaving
                .compare_exchange_weak(first, block, Ordering::Release, Ordering::Relaxed);
            match put {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Whether there is no room with the tail there.
    #[inline]
    fn is_full_at(&self, tail: u64) -> bool {
        let capacity = self.capacity.load(Ordering::Relaxed);
        if capacity == u64::MAX {
            return false;
        }
        let is_full = |head| count(tail).saturating_sub(count(head)) >= capacity;
        if !is_full(self.tail.0.other.load(Ordering::Relaxed)) {
            return false;
        }
        let head = position(self.head.0.word.load(Ordering::Acquire));
        self.tail.0.other.store(head, Ordering::Relaxed);
        is_full(head)
    }

    /// Why there is no item with the head there; None where there is one.
    #[inline]
    fn nothing_at(&self, head: u64) -> Option<Popped<T>> {
        let seen = &self.head.0.other;
        if head < seen.load(Ordering::Relaxed) {
            return None;
        }
        let tail = self.tail.0.word.load(Ordering::Acquire);
        if head >= position(tail) {
            return Some(if tail & CLOSED == 0 {
                Popped::Empty
            } else {
                Popped::Closed
            });
        }
        seen.store(position(tail), Ordering::Relaxed);
        None
    }

    /// Lets nothing more in.
    pub(super) fn close(&self) {
        self.tail.0.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.tail.0.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Items put in so far.
    pub(super) fn sent(&self) -> u64 {
        count(position(self.tail.0.word.load(Ordering::Acquire)))
    }

    /// Items in it.
    pub(super) fn len(&self) -> u64 {
        // The tail first: the items that others meanwhile put in and took out do not count then.
        let sent = self.sent();
        sent.saturating_sub(count(position(self.head.0.word.load(Ordering::Acquire))))
    }

    /// How many more there is room for.
    pub(super) fn room(&self) -> u64 {
        match self.capacity() {
            u64::MAX => u64::MAX,
            capacity => capacity.saturating_sub(self.len()),
        }
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity.load(Ordering::Relaxed)
    }

    /// Sets the bound. Who looked for room before is seen from here on.
    pub(super) fn set_capacity(&self, capacity: u64) {
        self.capacity.store(capacity, Ordering::Relaxed);
        self.head.0.word.fetch_or(0, Ordering::AcqRel);
    }

    /// Items put in whose work is not done.
    pub(super) fn unfinished(&self) -> u64 {
        let done = self.done.load(Ordering::Acquire);
        self.sent().saturating_sub(done)
    }

    /// Counts the work on so many items as done; false, and nothing counts, where fewer were put in.
    pub(super) fn finish(&self, items: u64) -> bool {
        let finished = |done: u64| done.checked_add(items).filter(|done| *done <= self.sent());
        self.done
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, finished)
            .is_ok()
    }

    /// That end, for those who wait until it moves.
    pub(super) fn end(&self, which: Which) -> &End<T> {
        match which {
            Which::Tail => &self.tail.0,
            Which::Head => &self.head.0,
        }
    }

    /// Calls `look` with each item.
    ///
    /// # Safety
    /// No other thread puts in or takes out meanwhile.
    pub(super) unsafe fn each(&self, mut look: impl FnMut(&T)) {
        let tail = position(self.tail.0.word.load(Ordering::Acquire));
        let mut position = position(self.head.0.word.load(Ordering::Acquire));
        let mut block = self.head.0.block.load(Ordering::Acquire);
        while position < tail {
            match (position % LAP) as usize {
                // SAFETY: between the ends, and nothing moves them: the block is there and linked.
                SLOTS => block = unsafe { &*block }.await_next(),
                // SAFETY: as above, the slot is written and not taken.
                slot => unsafe { (*block).look(slot, &mut look) },
            }
            position += 1;
        }
    }

    /// Whether no thread is in the middle of putting in or taking out, as it may be at a fork.
    #[cfg(not(loom))]
    fn is_whole(&self) -> bool {
        let tail = self.tail.0.word.load(Ordering::Relaxed);
        let head = self.head.0.word.load(Ordering::Relaxed);
        if slot(tail) == SLOTS || slot(head) == SLOTS {
            return false;
        }
        let mut block = self.head.0.block.load(Ordering::Relaxed);
        for position in position(head)..position(tail) {
            // SAFETY: the block of the head is there as long as the head is in it; so are those linked to it.
            let here = unsafe { &*block };
            match (position % LAP) as usize {
                SLOTS => block = here.next.load(Ordering::Relaxed),
                slot if !here.is_written(slot) => return false,
                _ => {}
            }
            if block.is_null() {
                return false;
            }
        }
        block == self.tail.0.block.load(Ordering::Relaxed)
    }
}

#[cfg(not(loom))]
impl<T> Inherit for Items<T> {
    fn inherit(&mut self) {
        if self.is_whole() {
            for end in [&self.tail.0, &self.head.0] {
                end.forget_waiters();
            }
            return;
        }
        let fresh = Self::new(self.capacity());
        if self.is_closed() {
            fresh.close();
        }
        // What is in the middle of a change is never freed: a thread that does not exist was about to go on with it.
        std::mem::forget(std::mem::replace(self, fresh));
    }
}

impl<T> Drop for Items<T> {
    fn drop(&mut self) {
        while let Popped::Item(..) = self.pop() {}
        // Both ends are in the last block, and nobody takes from those before.
        let mut block = self.tail.0.block.load(Ordering::Relaxed);
        let mut next = self.leaving.load(Ordering::Relaxed);
        while !block.is_null() {
            // SAFETY: made by a box, and no thread uses it any more.
            drop(unsafe { Box::from_raw(block) });
            block = next;
            if !block.is_null() {
                // SAFETY: as above.
                next = unsafe { &*block }.next.load(Ordering::Relaxed);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn taken(items: &Items<Box<u64>>) -> Vec<u64> {
        std::iter::from_fn(|| match items.pop() {
            Popped::Item(item, _) => Some(*item),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn the_child_of_a_fork_keeps_what_is_in_and_forgets_who_waits() {
        let mut items = Items::new(u64::MAX);
        for item in 0..100 {
            items.push(Box::new(item));
        }
        items.end(Which::Tail).await_move();
        items.end(Which::Head).wakes();
        items.inherit();
        assert!(matches!(items.push(Box::new(100)), Pushed::Yes(false)));
        assert_eq!(items.end(Which::Head).woken(), 0);
        assert_eq!(taken(&items), (0..=100).collect::<Vec<_>>());
    }

    #[test]
    fn the_child_of_a_fork_in_the_middle_of_a_change_starts_anew() {
        for middle in [0, SLOTS as u64 - 1] {
            let mut items = Items::new(7);
            for item in 0..middle {
                items.push(Box::new(item));
                taken(&items);
            }
            items.close();
            // As by a thread that has a slot and is about to write.
            items.tail.0.word.fetch_add(STEP, Ordering::Relaxed);
            items.inherit();
            assert!(items.is_closed());
            assert_eq!((items.capacity(), items.len(), items.unfinished()), (7, 0, 0));
        }
    }
}
