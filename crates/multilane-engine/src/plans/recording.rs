//! Records what runs on lanes without being a plan, group after group, as the groups of a plan's run are.
//!
//! Reads the clock once for each group; what each lane does is noted only when it is asked for, as for a plan.

use std::sync::{Mutex, PoisonError};

use multilane_plan::Lanes;
use multilane_trace::Trace;

use super::times::{self, GroupTime, LaneLog, LaneTime};
use crate::clock;

/// Lanes, and what ran on them when.
///
/// ```
/// use multilane_engine::plans::Recording;
/// use multilane_plan::{Lanes, Serial};
///
/// let recording = Recording::new(&Serial, true);
/// recording.run(3, &|_piece, _lane| {});
/// recording.end_group();
/// let recorded = recording.finish();
/// assert_eq!((recorded.ends_ns.len(), recorded.lanes[0].pieces), (1, 3));
/// ```
pub struct Recording<'a> {
    lanes: &'a dyn Lanes,
    log: Option<LaneLog>,
    recorded: Mutex<Recorded>,
}

/// What was recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// When it began: the first group starts there, each of the others where the one before ends.
    pub start_ns: u64,
    /// When each group ended.
    pub ends_ns: Vec<u64>,
    /// When all ended.
    pub end_ns: u64,
    /// What the lanes did in each group, when that was noted.
    pub lanes: Vec<LaneTime>,
}

impl<'a> Recording<'a> {
    /// Begins now; `notes_lanes` costs about a microsecond for each piece of work.
    pub fn new(lanes: &'a dyn Lanes, notes_lanes: bool) -> Self {
        Self {
            lanes,
            log: notes_lanes.then(|| LaneLog::new(lanes.count())),
            recorded: Mutex::new(Recorded {
                start_ns: clock::now_ns(),
                ..Recorded::default()
            }),
        }
    }

    /// Ends a group: what ran since the last one.
    pub fn end_group(&self) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let group = recorded.ends_ns.len();
        recorded.ends_ns.push(clock::now_ns());
        if let Some(log) = &self.log {
            log.take(group, &mut recorded.lanes);
        }
    }

    /// Ends it.
    pub fn finish(self) -> Recorded {
        let mut recorded = self.recorded.into_inner().unwrap_or_else(PoisonError::into_inner);
        recorded.end_ns = clock::now_ns();
        recorded
    }
}

impl Lanes for Recording<'_> {
    fn count(&self) -> usize {
        self.lanes.count()
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        match &self.log {
            None => self.lanes.run(pieces, body),
            Some(log) => {
                let noted = |piece, lane| log.note(lane, || body(piece, lane));
                self.lanes.run(pieces, &noted);
            }
        }
    }

    fn stopped(&self) -> bool {
        self.lanes.stopped()
    }
}

impl Recorded {
    /// When a group started.
    pub fn start_of(&self, group: usize) -> u64 {
        let before = group.checked_sub(1).and_then(|before| self.ends_ns.get(before));
        before.copied().unwrap_or(self.start_ns)
    }

    /// All of it as a trace, given what the groups were; the caller fills in the facts of the machine.
    pub fn trace(&self, name: &str, groups: &[GroupTime]) -> Trace {
        times::to_trace(name, groups, &self.lanes, (self.start_ns, self.end_ns))
    }
}
