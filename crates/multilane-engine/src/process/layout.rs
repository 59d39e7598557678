//! What a parent and its workers share, byte for byte.
//!
//! Every field that both sides touch is atomic; all others are written by the
//! side that owns the slot at that moment, which `Slot::state` says.

use std::cell::UnsafeCell;

use super::mail::Mail;
use crate::sync::atomic::{AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// Changes with every change of this file.
pub const VERSION: u32 = 2;
/// Tasks that can be in flight in one pool.
#[cfg(not(loom))]
pub const SLOTS: usize = 8192;
/// Entries of the queue: more than slots, since revoked entries stay until skipped.
#[cfg(not(loom))]
pub const QUEUE: usize = 16384;
/// Bytes of arguments or result that fit into the slot itself.
#[cfg(not(loom))]
pub const INLINE: usize = 384;
/// Small, so that a model wraps around.
#[cfg(loom)]
pub const SLOTS: usize = 2;
/// See [`SLOTS`].
#[cfg(loom)]
pub const QUEUE: usize = 4;
/// See [`SLOTS`].
#[cfg(loom)]
pub const INLINE: usize = 8;

/// In [`Head::refill_below`]: the parent wants to know of every result.
pub const EVERY_COMPLETION: u64 = u64::MAX;

/// Where a slot stands; the low half of [`Slot::state`] below the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Phase {
    /// The parent's to fill.
    Free = 0,
    /// In the queue, for any worker to claim.
    Ready = 1,
    /// A worker runs it.
    Taken = 2,
    /// The result is there.
    Done = 3,
    /// The parent decided to stop the worker that runs it.
    Stopping = 4,
}

/// A slot's generation, phase and worker in one word, so that one
/// compare-and-swap decides who owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotState {
    /// Counts the uses of the slot; an old queue entry never matches.
    pub generation: u32,
    /// Where it stands.
    pub phase: Phase,
    /// Index of the worker that has it.
    pub worker: u16,
}

impl SlotState {
    /// As stored.
    pub fn pack(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.worker) << 16 | self.phase as u64
    }

    /// From the stored form.
    pub fn unpack(word: u64) -> Self {
        let phase = match word as u16 {
            0 => Phase::Free,
            1 => Phase::Ready,
            2 => Phase::Taken,
            3 => Phase::Done,
            _ => Phase::Stopping,
        };
        Self {
            generation: (word >> 32) as u32,
            phase,
            worker: (word >> 16) as u16,
        }
    }
}

/// What a worker says of a finished task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// The callable returned.
    Returned = 0,
    /// The callable, the arguments or the result raised.
    Raised = 1,
}

/// One task in flight.
#[cfg_attr(loom, derive(Default))]
#[repr(C, align(64))]
pub struct Slot {
    /// See [`SlotState`].
    pub state: AtomicU64,
    /// Set by the parent when somebody waits for this task.
    pub watched: AtomicU32,
    /// Index of the function's name.
    pub function: AtomicU32,
    /// The task's id.
    pub task: AtomicU64,
    /// Arguments or result: length.
    pub len: AtomicU64,
    /// Arguments or result: offset in the writer's region, or `u64::MAX` when inline.
    pub at: AtomicU64,
    /// The function itself: where its bytes lie in region 0.
    pub code_at: AtomicU64,
    /// Length of the function's bytes.
    pub code_len: AtomicU64,
    /// When the worker took it.
    pub started_ns: AtomicU64,
    /// When the result was there.
    pub ended_ns: AtomicU64,
    /// CPU time of the worker's thread.
    pub cpu_ns: AtomicU64,
    /// Reading the arguments.
    pub decode_ns: AtomicU64,
    /// Writing the result.
    pub encode_ns: AtomicU64,
    /// Bytes of out-of-band buffers in the result.
    pub bytes_out: AtomicU64,
    /// Ready to run without a processor.
    pub run_queue_ns: AtomicU64,
    /// Processor at the start.
    pub core_start: AtomicU16,
    /// Processor at the end.
    pub core_end: AtomicU16,
    /// See [`Verdict`].
    pub verdict: AtomicU8,
    /// Attempt, from 1.
    pub attempt: AtomicU16,
    /// Counts progress reports.
    pub progress: AtomicU32,
    /// Units done.
    pub progress_done: AtomicI64,
    /// Units in all; negative when unknown.
    pub progress_total: AtomicI64,
    /// When it was reported.
    pub progress_ns: AtomicU64,
    /// Small arguments and results.
    pub inline: UnsafeCell<[u8; INLINE]>,
}

/// What a worker does now; [`WorkerRecord::status`], also the word it sleeps on.
pub mod status {
    /// Not up yet.
    pub const STARTING: u32 = 0;
    /// Runs a task or looks for the next.
    pub const BUSY: u32 = 1;
    /// Polls the queue.
    pub const SEARCHING: u32 = 2;
    /// Sleeps until woken.
    pub const SLEEPING: u32 = 3;
    /// Has ended.
    pub const GONE: u32 = 4;
}

/// States of [`Head::doorbell`].
pub mod bell {
    /// The service thread is awake and nobody rang since it looked.
    pub const QUIET: u32 = 0;
    /// It sleeps.
    pub const ASLEEP: u32 = 1;
    /// Somebody rang.
    pub const RUNG: u32 = 2;
}

/// A ring of slot numbers from one worker to the parent; it holds every slot, so it
/// is never full.
#[cfg_attr(loom, derive(Default))]
#[repr(C, align(64))]
pub struct Completions {
    /// Next to read, the parent's.
    pub head: AtomicU64,
    pad: [u64; 7],
    /// Next to write, the worker's.
    pub tail: AtomicU64,
    pad2: [u64; 7],
    /// Slot numbers.
    pub entries: [AtomicU32; SLOTS],
}

/// One worker.
#[cfg_attr(loom, derive(Default))]
#[repr(C, align(64))]
pub struct WorkerRecord {
    /// See [`status`].
    pub status: AtomicU32,
    /// Its process id.
    pub pid: AtomicU32,
    /// Its region in the store.
    pub region: AtomicU32,
    /// Tasks after which it makes room for a fresh one; 0 for never.
    pub recycle_after: AtomicU32,
    /// Why it could not start: where the message lies in its region, or 0.
    pub failed: AtomicU64,
    /// When its process was started.
    pub spawned_ns: AtomicU64,
    /// When it could take tasks.
    pub ready_ns: AtomicU64,
    /// Changes whenever `from_parent` has news; the worker sleeps on it.
    pub bell: AtomicU32,
    /// Slots it finished.
    pub completions: Completions,
    /// Tasks of its tasks.
    pub to_parent: Mail,
    /// And their results.
    pub from_parent: Mail,
}

/// The head of a pool's shared memory.
#[cfg_attr(loom, derive(Default))]
#[repr(C, align(64))]
pub struct Head {
    /// Layout version.
    pub version: AtomicU32,
    /// Entries in the table of workers.
    pub workers: AtomicU32,
    /// Process id of the parent.
    pub parent: AtomicU32,
    /// Set once: workers end when the queue is empty.
    pub closing: AtomicU32,
    /// How long an idle worker polls before it sleeps.
    pub spin_ns: AtomicU64,
    /// The parent wants to know when fewer tasks than this are queued.
    pub refill_below: AtomicU64,
    /// Where the pool's start-up message for workers lies in region 0.
    pub setup_at: AtomicU64,
    /// Its length.
    pub setup_len: AtomicU64,
    pad: [u64; 1],
    /// See [`bell`]; the parent's service thread sleeps on it.
    pub doorbell: AtomicU32,
    pad1: [u32; 15],
    /// Next queue entry to claim, moved by workers.
    pub queue_head: AtomicU64,
    pad2: [u64; 7],
    /// Next queue entry to write, moved by the parent.
    pub queue_tail: AtomicU64,
    pad3: [u64; 7],
    /// Generation and number of queued slots.
    pub queue: [AtomicU64; QUEUE],
}

/// Bytes of the shared memory of a pool of `workers`.
pub fn size(workers: usize) -> usize {
    size_of::<Head>() + workers * size_of::<WorkerRecord>() + SLOTS * size_of::<Slot>()
}

impl Slot {
    /// Its state.
    pub fn state(&self) -> SlotState {
        SlotState::unpack(self.state.load(Ordering::Acquire))
    }

    /// Moves from one state to another if it still holds.
    pub fn advance(&self, from: SlotState, to: SlotState) -> bool {
        self.state
            .compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_packing() {
        for phase in [Phase::Free, Phase::Ready, Phase::Taken, Phase::Done, Phase::Stopping] {
            let state = SlotState {
                generation: u32::MAX - 1,
                phase,
                worker: 513,
            };
            assert_eq!(SlotState::unpack(state.pack()), state);
        }
    }

    #[test]
    fn a_slot_fills_whole_cache_lines() {
        assert_eq!(size_of::<Slot>() % 64, 0);
        assert_eq!(size_of::<Slot>(), 576);
    }
}
