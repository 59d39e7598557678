//! What happens when a task waits for a task.
//!
//! A thread worker that waits runs its own waiting tasks meanwhile, so that nested
//! tasks end at any worker count.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use multilane_engine::threads::Pool;
use pyo3::prelude::*;

use crate::handle::Handle;

thread_local! {
    /// Pools whose tasks this thread is in the middle of, innermost last.
    static POOLS: RefCell<Vec<Arc<Pool>>> = const { RefCell::new(Vec::new()) };
}

/// How long a waiting worker sleeps before it looks for new tasks of its own: they
/// only appear late when they depended on tasks of other workers.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Leaves the pool again when dropped.
pub(crate) struct Entered;

/// Notes that this thread runs a task of `pool`.
pub(crate) fn enter(pool: &Arc<Pool>) -> Entered {
    POOLS.with_borrow_mut(|pools| pools.push(pool.clone()));
    Entered
}

impl Drop for Entered {
    fn drop(&mut self) {
        POOLS.with_borrow_mut(|pools| drop(pools.pop()));
    }
}

/// Reports progress of the task this thread runs; false outside of one.
pub(crate) fn report_progress(done: i64, total: i64) -> bool {
    let task = multilane_engine::threads::current_task();
    let pool = POOLS.with_borrow(|pools| pools.last().cloned());
    match pool {
        Some(pool) if task != 0 => {
            pool.report_progress(task, done, total);
            true
        }
        _ => false,
    }
}

/// Called before a thread sleeps until `handle` is done: runs the thread's own waiting
/// tasks; the longest it may sleep before it asks again.
pub(crate) fn before_wait(py: Python<'_>, handle: &Handle) -> Option<Duration> {
    crate::remote_pool::run_unstarted(py, &handle.task);
    let pool = POOLS.with_borrow(|pools| pools.last().cloned())?;
    while !handle.task.is_done() && pool.run_own() {}
    Some(LOOK_AGAIN)
}
