//! Memory for the gathered values, kept from one execution to the next.

use std::alloc::{Layout as Shape, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

/// Memory above this size is worth huge pages, and starts at one.
const HUGE: usize = 2 << 20;

/// A piece of memory.
pub(super) struct Scratch {
    start: NonNull<u8>,
    shape: Shape,
}

// SAFETY: it owns its memory and has no methods that share it.
unsafe impl Send for Scratch {}
// SAFETY: as above.
unsafe impl Sync for Scratch {}

impl Scratch {
    fn new(bytes: usize) -> Self {
        let align = if bytes >= HUGE { HUGE } else { 64 };
        let shape = Shape::from_size_align(bytes.max(64).next_multiple_of(align), align)
            .expect("a size that an array has, rounded up to a page");
        // SAFETY: the size is not 0.
        let start = unsafe { alloc(shape) };
        let Some(start) = NonNull::new(start) else {
            handle_alloc_error(shape)
        };
        if align == HUGE {
            // SAFETY: the range is the memory just allocated. Without huge pages it is only slower.
            let _ =
                unsafe { rustix::mm::madvise(start.as_ptr().cast(), shape.size(), rustix::mm::Advice::LinuxHugepage) };
        }
        Self { start, shape }
    }

    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: allocated with this shape and not freed before.
        unsafe { dealloc(self.start.as_ptr(), self.shape) };
    }
}

/// Pieces of memory that are free.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<Scratch>>>);

impl Pool {
    /// A free piece of at least that size, or a new one.
    pub(super) fn take(&self, bytes: usize) -> Scratch {
        // A list of free memory is whole at every moment, so that poison says nothing.
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match free.iter().position(|scratch| scratch.shape.size() >= bytes) {
            Some(found) => free.swap_remove(found),
            None => {
                // What is too small now would be too small for the next execution as well.
                free.clear();
                Scratch::new(bytes)
            }
        }
    }

    pub(super) fn give(&self, scratch: Scratch) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }
}
