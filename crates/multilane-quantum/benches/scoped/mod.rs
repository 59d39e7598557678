//! Lanes for measurements: threads of their own for each piece of work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

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

/// Prints the seconds of each of some runs, and the least.
pub(crate) fn timed<T>(what: &str, runs: usize, mut work: impl FnMut() -> T) -> T {
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..runs {
        let start = Instant::now();
        last = Some(work());
        seconds.push(start.elapsed().as_secs_f64());
    }
    let least = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let all: Vec<String> = seconds.iter().map(|seconds| format!("{seconds:.4}")).collect();
    println!("{what}: {least:.4} s of {}", all.join(" "));
    last.expect("at least one run")
}

/// The whole numbers among the arguments: scale, edge factor, lanes.
pub(crate) fn arguments() -> (u32, usize, Scoped) {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let number = |at: usize, otherwise| numbers.get(at).copied().unwrap_or(otherwise);
    (number(0, 20) as u32, number(1, 16), Scoped(number(2, 2)))
}
