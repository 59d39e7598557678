//! How large a value can get and how far two correct evaluations of it can lie apart.
//!
//! Interval arithmetic over the `core` dialect with an absolute error beside it. Kernels may round
//! elementary functions their own way, by a few units in the last place, so comparisons
//! and roundings of such values are refused: they could jump.

use std::collections::BTreeMap;

use crate::plan::{Op, Plan, Region, ValueId};
use crate::types::{DType, Extent, Scalar};

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) low: f64,
    pub(super) high: f64,
    /// How far two evaluations can lie apart.
    pub(super) error: f64,
    /// Every evaluation gives the same bits.
    pub(super) exact: bool,
}

impl Known {
    pub(super) fn exact(low: f64, high: f64) -> Self {
        Self {
            low,
            high,
            error: 0.0,
            exact: true,
        }
    }

    /// The largest size.
    pub(super) fn size(self) -> f64 {
        self.low.abs().max(self.high.abs())
    }

    fn join(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            error: self.error.max(other.error),
            exact: self.exact && other.exact,
        }
    }

    /// Whether values of the type may be this large and this uncertain.
    fn tame(self, dtype: DType) -> bool {
        match dtype {
            DType::F32 => self.size() <= 1e4 && self.error <= 1e-2,
            DType::F64 => self.size() <= 1e8 && self.error <= 1e-6,
            _ => true,
        }
    }
}

/// The result of an operation; nothing when it could leave the range where results can be compared.
pub(super) fn result(plan: &Plan, op: &Op, operands: &[Known], len: usize, dtype: DType) -> Option<Known> {
    let name = op.name.strip_prefix("core.")?;
    let operand_dtype = op.operands.first().and_then(|value| plan.ty(*value).dtype());
    let known = apply(op, name, operands, len as f64, dtype, operand_dtype)?;
    let known = if dtype.is_float() { known } else { wrapped(known, dtype) };
    known.tame(dtype).then_some(known)
}

/// Integers that may wrap around can be anything.
fn wrapped(known: Known, dtype: DType) -> Known {
    let limit = match dtype {
        DType::Bool => 1.0,
        DType::I32 => f64::from(i32::MAX),
        _ => i64::MAX as f64,
    };
    if known.size() < limit {
        known
    } else {
        Known::exact(-limit - 1.0, limit)
    }
}

fn apply(op: &Op, name: &str, operands: &[Known], len: f64, dtype: DType, from: Option<DType>) -> Option<Known> {
    let unit = match dtype {
        DType::F32 => f64::from(f32::EPSILON),
        _ => f64::EPSILON,
    };
    let all_exact = operands.iter().all(|known| known.exact);
    // Rounded once; products and what comes of them may be rounded once less by a multiply-add.
    let float = |low: f64, high: f64, error: f64, exact: bool| {
        let size = low.abs().max(high.abs());
        Known {
            low,
            high,
            error: if dtype.is_float() { error + size * unit } else { 0.0 },
            exact: !dtype.is_float() || (exact && all_exact),
        }
    };
    // Results that are only right to a few units.
    let rough = |low: f64, high: f64, error: f64| {
        let size = low.abs().max(high.abs());
        Some(Known {
            low,
            high,
            error: error + 8.0 * size * unit,
            exact: false,
        })
    };
    Some(match (name, operands) {
        ("constant", []) => {
            let value = op.constant()?.as_f64();
            Known::exact(value, value)
        }
        ("add", [a, b]) => float(a.low + b.low, a.high + b.high, a.error + b.error, true),
        ("sub", [a, b]) => float(a.low - b.high, a.high - b.low, a.error + b.error, true),
        ("mul", [a, b]) => {
            let (low, high) = product(*a, *b);
            float(
                low,
                high,
                a.error * b.size() + b.error * a.size() + a.error * b.error,
                false,
            )
        }
        ("fma", [a, b, c]) => {
            let (low, high) = product(*a, *b);
            let error = a.error * b.size() + b.error * a.size() + a.error * b.error + c.error;
            float(
                low + c.low,
                high + c.high,
                error + (low.abs().max(high.abs())) * unit,
                false,
            )
        }
        ("div", [a, b]) if b.low >= 0.5 => {
            let size = a.size() / b.low;
            float(-size, size, a.error / b.low + size * b.error / b.low, false)
        }
        ("recip", [a]) if a.low >= 0.5 => float(1.0 / (a.high + 1.0), 1.0 / a.low, a.error / (a.low * a.low), false),
        ("neg", [a]) => Known {
            low: -a.high,
            high: -a.low,
            ..*a
        },
        ("abs", [a]) => Known {
            low: 0.0,
            high: a.size(),
            ..*a
        },
        ("sqrt", [a]) if a.low >= 0.0 => {
            let error = if a.low > 0.25 { a.error } else { a.error.sqrt() };
            float(a.low.sqrt(), a.high.sqrt(), error, false)
        }
        ("exp", [a]) if a.high <= 10.0 => {
            let high = a.high.exp();
            rough(0.0, high, high * a.error * 1.1)?
        }
        ("log", [a]) if a.low >= 0.5 => rough(a.low.ln(), a.high.ln(), a.error / a.low)?,
        ("sin" | "cos", [a]) if a.size() <= 1e4 => rough(-1.0, 1.0, a.error)?,
        ("tanh", [a]) => rough(-1.0, 1.0, a.error)?,
        ("pow", [a, b]) if !dtype.is_float() && b.low >= 0.0 && b.high <= 6.0 => {
            let size = a.size().max(1.0).powf(b.high);
            Known::exact(-size, size)
        }
        ("pow", [a, b]) if dtype.is_float() && a.low >= 0.5 => {
            let logarithm = a.low.ln().abs().max(a.high.ln().abs());
            if logarithm * b.size() > 15.0 {
                return None;
            }
            let high = (logarithm * b.size()).exp();
            rough(
                0.0,
                high,
                high * (b.size() / a.low * a.error + logarithm * b.error) * 1.1,
            )?
        }
        ("min", [a, b]) => Known {
            low: a.low.min(b.low),
            high: a.high.min(b.high),
            ..a.join(*b)
        },
        ("max", [a, b]) => Known {
            low: a.low.max(b.low),
            high: a.high.max(b.high),
            ..a.join(*b)
        },
        ("eq" | "ne" | "lt" | "le" | "gt" | "ge" | "and" | "or" | "xor" | "not", _) if all_exact => {
            Known::exact(0.0, 1.0)
        }
        ("where", [_, a, b]) => a.join(*b),
        ("cast", [a]) if dtype.is_float() => float(a.low, a.high, a.error, true),
        ("cast", [a]) if a.exact && a.size() < 1e9 => Known::exact(a.low.trunc(), a.high.trunc()),
        ("broadcast", [a]) => *a,
        ("sum", [a]) if dtype.is_float() => {
            let sum = float(len * a.low.min(0.0), len * a.high.max(0.0), len * a.error, false);
            Known {
                error: sum.error + len * a.size() * unit * len.min(300.0),
                ..sum
            }
        }
        ("sum", [a]) => Known::exact(len * a.low.min(0.0), len * a.high.max(0.0)),
        ("mean", [a]) if len > 0.0 => Known {
            low: a.low,
            high: a.high,
            error: a.error + a.size() * unit * len.min(300.0) + a.size() * unit,
            exact: false,
        },
        ("norm", [a]) => {
            let (scale, error) = match op.text("ord") {
                Some("l1") => (len, len * a.error),
                Some("max") => (1.0, a.error),
                _ => (len.sqrt(), len.sqrt() * a.error),
            };
            let high = scale * a.size();
            Known {
                low: 0.0,
                high,
                error: error + high * unit * len.min(300.0),
                exact: false,
            }
        }
        ("reduce_min" | "reduce_max", [a]) if len > 0.0 => *a,
        ("count", [a]) if a.exact || from.is_some_and(|from| !from.is_float()) => Known::exact(0.0, len),
        ("any" | "all", [_]) => Known::exact(0.0, 1.0),
        _ => return None,
    })
}

fn product(a: Known, b: Known) -> (f64, f64) {
    let corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
    (
        corners.iter().copied().fold(f64::INFINITY, f64::min),
        corners.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    )
}

/// What is known of a loop's results, given what is known outside of it.
pub(super) fn loop_results(
    plan: &Plan,
    op: &Op,
    outside: &BTreeMap<ValueId, Known>,
    len: &dyn Fn(Extent) -> usize,
) -> Option<Vec<Known>> {
    let region = op.regions.first()?;
    let mut carried: Vec<Known> = op
        .operands
        .iter()
        .map(|value| outside.get(value).copied())
        .collect::<Option<_>>()?;
    let mut results = carried.clone();
    for _ in 0..op.int("count")? {
        let mut known = outside.clone();
        known.extend(region.parameters.iter().copied().zip(carried));
        walk(plan, region, &mut known, len)?;
        carried = region.yields[..op.operands.len()]
            .iter()
            .map(|value| known[value])
            .collect();
        // With a condition any iteration may be the last one.
        results = if op.flag("until") {
            results.iter().zip(&carried).map(|(a, b)| a.join(*b)).collect()
        } else {
            carried.clone()
        };
    }
    results.push(Known::exact(0.0, op.int("count")? as f64));
    results.push(Known::exact(0.0, 1.0));
    Some(results)
}

fn walk(
    plan: &Plan,
    region: &Region,
    known: &mut BTreeMap<ValueId, Known>,
    len: &dyn Fn(Extent) -> usize,
) -> Option<()> {
    for op in &region.ops {
        if op.name == "core.loop" {
            let results = loop_results(plan, op, known, len)?;
            known.extend(op.results.iter().copied().zip(results));
            continue;
        }
        let operands: Vec<Known> = op
            .operands
            .iter()
            .map(|value| known.get(value).copied())
            .collect::<Option<_>>()?;
        let extent = op.operands.first().and_then(|value| plan.ty(*value).extent());
        let dtype = plan.ty(op.results[0]).dtype()?;
        let found = result(plan, op, &operands, len(extent.unwrap_or(Extent::Scalar)), dtype)?;
        known.insert(op.results[0], found);
    }
    Some(())
}

/// What is known of a number.
pub(super) fn of_scalar(value: Scalar) -> Known {
    Known::exact(value.as_f64(), value.as_f64())
}
