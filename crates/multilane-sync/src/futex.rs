//! Sleep on a 32-bit word of this process and wake who sleeps on it.
//!
//! A wait may return for no reason, and does when a signal handler ran: callers look
//! at their condition again.

#[cfg(not(loom))]
use std::sync::atomic::AtomicU32;
#[cfg(not(loom))]
use std::time::Duration;

/// Sleeps while `word` holds `expected`, for `limit` at most.
#[cfg(not(loom))]
pub(crate) fn wait(word: &AtomicU32, expected: u32, limit: Option<Duration>) {
    use rustix::thread::futex::{self, Flags, Timespec};
    let limit = limit.map(|limit| Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX / 2),
        tv_nsec: limit.subsec_nanos().into(),
    });
    // Whatever it returned for, the caller looks again.
    let _ = futex::wait(word, Flags::PRIVATE, expected, limit.as_ref());
}

/// Wakes who sleeps on `word`; a word has one sleeper.
#[cfg(not(loom))]
pub(crate) fn wake(word: &AtomicU32) {
    use rustix::thread::futex::{self, Flags};
    // A word without a sleeper is no error, and there is nothing else to learn.
    let _ = futex::wake(word, Flags::PRIVATE, 1);
}

#[cfg(loom)]
pub(crate) use model::{wait, wake};

/// The same for a loom test. Nobody wakes by the clock, so a lost wake-up is a deadlock.
#[cfg(loom)]
mod model {
    use std::collections::HashMap;
    use std::time::Duration;

    use loom::sync::atomic::{AtomicU32, Ordering};
    use loom::sync::{Condvar, Mutex};

    #[derive(Default)]
    struct Table {
        /// Wake-ups so far, by word.
        wakes: Mutex<HashMap<usize, u64>>,
        changed: Condvar,
    }

    loom::lazy_static! {
        static ref TABLE: Table = Table::default();
    }

    fn key(word: &AtomicU32) -> usize {
        std::ptr::from_ref(word).addr()
    }

    pub(crate) fn wait(word: &AtomicU32, expected: u32, _limit: Option<Duration>) {
        let mut wakes = TABLE.wakes.lock().expect("no model panics in here");
        // The kernel compares under the lock that wakers take, too.
        if word.load(Ordering::SeqCst) == expected {
            let before = wakes.get(&key(word)).copied();
            while wakes.get(&key(word)).copied() == before {
                wakes = TABLE.changed.wait(wakes).expect("no model panics in here");
            }
        }
    }

    pub(crate) fn wake(word: &AtomicU32) {
        *TABLE
            .wakes
            .lock()
            .expect("no model panics in here")
            .entry(key(word))
            .or_default() += 1;
        TABLE.changed.notify_all();
    }
}
