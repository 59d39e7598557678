//! The clocks a task is measured with.
//!
//! All times are nanoseconds of `CLOCK_MONOTONIC`, which every process of one
//! boot shares, so that a parent may subtract a worker's reading from its own.

use rustix::time::{ClockId, clock_gettime};

fn nanoseconds(id: ClockId) -> u64 {
    let now = clock_gettime(id);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Time since boot, the same in every process.
pub fn now_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
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
