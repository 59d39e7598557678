//! One sparse shared-memory file per program, cut into regions.
//!
//! Region 0 is the parent's heap, every worker that ever lived has a region of
//! its own, never used twice. Only the owner of a region allocates in it: no
//! lock is shared between processes. Memory a worker allocated for a result
//! travels back to it through a ring at the head of its region once the parent
//! drops it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::fs::{FallocateFlags, MemfdFlags};
use rustix::mm::{MapFlags, ProtFlags};

use super::extents::Extents;
use super::frame::Reference;
use crate::error::{EngineError, system};
use crate::fork::Birth;

/// Entries in the ring that carries freed offsets back to a worker.
const RETURNS: u64 = 8192;
/// Bytes of a worker's region taken by its header.
const HEADER: u64 = 2 * 4096 + RETURNS * 8;

/// A mapping that is unmapped when dropped.
pub struct Mapping {
    address: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is plain memory; who reads and writes it when is decided by
// the users of the address.
unsafe impl Send for Mapping {}
// SAFETY: see `Send`.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(fd: BorrowedFd<'_>, offset: u64, len: usize, prot: ProtFlags, flags: MapFlags) -> Result<Self, EngineError> {
        // SAFETY: the kernel chooses a free address, so no live memory changes.
        let address = unsafe { rustix::mm::mmap(std::ptr::null_mut(), len, prot, flags, fd, offset) }
            .map_err(system("mapping shared memory"))?;
        let address = NonNull::new(address.cast()).ok_or(EngineError::System {
            what: "mapping shared memory",
            source: std::io::ErrorKind::AddrNotAvailable.into(),
        })?;
        Ok(Self { address, len })
    }

    /// Where it starts.
    pub fn address(&self) -> *mut u8 {
        self.address.as_ptr()
    }

    /// How long it is, in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Maps the pages that exist now, in bulk: a page fault for every 16 of them costs
    /// more than reading them. Of a large mapping a thread maps the rest meanwhile, faster
    /// than most readers read.
    pub fn populate(self: &Arc<Self>) {
        /// From here on a thread saves more than its start costs.
        const APART_FROM: usize = 64 << 20;

        if self.len >= APART_FROM && crate::cpus::usable() > 1 {
            let first = (self.len / 4).next_multiple_of(4096);
            self.populate_part(first.min(self.len));
            let all = self.clone();
            // Where no thread can be started, the pages fault in.
            if crate::spawn_thread("multilane-pages", move || all.populate_part(all.len)).is_ok() {
                return;
            }
        }
        self.populate_part(self.len);
    }

    /// Pages that are mapped already cost next to nothing.
    fn populate_part(&self, len: usize) {
        // SAFETY: the start of our own mapping; reading maps pages and changes none. Without it
        // (Linux before 5.14) they fault in one by one.
        let _ = unsafe { rustix::mm::madvise(self.address().cast(), len, rustix::mm::Advice::LinuxPopulateRead) };
    }

    /// Makes every page this process's own, so that later changes of the shared
    /// memory cannot show. The mapping is a private, writable one.
    pub fn detach(&self) {
        for page in (0..self.len).step_by(4096) {
            // SAFETY: inside the mapping. Writing the byte that is there leaves the
            // value and makes the kernel copy the page; `volatile` keeps the write.
            unsafe {
                let byte = self.address().add(page);
                byte.write_volatile(byte.read_volatile());
            }
        }
    }

    /// Whether it is empty; a mapping never is.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: address and length are those of our own mapping, and nobody
        // holds a reference into it any more: views keep the mapping alive.
        let _ = unsafe { rustix::mm::munmap(self.address.as_ptr().cast(), self.len) };
    }
}

/// The head of a worker's region.
#[repr(C)]
struct Returns {
    head: AtomicU64,
    pad0: [u64; 511],
    tail: AtomicU64,
    pad1: [u64; 511],
    entries: [AtomicU64; RETURNS as usize],
}

/// A mapped region that another process owns.
pub struct Region {
    map: Mapping,
    number: u32,
    overflow: Mutex<Vec<u64>>,
    store: Weak<Store>,
    birth: Birth,
}

impl Region {
    /// The memory itself.
    pub fn mapping(&self) -> &Mapping {
        &self.map
    }

    fn returns(&self) -> &Returns {
        // SAFETY: the region starts with a `Returns`, all of it atomics (the
        // padding is never read), zero at first, mapped as long as `self` lives.
        unsafe { &*self.map.address().cast::<Returns>() }
    }

    /// Passes on what found the ring full when it was given back.
    pub(super) fn give_back_rest(&self) {
        let mut waiting = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.is_empty() {
            self.pass_on(&mut waiting);
        }
    }

    fn give_back(&self, offset: u64) {
        let mut waiting = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(offset);
        self.pass_on(&mut waiting);
    }

    fn pass_on(&self, waiting: &mut Vec<u64>) {
        let returns = self.returns();
        let mut tail = returns.tail.load(Ordering::Relaxed);
        while tail - returns.head.load(Ordering::Acquire) < RETURNS {
            let Some(offset) = waiting.pop() else { break };
            returns.entries[(tail % RETURNS) as usize].store(offset, Ordering::Relaxed);
            tail += 1;
        }
        returns.tail.store(tail, Ordering::Release);
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if !self.birth.is_here() {
            return;
        }
        if let Some(store) = self.store.upgrade() {
            store.release_region(self.number);
        }
    }
}

enum Owner {
    /// Allocated by this process.
    Own(Arc<Store>),
    /// Allocated by a worker, held by its parent.
    Foreign(Arc<Region>),
}

struct Held {
    owner: Owner,
    region: u32,
    offset: u64,
    len: u64,
    /// Its pages were never touched when it was allocated.
    cold: bool,
    birth: Birth,
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.birth.is_here() {
            return;
        }
        match &self.owner {
            Owner::Own(store) => store.free(self.offset),
            Owner::Foreign(region) => region.give_back(self.offset),
        }
    }
}

/// A piece of shared memory, given back when the last clone is dropped.
#[derive(Clone)]
pub struct Block(Arc<Held>);

impl Block {
    /// The region it lies in.
    pub fn region(&self) -> u32 {
        self.0.region
    }

    /// Where it starts, from the start of its region.
    pub fn offset(&self) -> u64 {
        self.0.offset
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.0.len
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Its address in this process, shared with every other process.
    pub fn address(&self) -> *mut u8 {
        let base = match &self.0.owner {
            Owner::Own(store) => store.own.address(),
            Owner::Foreign(region) => region.map.address(),
        };
        // SAFETY: the allocator hands out offsets inside the mapped region.
        unsafe { base.add(self.0.offset as usize) }
    }

    /// Whether this is the only clone.
    pub fn is_unique(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Lets go without giving the memory back: somebody else frees it by offset.
    pub fn hand_over(self) {
        if let Ok(held) = Arc::try_unwrap(self.0) {
            std::mem::forget(held);
        }
    }
}

struct Heap {
    extents: Extents,
    /// Blocks that arrays of the user live in, by offset, so that an address can be
    /// recognised when the array is passed to a task.
    shared: std::collections::BTreeMap<u64, (Weak<Held>, u32)>,
    published: u32,
}

/// The program's shared memory, seen from one of its processes.
pub struct Store {
    file: OwnedFd,
    region_len: u64,
    number: u32,
    own: Mapping,
    heap: Mutex<Heap>,
    next_region: AtomicU64,
    foreign: Mutex<std::collections::HashMap<u32, Weak<Region>>>,
}

impl Store {
    /// Makes the file and maps region 0, the parent's.
    pub fn create() -> Result<Arc<Self>, EngineError> {
        let file = rustix::fs::memfd_create("multilane", MemfdFlags::CLOEXEC).map_err(system("memfd_create"))?;
        // Every worker that ever starts gets a region of its own: room for four million of
        // the largest. The file is sparse, so its length costs nothing.
        rustix::fs::ftruncate(&file, 1 << 62).map_err(system("growing shared memory"))?;
        let memory = rustix::system::sysinfo().totalram as u64;
        let mut region_len = memory.next_power_of_two().clamp(1 << 32, 1 << 40);
        loop {
            match Self::open(
                file.try_clone().map_err(|source| EngineError::System {
                    what: "duplicating the shared memory's descriptor",
                    source,
                })?,
                region_len,
                0,
            ) {
                Ok(store) => return Ok(store),
                // An address-space limit (`ulimit -v`) leaves less room: take what fits.
                Err(_) if region_len > 1 << 28 => region_len /= 4,
                Err(error) => return Err(error),
            }
        }
    }

    /// Maps region `number` of an existing file as this process's own.
    pub fn open(file: OwnedFd, region_len: u64, number: u32) -> Result<Arc<Self>, EngineError> {
        let own = map_region(file.as_fd(), region_len, number)?;
        let reserved = if number == 0 { 4096 } else { HEADER };
        Ok(Arc::new(Self {
            file,
            region_len,
            number,
            own,
            heap: Mutex::new(Heap {
                extents: Extents::new(reserved, region_len),
                shared: std::collections::BTreeMap::new(),
                published: 0,
            }),
            next_region: AtomicU64::new(1),
            foreign: Mutex::new(std::collections::HashMap::new()),
        }))
    }

    /// Bytes of a region.
    pub fn region_len(&self) -> u64 {
        self.region_len
    }

    /// The file, to be inherited by workers.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// A region number no process ever used.
    pub fn new_region(&self) -> u32 {
        self.next_region.fetch_add(1, Ordering::Relaxed) as u32
    }

    /// Allocates `len` bytes in this process's region.
    pub fn allocate(self: &Arc<Self>, len: u64) -> Result<Block, EngineError> {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        self.take_returns(&mut heap);
        let (offset, cold) = heap.extents.allocate(len).ok_or(EngineError::OutOfSharedMemory {
            bytes: len,
            capacity: self.region_len,
        })?;
        Ok(Block(Arc::new(Held {
            owner: Owner::Own(self.clone()),
            region: self.number,
            offset,
            len,
            cold,
            birth: Birth::here(),
        })))
    }

    /// Remembers that an array of the user lives in `block`, and whether tasks may
    /// write their view of it.
    pub fn publish(&self, block: &Block, read_only: bool) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        heap.published = heap.published.wrapping_add(1);
        let mut flags = heap.published << Reference::EDITION_SHIFT;
        if read_only {
            flags |= Reference::READ_ONLY;
        }
        heap.shared.insert(block.offset(), (Arc::downgrade(&block.0), flags));
    }

    /// The published block that holds `len` bytes at `address`, if any, and the flags
    /// of a [`Reference`] to it.
    pub fn find(&self, address: *const u8, len: u64) -> Option<(Block, u32)> {
        let base = self.own.address() as usize;
        let offset = (address as usize).checked_sub(base)? as u64;
        if offset >= self.region_len {
            return None;
        }
        let heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, (held, flags)) = heap.shared.range(..=offset).next_back()?;
        let (held, flags) = (held.upgrade()?, *flags);
        // Dropping the block takes the lock again.
        drop(heap);
        (offset + len <= held.offset + held.len).then_some((Block(held), flags))
    }

    /// Where region 0 or this process's own region is mapped here.
    pub fn own_address(&self) -> *mut u8 {
        self.own.address()
    }

    /// Maps another process's region, or finds it mapped.
    pub fn region(self: &Arc<Self>, number: u32) -> Result<Arc<Region>, EngineError> {
        let mut foreign = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(region) = foreign.get(&number).and_then(Weak::upgrade) {
            return Ok(region);
        }
        let region = Arc::new(Region {
            map: map_region(self.file.as_fd(), self.region_len, number)?,
            number,
            overflow: Mutex::new(Vec::new()),
            birth: Birth::here(),
            store: if self.number == 0 {
                Arc::downgrade(self)
            } else {
                Weak::new()
            },
        });
        foreign.insert(number, Arc::downgrade(&region));
        Ok(region)
    }

    /// Takes over memory that the owner of `region` allocated.
    pub fn adopt(region: &Arc<Region>, offset: u64, len: u64) -> Block {
        Block(Arc::new(Held {
            owner: Owner::Foreign(region.clone()),
            region: region.number,
            offset,
            len,
            cold: false,
            birth: region.birth,
        }))
    }

    /// A private copy-on-write mapping of a page-aligned piece. It shows the shared
    /// pages until one side writes them; see [`Mapping::detach`].
    pub fn map_private(&self, region: u32, offset: u64, len: usize) -> Result<Mapping, EngineError> {
        let at = u64::from(region) * self.region_len + offset;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        Mapping::new(
            self.file.as_fd(),
            at,
            len,
            prot,
            MapFlags::PRIVATE | MapFlags::NORESERVE,
        )
    }

    fn take_returns(&self, heap: &mut Heap) {
        if self.number == 0 {
            return;
        }
        // SAFETY: as in `Region::returns`; this is the same header seen by its owner.
        let returns = unsafe { &*self.own.address().cast::<Returns>() };
        let mut head = returns.head.load(Ordering::Relaxed);
        let tail = returns.tail.load(Ordering::Acquire);
        while head < tail {
            let offset = returns.entries[(head % RETURNS) as usize].load(Ordering::Relaxed);
            self.release(heap, offset);
            head += 1;
        }
        returns.head.store(head, Ordering::Release);
    }

    fn free(&self, offset: u64) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        heap.shared.remove(&offset);
        self.release(&mut heap, offset);
    }

    fn release(&self, heap: &mut Heap, offset: u64) {
        if let Some((cold, len)) = heap.extents.free(offset) {
            self.punch(u64::from(self.number) * self.region_len + cold, len);
        }
    }

    /// Frees the pages of a dead worker's region.
    fn release_region(&self, number: u32) {
        self.punch(u64::from(number) * self.region_len, self.region_len);
    }

    fn punch(&self, offset: u64, len: u64) {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        // Memory that cannot be given back early is given back at exit.
        let _ = rustix::fs::fallocate(&self.file, flags, offset, len);
    }

    /// Writes `source` at `block`.
    ///
    /// Pages used before are mapped in bulk and copied by several threads (about
    /// 10 GB/s). Of fresh pages one thread writes its share through the file, which
    /// spares zeroing them first but takes the file's one lock (3 GB/s alone); the
    /// others map theirs meanwhile (4 GB/s together).
    pub fn fill(&self, block: &Block, source: &[u8]) -> Result<(), EngineError> {
        const PIECE: usize = 8 << 20;
        let base = u64::from(block.region()) * self.region_len + block.offset();
        let target = Target(block.address());
        let next = AtomicU64::new(0);
        let failed = Mutex::new(None);
        let copy = |through_file: bool| {
            loop {
                let at = next.fetch_add(PIECE as u64, Ordering::Relaxed) as usize;
                if at >= source.len() {
                    return;
                }
                let piece = &source[at..source.len().min(at + PIECE)];
                if through_file {
                    if let Err(error) = write_at(&self.file, piece, base + at as u64) {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        return;
                    }
                    continue;
                }
                // SAFETY: the block is at least as long as the source, nobody else has
                // its offset yet, and every piece is copied by one thread.
                unsafe {
                    let to = target.at(at);
                    if source.len() >= PIECE {
                        let advice = rustix::mm::Advice::LinuxPopulateWrite;
                        // Without it (Linux before 5.14) the pages fault in one by one.
                        let _ = rustix::mm::madvise(to.cast(), piece.len(), advice);
                    }
                    std::ptr::copy_nonoverlapping(piece.as_ptr(), to, piece.len());
                }
            }
        };
        let threads = (crate::cpus::usable() as usize).min(4).min(source.len() / PIECE);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| copy(false));
            }
            copy(block.0.cold && source.len() >= PIECE);
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(source) => Err(EngineError::System {
                what: "writing shared memory",
                source,
            }),
            None => Ok(()),
        }
    }
}

/// Where several threads copy to, each its own pieces.
#[derive(Clone, Copy)]
struct Target(*mut u8);

// SAFETY: the pointer is only used for pieces that no two threads share.
unsafe impl Send for Target {}
// SAFETY: see `Send`.
unsafe impl Sync for Target {}

impl Target {
    /// # Safety
    /// `offset` lies inside the memory the pointer was made for.
    unsafe fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(offset) }
    }
}

fn write_at(file: &OwnedFd, mut bytes: &[u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::pwrite(file, bytes, offset)?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

fn map_region(fd: BorrowedFd<'_>, len: u64, number: u32) -> Result<Mapping, EngineError> {
    let prot = ProtFlags::READ | ProtFlags::WRITE;
    let flags = MapFlags::SHARED | MapFlags::NORESERVE;
    let map = Mapping::new(fd, u64::from(number) * len, len as usize, prot, flags)?;
    // SAFETY: our own mapping; the advice only keeps it out of core dumps.
    let _ = unsafe { rustix::mm::madvise(map.address().cast(), map.len(), rustix::mm::Advice::LinuxDontDump) };
    Ok(map)
}
