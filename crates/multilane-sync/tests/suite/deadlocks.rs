//! Waits that could never end are refused, and only those.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use multilane_sync::{
    Awaited, Blocking, Deadlock, Lock, Patience, RwLock, Semaphore, SyncError, Taken, join, wait_for,
};

use crate::{eventually, plain, take};

fn deadlock(result: Result<impl Sized, SyncError>) -> Option<Deadlock> {
    match result {
        Err(SyncError::Deadlock(deadlock)) => Some(*deadlock),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => None,
    }
}

/// Each thread takes its lock, then all want the next one's.
fn ring(size: usize) -> Vec<Deadlock> {
    let locks: Vec<Lock> = (0..size)
        .map(|number| Lock::new(false, false, Some(&number.to_string())))
        .collect();
    let start = Barrier::new(size);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..size)
            .map(|number| {
                let (locks, start) = (&locks, &start);
                scope.spawn(move || {
                    take(&locks[number]);
                    start.wait();
                    let next = &locks[(number + 1) % size];
                    let found = deadlock(next.acquire(Patience::Forever, &mut Blocking));
                    if found.is_none() {
                        next.release().expect("it was taken");
                    }
                    locks[number].release().expect("it was taken");
                    found
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().expect("no thread fails"))
            .collect()
    })
}

#[test]
fn one_thread_of_a_ring_learns_of_it_and_the_others_go_on() {
    for size in [2, 3, 8] {
        let found = ring(size);
        assert_eq!(found.len(), 1, "one of {size}");
        let steps = &found[0].steps;
        assert_eq!(steps.len(), size);
        let mut threads: Vec<u64> = steps.iter().map(|step| step.thread).collect();
        threads.sort_unstable();
        threads.dedup();
        assert_eq!(threads.len(), size);
        for (index, step) in steps.iter().enumerate() {
            // Each waits for the next number of the one that the thread before it waits for.
            let number = |step: &multilane_sync::Step| step.waits_for.chars().find_map(|c| c.to_digit(10)).unwrap();
            let before = &steps[(index + size - 1) % size];
            assert_eq!(number(step), (number(before) + 1) % u32::try_from(size).unwrap());
        }
    }
}

#[test]
fn a_thread_that_waits_for_itself_learns_of_it() {
    let lock = plain();
    take(&lock);
    let found = deadlock(lock.acquire(Patience::Forever, &mut Blocking)).unwrap();
    assert_eq!(found.steps.len(), 1);
    assert!(lock.is_mine());
    lock.release().unwrap();
    assert_eq!(lock.waiting(), 0);
}

#[test]
fn a_wait_with_a_timeout_is_no_deadlock() {
    let lock = plain();
    take(&lock);
    let patience = Patience::of(Duration::from_millis(2));
    assert!(matches!(lock.acquire(patience, &mut Blocking), Ok(Taken::No)));
    let (first, second) = (plain(), plain());
    let start = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            take(&first);
            start.wait();
            let taken = second.acquire(Patience::of(Duration::from_millis(20)), &mut Blocking);
            assert!(taken.is_ok());
            if taken.unwrap().is_held() {
                second.release().unwrap();
            }
            first.release().unwrap();
        });
        take(&second);
        start.wait();
        take(&first);
        first.release().unwrap();
        second.release().unwrap();
    });
    lock.release().unwrap();
}

#[test]
fn who_reads_and_wants_to_write_waits_for_itself() {
    let lock = RwLock::new(None);
    lock.read(Patience::Forever, &mut Blocking).unwrap();
    assert!(deadlock(lock.write(Patience::Forever, &mut Blocking)).is_some());
    lock.release_read().unwrap();
    assert_eq!(lock.waiting(), 0);
}

#[test]
fn a_unit_may_come_from_any_holder_of_an_owned_semaphore() {
    let semaphore = Semaphore::new(2, None, true, None);
    let lock = plain();
    let (taken, go) = (Barrier::new(2), Barrier::new(2));
    semaphore.acquire(Patience::Forever, &mut Blocking).unwrap();
    take(&lock);
    thread::scope(|scope| {
        scope.spawn(|| {
            semaphore.acquire(Patience::Forever, &mut Blocking).unwrap();
            taken.wait();
            go.wait();
            semaphore.release(1).unwrap();
        });
        taken.wait();
        let waits = scope.spawn(|| {
            assert!(semaphore.acquire(Patience::Forever, &mut Blocking).unwrap());
            semaphore.release(1).unwrap();
        });
        eventually("it waits", || semaphore.waiting() == 1);
        go.wait();
        waits.join().unwrap();
    });
    // Now this thread has the only unit taken; two more leave none for a third wait.
    semaphore.acquire(Patience::Forever, &mut Blocking).unwrap();
    assert!(deadlock(semaphore.acquire(Patience::Forever, &mut Blocking)).is_some());
    semaphore.release(2).unwrap();
    lock.release().unwrap();
}

#[test]
fn a_semaphore_without_owners_signals() {
    let semaphore = Semaphore::new(1, None, false, None);
    semaphore.acquire(Patience::Forever, &mut Blocking).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            eventually("it waits", || semaphore.waiting() == 1);
            semaphore.release(1).unwrap();
        });
        assert!(semaphore.acquire(Patience::Forever, &mut Blocking).unwrap());
    });
}

/// A thread that waits for a lock and then gives it back, and what the system calls it.
fn waits_for(lock: &Arc<Lock>) -> (thread::JoinHandle<()>, u64) {
    let (send, receive) = std::sync::mpsc::channel();
    let there = lock.clone();
    let thread = thread::spawn(move || {
        // SAFETY: reads the identity of the calling thread.
        send.send(unsafe { libc::pthread_self() })
            .expect("the other end is there");
        take(&there);
        there.release().expect("this thread took it");
    });
    let ident = receive.recv().expect("the thread says what it is called");
    eventually("it waits", || lock.waiting() == 1);
    (thread, ident)
}

#[test]
fn joining_a_thread_that_wants_what_one_holds_is_a_deadlock() {
    let lock = Arc::new(plain());
    take(&lock);
    let (thread, ident) = waits_for(&lock);
    let refused = join(ident, true, || panic!("must not wait"));
    assert!(deadlock(refused).is_some());
    lock.release().unwrap();
    join(ident, true, || thread.join().unwrap()).unwrap();
}

/// Something that any of these threads can bring about, and none once it has come about.
struct Promise(std::sync::Mutex<Vec<u64>>);

impl Awaited for Promise {
    fn label(&self) -> String {
        "a promise".to_owned()
    }

    fn threads(&self, into: &mut Vec<u64>) {
        into.extend(self.0.lock().expect("nobody fails with it").iter());
    }

    fn asked_at(&self) -> Option<(usize, usize)> {
        Some((3, 4))
    }
}

#[test]
fn what_only_waiting_threads_can_bring_about_is_a_deadlock() {
    let lock = Arc::new(plain());
    take(&lock);
    let (thread, ident) = waits_for(&lock);
    let promise = |threads: &[u64]| Promise(std::sync::Mutex::new(threads.to_vec()));
    let found = deadlock(wait_for(&promise(&[ident]), true, || panic!("must not wait"))).unwrap();
    assert_eq!((found.steps.len(), found.steps[0].waits_for.as_str()), (2, "a promise"));
    assert_eq!(found.steps[0].taken_at, Some((3, 4)));
    // One with a limit ends, one that has come about or that an unknown thread can bring about may.
    assert_eq!(wait_for(&promise(&[ident]), false, || 1).unwrap(), 1);
    assert_eq!(wait_for(&promise(&[]), true, || 2).unwrap(), 2);
    assert_eq!(wait_for(&promise(&[ident, u64::MAX]), true, || 3).unwrap(), 3);
    lock.release().unwrap();
    thread.join().unwrap();
}

#[test]
fn who_waits_for_whom_can_be_seen() {
    let lock = Lock::new(false, false, Some("seen from outside"));
    let mine = || {
        let mut waits = multilane_sync::waits();
        waits.retain(|wait| wait.waits_for == "Lock `seen from outside`");
        waits
    };
    take(&lock);
    lock.mark(7, 9);
    let holder = lock.holder().expect("it was taken").thread;
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            take(&lock);
            lock.holder().expect("it was taken").thread
        });
        eventually("somebody waits", || !mine().is_empty());
        let seen = mine();
        assert_eq!(seen.len(), 1);
        assert_eq!((&seen[0].holders, seen[0].taken_at), (&vec![holder], Some((7, 9))));
        lock.release().expect("it was taken");
        assert_eq!(waiter.join().expect("no thread fails"), seen[0].thread);
        assert!(mine().is_empty());
    });
}
