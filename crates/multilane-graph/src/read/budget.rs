//! How much memory a graph may take: refused in time, where the system would end the process.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{GraphError, limits};

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
            limit: limit.or_else(limits::free).unwrap_or(u64::MAX),
        }
    }

    /// Takes bytes, or says that there are not so many.
    pub(super) fn add(&self, bytes: u64) -> Result<(), GraphError> {
        let all = self.taken.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if all > self.limit {
            return Err(GraphError::OutOfMemory {
                bytes: u128::from(all),
                free: Some(u128::from(self.limit)),
            });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_when_there_is_no_more() {
        let budget = Budget::new(Some(1000));
        assert!(budget.add_edges(50, false, true).is_ok());
        let error = budget.add(301).unwrap_err();
        assert!(
            matches!(
                error,
                GraphError::OutOfMemory {
                    bytes: 1001,
                    free: Some(1000)
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn this_machine_has_some() {
        assert!(Budget::new(None).add(1).is_ok());
    }
}
