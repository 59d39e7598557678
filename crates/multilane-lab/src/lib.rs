//! Reads traces and says what they show.
//!
//! Statistics, the decomposition of a run's time, the verdict of a proof, and what stops a sweep over workers.
//! Takes data and returns data: no threads, no clock, no machine.

mod analysis;
mod budget;
mod cause;
mod judge;
pub mod loads;
mod measure;
mod parts;
mod path;
mod proof;
pub mod report;
mod scale;
pub mod signals;
mod simulate;
mod statistics;
mod thresholds;
mod verdict;
mod words;

pub use analysis::{Analysis, Decomposition, FunctionSummary, analyse};
pub use judge::judge;
pub use proof::{BASELINE, CONTROL, Check, FORMAT, Part, PartKind, Proof, Run};
pub use report::{PlanReport, plans_html, report_html, scaling_html};
pub use scale::{
    Beside, Change, Comparison, CurveName, DeviceUse, Difference, Fit, LaneTimes, LockSeen, Model, Parameter,
    PointJudgement, Prediction, Row, Sample, Scaling, ScalingCause, ScalingJudgement, ScalingVerdict, SeriesJudgement,
    Share, Table, TableJudgement, compare_scalings, fit_model, idle_lanes, judge_scaling, plateau, scaling_csv,
    usl_peak,
};
pub use simulate::{Simulation, WhatIf, simulate};
pub use statistics::{bootstrap, median};
pub use verdict::{Cause, Interval, Judgement, PartJudgement, ScalePoint, StrategyVerdict, Verdict};
