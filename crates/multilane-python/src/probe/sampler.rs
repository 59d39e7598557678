//! Looks at threads from outside, at a fixed interval, to see what they wait for.
//!
//! A native thread of its own: it never takes the interpreter lock, so it sees
//! the threads that do. Costs 10 to 40 µs a thread and look.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs::File,
    os::unix::fs::FileExt,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use multilane_engine::clock;
use multilane_lab::signals::{Runtime, kind_of};
use multilane_trace::{Sample, sample_kind};

use super::wait::runtime;

/// More samples than this say nothing new: an hour of one thread at 1 ms.
const MAX_SAMPLES: usize = 4_000_000;

/// A thread that is looked at while it runs a task.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// The worker that the thread is.
    pub(crate) worker: u32,
    /// The thread.
    pub(crate) thread: u32,
    /// When the current task started; 0 between tasks.
    pub(crate) busy_since_ns: AtomicU64,
    /// Waits for the interpreter lock seen so far in the current task.
    pub(crate) interpreter_wait_ns: AtomicU64,
}

/// The threads to look at.
pub(crate) type Threads = Arc<Mutex<Vec<Arc<Watched>>>>;

/// The looking thread.
#[derive(Debug)]
pub(crate) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Sample>>,
    owner: u32,
}

impl Sampler {
    /// Starts to look; nothing where the system or the interpreter's build hides what is needed.
    pub(crate) fn start(threads: Threads, interval: Duration) -> Option<Self> {
        let runtime = runtime()?;
        // What may be read of one thread of this process may be read of all.
        if look(&open(thread_id())?, runtime)? == sample_kind::UNKNOWN {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("multilane-sampler".to_owned())
            .spawn(move || watch(&threads, &stopped, runtime, interval))
            .ok()?;
        Some(Self {
            stop,
            thread,
            owner: process::id(),
        })
    }

    /// Stops looking; waits for the look that is under way.
    pub(crate) fn finish(self) -> Vec<Sample> {
        // A forked child has the handle, but not the thread.
        if self.owner != process::id() {
            std::mem::forget(self.thread);
            return Vec::new();
        }
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or_default()
    }

    /// Stops looking at the next look, without waiting.
    pub(crate) fn abandon(self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The number of the calling thread.
pub(crate) fn thread_id() -> u32 {
    // SAFETY: gettid takes nothing and cannot fail.
    u32::try_from(unsafe { libc::gettid() }).unwrap_or(0)
}

fn watch(threads: &Threads, stop: &AtomicBool, runtime: Runtime, interval: Duration) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut files: HashMap<u32, File> = HashMap::new();
    let mut last_look_ns = clock::now_ns();
    while !stop.load(Ordering::Relaxed) {
        thread::park_timeout(interval);
        let watched = threads.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let looked_at_ns = clock::now_ns();
        for one in watched {
            let busy_since_ns = one.busy_since_ns.load(Ordering::Acquire);
            if busy_since_ns == 0 {
                continue;
            }
            let kind = see(&mut files, one.thread, runtime);
            if kind == sample_kind::INTERPRETER_LOCK {
                let since_ns = busy_since_ns.max(last_look_ns);
                one.interpreter_wait_ns
                    .fetch_add(looked_at_ns.saturating_sub(since_ns), Ordering::Relaxed);
            }
            if samples.len() < MAX_SAMPLES {
                samples.push(Sample {
                    worker: one.worker,
                    at_ns: looked_at_ns,
                    kind,
                });
            }
        }
        last_look_ns = looked_at_ns;
    }
    samples
}

fn see(files: &mut HashMap<u32, File>, thread: u32, runtime: Runtime) -> u8 {
    let file = match files.entry(thread) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => match open(thread) {
            Some(file) => place.insert(file),
            None => return sample_kind::UNKNOWN,
        },
    };
    look(file, runtime).unwrap_or_else(|| {
        // The thread has ended; its number may be another's by the next look.
        files.remove(&thread);
        sample_kind::UNKNOWN
    })
}

fn open(thread: u32) -> Option<File> {
    File::open(format!("/proc/self/task/{thread}/syscall")).ok()
}

fn look(file: &File, runtime: Runtime) -> Option<u8> {
    let mut line = [0; 256];
    let length = file.read_at(&mut line, 0).ok().filter(|length| *length > 0)?;
    Some(kind_of(std::str::from_utf8(&line[..length]).ok()?, runtime))
}
