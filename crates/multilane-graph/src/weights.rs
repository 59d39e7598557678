//! Weights of edges: none, or one float for every entry of a CSR.

use std::ops::Range;

use crate::error::GraphError;

/// Weights, in the order of the edges they belong to.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Weights {
    /// Every edge weighs 1.
    #[default]
    None,
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
}

/// Weights that somebody else holds.
#[derive(Clone, Copy, Debug, Default)]
pub enum WeightSlice<'a> {
    /// Every edge weighs 1.
    #[default]
    None,
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 64-bit floats.
    F64(&'a [f64]),
}

impl Weights {
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The weight of the edge at a position; 1 where there are none.
    #[inline]
    pub fn get(&self, position: usize) -> f64 {
        self.as_slice().get(position)
    }

    /// The same weights, borrowed.
    pub fn as_slice(&self) -> WeightSlice<'_> {
        match self {
            Self::None => WeightSlice::None,
            Self::F32(weights) => WeightSlice::F32(weights),
            Self::F64(weights) => WeightSlice::F64(weights),
        }
    }

    /// Bytes they take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::F32(weights) => weights.capacity() * 4,
            Self::F64(weights) => weights.capacity() * 8,
        }
    }
}

impl WeightSlice<'_> {
    /// The weight at a position; 1 where there are none.
    #[inline]
    pub fn get(self, position: usize) -> f64 {
        match self {
            Self::None => 1.0,
            Self::F32(weights) => f64::from(weights[position]),
            Self::F64(weights) => weights[position],
        }
    }

    /// How many there are, unless every edge weighs 1.
    pub fn count(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::F32(weights) => Some(weights.len()),
            Self::F64(weights) => Some(weights.len()),
        }
    }

    /// The position of the first that is not a number, among those of `range`.
    pub(crate) fn first_nan(self, range: Range<usize>) -> Option<usize> {
        let start = range.start;
        let found = match self {
            Self::None => None,
            Self::F32(weights) => weights[range].iter().position(|weight| weight.is_nan()),
            Self::F64(weights) => weights[range].iter().position(|weight| weight.is_nan()),
        };
        found.map(|position| start + position)
    }

    /// Refuses a number of weights that is not that of the edges.
    pub(crate) fn expect_count(self, edges: usize) -> Result<(), GraphError> {
        match self.count() {
            Some(weights) if weights != edges => Err(GraphError::WeightCount { edges, weights }),
            _ => Ok(()),
        }
    }
}
