//! Betweenness: for each node, the share of shortest ways that lead through it.
//!
//! Brandes' algorithm from all nodes or from a sample, counting steps and not weights. Lanes work on
//! different sources; what each source adds is summed up in the order of the sources, so that the
//! result is the same to the last bit at any number of lanes. Self-loops and repeated edges do not count.

mod source;

use std::sync::Mutex;

use multilane_plan::Lanes;

use self::source::Search;
use super::lanes::{PerLane, check_node, chunks, go_on, lock};
use crate::{Graph, GraphError};

/// How [`betweenness`] is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BetweennessOptions {
    /// How many sources to start from; all nodes without it.
    pub samples: Option<usize>,
    /// Which sources a sample has.
    pub seed: u64,
    /// Whether to divide by the number of pairs of other nodes.
    pub normalized: bool,
}

impl Default for BetweennessOptions {
    fn default() -> Self {
        Self {
            samples: None,
            seed: 0,
            normalized: true,
        }
    }
}

/// Betweenness of every node; estimated when only a sample of nodes are sources.
pub fn betweenness(graph: &Graph, options: BetweennessOptions, lanes: &dyn Lanes) -> Result<Vec<f64>, GraphError> {
    let nodes = graph.num_nodes();
    let sources = match options.samples {
        None => (0..nodes).collect(),
        Some(samples) => sample(nodes, samples, options.seed)?,
    };
    betweenness_from(graph, &sources, options.normalized, lanes)
}

/// [`betweenness`] estimated from given sources.
///
/// Scaled as if the sources stood for all nodes: a node that is no source by the pairs that start
/// at all sources, a source by the pairs that start at the others, since none of its own lead through it.
pub fn betweenness_from(
    graph: &Graph,
    sources: &[usize],
    normalized: bool,
    lanes: &dyn Lanes,
) -> Result<Vec<f64>, GraphError> {
    let nodes = graph.num_nodes();
    let mut is_source = vec![false; nodes];
    for &source in sources {
        check_node(graph, source)?;
        if std::mem::replace(&mut is_source[source], true) {
            return Err(GraphError::Argument {
                argument: "sources",
                value: format!("{source} twice"),
                expected: "a list of different nodes",
            });
        }
    }
    let mut sums = depend(graph, sources, lanes)?;
    // As many sources and ends as a way through a node can have.
    let others = nodes.saturating_sub(1) as f64;
    let exact = sources.len() == nodes;
    for (sum, &is_source) in sums.iter_mut().zip(&is_source) {
        let starts = if is_source { sources.len() - 1 } else { sources.len() } as f64;
        let pairs = if normalized {
            starts * (others - 1.0)
        } else {
            (if graph.is_directed() { 1.0 } else { 2.0 }) * if exact { 1.0 } else { starts / others }
        };
        // A sum that is 0 stays so where there are no pairs at all.
        if *sum != 0.0 && pairs != 1.0 {
            *sum /= pairs;
        }
    }
    Ok(sums)
}

/// Different nodes, drawn without preference.
fn sample(nodes: usize, samples: usize, seed: u64) -> Result<Vec<usize>, GraphError> {
    if samples == 0 || samples > nodes {
        return Err(GraphError::Argument {
            argument: "samples",
            value: samples.to_string(),
            expected: "between 1 and the number of nodes",
        });
    }
    // Floyd's way: as much memory as there are samples, not nodes.
    let mut state = seed;
    let mut chosen = std::collections::BTreeSet::new();
    for last in nodes - samples..nodes {
        let drawn = ((u128::from(random(&mut state)) * (last as u128 + 1)) >> 64) as usize;
        if !chosen.insert(drawn) {
            chosen.insert(last);
        }
    }
    Ok(chosen.into_iter().collect())
}

/// The next number of Steele, Lea and Flood's SplitMix.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *state;
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}

/// What all sources add to every node, in the order of the sources.
fn depend(graph: &Graph, sources: &[usize], lanes: &dyn Lanes) -> Result<Vec<f64>, GraphError> {
    let rows = graph.out();
    let mut sums = vec![0.0; graph.num_nodes()];
    // A source without edges adds nothing.
    let sources: Vec<usize> = sources
        .iter()
        .copied()
        .filter(|&source| rows.degree(source) > 0)
        .collect();
    let searches = PerLane::new(lanes, || Search::new(rows));
    // As many results as are kept until they are summed up: enough that no lane waits long for another.
    let wave = lanes.count() * if lanes.count() == 1 { 1 } else { 4 };
    let results: Vec<Mutex<Vec<(u32, f64)>>> = (0..wave).map(|_| Mutex::default()).collect();
    for wave in sources.chunks(wave) {
        go_on(lanes)?;
        lanes.run(wave.len(), &|piece, lane| {
            searches.of(lane).run(wave[piece] as u32, &mut lock(&results[piece]));
        });
        let ready: Vec<_> = results[..wave.len()].iter().map(lock).collect();
        if lanes.count() == 1 || ready.iter().map(|result| result.len()).sum::<usize>() < 1 << 14 {
            for result in &ready {
                result.iter().for_each(|&(node, share)| sums[node as usize] += share);
            }
            continue;
        }
        let grain = sums.len().div_ceil(lanes.count()).max(1 << 12);
        let ready: Vec<&[(u32, f64)]> = ready.iter().map(|result| result.as_slice()).collect();
        chunks(lanes, &mut sums, grain, |start, sums, _| {
            for result in &ready {
                for &(node, share) in *result {
                    if let Some(sum) = sums.get_mut((node as usize).wrapping_sub(start)) {
                        *sum += share;
                    }
                }
            }
        });
    }
    Ok(sums)
}
