//! The measurements that a verdict is read from, as plain data and as a file.

use std::{collections::BTreeMap, path::Path};

use multilane_trace::{
    Machine, Trace, TraceError,
    container::{self, Kind},
};
use serde::{Deserialize, Serialize};

/// The version of a proof that this build writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// The strategy that all others are measured against.
pub const BASELINE: &str = "sequential";

/// The strategy that shows what happens without multilane.
pub const CONTROL: &str = "plain threads";

/// The same work, run in several ways, several times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Proof {
    /// The version of this data, [`FORMAT`] when written by this build.
    #[serde(deserialize_with = "container::known_format::<FORMAT, _>")]
    pub format: u32,
    /// The user's name for it.
    pub name: String,
    /// The function that did the work.
    pub function: String,
    /// Tasks per run, unless a run says otherwise.
    pub tasks: u32,
    /// Workers per run, unless a run says otherwise.
    pub workers: u32,
    /// On a build that has the interpreter lock on, the control runs pure Python
    /// and must not come out parallel: if it does, the measurement is wrong.
    pub control_must_fail: bool,
    /// Where it ran.
    pub machine: Machine,
    /// Versions and build facts by name: `python`, `multilane`, `gil` (`on` or `off`).
    pub versions: BTreeMap<String, String>,
    /// Every measured run.
    pub runs: Vec<Run>,
    /// What was checked beside the time, such as the results.
    pub checks: Vec<Check>,
    /// Proofs that this one is made of.
    pub parts: Vec<Part>,
}

impl Default for Proof {
    fn default() -> Self {
        Self {
            format: FORMAT,
            name: String::new(),
            function: String::new(),
            tasks: 0,
            workers: 0,
            control_must_fail: false,
            machine: Machine::default(),
            versions: BTreeMap::new(),
            runs: Vec::new(),
            checks: Vec::new(),
            parts: Vec::new(),
        }
    }
}

impl Proof {
    /// The container's description of a proof.
    pub const KIND: Kind = Kind {
        name: "proof",
        format: FORMAT,
    };

    /// Writes the proof to a file; `.mlproof` is the usual ending.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), TraceError> {
        container::save(Self::KIND, self, path.as_ref())
    }

    /// Reads a proof from a file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        container::load(Self::KIND, path.as_ref())
    }

    /// The strategies in order of first appearance, [`BASELINE`] included.
    pub fn strategies(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for run in &self.runs {
            if !names.contains(&run.strategy.as_str()) {
                names.push(&run.strategy);
            }
        }
        names
    }
}

/// One run of all tasks by one strategy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// How it was run; [`BASELINE`] and [`CONTROL`] have a fixed name.
    pub strategy: String,
    /// Runs of one repeat are compared with each other.
    pub repeat: u32,
    /// Tasks in this run.
    pub tasks: u32,
    /// Workers in this run.
    pub workers: u32,
    /// From the common start to the last end.
    pub wall_ns: u64,
    /// CPU time of all tasks.
    pub cpu_ns: u64,
    /// CPU time that the host took from this machine meanwhile, over all processors.
    pub steal_ns: u64,
    /// What every worker did.
    pub trace: Option<Trace>,
}

/// Something that was checked and is either so or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    /// What should be so, such as "results equal to the sequential run".
    pub name: String,
    /// Whether it is so.
    pub passed: bool,
    /// What was seen.
    pub detail: String,
}

/// What a part of a proof is about, and so how it is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Progress of all tasks advances together, and as fast as one alone.
    Progress,
    /// The wall clock against the measured sequential time.
    #[default]
    WallClock,
    /// The time stays flat from one task to as many as there are cores.
    FlatTime,
    /// CPU-bound work occupies more than one core.
    CpuBound,
}

impl PartKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Progress, Self::WallClock, Self::FlatTime, Self::CpuBound];

    /// The name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::WallClock => "wall_clock",
            Self::FlatTime => "flat_time",
            Self::CpuBound => "cpu_bound",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A proof within a proof.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// How it is judged.
    pub kind: PartKind,
    /// What it claims, in words.
    pub claim: String,
    /// The measurements.
    pub proof: Proof,
}
