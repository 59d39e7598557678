//! What stops throughput from growing: names, what to do, what else it could be.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why throughput does not grow with workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScalingCause {
    /// It grows as far as was measured.
    None,
    /// Every processor is busy with the work.
    Cores,
    /// The affinity mask leaves fewer processors than there are.
    Affinity,
    /// The control group's CPU limit.
    Quota,
    /// Other programs have the processors.
    MachineBusy,
    /// Threads take turns with the interpreter lock.
    InterpreterLock,
    /// Workers wait for a lock.
    Lock,
    /// Workers wait for the memory allocator's own lock.
    Allocator,
    /// Memory delivers no more.
    MemoryBandwidth,
    /// Workers write to the same cache lines.
    SharedLines,
    /// Two processors share one core's arithmetic.
    SharedCore,
    /// The kernel's memory management: page faults, mapping, unmapping.
    PageFaults,
    /// Operations too small for what it costs to hand them out.
    TooLittleWork,
    /// Some workers had much more to do than others.
    Imbalance,
    /// A part of the work is done by one worker while others wait for it.
    CriticalPath,
    /// Asleep, or waiting for files and the network.
    Waiting,
    /// The same work takes more CPU time, and nothing measured says why.
    Inflation,
    /// Blocked in the system, and nothing measured says for what.
    Blocked,
    /// The device works all the time.
    DeviceBusy,
    /// Operations of one queue wait for each other, though the device could do more.
    OneQueue,
    /// Workers wait for a device that does not work all the time.
    DeviceLatency,
    /// Submissions to the device take turns, in its driver or at a lock around them.
    Submission,
    /// The measurement does not decide.
    Inconclusive,
}

impl ScalingCause {
    /// A few words, such as `interpreter lock`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no plateau",
            Self::Cores => "all processors busy",
            Self::Affinity => "affinity mask",
            Self::Quota => "CPU limit",
            Self::MachineBusy => "machine busy",
            Self::InterpreterLock => "interpreter lock",
            Self::Lock => "lock",
            Self::Allocator => "allocator",
            Self::MemoryBandwidth => "memory bandwidth",
            Self::SharedLines => "shared cache lines",
            Self::SharedCore => "shared core",
            Self::PageFaults => "page faults",
            Self::TooLittleWork => "too little work",
            Self::Imbalance => "uneven work",
            Self::CriticalPath => "one part runs alone",
            Self::Waiting => "waiting",
            Self::Inflation => "more CPU time for the same work",
            Self::Blocked => "blocked in the system",
            Self::DeviceBusy => "device busy",
            Self::OneQueue => "one queue",
            Self::DeviceLatency => "device latency",
            Self::Submission => "submission",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// What to do about it; empty when there is nothing to do.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Cores => "use as many workers as processors, or a larger machine; more workers here only queue",
            Self::Affinity => {
                "widen the affinity mask (`taskset`, the batch system), or use as many workers as it allows"
            }
            Self::Quota => "raise the CPU limit of the container, or use as many workers as it grants",
            Self::MachineBusy => "close other programs, or measure on an idle machine",
            Self::InterpreterLock => {
                "run it on processes (`ml.parallel`, `strategies=[\"processes\"]`), or in native code that releases the lock"
            }
            Self::Lock => {
                "hold the lock for less, give each worker its own part of what it protects, or merge results at the end"
            }
            Self::Allocator => {
                "reuse objects, free them in the thread that made them, or load an allocator with a heap for each thread"
            }
            Self::MemoryBandwidth => {
                "use fewer workers, smaller or packed data, or fuse passes so that data is touched once"
            }
            Self::SharedLines => "give each worker its own cache line (64 bytes apart), and add up at the end",
            Self::SharedCore => "use one worker for each physical core",
            Self::PageFaults => "reuse buffers instead of allocating new ones, or use an allocator that keeps memory",
            Self::TooLittleWork => {
                "put many operations into one task (`chunksize`, batches), so that a task takes 0.1 ms or more"
            }
            Self::Imbalance => {
                "cut the work smaller, hand out large operations first, or let workers take from one queue"
            }
            Self::CriticalPath => "split the part that runs alone, or overlap it with the next piece of work",
            Self::Waiting => "add workers until what is waited for is saturated; they need no processor",
            Self::Inflation => "measure again with probes, on data that fits into the caches, and on processes",
            Self::DeviceBusy => "use fewer workers, or give the device less to do: more workers only wait for it",
            Self::OneQueue => "give each worker a queue of its own",
            Self::DeviceLatency => {
                "keep several operations in flight (`+window=8`), or put many into one submission (`+batch=8`)"
            }
            Self::Submission => "submit from fewer workers, or put many operations into one submission (`+batch=8`)",
            Self::Blocked => "look at the workers with `strace -f -c` to see which call blocks",
            Self::Inconclusive => "measure more repeats on an idle machine",
        }
    }

    /// What it could be instead, when the measurement itself suggests nothing.
    pub(crate) fn usual_alternative(self) -> Self {
        match self {
            Self::Cores | Self::Affinity | Self::Quota => Self::MachineBusy,
            Self::InterpreterLock => Self::Lock,
            Self::Lock => Self::CriticalPath,
            Self::Allocator => Self::Lock,
            Self::SharedLines => Self::Lock,
            Self::PageFaults | Self::SharedCore => Self::MemoryBandwidth,
            Self::MemoryBandwidth => Self::SharedLines,
            Self::CriticalPath => Self::Imbalance,
            Self::Imbalance => Self::CriticalPath,
            Self::None | Self::MachineBusy => Self::Cores,
            Self::Waiting | Self::TooLittleWork => Self::Lock,
            Self::Inflation => Self::MemoryBandwidth,
            Self::DeviceBusy => Self::OneQueue,
            Self::OneQueue => Self::Submission,
            Self::DeviceLatency => Self::Submission,
            Self::Submission => Self::DeviceLatency,
            _ => Self::MachineBusy,
        }
    }

    /// What would tell this cause from another one.
    pub(crate) fn tell_apart(self, other: Self) -> &'static str {
        let pair = |one: Self, two: Self| (self, other) == (one, two) || (self, other) == (two, one);
        if pair(Self::InterpreterLock, Self::Lock) || pair(Self::InterpreterLock, Self::Cores) {
            "run it on processes: without the interpreter lock between them, throughput rises if that was the cause"
        } else if pair(Self::MemoryBandwidth, Self::SharedLines) {
            "run it on processes, which share no memory: shared lines vanish, a lack of bandwidth stays"
        } else if pair(Self::SharedLines, Self::Lock) {
            "run it on processes or set data 64 bytes apart: a lock that spins stays, shared lines vanish"
        } else if pair(Self::Allocator, Self::Lock) || pair(Self::Allocator, Self::PageFaults) {
            "run it with another allocator (`LD_PRELOAD`), or with objects made once: waiting that stays is not the allocator\u{2019}s"
        } else if pair(Self::MemoryBandwidth, Self::PageFaults) {
            "reuse the buffers: page faults vanish, a lack of bandwidth stays"
        } else if pair(Self::Lock, Self::CriticalPath) {
            "give each worker its own lock: throughput rises if it was the lock"
        } else if pair(Self::Imbalance, Self::CriticalPath) {
            "hand out the largest operations first: unevenness shrinks, a part that must run alone does not"
        } else if pair(Self::TooLittleWork, Self::Lock) || pair(Self::TooLittleWork, Self::InterpreterLock) {
            "make each operation ten times as large: the cost of handing it out shrinks, a lock held inside it does not"
        } else if pair(Self::Lock, Self::Submission) {
            "submit without the lock: throughput rises if it was the limit, and not if the driver has one of its own"
        } else if pair(Self::DeviceBusy, Self::OneQueue) {
            "give each worker a queue of its own (`+own`): throughput rises if one queue was the limit"
        } else if pair(Self::DeviceLatency, Self::Submission) || pair(Self::OneQueue, Self::Submission) {
            "put many operations into one submission (`+batch=8`): the cost of submission shrinks with their number"
        } else if pair(Self::DeviceBusy, Self::DeviceLatency) {
            "keep more operations in flight (`+window=8`): throughput rises if the device was not busy"
        } else if pair(Self::Cores, Self::MachineBusy) {
            "measure on an idle machine: what other programs took comes back"
        } else if self == Self::Inconclusive {
            "measure more repeats, and longer runs, on an idle machine"
        } else if self == Self::Cores || self == Self::None {
            "measure on a machine with more processors: throughput rises further there if they were the limit"
        } else if other == Self::Inflation {
            "measure the CPU time of an operation on data that fits into the caches"
        } else {
            "remove the one and measure again: throughput rises if it was the cause"
        }
    }
}

impl fmt::Display for ScalingCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
