//! Every interleaving of small uses of each primitive: no lost wake-up, no second holder.
//!
//! Nobody wakes by the clock in a model, so a wake-up that is lost leaves a thread
//! waiting for ever, which fails it.

mod channels;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::caller::{Blocking, Caller, Patience, Stop};
use crate::{Arrival, AtomicInt, Barrier, Condition, Entry, Event, Latch, Lock, Once, RwLock, Semaphore, SyncError};

const FOREVER: Patience = Patience::Forever;

fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Stops a wait after its first sleep.
struct Hasty;

impl Caller for Hasty {
    fn sleep(&mut self, _asleep: &mut (dyn FnMut() + Send)) -> Result<(), Stop> {
        thread::yield_now();
        Err(Stop)
    }
}

/// Threads that each change a cell under a lock, which finds two holders at once.
fn exclusion(threads: usize, fair: bool) {
    let shared = Arc::new((Lock::new(false, fair, None), UnsafeCell::new(0)));
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let shared = shared.clone();
            thread::spawn(move || enter(&shared))
        })
        .collect();
    enter(&shared);
    for other in others {
        other.join().unwrap();
    }
    // SAFETY: the others have ended.
    shared.1.with(|count| assert_eq!(unsafe { *count }, threads));
}

fn enter(shared: &(Lock, UnsafeCell<usize>)) {
    assert!(shared.0.acquire(FOREVER, &mut Blocking).unwrap().is_held());
    // SAFETY: under the lock; the model fails where that is not so.
    shared.1.with_mut(|count| unsafe { *count += 1 });
    shared.0.release().unwrap();
}

#[test]
fn loom_lock() {
    check(3, || exclusion(2, false));
    check(2, || exclusion(3, false));
}

#[test]
fn loom_reentrant_lock() {
    check(3, || {
        let shared = Arc::new((Lock::new(true, false, None), UnsafeCell::new(0)));
        let there = shared.clone();
        let twice = |shared: &(Lock, UnsafeCell<usize>)| {
            assert!(shared.0.acquire(FOREVER, &mut Blocking).unwrap().is_held());
            enter(shared);
            assert_eq!(shared.0.depth(), 1);
            shared.0.release().unwrap();
        };
        let other = thread::spawn(move || twice(&there));
        twice(&shared);
        other.join().unwrap();
        // SAFETY: the other has ended.
        shared.1.with(|count| assert_eq!(unsafe { *count }, 2));
    });
}

#[test]
fn loom_fair_lock() {
    check(3, || exclusion(2, true));
    check(2, || exclusion(3, true));
}

#[test]
fn loom_stopped_wait_passes_the_lock_on() {
    for fair in [false, true] {
        check(2, move || {
            let lock = Arc::new(Lock::new(false, fair, None));
            let (stopped, waits) = (lock.clone(), lock.clone());
            let stopped = thread::spawn(move || match stopped.acquire(FOREVER, &mut Hasty) {
                Ok(_) => stopped.release().unwrap(),
                Err(error) => assert!(matches!(error, SyncError::Interrupted)),
            });
            let waits = thread::spawn(move || {
                waits.acquire(FOREVER, &mut Blocking).unwrap();
                waits.release().unwrap();
            });
            lock.acquire(FOREVER, &mut Blocking).unwrap();
            lock.release().unwrap();
            stopped.join().unwrap();
            waits.join().unwrap();
            assert!(!lock.is_held());
        });
    }
}

#[test]
fn loom_rwlock() {
    check(2, || {
        let lock = Arc::new(RwLock::new(None));
        let (reads, writes) = (lock.clone(), lock.clone());
        let reads = thread::spawn(move || {
            reads.read(FOREVER, &mut Blocking).unwrap();
            reads.release_read().unwrap();
        });
        let writes = thread::spawn(move || {
            writes.write(FOREVER, &mut Blocking).unwrap();
            assert_eq!(writes.readers(), 0);
            writes.release_write().unwrap();
        });
        lock.read(FOREVER, &mut Blocking).unwrap();
        lock.release_read().unwrap();
        reads.join().unwrap();
        writes.join().unwrap();
    });
}

#[test]
fn loom_semaphore() {
    check(2, || {
        let semaphore = Arc::new(Semaphore::new(0, None, false, None));
        let waits: Vec<_> = (0..2)
            .map(|_| {
                let semaphore = semaphore.clone();
                thread::spawn(move || assert!(semaphore.acquire(FOREVER, &mut Blocking).unwrap()))
            })
            .collect();
        semaphore.release(1).unwrap();
        semaphore.release(1).unwrap();
        for thread in waits {
            thread.join().unwrap();
        }
        assert_eq!(semaphore.free(), 0);
    });
}

#[test]
fn loom_semaphore_loses_no_unit_to_a_stopped_wait() {
    check(3, || {
        let semaphore = Arc::new(Semaphore::new(0, None, false, None));
        let there = semaphore.clone();
        let stopped = thread::spawn(move || there.acquire(FOREVER, &mut Hasty).is_ok());
        semaphore.release(1).unwrap();
        let taken = stopped.join().unwrap();
        assert_eq!(semaphore.free(), u64::from(!taken));
    });
}

#[test]
fn loom_event() {
    check(3, || {
        let event = Arc::new(Event::new());
        let there = event.clone();
        let waits = thread::spawn(move || assert!(there.wait(FOREVER, &mut Blocking).unwrap()));
        event.set();
        waits.join().unwrap();
    });
}

#[test]
fn loom_latch() {
    check(2, || {
        let latch = Arc::new(Latch::new(2));
        let (counts, waits) = (latch.clone(), latch.clone());
        let counts = thread::spawn(move || counts.count_down(1).unwrap());
        let waits = thread::spawn(move || assert!(waits.wait(FOREVER, &mut Blocking).unwrap()));
        latch.count_down(1).unwrap();
        counts.join().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn loom_condition() {
    check(2, || {
        let shared = Arc::new((Lock::new(false, false, None), Condition::new(), UnsafeCell::new(false)));
        let there = shared.clone();
        let waits = thread::spawn(move || {
            let (lock, condition, ready) = &*there;
            lock.acquire(FOREVER, &mut Blocking).unwrap();
            // SAFETY: under the lock.
            while !ready.with(|ready| unsafe { *ready }) {
                let place = condition.enter();
                lock.release().unwrap();
                assert!(condition.wait(place, FOREVER, &mut Blocking).unwrap());
                lock.acquire(FOREVER, &mut Blocking).unwrap();
            }
            lock.release().unwrap();
        });
        let (lock, condition, ready) = &*shared;
        lock.acquire(FOREVER, &mut Blocking).unwrap();
        // SAFETY: under the lock.
        ready.with_mut(|ready| unsafe { *ready = true });
        condition.notify(1);
        lock.release().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn loom_barrier() {
    check(2, || {
        let barrier = Arc::new(Barrier::new(2));
        let there = barrier.clone();
        let pass = |barrier: &Barrier| match barrier.arrive(FOREVER, &mut Blocking).unwrap() {
            Arrival::Earlier(index) => index,
            Arrival::Last(round) => barrier.finish(round, true).unwrap(),
        };
        let other = thread::spawn(move || pass(&there) + pass(&there));
        let mine = pass(&barrier) + pass(&barrier);
        assert_eq!(mine + other.join().unwrap(), 2);
    });
}

#[test]
fn loom_once() {
    check(2, || {
        let once = Arc::new(Once::new(None));
        let run = |once: &Once| match once.enter(&mut Blocking).unwrap() {
            Entry::Done => 0,
            Entry::Mine => {
                once.leave(true).unwrap();
                1
            }
        };
        let there = once.clone();
        let other = thread::spawn(move || run(&there));
        let mine = run(&once);
        assert_eq!(mine + other.join().unwrap(), 1);
    });
}

#[test]
fn loom_atomic_int() {
    check(3, || {
        let number = Arc::new(AtomicInt::new(0));
        let there = number.clone();
        let other = thread::spawn(move || {
            let before = there.add(1).unwrap();
            (before, there.compare_and_set(2, 10))
        });
        let mine = number.add(1).unwrap();
        let (others, set) = other.join().unwrap();
        // Each sees what the other did before it, and nothing is lost.
        assert_eq!(mine + others, if set && mine == 10 { 10 } else { 1 });
        assert_eq!(number.load(), if set { 10 } else { 2 });
    });
}
