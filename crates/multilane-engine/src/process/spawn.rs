//! Start a worker process and describe how one ended.
//!
//! The worker gets the program's shared memory as its standard input, so that no
//! code of ours runs between fork and exec, and a process group of its own, so
//! that Ctrl-C reaches the parent alone.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::error::{EngineError, system};

/// How to start a worker.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: OsString,
    /// Its arguments; the worker's coordinates are appended.
    pub arguments: Vec<OsString>,
    /// Variables to set.
    pub environment: Vec<(OsString, OsString)>,
}

/// A started worker.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) pidfd: OwnedFd,
    /// Its own region, which no other process ever has.
    pub(crate) region: u32,
}

/// Where a worker finds its pool; also the order of its command-line arguments.
#[derive(Clone, Copy, Debug)]
pub struct Coordinates {
    /// Index in the pool.
    pub index: u32,
    /// Workers in the pool's table.
    pub workers: u32,
    /// Process id of the parent.
    pub parent: u32,
    /// The worker's own region.
    pub region: u32,
    /// Bytes of every region.
    pub region_len: u64,
    /// Where the pool's control block lies in region 0.
    pub control_at: u64,
}

impl Coordinates {
    fn arguments(&self) -> [String; 6] {
        [
            self.index.to_string(),
            self.workers.to_string(),
            self.parent.to_string(),
            self.region.to_string(),
            self.region_len.to_string(),
            self.control_at.to_string(),
        ]
    }

    /// From the command-line arguments.
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let [index, workers, parent, region, region_len, control_at] = arguments else {
            return None;
        };
        Some(Self {
            index: index.parse().ok()?,
            workers: workers.parse().ok()?,
            parent: parent.parse().ok()?,
            region: region.parse().ok()?,
            region_len: region_len.parse().ok()?,
            control_at: control_at.parse().ok()?,
        })
    }
}

pub(crate) fn spawn(launch: &Launch, memory: OwnedFd, coordinates: Coordinates) -> Result<Started, EngineError> {
    let mut child = Command::new(&launch.program)
        .args(&launch.arguments)
        .args(coordinates.arguments())
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::from(memory))
        .process_group(0)
        .spawn()
        .map_err(|source| EngineError::System {
            what: "starting a worker process",
            source,
        })?;
    let pid = rustix::process::Pid::from_child(&child);
    let opened = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty());
    let pidfd = opened.map_err(system("pidfd_open")).inspect_err(|_| {
        // Nobody could look after it. Gone already is as good.
        let _ = child.kill().and_then(|()| child.wait().map(drop));
    })?;
    let region = coordinates.region;
    Ok(Started { child, pidfd, region })
}

/// Ends a worker now.
pub(crate) fn kill(pidfd: &OwnedFd) {
    // A worker that is gone already is what we wanted.
    let _ = rustix::process::pidfd_send_signal(pidfd.as_fd(), rustix::process::Signal::KILL);
}

/// How a process ended, in words.
pub(crate) fn describe(status: Option<ExitStatus>) -> String {
    let Some(status) = status else {
        return "it ended, and something else collected its exit status".to_owned();
    };
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("it was ended by signal {signal}{}", signal_name(signal)),
        (None, Some(code)) => format!("it exited with status {code}"),
        (None, None) => format!("{status}"),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => " (SIGSEGV, a crash in native code)",
        libc::SIGKILL => " (SIGKILL, often the system's out-of-memory killer)",
        libc::SIGABRT => " (SIGABRT)",
        libc::SIGBUS => " (SIGBUS, often shared memory that could not grow)",
        libc::SIGTERM => " (SIGTERM)",
        libc::SIGILL => " (SIGILL)",
        libc::SIGFPE => " (SIGFPE)",
        _ => "",
    }
}
