//! Memory that one piece of work needs for itself: on the stack when it is small.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::MaybeUninit;

/// Up to here scratch memory comes from the stack.
const ON_STACK: usize = 24 * 1024;

#[repr(align(64))]
struct Block(MaybeUninit<[u8; ON_STACK]>);

/// Calls `f` with `bytes` of memory, aligned for a cache line, of arbitrary contents.
pub(crate) fn with_scratch<R>(bytes: usize, f: impl FnOnce(*mut u8) -> R) -> R {
    if bytes <= ON_STACK {
        let mut block = Block(MaybeUninit::uninit());
        return f(block.0.as_mut_ptr().cast());
    }
    let layout = Layout::from_size_align(bytes, 64).expect("scratch memory is far below the address space");
    /// Gives the memory back when a panic passes too.
    struct Owned(*mut u8, Layout);
    impl Drop for Owned {
        fn drop(&mut self) {
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(self.0, self.1) }
        }
    }
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc(layout) };
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    let owned = Owned(memory, layout);
    f(owned.0)
}
