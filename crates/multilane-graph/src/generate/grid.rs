//! Grids: nodes in rows and columns, joined with the next in either direction.

use multilane_plan::Lanes;

use crate::error::GraphError;
use crate::graph::{EdgeOptions, Graph};
use crate::limits;

/// An undirected grid; node `row * columns + column`. A periodic one is joined across its borders.
pub fn grid(rows: usize, columns: usize, periodic: bool, lanes: &dyn Lanes) -> Result<Graph, GraphError> {
    let wanted = rows as u128 * columns as u128;
    let nodes = limits::checked_nodes(wanted)?;
    // Two edges for each node, as ends and from both ends as rows.
    limits::refuse_beyond_memory(wanted * 16 + limits::building_bytes(wanted, wanted * 4, 0))?;
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
