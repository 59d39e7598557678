//! The worker's side: take a task, hand its bytes out, publish the result.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::control::Control;
use super::layout::{INLINE, Phase, SlotState, VERSION, Verdict, status};
use super::remote::Remote;
use super::spawn::Coordinates;
use super::store::{Block, Region, Store};
use crate::clock;
use crate::error::{EngineError, system};

/// A process's place in a pool.
pub struct Worker {
    control: Control,
    index: usize,
    store: Arc<Store>,
    parent_region: Arc<Region>,
    done: u32,
}

/// A claimed task.
pub struct Job {
    slot: usize,
    state: SlotState,
    /// The task's id.
    pub task: u64,
    /// When it was claimed.
    pub started_ns: u64,
    /// Attempt, from 1.
    pub attempt: u16,
    core_start: u16,
    /// Identifies the function's bytes: where they lie.
    pub code_at: u64,
    code_len: u64,
    at: u64,
    len: u64,
}

impl Worker {
    /// Joins the pool that started this process. Reads the shared memory from standard input.
    pub fn join(coordinates: Coordinates) -> Result<Self, EngineError> {
        // SAFETY: the parent made standard input the shared-memory file, and nothing in
        // this process uses it yet.
        let inherited = unsafe { OwnedFd::from_raw_fd(0) };
        let file = rustix::io::fcntl_dupfd_cloexec(&inherited, 3)
            .map_err(system("duplicating the shared memory's descriptor"))?;
        let null = File::open("/dev/null").map_err(|source| EngineError::System {
            what: "opening /dev/null",
            source,
        })?;
        // SAFETY: descriptor 0 is ours, and `dup2` replaces it in one step.
        if unsafe { libc::dup2(null.as_raw_fd(), 0) } < 0 {
            let source = std::io::Error::last_os_error();
            return Err(EngineError::System {
                what: "replacing standard input",
                source,
            });
        }
        // Descriptor 0 now is /dev/null and stays open for the life of the process.
        std::mem::forget(inherited);
        unblock_signals();
        watch_parent(coordinates.parent)?;
        let store = Store::open(file, coordinates.region_len, coordinates.region)?;
        let parent_region = store.region(0)?;
        // SAFETY: the parent laid the control block there, zeroed, and keeps it as long
        // as it lives; this process ends with it.
        let control = unsafe {
            let base = parent_region.address().add(coordinates.control_at as usize);
            Control::new(base, coordinates.workers as usize)
        };
        if control.head().version.load(Ordering::Acquire) != VERSION {
            let reason = "it was started by another version of multilane".to_owned();
            return Err(EngineError::Start {
                index: coordinates.index,
                reason,
            });
        }
        let index = coordinates.index as usize;
        Ok(Self {
            control,
            index,
            store,
            parent_region,
            done: 0,
        })
    }

    /// The pool as the tasks of this worker see it.
    pub fn remote(&self) -> Remote {
        Remote::new(self.control, self.index, self.store.clone(), self.parent_region.clone())
    }

    /// This process's shared memory.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Its index in the pool.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The message every worker of the pool starts with.
    pub fn setup(&self) -> Vec<u8> {
        let head = self.control.head();
        let (at, len) = (
            head.setup_at.load(Ordering::Acquire),
            head.setup_len.load(Ordering::Acquire),
        );
        self.parent_bytes(at, len).to_vec()
    }

    fn parent_bytes(&self, at: u64, len: u64) -> &[u8] {
        // SAFETY: the parent wrote these bytes before it published where they lie and
        // frees them after the slot that refers to them is done.
        unsafe { std::slice::from_raw_parts(self.parent_region.address().add(at as usize), len as usize) }
    }

    /// Says that tasks are welcome.
    pub fn ready(&self) {
        let record = self.control.worker(self.index);
        record.ready_ns.store(clock::now_ns(), Ordering::Release);
        record.status.store(status::BUSY, Ordering::Release);
        self.control.ring_doorbell();
    }

    /// Says that this worker can never work; the bytes are for the parent's front end.
    pub fn fail(&self, message: &[u8]) -> Result<(), EngineError> {
        let block = self.store.allocate(message.len() as u64 + 8)?;
        // SAFETY: a fresh block of this process, 8 bytes longer than the message.
        unsafe {
            let len = message.len() as u64;
            std::ptr::copy_nonoverlapping(len.to_le_bytes().as_ptr(), block.address(), 8);
            std::ptr::copy_nonoverlapping(message.as_ptr(), block.address().add(8), message.len());
        }
        let at = block.offset();
        block.hand_over();
        self.control.worker(self.index).failed.store(at, Ordering::Release);
        Ok(())
    }

    /// Claims a task if one is queued.
    pub fn try_next(&mut self) -> Option<Job> {
        if self.is_spent() {
            return None;
        }
        let (slot_index, state) = self.control.take(self.index)?;
        self.done += 1;
        let slot = self.control.slot(slot_index);
        let started_ns = clock::now_ns();
        slot.started_ns.store(started_ns, Ordering::Release);
        Some(Job {
            slot: slot_index,
            state,
            task: slot.task.load(Ordering::Relaxed),
            started_ns,
            attempt: slot.attempt.load(Ordering::Relaxed),
            core_start: clock::core(),
            code_at: slot.code_at.load(Ordering::Relaxed),
            code_len: slot.code_len.load(Ordering::Relaxed),
            at: slot.at.load(Ordering::Relaxed),
            len: slot.len.load(Ordering::Relaxed),
        })
    }

    /// Waits for a task; `None` when the worker is to end.
    pub fn wait_next(&mut self) -> Option<Job> {
        loop {
            if let Some(job) = self.try_next() {
                return Some(job);
            }
            if self.is_spent() || self.control.head().closing.load(Ordering::Acquire) != 0 {
                return None;
            }
            if !self.search() {
                // The limit only bounds how long a worker outlives a parent that is
                // stopped between publishing and waking; it costs nothing.
                self.control.sleep(self.index, Some(Duration::from_secs(1)));
            }
        }
    }

    /// Whether a fresh process is to take this one's place.
    fn is_spent(&self) -> bool {
        let recycle = self.control.worker(self.index).recycle_after.load(Ordering::Relaxed);
        recycle != 0 && self.done >= recycle
    }

    /// Polls for a while; true when there is something to claim.
    fn search(&self) -> bool {
        let limit = self.control.head().spin_ns.load(Ordering::Relaxed);
        if limit == 0 {
            return self.control.queued() > 0;
        }
        let start = clock::now_ns();
        self.control.search(self.index, || clock::now_ns() - start < limit)
    }

    /// The function's bytes.
    pub fn code(&self, job: &Job) -> &[u8] {
        self.parent_bytes(job.code_at, job.code_len)
    }

    /// The encoded arguments.
    pub fn arguments(&self, job: &Job) -> &[u8] {
        if job.at == u64::MAX {
            // SAFETY: this worker owns the slot until it finishes the job, and writes
            // only then.
            unsafe { self.control.inline(job.slot, job.len as usize) }
        } else {
            self.parent_bytes(job.at, job.len)
        }
    }

    /// Publishes progress of a running job.
    pub fn report_progress(&self, job: &Job, done: i64, total: i64) {
        let slot = self.control.slot(job.slot);
        slot.progress_done.store(done, Ordering::Relaxed);
        slot.progress_total.store(total, Ordering::Relaxed);
        slot.progress_ns.store(clock::now_ns(), Ordering::Relaxed);
        slot.progress.fetch_add(1, Ordering::Release);
        if slot.watched.load(Ordering::Relaxed) > 1 {
            self.control.ring_doorbell();
        }
    }

    /// Publishes the result and gives up the slot.
    ///
    /// `blocks` are pieces of this worker's region that `bytes` refers to; the parent
    /// owns them from here on.
    pub fn finish(
        &mut self,
        job: &Job,
        verdict: Verdict,
        bytes: &[u8],
        blocks: Vec<Block>,
        times: Times,
    ) -> Result<(), EngineError> {
        let slot = self.control.slot(job.slot);
        let mut at = u64::MAX;
        if bytes.len() <= INLINE {
            // SAFETY: this worker owns the slot, and the slice `arguments` gave out
            // ended with the caller's use of the job.
            unsafe { self.control.write_inline(job.slot, bytes) };
        } else {
            let block = self.store.allocate(bytes.len() as u64)?;
            self.store.fill(&block, bytes)?;
            at = block.offset();
            block.hand_over();
        }
        let bytes_out: u64 = blocks.iter().map(Block::len).sum::<u64>() + bytes.len() as u64;
        for block in blocks {
            block.hand_over();
        }
        slot.at.store(at, Ordering::Relaxed);
        slot.len.store(bytes.len() as u64, Ordering::Relaxed);
        slot.bytes_out.store(bytes_out, Ordering::Relaxed);
        slot.verdict.store(verdict as u8, Ordering::Relaxed);
        slot.decode_ns.store(times.decode_ns, Ordering::Relaxed);
        slot.encode_ns.store(times.encode_ns, Ordering::Relaxed);
        slot.core_start.store(job.core_start, Ordering::Relaxed);
        slot.core_end.store(clock::core(), Ordering::Relaxed);
        slot.cpu_ns.store(times.cpu_ns, Ordering::Relaxed);
        slot.run_queue_ns.store(times.run_queue_ns, Ordering::Relaxed);
        slot.ended_ns.store(clock::now_ns(), Ordering::Relaxed);
        if !slot.advance(
            job.state,
            SlotState {
                phase: Phase::Done,
                ..job.state
            },
        ) {
            // The parent decided to stop this worker: the kill is on its way, and a
            // result after that decision must not count.
            loop {
                std::thread::park();
            }
        }
        self.control.complete(self.index, job.slot);
        Ok(())
    }
}

/// What a worker measured of one job.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Reading the arguments.
    pub decode_ns: u64,
    /// Writing the result.
    pub encode_ns: u64,
    /// CPU time of the thread.
    pub cpu_ns: u64,
    /// Ready to run without a processor.
    pub run_queue_ns: u64,
}

impl Region {
    /// Where the region is mapped.
    pub fn address(&self) -> *mut u8 {
        self.mapping().address()
    }
}

/// Receives signals, whichever thread started this process: the one that starts
/// successors blocks them all, and a child inherits that.
fn unblock_signals() {
    // SAFETY: fills a signal set on this thread's stack and applies it to this thread.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// Ends this process as soon as `parent` is gone.
///
/// A descriptor of the process is watched and not a pipe, whose other end a fork of
/// the parent would keep open, nor `PR_SET_PDEATHSIG`, which follows the thread that
/// forked.
fn watch_parent(parent: u32) -> Result<(), EngineError> {
    let pid = rustix::process::Pid::from_raw(parent as i32);
    let Some(pid) = pid.filter(|&pid| rustix::process::getppid() == Some(pid)) else {
        end();
    };
    let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).map_err(system("pidfd_open"))?;
    let watch = move || {
        loop {
            let mut fds = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
            match rustix::event::poll(&mut fds, None) {
                Err(rustix::io::Errno::INTR) => {}
                _ => end(),
            }
        }
    };
    std::thread::Builder::new()
        .name("multilane-parent".to_owned())
        .stack_size(64 << 10)
        .spawn(watch)
        .map_err(|source| EngineError::System {
            what: "starting a thread",
            source,
        })?;
    Ok(())
}

fn end() -> ! {
    // SAFETY: ends the process at once; nothing of it is used afterwards. Destructors
    // must not run: the interpreter may be in the middle of anything.
    unsafe { libc::_exit(0) }
}
