//! The machine's facts from `/proc` and `/sys`, limits of the control group respected.

use std::{fs, path::Path};

use multilane_engine::cpus;
use multilane_trace::Machine;

/// The facts of this machine, as this process may use it.
///
/// The machine's name is left out: traces are made to be passed on.
pub(crate) fn machine() -> Machine {
    Machine {
        cpu_model: cpu_model(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
        os: operating_system(),
        hostname: String::new(),
        cpus_online: cpus_online(),
        cpus_affinity: cpus::affinity(),
        cpus_quota: cpus::quota().unwrap_or(0.0),
        memory_bytes: memory_bytes(),
    }
}

/// CPU time that the host took since boot; 0 where it is not reported.
pub(crate) fn steal_ns() -> u64 {
    // SAFETY: sysconf takes no pointer and only reads.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let per_tick = u64::try_from(ticks)
        .ok()
        .and_then(|ticks| 1_000_000_000u64.checked_div(ticks))
        .unwrap_or(0);
    steal_ticks(&fs::read_to_string("/proc/stat").unwrap_or_default()).saturating_mul(per_tick)
}

/// The eighth number of the line over all processors.
fn steal_ticks(stat: &str) -> u64 {
    let line = stat.lines().find(|line| line.starts_with("cpu "));
    line.and_then(|line| line.split_whitespace().nth(8))
        .and_then(|ticks| ticks.parse().ok())
        .unwrap_or(0)
}

fn cpu_model(cpuinfo: &str) -> String {
    let field = |name: &str| {
        cpuinfo.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    // Processors of the Arm family have no name here.
    field("model name")
        .or_else(|| field("Model"))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn operating_system() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = format!("Linux {}", release.trim());
    let names = fs::read_to_string("/etc/os-release").unwrap_or_default();
    match names.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")) {
        Some(name) => format!("{}, {}", name.trim_matches('"'), kernel.trim()),
        None => kernel.trim().to_owned(),
    }
}

fn cpus_online() -> u32 {
    // SAFETY: sysconf takes no pointer and only reads.
    let online = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    u32::try_from(online).unwrap_or(0)
}

/// The machine's memory, or the control group's limit when that is lower.
fn memory_bytes() -> u64 {
    let all = total_memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default());
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    memory_limit(Path::new("/sys/fs/cgroup"), &groups)
        .map_or(all, |limit| if all == 0 { limit } else { limit.min(all) })
}

fn total_memory(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes: Option<u64> = line
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok());
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

/// The least limit of the group and the groups around it, of either version.
fn memory_limit(mount: &Path, groups: &str) -> Option<u64> {
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            let (root, file) = match controllers {
                "" => (mount.to_owned(), "memory.max"),
                names if names.split(',').any(|name| name == "memory") => {
                    (mount.join("memory"), "memory.limit_in_bytes")
                }
                _ => return None,
            };
            let folder = root.join(path.trim_start_matches('/'));
            let on_the_way = folder.ancestors().take_while(|folder| folder.starts_with(&root));
            // `max`, and numbers beyond any memory, mean no limit.
            on_the_way
                .filter_map(|folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok())
                .min()
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_processor_or_at_least_its_family() {
        assert_eq!(cpu_model("processor\t: 0\nmodel name\t: AMD EPYC\n"), "AMD EPYC");
        assert_eq!(
            cpu_model("processor\t: 0\nModel\t\t: Raspberry Pi 5\n"),
            "Raspberry Pi 5"
        );
        assert_eq!(cpu_model(""), std::env::consts::ARCH);
    }

    #[test]
    fn reads_memory_and_steal() {
        assert_eq!(total_memory("MemTotal:        1024 kB\nMemFree: 1 kB\n"), 1024 * 1024);
        assert_eq!(total_memory("nothing"), 0);
        assert_eq!(steal_ticks("cpu  1 2 3 4 5 6 7 89 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"), 89);
        assert_eq!(steal_ticks("cpu  1 2 3"), 0);
    }

    #[test]
    fn takes_the_least_memory_limit_on_the_way_of_either_version() {
        let mount = std::env::temp_dir().join(format!("multilane-memory-{}", std::process::id()));
        fs::create_dir_all(mount.join("a/b")).unwrap();
        fs::create_dir_all(mount.join("memory/a")).unwrap();
        fs::write(mount.join("a/memory.max"), "4096\n").unwrap();
        fs::write(mount.join("a/b/memory.max"), "max\n").unwrap();
        fs::write(mount.join("memory/a/memory.limit_in_bytes"), "2048\n").unwrap();
        assert_eq!(memory_limit(&mount, "0::/a/b\n"), Some(4096));
        assert_eq!(memory_limit(&mount, "0::/a/b\n7:memory:/a\n"), Some(2048));
        assert_eq!(memory_limit(&mount, "3:cpu,cpuacct:/a\n"), None);
        fs::remove_dir_all(&mount).unwrap();
    }
}
