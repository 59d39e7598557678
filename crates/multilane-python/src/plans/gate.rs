//! The one way from Python into native work: the interpreter is released, Ctrl-C and a
//! time limit are noticed, progress is reported.
//!
//! The calling thread is one of the lanes. Between two pieces it looks, a few times a
//! second, whether somebody wants the work to stop; so no thread of our own is needed to
//! watch, and nothing is looked at when the work is short.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use multilane_engine::lanes;
use multilane_plan::Lanes;
use pyo3::prelude::*;

/// How long the caller computes before it looks again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a caller may want beside the result.
#[derive(Default)]
pub(crate) struct Wishes {
    /// How many lanes at most.
    pub(crate) workers: Option<usize>,
    /// When to give up.
    pub(crate) timeout: Option<Duration>,
    /// Called with turns done and turns at most.
    pub(crate) report: Option<Py<PyAny>>,
    /// Whether what each lane does is recorded.
    pub(crate) lanes_recorded: bool,
}

/// Why the work was stopped.
pub(crate) enum Stopped {
    /// Python raised: Ctrl-C, or the function that is told about progress.
    Raised(PyErr),
    /// The time was over.
    TimedOut,
}

/// How far a program is, as the program says.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    done: AtomicU64,
    most: AtomicU64,
}

impl Turns {
    /// Notes it.
    pub(crate) fn note(&self, done: u64, most: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.most.store(most, Ordering::Relaxed);
    }
}

/// Lanes that let their caller look up from its work.
pub(crate) struct Gate<'a> {
    lanes: &'a dyn Lanes,
    caller: usize,
    started: Instant,
    next_look_ns: AtomicU64,
    stop: AtomicBool,
    wishes: &'a Wishes,
    turns: Arc<Turns>,
    said: AtomicU64,
    why: Mutex<Option<Stopped>>,
}

/// The address of something that every thread has one of.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark) as usize)
}

impl<'a> Gate<'a> {
    pub(crate) fn new(lanes: &'a dyn Lanes, wishes: &'a Wishes) -> Self {
        Self {
            lanes,
            caller: this_thread(),
            started: Instant::now(),
            next_look_ns: AtomicU64::new(LOOK_EVERY.as_nanos() as u64),
            stop: AtomicBool::new(false),
            wishes,
            turns: Arc::default(),
            said: AtomicU64::new(u64::MAX),
            why: Mutex::new(None),
        }
    }

    /// Where the program notes how far it is.
    pub(crate) fn turns(&self) -> Arc<Turns> {
        self.turns.clone()
    }

    /// Why it was stopped, when it was.
    pub(crate) fn why(&self) -> Option<Stopped> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn give_up(&self, why: Stopped) {
        self.why
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(why);
        self.stop.store(true, Ordering::Relaxed);
    }

    #[inline]
    fn look(&self) {
        if this_thread() != self.caller {
            return;
        }
        let now = self.started.elapsed();
        if now.as_nanos() as u64 >= self.next_look_ns.load(Ordering::Relaxed) {
            self.look_up(now);
        }
    }

    #[cold]
    fn look_up(&self, now: Duration) {
        self.next_look_ns
            .store((now + LOOK_EVERY).as_nanos() as u64, Ordering::Relaxed);
        if self.wishes.timeout.is_some_and(|limit| now >= limit) {
            self.give_up(Stopped::TimedOut);
            return;
        }
        let looked = Python::attach(|py| {
            py.check_signals()?;
            self.report(py)
        });
        if let Err(error) = looked {
            self.give_up(Stopped::Raised(error));
        }
    }

    /// Says how far the program is, when that has changed.
    pub(crate) fn report(&self, py: Python<'_>) -> PyResult<()> {
        let done = self.turns.done.load(Ordering::Relaxed);
        let most = self.turns.most.load(Ordering::Relaxed);
        if let Some(report) = &self.wishes.report
            && most > 0
            && self.said.swap(done, Ordering::Relaxed) != done
        {
            report.call1(py, (done, most))?;
        }
        Ok(())
    }
}

impl Lanes for Gate<'_> {
    fn count(&self) -> usize {
        self.lanes.count()
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        self.lanes.run(pieces, &|piece, lane| {
            body(piece, lane);
            self.look();
        });
    }

    fn stopped(&self) -> bool {
        self.look();
        self.stop.load(Ordering::Relaxed)
    }
}

/// The lanes to use: those asked for, or as many as there are processors to use.
pub(crate) fn lanes_for(workers: Option<usize>) -> &'static lanes::Team {
    lanes::shared(workers)
}

/// Runs native work with the interpreter released.
///
/// `work` should stop soon after [`Lanes::stopped`] says so; what it returns then does not count.
pub(crate) fn through<T: Send>(
    py: Python<'_>,
    wishes: &Wishes,
    work: impl FnOnce(&Gate<'_>) -> T + Send,
) -> PyResult<T> {
    let team = lanes_for(wishes.workers);
    let (result, why) = py.detach(|| {
        let gate = Gate::new(team, wishes);
        let result = work(&gate);
        if wishes.report.is_some() {
            // The last turn, too.
            gate.look_up(gate.started.elapsed());
        }
        (result, gate.why())
    });
    match why {
        None => Ok(result),
        Some(Stopped::Raised(error)) => Err(error),
        Some(Stopped::TimedOut) => {
            let limit = wishes.timeout.unwrap_or_default().as_secs_f64();
            let class = py.import("multilane.errors")?.getattr("TaskTimeout")?;
            Err(PyErr::from_value(class.call1((format!(
                "the plan ran longer than its timeout of {limit} s and was stopped"
            ),))?))
        }
    }
}
