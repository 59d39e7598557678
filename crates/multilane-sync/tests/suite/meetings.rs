//! Events, latches, conditions, semaphores, barriers, and what is done once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use multilane_sync::{
    Arrival, AtomicInt, Barrier, Blocking, Condition, Entry, Event, Latch, Once, Patience, Semaphore, SyncError,
};

use crate::{Stoppable, eventually, plain, take};

const SOON: Duration = Duration::from_millis(3);

#[test]
fn an_event_lets_everybody_go_who_waits_even_when_it_is_cleared_at_once() {
    let event = Event::new();
    assert!(!event.wait(Patience::None, &mut Blocking).unwrap());
    assert!(!event.wait(Patience::of(SOON), &mut Blocking).unwrap());
    thread::scope(|scope| {
        let waits: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| event.wait(Patience::Forever, &mut Blocking).unwrap()))
            .collect();
        eventually("they wait", || event.waiting() == 4);
        event.set();
        event.clear();
        assert!(waits.into_iter().all(|thread| thread.join().unwrap()));
    });
    assert!(!event.is_set());
}

#[test]
fn a_latch_opens_at_nothing_and_stays_open() {
    let latch = Latch::new(2);
    thread::scope(|scope| {
        let waits = scope.spawn(|| latch.wait(Patience::Forever, &mut Blocking).unwrap());
        assert_eq!(latch.count_down(1).unwrap(), 1);
        assert!(!latch.wait(Patience::of(SOON), &mut Blocking).unwrap());
        assert!(latch.count_down(2).is_err());
        assert_eq!(latch.count_down(1).unwrap(), 0);
        assert!(waits.join().unwrap());
    });
    assert!(latch.wait(Patience::None, &mut Blocking).unwrap());
}

#[test]
fn a_condition_wakes_as_many_as_it_is_told_to() {
    let (condition, lock, woken) = (Condition::new(), plain(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                take(&lock);
                let place = condition.enter();
                lock.release().unwrap();
                assert!(condition.wait(place, Patience::Forever, &mut Blocking).unwrap());
                woken.fetch_add(1, Ordering::SeqCst);
            });
        }
        eventually("they wait", || condition.waiting() == 3);
        assert_eq!(condition.notify(1), 1);
        eventually("one is woken", || woken.load(Ordering::SeqCst) == 1);
        assert_eq!(condition.waiting(), 2);
        assert_eq!(condition.notify(usize::MAX), 2);
    });
    let place = condition.enter();
    assert!(!condition.wait(place, Patience::of(SOON), &mut Blocking).unwrap());
    condition.cancel(condition.enter());
    assert_eq!((condition.waiting(), condition.notify(1)), (0, 0));
}

#[test]
fn a_semaphore_hands_units_over_in_order() {
    let semaphore = Semaphore::new(0, None, false, None);
    let order = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..4 {
            let (semaphore, order) = (&semaphore, &order);
            scope.spawn(move || {
                assert!(semaphore.acquire(Patience::Forever, &mut Blocking).unwrap());
                order.lock().unwrap().push(number);
            });
            eventually("it waits", || semaphore.waiting() == number + 1);
        }
        for taken in 1..=4 {
            semaphore.release(1).unwrap();
            eventually("one has it", || order.lock().unwrap().len() == taken);
        }
    });
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3]);
    assert_eq!(semaphore.free(), 0);
}

#[test]
fn a_bound_and_an_owner_are_checked() {
    let bounded = Semaphore::new(1, Some(1), false, None);
    assert!(matches!(
        bounded.release(1),
        Err(SyncError::AboveBound { bound: 1, .. })
    ));
    let owned = Semaphore::new(1, None, true, None);
    assert!(matches!(owned.release(1), Err(SyncError::NotHeld { .. })));
    owned.acquire(Patience::None, &mut Blocking).unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| owned.release(1)).join().unwrap();
        assert!(matches!(other, Err(SyncError::HeldByOther { .. })));
    });
    owned.release(1).unwrap();
    assert_eq!(owned.free(), 1);
}

#[test]
fn a_unit_for_a_stopped_wait_goes_to_the_next() {
    let (semaphore, stop) = (Semaphore::new(0, None, false, None), AtomicBool::new(false));
    thread::scope(|scope| {
        let stopped = scope.spawn(|| semaphore.acquire(Patience::Forever, &mut Stoppable(&stop)));
        eventually("the first waits", || semaphore.waiting() == 1);
        let next = scope.spawn(|| semaphore.acquire(Patience::Forever, &mut Blocking).unwrap());
        eventually("the second waits", || semaphore.waiting() == 2);
        stop.store(true, Ordering::SeqCst);
        assert!(matches!(stopped.join().unwrap(), Err(SyncError::Interrupted)));
        semaphore.release(1).unwrap();
        assert!(next.join().unwrap());
    });
}

fn pass(barrier: &Barrier, good: bool) -> Result<u32, SyncError> {
    match barrier.arrive(Patience::Forever, &mut Blocking)? {
        Arrival::Earlier(index) => Ok(index),
        Arrival::Last(round) => barrier.finish(round, good),
    }
}

#[test]
fn a_barrier_lets_threads_through_together_round_after_round() {
    let (barrier, passed) = (Barrier::new(3), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 0..20 {
                    passed.fetch_add(1, Ordering::SeqCst);
                    pass(&barrier, true).unwrap();
                    assert!(passed.load(Ordering::SeqCst) >= (round + 1) * 3);
                    pass(&barrier, true).unwrap();
                }
            });
        }
    });
    assert_eq!(barrier.waiting(), 0);
}

#[test]
fn a_barrier_breaks_for_all_and_can_be_made_whole() {
    let barrier = Barrier::new(2);
    let late = barrier.arrive(Patience::of(SOON), &mut Blocking);
    assert!(matches!(late, Err(SyncError::Broken)) && barrier.is_broken());
    assert!(matches!(pass(&barrier, true), Err(SyncError::Broken)));
    barrier.reset();
    thread::scope(|scope| {
        let other = scope.spawn(|| pass(&barrier, false));
        let here = pass(&barrier, false);
        assert!(matches!((here, other.join().unwrap()), (Err(_), Err(_))));
    });
    barrier.reset();
    thread::scope(|scope| {
        let waits = scope.spawn(|| pass(&barrier, true));
        eventually("it waits", || barrier.waiting() == 1);
        barrier.abort();
        assert!(waits.join().unwrap().is_err());
    });
}

#[test]
fn once_is_done_by_one_and_again_after_a_failure() {
    let (once, runs) = (Once::new(None), AtomicUsize::new(0));
    let run = |succeeds: bool| match once.enter(&mut Blocking).unwrap() {
        Entry::Done => {}
        Entry::Mine => {
            runs.fetch_add(1, Ordering::SeqCst);
            once.leave(succeeds).unwrap();
        }
    };
    run(false);
    assert!(!once.is_done());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| run(true));
        }
    });
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[test]
fn once_inside_of_itself_is_a_deadlock() {
    let once = Once::new(None);
    assert!(matches!(once.enter(&mut Blocking), Ok(Entry::Mine)));
    assert!(matches!(once.enter(&mut Blocking), Err(SyncError::Deadlock(_))));
    once.leave(true).unwrap();
}

#[test]
fn a_counter_counts_and_stops_at_its_ends() {
    let counter = AtomicInt::new(i64::MAX - 1);
    assert_eq!(counter.add(1).unwrap(), i64::MAX - 1);
    assert!(matches!(counter.add(1), Err(SyncError::Overflow)));
    assert_eq!(counter.load(), i64::MAX);
    assert!(!counter.compare_and_set(3, 4));
    assert!(counter.compare_and_set(i64::MAX, 4));
    assert_eq!((counter.swap(5), counter.load()), (4, 5));
}
