//! Shortest ways along weighted edges, by delta-stepping from a horizon to the next.
//!
//! Nodes wait in buckets of distances; all lanes empty the nearest bucket together, and each keeps
//! buckets of its own for what it finds. Edges stand in their rows by weight, so that those which lead
//! beyond a horizon are left alone: most of them would only tell nodes what they know better already.
//! When the nodes beyond have fewer edges than were left alone, they ask for their nearest neighbour
//! before the horizon instead, and the rest is followed to its end. A distance is the least sum over
//! all ways, added up from the source, so that it is the same at any number of lanes and for any width
//! of the buckets.

mod ask;
mod buckets;
mod follow;

use multilane_plan::Lanes;

use self::follow::Stepping;
use super::bfs::{UNREACHED, bfs};
use super::lanes::check_node;
use crate::csr::ByWeight;
use crate::{Csr, Graph, GraphError};

/// Distances from `source` to every node; infinite where there is no way. Without weights every edge counts 1.
pub fn sssp(graph: &Graph, source: usize, lanes: &dyn Lanes) -> Result<Vec<f64>, GraphError> {
    sssp_with(graph, source, None, lanes)
}

/// [`sssp`] with buckets of a given width, which changes the time it takes and never the result.
pub fn sssp_with(graph: &Graph, source: usize, width: Option<f64>, lanes: &dyn Lanes) -> Result<Vec<f64>, GraphError> {
    if let Some(width) = width
        && !(width > 0.0 && width.is_finite())
    {
        return Err(GraphError::Argument {
            argument: "width",
            value: width.to_string(),
            expected: "a positive number",
        });
    }
    if !graph.is_weighted() {
        let far = |steps: i32| {
            if steps == UNREACHED {
                f64::INFINITY
            } else {
                f64::from(steps)
            }
        };
        return Ok(bfs(graph, source, lanes)?.into_iter().map(far).collect());
    }
    let source = check_node(graph, source)?;
    let width = width.unwrap_or_else(|| typical_width(graph.out()));
    match graph.by_weight(lanes)? {
        ByWeight::F32(steps) => Stepping::new(graph, steps, width, lanes).run(source),
        ByWeight::F64(steps) => Stepping::new(graph, steps, width, lanes).run(source),
    }
}

/// A width that makes few buckets and repeats little: as far as the typical edge, less where rows are long.
fn typical_width(out: &Csr) -> f64 {
    let edges = out.num_entries();
    let sample: Vec<f64> = (0..edges)
        .step_by((edges / 4096).max(1))
        .map(|edge| out.weights().get(edge))
        .filter(|weight| weight.is_finite())
        .collect();
    let mean = sample.iter().sum::<f64>() / sample.len().max(1) as f64;
    let row = edges as f64 / out.num_nodes().max(1) as f64;
    let width = mean / row.max(1.0);
    if width > 0.0 && width.is_finite() { width } else { 1.0 }
}
