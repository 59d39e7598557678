//! Locks: exclusion, order, owners, timeouts, interrupts.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use multilane_sync::{Blocking, Lock, Patience, RwLock, SyncError, Taken};

use crate::{Stoppable, eventually, plain, take};

struct Counter(UnsafeCell<u64>);

// SAFETY: the tests change it under a lock only; that this is safe is what they test.
unsafe impl Sync for Counter {}

const TURNS: u64 = if cfg!(miri) { 20 } else { 5_000 };

fn counts(lock: &Lock) {
    let counter = Counter(UnsafeCell::new(0));
    let counter = &counter;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                for _ in 0..TURNS {
                    take(lock);
                    // SAFETY: under the lock.
                    unsafe { *counter.0.get() += 1 };
                    lock.release().expect("it was taken");
                }
            });
        }
    });
    // SAFETY: the threads have ended.
    assert_eq!(unsafe { *counter.0.get() }, 4 * TURNS);
}

#[test]
fn one_thread_at_a_time() {
    counts(&plain());
    counts(&Lock::new(false, true, None));
    counts(&Lock::new(true, false, None));
}

#[test]
fn a_fair_lock_goes_to_who_waited_longest() {
    let lock = Arc::new(Lock::new(false, true, None));
    let order = Arc::new(Mutex::new(Vec::new()));
    take(&lock);
    let mut threads = Vec::new();
    for number in 0..5 {
        let (lock_there, order_there) = (lock.clone(), order.clone());
        threads.push(thread::spawn(move || {
            take(&lock_there);
            order_there.lock().unwrap().push(number);
            lock_there.release().unwrap();
        }));
        eventually("it waits", || lock.waiting() == number + 1);
    }
    lock.release().unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_fair_lock_does_not_starve_against_one_that_never_rests() {
    let lock = Lock::new(false, true, None);
    let (stop, greedy) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                take(&lock);
                greedy.fetch_add(1, Ordering::SeqCst);
                lock.release().unwrap();
            }
        });
        eventually("it runs", || greedy.load(Ordering::SeqCst) > 0);
        for _ in 0..50 {
            take(&lock);
            lock.release().unwrap();
        }
        stop.store(true, Ordering::SeqCst);
    });
}

#[test]
fn only_the_holder_releases() {
    let lock = Lock::new(false, false, Some("ledger"));
    assert!(matches!(lock.release(), Err(SyncError::NotHeld { what }) if what == "Lock `ledger`"));
    take(&lock);
    thread::scope(|scope| {
        let other = scope.spawn(|| lock.release());
        assert!(matches!(other.join().unwrap(), Err(SyncError::HeldByOther { .. })));
    });
    assert!(lock.is_mine());
    lock.release().unwrap();
    assert!(!lock.is_held());
}

#[test]
fn a_reentrant_lock_counts() {
    let lock = Lock::new(true, false, None);
    take(&lock);
    take(&lock);
    assert_eq!(lock.depth(), 2);
    lock.release().unwrap();
    assert!(lock.is_held());
    take(&lock);
    assert_eq!(lock.release_all().unwrap(), 2);
    assert!(!lock.is_held());
    assert!(lock.release().is_err());
}

#[test]
fn a_wait_ends_with_its_time() {
    for lock in [plain(), Lock::new(false, true, None)] {
        take(&lock);
        thread::scope(|scope| {
            scope.spawn(|| {
                let none = lock.acquire(Patience::None, &mut Blocking).unwrap();
                let some = lock
                    .acquire(Patience::of(Duration::from_millis(5)), &mut Blocking)
                    .unwrap();
                assert!(matches!((none, some), (Taken::No, Taken::No)));
            });
        });
        assert_eq!(lock.waiting(), 0);
        lock.release().unwrap();
        take(&lock);
        lock.release().unwrap();
    }
}

#[test]
fn a_wait_that_is_stopped_passes_its_turn_on() {
    for lock in [plain(), Lock::new(false, true, None)] {
        let stop = AtomicBool::new(false);
        take(&lock);
        thread::scope(|scope| {
            let stopped = scope.spawn(|| lock.acquire(Patience::Forever, &mut Stoppable(&stop)));
            eventually("the first waits", || lock.waiting() == 1);
            let waits = scope.spawn(|| {
                take(&lock);
                lock.release().unwrap();
            });
            eventually("the second waits", || lock.waiting() == 2);
            stop.store(true, Ordering::SeqCst);
            assert!(matches!(stopped.join().unwrap(), Err(SyncError::Interrupted)));
            lock.release().unwrap();
            waits.join().unwrap();
        });
        assert!(!lock.is_held());
    }
}

#[test]
fn a_lock_says_who_holds_it() {
    let lock = plain();
    assert_eq!(lock.holder(), None);
    take(&lock);
    let mine = lock.holder().unwrap();
    assert_ne!(mine.thread, 0);
    assert_eq!(mine.taken_at, None);
    lock.mark(3, 4);
    thread::scope(|scope| {
        let there = scope.spawn(|| lock.holder()).join().unwrap().unwrap();
        assert_eq!((there.thread, there.taken_at), (mine.thread, Some((3, 4))));
    });
    lock.release().unwrap();
}

#[test]
fn many_wait_at_once() {
    let waiters = if cfg!(miri) { 20 } else { 300 };
    let lock = plain();
    take(&lock);
    thread::scope(|scope| {
        for _ in 0..waiters {
            scope.spawn(|| {
                take(&lock);
                lock.release().unwrap();
            });
        }
        eventually("all wait", || lock.waiting() == waiters);
        lock.release().unwrap();
    });
    assert!(!lock.is_held());
}

#[test]
fn readers_share_and_writers_do_not() {
    let lock = RwLock::new(None);
    assert!(lock.read(Patience::None, &mut Blocking).unwrap().is_held());
    thread::scope(|scope| {
        let there = scope.spawn(|| {
            let read = lock.read(Patience::None, &mut Blocking).unwrap().is_held();
            lock.release_read().unwrap();
            let write = lock.write(Patience::None, &mut Blocking).unwrap().is_held();
            (read, write)
        });
        assert_eq!(there.join().unwrap(), (true, false));
    });
    lock.release_read().unwrap();
    assert!(lock.write(Patience::None, &mut Blocking).unwrap().is_held());
    thread::scope(|scope| {
        let there = scope.spawn(|| lock.read(Patience::None, &mut Blocking).unwrap().is_held());
        assert!(!there.join().unwrap());
    });
    lock.release_write().unwrap();
}

#[test]
fn a_writer_that_waits_holds_back_later_readers() {
    let lock = RwLock::new(None);
    lock.read(Patience::Forever, &mut Blocking).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            lock.write(Patience::Forever, &mut Blocking).unwrap();
            lock.release_write().unwrap();
        });
        eventually("the writer waits", || lock.waiting() == 1);
        let late = scope.spawn(|| lock.read(Patience::None, &mut Blocking).unwrap().is_held());
        assert!(!late.join().unwrap());
        // Who reads already may read again, or it would wait for itself.
        assert!(lock.read(Patience::Forever, &mut Blocking).unwrap().is_held());
        lock.release_read().unwrap();
        lock.release_read().unwrap();
    });
    assert!(lock.read(Patience::None, &mut Blocking).unwrap().is_held());
    lock.release_read().unwrap();
}
