//! Every number that a verdict turns on, with its reason.

/// With one processor nothing can run in parallel, whatever a clock says.
pub(crate) const MIN_CPUS: f64 = 2.0;

/// Two values have no middle to trust: one disturbed run would decide.
pub(crate) const MIN_REPEATS: usize = 3;

/// Starting threads, a scheduler's slice (4 ms) and timer noise weigh less than
/// a tenth of a run of this length.
pub(crate) const MIN_SEQUENTIAL_NS: f64 = 50e6;

/// Work that uses a processor for less than a fifth of its time sleeps or waits
/// for input: overlapping it needs no second processor.
pub(crate) const WAITING_CPU_SHARE: f64 = 0.2;

/// Work that uses a processor for this share of its time is bound by it.
pub(crate) const CPU_BOUND_SHARE: f64 = 0.8;

/// Waits that overlap finish sooner by at least this factor; below it they ran
/// one after another and the difference is noise.
pub(crate) const OVERLAP_SPEEDUP: f64 = 1.25;

/// Threads that take turns keep one processor busy and measure 0.95 to 1.1 cores;
/// a quarter of a second core is clear of that.
pub(crate) const PARALLEL_CORES: f64 = 1.25;

/// An interval whose ends differ by half of the value says too little.
pub(crate) const MAX_SPREAD: f64 = 1.5;

/// Caches may make parallel work a little quicker than its share; by a quarter
/// more than there are lanes means that the runs did not do the same work.
pub(crate) const IMPOSSIBLE_SPEEDUP: f64 = 1.25;

/// Python threads that only take turns stay below this many cores.
pub(crate) const TURN_TAKING_CORES: f64 = 1.15;

/// Threads that take turns are in their tasks together: at least this many at a time.
pub(crate) const TURN_TAKING_BUSY: f64 = 1.5;

/// Lock hand-overs of work that releases the lock often stay below this share
/// of thread time; threads that take turns wait for a third or more.
pub(crate) const INTERPRETER_WAIT_SHARE: f64 = 0.15;

/// Above this share of thread time other work, or too many workers, is on the processors.
pub(crate) const BUSY_MACHINE_SHARE: f64 = 0.10;

/// A loss below this share of the workers' time explains nothing.
pub(crate) const MIN_LOSS_SHARE: f64 = 0.05;

/// A loss of a parallel run is worth a word from here on.
pub(crate) const NOTABLE_LOSS_SHARE: f64 = 0.10;

/// A cause is named when it is the largest in this share of resamples.
pub(crate) const CERTAIN: f64 = 0.95;

/// Above this share of the processors' time taken by the host, noise is expected.
pub(crate) const STEAL_SHARE: f64 = 0.05;

/// When the first task ends, the others must be at least this far.
pub(crate) const TOGETHER: f64 = 0.5;

/// The speed-up from which work counts as parallel: half of what each further lane could add.
pub(crate) fn parallel_speedup(lanes: u32) -> f64 {
    1.0 + 0.5 * (f64::from(lanes) - 1.0)
}

/// The growth of time, from one task to as many as lanes, that is the same threshold.
pub(crate) fn flat_growth(lanes: u32) -> f64 {
    f64::from(lanes) / parallel_speedup(lanes)
}
