//! Memory for arrays that is used again.
//!
//! An array's memory returns here when the last clone of the array is dropped, wherever
//! that is, and serves the next array of about its size: pages that were written once
//! cost no page fault again. What is kept is bounded; the longest unused goes first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use multilane_plan::{Array, Buffers, DType};

use super::pages::{ALIGNMENT, HUGE_PAGE, LARGE, Pages};
use crate::fork::Birth;

/// The smallest block: for tiny arrays, too, this list is quicker than aligned memory of the C library.
pub(super) const SMALLEST: usize = 512;
/// The most blocks that are kept, so that looking through them stays quick.
const MOST_KEPT: usize = 256;

/// Arrays' memory, recycled.
///
/// ```
/// use multilane_engine::plans::BufferPool;
/// use multilane_plan::{Buffers, DType};
///
/// let pool = BufferPool::new(64 << 20);
/// let array = pool.take(DType::F64, 1_000_000);
/// let start = array.as_ptr();
/// drop(array);
/// assert_eq!(pool.take(DType::F64, 1_000_000).as_ptr(), start);
/// ```
#[derive(Clone, Debug)]
pub struct BufferPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The most bytes that are kept.
    limit: usize,
    kept: Mutex<Kept>,
    /// In a child of a fork the lock may be held by a thread that does not exist there.
    birth: Birth,
}

#[derive(Debug, Default)]
struct Kept {
    /// The longest unused first.
    blocks: VecDeque<Pages>,
    bytes: usize,
}

/// The owner of an array's memory.
#[derive(Debug)]
pub(super) struct Lease {
    /// Taken when the lease ends.
    pages: Option<Pages>,
    shared: Arc<Shared>,
}

impl Lease {
    /// Bytes of the block, which may be more than its array needs.
    pub(super) fn bytes(&self) -> usize {
        self.pages.as_ref().map_or(0, Pages::bytes)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(pages) = self.pages.take() {
            self.shared.give_back(pages);
        }
    }
}

/// The size of the block for an array: at most an eighth more, so that arrays of about
/// the same size can follow one another; what is never written takes no memory anyway.
fn block_size(bytes: usize) -> Option<usize> {
    let bytes = bytes.max(SMALLEST);
    let step = (bytes.checked_next_power_of_two()? >> 4).max(ALIGNMENT);
    let unit = if bytes.checked_add(step)? >= LARGE {
        step.max(HUGE_PAGE)
    } else {
        step
    };
    bytes.checked_next_multiple_of(unit)
}

impl Shared {
    fn find(&self, bytes: usize) -> Option<Pages> {
        if !self.birth.is_here() {
            return None;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // The last used is the likeliest to be in the cache.
        let index = kept.blocks.iter().rposition(|block| block.bytes() == bytes)?;
        let block = kept.blocks.remove(index)?;
        kept.bytes -= bytes;
        Some(block)
    }

    fn give_back(&self, pages: Pages) {
        if pages.bytes() > self.limit || !self.birth.is_here() {
            return;
        }
        let mut dropped = Vec::new();
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.bytes += pages.bytes();
            kept.blocks.push_back(pages);
            while kept.bytes > self.limit || kept.blocks.len() > MOST_KEPT {
                let Some(block) = kept.blocks.pop_front() else { break };
                kept.bytes -= block.bytes();
                dropped.push(block);
            }
        }
        // Giving pages back to the system takes long: not under the lock.
        drop(dropped);
    }
}

impl BufferPool {
    /// A pool that keeps at most `limit` bytes of unused memory.
    pub fn new(limit: usize) -> Self {
        let shared = Shared {
            limit,
            kept: Mutex::default(),
            birth: Birth::here(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The process's pool, which keeps at most an eighth of the memory this process may use.
    pub fn shared() -> &'static Self {
        static POOL: AtomicPtr<BufferPool> = AtomicPtr::new(std::ptr::null_mut());
        loop {
            let seen = POOL.load(Ordering::Acquire);
            // SAFETY: pools that stood here are never freed.
            if let Some(pool) = unsafe { seen.as_ref() }
                && pool.shared.birth.is_here()
            {
                return pool;
            }
            let fresh = Box::into_raw(Box::new(Self::new(memory_bytes() / 8)));
            if POOL
                .compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire)
                .is_err()
            {
                // SAFETY: nobody else has seen this pointer.
                drop(unsafe { Box::from_raw(fresh) });
            }
        }
    }

    /// Memory for an array, its contents arbitrary; `None` when the system has no more.
    pub fn try_take(&self, dtype: DType, len: usize) -> Option<Array> {
        let bytes = len
            .checked_mul(dtype.size())
            .filter(|bytes| *bytes <= isize::MAX as usize)?;
        let block = block_size(bytes)?;
        let pages = match self.shared.find(block).or_else(|| fresh(block)) {
            Some(pages) => pages,
            None => {
                // What is kept for later may be what is missing now.
                self.trim();
                fresh(block)?
            }
        };
        let start = pages.start();
        let lease = Lease {
            pages: Some(pages),
            shared: self.shared.clone(),
        };
        // SAFETY: the block has room for the elements and lives as long as its lease; any
        // other block is another array's.
        Some(unsafe { Array::from_raw(dtype, len, start, true, Arc::new(lease)) })
    }

    /// Keeps others from the pool's list while the answer lives.
    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Drop + '_ {
        struct Held<'a>(#[expect(dead_code, reason = "held for its lock")] std::sync::MutexGuard<'a, Kept>);
        impl Drop for Held<'_> {
            fn drop(&mut self) {}
        }
        Held(self.shared.kept.lock().unwrap())
    }

    /// Bytes that are kept for later.
    pub fn kept_bytes(&self) -> usize {
        if !self.shared.birth.is_here() {
            return 0;
        }
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Gives everything that is kept back to the system.
    pub fn trim(&self) {
        if self.shared.birth.is_here() {
            let kept = std::mem::take(&mut *self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner));
            drop(kept);
        }
    }
}

impl Buffers for BufferPool {
    /// Panics when the system has no more memory; [`BufferPool::try_take`] does not.
    fn take(&self, dtype: DType, len: usize) -> Array {
        self.try_take(dtype, len)
            .unwrap_or_else(|| panic!("no memory for {len} elements of {dtype}"))
    }
}

/// From here on a block is held against the memory that is free.
const HUGE: usize = 256 << 20;

/// A block from the system, when it has so much.
///
/// Linux promises more than it has, and kills who takes the promise at its word.
fn fresh(bytes: usize) -> Option<Pages> {
    if bytes >= HUGE && free_bytes().is_some_and(|free| bytes as u64 > free) {
        return None;
    }
    Pages::allocate(bytes)
}

/// What the machine, and the control group of this process, have left.
fn free_bytes() -> Option<u64> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024;
    let group = number("/sys/fs/cgroup/memory.max").zip(number("/sys/fs/cgroup/memory.current"));
    Some(group.map_or(machine, |(limit, used)| machine.min(limit.saturating_sub(used))))
}

/// Memory this process may use: the machine's, or its control group's if that is less.
fn memory_bytes() -> usize {
    let machine = rustix::system::sysinfo();
    let total = (machine.totalram as u64).saturating_mul(u64::from(machine.mem_unit.max(1)));
    let group = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .iter()
    .filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok())
    .min();
    let bytes = group.map_or(total, |limit| limit.min(total));
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_free_is_refused_though_the_system_would_promise_it() {
        let pool = BufferPool::new(0);
        let free = free_bytes().unwrap() as usize;
        assert!(pool.try_take(DType::F64, free / 8 + (1 << 27)).is_none());
        assert!(pool.try_take(DType::F64, 1 << 10).is_some());
    }

    #[test]
    fn blocks_are_a_little_larger_than_what_they_hold() {
        for bytes in [
            1,
            63,
            64,
            5000,
            40_000,
            1 << 20,
            (3 << 20) + 1,
            8_000_000,
            80_000_000,
            1 << 33,
        ] {
            let block = block_size(bytes).unwrap();
            assert!(block >= bytes && block.is_multiple_of(ALIGNMENT), "{bytes} -> {block}");
            let spared = if block >= LARGE { HUGE_PAGE } else { SMALLEST };
            assert!(block - bytes <= (bytes / 8).max(spared), "{bytes} -> {block}");
            assert!(block < LARGE || block.is_multiple_of(HUGE_PAGE), "{bytes} -> {block}");
        }
        assert_eq!(block_size(usize::MAX), None);
    }

    #[test]
    fn memory_returns_with_the_last_clone_and_is_bounded() {
        let pool = BufferPool::new(300_000);
        let array = pool.take(DType::F64, 10_000);
        let clone = array.clone();
        drop(array);
        assert_eq!(pool.kept_bytes(), 0);
        drop(clone);
        let one = pool.kept_bytes();
        assert!(one >= 80_000);
        let arrays: Vec<_> = (0..5).map(|_| pool.take(DType::F64, 10_000)).collect();
        assert_eq!(pool.kept_bytes(), 0);
        drop(arrays);
        assert_eq!(pool.kept_bytes(), 3 * one);
        pool.trim();
        assert_eq!(pool.kept_bytes(), 0);
        // Too large to be kept at all.
        drop(pool.take(DType::F64, 100_000));
        assert_eq!(pool.kept_bytes(), 0);
    }

    #[test]
    fn arrays_outlive_the_pool() {
        let pool = BufferPool::new(1 << 20);
        let array = pool.take(DType::I64, 8192);
        drop(pool);
        // SAFETY: the first element of an array that nobody else has.
        unsafe { array.as_mut_ptr().cast::<i64>().write(7) };
        assert_eq!(array.as_slice::<i64>().unwrap()[0], 7);
    }

    #[test]
    fn what_no_machine_has_is_none() {
        let pool = BufferPool::new(0);
        assert!(pool.try_take(DType::F64, usize::MAX).is_none());
        assert!(pool.try_take(DType::F64, 1 << 58).is_none());
        assert!(pool.take(DType::Bool, 0).is_empty());
    }
}
