//! Memory from the system, aligned for vectors and, when it is large, for huge pages.
//!
//! Asks for huge pages: a triad runs about a third faster on them, and an operation in place twice as fast.

use std::alloc::Layout;
use std::ptr::NonNull;

/// Alignment of every block: a cache line, and the widest vector.
pub(super) const ALIGNMENT: usize = 64;
/// From here on a block is made of huge pages, if the system has them.
pub(super) const LARGE: usize = 4 << 20;
/// The size of a huge page.
pub(super) const HUGE_PAGE: usize = 2 << 20;

/// A block of memory.
#[derive(Debug)]
pub(super) struct Pages {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: plain memory, which belongs to whoever has the `Pages`.
unsafe impl Send for Pages {}
// SAFETY: as above; nothing is read or written through a shared `Pages`.
unsafe impl Sync for Pages {}

fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.max(1), ALIGNMENT).ok()
}

impl Pages {
    /// A block of so many bytes, not zeroed; `None` when the system has no more.
    pub(super) fn allocate(bytes: usize) -> Option<Self> {
        let start = if is_mapped(bytes) {
            map(bytes)?
        } else {
            // SAFETY: the size is not zero.
            NonNull::new(unsafe { std::alloc::alloc(layout(bytes)?) })?
        };
        Some(Self { start, bytes })
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if is_mapped(self.bytes) {
            // SAFETY: this block was mapped with this size, and nobody has it any more.
            let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.bytes) };
        } else {
            let layout = layout(self.bytes).expect("it was allocated with this layout");
            // SAFETY: this block was allocated with this layout, and nobody has it any more.
            unsafe { std::alloc::dealloc(self.start.as_ptr(), layout) };
        }
    }
}

/// Whether a block of this size is a mapping of its own.
fn is_mapped(bytes: usize) -> bool {
    bytes >= LARGE && !cfg!(miri)
}

/// Maps a block that begins where a huge page can.
fn map(bytes: usize) -> Option<NonNull<u8>> {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    let whole = bytes.checked_add(HUGE_PAGE)?;
    // SAFETY: a new private mapping at a place the system chooses.
    let mapped = unsafe {
        mmap_anonymous(
            std::ptr::null_mut(),
            whole,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    }
    .ok()?
    .cast::<u8>();
    let before = mapped.align_offset(HUGE_PAGE);
    let after = HUGE_PAGE - before;
    // SAFETY: the block and what lies before and after it are parts of the mapping; what
    // is given back is not used. The block's size is a multiple of the page size.
    unsafe {
        let start = mapped.add(before);
        if before > 0 {
            let _ = munmap(mapped.cast(), before);
        }
        if after > 0 {
            let _ = munmap(start.add(bytes).cast(), after);
        }
        // Only advice: without huge pages it is memory all the same.
        let _ = madvise(start.cast(), bytes, Advice::LinuxHugepage);
        NonNull::new(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_usable() {
        for bytes in [0, 1, 100, 1 << 20, LARGE, LARGE + 3 * HUGE_PAGE] {
            let pages = Pages::allocate(bytes).unwrap();
            let alignment = if is_mapped(bytes) { HUGE_PAGE } else { ALIGNMENT };
            assert_eq!(pages.start().addr().get() % alignment, 0);
            if bytes > 0 {
                // SAFETY: the first and the last byte of the block.
                unsafe {
                    pages.start().write(1);
                    pages.start().add(bytes - 1).write(2);
                }
            }
        }
    }

    #[test]
    fn too_much_is_none() {
        assert!(Pages::allocate(usize::MAX - 4096).is_none());
    }
}
