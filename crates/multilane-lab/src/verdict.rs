//! The verdict on a proof, as plain data.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A median and its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// Upper bound.
    pub high: f64,
}

/// What a proof shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// One verdict per strategy but the baseline, in order of appearance.
    pub strategies: Vec<StrategyVerdict>,
    /// Speed-up for every count of tasks and workers that was measured.
    pub scaling: Vec<ScalePoint>,
    /// What the parts show.
    pub parts: Vec<PartJudgement>,
    /// All of it in a sentence.
    pub headline: String,
    /// Whether multilane ran the work in parallel, every check passed and the control behaved.
    pub claim_holds: bool,
    /// Why the claim does not hold; empty when it does.
    pub refusals: Vec<String>,
}

/// The verdict on one strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategyVerdict {
    /// The strategy.
    pub strategy: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Against the sequential runs of the same repeats.
    pub speedup: Interval,
    /// CPU time of the tasks over the wall clock.
    pub cores_used: Interval,
    /// Speed-up over the best that workers, processors and tasks allow.
    pub efficiency: f64,
    /// The cause of the largest loss, when one is named.
    pub loss: Option<Cause>,
    /// The verdict in words.
    pub sentence: String,
    /// What to do next; empty when there is nothing to do.
    pub advice: String,
    /// The numbers it rests on.
    pub evidence: Vec<String>,
}

/// How a strategy ran the work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// Several processors worked at once, and the work finished sooner for it.
    Parallel,
    /// Waits overlapped; no processor time was used that could have run in parallel.
    ConcurrentNotParallel,
    /// The work did not run in parallel, or gained little by it.
    Serialised {
        /// Why.
        cause: Cause,
    },
    /// The measurement does not decide.
    Inconclusive {
        /// Why not.
        why: String,
        /// What to change before measuring again.
        what_to_change: String,
    },
}

impl Verdict {
    /// A few words, such as `concurrent, not parallel`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Parallel => "parallel",
            Self::ConcurrentNotParallel => "concurrent, not parallel",
            Self::Serialised { .. } => "serialised",
            Self::Inconclusive { .. } => "inconclusive",
        }
    }
}

/// Why work did not run in parallel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Threads took turns with the interpreter lock.
    InterpreterLock,
    /// More runnable threads than processors, or other programs on them.
    RunQueue,
    /// The control group's CPU limit.
    Quota,
    /// Tasks too small for what it costs to hand them out.
    SmallTasks,
    /// Some workers had much more to do than others.
    Imbalance,
    /// Tasks waited for each other, or came too slowly.
    CriticalPath,
    /// Tasks slept or waited for files, the network or locks.
    Waiting,
    /// The same work took more CPU time than alone: memory or caches are shared.
    Inflation,
    /// Workers were still starting.
    StartUp,
    /// Time was spent before the first task or after the last.
    OutsideTasks,
    /// Nothing recorded explains it.
    Unknown,
}

impl Cause {
    /// A few words, such as `interpreter lock`.
    pub fn name(self) -> &'static str {
        match self {
            Self::InterpreterLock => "interpreter lock",
            Self::RunQueue => "machine busy",
            Self::Quota => "CPU limit",
            Self::SmallTasks => "tasks too small",
            Self::Imbalance => "uneven tasks",
            Self::CriticalPath => "critical path",
            Self::Waiting => "waiting",
            Self::Inflation => "shared memory bandwidth",
            Self::StartUp => "start-up",
            Self::OutsideTasks => "outside the tasks",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The speed-up at one count of tasks and workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScalePoint {
    /// The strategy.
    pub strategy: String,
    /// Tasks per run.
    pub tasks: u32,
    /// Workers.
    pub workers: u32,
    /// Against the sequential runs with as many tasks.
    pub speedup: Interval,
    /// CPU time of the tasks over the wall clock.
    pub cores_used: Interval,
}

/// What a part of a proof shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartJudgement {
    /// The part's name.
    pub name: String,
    /// What it claims.
    pub claim: String,
    /// Whether the claim holds for at least one of multilane's strategies.
    pub holds: bool,
    /// What was seen, in words.
    pub sentence: String,
    /// The numbers it rests on.
    pub evidence: Vec<String>,
    /// The judgement on the part's runs.
    pub judgement: Judgement,
}
