//! Sleep on a 32-bit word and wake its sleepers.
//!
//! `Private` words are for threads of one process, `Shared` words for words in
//! memory that several processes map. A wait may return for no reason: callers
//! look at their condition again.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

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
    /// A signal handler ran in this thread.
    Interrupted,
}

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
