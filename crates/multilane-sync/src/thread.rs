//! What a thread has of its own: its number, and what it holds.
//!
//! A record is made when a thread first takes or waits for anything, and ends with the
//! thread: whatever it still holds then, its waiters learn that they wait for nobody.

use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::resource::Resource;

/// One thread.
pub(crate) struct Thread {
    /// Never used again by another thread of this program, and never 0.
    pub(crate) id: u32,
    /// What the system calls it.
    #[cfg_attr(loom, expect(dead_code, reason = "nobody reports a deadlock of a model"))]
    pub(crate) ident: u64,
    held: UnsafeCell<Vec<*const dyn Resource>>,
    /// Its waits in the graph: several where the handler of a signal waits inside of a wait.
    pub(crate) waits: Cell<u32>,
}

impl Thread {
    fn new() -> Self {
        // Wide enough for a program that starts a thousand threads a second for ten days.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed) & crate::lock::OWNER,
            ident: ident(),
            held: UnsafeCell::new(Vec::new()),
            waits: Cell::new(0),
        }
    }
}

/// What the system calls the running thread.
fn ident() -> u64 {
    // SAFETY: reads the identity of the calling thread.
    unsafe { libc::pthread_self() }
}

/// The running thread's record. Stays in its thread.
pub(crate) struct Me(kind::Pointer);

impl Me {
    /// What the thread holds, in the order taken.
    pub(crate) fn held(&self) -> &[*const dyn Resource] {
        // SAFETY: only this thread uses `held`, and `note_taken` and `note_released`,
        // which change it, call nothing that could come back here.
        unsafe { &*self.held.get() }
    }

    /// Notes that the thread holds something.
    #[inline]
    pub(crate) fn note_taken(&self, taken: *const dyn Resource) {
        // SAFETY: as in `held`; no reference to it lives across this.
        unsafe { (*self.held.get()).push(taken) }
    }

    /// Notes that it does not any more.
    #[inline]
    pub(crate) fn note_released(&self, released: *const dyn Resource) {
        // SAFETY: as in `held`.
        let held = unsafe { &mut *self.held.get() };
        match held.last() {
            Some(last) if std::ptr::addr_eq(*last, released) => {
                held.pop();
            }
            _ => {
                if let Some(index) = held.iter().rposition(|one| std::ptr::addr_eq(*one, released)) {
                    held.remove(index);
                }
            }
        }
    }
}

impl std::ops::Deref for Me {
    type Target = Thread;

    #[inline]
    fn deref(&self) -> &Thread {
        self.0.get()
    }
}

pub(crate) use kind::me;

#[cfg(not(loom))]
mod kind {
    use std::cell::Cell;
    use std::marker::PhantomData;
    use std::ptr;

    use super::{Me, Thread};

    thread_local! {
        /// Needs no registration of a destructor, so that reading it is a load.
        static ME: Cell<*const Thread> = const { Cell::new(ptr::null()) };
        static END: End = const { End };
    }

    pub(crate) struct Pointer(*const Thread, PhantomData<*const ()>);

    impl Pointer {
        #[inline]
        pub(super) fn get(&self) -> &Thread {
            // SAFETY: the record lives until the thread's end, and this cannot leave the thread.
            unsafe { &*self.0 }
        }
    }

    /// The running thread.
    #[inline]
    pub(crate) fn me() -> Me {
        let mut pointer = ME.get();
        if pointer.is_null() {
            pointer = register();
        }
        Me(Pointer(pointer, PhantomData))
    }

    #[cold]
    fn register() -> *const Thread {
        let thread = Box::new(Thread::new());
        crate::graph::enter(&thread);
        let pointer: *const Thread = Box::into_raw(thread);
        ME.set(pointer);
        // A thread that is ending already keeps its record for ever.
        let _ = END.try_with(|_| ());
        pointer
    }

    /// Runs at the end of the thread.
    struct End;

    impl Drop for End {
        fn drop(&mut self) {
            let pointer = ME.get();
            if pointer.is_null() {
                return;
            }
            let me = Me(Pointer(pointer, PhantomData));
            // First it is known to be gone, then its waiters look.
            crate::graph::leave(&me);
            for held in me.held() {
                // SAFETY: what a thread holds is not freed before it is released; see `Kept`.
                unsafe { &**held }.recall();
            }
            // From here on others may take what it held, and free it.
            crate::graph::forget(&me);
            ME.set(ptr::null());
            // SAFETY: made by `register`, and nothing refers to it any more.
            drop(unsafe { Box::from_raw(pointer.cast_mut()) });
        }
    }
}

#[cfg(loom)]
mod kind {
    use std::rc::Rc;

    use super::{Me, Thread};

    loom::thread_local! {
        static ME: Rc<Thread> = Rc::new(Thread::new());
    }

    pub(crate) struct Pointer(Rc<Thread>);

    impl Pointer {
        pub(super) fn get(&self) -> &Thread {
            &self.0
        }
    }

    pub(crate) fn me() -> Me {
        Me(Pointer(ME.with(Rc::clone)))
    }
}

/// The memory of something that threads hold. It outlives them: freed while another
/// thread holds it, it is kept for ever, since that thread's list names it.
pub(crate) struct Kept<T: Resource + 'static>(std::ptr::NonNull<T>);

// SAFETY: a box in all but that it may be leaked.
unsafe impl<T: Resource + Send + 'static> Send for Kept<T> {}
// SAFETY: as above.
unsafe impl<T: Resource + 'static> Sync for Kept<T> {}

impl<T: Resource + 'static> Kept<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::ptr::NonNull::from(Box::leak(Box::new(value))))
    }
}

impl<T: Resource + 'static> std::ops::Deref for Kept<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: points to a box that only `drop` frees.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Resource + 'static> Drop for Kept<T> {
    fn drop(&mut self) {
        if let Some(mark) = self.order() {
            mark.forget(self.serial());
        }
        let mut holders = Vec::new();
        self.holders(&mut holders);
        if !holders.is_empty() {
            let me = me();
            if holders.iter().any(|holder| *holder != me.id) {
                return;
            }
            // A thread may hold several units.
            for _ in holders {
                let held: &T = self;
                me.note_released(std::ptr::from_ref(held));
            }
        }
        // SAFETY: made by `Box::leak`, and no list names it any more.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
