//! The judgement on a sweep, as plain data: points, fits and a verdict for each series.

use serde::{Deserialize, Serialize};

use crate::{Interval, bootstrap, statistics::ratio_interval};

use super::{
    Model, Scaling, ScalingCause, TableJudgement,
    points::{LOSSES, Point, medians, points, shares},
    rules, select, tables, words,
};

/// What a sweep shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScalingJudgement {
    /// All of it in a sentence.
    pub headline: String,
    /// A judgement for each workload, size and strategy.
    pub series: Vec<SeriesJudgement>,
    /// The curves that belong together, and how they differ.
    pub tables: Vec<TableJudgement>,
}

/// What one workload, size and strategy shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesJudgement {
    /// The workload.
    pub workload: String,
    /// The size; empty when there is only one.
    pub size: String,
    /// The strategy.
    pub strategy: String,
    /// One for each worker count.
    pub points: Vec<PointJudgement>,
    /// The models, the best by held-out error first.
    pub fits: Vec<Fit>,
    /// The greatest speed-up that was measured.
    pub best_speedup: f64,
    /// Workers of it.
    pub best_workers: u32,
    /// What stops it.
    pub verdict: ScalingVerdict,
    /// The verdict in a few words, as a table has room for.
    pub interpretation: String,
}

/// What was measured at one worker count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointJudgement {
    /// Workers.
    pub workers: u32,
    /// How many runs there are.
    pub samples: usize,
    /// How many of them count: the rest was disturbed by other programs.
    pub kept: usize,
    /// Operations a second.
    pub throughput: Interval,
    /// Over the throughput of one worker.
    pub speedup: Interval,
    /// Speed-up over workers.
    pub efficiency: f64,
    /// CPU time of the process over the wall clock.
    pub cores_used: f64,
    /// Where the workers' time went.
    pub shares: Vec<Share>,
}

/// A part of the workers' time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// What it went to.
    pub name: String,
    /// Of all of it.
    pub share: f64,
}

/// A model with the parameters that fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The model.
    pub model: Model,
    /// Its name.
    pub name: String,
    /// What was fitted, with 95 % intervals.
    pub parameters: Vec<Parameter>,
    /// How far a measured point is from what the others predict.
    pub held_out_error: f64,
    /// Worker count of the greatest throughput, where the model has one.
    pub peak_workers: Option<Interval>,
    /// The curve.
    pub curve: Vec<Prediction>,
}

/// A fitted number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: Interval,
}

/// What a model says of one worker count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Workers.
    pub workers: f64,
    /// Operations a second.
    pub throughput: Interval,
    /// Past the last measured count.
    pub extrapolated: bool,
}

/// What stops a series, and on what evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingVerdict {
    /// The cause.
    pub cause: ScalingCause,
    /// The worker count that it was read at.
    pub at_workers: u32,
    /// The verdict in words.
    pub sentence: String,
    /// The numbers it rests on.
    pub evidence: Vec<String>,
    /// The strongest alternative.
    pub alternative: ScalingCause,
    /// What would tell the two apart.
    pub tell_apart: String,
    /// What to do; empty when there is nothing to do.
    pub advice: String,
}

/// Reads a sweep.
///
/// ```
/// let judgement = multilane_lab::judge_scaling(&multilane_lab::Scaling::default());
/// assert_eq!(judgement.headline, "nothing was measured");
/// ```
pub fn judge_scaling(scaling: &Scaling) -> ScalingJudgement {
    let series: Vec<SeriesJudgement> = scaling
        .series()
        .into_iter()
        .filter_map(|key| judge_series(scaling, key))
        .collect();
    ScalingJudgement {
        headline: words::headline(&series),
        tables: tables::tables(scaling, &series),
        series,
    }
}

fn judge_series(scaling: &Scaling, key: (&str, &str, &str)) -> Option<SeriesJudgement> {
    let points = points(scaling, key);
    let first = points.first()?;
    // Speed-ups count from one worker; where it was not measured, from the fewest there are.
    let unit = first
        .throughputs()
        .iter()
        .map(|value| value / f64::from(first.workers))
        .collect::<Vec<_>>();
    let judged: Vec<PointJudgement> = points.iter().map(|point| judge_point(point, &unit)).collect();
    let curve = points
        .iter()
        .map(|point| (point.workers, point.throughputs()))
        .collect();
    let verdict = rules::verdict(scaling, key, &points);
    let best = judged
        .iter()
        .max_by(|left, right| left.speedup.median.total_cmp(&right.speedup.median))?;
    Some(SeriesJudgement {
        workload: key.0.to_owned(),
        size: key.1.to_owned(),
        strategy: key.2.to_owned(),
        best_speedup: best.speedup.median,
        best_workers: best.workers,
        interpretation: words::interpretation(&verdict, &judged),
        fits: select::fits(&curve),
        points: judged,
        verdict,
    })
}

fn judge_point(point: &Point<'_>, unit: &[f64]) -> PointJudgement {
    let throughputs = point.throughputs();
    let speedup = ratio_interval(&throughputs, unit);
    let parts = medians(
        point
            .kept
            .iter()
            .map(|sample| shares(sample))
            .collect::<Vec<_>>()
            .iter(),
    );
    let name = |cause: ScalingCause| match cause {
        ScalingCause::Inflation => "computing",
        ScalingCause::PageFaults => "in the kernel",
        ScalingCause::TooLittleWork => "between operations",
        ScalingCause::Imbalance => "done before the others",
        ScalingCause::Cores => "without a processor",
        ScalingCause::Waiting => "asleep",
        ScalingCause::Blocked => "blocked elsewhere",
        ScalingCause::Submission => "blocked in submission",
        ScalingCause::DeviceLatency => "waiting for the device",
        other => other.name(),
    };
    let named = LOSSES
        .iter()
        .chain([&ScalingCause::Cores])
        .zip(parts)
        .filter(|(_, share)| *share >= 0.005);
    PointJudgement {
        workers: point.workers,
        samples: point.all,
        kept: point.kept.len(),
        throughput: bootstrap(&throughputs),
        speedup,
        efficiency: speedup.median / f64::from(point.workers),
        cores_used: point.cores_used(),
        shares: named
            .map(|(cause, share)| Share {
                name: name(*cause).to_owned(),
                share,
            })
            .collect(),
    }
}
