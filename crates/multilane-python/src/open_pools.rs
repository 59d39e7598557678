//! Pools whose workers have not ended, also those nobody holds any more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use multilane_engine::backend::Backend;
use multilane_engine::fork::Birth;
use pyo3::prelude::*;

type Ended = Box<dyn Fn(Duration) -> bool + Send>;

static OPEN: Mutex<Vec<(Birth, Ended)>> = Mutex::new(Vec::new());

/// Remembers a pool until its workers have ended.
pub(crate) fn remember(ended: Ended) {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|(birth, ended)| birth.is_here() && !ended(Duration::ZERO));
    open.push((Birth::here(), ended));
}

/// Waits until the workers of every pool have ended; False after `seconds`.
#[pyfunction]
pub(crate) fn wait_pools_closed(py: Python<'_>, seconds: f64) -> bool {
    py.detach(|| {
        let open = std::mem::take(&mut *OPEN.lock().unwrap_or_else(PoisonError::into_inner));
        let patience = Duration::from_secs_f64(seconds);
        let left: Vec<_> = open
            .into_iter()
            .filter(|(birth, ended)| birth.is_here() && !ended(patience))
            .collect();
        let none_left = left.is_empty();
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).extend(left);
        none_left
    })
}

/// Closes a pool whose last Python reference is gone. Its tasks still run.
pub(crate) fn let_go(birth: Birth, pool: &impl Backend) {
    if birth.is_here() {
        pool.close(false);
    }
}
