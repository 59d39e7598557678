//! The clocks a task is measured with.
//!
//! All times are nanoseconds of `CLOCK_MONOTONIC`, which every process of one
//! boot shares, so that a parent may subtract a worker's reading from its own.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::time::{ClockId, clock_gettime};

fn nanoseconds(id: ClockId) -> u64 {
    let now = clock_gettime(id);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Time since boot, the same in every process.
pub fn now_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// A span in nanoseconds; one beyond 584 years counts as that.
pub fn nanoseconds_of(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// CPU time this thread has used.
pub fn thread_cpu_ns() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// The processor this thread runs on now; `u16::MAX` where the system cannot say.
pub fn core() -> u16 {
    #[cfg(target_os = "linux")]
    {
        rustix::thread::sched_getcpu() as u16
    }
    #[cfg(not(target_os = "linux"))]
    {
        u16::MAX
    }
}

/// Time without a processor from which on it is worth asking whether the thread wanted one.
pub const NOTABLE_LOSS_NS: u64 = 100_000;

/// How long a thread has been ready to run without a processor.
///
/// Reading it costs a system call and a little parsing, about 1.5 µs.
pub struct RunDelay {
    statistics: Option<File>,
    /// The process the file was opened in: in a forked one it still tells of the parent's thread.
    process: u32,
    seen_ns: u64,
}

impl RunDelay {
    /// For the calling thread.
    pub fn of_this_thread() -> Self {
        let mut delay = Self {
            statistics: File::open("/proc/thread-self/schedstat").ok(),
            process: std::process::id(),
            seen_ns: 0,
        };
        delay.read();
        delay
    }

    /// Nanoseconds at the last reading; costs nothing.
    pub fn seen(&self) -> u64 {
        self.seen_ns
    }

    /// Nanoseconds so far, in the thread that made this; 0 where the system does not say.
    pub fn read(&mut self) -> u64 {
        if self.process != std::process::id() {
            *self = Self::of_this_thread();
        } else if let Some(now_ns) = self.statistics.as_ref().and_then(run_delay_ns) {
            self.seen_ns = now_ns;
        }
        self.seen_ns
    }
}

/// The second number of `schedstat`: time runnable, but not running.
fn run_delay_ns(statistics: &File) -> Option<u64> {
    let mut text = [0; 96];
    let len = statistics.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(&text[..len]).ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}
