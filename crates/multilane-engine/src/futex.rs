//! Sleep on a 32-bit word and wake its sleepers.
//!
//! `Private` words are for threads of one process, `Shared` words for words in
//! memory that several processes map. A wait may return for no reason: callers
//! look at their condition again.

#[cfg(not(loom))]
pub use kernel::{wait, wake};
#[cfg(loom)]
pub(crate) use model::{wait, wake};

/// Who can sleep on a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Threads of this process.
    Private,
    /// Any process that maps the word.
    Shared,
}

/// Why a wait returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Somebody woke the word, or its value had changed already.
    Changed,
    /// The time given ran out.
    TimedOut,
    /// A signal handler ran in this thread, or may have.
    Interrupted,
}

#[cfg(not(loom))]
mod kernel {
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::thread::futex::{self, Flags, Timespec};

    use super::{Scope, Woken};

    fn flags(scope: Scope) -> Flags {
        match scope {
            Scope::Private => Flags::PRIVATE,
            Scope::Shared => Flags::empty(),
        }
    }

    /// Sleeps while `word` holds `expected`, for `limit` at most.
    pub fn wait(word: &AtomicU32, expected: u32, limit: Option<Duration>, scope: Scope) -> Woken {
        let limit = limit.map(|limit| Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX / 2),
            tv_nsec: limit.subsec_nanos().into(),
        });
        match futex::wait(word, flags(scope), expected, limit.as_ref()) {
            Ok(()) | Err(Errno::AGAIN) => Woken::Changed,
            Err(Errno::TIMEDOUT) => Woken::TimedOut,
            Err(_) => Woken::Interrupted,
        }
    }

    /// Wakes at most `count` sleepers of `word`.
    pub fn wake(word: &AtomicU32, count: u32, scope: Scope) {
        // A word without sleepers is no error, and there is nothing else to learn.
        let _ = futex::wake(word, flags(scope), count);
    }
}

/// The same for a loom test. Nobody wakes by the clock, so a lost wake-up is a deadlock.
#[cfg(loom)]
mod model {
    use std::collections::HashMap;
    use std::time::Duration;

    use loom::sync::atomic::{AtomicU32, Ordering};
    use loom::sync::{Condvar, Mutex};

    use super::{Scope, Woken};

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

    pub(crate) fn wait(word: &AtomicU32, expected: u32, _limit: Option<Duration>, _scope: Scope) -> Woken {
        let mut wakes = TABLE.wakes.lock().expect("no model panics in here");
        // The kernel compares under the lock that wakers take, too.
        if word.load(Ordering::SeqCst) == expected {
            let before = wakes.get(&key(word)).copied();
            while wakes.get(&key(word)).copied() == before {
                wakes = TABLE.changed.wait(wakes).expect("no model panics in here");
            }
        }
        Woken::Changed
    }

    pub(crate) fn wake(word: &AtomicU32, _count: u32, _scope: Scope) {
        *TABLE
            .wakes
            .lock()
            .expect("no model panics in here")
            .entry(key(word))
            .or_default() += 1;
        TABLE.changed.notify_all();
    }
}
