//! Notices workers that end, says why, and starts their successors.
//!
//! One thread per pool sleeps on the workers' process descriptors. With a memory
//! limit it also looks at the workers' memory.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use multilane_trace as trace;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd};

use super::layout::status;
use super::pool::Inner;
use super::scheduler::After;
use super::spawn::{self, Coordinates, Started};
use crate::clock;
use crate::error::{EngineError, system};
use crate::record;

/// Between two looks at the workers' memory.
const MEMORY_EVERY: Duration = Duration::from_millis(20);
/// So many workers in a row that end before they are up break the pool. One that was
/// killed from outside counts less than one that gave up by itself.
const START_FAILURES: u32 = 90;
const GAVE_UP: u32 = 30;

/// What other threads use of the reaper.
pub(super) struct Handle {
    wake: OwnedFd,
    started: Mutex<Vec<Option<Started>>>,
    finished: Mutex<bool>,
    changed: Condvar,
}

impl Handle {
    pub(super) fn new(workers: usize) -> Result<Self, EngineError> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(system("eventfd"))?;
        Ok(Self {
            wake,
            started: Mutex::new((0..workers).map(|_| None).collect()),
            finished: Mutex::new(false),
            changed: Condvar::new(),
        })
    }

    /// Makes the thread look at the pool again.
    pub(super) fn wake(&self) {
        // A full counter means that a wake-up is on its way.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// Ends the process that has this region, and never the one that took its place.
    pub(super) fn kill(&self, (worker, region): (usize, u32)) {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some(started)) = started.get(worker)
            && started.region == region
        {
            spawn::kill(&started.pidfd);
        }
    }

    pub(super) fn kill_all(&self) {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        for started in started.iter().flatten() {
            spawn::kill(&started.pidfd);
        }
    }

    /// Ends and collects workers that no thread looks after.
    fn abort(&self) {
        self.kill_all();
        let mut table = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        for mut started in table.iter_mut().filter_map(Option::take) {
            // Somebody else may have collected it.
            let _ = started.child.wait();
        }
    }

    fn alive(&self) -> usize {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.iter().flatten().count()
    }

    pub(super) fn wait_finished(&self, patience: Duration) -> bool {
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(finished, patience, |finished| !*finished);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Starts every worker and the thread that looks after them.
pub(super) fn start(inner: &Arc<Inner>) -> Result<(), EngineError> {
    for worker in 0..inner.control.workers() {
        if let Err(error) = start_worker(inner, worker) {
            inner.reaper.abort();
            return Err(error);
        }
    }
    let reaping = inner.clone();
    crate::spawn_thread("multilane-reaper", move || reap(&reaping)).inspect_err(|_| inner.reaper.abort())
}

fn start_worker(inner: &Inner, worker: usize) -> Result<(), EngineError> {
    let record = inner.control.worker(worker);
    let region = inner.store.new_region();
    record.region.store(region, Ordering::Relaxed);
    record.failed.store(0, Ordering::Relaxed);
    // Its ring of completions goes on where the last worker's ended: threads that drain
    // read both ends, and would take an old entry for a new one.
    record.ready_ns.store(0, Ordering::Relaxed);
    record.pid.store(0, Ordering::Relaxed);
    let recycle = inner.config.recycle_after.unwrap_or(0);
    record.recycle_after.store(recycle, Ordering::Relaxed);
    record.spawned_ns.store(clock::now_ns(), Ordering::Relaxed);
    record.status.store(status::STARTING, Ordering::Release);
    let memory = inner
        .store
        .file()
        .try_clone_to_owned()
        .map_err(|source| EngineError::System {
            what: "duplicating a descriptor",
            source,
        })?;
    let coordinates = Coordinates {
        index: worker as u32,
        workers: inner.control.workers() as u32,
        parent: std::process::id(),
        region,
        region_len: inner.store.region_len(),
        control_at: inner.control_at(),
    };
    // Taken before the process exists: whoever decides to end it finds it in the table.
    let mut table = inner.reaper.started.lock().unwrap_or_else(PoisonError::into_inner);
    let started = spawn::spawn(&inner.config.launch, memory, coordinates)?;
    record.pid.store(started.child.id(), Ordering::Release);
    table[worker] = Some(started);
    Ok(())
}

fn reap(inner: &Arc<Inner>) {
    let mut failures = 0;
    loop {
        wait_for_news(inner);
        let mut alive = 0;
        for worker in 0..inner.control.workers() {
            match collect(inner, worker) {
                Ended::No => alive += 1,
                Ended::NeverWas => {}
                Ended::Yes {
                    was_ready,
                    gave_up,
                    message,
                } => {
                    let closing = inner.lock().closing;
                    failures = match (was_ready, gave_up) {
                        (true, _) => 0,
                        (false, true) => failures + GAVE_UP,
                        (false, false) => failures + 1,
                    };
                    if let Some(message) = message {
                        inner.break_down(&message);
                    } else if failures >= START_FAILURES {
                        inner.break_down(
                            "the workers end before they are ready; start one with `multilane doctor` to see why",
                        );
                    }
                    let needed = inner.lock().active > 0 || !closing;
                    if needed && inner.lock().broken.is_none() {
                        match start_worker(inner, worker) {
                            Ok(()) => alive += 1,
                            Err(error) => inner.break_down(&error.to_string()),
                        }
                    }
                }
            }
        }
        check_memory(inner);
        if alive == 0 {
            break;
        }
    }
    inner.service_done.store(true, Ordering::Release);
    inner.control.ring_doorbell();
    *inner.reaper.finished.lock().unwrap_or_else(PoisonError::into_inner) = true;
    inner.reaper.changed.notify_all();
}

enum Ended {
    No,
    NeverWas,
    Yes {
        was_ready: bool,
        gave_up: bool,
        message: Option<String>,
    },
}

/// Settles one worker if it has ended.
fn collect(inner: &Inner, worker: usize) -> Ended {
    let record = inner.control.worker(worker);
    let (pid, exit) = {
        let mut table = inner.reaper.started.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(started) = table[worker].as_mut() else {
            return Ended::NeverWas;
        };
        if !is_dead(&started.pidfd) {
            return Ended::No;
        }
        // Somebody else in the program may have waited for any child: then only the
        // reason is lost.
        let exit = started.child.wait().ok();
        let pid = started.child.id();
        table[worker] = None;
        (pid, exit)
    };
    let was_ready = record.ready_ns.load(Ordering::Acquire) != 0;
    record.status.store(status::GONE, Ordering::Release);
    let how = spawn::describe(exit);
    let message = failure_message(inner, worker);
    let mut after = After::default();
    {
        let mut scheduler = inner.lock();
        scheduler.bury(worker, pid, &how, &mut after);
        inner.notice_end(&scheduler);
    }
    inner.settle(after);
    let first = inner.lock().first_worker;
    record::note_worker(&describe(inner, first, worker, clock::now_ns()));
    Ended::Yes {
        was_ready,
        gave_up: exit.is_some_and(|exit| exit.code().is_some()),
        message,
    }
}

/// What is known of a worker.
pub(super) fn describe(inner: &Inner, first: u32, worker: usize, ended_ns: u64) -> trace::Worker {
    let entry = inner.control.worker(worker);
    trace::Worker {
        index: first + worker as u32,
        kind: "process".to_owned(),
        os_id: entry.pid.load(Ordering::Acquire),
        started_ns: entry.spawned_ns.load(Ordering::Acquire),
        ready_ns: entry.ready_ns.load(Ordering::Acquire),
        ended_ns,
    }
}

fn is_dead(pidfd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    matches!(
        rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })),
        Ok(1..)
    )
}

fn failure_message(inner: &Inner, worker: usize) -> Option<String> {
    let record = inner.control.worker(worker);
    let at = record.failed.load(Ordering::Acquire);
    if at == 0 {
        return None;
    }
    let region = inner.store.region(record.region.load(Ordering::Acquire)).ok()?;
    let end = inner.store.region_len();
    let start = at.checked_add(8).filter(|&start| start <= end)?;
    // SAFETY: the dead worker wrote the length and then the message at this offset of
    // its region, which stays mapped here; both lie inside it.
    let message = unsafe {
        let len = region.address().add(at as usize).cast::<[u8; 8]>().read_unaligned();
        let len = u64::from_le_bytes(len).min(end - start);
        std::slice::from_raw_parts(region.address().add(start as usize), len as usize)
    };
    Some(inner.config.host.describe_failure(message))
}

fn wait_for_news(inner: &Inner) {
    let descriptors: Vec<OwnedFd> = {
        let table = inner.reaper.started.lock().unwrap_or_else(PoisonError::into_inner);
        table
            .iter()
            .flatten()
            .filter_map(|started| started.pidfd.try_clone().ok())
            .collect()
    };
    let mut fds: Vec<PollFd<'_>> = descriptors.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let missed = descriptors.len() < inner.reaper.alive();
    let wake = inner.reaper.wake.as_fd();
    fds.push(PollFd::from_borrowed_fd(wake, PollFlags::IN));
    // Without a descriptor for every worker (the program has too many open) this thread
    // has to look from time to time.
    let limit = (inner.config.memory_limit.is_some() || missed).then_some(Timespec {
        tv_sec: 0,
        tv_nsec: MEMORY_EVERY.as_nanos() as i64,
    });
    let _ = rustix::event::poll(&mut fds, limit.as_ref());
    let _ = rustix::io::read(wake, &mut [0u8; 8]);
}

/// Stops workers that use more private memory than allowed.
fn check_memory(inner: &Inner) {
    let Some(limit) = inner.config.memory_limit else { return };
    for worker in 0..inner.control.workers() {
        let record = inner.control.worker(worker);
        if record.status.load(Ordering::Acquire) == status::GONE {
            continue;
        }
        let used = private_memory(record.pid.load(Ordering::Acquire));
        if used > limit {
            let mut after = After::default();
            inner.lock().stop_worker(worker, used, limit, &mut after);
            if after.kill.is_empty() {
                // Between two tasks: it leaves by itself before the next one, so that none
                // is lost to a kill that comes late.
                record.recycle_after.store(1, Ordering::Relaxed);
                inner.control.wake(worker);
            }
            inner.settle(after);
        }
    }
}

/// Resident memory of a process that is not shared, in bytes.
fn private_memory(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let mut pages = text.split(' ').skip(1).map_while(|field| field.parse::<u64>().ok());
    let (resident, shared) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
    resident.saturating_sub(shared) * rustix::param::page_size() as u64
}
