//! What this process and the whole machine have used, to tell our own use of the processors from that of others.
//!
//! Reads `/proc/stat`, `getrusage` and the control group; changes nothing.

use std::{fs, path::Path};

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

/// User, nice, system, both interrupts and the host's share; idle and waiting for disks are left out.
fn machine_cpu_ns(stat: &str) -> u64 {
    // SAFETY: sysconf takes no pointer and only reads.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let per_tick = u64::try_from(ticks)
        .ok()
        .and_then(|ticks| 1_000_000_000u64.checked_div(ticks))
        .unwrap_or(0);
    let line = stat.lines().find(|line| line.starts_with("cpu "));
    let fields: Vec<u64> = line
        .map(|line| {
            line.split_whitespace()
                .skip(1)
                .filter_map(|field| field.parse().ok())
                .collect()
        })
        .unwrap_or_default();
    let busy: u64 = [0, 1, 2, 5, 6, 7]
        .into_iter()
        .filter_map(|index| fields.get(index))
        .sum();
    busy.saturating_mul(per_tick)
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
            throttled_in(&text)
        })
        .max()
        .unwrap_or(0)
}

/// `throttled_time` in nanoseconds of version 1, `throttled_usec` of version 2.
fn throttled_in(text: &str) -> Option<u64> {
    text.lines().find_map(|line| match line.split_once(' ')? {
        ("throttled_time", value) => value.trim().parse().ok(),
        ("throttled_usec", value) => value.trim().parse::<u64>().ok().map(|time| time * 1000),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_time_that_a_limit_took() {
        assert_eq!(
            throttled_in("nr_periods 5\nnr_throttled 2\nthrottled_time 1234\n"),
            Some(1234)
        );
        assert_eq!(throttled_in("usage_usec 9\nthrottled_usec 7\n"), Some(7000));
        assert_eq!(throttled_in(""), None);
    }

    #[test]
    fn counts_what_was_busy() {
        let tick = machine_cpu_ns("cpu 1 0 0 0 0 0 0 0 0 0\n");
        assert_eq!(machine_cpu_ns("cpu  1 2 3 100 200 4 5 6 0 0\ncpu0 9\n"), 21 * tick);
        assert_eq!(machine_cpu_ns(""), 0);
    }

    #[test]
    fn this_thread_has_used_some_time() {
        assert!(usage(libc::RUSAGE_SELF).cpu_ns > 0);
        assert_eq!(usage(-77).cpu_ns, 0);
    }
}
