//! The threads of a team and the way in.
//!
//! Starts threads when the first job comes, and again in a child of a fork; ends them when
//! the team is dropped. A thread that does not start is no error: the caller runs what no worker takes.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use multilane_plan::Lanes;

use super::crew::{Crew, Job};
use super::spin::Spin;
use crate::cpus;
use crate::fork::Birth;

/// Workers that help whoever calls [`Lanes::run`].
///
/// The caller is lane 0 and takes part. A call from inside a piece runs on the lane of
/// that piece alone. Several threads may call at the same time and share the workers.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use multilane_engine::lanes::Team;
/// use multilane_plan::Lanes;
///
/// let team = Team::new(2);
/// let sum = AtomicUsize::new(0);
/// team.run(100, &|piece, _lane| {
///     sum.fetch_add(piece, Ordering::Relaxed);
/// });
/// assert_eq!(sum.into_inner(), 4950);
/// ```
pub struct Team {
    lanes: usize,
    cpus: usize,
    /// From `Arc::into_raw`; null until the first job.
    started: AtomicPtr<Started>,
}

/// A crew with its threads.
struct Started {
    crew: Crew,
    birth: Birth,
}

thread_local! {
    /// The innermost job this thread has a part in.
    static INSIDE: Cell<*const Inside> = const { Cell::new(std::ptr::null()) };
}

/// Says, while it lives, that this thread is a lane of a crew.
struct Inside {
    crew: *const Crew,
    lane: usize,
    outer: *const Inside,
}

impl Inside {
    /// Calls `body` as a lane of `crew`.
    fn enter(crew: &Crew, lane: usize, body: impl FnOnce()) {
        /// Leaves again when the body panics, too.
        struct Leave(*const Inside);
        impl Drop for Leave {
            fn drop(&mut self) {
                INSIDE.set(self.0);
            }
        }
        let outer = INSIDE.get();
        let inside = Self { crew, lane, outer };
        let _leave = Leave(outer);
        INSIDE.set(&raw const inside);
        body();
    }

    /// The lane of `crew` that this thread is already.
    fn lane(crew: &Crew) -> Option<usize> {
        let mut at = INSIDE.get();
        // SAFETY: the pointers lead up this thread's own stack; each frame takes its own
        // off the list before it ends.
        while let Some(inside) = unsafe { at.as_ref() } {
            if std::ptr::eq(inside.crew, crew) {
                return Some(inside.lane);
            }
            at = inside.outer;
        }
        None
    }
}

impl Team {
    /// A team of so many lanes, the caller's included; at least 1. Starts nothing yet.
    pub fn new(lanes: usize) -> Self {
        Self {
            lanes: lanes.max(1),
            cpus: cpus::usable() as usize,
            started: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// The crew of this process, with its threads started.
    fn crew(&self) -> &Crew {
        let mut seen = self.started.load(Ordering::Acquire);
        loop {
            // SAFETY: `started` holds a strong count of what it points to, given up in `drop` only.
            // The parent's crew, which a child of a fork sees first, is never given up there.
            if let Some(started) = unsafe { seen.as_ref() }
                && started.birth.is_here()
            {
                return &started.crew;
            }
            let fresh = Arc::new(Started {
                crew: Crew::new(self.lanes - 1),
                birth: Birth::here(),
            });
            let pointer = Arc::into_raw(fresh.clone()).cast_mut();
            match self
                .started
                .compare_exchange(seen, pointer, Ordering::AcqRel, Ordering::Acquire)
            {
                // Only the winner starts threads.
                Ok(_) => self.start(&fresh),
                Err(_) => {
                    // SAFETY: nobody else has seen this pointer.
                    drop(unsafe { Arc::from_raw(pointer) });
                }
            }
            seen = self.started.load(Ordering::Acquire);
        }
    }

    fn start(&self, started: &Arc<Started>) {
        for worker in 0..self.lanes - 1 {
            let (shared, lane) = (started.clone(), worker + 1);
            let spin = Spin::new(self.lanes, self.cpus);
            shared.crew.enlist();
            // A name of a thread has room for 15 letters.
            let spawned = crate::spawn_thread(&format!("multilane {lane}"), move || serve(&shared, worker, spin));
            if spawned.is_err() {
                // The system has no more threads; the lanes that are there do the work.
                started.crew.discharge();
                return;
            }
        }
    }
}

/// The life of a worker thread.
fn serve(started: &Started, worker: usize, mut spin: Spin) {
    let (crew, lane) = (&started.crew, worker + 1);
    Inside::enter(crew, lane, || {
        loop {
            let mut polling = spin.poll();
            let Some(joined) = crew.next(worker, || polling.go_on()) else {
                return;
            };
            joined.work(lane);
        }
    });
    crew.discharge();
}

impl Lanes for Team {
    fn count(&self) -> usize {
        self.lanes
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        if pieces <= 1 || self.lanes == 1 {
            return (0..pieces).for_each(|piece| body(piece, 0));
        }
        let crew = self.crew();
        if let Some(lane) = Inside::lane(crew) {
            return (0..pieces).for_each(|piece| body(piece, lane));
        }
        let mut spin = Spin::new(self.lanes, self.cpus);
        let mut polling = spin.poll();
        Inside::enter(crew, 0, || crew.run(Job::new(pieces, body), || polling.go_on()));
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        let started = *self.started.get_mut();
        // SAFETY: as in `crew`.
        let Some(seen) = (unsafe { started.as_ref() }) else {
            return;
        };
        if !seen.birth.is_here() {
            return;
        }
        seen.crew.shut_down();
        seen.crew.wait_for_the_end();
        // SAFETY: from `Arc::into_raw`, and this is the only place that gives it up.
        drop(unsafe { Arc::from_raw(started) });
    }
}

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Team({} lanes)", self.lanes)
    }
}
