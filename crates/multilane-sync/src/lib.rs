//! Locks, semaphores, barriers and channels that cannot hang silently.
//!
//! Every primitive waits the same way: a thread puts itself into a queue, tells the
//! graph of waits what it waits for, and sleeps on a word of its own until somebody
//! grants it its turn. What sleeping means is the caller's: it may let go of other
//! locks meanwhile, and may stop the wait. Nothing here knows Python or tasks.
//!
//! `README.md` beside this file says why no wake-up is lost.

mod atomic;
mod awaited;
mod backoff;
mod barrier;
mod caller;
mod channel;
mod condition;
mod error;
mod event;
mod fork;
mod futex;
mod gate;
mod graph;
mod guarded;
mod latch;
mod lock;
mod once;
mod order;
mod queue;
mod resource;
mod rwlock;
mod select;
mod semaphore;
mod sync;
mod thread;
mod wait;

#[cfg(all(loom, test))]
mod loom_tests;

pub use atomic::AtomicInt;
pub use awaited::{Awaited, join};
pub use barrier::{Arrival, Barrier};
pub use caller::{Blocking, Caller, Patience, Stop};
pub use channel::{Channel, Sent};
pub use condition::{Condition, Place};
pub use error::{Deadlock, Step, SyncError, WaitSeen};
pub use event::Event;
pub use fork::after_fork;
#[cfg(not(loom))]
pub use graph::waits;
pub use graph::{detects, set_detects, wait_for};
pub use latch::Latch;
pub use lock::{Holder, Lock, Taken};
pub use once::{Entry, Once};
pub use order::{Inversion, set_watches_order, watches_order};
pub use rwlock::RwLock;
pub use select::{Offer, select};
pub use semaphore::Semaphore;
