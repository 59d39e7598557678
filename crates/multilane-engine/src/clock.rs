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

/// How long this thread has been ready to run without a processor.
///
/// Reading it costs a system call and a little parsing, about 1.5 µs.
pub struct RunDelay(Option<File>);

impl RunDelay {
    /// For the calling thread.
    pub fn of_this_thread() -> Self {
        Self(File::open("/proc/thread-self/schedstat").ok())
    }

    /// Nanoseconds so far; 0 where the system does not say.
    pub fn read(&self) -> u64 {
        let mut text = [0; 96];
        let Some(len) = self.0.as_ref().and_then(|file| file.read_at(&mut text, 0).ok()) else {
            return 0;
        };
        let text = std::str::from_utf8(&text[..len]).unwrap_or_default();
        text.split(' ').nth(1).and_then(|field| field.parse().ok()).unwrap_or(0)
    }
}
