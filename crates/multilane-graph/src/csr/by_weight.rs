//! Rows with their lightest edges first, each edge one piece of memory.
//!
//! Reads compressed rows with weights; makes the same rows anew, at the same positions. Weights
//! are kept in 32 bits where that changes none of them.

use multilane_plan::Lanes;

use super::Csr;
use crate::algorithms::advise;
use crate::error::GraphError;
use crate::shared::{PerLane, Shared, part, pieces, reserve};
use crate::weights::WeightSlice;

/// An edge as it stands in the row of its source.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Step<W> {
    pub(crate) weight: W,
    pub(crate) target: u32,
}

/// Rows by weight; they start and end where those they were made from do.
#[derive(Debug)]
pub(crate) enum ByWeight {
    /// Weights that fit into 32 bits.
    F32(Vec<Step<f32>>),
    /// Others.
    F64(Vec<Step<f64>>),
}

impl ByWeight {
    /// Sorts the rows by weight; edges of equal weight by their targets.
    pub(crate) fn new(rows: &Csr, lanes: &dyn Lanes) -> Result<Self, GraphError> {
        Ok(match rows.weight_slice() {
            WeightSlice::None => Self::F32(sorted(rows, lanes, |_| 1.0)?),
            WeightSlice::F32(weights) => Self::F32(sorted(rows, lanes, |at| weights[at])?),
            WeightSlice::F64(weights) if narrow(weights, lanes) => {
                Self::F32(sorted(rows, lanes, |at| weights[at] as f32)?)
            }
            WeightSlice::F64(weights) => Self::F64(sorted(rows, lanes, |at| weights[at])?),
        })
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::F32(steps) => steps.capacity() * size_of::<Step<f32>>(),
            Self::F64(steps) => steps.capacity() * size_of::<Step<f64>>(),
        }
    }
}

/// Whether each weight is the same in 32 bits.
fn narrow(weights: &[f64], lanes: &dyn Lanes) -> bool {
    let cuts = pieces(weights.len(), 1 << 16, lanes);
    let wide = PerLane::new(lanes, || false);
    lanes.run(cuts, &|piece, lane| {
        // SAFETY: the lane is the one `run` gave.
        let wide = unsafe { wide.get(lane) };
        let fits = |&weight: &f64| f64::from(weight as f32) == weight;
        *wide = *wide || !weights[part(weights.len(), cuts, piece)].iter().all(fits);
    });
    !wide.into_all().any(|wide| wide)
}

fn sorted<W: Copy + PartialOrd + Send + Sync>(
    rows: &Csr,
    lanes: &dyn Lanes,
    weight: impl Fn(usize) -> W + Sync,
) -> Result<Vec<Step<W>>, GraphError> {
    let mut steps = reserve::<Step<W>>(rows.num_entries())?;
    advise(&mut steps);
    let all = Shared::new(steps.as_mut_ptr());
    let bounds = rows.balanced(lanes.count() * 64);
    lanes.run(bounds.len() - 1, &|piece, _| {
        if lanes.stopped() {
            return;
        }
        for node in bounds[piece]..bounds[piece + 1] {
            let row = rows.range(node);
            for at in row.clone() {
                let step = Step {
                    weight: weight(at),
                    target: rows.targets()[at],
                };
                // SAFETY: rows are apart, and each is in one piece.
                unsafe { all.write(at, step) };
            }
            // SAFETY: as above, and all of the row was written.
            let row = unsafe { all.slice(row) };
            // No weight is NaN, so that all of them compare.
            row.sort_unstable_by(|left, right| {
                let weights = left.weight.partial_cmp(&right.weight);
                weights
                    .unwrap_or(std::cmp::Ordering::Equal)
                    .then(left.target.cmp(&right.target))
            });
        }
    });
    if lanes.stopped() {
        return Err(GraphError::Stopped);
    }
    // SAFETY: the pieces wrote every row.
    unsafe { steps.set_len(rows.num_entries()) };
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Weights;
    use multilane_plan::Serial;

    fn rows(weights: Vec<f64>) -> Csr {
        Csr::from_parts(vec![0, 3, 3, 4], vec![0, 1, 2, 1], Weights::F64(weights))
    }

    #[test]
    fn light_edges_come_first_and_weights_shrink_when_they_can() {
        let ByWeight::F32(steps) = ByWeight::new(&rows(vec![3.0, f64::INFINITY, -1.5, 7.0]), &Serial).unwrap() else {
            panic!("these fit into 32 bits")
        };
        let found: Vec<(f32, u32)> = steps.iter().map(|step| (step.weight, step.target)).collect();
        assert_eq!(found, [(-1.5, 2), (3.0, 0), (f32::INFINITY, 1), (7.0, 1)]);
    }

    #[test]
    fn weights_that_do_not_fit_stay() {
        let ByWeight::F64(steps) = ByWeight::new(&rows(vec![0.1, 0.3, 0.2, 1e300]), &Serial).unwrap() else {
            panic!("these need 64 bits")
        };
        assert_eq!(steps[1], Step { weight: 0.2, target: 2 });
    }
}
