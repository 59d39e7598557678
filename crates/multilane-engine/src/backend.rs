//! What every backend can do with a task, wherever its workers run.

use std::sync::Arc;
use std::time::Duration;

use crate::error::EngineError;
use crate::futex::Woken;
use crate::task::{Outcome, Task};

/// How a task left the queue when its caller asked for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It had not started and never will.
    Removed,
    /// It was running and is being stopped.
    Stopped,
    /// It had ended already, or cannot be stopped.
    No,
}

/// A progress report.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// How many reports came before and with this one.
    pub count: u32,
    /// Units done.
    pub done: i64,
    /// Units in all; negative when unknown.
    pub total: i64,
    /// When.
    pub at_ns: u64,
}

/// Called with (done, total); total is negative when unknown.
pub type ProgressCallback = Box<dyn Fn(i64, i64) + Send>;

/// What a front end does for a pool.
pub trait Host: Send + Sync {
    /// Runs `body`, which calls callbacks, inside whatever they need.
    fn run_callbacks(&self, body: &mut dyn FnMut());
    /// Words for a start-up failure a worker encoded.
    fn describe_failure(&self, message: &[u8]) -> String;
}

/// A set of workers. Tasks are submitted by methods of the concrete pool, since
/// what a task carries differs; everything after that is here.
pub trait Backend: Send + Sync {
    /// Counts a task that will be submitted once its dependencies are done, so that
    /// shutdown waits for it.
    fn admit(&self) -> Result<(), EngineError>;
    /// Ends an admitted task without running it.
    fn finish(&self, task: &Arc<Task>, outcome: Outcome);
    /// Takes results that are there, without waiting.
    fn poll(&self);
    /// Waits until the task ends, `limit` passed or a signal came.
    fn wait(&self, task: &Task, limit: Option<Duration>) -> Woken;
    /// Asks for a wake-up when the task ends (`level` 1) or reports progress (2).
    fn watch(&self, task: &Task, level: u32);
    /// Takes a task out of the queue; with `running`, also stops one that runs.
    fn cancel(&self, task: &Arc<Task>, running: bool) -> Cancelled;
    /// Since when a worker runs the task; `None` when none does.
    fn running_since(&self, task: &Task) -> Option<u64>;
    /// Whether its tasks run in threads of this process.
    fn runs_here(&self) -> bool {
        false
    }
    /// Puts down the threads of this process of which each can bring the task to its end, by the system's
    /// identity: the one that runs it, or all that take from its queue. None where others can, too, or
    /// nobody can tell.
    fn threads_for(&self, _task: &Task, _into: &mut Vec<u64>) {}
    /// The last progress a running task reported.
    fn progress(&self, task: &Task) -> Option<Progress>;
    /// Calls back whenever the task reported progress.
    fn on_progress(&self, task: &Arc<Task>, callback: ProgressCallback);
    /// Tasks that were admitted and have not ended.
    fn active(&self) -> usize;
    /// Sleeps until fewer than `limit` tasks are active, for `patience` at most;
    /// whether there is room.
    fn wait_for_room(&self, limit: usize, patience: Duration) -> bool;
    /// Why the pool cannot run anything any more.
    fn broken(&self) -> Option<String>;
    /// Takes no more tasks; workers end after the last.
    fn close(&self, cancel_pending: bool);
    /// Ends every worker now where the backend can, whatever it runs.
    fn kill(&self, reason: &str);
    /// Sleeps until every worker has ended, for `patience` at most; whether they have.
    fn wait_closed(&self, patience: Duration) -> bool;
}
