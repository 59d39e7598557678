//! Lanes for tests: threads of their own for each piece of work.

use std::sync::atomic::{AtomicUsize, Ordering};

use multilane_plan::Lanes;

/// So many threads, the caller among them.
pub(crate) struct Scoped(pub(crate) usize);

impl Lanes for Scoped {
    fn count(&self) -> usize {
        self.0
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = |lane: usize| {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    break;
                }
                body(piece, lane);
            }
        };
        std::thread::scope(|scope| {
            for lane in 1..self.0.min(pieces) {
                let work = &work;
                scope.spawn(move || work(lane));
            }
            work(0);
        });
    }
}
