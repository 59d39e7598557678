//! Closes the budget of the workers' time: every nanosecond of every worker has one name.
//!
//! Inside a task the task's own record says where the time went. Between tasks
//! the state of the whole run says why a worker had nothing to do: it is the
//! same reason for all idle workers, so one sweep over time is enough.

use std::collections::HashMap;

use multilane_trace::{Task, Trace};

use crate::Decomposition;

/// What a task used for itself, without the tasks that ran nested in it on its worker.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Own {
    /// Time on the worker.
    pub(crate) wall_ns: u64,
    /// CPU time.
    pub(crate) cpu_ns: u64,
}

/// When a task could have been taken: its dependencies were done.
pub(crate) fn arrival_ns(task: &Task) -> u64 {
    // A later attempt carries the queue times of the first one.
    if task.attempt > 1 {
        return task.started_ns;
    }
    let known = [task.ready_ns, task.queued_ns].into_iter().find(|at| *at > 0);
    // A clock read twice may put the arrival after the start.
    known.map_or(task.started_ns, |at| at.min(task.started_ns))
}

/// When a task entered the queue.
pub(crate) fn queued_ns(task: &Task) -> u64 {
    if task.queued_ns > 0 {
        task.queued_ns.min(arrival_ns(task))
    } else {
        arrival_ns(task)
    }
}

/// What each of `tasks` used for itself, in their order.
pub(crate) fn own(tasks: &[&Task]) -> Vec<Own> {
    let mut by_worker: HashMap<u32, Vec<usize>> = HashMap::new();
    for (position, task) in tasks.iter().enumerate() {
        by_worker.entry(task.worker).or_default().push(position);
    }
    let mut owned: Vec<Own> = tasks
        .iter()
        .map(|task| Own {
            wall_ns: 0,
            cpu_ns: task.cpu_ns,
        })
        .collect();
    for positions in by_worker.values_mut() {
        // An outer task before the inner ones that start with it.
        positions.sort_by_key(|position| {
            (
                tasks[*position].started_ns,
                std::cmp::Reverse(tasks[*position].ended_ns),
                *position,
            )
        });
        let mut open: Vec<usize> = Vec::new();
        let mut cursor = 0;
        let close = |open: &mut Vec<usize>, owned: &mut Vec<Own>, cursor: &mut u64, until: u64| {
            while let Some(top) = open.last().copied() {
                let ended = tasks[top].ended_ns;
                let stop = ended.min(until);
                owned[top].wall_ns += stop.saturating_sub(*cursor);
                *cursor = stop.max(*cursor);
                if ended > until {
                    break;
                }
                open.pop();
            }
        };
        for position in positions.iter().copied() {
            close(&mut open, &mut owned, &mut cursor, tasks[position].started_ns);
            cursor = cursor.max(tasks[position].started_ns);
            if let Some(outer) = open.last() {
                owned[*outer].cpu_ns = owned[*outer].cpu_ns.saturating_sub(tasks[position].cpu_ns);
            }
            open.push(position);
        }
        close(&mut open, &mut owned, &mut cursor, u64::MAX);
    }
    owned
}

/// Nanoseconds by name; they add up to slots times the window.
#[derive(Clone, Copy, Debug, Default)]
struct Budget {
    useful: u128,
    load_imbalance: u128,
    serial_fraction: u128,
    dispatch: u128,
    serialisation: u128,
    interpreter_wait: u128,
    run_queue: u128,
    waiting: u128,
    start_up: u128,
    idle: u128,
}

/// Splits `window` of all worker slots by what they were doing; also returns the number of slots.
///
/// When tasks are `chained`, dependencies alone make the run this long: workers
/// without a task at the end then wait for the chain, not for an uneven share.
pub(crate) fn decompose(
    trace: &Trace,
    tasks: &[&Task],
    owned: &[Own],
    window: (u64, u64),
    chained: bool,
) -> (Decomposition, usize) {
    let changes = changes(trace, tasks, window);
    let slots = slots(trace, &changes);
    let mut budget = Budget::default();
    for (task, own) in tasks.iter().zip(owned) {
        inside(&mut budget, task, *own);
    }
    let last_arrival = tasks.iter().map(|task| arrival_ns(task)).max().unwrap_or(0);
    // A slot that no task was left for is idle, not badly balanced.
    let spare = slots.saturating_sub(tasks.len() as i64);
    let mut state = State::default();
    let mut changes = changes.into_iter().peekable();
    let mut now = window.0;
    while now < window.1 {
        while let Some((_, change)) = changes.next_if(|(at, _)| *at <= now) {
            state.apply(change);
        }
        let next = changes.peek().map_or(window.1, |(at, _)| (*at).min(window.1));
        outside(
            &mut budget,
            &state,
            slots,
            spare,
            !chained && now >= last_arrival,
            next - now,
        );
        now = next;
    }
    (budget.fractions(), usize::try_from(slots).unwrap_or(0))
}

/// What happens to the state of the run at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Busy(i64),
    Waiting(i64),
    Blocked(i64),
    Starting(i64),
}

/// How many workers and tasks are in which state.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    busy: i64,
    waiting: i64,
    blocked: i64,
    starting: i64,
}

impl State {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Busy(by) => self.busy += by,
            Change::Waiting(by) => self.waiting += by,
            Change::Blocked(by) => self.blocked += by,
            Change::Starting(by) => self.starting += by,
        }
    }
}

/// Every change in order of time.
fn changes(trace: &Trace, tasks: &[&Task], window: (u64, u64)) -> Vec<(u64, Change)> {
    let mut changes = Vec::with_capacity(tasks.len() * 6);
    let mut between = |from: u64, to: u64, change: fn(i64) -> Change| {
        let (from, to) = (from.clamp(window.0, window.1), to.clamp(window.0, window.1));
        if from < to {
            changes.push((from, change(1)));
            changes.push((to, change(-1)));
        }
    };
    for task in tasks {
        between(queued_ns(task), arrival_ns(task), Change::Blocked);
        between(arrival_ns(task), task.started_ns, Change::Waiting);
    }
    for (from, to) in busy(tasks) {
        between(from, to, Change::Busy);
    }
    for worker in &trace.workers {
        let ready = match (worker.ready_ns, worker.ended_ns) {
            (0, 0) if worker.started_ns == 0 => continue,
            (0, 0) => window.1,
            (0, ended) => ended,
            (ready, _) => ready,
        };
        between(worker.started_ns, ready, Change::Starting);
    }
    changes.sort_unstable();
    changes
}

/// When each worker was in at least one task.
fn busy(tasks: &[&Task]) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u32, u64, u64)> = tasks
        .iter()
        .map(|task| (task.worker, task.started_ns, task.ended_ns))
        .collect();
    spans.sort_unstable();
    let mut merged: Vec<(u32, u64, u64)> = Vec::with_capacity(spans.len());
    for (worker, from, to) in spans {
        match merged.last_mut() {
            Some(last) if last.0 == worker && from <= last.2 => last.2 = last.2.max(to),
            _ => merged.push((worker, from, to)),
        }
    }
    merged.into_iter().map(|(_, from, to)| (from, to)).collect()
}

/// As many slots as were asked for, or as were busy at once when that is more:
/// a replaced worker is not a second slot, an extra one is.
fn slots(trace: &Trace, changes: &[(u64, Change)]) -> i64 {
    let mut busy = 0;
    let mut peak = 1;
    for (_, change) in changes {
        if let Change::Busy(by) = change {
            busy += by;
            peak = peak.max(busy);
        }
    }
    peak.max(i64::from(trace.meta.workers))
}

/// Books the time inside a task.
fn inside(budget: &mut Budget, task: &Task, own: Own) {
    let mut left = own.wall_ns;
    let mut take = |wanted: u64| {
        let taken = wanted.min(left);
        left -= taken;
        u128::from(taken)
    };
    let serialisation = task.decode_ns.saturating_add(task.result_encode_ns);
    budget.serialisation += take(serialisation);
    // The CPU time of a task covers its serialising, which is already booked.
    budget.useful += take(own.cpu_ns.saturating_sub(serialisation));
    budget.interpreter_wait += take(task.interpreter_wait_ns);
    budget.run_queue += take(task.run_queue_ns);
    budget.waiting += take(u64::MAX);
}

/// Books `length_ns` of the slots that are in no task.
fn outside(budget: &mut Budget, state: &State, slots: i64, spare: i64, no_more_tasks: bool, length_ns: u64) {
    let mut left = slots - state.busy;
    let mut take = |wanted: i64| {
        let taken = wanted.clamp(0, left.max(0));
        left -= taken;
        u128::try_from(taken).unwrap_or(0) * u128::from(length_ns)
    };
    budget.start_up += take(state.starting);
    budget.dispatch += take(state.waiting);
    let something_left = state.busy + state.waiting + state.blocked > 0;
    match (something_left, no_more_tasks) {
        (true, true) => {
            budget.idle += take(spare);
            budget.load_imbalance += take(i64::MAX);
        }
        (true, false) => budget.serial_fraction += take(i64::MAX),
        (false, _) => budget.idle += take(i64::MAX),
    }
}

impl Budget {
    fn fractions(&self) -> Decomposition {
        let all = [
            self.useful,
            self.load_imbalance,
            self.serial_fraction,
            self.dispatch,
            self.serialisation,
            self.interpreter_wait,
            self.run_queue,
            self.waiting,
            self.start_up,
            self.idle,
        ];
        let total: u128 = all.iter().sum();
        let of = |part: u128| if total == 0 { 0.0 } else { part as f64 / total as f64 };
        Decomposition {
            useful: of(self.useful),
            load_imbalance: of(self.load_imbalance),
            serial_fraction: of(self.serial_fraction),
            dispatch: of(self.dispatch),
            serialisation: of(self.serialisation),
            interpreter_wait: of(self.interpreter_wait),
            run_queue: of(self.run_queue),
            waiting: of(self.waiting),
            start_up: of(self.start_up),
            idle: of(self.idle),
        }
    }
}
