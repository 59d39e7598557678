//! A thread ends with what it holds: its waiters learn it.

use std::sync::Arc;
use std::thread;

use multilane_sync::{Blocking, Lock, Patience, RwLock, Semaphore, SyncError};

use crate::{eventually, plain, take};

fn abandoned(result: Result<impl Sized, SyncError>) -> bool {
    matches!(result, Err(SyncError::Abandoned { .. }))
}

#[test]
fn waiters_and_latecomers_learn_that_the_holder_is_gone() {
    for fair in [false, true] {
        let lock = Arc::new(Lock::new(false, fair, None));
        let there = lock.clone();
        let waiters = 3;
        let holder = thread::spawn(move || {
            take(&there);
            eventually("they wait", || there.waiting() == waiters);
        });
        eventually("it is held", || lock.is_held());
        let waiting: Vec<_> = (0..waiters)
            .map(|_| {
                let lock = lock.clone();
                thread::spawn(move || abandoned(lock.acquire(Patience::Forever, &mut Blocking)))
            })
            .collect();
        holder.join().unwrap();
        for waits in waiting {
            assert!(waits.join().unwrap());
        }
        assert!(abandoned(lock.acquire(Patience::Forever, &mut Blocking)));
        assert!(!lock.acquire(Patience::None, &mut Blocking).unwrap().is_held());
        assert!(abandoned(lock.release()));
        assert_eq!(lock.holder().unwrap().thread, 0);
        assert!(lock.recover());
        assert!(!lock.recover());
        take(&lock);
        lock.release().unwrap();
    }
}

#[test]
fn nothing_is_recovered_from_a_thread_that_lives() {
    let lock = plain();
    take(&lock);
    assert!(!lock.recover());
    lock.release().unwrap();
}

#[test]
fn a_lock_may_be_freed_while_its_holder_lives() {
    let (send, receive) = std::sync::mpsc::channel();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let holder = thread::spawn(move || {
        let lock = plain();
        take(&lock);
        send.send(lock).unwrap();
        wait.recv().unwrap();
        // What was held is still in this thread's list.
        let other = plain();
        take(&other);
        other.release().unwrap();
    });
    drop(receive.recv().unwrap());
    done.send(()).unwrap();
    holder.join().unwrap();
}

#[test]
fn a_lock_may_be_freed_by_its_holder() {
    let lock = plain();
    take(&lock);
    drop(lock);
    let other = plain();
    take(&other);
    other.release().unwrap();
}

#[test]
fn readers_and_owners_of_units_may_die_too() {
    let (lock, semaphore) = (RwLock::new(None), Semaphore::new(1, None, true, None));
    thread::scope(|scope| {
        scope.spawn(|| {
            lock.read(Patience::Forever, &mut Blocking).unwrap();
            semaphore.acquire(Patience::Forever, &mut Blocking).unwrap();
        });
    });
    // A scope ends before the last code of its threads does.
    eventually("the thread is gone", || {
        abandoned(lock.write(Patience::of(std::time::Duration::from_millis(1)), &mut Blocking))
    });
    assert!(abandoned(semaphore.acquire(Patience::Forever, &mut Blocking)));
    eventually("the lock is recovered", || lock.recover());
    assert!(lock.write(Patience::None, &mut Blocking).unwrap().is_held());
    lock.release_write().unwrap();
}
