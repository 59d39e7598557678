//! Workers that are threads of this process, and the pool without any.
//!
//! A task is a closure; its result stays where it is. With no workers at all a
//! task runs in the thread that submits it. A worker that waits for a task of its
//! own runs its own waiting tasks meanwhile, so nested tasks end at any worker
//! count.

mod queue;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use multilane_trace as trace;

use crate::backend::{Backend, Cancelled, Progress, ProgressCallback};
use crate::clock;
use crate::error::EngineError;
use crate::fork::Birth;
use crate::futex::Woken;
use crate::record;
use crate::task::{Callback, Failure, Measured, Outcome, State, Task, Value};
use queue::{Due, Entry, Queue};

/// The work of one task; called again for another attempt.
pub type Call = Box<dyn Fn() -> Result<Value, Value> + Send + Sync>;

/// How a front end runs the loop of a worker thread.
pub trait Runner: Send + Sync {
    /// Runs `worker` until it has nothing more to do, inside whatever calls need.
    fn run(&self, worker: &Worker);
    /// Prepares a worker; an error breaks the pool.
    fn start(&self) -> Result<(), String>;
    /// Asks the thread that runs a task to stop; whether it can be asked at all.
    fn interrupt(&self, thread: u64) -> bool;
    /// What [`Runner::interrupt`] needs to find this thread again.
    fn thread(&self) -> u64;
    /// Sleeps between two attempts of a task, where no thread but the caller's does it.
    fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

struct Running {
    task: Arc<Task>,
    worker: u32,
    attempt: u16,
    started_ns: u64,
    thread: u64,
    progress: Option<Progress>,
}

struct Inside {
    queue: Queue,
    running: Vec<Running>,
    /// Who wants to hear of a task's progress, from before its start to its end.
    watchers: HashMap<u64, Vec<ProgressCallback>>,
    active: usize,
    alive: usize,
    ready: usize,
    closing: bool,
    broken: Option<String>,
    timer_runs: bool,
}

/// What the threads of a pool share.
pub struct Shared {
    state: Mutex<Inside>,
    /// A task was queued, or the pool is closing.
    queued: Condvar,
    /// Something ended.
    changed: Condvar,
    timer: Condvar,
    runner: Arc<dyn Runner>,
    workers: usize,
    /// Number of the first worker among all workers of this process.
    first_worker: u32,
    started: Mutex<Vec<trace::Worker>>,
}

/// Worker threads, or none.
pub struct Pool {
    shared: Arc<Shared>,
    birth: Birth,
}

/// One worker thread's view of its pool.
pub struct Worker {
    shared: Arc<Shared>,
    index: u32,
}

thread_local! {
    /// Ids of the tasks this thread is in the middle of, outermost first.
    static STACK: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    /// Number of the worker this thread is.
    static WORKER: Cell<Option<u32>> = const { Cell::new(None) };
    static RUN_DELAY: RefCell<clock::RunDelay> = RefCell::new(clock::RunDelay::of_this_thread());
}

/// How long a task was ready without a processor, of the time that it lost; `before_ns` was seen at its start.
fn run_queue_ns(before_ns: u64, lost_ns: u64) -> u64 {
    if lost_ns < clock::NOTABLE_LOSS_NS {
        return 0;
    }
    let now_ns = RUN_DELAY.with_borrow_mut(clock::RunDelay::read);
    now_ns.saturating_sub(before_ns).min(lost_ns)
}

/// The id of the task this thread runs; 0 outside of one.
pub fn current_task() -> u64 {
    STACK.with_borrow(|stack| stack.last().copied().unwrap_or(0))
}

impl Worker {
    /// Waits for a task; `None` when the worker is to end. Needs no interpreter.
    pub fn next(&self) -> Option<Job> {
        let mut state = self.shared.lock();
        let mut waited = false;
        loop {
            if let Some(entry) = state.queue.pop() {
                drop(state);
                if waited {
                    // Getting a processor after a wake-up is no delay of the task.
                    RUN_DELAY.with_borrow_mut(clock::RunDelay::read);
                }
                return Some(Job {
                    entry,
                    worker: self.index,
                });
            }
            if state.closing && state.active == 0 {
                return None;
            }
            state = self.shared.queued.wait(state).unwrap_or_else(PoisonError::into_inner);
            waited = true;
        }
    }

    /// Runs a task.
    pub fn run(&self, job: Job) {
        self.shared.run(job.entry, job.worker);
    }
}

/// A task taken from the queue.
pub struct Job {
    entry: Entry,
    worker: u32,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self: &Arc<Self>, entry: Entry, worker: u32) {
        let Entry {
            task, call, attempt, ..
        } = entry;
        if !task.start() {
            return;
        }
        let (started_ns, core_start) = (clock::now_ns(), clock::core());
        let (before_cpu_ns, before_delay_ns) = (clock::thread_cpu_ns(), RUN_DELAY.with_borrow(clock::RunDelay::seen));
        {
            let mut state = self.lock();
            state.running.push(Running {
                task: task.clone(),
                worker,
                attempt,
                started_ns,
                thread: self.runner.thread(),
                progress: None,
            });
            if let Some(limit) = task.options.timeout {
                self.schedule(
                    &mut state,
                    started_ns.saturating_add(clock::nanoseconds_of(limit)),
                    Due::Timeout(task.id),
                );
            }
        }
        STACK.with_borrow_mut(|stack| stack.push(task.id));
        // A thread that unwinds would take its worker along, and leave the task unfinished.
        let result = catch_unwind(AssertUnwindSafe(&call));
        STACK.with_borrow_mut(|stack| stack.pop());
        let ended_ns = clock::now_ns();
        let cpu_ns = clock::thread_cpu_ns().saturating_sub(before_cpu_ns);
        let lost_ns = ended_ns.saturating_sub(started_ns).saturating_sub(cpu_ns);
        let measured = Measured {
            worker,
            attempt,
            started_ns,
            ended_ns,
            collected_ns: ended_ns,
            cpu_ns,
            run_queue_ns: run_queue_ns(before_delay_ns, lost_ns),
            core_start,
            core_end: clock::core(),
            ..Measured::default()
        };
        let failed = !matches!(result, Ok(Ok(_)));
        let status = if failed {
            trace::Status::Failed
        } else {
            trace::Status::Done
        };
        record::note_attempt(&task, &measured, status);
        {
            let mut state = self.lock();
            state.running.retain(|running| running.task.id != task.id);
            if failed && attempt <= task.options.retries && !task.is_done() {
                task.restart();
                let pause = task.options.backoff.saturating_mul(1 << (attempt - 1).min(20));
                let priority = task.options.priority;
                let entry = Entry {
                    task,
                    call,
                    attempt: attempt.saturating_add(1),
                    order: 0,
                    priority,
                };
                self.schedule(
                    &mut state,
                    ended_ns.saturating_add(clock::nanoseconds_of(pause)),
                    Due::Retry(entry),
                );
                if self.workers == 0 {
                    drop(state);
                    self.run_due_here();
                }
                return;
            }
        }
        // Whatever the call holds on to is dropped before its caller can see the end.
        drop(call);
        let outcome = match result {
            Ok(Ok(value)) => Outcome::Done(value),
            Ok(Err(error)) => Outcome::Failed(Failure::Raised(error)),
            Err(_) => {
                let reason = "the code that runs it panicked".to_owned();
                Outcome::Failed(Failure::Abandoned { reason })
            }
        };
        self.end(&task, outcome, Some(measured));
    }

    /// Without workers there is no timer either: waits for the pause of a retry.
    fn run_due_here(self: &Arc<Self>) {
        loop {
            let mut state = self.lock();
            let Some(at_ns) = state.queue.next_due() else { return };
            let now_ns = clock::now_ns();
            if at_ns > now_ns {
                drop(state);
                self.runner.pause(Duration::from_nanos(at_ns - now_ns));
                continue;
            }
            let Some(Due::Retry(entry)) = state.queue.take_due(now_ns) else {
                continue;
            };
            drop(state);
            return self.run(entry, self.first_worker);
        }
    }

    fn end(&self, task: &Arc<Task>, outcome: Outcome, measured: Option<Measured>) {
        let callbacks = task.finish(outcome, measured);
        self.ended(task, callbacks);
    }

    fn ended(&self, task: &Arc<Task>, callbacks: Option<Vec<Callback>>) {
        let Some(callbacks) = callbacks else { return };
        // Dropped outside the lock, since it may run anything.
        let _watchers;
        {
            let mut state = self.lock();
            _watchers = state.watchers.remove(&task.id);
            state.active -= 1;
            if state.closing && state.active == 0 {
                self.queued.notify_all();
                self.timer.notify_all();
            }
            self.changed.notify_all();
        }
        for callback in callbacks {
            callback(task);
        }
    }

    fn schedule(self: &Arc<Self>, state: &mut Inside, at_ns: u64, due: Due) {
        state.queue.at(at_ns, due);
        if self.workers > 0 && !state.timer_runs {
            let shared = self.clone();
            state.timer_runs = crate::spawn_thread("multilane-timer", move || shared.serve_timers()).is_ok();
        }
        self.timer.notify_all();
    }

    fn serve_timers(self: Arc<Self>) {
        let mut state = self.lock();
        while !(state.closing && state.active == 0) {
            let now_ns = clock::now_ns();
            match state.queue.take_due(now_ns) {
                Some(Due::Retry(entry)) => {
                    state.queue.push(entry);
                    self.queued.notify_one();
                }
                Some(Due::Timeout(id)) => {
                    // A timer of an earlier attempt says nothing of this one.
                    let found = state.running.iter().find(|running| {
                        let limit = running.task.options.timeout.unwrap_or_default();
                        running.task.id == id
                            && running.started_ns.saturating_add(clock::nanoseconds_of(limit)) <= now_ns
                    });
                    if let Some(running) = found {
                        let (task, thread) = (running.task.clone(), running.thread);
                        let (worker, attempt) = (running.worker, running.attempt);
                        let started_ns = running.started_ns;
                        drop(state);
                        // Asking may not help: code outside the interpreter does not listen.
                        self.runner.interrupt(thread);
                        let after = task.options.timeout.unwrap_or_default();
                        let measured = Measured {
                            worker,
                            attempt,
                            started_ns,
                            ended_ns: clock::now_ns(),
                            ..Measured::default()
                        };
                        let failure = Failure::TimedOut { after, stopped: false };
                        self.end(&task, Outcome::Failed(failure), Some(measured));
                        state = self.lock();
                    }
                }
                None => {
                    let limit = state.queue.next_due().map_or(Duration::from_secs(1), |at| {
                        Duration::from_nanos(at.saturating_sub(now_ns))
                    });
                    let waited = self.timer.wait_timeout(state, limit);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    fn work(self: Arc<Self>, index: u32) {
        if let Err(reason) = self.runner.start() {
            self.break_down(&format!("the initializer raised {reason}"));
        } else {
            self.note_start(index);
            self.lock().ready += 1;
            self.changed.notify_all();
            let index = self.first_worker + index;
            WORKER.set(Some(index));
            let worker = Worker {
                shared: self.clone(),
                index,
            };
            self.runner.run(&worker);
        }
        let mut state = self.lock();
        state.alive -= 1;
        self.changed.notify_all();
    }

    fn note_start(&self, index: u32) {
        let now_ns = clock::now_ns();
        let worker = trace::Worker {
            index: self.first_worker + index,
            kind: if self.workers == 0 { "main" } else { "thread" }.to_owned(),
            os_id: rustix::thread::gettid().as_raw_nonzero().get() as u32,
            started_ns: now_ns,
            ready_ns: now_ns,
            ended_ns: 0,
        };
        self.started.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }

    fn wait_ended(&self, patience: Duration) -> bool {
        let open = |state: &mut Inside| state.alive > 0 || state.active > 0;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, open);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.alive == 0 && state.active == 0
    }

    fn break_down(&self, reason: &str) {
        let entries = {
            let mut state = self.lock();
            state.closing = true;
            if state.broken.is_none() {
                state.broken = Some(reason.to_owned());
            }
            state.queue.take_all()
        };
        for entry in entries {
            let failure = Failure::Abandoned {
                reason: reason.to_owned(),
            };
            self.end(&entry.task, Outcome::Failed(failure), None);
        }
        self.queued.notify_all();
        self.timer.notify_all();
    }
}

impl Pool {
    /// Starts `workers` threads; with 0, tasks run where they are submitted.
    pub fn start(workers: usize, runner: Arc<dyn Runner>) -> Result<Self, EngineError> {
        let state = Inside {
            queue: Queue::default(),
            running: Vec::new(),
            watchers: HashMap::new(),
            active: 0,
            alive: workers,
            ready: 0,
            closing: false,
            broken: None,
            timer_runs: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            queued: Condvar::new(),
            changed: Condvar::new(),
            timer: Condvar::new(),
            runner,
            workers,
            first_worker: record::new_workers(workers.max(1)),
            started: Mutex::default(),
        });
        for index in 0..workers {
            let worker = shared.clone();
            let started = crate::spawn_thread("multilane-worker", move || worker.work(index as u32));
            // Those that started would wait for ever.
            started.inspect_err(|error| shared.break_down(&error.to_string()))?;
        }
        if workers == 0
            && let Err(reason) = shared.runner.start()
        {
            shared.break_down(&format!("the initializer raised {reason}"));
        }
        if workers == 0 {
            shared.note_start(0);
        }
        Ok(Self {
            shared,
            birth: Birth::here(),
        })
    }

    /// Queues an admitted task, or runs it now when there are no workers.
    pub fn submit(&self, task: &Arc<Task>, call: Call) {
        let priority = task.options.priority;
        let entry = Entry {
            task: task.clone(),
            call,
            attempt: 1,
            order: 0,
            priority,
        };
        if self.shared.workers == 0 {
            return self.shared.run(entry, self.shared.first_worker);
        }
        let mut state = self.shared.lock();
        if let Some(reason) = state.broken.clone() {
            drop(state);
            return self
                .shared
                .end(task, Outcome::Failed(Failure::Abandoned { reason }), None);
        }
        state.queue.push(entry);
        drop(state);
        self.shared.queued.notify_one();
    }

    /// Notes progress of the task this thread runs.
    pub fn report_progress(&self, task: u64, done: i64, total: i64) {
        let mut state = self.shared.lock();
        let Some(running) = state.running.iter_mut().find(|r| r.task.id == task) else {
            return;
        };
        let count = running.progress.map_or(0, |progress| progress.count) + 1;
        let at_ns = clock::now_ns();
        running.progress = Some(Progress {
            count,
            done,
            total,
            at_ns,
        });
        record::note_progress(task, at_ns, done.max(0) as u64, total.max(0) as u64);
        let Some(mut watchers) = state.watchers.remove(&task) else {
            return;
        };
        drop(state);
        for watcher in &watchers {
            watcher(done, total);
        }
        let mut state = self.shared.lock();
        if state.running.iter().any(|r| r.task.id == task && !r.task.is_done()) {
            // Those that came meanwhile stand behind those that were there.
            let place = state.watchers.entry(task).or_default();
            watchers.append(place);
            *place = watchers;
        }
    }

    /// Tells, also after the pool is dropped, whether every worker has ended, after
    /// the patience given at most.
    pub fn ended(&self) -> Box<dyn Fn(Duration) -> bool + Send> {
        let shared = Arc::downgrade(&self.shared);
        Box::new(move |patience| shared.upgrade().is_none_or(|shared| shared.wait_ended(patience)))
    }

    /// The workers as a trace names them.
    pub fn describe_workers(&self) -> Vec<trace::Worker> {
        self.shared
            .started
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether every worker is up, after `patience` at most.
    pub fn wait_ready(&self, patience: Duration) -> bool {
        let shared = &self.shared;
        let late = |state: &mut Inside| state.ready < shared.workers && state.broken.is_none();
        let waited = shared.changed.wait_timeout_while(shared.lock(), patience, late);
        waited.unwrap_or_else(PoisonError::into_inner).0.ready == shared.workers
    }

    /// Runs a waiting task that the task of this thread submitted; whether there was one.
    pub fn run_own(&self) -> bool {
        let stack = STACK.with_borrow(Clone::clone);
        if stack.is_empty() {
            return false;
        }
        let entry = self.shared.lock().queue.pop_child(&stack);
        match entry {
            Some(entry) => {
                self.shared.run(entry, WORKER.get().unwrap_or(self.shared.first_worker));
                true
            }
            None => false,
        }
    }
}

impl Backend for Pool {
    fn admit(&self) -> Result<(), EngineError> {
        let mut state = self.shared.lock();
        if let Some(reason) = &state.broken {
            return Err(EngineError::Broken { reason: reason.clone() });
        }
        if state.closing {
            return Err(EngineError::Closed);
        }
        state.active += 1;
        Ok(())
    }

    fn finish(&self, task: &Arc<Task>, outcome: Outcome) {
        self.shared.end(task, outcome, None);
    }

    fn poll(&self) {}

    fn wait(&self, task: &Task, limit: Option<Duration>) -> Woken {
        task.sleep(limit)
    }

    fn watch(&self, _task: &Task, _level: u32) {}

    fn cancel(&self, task: &Arc<Task>, running: bool) -> Cancelled {
        let mut state = self.shared.lock();
        if task.state() == State::Running {
            let thread = state.running.iter().find(|r| r.task.id == task.id).map(|r| r.thread);
            drop(state);
            if running && let Some(thread) = thread {
                self.shared.runner.interrupt(thread);
            }
            return Cancelled::No;
        }
        let removed = state.queue.remove(task.id);
        let callbacks = task.finish(Outcome::Cancelled, None);
        drop(state);
        // The call may hold anything: it is dropped outside the lock.
        drop(removed);
        let cancelled = callbacks.is_some();
        self.shared.ended(task, callbacks);
        if cancelled { Cancelled::Removed } else { Cancelled::No }
    }

    fn running_since(&self, task: &Task) -> Option<u64> {
        let state = self.shared.lock();
        state
            .running
            .iter()
            .find(|r| r.task.id == task.id)
            .map(|r| r.started_ns)
    }

    fn progress(&self, task: &Task) -> Option<Progress> {
        let state = self.shared.lock();
        state
            .running
            .iter()
            .find(|r| r.task.id == task.id)
            .and_then(|r| r.progress)
    }

    fn on_progress(&self, task: &Arc<Task>, callback: ProgressCallback) {
        let mut state = self.shared.lock();
        if task.is_done() {
            return;
        }
        let running = state.running.iter().find(|r| r.task.id == task.id);
        let seen = running.and_then(|running| running.progress);
        if let Some(seen) = seen {
            drop(state);
            callback(seen.done, seen.total);
            state = self.shared.lock();
        }
        if !task.is_done() {
            state.watchers.entry(task.id).or_default().push(callback);
        }
    }

    fn active(&self) -> usize {
        self.shared.lock().active
    }

    fn wait_for_room(&self, limit: usize, patience: Duration) -> bool {
        let full = |state: &mut Inside| state.active >= limit;
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), patience, full);
        waited.unwrap_or_else(PoisonError::into_inner).0.active < limit
    }

    fn broken(&self) -> Option<String> {
        self.shared.lock().broken.clone()
    }

    fn close(&self, cancel_pending: bool) {
        let pending = {
            let mut state = self.shared.lock();
            state.closing = true;
            if cancel_pending {
                state.queue.take_all()
            } else {
                Vec::new()
            }
        };
        for entry in pending {
            self.shared.end(&entry.task, Outcome::Cancelled, None);
        }
        self.shared.queued.notify_all();
        self.shared.timer.notify_all();
    }

    fn kill(&self, reason: &str) {
        self.shared.break_down(reason);
    }

    fn wait_closed(&self, patience: Duration) -> bool {
        self.shared.wait_ended(patience)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if !self.birth.is_here() {
            return;
        }
        self.close(false);
    }
}
