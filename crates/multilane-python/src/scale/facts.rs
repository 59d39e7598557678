//! What this process and the whole machine have used, to tell our own use of the processors from that of others.
//!
//! Reads `/proc/stat`, `getrusage` and the control group; changes nothing.

use std::{fs, path::Path};

use multilane_lab::signals::{busy_ticks, throttled_ns as limit_ns};
use pyo3::{prelude::*, types::PyDict};

/// CPU time of everything on this machine, of this process and its ended children, and the time the CPU limit took.
#[pyfunction]
pub(super) fn system_use(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item(
        "machine_cpu_ns",
        machine_cpu_ns(&fs::read_to_string("/proc/stat").unwrap_or_default()),
    )?;
    dict.set_item("own_cpu_ns", usage(libc::RUSAGE_SELF).cpu_ns)?;
    let children = usage(libc::RUSAGE_CHILDREN);
    dict.set_item("children_cpu_ns", children.cpu_ns)?;
    dict.set_item("children_system_ns", children.system_ns)?;
    dict.set_item("children_faults", children.faults)?;
    dict.set_item("children_switches", children.switches)?;
    dict.set_item("throttled_ns", throttled_ns())?;
    Ok(dict)
}

/// What a thread, or a process, has used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu_ns: u64,
    pub(super) system_ns: u64,
    pub(super) faults: u64,
    pub(super) switches: u64,
}

/// Asks the system; zeroes where it does not say.
pub(super) fn usage(whose: libc::c_int) -> Usage {
    // SAFETY: `rusage` is plain data for which zero is valid, and the call only writes into it.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        if libc::getrusage(whose, &raw mut used) != 0 {
            return Usage::default();
        }
        used
    };
    let nanoseconds = |time: libc::timeval| (time.tv_sec as u64) * 1_000_000_000 + (time.tv_usec as u64) * 1000;
    let system_ns = nanoseconds(used.ru_stime);
    Usage {
        cpu_ns: nanoseconds(used.ru_utime) + system_ns,
        system_ns,
        faults: (used.ru_minflt + used.ru_majflt) as u64,
        switches: (used.ru_nvcsw + used.ru_nivcsw) as u64,
    }
}

fn machine_cpu_ns(stat: &str) -> u64 {
    // SAFETY: sysconf takes no pointer and only reads.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let per_tick = u64::try_from(ticks)
        .ok()
        .and_then(|ticks| 1_000_000_000u64.checked_div(ticks))
        .unwrap_or(0);
    busy_ticks(stat).saturating_mul(per_tick)
}

/// Time that the CPU limit of this process's control group has stopped its threads, of either version.
fn throttled_ns() -> u64 {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            let root = match controllers {
                "" => Path::new("/sys/fs/cgroup").to_owned(),
                names if names.split(',').any(|name| name == "cpu") => Path::new("/sys/fs/cgroup/cpu").to_owned(),
                _ => return None,
            };
            let text = fs::read_to_string(root.join(path.trim_start_matches('/')).join("cpu.stat")).ok()?;
            limit_ns(&text)
        })
        .max()
        .unwrap_or(0)
}
