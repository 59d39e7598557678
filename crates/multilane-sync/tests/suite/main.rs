//! What the primitives promise, seen from outside.

mod channels;
mod deadlocks;
mod deaths;
mod locks;
mod meetings;
mod order;

use std::time::Duration;

use multilane_sync::{Blocking, Caller, Lock, Patience, Stop, Taken};

/// Waits until something becomes true that needs no more than other threads' time.
#[track_caller]
fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if is_true() {
            return;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    panic!("never happened: {what}");
}

/// Sleeps in short pieces and stops when told to.
struct Stoppable<'a>(&'a std::sync::atomic::AtomicBool);

impl Caller for Stoppable<'_> {
    fn sleep(&mut self, asleep: &mut (dyn FnMut() + Send)) -> Result<(), Stop> {
        asleep();
        if self.0.load(std::sync::atomic::Ordering::SeqCst) {
            Err(Stop)
        } else {
            Ok(())
        }
    }

    fn slice(&self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }
}

fn take(lock: &Lock) {
    let taken = lock.acquire(Patience::Forever, &mut Blocking).expect("the wait ends");
    assert!(!matches!(taken, Taken::No));
}

fn plain() -> Lock {
    Lock::new(false, false, None)
}
