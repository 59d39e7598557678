//! Curves that belong together, and what one way of running does to another.
//!
//! A comparison is read from the interval of the ratio of two curves at the largest worker count that both have. Where
//! both are the same experiment at one worker, that is the control: a measurement that shows a difference there shows
//! nothing elsewhere.

use serde::{Deserialize, Serialize};

use crate::{Interval, statistics::ratio_interval};

use super::{Scaling, SeriesJudgement, compare::says, points::points, words};

/// Two ways that are the same at one worker must agree there within this share.
const CONTROL: f64 = 0.10;

/// A curve by its names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurveName {
    /// The workload.
    pub workload: String,
    /// The size.
    pub size: String,
    /// The strategy.
    pub strategy: String,
}

impl CurveName {
    fn key(&self) -> (&str, &str, &str) {
        (&self.workload, &self.size, &self.strategy)
    }
}

/// Curves under one title.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// Its lines.
    pub curves: Vec<CurveName>,
    /// What is held against what.
    pub comparisons: Vec<Comparison>,
}

/// One way held against another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comparison {
    /// What the other way does, such as `a lock around each operation`.
    pub what: String,
    /// The usual way.
    pub usual: CurveName,
    /// The other way.
    pub other: CurveName,
    /// Whether both are the same experiment at one worker.
    pub same_at_one: bool,
}

/// A table with what it shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableJudgement {
    /// What it is about.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// Its lines.
    pub rows: Vec<Row>,
    /// What the comparisons show.
    pub differences: Vec<Difference>,
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The curve's place among those of the sweep.
    pub series: usize,
}

/// What one way does to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// In words.
    pub sentence: String,
    /// `faster`, `slower`, `same`, `unknown`, or `invalid` where the control fails.
    pub says: String,
    /// Workers.
    pub workers: u32,
    /// Throughput of the other way over the usual one's.
    pub ratio: Interval,
    /// The same at one worker, where both are the same experiment.
    pub control: Option<Interval>,
}

/// Reads the tables of a sweep.
pub(super) fn tables(scaling: &Scaling, series: &[SeriesJudgement]) -> Vec<TableJudgement> {
    let place = |curve: &CurveName| {
        series
            .iter()
            .position(|one| (one.workload.as_str(), one.size.as_str(), one.strategy.as_str()) == curve.key())
    };
    let judged = scaling.tables.iter().map(|table| TableJudgement {
        title: table.title.clone(),
        note: table.note.clone(),
        rows: table
            .curves
            .iter()
            .filter_map(|curve| place(curve).map(|series| Row { series }))
            .collect(),
        differences: table
            .comparisons
            .iter()
            .filter_map(|comparison| difference(scaling, comparison))
            .collect(),
    });
    judged.filter(|table| !table.rows.is_empty()).collect()
}

fn difference(scaling: &Scaling, comparison: &Comparison) -> Option<Difference> {
    let usual = points(scaling, comparison.usual.key());
    let other = points(scaling, comparison.other.key());
    let at = |workers: u32| {
        let find = |points: &[super::points::Point<'_>]| {
            let point = points.iter().find(|point| point.workers == workers)?;
            Some((point.throughputs(), point.kept.len()))
        };
        let ((below, few), (above, also)) = (find(&usual)?, find(&other)?);
        Some((ratio_interval(&above, &below), few.min(also)))
    };
    let workers = usual
        .iter()
        .rev()
        .map(|point| point.workers)
        .find(|workers| at(*workers).is_some())?;
    let (ratio, samples) = at(workers)?;
    let control = (comparison.same_at_one && workers > 1)
        .then(|| at(1))
        .flatten()
        .map(|(ratio, _)| ratio);
    let found = if control.is_some_and(|control| (control.median - 1.0).abs() > CONTROL) {
        "invalid"
    } else if samples < 3 {
        "unknown"
    } else {
        says(ratio)
    };
    Some(Difference {
        sentence: sentence(comparison, found, workers, ratio, control),
        says: found.to_owned(),
        workers,
        ratio,
        control,
    })
}

fn sentence(comparison: &Comparison, says: &str, workers: u32, ratio: Interval, control: Option<Interval>) -> String {
    let Comparison { what, usual, .. } = comparison;
    let name = if usual.size.is_empty() {
        usual.workload.clone()
    } else {
        format!("{}, {}", usual.workload, usual.size)
    };
    let at = words::workers(workers);
    let times = |ratio: Interval| {
        format!(
            "{}\u{d7} ({} to {})",
            words::number(ratio.median),
            words::number(ratio.low),
            words::number(ratio.high)
        )
    };
    match (says, control) {
        ("invalid", Some(control)) => format!(
            "{name}: {what} was {} at one worker, where both are the same experiment, so the {} at {at} say nothing",
            times(control),
            times(ratio)
        ),
        ("slower", _) => format!(
            "{name}: {what} costs {} at {at} ({} to {})",
            words::percent(1.0 - ratio.median),
            words::percent((1.0 - ratio.high).max(0.0)),
            words::percent(1.0 - ratio.low)
        ),
        ("faster", _) => format!("{name}: {what} gives {} at {at}", times(ratio)),
        ("same", _) => format!("{name}: {what} makes no difference at {at}: {}", times(ratio)),
        _ => format!(
            "{name}: whether {what} makes a difference at {at} is not decided: {}",
            times(ratio)
        ),
    }
}
