//! What the shortest ways from one source add to the nodes they lead through.
//!
//! Numbers of ways grow beyond any float on large grids: they carry an exponent of their own.

use crate::Csr;

/// No step count yet.
const UNREACHED: u32 = u32::MAX;
/// Numbers of ways are kept below this; what is larger moves into the exponent.
const LARGE: f64 = f64::from_bits(((1023 + STEP) as u64) << 52);
/// One unit of the exponent, as a power of 2.
const STEP: u32 = 400;
/// What one unit of the exponent is worth less.
const SMALL: f64 = f64::from_bits(((1023 - STEP) as u64) << 52);

/// What is known of a node, in one place since it is read together at random.
#[derive(Clone, Copy)]
struct Node {
    /// Number of shortest ways from the source, and after its turn on the way back: what each of them is worth.
    ways: f64,
    steps: u32,
    /// Units of the exponent of `ways`.
    units: u32,
}

/// Memory for searches from one source after the other.
pub(super) struct Search<'a> {
    rows: &'a Csr,
    nodes: Vec<Node>,
    order: Vec<u32>,
}

impl<'a> Search<'a> {
    pub(super) fn new(rows: &'a Csr) -> Self {
        let node = Node {
            ways: 0.0,
            steps: UNREACHED,
            units: 0,
        };
        Self {
            rows,
            nodes: vec![node; rows.num_nodes()],
            order: Vec::new(),
        }
    }

    /// The shares of all nodes that ways from `source` lead through.
    pub(super) fn run(&mut self, source: u32, shares: &mut Vec<(u32, f64)>) {
        shares.clear();
        self.forth(source);
        self.back(shares);
        for node in self.order.drain(..) {
            self.nodes[node as usize].steps = UNREACHED;
        }
    }

    /// Counts steps and ways, nearest nodes first.
    fn forth(&mut self, source: u32) {
        self.order.push(source);
        self.nodes[source as usize] = Node {
            ways: 1.0,
            steps: 0,
            units: 0,
        };
        let mut at = 0;
        while let Some(&node) = self.order.get(at) {
            at += 1;
            let mut here = self.nodes[node as usize];
            if here.ways > LARGE {
                here.ways *= SMALL;
                here.units += 1;
                self.nodes[node as usize] = here;
            }
            let mut previous = UNREACHED;
            for &other in self.rows.neighbours(node as usize) {
                if other == previous {
                    continue;
                }
                previous = other;
                let there = &mut self.nodes[other as usize];
                if there.steps == UNREACHED {
                    *there = Node {
                        steps: here.steps + 1,
                        ..here
                    };
                    self.order.push(other);
                } else if there.steps == here.steps + 1 {
                    if there.units == here.units {
                        there.ways += here.ways;
                    } else if there.units + 1 == here.units {
                        there.ways = there.ways * SMALL + here.ways;
                        there.units = here.units;
                    } else if there.units < here.units {
                        there.ways = here.ways;
                        there.units = here.units;
                    } else if there.units == here.units + 1 {
                        there.ways += here.ways * SMALL;
                    }
                }
            }
        }
    }

    /// Hands shares back, farthest nodes first.
    fn back(&mut self, shares: &mut Vec<(u32, f64)>) {
        for &node in self.order.iter().skip(1).rev() {
            let here = self.nodes[node as usize];
            let mut worth = 0.0;
            let mut previous = UNREACHED;
            for &other in self.rows.neighbours(node as usize) {
                if other == previous {
                    continue;
                }
                previous = other;
                let there = &self.nodes[other as usize];
                if there.steps == here.steps + 1 {
                    worth += match there.units - here.units {
                        0 => there.ways,
                        1 => there.ways * SMALL,
                        _ => 0.0,
                    };
                }
            }
            let share = here.ways * worth;
            if share != 0.0 {
                shares.push((node, share));
            }
            self.nodes[node as usize].ways = (1.0 + share) / here.ways;
        }
    }
}
