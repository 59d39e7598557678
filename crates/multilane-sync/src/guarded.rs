//! The state of a primitive, with a mutex around it or not, that the child of a fork can still use.
//!
//! At a fork another thread may be changing the state; that thread does not exist in
//! the child, so its lock would be held for ever and the state be half changed. Where
//! an interpreter lock is held both at forks and during changes this cannot happen,
//! and the child only forgets waiters; else it starts with a fresh state.

use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

/// A state that can go on in the child of a fork.
pub(crate) trait Inherit {
    /// Forgets the threads that are waiting, and the changes that others were in the middle of.
    #[cfg_attr(loom, expect(dead_code, reason = "no process forks in a model"))]
    fn inherit(&mut self);
}

#[cfg(not(loom))]
impl<T: Inherit> Inherit for Box<T> {
    fn inherit(&mut self) {
        (**self).inherit();
    }
}

#[cfg(not(loom))]
pub(crate) use process::{Guarded, Inherited, after_fork};

#[cfg(not(loom))]
mod process {
    use std::cell::UnsafeCell;
    use std::sync::TryLockError;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::{Inherit, Mutex, MutexGuard, PoisonError};
    use crate::fork::forks;

    /// A state that the first thread to look at it in the child of a fork puts in order.
    pub(crate) struct Inherited<T> {
        /// The process that the state is in order for, as a number of forks.
        forks: AtomicU32,
        state: UnsafeCell<T>,
    }

    // SAFETY: `state` is only changed by the first thread that looks at it in a child
    // of a fork, under `REPAIRING`, which every other thread of the child passes first.
    unsafe impl<T: Send + Sync> Sync for Inherited<T> {}

    static REPAIRING: AtomicBool = AtomicBool::new(false);

    pub(crate) fn after_fork() {
        REPAIRING.store(false, Ordering::Relaxed);
    }

    impl<T: Inherit> Inherited<T> {
        pub(crate) fn new(state: T) -> Self {
            Self {
                forks: AtomicU32::new(forks()),
                state: UnsafeCell::new(state),
            }
        }

        /// The state. No wait may begin while it is borrowed: a signal handler may fork there.
        #[inline]
        pub(crate) fn get(&self) -> &T {
            if self.forks.load(Ordering::Acquire) != forks() {
                self.repair();
            }
            // SAFETY: shared access; whoever changes the state does so before `forks`
            // says that it is in order, and all others have seen that it is.
            unsafe { &*self.state.get() }
        }

        #[cold]
        fn repair(&self) {
            while REPAIRING.swap(true, Ordering::Acquire) {
                std::thread::yield_now();
            }
            if self.forks.load(Ordering::Relaxed) != forks() {
                // SAFETY: no thread of this process has a reference to it: each comes by
                // here first, and those of the parent do not exist.
                unsafe { &mut *self.state.get() }.inherit();
                self.forks.store(forks(), Ordering::Release);
            }
            REPAIRING.store(false, Ordering::Release);
        }
    }

    impl<T: Inherit + Default> Inherit for Mutex<T> {
        fn inherit(&mut self) {
            match self.try_lock() {
                Ok(mut state) => return state.inherit(),
                Err(TryLockError::Poisoned(state)) => return state.into_inner().inherit(),
                Err(TryLockError::WouldBlock) => {}
            }
            // The old mutex and what it holds are never dropped: a thread that does not
            // exist was about to change them.
            std::mem::forget(std::mem::replace(self, Self::new(T::default())));
        }
    }

    /// A mutex around a state.
    pub(crate) struct Guarded<T>(Inherited<Mutex<T>>);

    impl<T: Inherit + Default> Guarded<T> {
        pub(crate) fn new(state: T) -> Self {
            Self(Inherited::new(Mutex::new(state)))
        }

        #[inline]
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.get().lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

#[cfg(loom)]
pub(crate) use model::{Guarded, Inherited, after_fork};

/// No model forks.
#[cfg(loom)]
mod model {
    use super::{Inherit, Mutex, MutexGuard, PoisonError};

    pub(crate) struct Inherited<T>(T);

    pub(crate) struct Guarded<T>(Mutex<T>);

    pub(crate) fn after_fork() {}

    impl<T> Inherited<T> {
        pub(crate) fn new(state: T) -> Self {
            Self(state)
        }

        pub(crate) fn get(&self) -> &T {
            &self.0
        }
    }

    impl<T: Inherit> Guarded<T> {
        pub(crate) fn new(state: T) -> Self {
            Self(Mutex::new(state))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
