//! How many processors this process may use.
//!
//! Reads the affinity mask and the CPU quota of the control group, both versions.

use std::fs;
use std::path::Path;

/// Processors in the affinity mask.
pub fn affinity() -> u32 {
    rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count().max(1))
}

/// Processors the control group grants (a quota of 1.5 CPUs is 1.5); `None` without a quota.
pub fn quota() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut least: Option<f64> = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next(), fields.next(), fields.next());
        let (Some(controllers), Some(path)) = (controllers, path) else {
            continue;
        };
        let found = if controllers.is_empty() {
            quota_v2(Path::new("/sys/fs/cgroup"), path)
        } else if controllers.split(',').any(|name| name == "cpu") {
            quota_v1(Path::new("/sys/fs/cgroup/cpu"), path)
        } else {
            None
        };
        least = match (least, found) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    least
}

/// A quota holds for all groups below it, so the least on the way to the root counts.
fn least_on_the_way(root: &Path, path: &str, read: impl Fn(&Path) -> Option<f64>) -> Option<f64> {
    let full = root.join(path.trim_start_matches('/'));
    full.ancestors()
        .take_while(|folder| folder.starts_with(root))
        .filter_map(read)
        .reduce(f64::min)
}

fn quota_v2(root: &Path, path: &str) -> Option<f64> {
    least_on_the_way(root, path, |folder| {
        let text = fs::read_to_string(folder.join("cpu.max")).ok()?;
        let (quota, period) = text.trim().split_once(' ')?;
        Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
    })
}

fn quota_v1(root: &Path, path: &str) -> Option<f64> {
    least_on_the_way(root, path, |folder| {
        let number = |name: &str| -> Option<f64> { fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok() };
        let quota = number("cpu.cfs_quota_us")?;
        (quota > 0.0).then_some(quota / number("cpu.cfs_period_us")?)
    })
}

/// The worker count that fills this process's share of the machine: at least 1.
pub fn usable() -> u32 {
    let quota = quota().map_or(u32::MAX, |cpus| (cpus.ceil() as u32).max(1));
    affinity().min(quota)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_versions_and_takes_the_least_on_the_way() {
        let root = std::env::temp_dir().join(format!("multilane-cpus-{}", std::process::id()));
        let inner = root.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(root.join("a/cpu.max"), "150000 100000\n").unwrap();
        fs::write(inner.join("cpu.max"), "max 100000\n").unwrap();
        assert_eq!(quota_v2(&root, "/a/b"), Some(1.5));
        fs::write(inner.join("cpu.cfs_quota_us"), "50000\n").unwrap();
        fs::write(inner.join("cpu.cfs_period_us"), "100000\n").unwrap();
        fs::write(root.join("a/cpu.cfs_quota_us"), "-1\n").unwrap();
        assert_eq!(quota_v1(&root, "/a/b"), Some(0.5));
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn somebody_can_always_work() {
        assert!(usable() >= 1);
    }
}
