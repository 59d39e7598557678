//! Runs tasks in order of arrival on workers that share processors and memory.
//!
//! Between two events, that is arrivals and ends, every running task advances at a steady speed. Knows no trace.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What tasks share.
pub(super) struct Machine {
    pub(super) workers: usize,
    pub(super) processors: f64,
    /// Bytes a nanosecond.
    pub(super) bandwidth: f64,
}

/// What a task needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// Earliest start: when it was submitted.
    pub(super) arrives_ns: f64,
    /// On a processor.
    pub(super) cpu_ns: f64,
    /// Off it by its own will: sleep, files, network.
    pub(super) wait_ns: f64,
    /// Bytes to and from memory.
    pub(super) bytes: f64,
    /// Dependencies that are not done.
    pub(super) missing: usize,
}

/// What the longest chain of dependent tasks needs, with any number of workers and processors.
pub(super) fn chain(needs: &[Need], dependents: &[Vec<usize>]) -> f64 {
    let mut missing: Vec<usize> = needs.iter().map(|need| need.missing).collect();
    let mut open: Vec<usize> = (0..needs.len()).filter(|task| missing[*task] == 0).collect();
    let mut starts = vec![0.0f64; needs.len()];
    let mut longest = 0.0f64;
    while let Some(task) = open.pop() {
        let ends = starts[task] + needs[task].cpu_ns + needs[task].wait_ns;
        longest = longest.max(ends);
        for dependent in &dependents[task] {
            starts[*dependent] = starts[*dependent].max(ends);
            missing[*dependent] -= 1;
            if missing[*dependent] == 0 {
                open.push(*dependent);
            }
        }
    }
    longest
}

/// A task that runs: what is left of it, from 1 to 0.
struct Running {
    task: usize,
    left: f64,
}

/// Runs the tasks in order of arrival, each on a free worker; when the last one ends.
pub(super) fn replay(needs: &[Need], dependents: &[Vec<usize>], machine: &Machine) -> f64 {
    let mut missing: Vec<usize> = needs.iter().map(|need| need.missing).collect();
    // Arrivals in whole nanoseconds, so that they have an order.
    let key = |task: usize| Reverse((needs[task].arrives_ns as u64, task));
    let mut coming: BinaryHeap<Reverse<(u64, usize)>> =
        (0..needs.len()).filter(|task| missing[*task] == 0).map(key).collect();
    let mut running: Vec<Running> = Vec::new();
    let mut now_ns = 0.0;
    loop {
        while running.len() < machine.workers
            && let Some(Reverse((at, task))) = coming.peek().copied()
            && at as f64 <= now_ns
        {
            coming.pop();
            running.push(Running { task, left: 1.0 });
        }
        let next_arrival = coming
            .peek()
            .map(|Reverse((at, _))| *at as f64)
            .filter(|at| *at > now_ns);
        if running.is_empty() {
            match next_arrival {
                Some(at) => now_ns = at,
                // A cycle of dependencies, which only a damaged trace holds, never becomes ready.
                None => return now_ns,
            }
            continue;
        }
        let wanted: f64 = running.iter().map(|one| share(&needs[one.task])).sum();
        let granted = (machine.processors / wanted.max(1e-9)).min(1.0);
        // Nanoseconds that all of a task takes at the present speed, as far as processors go.
        let alone = |need: &Need| (need.cpu_ns / granted + need.wait_ns).max(1e-3);
        let traffic = |need: &Need| need.bytes / alone(need);
        let most = most_each(
            running.iter().map(|one| traffic(&needs[one.task])).collect(),
            machine.bandwidth,
        );
        let length = |one: &Running| {
            let need = &needs[one.task];
            // What waits for memory does so on its processor.
            let stretch = (traffic(need) / most).max(1.0);
            alone(need) * stretch
        };
        let ends = running
            .iter()
            .map(|one| one.left * length(one))
            .fold(f64::INFINITY, f64::min);
        let free = running.len() < machine.workers;
        let step = next_arrival.filter(|_| free).map_or(ends, |at| ends.min(at - now_ns));
        now_ns += step;
        for one in &mut running {
            one.left -= step / length(one);
        }
        running.retain(|one| {
            let done = one.left <= 1e-9;
            if done {
                for dependent in &dependents[one.task] {
                    missing[*dependent] -= 1;
                    if missing[*dependent] == 0 {
                        coming.push(key(*dependent));
                    }
                }
            }
            !done
        });
    }
}

/// Share of its time that a task wants a processor.
fn share(need: &Need) -> f64 {
    let all = need.cpu_ns + need.wait_ns;
    if all > 0.0 { need.cpu_ns / all } else { 1.0 }
}

/// The traffic that each may have at most, so that all together have no more than the limit: who wants less than an equal
/// share leaves the rest to the others.
fn most_each(mut wanted: Vec<f64>, limit: f64) -> f64 {
    wanted.sort_by(f64::total_cmp);
    let mut left = limit;
    for (index, want) in wanted.iter().enumerate() {
        let share = left / (wanted.len() - index) as f64;
        if *want > share {
            return share;
        }
        left -= want;
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_little_leaves_the_rest() {
        assert_eq!(most_each(vec![4.0, 4.0], 10.0), f64::INFINITY);
        assert_eq!(most_each(vec![8.0, 8.0], 10.0), 5.0);
        assert_eq!(most_each(vec![9.0, 1.0, 9.0], 10.0), 4.5);
        assert_eq!(most_each(Vec::new(), 10.0), f64::INFINITY);
    }
}
