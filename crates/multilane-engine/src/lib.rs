//! Workers, queues and the task life cycle.
//!
//! The engine moves tasks and bytes. It knows processes, threads, shared memory
//! and time; it never knows Python, plans or what a task computes.
//!
//! [`process`] is the backend whose workers are processes fed through shared
//! memory, [`threads`] the one whose workers are threads of this process. Both
//! complete the same [`task::Task`], which is what a front end hands to its user.

// Loom explores the shared-memory protocol only: its atomics cannot lie in mapped memory.
#[cfg(not(loom))]
pub mod backend;
#[cfg(not(loom))]
pub mod calibrate;
#[cfg(not(loom))]
pub mod clock;
#[cfg(not(loom))]
pub mod cpus;
pub mod error;
#[cfg(not(loom))]
pub mod fork;
pub mod futex;
pub mod lanes;
#[cfg(not(loom))]
pub mod plans;
#[cfg(target_os = "linux")]
pub mod process;
#[cfg(not(loom))]
pub mod record;
pub mod sync;
#[cfg(not(loom))]
pub mod task;
#[cfg(not(loom))]
pub mod threads;
#[cfg(not(loom))]
mod timers;

pub use error::EngineError;

/// Starts a thread that leaves signals to the program's own threads: a handler must
/// interrupt the thread that waits for a task, not ours.
#[cfg(not(loom))]
pub(crate) fn spawn_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), EngineError> {
    let main = move || {
        // SAFETY: fills a signal set on this thread's stack and applies it to this thread.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut set);
            libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        }
        body();
    };
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(main);
    started.map(drop).map_err(|source| EngineError::System {
        what: "starting a thread",
        source,
    })
}
