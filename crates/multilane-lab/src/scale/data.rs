//! The samples of a sweep, as plain data.

use std::collections::BTreeMap;

use multilane_trace::Machine;
use serde::{Deserialize, Serialize};

use super::Table;

/// One workload, run at several worker counts, sizes and strategies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scaling {
    /// What it is called.
    pub name: String,
    /// The function, the command or the built-in workloads.
    pub workload: String,
    /// Where it ran.
    pub machine: Machine,
    /// Versions and build facts by name: `python`, `multilane`, `gil` (`on` or `off`).
    pub versions: BTreeMap<String, String>,
    /// Bytes a nanosecond that all processors together moved in this run; 0 when it was not measured.
    pub bandwidth_limit: f64,
    /// When it ended, in nanoseconds since 1970; 0 when it was not recorded.
    pub created_unix_ns: u64,
    /// Tables that its curves are gathered in, where they belong together.
    pub tables: Vec<Table>,
    /// Where workers were seen to wait for locks, in runs that were not timed.
    pub locks: Vec<LockSeen>,
    /// Every measured run.
    pub samples: Vec<Sample>,
}

/// One timed run at one point of the sweep.
///
/// Times of the workers are sums over them; together they had `workers * wall_ns`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// The workload, where a sweep has several; else the sweep's name.
    pub workload: String,
    /// The size, as text; empty when there is only one.
    pub size: String,
    /// How the operations were run.
    pub strategy: String,
    /// Workers.
    pub workers: u32,
    /// Number of the repeat, from 0.
    pub repeat: u32,
    /// What else kept the other processors busy.
    pub beside: Beside,
    /// Operations that were completed.
    pub operations: u64,
    /// From the common start to the last end.
    pub wall_ns: u64,
    /// CPU time of the workers.
    pub cpu_ns: u64,
    /// The part of it spent in the kernel.
    pub system_ns: u64,
    /// CPU time of the whole process, helper threads of libraries included.
    pub process_cpu_ns: u64,
    /// Runnable without a processor.
    pub run_delay_ns: u64,
    /// Stopped by the control group's CPU limit.
    pub throttled_ns: u64,
    /// Waiting for the interpreter lock.
    pub interpreter_wait_ns: u64,
    /// Waiting for another lock.
    pub lock_wait_ns: u64,
    /// Waiting for the lock of a heap of the C library.
    pub allocator_wait_ns: u64,
    /// Asleep, or waiting for files and the network.
    pub sleep_ns: u64,
    /// Blocked outside of any system call: page faults.
    pub fault_wait_ns: u64,
    /// Blocked in another system call, or not known where.
    pub other_wait_ns: u64,
    /// Between operations: taking them, handing out results.
    pub dispatch_ns: u64,
    /// Nothing left to do while others still worked.
    pub idle_ns: u64,
    /// Idle because there was too little to do at once: one part runs alone.
    pub serial_ns: u64,
    /// The longest operation.
    pub longest_ns: u64,
    /// Page faults.
    pub faults: u64,
    /// Times that a worker gave up its processor.
    pub switches: u64,
    /// CPU time of other programs.
    pub foreign_ns: u64,
    /// Memory that an operation moves, where the workload says so.
    pub bytes_per_operation: f64,
    /// What a device did, where one ran the operations.
    pub device: Option<DeviceUse>,
}

/// What a device did for the workers that submitted operations to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceUse {
    /// Workers that waited for the device, summed over them.
    pub wait_ns: u64,
    /// Workers that were blocked inside a submission, summed over them.
    pub submission_wait_ns: u64,
    /// Share of the time in which the device had an operation under way, from its own time stamps.
    pub busy_share: f64,
    /// Submissions that were under way at a time, while there was one.
    pub at_once: f64,
    /// The median time of a submission on the device.
    pub submission_ns: u64,
    /// Queues that the operations went through.
    pub queues: u32,
}

/// A place where workers waited for a lock, and where its holder was meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LockSeen {
    /// The workload.
    pub workload: String,
    /// The size.
    pub size: String,
    /// The strategy.
    pub strategy: String,
    /// Workers.
    pub workers: u32,
    /// Kind and name of the lock; empty where it does not say.
    pub lock: String,
    /// Where they waited.
    pub waits_at: String,
    /// Where the holder was, or took it.
    pub held_at: String,
    /// Whether the lock itself named its holder; otherwise it is the worker that ran while the others waited.
    pub named: bool,
    /// Looks at which somebody waited there.
    pub seen: u64,
    /// All looks.
    pub looks: u64,
}

/// What keeps the other processors busy while one worker runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// Nothing of ours.
    #[default]
    Nothing,
    /// Arithmetic in registers.
    Compute,
    /// Streams through memory.
    Memory,
}

impl Sample {
    /// Time that the workers had.
    pub(crate) fn lane_ns(&self) -> f64 {
        f64::from(self.workers) * self.wall_ns as f64
    }

    /// Time in which the workers had a processor, or did not ask for one.
    pub(crate) fn undelayed_ns(&self) -> f64 {
        (self.lane_ns() - self.run_delay_ns as f64).max(1.0)
    }

    /// Of it, for an operation.
    pub(crate) fn unit_ns(&self) -> f64 {
        self.undelayed_ns() / self.operations.max(1) as f64
    }

    /// Operations a second.
    pub fn throughput(&self) -> f64 {
        if self.wall_ns == 0 {
            0.0
        } else {
            self.operations as f64 * 1e9 / self.wall_ns as f64
        }
    }

    /// CPU time of an operation, the kernel's part left out.
    pub(crate) fn cpu_per_operation(&self) -> f64 {
        self.cpu_ns.saturating_sub(self.system_ns) as f64 / self.operations.max(1) as f64
    }
}

impl Scaling {
    /// Workload, size and strategy of every series, in order of appearance.
    pub(crate) fn series(&self) -> Vec<(&str, &str, &str)> {
        let mut found = Vec::new();
        for sample in &self.samples {
            let key = (sample.workload.as_str(), sample.size.as_str(), sample.strategy.as_str());
            if !found.contains(&key) {
                found.push(key);
            }
        }
        found
    }
}
