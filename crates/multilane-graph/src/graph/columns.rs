//! Attributes of nodes: named arrays with one element for every node.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use multilane_plan::Array;

use crate::error::GraphError;

/// Named arrays behind a lock: plans that run at the same time may read and write them.
#[derive(Debug, Default)]
pub struct Columns(RwLock<BTreeMap<String, Array>>);

impl Columns {
    /// The array with a name; shares its memory.
    pub fn get(&self, name: &str) -> Result<Array, GraphError> {
        // A map of names cannot be left half changed, so that poison says nothing.
        let columns = self.0.read().unwrap_or_else(PoisonError::into_inner);
        columns.get(name).cloned().ok_or_else(|| GraphError::UnknownAttribute {
            name: name.to_owned(),
            known: columns.keys().cloned().collect(),
        })
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<String> {
        let columns = self.0.read().unwrap_or_else(PoisonError::into_inner);
        columns.keys().cloned().collect()
    }

    /// Takes an attribute away; whether it was there.
    pub fn remove(&self, name: &str) -> bool {
        let mut columns = self.0.write().unwrap_or_else(PoisonError::into_inner);
        columns.remove(name).is_some()
    }

    pub(crate) fn set(&self, name: &str, column: Array, nodes: usize) -> Result<(), GraphError> {
        if column.len() != nodes {
            return Err(GraphError::AttributeLength {
                name: name.to_owned(),
                len: column.len(),
                nodes,
            });
        }
        let mut columns = self.0.write().unwrap_or_else(PoisonError::into_inner);
        columns.insert(name.to_owned(), column);
        Ok(())
    }
}
