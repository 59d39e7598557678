//! The parent's side: submit, wait, cancel, shut down.
//!
//! Two threads serve a pool and neither ever needs a front end's interpreter but
//! for callbacks: the service thread takes results, refills the queue and runs
//! timers, the reaper notices dead workers and starts new ones.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::control::Control;
use super::layout::{INLINE, VERSION, size, status};
use super::reaper;
use super::scheduler::{After, NOWHERE, Scheduler};
use super::spawn::Launch;
use super::store::{Block, Store};
use crate::backend::{Backend, Cancelled, Host, Progress, ProgressCallback};
use crate::clock;
use crate::cpus;
use crate::error::EngineError;
use crate::fork::Birth;
use crate::futex::Woken;
use crate::record;
use crate::task::{Failure, Outcome, Task};

/// Polling this long meets most answers of a short task and costs less than the two
/// context switches of sleeping (measured by `benches/`: a wake across cores is 30-40 µs).
const SPIN_NS: u64 = 50_000;
/// How often progress of running tasks is looked at while somebody wants it.
const PROGRESS_EVERY: Duration = Duration::from_millis(25);

/// Arguments as they go to a worker.
pub enum Arguments {
    /// Fit into a slot.
    Short(Vec<u8>),
    /// Lie in shared memory.
    Long(Block),
}

/// What a worker is to do.
pub struct Work {
    /// The function's bytes.
    pub code: Block,
    /// The encoded arguments.
    pub arguments: Arguments,
    /// Memory the arguments refer to, kept until the task ends.
    pub blocks: Vec<Block>,
    /// Bytes of arguments and buffers.
    pub bytes_in: u64,
    pub(super) order: u64,
}

impl Work {
    /// Work from an encoded message; long ones move to shared memory here, outside
    /// any lock.
    pub fn new(store: &Arc<Store>, code: Block, bytes: &[u8], blocks: Vec<Block>) -> Result<Self, EngineError> {
        let bytes_in = bytes.len() as u64 + blocks.iter().map(Block::len).sum::<u64>();
        let arguments = if bytes.len() <= INLINE {
            Arguments::Short(bytes.to_vec())
        } else {
            let block = store.allocate(bytes.len() as u64)?;
            store.fill(&block, bytes)?;
            Arguments::Long(block)
        };
        Ok(Self {
            code,
            arguments,
            blocks,
            bytes_in,
            order: 0,
        })
    }
}

/// How a pool is made.
pub struct Config {
    /// Number of workers.
    pub workers: usize,
    /// How a worker is started.
    pub launch: Launch,
    /// What every worker reads first.
    pub setup: Vec<u8>,
    /// Bytes of private memory a worker may use.
    pub memory_limit: Option<u64>,
    /// Tasks after which a worker makes room for a fresh one.
    pub recycle_after: Option<u32>,
    /// Callbacks.
    pub host: Arc<dyn Host>,
}

/// Callbacks on their way.
#[derive(Default)]
struct Deliveries {
    waiting: Vec<After>,
    /// Nobody comes for them any more.
    ended: bool,
}

pub(super) struct Inner {
    pub(super) control: Control,
    pub(super) store: Arc<Store>,
    pub(super) config: Config,
    scheduler: Mutex<Scheduler>,
    changed: Condvar,
    deliveries: Mutex<Deliveries>,
    pub(super) reaper: reaper::Handle,
    pub(super) service_done: AtomicBool,
    progress: Mutex<Vec<(Arc<Task>, ProgressCallback, u32)>>,
    cpus: u32,
    control_block: Block,
    _setup: Block,
}

/// Worker processes that take tasks from shared memory.
pub struct Pool {
    inner: Arc<Inner>,
    birth: Birth,
}

impl Inner {
    /// Where the control block lies in region 0.
    pub(super) fn control_at(&self) -> u64 {
        self.control_block.offset()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Scheduler> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what had to wait until the lock was released.
    pub(super) fn settle(&self, mut after: After) {
        for worker in std::mem::take(&mut after.kill) {
            self.reaper.kill(worker);
        }
        let timer = after.timer;
        if !after.callbacks.is_empty() {
            let mut deliveries = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
            deliveries.waiting.push(after);
            if deliveries.ended {
                // The pool's own thread is gone: a task that waited for one of another
                // pool may end after that.
                drop(deliveries);
                return self.deliver();
            }
        } else if !timer {
            return;
        }
        self.control.ring_doorbell();
    }

    /// Takes results; says whether anything is left to do.
    fn drain(&self) {
        let mut after = After::default();
        {
            let mut scheduler = self.lock();
            scheduler.drain(&mut after);
            self.notice_end(&scheduler);
        }
        self.settle(after);
    }

    /// Lets waiting threads look again, and ends the workers after the last task.
    pub(super) fn notice_end(&self, scheduler: &Scheduler) {
        if scheduler.closing && scheduler.active == 0 {
            self.control.head().closing.store(1, Ordering::Release);
            self.control.wake_all_workers();
        }
        // A system call, and most of the time nobody waits.
        if scheduler.room_waiters + scheduler.ready_waiters > 0 {
            self.changed.notify_all();
        }
    }

    fn serve(&self) {
        let mut next_ns = None;
        while !self.service_done.load(Ordering::Acquire) {
            let limit = next_ns.map(|at: u64| Duration::from_nanos(at.saturating_sub(clock::now_ns())));
            let limit = if self.watches_progress() {
                Some(limit.map_or(PROGRESS_EVERY, |limit| limit.min(PROGRESS_EVERY)))
            } else {
                limit
            };
            self.control.sleep_on_doorbell(limit);
            let mut after = After::default();
            {
                let mut scheduler = self.lock();
                scheduler.drain(&mut after);
                next_ns = scheduler.run_timers(&mut after);
                self.notice_end(&scheduler);
            }
            self.settle(after);
            self.look_at_progress();
            self.deliver();
        }
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.deliver();
    }

    fn deliver(&self) {
        loop {
            let mut deliveries = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
            let batch = std::mem::take(&mut deliveries.waiting);
            drop(deliveries);
            if batch.is_empty() {
                return;
            }
            let mut batch = Some(batch);
            self.config.host.run_callbacks(&mut || {
                for after in batch.take().into_iter().flatten() {
                    for (task, callbacks) in after.callbacks {
                        for callback in callbacks {
                            // This thread serves every task: one bad callback must not end it.
                            // The panic was reported by its hook.
                            let _ = catch_unwind(AssertUnwindSafe(|| callback(&task)));
                        }
                    }
                }
            });
        }
    }

    fn watches_progress(&self) -> bool {
        record::recording() || !self.progress.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Passes progress of running tasks to recordings and callbacks.
    fn look_at_progress(&self) {
        if record::recording() {
            for (task, seen) in self.lock().running_progress() {
                record::note_progress(task, seen.at_ns, seen.done.max(0) as u64, seen.total.max(0) as u64);
            }
        }
        let mut watchers = std::mem::take(&mut *self.progress.lock().unwrap_or_else(PoisonError::into_inner));
        if watchers.is_empty() {
            return;
        }
        let mut due = Vec::new();
        watchers.retain_mut(|(task, _, seen)| {
            let now = self.progress_of(task);
            if let Some(now) = &now
                && now.count != *seen
            {
                *seen = now.count;
                due.push((task.id, now.done, now.total));
            }
            !task.is_done()
        });
        if !due.is_empty() {
            self.config.host.run_callbacks(&mut || {
                for &(id, done, total) in &due {
                    for (task, callback, _) in &watchers {
                        if task.id == id {
                            let _ = catch_unwind(AssertUnwindSafe(|| callback(done, total)));
                        }
                    }
                }
            });
        }
        self.progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(&mut watchers);
    }

    fn progress_of(&self, task: &Task) -> Option<Progress> {
        let place = task.place.load(Ordering::Acquire);
        if place == NOWHERE {
            return None;
        }
        let slot = self.control.slot(place as u32 as usize);
        let progress = Progress {
            count: slot.progress.load(Ordering::Acquire),
            done: slot.progress_done.load(Ordering::Relaxed),
            total: slot.progress_total.load(Ordering::Relaxed),
            at_ns: slot.progress_ns.load(Ordering::Relaxed),
        };
        // The task may have left the slot meanwhile: then these are another's numbers.
        (progress.count > 0 && task.place.load(Ordering::Acquire) == place).then_some(progress)
    }

    /// Stops the pool for good.
    pub(super) fn break_down(&self, reason: &str) {
        let mut after = After::default();
        {
            let mut scheduler = self.lock();
            if scheduler.broken.is_none() {
                scheduler.broken = Some(reason.to_owned());
            }
            scheduler.abandon(reason, &mut after);
            scheduler.closing = true;
            self.notice_end(&scheduler);
        }
        self.settle(after);
    }
}

impl Pool {
    /// Starts the workers; they may still be coming up when this returns.
    pub fn start(store: &Arc<Store>, config: Config) -> Result<Self, EngineError> {
        let workers = config.workers;
        let control_block = store.allocate(size(workers) as u64 + 4096)?;
        // SAFETY: a page-aligned block of at least `size` bytes, never handed out
        // before or zeroed here, and kept in `Inner` as long as `Control` is used.
        let control = unsafe {
            std::ptr::write_bytes(control_block.address(), 0, size(workers));
            Control::new(control_block.address(), workers)
        };
        let setup = store.allocate(config.setup.len().max(1) as u64)?;
        store.fill(&setup, &config.setup)?;
        let head = control.head();
        let cpus = cpus::usable();
        head.setup_at.store(setup.offset(), Ordering::Relaxed);
        head.setup_len.store(config.setup.len() as u64, Ordering::Relaxed);
        head.workers.store(workers as u32, Ordering::Relaxed);
        head.parent.store(std::process::id(), Ordering::Relaxed);
        head.spin_ns
            .store(if cpus > 1 { SPIN_NS } else { 0 }, Ordering::Relaxed);
        head.version.store(VERSION, Ordering::Release);
        let inner = Arc::new(Inner {
            control,
            store: store.clone(),
            config,
            scheduler: Mutex::new(Scheduler::new(control, store.clone())),
            changed: Condvar::new(),
            deliveries: Mutex::default(),
            reaper: reaper::Handle::new(workers)?,
            service_done: AtomicBool::new(false),
            progress: Mutex::default(),
            cpus,
            control_block,
            _setup: setup,
        });
        reaper::start(&inner)?;
        let service = inner.clone();
        let served = crate::spawn_thread("multilane-pool", move || service.serve());
        let pool = Self {
            inner,
            birth: Birth::here(),
        };
        // Without that thread the workers end at once.
        served.inspect_err(|error| pool.kill(&error.to_string()))?;
        Ok(pool)
    }

    /// Queues an admitted task.
    pub fn submit(&self, task: &Arc<Task>, work: Work) {
        let mut after = After::default();
        {
            let mut scheduler = self.inner.lock();
            if let Some(reason) = scheduler.broken.clone() {
                let failure = Failure::Abandoned { reason };
                let outcome = Outcome::Failed(failure);
                scheduler.end(task.clone(), outcome, None, &mut after);
            } else if task.is_done() {
                // Cancelled while it waited for its dependencies: already counted out.
            } else {
                if scheduler.out_of_slots() {
                    scheduler.drain(&mut after);
                }
                scheduler.enqueue(task.clone(), work);
            }
            if scheduler.closing {
                self.inner.notice_end(&scheduler);
            }
        }
        self.inner.control.wake_worker();
        self.inner.settle(after);
        if task.options.timeout.is_some() {
            // The service thread sleeps until its next timer, which this may precede.
            self.inner.control.ring_doorbell();
        }
    }

    /// Polling pays while a core is free for it.
    fn spin_ns(&self) -> u64 {
        let busy = (0..self.inner.control.workers())
            .filter(|&w| self.inner.control.worker(w).status.load(Ordering::Relaxed) == status::BUSY)
            .count();
        if (busy as u32) < self.inner.cpus && self.inner.cpus > 1 {
            SPIN_NS
        } else {
            0
        }
    }

    /// Whether every worker is up, after `patience` at most.
    pub fn wait_ready(&self, patience: Duration) -> bool {
        let late = |scheduler: &mut Scheduler| {
            self.workers_ready() < self.inner.control.workers() && scheduler.broken.is_none()
        };
        let mut scheduler = self.inner.lock();
        scheduler.ready_waiters += 1;
        let waited = self.inner.changed.wait_timeout_while(scheduler, patience, late);
        waited.unwrap_or_else(PoisonError::into_inner).0.ready_waiters -= 1;
        self.workers_ready() == self.inner.control.workers()
    }

    /// The workers as a trace names them.
    pub fn describe_workers(&self) -> Vec<multilane_trace::Worker> {
        let first = self.inner.lock().first_worker;
        (0..self.inner.control.workers())
            .filter(|&worker| {
                let status = self.inner.control.worker(worker).status.load(Ordering::Acquire);
                status != status::GONE
            })
            .map(|worker| reaper::describe(&self.inner, first, worker, 0))
            .collect()
    }

    /// Tells, also after the pool is dropped, whether every worker has ended, after
    /// the patience given at most.
    pub fn ended(&self) -> Box<dyn Fn(Duration) -> bool + Send> {
        let inner = Arc::downgrade(&self.inner);
        Box::new(move |patience| inner.upgrade().is_none_or(|inner| inner.reaper.wait_finished(patience)))
    }

    /// Makes the service thread look again, now that a recording wants to see progress.
    pub fn look_again(&self) {
        self.inner.control.ring_doorbell();
    }

    /// Process ids of the workers that are up or coming up.
    pub fn worker_pids(&self) -> Vec<u32> {
        (0..self.inner.control.workers())
            .map(|worker| self.inner.control.worker(worker))
            .filter(|record| record.status.load(Ordering::Acquire) != status::GONE)
            .map(|record| record.pid.load(Ordering::Acquire))
            .filter(|&pid| pid != 0)
            .collect()
    }

    /// How many workers can take tasks.
    pub fn workers_ready(&self) -> usize {
        (0..self.inner.control.workers())
            .filter(|&worker| {
                let status = self.inner.control.worker(worker).status.load(Ordering::Acquire);
                status != status::STARTING && status != status::GONE
            })
            .count()
    }
}

impl Backend for Pool {
    fn admit(&self) -> Result<(), EngineError> {
        let mut scheduler = self.inner.lock();
        if let Some(reason) = &scheduler.broken {
            return Err(EngineError::Broken { reason: reason.clone() });
        }
        if scheduler.closing {
            return Err(EngineError::Closed);
        }
        scheduler.active += 1;
        Ok(())
    }

    fn finish(&self, task: &Arc<Task>, outcome: Outcome) {
        let mut after = After::default();
        // Before the lock: an outcome that comes too late is dropped here, and may run
        // anything, this pool's methods included.
        let Some(callbacks) = task.finish(outcome, None) else {
            return;
        };
        {
            let mut scheduler = self.inner.lock();
            scheduler.ended(task, callbacks, &mut after);
            self.inner.notice_end(&scheduler);
        }
        self.inner.settle(after);
    }

    fn poll(&self) {
        if self.inner.control.any_completed() {
            self.inner.drain();
        }
    }

    fn wait(&self, task: &Task, limit: Option<Duration>) -> Woken {
        let deadline_ns = limit.map(|limit| clock::now_ns().saturating_add(limit.as_nanos() as u64));
        let spin = self.spin_ns();
        if spin > 0 {
            let start_ns = clock::now_ns();
            while clock::now_ns() - start_ns < spin {
                self.poll();
                for _ in 0..16 {
                    if task.is_done() {
                        return Woken::Changed;
                    }
                    std::hint::spin_loop();
                }
            }
        }
        self.watch(task, 1);
        self.poll();
        let left = deadline_ns.map(|at| Duration::from_nanos(at.saturating_sub(clock::now_ns())));
        if task.is_done() {
            Woken::Changed
        } else {
            task.sleep(left)
        }
    }

    fn watch(&self, task: &Task, level: u32) {
        let place = task.watch(level);
        if place != NOWHERE {
            self.inner.control.watch(place as u32 as usize, level);
        }
    }

    fn on_progress(&self, task: &Arc<Task>, callback: ProgressCallback) {
        let mut watchers = self.inner.progress.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.push((task.clone(), callback, 0));
        drop(watchers);
        self.watch(task, 2);
        self.inner.control.ring_doorbell();
    }

    fn progress(&self, task: &Task) -> Option<Progress> {
        self.inner.progress_of(task)
    }

    fn running_since(&self, task: &Task) -> Option<u64> {
        let place = task.place.load(Ordering::Acquire);
        if place == NOWHERE {
            return None;
        }
        let slot = self.inner.control.slot(place as u32 as usize);
        let state = slot.state();
        let taken = state.phase == super::layout::Phase::Taken;
        (taken && u64::from(state.generation) == place >> 32).then(|| match slot.started_ns.load(Ordering::Acquire) {
            // Claimed, but the worker has not read the clock yet.
            0 => clock::now_ns(),
            started_ns => started_ns,
        })
    }

    fn cancel(&self, task: &Arc<Task>, running: bool) -> Cancelled {
        let mut after = After::default();
        let cancelled = {
            let mut scheduler = self.inner.lock();
            let cancelled = scheduler.cancel(task, running, &mut after);
            self.inner.notice_end(&scheduler);
            cancelled
        };
        self.inner.settle(after);
        cancelled
    }

    fn active(&self) -> usize {
        self.inner.lock().active
    }

    fn wait_for_room(&self, limit: usize, patience: Duration) -> bool {
        let mut after = After::default();
        let mut scheduler = self.inner.lock();
        scheduler.drain(&mut after);
        if scheduler.active >= limit {
            // From here on every result rings, for all who wait.
            scheduler.room_waiters += 1;
            scheduler.refill();
            scheduler.drain(&mut after);
            if scheduler.active >= limit {
                let full = |scheduler: &mut Scheduler| scheduler.active >= limit;
                let waited = self.inner.changed.wait_timeout_while(scheduler, patience, full);
                scheduler = waited.unwrap_or_else(PoisonError::into_inner).0;
                scheduler.drain(&mut after);
            }
            scheduler.room_waiters -= 1;
            scheduler.refill();
        }
        self.inner.notice_end(&scheduler);
        let room = scheduler.active < limit;
        drop(scheduler);
        self.inner.settle(after);
        room
    }

    fn broken(&self) -> Option<String> {
        self.inner.lock().broken.clone()
    }

    fn close(&self, cancel_pending: bool) {
        let mut after = After::default();
        {
            let mut scheduler = self.inner.lock();
            scheduler.closing = true;
            if cancel_pending {
                scheduler.cancel_pending(&mut after);
            }
            // From here on every result rings: the last one ends the workers, whether
            // anybody waits for it or not.
            scheduler.refill();
            scheduler.drain(&mut after);
            self.inner.notice_end(&scheduler);
        }
        self.inner.settle(after);
        self.inner.reaper.wake();
    }

    fn kill(&self, reason: &str) {
        self.inner.break_down(reason);
        self.inner.reaper.kill_all();
        self.inner.reaper.wake();
    }

    fn wait_closed(&self, patience: Duration) -> bool {
        self.inner.reaper.wait_finished(patience)
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
