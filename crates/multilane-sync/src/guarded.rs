//! A mutex around the state of a primitive that the child of a fork can still use.
//!
//! At a fork another thread may be changing the state; that thread does not exist in
//! the child, so its lock would be held for ever and the state be half changed. Where
//! an interpreter lock is held both at forks and during changes this cannot happen,
//! and the child only forgets waiters; else it starts with a fresh state.

use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

/// A state that can go on in the child of a fork.
pub(crate) trait Inherit: Default {
    /// Forgets the threads that are waiting.
    fn inherit(&mut self);
}

#[cfg(not(loom))]
pub(crate) use process::{Guarded, after_fork};

#[cfg(not(loom))]
mod process {
    use std::cell::UnsafeCell;
    use std::sync::TryLockError;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::{Inherit, Mutex, MutexGuard, PoisonError};
    use crate::fork::forks;

    pub(crate) struct Guarded<T> {
        /// The process that the state is in order for, as a number of forks.
        forks: AtomicU32,
        state: UnsafeCell<Mutex<T>>,
    }

    // SAFETY: `state` is only replaced by the first thread that looks at it in a child
    // of a fork, under `REPAIRING`, which every other thread of the child passes first.
    unsafe impl<T: Send> Sync for Guarded<T> {}

    static REPAIRING: AtomicBool = AtomicBool::new(false);

    pub(crate) fn after_fork() {
        REPAIRING.store(false, Ordering::Relaxed);
    }

    impl<T: Inherit> Guarded<T> {
        pub(crate) fn new(state: T) -> Self {
            Self {
                forks: AtomicU32::new(forks()),
                state: UnsafeCell::new(Mutex::new(state)),
            }
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            if self.forks.load(Ordering::Acquire) != forks() {
                self.repair();
            }
            // SAFETY: shared access; whoever replaces the mutex does so before `forks`
            // says that it is in order, and all others have seen that it is.
            let state = unsafe { &*self.state.get() };
            state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        #[cold]
        fn repair(&self) {
            while REPAIRING.swap(true, Ordering::Acquire) {
                std::thread::yield_now();
            }
            if self.forks.load(Ordering::Relaxed) != forks() {
                // SAFETY: no thread of this process has a reference to it: each comes by
                // here first, and those of the parent do not exist.
                let locked = unsafe { &*self.state.get() }.try_lock();
                match locked {
                    Ok(mut state) => state.inherit(),
                    Err(TryLockError::Poisoned(state)) => state.into_inner().inherit(),
                    // SAFETY: as above. The old mutex and what it holds are never dropped: a
                    // thread that does not exist was about to change them.
                    Err(TryLockError::WouldBlock) => unsafe { self.state.get().write(Mutex::new(T::default())) },
                }
                self.forks.store(forks(), Ordering::Release);
            }
            REPAIRING.store(false, Ordering::Release);
        }
    }
}

#[cfg(loom)]
pub(crate) use model::{Guarded, after_fork};

/// No model forks.
#[cfg(loom)]
mod model {
    use super::{Inherit, Mutex, MutexGuard, PoisonError};

    pub(crate) struct Guarded<T>(Mutex<T>);

    pub(crate) fn after_fork() {}

    impl<T: Inherit> Guarded<T> {
        pub(crate) fn new(state: T) -> Self {
            Self(Mutex::new(state))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
