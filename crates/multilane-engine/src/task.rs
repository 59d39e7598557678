//! One task: what it is, where it stands, how it ended.
//!
//! A [`Task`] is completed exactly once. Whoever completes it wakes the threads
//! that wait and hands the callbacks back to the pool, which runs them where no
//! lock is held.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::futex::{self, Scope, Woken};

/// What a caller asks of one task besides its work.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Index of the function's name in the process-wide table of names.
    pub function: u32,
    /// Higher runs first.
    pub priority: i32,
    /// Longest time one attempt may run.
    pub timeout: Option<Duration>,
    /// Further attempts after a failed one.
    pub retries: u16,
    /// Pause before the second attempt; doubles with every further one.
    pub backoff: Duration,
    /// The task that submitted this one; 0 for none.
    pub parent: u64,
}

/// Bytes a worker made, with the shared memory they refer to.
#[derive(Default)]
pub struct Message {
    /// The encoded value.
    pub bytes: Vec<u8>,
    /// Memory the bytes point into, held until the message is dropped.
    #[cfg(target_os = "linux")]
    pub blocks: Vec<crate::process::store::Block>,
}

/// What a task returned, or the error it raised.
pub enum Value {
    /// From a worker in another process.
    Message(Message),
    /// From a worker in this process.
    Local(Box<dyn Any + Send + Sync>),
}

/// How a task failed.
pub enum Failure {
    /// The callable raised; the value is the encoded error.
    Raised(Value),
    /// The worker that ran it ended.
    WorkerDied {
        /// Process id of the worker.
        pid: u32,
        /// How it ended, in words.
        how: String,
    },
    /// The worker was stopped because it used too much memory.
    MemoryExceeded {
        /// Process id of the worker.
        pid: u32,
        /// What it used, in bytes.
        used: u64,
        /// What it was allowed, in bytes.
        limit: u64,
    },
    /// It ran longer than its timeout and was stopped where the backend can.
    TimedOut {
        /// The timeout.
        after: Duration,
        /// Whether the work really ended.
        stopped: bool,
    },
    /// The pool ended or broke before the task could run.
    Abandoned {
        /// Why.
        reason: String,
    },
}

/// How a task ended.
pub enum Outcome {
    /// It returned.
    Done(Value),
    /// It did not.
    Failed(Failure),
    /// It was cancelled.
    Cancelled,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done(_) => "Done",
            Self::Failed(_) => "Failed",
            Self::Cancelled => "Cancelled",
        })
    }
}

/// What was measured of the last attempt; times in nanoseconds, see [`crate::clock`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Worker that ran it.
    pub worker: u32,
    /// How often it was started.
    pub attempt: u16,
    /// A worker took it.
    pub started_ns: u64,
    /// Its result was there.
    pub ended_ns: u64,
    /// The parent saw the result.
    pub collected_ns: u64,
    /// CPU time of the worker's thread.
    pub cpu_ns: u64,
    /// Reading the arguments, in the worker.
    pub decode_ns: u64,
    /// Writing the result, in the worker.
    pub result_encode_ns: u64,
    /// Waiting for the interpreter before the first instruction.
    pub interpreter_wait_ns: u64,
    /// Ready to run without a processor.
    pub run_queue_ns: u64,
    /// Processor at the start.
    pub core_start: u16,
    /// Processor at the end.
    pub core_end: u16,
    /// Bytes of the arguments.
    pub bytes_in: u64,
    /// Bytes of the result.
    pub bytes_out: u64,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Waiting for other tasks, in a queue, or running in another process.
    Pending = 0,
    /// Running in this process.
    Running = 1,
    /// Returned or failed.
    Finished = 2,
    /// Cancelled.
    Cancelled = 3,
}

/// Set in the state word while a thread sleeps on it.
const SLEEPERS: u32 = 1 << 8;

/// Called once with the finished task.
pub type Callback = Box<dyn FnOnce(&Arc<Task>) + Send>;

/// One submitted call.
pub struct Task {
    /// Unique in this process.
    pub id: u64,
    /// What was asked.
    pub options: Options,
    /// When it was submitted.
    pub queued_ns: u64,
    /// When nothing it depends on was missing any more.
    pub ready_ns: AtomicU64,
    /// Time the submitter spent encoding the arguments.
    pub encode_ns: AtomicU64,
    /// Where a backend keeps it; means something to that backend only.
    pub place: AtomicU64,
    state: AtomicU32,
    outcome: OnceLock<Outcome>,
    measured: OnceLock<Measured>,
    callbacks: Mutex<Vec<Callback>>,
    watched: AtomicU32,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Task {
    /// A pending task.
    pub fn new(options: Options, now_ns: u64) -> Arc<Self> {
        Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            options,
            queued_ns: now_ns,
            ready_ns: AtomicU64::new(now_ns),
            encode_ns: AtomicU64::new(0),
            place: AtomicU64::new(u64::MAX),
            state: AtomicU32::new(State::Pending as u32),
            outcome: OnceLock::new(),
            measured: OnceLock::new(),
            callbacks: Mutex::new(Vec::new()),
            watched: AtomicU32::new(0),
        })
    }

    /// Where the task stands.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) & !SLEEPERS {
            0 => State::Pending,
            1 => State::Running,
            2 => State::Finished,
            _ => State::Cancelled,
        }
    }

    /// Whether it ended, in whatever way.
    pub fn is_done(&self) -> bool {
        matches!(self.state(), State::Finished | State::Cancelled)
    }

    /// How it ended; `None` while it has not.
    pub fn outcome(&self) -> Option<&Outcome> {
        if self.is_done() { self.outcome.get() } else { None }
    }

    /// What was measured, once it ran.
    pub fn measured(&self) -> Option<&Measured> {
        self.measured.get()
    }

    /// Moves a pending task to running, for backends in this process.
    pub fn start(&self) -> bool {
        self.change(State::Pending, State::Running)
    }

    /// Moves a running task back to pending, for another attempt.
    pub fn restart(&self) {
        self.change(State::Running, State::Pending);
    }

    fn change(&self, from: State, to: State) -> bool {
        self.state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                (word & !SLEEPERS == from as u32).then_some(to as u32 | word & SLEEPERS)
            })
            .is_ok()
    }

    /// Ends the task: the first call decides, wakes who waits and returns the
    /// callbacks to run; `None` when it had ended before.
    pub fn finish(&self, outcome: Outcome, measured: Option<Measured>) -> Option<Vec<Callback>> {
        let state = if matches!(outcome, Outcome::Cancelled) {
            State::Cancelled
        } else {
            State::Finished
        };
        if self.outcome.set(outcome).is_err() {
            return None;
        }
        if let Some(measured) = measured {
            // The outcome was ours to set, so nobody else sets this.
            let _ = self.measured.set(measured);
        }
        let mut callbacks = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.state.swap(state as u32, Ordering::AcqRel);
        if before & SLEEPERS != 0 {
            futex::wake(&self.state, u32::MAX >> 1, Scope::Private);
        }
        Some(std::mem::take(&mut *callbacks))
    }

    /// Adds a callback; gives it back when the task has ended already.
    pub fn on_done(&self, callback: Callback) -> Result<(), Callback> {
        let mut callbacks = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_done() {
            return Err(callback);
        }
        callbacks.push(callback);
        Ok(())
    }

    /// Says that somebody wants to know at once when the task ends (`level` 1) or
    /// reports progress (`level` 2); the place where a backend keeps it now.
    pub fn watch(&self, level: u32) -> u64 {
        self.watched.fetch_max(level, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.place.load(Ordering::Relaxed)
    }

    /// See [`Task::watch`].
    pub fn watched(&self) -> u32 {
        self.watched.load(Ordering::Relaxed)
    }

    /// Sleeps until the task ends, `limit` passed or a signal came.
    ///
    /// A signal whose handler ran just before the sleep interrupts nothing. So a long
    /// sleep ends as if interrupted from time to time, and its caller looks.
    pub fn sleep(&self, limit: Option<Duration>) -> Woken {
        const LOOK_UP: Duration = Duration::from_secs(1);
        let long = limit.is_none_or(|limit| limit > LOOK_UP);
        let limit = if long { Some(LOOK_UP) } else { limit };
        let word = self.state.fetch_or(SLEEPERS, Ordering::AcqRel) | SLEEPERS;
        if self.is_done() {
            return Woken::Changed;
        }
        match futex::wait(&self.state, word, limit, Scope::Private) {
            Woken::TimedOut if long => Woken::Interrupted,
            woken => woken,
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("state", &self.state())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_once_and_hands_its_callbacks_out_once() {
        let task = Task::new(Options::default(), 0);
        assert!(task.on_done(Box::new(|_| {})).is_ok());
        assert_eq!(task.finish(Outcome::Cancelled, None).map(|c| c.len()), Some(1));
        assert!(task.finish(Outcome::Cancelled, None).is_none());
        assert_eq!(task.state(), State::Cancelled);
        assert!(task.on_done(Box::new(|_| {})).is_err());
    }

    #[test]
    fn a_sleeper_is_woken_by_the_end() {
        let task = Task::new(Options::default(), 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !task.is_done() {
                    task.sleep(None);
                }
            });
            task.finish(Outcome::Cancelled, None);
        });
    }

    #[test]
    fn a_started_task_waits_again_after_restart() {
        let task = Task::new(Options::default(), 0);
        assert!(task.start());
        assert!(!task.start());
        task.restart();
        assert_eq!(task.state(), State::Pending);
    }
}
