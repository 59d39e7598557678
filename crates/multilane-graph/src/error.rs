//! What can go wrong with a graph: one error for the whole crate.
//!
//! Fields, not sentences, so that a front can build its own message; [`GraphError::hint`]
//! says what to do next where that is known.

use std::io::ErrorKind;
use std::path::PathBuf;

/// Why a graph could not be made, read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The arrays of an edge list have different lengths.
    #[error("{sources} sources, but {targets} targets")]
    LengthMismatch {
        /// Number of sources.
        sources: usize,
        /// Number of targets.
        targets: usize,
    },
    /// There is not one weight for every edge.
    #[error("{edges} edges, but {weights} weights")]
    WeightCount {
        /// Number of edges.
        edges: usize,
        /// Number of weights.
        weights: usize,
    },
    /// An edge names a node that does not exist.
    #[error("edge {edge} names node {node}, which is not one of the {nodes} nodes from 0 on")]
    NodeOutOfRange {
        /// Position of the edge, from 0.
        edge: usize,
        /// The node it names.
        node: i128,
        /// Number of nodes.
        nodes: usize,
    },
    /// A node that was asked for does not exist.
    #[error("there is no node {node}: the graph has {nodes} nodes")]
    NoSuchNode {
        /// The node.
        node: i128,
        /// Number of nodes.
        nodes: usize,
    },
    /// A weight is not a number.
    #[error("the weight of edge {edge} is NaN")]
    NanWeight {
        /// Position of the edge, from 0.
        edge: usize,
    },
    /// A weight is below zero where an algorithm cannot use that.
    #[error("`{algorithm}` needs weights of at least 0, but an edge of node {node} has {weight}")]
    NegativeWeight {
        /// The algorithm.
        algorithm: &'static str,
        /// The node the edge starts at.
        node: usize,
        /// The weight.
        weight: f64,
    },
    /// More nodes than a graph can name.
    #[error("{nodes} nodes are more than the {} a graph can have", crate::MAX_NODES)]
    TooManyNodes {
        /// Number of nodes.
        nodes: i128,
    },
    /// The machine has no memory for the graph.
    #[error("no memory for {} of a graph{}", size(*bytes), free.map(|free| format!(", only {} are free", size(free))).unwrap_or_default())]
    OutOfMemory {
        /// Bytes that it takes, or those it had come to when there was no more.
        bytes: u128,
        /// Bytes there are, where that is known.
        free: Option<u128>,
    },
    /// Offsets of a CSR do not start at 0, fall, or do not end at the number of targets.
    #[error("offset {position} of the rows is {offset}, which is not between {least} and {most}")]
    Offsets {
        /// Which offset, from 0.
        position: usize,
        /// Its value.
        offset: i128,
        /// The smallest it may be.
        least: usize,
        /// The largest it may be.
        most: usize,
    },
    /// An argument is outside what the operation takes.
    #[error("`{argument}` is {value}, which is not {expected}")]
    Argument {
        /// Its name.
        argument: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// An algorithm needs weights and the graph has none.
    #[error("`{algorithm}` needs weights, and the graph has none")]
    NoWeights {
        /// The algorithm.
        algorithm: &'static str,
    },
    /// No attribute has that name.
    #[error("the graph has no attribute `{name}`")]
    UnknownAttribute {
        /// The name.
        name: String,
        /// Names that exist.
        known: Vec<String>,
    },
    /// An attribute has not one element for every node.
    #[error("attribute `{name}` has {len} elements for {nodes} nodes")]
    AttributeLength {
        /// The name.
        name: String,
        /// Its length.
        len: usize,
        /// Number of nodes.
        nodes: usize,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of a text file is not what its format says.
    #[error("{}, line {line}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A file as a whole is not what its format says.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The caller asked to stop.
    #[error("stopped before it was done")]
    Stopped,
}

impl GraphError {
    /// What the user can do next, when that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::LengthMismatch { .. } => Some("give one source and one target for every edge".to_owned()),
            Self::WeightCount { .. } => Some("give one weight for every edge, or none at all".to_owned()),
            Self::NodeOutOfRange { node, .. } if *node < 0 => Some(
                "number the nodes from 0; ids of your own can be mapped with numpy.unique(return_inverse=True)"
                    .to_owned(),
            ),
            Self::NodeOutOfRange { node, .. } => Some(format!(
                "give at least {} nodes, or leave their number out",
                node.saturating_add(1)
            )),
            Self::NanWeight { .. } => Some("replace or drop edges without a weight first".to_owned()),
            Self::NegativeWeight { .. } => {
                Some("shift the weights to be at least 0, or use another algorithm".to_owned())
            }
            Self::TooManyNodes { .. } => Some("renumber the nodes that occur from 0 on".to_owned()),
            Self::OutOfMemory { .. } => Some(
                "use fewer nodes or edges, or a machine with more memory; where only the numbers of the nodes are \
                 large, number them anew"
                    .to_owned(),
            ),
            Self::Offsets { .. } => Some("give offsets that rise from 0 to the number of targets".to_owned()),
            Self::Io { source, .. } => match source.kind() {
                ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                    Some("the file is damaged or was cut short; get it again".to_owned())
                }
                _ => None,
            },
            Self::NoWeights { .. } => Some("give weights when the graph is made".to_owned()),
            Self::UnknownAttribute { name, known } => {
                closest(name, known).map(|found| format!("did you mean `{found}`?"))
            }
            Self::AttributeLength { .. } => Some("give one element for every node".to_owned()),
            _ => None,
        }
    }
}

/// Bytes as people write them; rounded, so that no two digits too many are read as precision.
fn size(bytes: u128) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let (mut amount, mut unit) = (bytes as f64 / 1e3, 0);
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1e3;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// The known name that shares most with a misspelt one, when any is near.
fn closest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let distance = |other: &str| {
        let other: Vec<char> = other.chars().collect();
        let mut row: Vec<usize> = (0..=other.len()).collect();
        for (i, left) in name.chars().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, right) in other.iter().enumerate() {
                let best = (diagonal + usize::from(left != *right))
                    .min(row[j] + 1)
                    .min(row[j + 1] + 1);
                diagonal = row[j + 1];
                row[j + 1] = best;
            }
        }
        row[other.len()]
    };
    known
        .iter()
        .map(|other| (distance(other), other.as_str()))
        .min()
        .filter(|(distance, _)| *distance <= 1 + name.chars().count() / 3)
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_a_close_attribute() {
        let error = GraphError::UnknownAttribute {
            name: "pagernk".to_owned(),
            known: vec!["degree".to_owned(), "pagerank".to_owned()],
        };
        assert_eq!(error.hint().as_deref(), Some("did you mean `pagerank`?"));
    }

    #[test]
    fn says_how_much_memory_is_missing() {
        let error = |bytes, free| GraphError::OutOfMemory { bytes, free }.to_string();
        assert_eq!(
            error(80_000_000_000_008, Some(16_200_000_000)),
            "no memory for 80.0 TB of a graph, only 16.2 GB are free"
        );
        assert_eq!(error(999, None), "no memory for 999 bytes of a graph");
        assert_eq!(error(999_999, None), "no memory for 1.0 MB of a graph");
        assert!(error(u128::MAX, None).ends_with(" EB of a graph"));
    }

    #[test]
    fn says_how_many_nodes_there_are() {
        let error = GraphError::NodeOutOfRange {
            edge: 3,
            node: 9,
            nodes: 5,
        };
        assert_eq!(
            error.to_string(),
            "edge 3 names node 9, which is not one of the 5 nodes from 0 on"
        );
        assert_eq!(
            error.hint().as_deref(),
            Some("give at least 10 nodes, or leave their number out")
        );
    }
}
