//! Memory for states: aligned, in huge pages where the system has them, and used again.
//!
//! A block that was written once costs no page fault again: what is given back is kept for the next block of its
//! size. How much is kept is bounded; large blocks lie there such that the system may take their pages back while
//! nobody uses them. In the child of a fork kept blocks are the child's own copies; a lock that a thread of the parent had
//! stays taken there, and then nothing is kept. How much a state needs is known before any is asked for, and compared
//! with what the machine has left.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::{Mutex, OnceLock, TryLockError};

/// Bytes of a huge page.
const HUGE_PAGE: usize = 2 << 20;

/// From so many bytes on a block is a mapping of its own.
const LARGE: usize = HUGE_PAGE;

/// From so many bytes on the system may take back what is kept; telling it takes longer than it is worth for less.
const LENT: usize = 64 << 20;

/// The most bytes that are kept of smaller blocks.
const MOST_SMALL: usize = 128 << 20;

/// The most blocks that are kept, so that looking through them stays quick.
const MOST_BLOCKS: usize = 64;

/// No vector is longer.
const ALIGNMENT: usize = 64;

/// A block of bytes.
#[derive(Debug)]
pub(crate) struct Memory {
    block: Block,
    fresh: bool,
}

impl Memory {
    /// A block of bytes that are 0, unless the system has none.
    pub(crate) fn zeroed(bytes: usize) -> Option<Self> {
        let memory = Self::any(bytes)?;
        if !memory.fresh {
            // SAFETY: the block has so many bytes and belongs to nobody else.
            unsafe { memory.start().write_bytes(0, bytes) };
        }
        Some(memory)
    }

    /// A block of any bytes, often used before, unless the system has none.
    pub(crate) fn any(bytes: usize) -> Option<Self> {
        if let Some(block) = kept(|kept| kept.take(bytes)).flatten() {
            return Some(Self { block, fresh: false });
        }
        let block = Block::new(bytes).or_else(|| {
            // What is kept for later may be what is missing now.
            trim();
            Block::new(bytes)
        })?;
        Some(Self { block, fresh: true })
    }

    /// Whether it came from the system, and so all of it was 0.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Where it starts.
    pub(crate) fn start(&self) -> *mut u8 {
        self.block.start.as_ptr()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let block = std::mem::replace(&mut self.block, Block::NONE);
        // Giving pages back to the system takes long: not under the lock.
        drop(kept(|kept| kept.give(block)));
    }
}

/// Bytes that come from the system.
#[derive(Debug)]
struct Block {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the block belongs to this value alone; who reads and writes it follows the borrow of the owner.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    /// No bytes.
    const NONE: Self = Self {
        start: NonNull::dangling(),
        bytes: 0,
    };

    fn new(bytes: usize) -> Option<Self> {
        let bytes = bytes.max(ALIGNMENT);
        let start = if bytes >= LARGE { map(bytes)? } else { allocate(bytes)? };
        Some(Self { start, bytes })
    }

    /// Lets the system have the pages while nobody uses them. Whoever takes the block again finds what was there, or 0.
    fn lend(&self) {
        if self.bytes >= LENT {
            // SAFETY: the block's own mapping, whose contents nobody counts on. Only advice: a system that does not
            // know it leaves the pages where they are.
            let _ =
                unsafe { rustix::mm::madvise(self.start.as_ptr().cast(), self.bytes, rustix::mm::Advice::LinuxFree) };
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.bytes >= LARGE {
            // SAFETY: the mapping that `map` made and nobody uses any more.
            let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.bytes) };
        } else if self.bytes > 0 {
            // SAFETY: allocated with this layout.
            unsafe { dealloc(self.start.as_ptr(), small(self.bytes)) };
        }
    }
}

/// Blocks that nobody uses, the longest unused first.
#[derive(Debug)]
struct Kept {
    blocks: Vec<Block>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { blocks: Vec::new() });

/// Looks at what is kept, unless somebody else does: waiting is not worth it, and in the child of a fork has no end.
fn kept<R>(look: impl FnOnce(&mut Kept) -> R) -> Option<R> {
    match KEPT.try_lock() {
        Ok(mut kept) => Some(look(&mut kept)),
        Err(TryLockError::Poisoned(kept)) => Some(look(&mut kept.into_inner())),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Kept {
    /// A block of this size, the last that was used.
    fn take(&mut self, bytes: usize) -> Option<Block> {
        let bytes = bytes.max(ALIGNMENT);
        let at = self.blocks.iter().rposition(|block| block.bytes == bytes)?;
        Some(self.blocks.remove(at))
    }

    /// Keeps a block; returns those that are too many.
    fn give(&mut self, block: Block) -> Vec<Block> {
        let (lent, most) = (
            block.bytes >= LENT,
            if block.bytes >= LENT { most_lent() } else { MOST_SMALL },
        );
        let mut left = Vec::new();
        if block.bytes > most {
            left.push(block);
            return left;
        }
        block.lend();
        self.blocks.push(block);
        while self.blocks.len() > MOST_BLOCKS || self.bytes(lent) > most {
            let like = |block: &Block| (block.bytes >= LENT) == lent;
            let Some(at) = self.blocks.iter().position(like) else {
                break;
            };
            left.push(self.blocks.remove(at));
        }
        left
    }

    /// Bytes of large or of small blocks.
    fn bytes(&self, lent: bool) -> usize {
        let alike = self.blocks.iter().filter(|block| (block.bytes >= LENT) == lent);
        alike.map(|block| block.bytes).sum()
    }
}

/// The most bytes that are kept of large blocks: an eighth of the machine's.
fn most_lent() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let machine = rustix::system::sysinfo();
        let total = (machine.totalram as u64).saturating_mul(u64::from(machine.mem_unit.max(1)));
        usize::try_from(total / 8).unwrap_or(usize::MAX)
    })
}

/// Gives everything that is kept back to the system; whether there was anything.
fn trim() -> bool {
    let blocks = kept(|kept| std::mem::take(&mut kept.blocks)).unwrap_or_default();
    !blocks.is_empty()
}

fn small(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, ALIGNMENT).expect("less than a huge page")
}

fn allocate(bytes: usize) -> Option<NonNull<u8>> {
    // SAFETY: the layout is not empty.
    NonNull::new(unsafe { alloc_zeroed(small(bytes)) })
}

/// Maps a block that begins where a huge page can.
fn map(bytes: usize) -> Option<NonNull<u8>> {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    let whole = bytes.checked_add(HUGE_PAGE)?;
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new private mapping at a place the system chooses.
    let mapped = unsafe { mmap_anonymous(std::ptr::null_mut(), whole, protection, MapFlags::PRIVATE) }.ok()?;
    let mapped = mapped.cast::<u8>();
    let before = mapped.align_offset(HUGE_PAGE);
    // SAFETY: the block and what lies before and after it are parts of the mapping; what
    // is given back is not used. Sizes of states are powers of two of at least a page.
    unsafe {
        let start = mapped.add(before);
        if before > 0 {
            let _ = munmap(mapped.cast(), before);
        }
        let _ = munmap(start.add(bytes).cast(), HUGE_PAGE - before);
        // Only advice: without huge pages it is memory all the same.
        let _ = madvise(start.cast(), bytes, Advice::LinuxHugepage);
        NonNull::new(start)
    }
}

/// Checks that a block of so many bytes can be had, for which what is kept is given back if need be; else says how many
/// bytes there are.
pub(crate) fn check(bytes: u64) -> Result<(), u64> {
    // Small blocks always fit; asking the system costs more than to use them.
    let is_kept = |kept: &mut Kept| kept.blocks.iter().any(|block| block.bytes as u64 == bytes);
    if bytes <= 1 << 20 || kept(is_kept) == Some(true) || bytes <= available() || (trim() && bytes <= available()) {
        return Ok(());
    }
    Err(available())
}

/// Bytes that can be had without swapping: the least of the machine's and the group's.
pub(crate) fn available() -> u64 {
    let number = |text: &str| text.split_whitespace().find_map(|word| word.parse::<u64>().ok());
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        number(line).map(|kibibytes| kibibytes << 10)
    });
    let file = |path: &str| std::fs::read_to_string(path).ok().as_deref().and_then(number);
    let group = |limit: &str, used: &str| Some(file(limit)?.saturating_sub(file(used).unwrap_or(0)));
    [
        machine,
        group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        group(
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ]
    .into_iter()
    .flatten()
    .min()
    .unwrap_or(u64::MAX)
}

/// Bytes of the second-level cache of a core, as the system says.
pub(crate) fn second_level_cache() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| {
        std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size")
            .ok()
            .and_then(|text| text.trim().strip_suffix('K')?.parse::<usize>().ok())
            .map_or(512 << 10, |kibibytes| kibibytes << 10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that no other test of this process uses.
    const OWN: usize = (3 << 20) + (1 << 12);

    fn bytes(memory: &Memory, count: usize) -> &[u8] {
        // SAFETY: the block has so many bytes, all of which came from the system as 0 or were written.
        unsafe { std::slice::from_raw_parts(memory.start(), count) }
    }

    #[test]
    fn a_block_is_used_again_and_zeroed_where_that_is_asked_for() {
        for size in [OWN / 64, OWN, OWN + LENT] {
            let first = Memory::any(size).unwrap();
            // SAFETY: the block has so many bytes.
            unsafe { first.start().write_bytes(7, size) };
            let start = first.start();
            drop(first);
            let second = Memory::zeroed(size).unwrap();
            // Another test may have looked at what is kept at the same moment.
            assert!(second.start() == start || second.is_fresh());
            assert!(bytes(&second, size).iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_longest_unused_goes_first() {
        let mut kept = Kept { blocks: Vec::new() };
        let blocks: Vec<Block> = (0..6).map(|_| Block::new(32 << 20).unwrap()).collect();
        let first = blocks[0].start;
        let mut left: Vec<Block> = blocks.into_iter().flat_map(|block| kept.give(block)).collect();
        assert_eq!(kept.bytes(false), MOST_SMALL);
        assert_eq!(left.len(), 2);
        assert_eq!(left.remove(0).start, first);
        for _ in 0..2 * MOST_BLOCKS {
            drop(kept.give(Block::new(100).unwrap()));
        }
        assert!(kept.blocks.len() <= MOST_BLOCKS);
    }

    #[test]
    fn nothing_is_kept_while_somebody_else_looks() {
        let held = KEPT.lock().unwrap();
        let memory = Memory::zeroed(OWN / 32).unwrap();
        assert!(memory.is_fresh());
        drop(memory);
        drop(held);
    }

    #[test]
    fn more_than_there_is_is_none() {
        assert!(Memory::any(usize::MAX - (8 << 20)).is_none());
    }
}
