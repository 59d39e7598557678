//! How large a graph may be: refused before memory is asked for, where the system would end the process later.
//!
//! Looks at what the system, the control group and the limits of this process leave. Never takes any memory itself.

use std::fs;

use crate::error::GraphError;

/// Requests from this size on are held against the memory that is left.
const LARGE: u128 = 1 << 28;

/// Bytes that the rows of a graph take: an offset for each node; a target and a weight for each entry.
pub(crate) fn row_bytes(nodes: u128, entries: u128, weight: usize) -> u128 {
    let offsets = nodes.saturating_add(1).saturating_mul(size_of::<usize>() as u128);
    offsets.saturating_add(entries.saturating_mul(4 + weight as u128))
}

/// Bytes at the most while rows are made of edges: what stays, and 16 bits for each entry.
pub(crate) fn building_bytes(nodes: u128, entries: u128, weight: usize) -> u128 {
    row_bytes(nodes, entries, weight).saturating_add(entries.saturating_mul(2))
}

/// Refuses more bytes than are free.
///
/// The system promises more than it has and kills who takes the promise at its word.
pub(crate) fn refuse_beyond_memory(bytes: u128) -> Result<(), GraphError> {
    if bytes < LARGE {
        return Ok(());
    }
    match free().map(u128::from) {
        Some(free) if bytes > free => Err(GraphError::OutOfMemory {
            bytes,
            free: Some(free),
        }),
        _ => Ok(()),
    }
}

/// The number of nodes of a graph, when there can be so many.
///
/// One that is larger than memory is refused as that: another machine may have more.
pub(crate) fn checked_nodes(nodes: u128) -> Result<usize, GraphError> {
    refuse_beyond_memory(row_bytes(nodes, 0, 0))?;
    let few = usize::try_from(nodes).ok().filter(|&nodes| nodes <= crate::MAX_NODES);
    few.ok_or_else(|| GraphError::TooManyNodes {
        nodes: i128::try_from(nodes).unwrap_or(i128::MAX),
    })
}

/// Bytes that this process can still take without another one losing them, where the system says so.
pub(crate) fn free() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    });
    let group = left("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current").or_else(|| {
        let folder = "/sys/fs/cgroup/memory";
        left(
            &format!("{folder}/memory.limit_in_bytes"),
            &format!("{folder}/memory.usage_in_bytes"),
        )
    });
    [system, group, addresses()].into_iter().flatten().min()
}

/// The difference of two files with a number each; none where there is no limit.
fn left(limit: &str, used: &str) -> Option<u64> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    Some(number(limit)?.saturating_sub(number(used)?))
}

/// What a limit on addresses leaves; none where there is no limit.
fn addresses() -> Option<u64> {
    let most = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let used = pages.split(' ').next()?.parse::<u64>().ok()? * rustix::param::page_size() as u64;
    Some(most.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_some() {
        assert!(free().is_none_or(|bytes| bytes > 0));
        assert!(refuse_beyond_memory(LARGE - 1).is_ok());
    }

    #[test]
    fn nodes_beyond_memory_and_beyond_32_bits_are_told_apart() {
        assert_eq!(checked_nodes(7).unwrap(), 7);
        let error = checked_nodes(1 << 60).unwrap_err();
        assert!(
            matches!(error, GraphError::OutOfMemory { bytes, .. } if bytes == (8 << 60) + 8),
            "{error}"
        );
        assert!(matches!(
            checked_nodes(u128::MAX),
            Err(GraphError::OutOfMemory { bytes: u128::MAX, .. })
        ));
    }
}
