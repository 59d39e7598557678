//! How much memory a graph may take: refused in time, where the system would end the process.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::GraphError;

/// Bytes that are taken so far, and how many there are.
pub(super) struct Budget {
    taken: AtomicU64,
    limit: u64,
}

impl Budget {
    /// So many bytes, or as many as the system says are available.
    pub(super) fn new(limit: Option<u64>) -> Self {
        Self {
            taken: AtomicU64::new(0),
            limit: limit.or_else(available).unwrap_or(u64::MAX),
        }
    }

    /// Takes bytes, or says that there are not so many.
    pub(super) fn add(&self, bytes: u64) -> Result<(), GraphError> {
        let all = self.taken.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if all > self.limit {
            return Err(GraphError::OutOfMemory { bytes: u128::from(all) });
        }
        Ok(())
    }

    /// Takes what edges need as they were read and while rows are made of them.
    pub(super) fn add_edges(&self, edges: u64, weighted: bool, directed: bool) -> Result<(), GraphError> {
        let weight = if weighted { 8 } else { 0 };
        let entries = if directed { 1 } else { 2 };
        // Packed ends; a target and a short row number for each entry.
        self.add(edges * (8 + weight) + edges * entries * (4 + 2 + weight))
    }
}

/// What the system and the control group of this process leave, in bytes.
fn available() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    });
    let group = left("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current").or_else(|| {
        let folder = "/sys/fs/cgroup/memory";
        left(
            &format!("{folder}/memory.limit_in_bytes"),
            &format!("{folder}/memory.usage_in_bytes"),
        )
    });
    system.into_iter().chain(group).min()
}

/// The difference of two files with a number each; none where there is no limit.
fn left(limit: &str, used: &str) -> Option<u64> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    Some(number(limit)?.saturating_sub(number(used)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_when_there_is_no_more() {
        let budget = Budget::new(Some(1000));
        assert!(budget.add_edges(50, false, true).is_ok());
        let error = budget.add(301).unwrap_err();
        assert!(matches!(error, GraphError::OutOfMemory { bytes: 1001 }), "{error}");
    }

    #[test]
    fn this_machine_has_some() {
        assert!(Budget::new(None).add(1).is_ok());
    }
}
