//! Memory for states: zeroed, aligned, in huge pages where the system has them.
//!
//! How much a state needs is known before any is asked for, and compared with what the
//! machine has left.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Bytes of a huge page.
const HUGE_PAGE: usize = 2 << 20;

/// From so many bytes on a block is a mapping of its own.
const LARGE: usize = HUGE_PAGE;

/// No vector is longer.
const ALIGNMENT: usize = 64;

/// A block of bytes that were 0 at first.
#[derive(Debug)]
pub(crate) struct Memory {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the block belongs to this value alone; who reads and writes it follows the borrow of the owner.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// A block, unless the system has none.
    pub(crate) fn zeroed(bytes: usize) -> Option<Self> {
        let start = if bytes >= LARGE { map(bytes)? } else { allocate(bytes)? };
        Some(Self { start, bytes })
    }

    /// Where it starts.
    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.bytes >= LARGE {
            // SAFETY: the mapping that `map` made and nobody uses any more.
            let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.bytes) };
        } else {
            // SAFETY: allocated with this layout.
            unsafe { dealloc(self.start.as_ptr(), small(self.bytes)) };
        }
    }
}

fn small(bytes: usize) -> Layout {
    Layout::from_size_align(bytes.max(ALIGNMENT), ALIGNMENT).expect("less than a huge page")
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
    static BYTES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *BYTES.get_or_init(|| {
        std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size")
            .ok()
            .and_then(|text| text.trim().strip_suffix('K')?.parse::<usize>().ok())
            .map_or(512 << 10, |kibibytes| kibibytes << 10)
    })
}
