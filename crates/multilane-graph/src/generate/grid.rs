//! Grids: nodes in rows and columns, joined with the next in either direction.

use multilane_plan::Lanes;

use crate::error::GraphError;
use crate::graph::{EdgeOptions, Graph};

/// An undirected grid; node `row * columns + column`. A periodic one is joined across its borders.
pub fn grid(rows: usize, columns: usize, periodic: bool, lanes: &dyn Lanes) -> Result<Graph, GraphError> {
    let nodes = rows.checked_mul(columns).filter(|&nodes| nodes <= crate::MAX_NODES);
    let nodes = nodes.ok_or(GraphError::TooManyNodes {
        nodes: rows as i128 * columns as i128,
    })?;
    // Across a border of one or two nodes there is nothing new to join.
    let (around_rows, around_columns) = (periodic && rows > 2, periodic && columns > 2);
    let mut sources = crate::shared::reserve::<u32>(nodes * 2)?;
    let mut targets = crate::shared::reserve::<u32>(nodes * 2)?;
    let mut join = |source: usize, target: usize| {
        sources.push(source as u32);
        targets.push(target as u32);
    };
    for row in 0..rows {
        for column in 0..columns {
            let node = row * columns + column;
            if column + 1 < columns {
                join(node, node + 1);
            } else if around_columns {
                join(node, row * columns);
            }
            if row + 1 < rows {
                join(node, node + columns);
            } else if around_rows {
                join(node, column);
            }
        }
    }
    let options = EdgeOptions {
        nodes: Some(nodes),
        directed: false,
        ..EdgeOptions::default()
    };
    Graph::from_edges(&sources, &targets, crate::WeightSlice::None, options, lanes)
}
