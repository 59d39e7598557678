//! Communities by label propagation (Raghavan, Albert, Kumara 2007), the same at any number of lanes.
//!
//! Every node starts with a label of its own and takes over the most frequent label of its
//! neighbours, round by round, until hardly any changes. In a round nodes are visited in classes
//! drawn anew: those of one class read the labels as they were before it, the next class reads
//! what they became. That converges nearly as fast as visiting node after node, does not swing to
//! and fro as visiting all at once does, and does not depend on who visits which node first.
//! Ties keep the label a node has, else a hash of node, label and seed decides.
//! Reads the graph, writes its own arrays.

use std::sync::atomic::{AtomicBool, Ordering};

use multilane_plan::Lanes;

use crate::csr::Csr;
use crate::error::GraphError;
use crate::generate::mix;
use crate::graph::{Direction, Graph};
use crate::mode::Counter;
use crate::shared::{PerLane, Shared, part, pieces, reserve};

/// Classes of nodes, visited one after the other.
const CLASSES: usize = 8;

/// How labels are propagated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelPropagation {
    /// At most that many rounds.
    pub max_rounds: usize,
    /// Stop after a round in which at most this share of the nodes changed its label.
    pub tolerance: f64,
    /// Decides ties.
    pub seed: u64,
}

impl Default for LabelPropagation {
    fn default() -> Self {
        Self {
            max_rounds: 100,
            tolerance: 1e-5,
            seed: 1,
        }
    }
}

/// Communities of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Communities {
    /// The community of every node, numbered from 0 in the order of their first nodes.
    pub labels: Vec<u32>,
    /// Number of communities.
    pub count: usize,
    /// Rounds that were made.
    pub rounds: usize,
    /// Whether the last round changed no more than the tolerance allows.
    pub converged: bool,
}

/// Finds communities; edges count in both directions and without their weights.
pub fn label_propagation(
    graph: &Graph,
    options: LabelPropagation,
    lanes: &dyn Lanes,
) -> Result<Communities, GraphError> {
    if !(0.0..=1.0).contains(&options.tolerance) {
        return Err(GraphError::Argument {
            argument: "tolerance",
            value: options.tolerance.to_string(),
            expected: "a share from 0 to 1",
        });
    }
    let rows = graph.rows(Direction::Both, lanes)?;
    let nodes = rows.num_nodes();
    let mut state = State {
        rows,
        labels: (0..nodes as u32).collect(),
        active: Active::new(nodes)?,
        seed: options.seed,
        lanes,
    };
    let allowed = (options.tolerance * nodes as f64) as usize;
    let (mut rounds, mut converged) = (0, nodes == 0);
    while !converged && rounds < options.max_rounds {
        let changed = state.round(rounds as u64);
        if lanes.stopped() {
            return Err(GraphError::Stopped);
        }
        rounds += 1;
        converged = changed <= allowed;
    }
    let mut labels = state.labels;
    let count = renumber(&mut labels);
    Ok(Communities {
        labels,
        count,
        rounds,
        converged,
    })
}

/// Which nodes have a neighbour that changed since they were visited last.
struct Active {
    /// Before anything is known all of them have.
    all: bool,
    marks: Vec<AtomicBool>,
}

impl Active {
    fn new(nodes: usize) -> Result<Self, GraphError> {
        let mut marks = reserve::<AtomicBool>(nodes)?;
        marks.resize_with(nodes, || AtomicBool::new(false));
        Ok(Self { all: true, marks })
    }
}

struct State<'a> {
    rows: &'a Csr,
    labels: Vec<u32>,
    active: Active,
    seed: u64,
    lanes: &'a dyn Lanes,
}

/// A node and the label it takes over.
type Change = (u32, u32);

impl State<'_> {
    /// Visits the active nodes once; returns how many changed.
    fn round(&mut self, round: u64) -> usize {
        let classes = self.classes(round);
        let mut changes = Vec::new();
        for class in &classes {
            let before = changes.len();
            self.visit(class, &mut changes);
            self.take_over(&changes[before..]);
            if self.lanes.stopped() {
                break;
            }
        }
        // Marking costs a write for every edge of a changed node: worth it once they are few.
        let edges: usize = changes.iter().map(|&(node, _)| self.rows.degree(node as usize)).sum();
        self.active.all = edges >= self.rows.num_entries() / 4;
        if !self.active.all {
            self.mark_neighbours(&changes);
        }
        changes.len()
    }

    /// The active nodes in classes drawn for a round, each in rising order; none is marked any more.
    fn classes(&self, round: u64) -> [Vec<u32>; CLASSES] {
        let nodes = self.rows.num_nodes();
        let cuts = pieces(nodes, 1 << 13, self.lanes);
        let mut parts: Vec<[Vec<u32>; CLASSES]> = vec![Default::default(); cuts];
        let all = Shared::new(parts.as_mut_ptr());
        self.lanes.run(cuts, &|piece, _| {
            // SAFETY: every piece has its own element.
            let [own] = (unsafe { all.slice(piece..piece + 1) }) else {
                return;
            };
            for node in part(nodes, cuts, piece) {
                let mark = &self.active.marks[node];
                if self.active.all || mark.load(Ordering::Relaxed) {
                    mark.store(false, Ordering::Relaxed);
                    let draw = mix(node as u64 ^ round.rotate_left(40) ^ self.seed);
                    own[(draw % CLASSES as u64) as usize].push(node as u32);
                }
            }
        });
        std::array::from_fn(|class| parts.iter().flat_map(|part| &part[class]).copied().collect())
    }

    /// Adds the nodes of a class that will have another label.
    fn visit(&self, class: &[u32], changes: &mut Vec<Change>) {
        let cuts = pieces(class.len(), 64, self.lanes) * 4;
        let scratch = PerLane::new(self.lanes, || (Counter::default(), Vec::new()));
        self.lanes.run(cuts, &|piece, lane| {
            if self.lanes.stopped() {
                return;
            }
            // SAFETY: the lane is the one `run` gave.
            let (counter, found) = unsafe { scratch.get(lane) };
            for &node in &class[part(class.len(), cuts, piece)] {
                if let Some(label) = self.better(node as usize, counter) {
                    found.push((node, label));
                }
            }
        });
        for (_, found) in scratch.into_all() {
            changes.extend(found);
        }
    }

    /// The label a node will take over, if it is not its own.
    #[inline]
    fn better(&self, node: usize, counter: &mut Counter<u32>) -> Option<u32> {
        counter.labels.clear();
        let neighbours = self.rows.neighbours(node).iter();
        counter
            .labels
            .extend(neighbours.map(|&neighbour| self.labels[neighbour as usize]));
        let own = self.labels[node];
        let (mut best, mut keep) = (None, false);
        counter.modes(|label| {
            keep |= label == own;
            let rank = mix((node as u64) << 32 | u64::from(label) ^ self.seed);
            best = best.max(Some((rank, label)));
        });
        best.map(|(_, label)| label).filter(|_| !keep)
    }

    /// Gives changed nodes their labels.
    fn take_over(&mut self, changes: &[Change]) {
        let labels = Shared::new(self.labels.as_mut_ptr());
        let cuts = pieces(changes.len(), 4096, self.lanes);
        self.lanes.run(cuts, &|piece, _| {
            for &(node, label) in &changes[part(changes.len(), cuts, piece)] {
                // SAFETY: a node is among the changes once, and so in one piece.
                unsafe { labels.write(node as usize, label) };
            }
        });
    }

    /// Makes the neighbours of changed nodes active.
    fn mark_neighbours(&self, changes: &[Change]) {
        let cuts = pieces(changes.len(), 256, self.lanes);
        self.lanes.run(cuts, &|piece, _| {
            for &(node, _) in &changes[part(changes.len(), cuts, piece)] {
                for &neighbour in self.rows.neighbours(node as usize) {
                    self.active.marks[neighbour as usize].store(true, Ordering::Relaxed);
                }
            }
        });
    }
}

/// Numbers labels from 0 in the order they first occur; returns how many there are.
fn renumber(labels: &mut [u32]) -> usize {
    let mut numbers = vec![u32::MAX; labels.len()];
    let mut count = 0;
    for label in labels {
        let number = &mut numbers[*label as usize];
        if *number == u32::MAX {
            *number = count;
            count += 1;
        }
        *label = *number;
    }
    count as usize
}
