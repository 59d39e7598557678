//! Random programs for tests: well-typed plans with inputs and the tolerance their outputs need.
//!
//! A program is made of steps that shrink to fewer and simpler ones. Values stay in ranges
//! where every operation is defined, and what may be rounded differently by another evaluation is
//! never compared or cut to an integer, so that two correct evaluations differ by no more
//! than [`Program::tolerances`]. Behind the feature `testing`; reads and writes nothing.

mod bounds;
mod build;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use proptest::prelude::{Strategy, any};

use crate::plan::Plan;
use crate::value::Value;

/// How large random programs get.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Steps, at most; one makes one operation or a few.
    pub steps: usize,
    /// Elements of an array, at most.
    pub elements: usize,
    /// Whether there are loops.
    pub loops: bool,
    /// Whether there are reductions.
    pub reductions: bool,
    /// Whether operations have lines and values have unusual names, for printers and readers.
    pub decorated: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            steps: 24,
            elements: 600,
            loops: true,
            reductions: true,
            decorated: false,
        }
    }
}

/// A plan that can be run, with what it needs.
#[derive(Clone, Debug)]
pub struct Program {
    /// The plan, verified.
    pub plan: Plan,
    /// A value for every input.
    pub inputs: BTreeMap<String, Value>,
    /// For each output, how far two correct evaluations may lie apart; 0 for integers and truth values.
    pub tolerances: Vec<f64>,
}

/// One step: which kind, and choices of operands.
type Step = (u8, u16, u16, u16);

/// Random programs.
pub fn programs(config: Config) -> impl Strategy<Value = Program> {
    let steps = proptest::collection::vec(any::<Step>(), 1..=config.steps.max(1));
    let lengths = (1..=config.elements.max(1), 1..=config.elements.max(1));
    (steps, lengths, any::<u64>()).prop_map(move |(steps, (n, m), seed)| build::program(&steps, [n, m], seed, config))
}

/// Whether two values are equal up to a tolerance; NaN equals NaN.
pub fn close(a: &Value, b: &Value, tolerance: f64) -> bool {
    let near = |a: crate::Scalar, b: crate::Scalar| {
        let (x, y) = (a.as_f64(), b.as_f64());
        a == b || (x.is_nan() && y.is_nan()) || (a.dtype().is_float() && (x - y).abs() <= tolerance)
    };
    match (a, b) {
        (Value::Scalar(a), Value::Scalar(b)) => a.dtype() == b.dtype() && near(*a, *b),
        (Value::Array(a), Value::Array(b)) => {
            a.dtype() == b.dtype()
                && a.len() == b.len()
                && crate::evaluate::elements(a)
                    .into_iter()
                    .zip(crate::evaluate::elements(b))
                    .all(|(a, b)| near(a, b))
        }
        _ => false,
    }
}
