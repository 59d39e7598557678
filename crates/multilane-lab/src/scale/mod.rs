//! How throughput grows with workers, where it stops, and what stops it.
//!
//! Reads the samples of a sweep: models are fitted to the throughput, the cause of a plateau is read from what the
//! workers waited for. Takes data and returns data: no threads, no clock, no machine.

mod cause;
mod compare;
mod csv;
mod data;
mod device;
mod holder;
mod inflation;
mod judge;
mod lanes;
mod models;
mod points;
mod rules;
mod select;
mod tables;
mod words;

pub use cause::ScalingCause;
pub use compare::{Change, compare_scalings};
pub use csv::scaling_csv;
pub use data::{Beside, DeviceUse, LockSeen, Sample, Scaling};
pub use judge::{
    Fit, Parameter, PointJudgement, Prediction, ScalingJudgement, ScalingVerdict, SeriesJudgement, Share, judge_scaling,
};
pub use lanes::{LaneTimes, idle_lanes};
pub use models::{Model, fit_model, plateau, usl_peak};
pub use tables::{Comparison, CurveName, Difference, Row, Table, TableJudgement};
