//! Leave a worker's object allocator with room at hand in every size class.
//!
//! CPython takes small objects from pools of one size each, and always from the pool that
//! last had none free before an object of it died. After imports most pools are full but for
//! a few holes, so a loop that makes and drops numbers takes the last block of such a pool
//! and gives it back, again and again, and each time the pool leaves the list of usable
//! ones and returns to it: 5 % of a pure-Python loop, in a fresh worker more than in a long
//! running program. Filling the holes and keeping them filled leaves a whole pool in front,
//! which a task's own objects then come from and return to.
//!
//! Reads addresses only, and holds what it took for the life of the process. An allocator
//! without such pools (`PYTHONMALLOC=malloc`, free-threaded builds) shows none, and the bound
//! ends the search.

/// What the process may hold in all: functions that keep coming do not fill memory.
const MOST_BYTES: usize = 1 << 20;

/// Fills holes, a bounded number of bytes of them.
#[derive(Default)]
pub(crate) struct Holes {
    held_bytes: usize,
}

impl Holes {
    /// Fills the holes of every size class, so that the next objects come from a fresh pool.
    pub(crate) fn fill(&mut self, _py: pyo3::Python<'_>) {
        /// Of `Objects/obmalloc.c`: pools are aligned to their size, begin with a header, and
        /// serve sizes in steps up to the largest small one.
        const POOL_BYTES: usize = 16 << 10;
        const HEADER_BYTES: usize = 48;
        const STEP_BYTES: usize = 16;
        const LARGEST_BYTES: usize = 512;

        for size in (STEP_BYTES..=LARGEST_BYTES).step_by(STEP_BYTES) {
            // More than a pool of holes are a heap that shrank: not worth its memory.
            for _ in 0..POOL_BYTES / size {
                if self.held_bytes + size > MOST_BYTES {
                    return;
                }
                // SAFETY: the interpreter is attached, which its object allocator asks for. The
                // block is never used, and given back by nobody.
                let block = unsafe { pyo3::ffi::PyObject_Malloc(size) };
                self.held_bytes += size;
                // The first block of a pool is held as well: an empty pool would be taken apart
                // and made again for each object.
                if block.is_null() || block.addr() % POOL_BYTES == HEADER_BYTES {
                    break;
                }
            }
        }
    }
}
