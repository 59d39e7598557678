//! How long a thread polls before it sleeps.
//!
//! Reads the clock. A poll finds a job some 30 µs sooner than a sleeper does, and is
//! worse than sleep when another thread wants the processor: so whoever notices that
//! it was off the processor polls less the next time.

use std::time::{Duration, Instant};

/// Looks between two looks at the clock; a pause takes 10 to 50 ns.
const LOOKS: u32 = 16;
/// Longest poll with a processor for every lane.
const LONGEST: Duration = Duration::from_micros(50);
/// Longest poll when there are more lanes than processors.
const CROWDED: Duration = Duration::from_micros(2);
/// Two looks at the clock that lie further apart than this had another thread between them.
const GAP: Duration = Duration::from_micros(100);

/// The patience of one thread.
pub(super) struct Spin {
    longest: Duration,
    limit: Duration,
}

/// One poll.
pub(super) struct Polling<'a> {
    spin: &'a mut Spin,
    looks: u32,
    started: Option<Instant>,
    seen: Option<Instant>,
}

impl Spin {
    /// For a thread of a team with so many lanes, on so many processors.
    pub(super) fn new(lanes: usize, cpus: usize) -> Self {
        let longest = if lanes <= cpus { LONGEST } else { CROWDED };
        Self {
            longest,
            limit: longest,
        }
    }

    /// Starts to poll.
    pub(super) fn poll(&mut self) -> Polling<'_> {
        Polling {
            spin: self,
            looks: 0,
            started: None,
            seen: None,
        }
    }
}

impl Polling<'_> {
    /// Pauses; false when it has been long enough. A later call starts a new poll.
    pub(super) fn go_on(&mut self) -> bool {
        self.looks += 1;
        std::hint::spin_loop();
        if !self.looks.is_multiple_of(LOOKS) {
            return true;
        }
        let now = Instant::now();
        let started = *self.started.get_or_insert(now);
        let gap = self.seen.is_some_and(|seen| now - seen > GAP);
        self.seen = Some(now);
        if gap {
            self.spin.limit /= 4;
        }
        if now - started < self.spin.limit {
            return true;
        }
        // Slowly back: one crowded moment is no reason to sleep for ever.
        if !gap {
            self.spin.limit = (self.spin.limit * 2 + Duration::from_nanos(100)).min(self.spin.longest);
        }
        self.started = None;
        self.seen = None;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_ends_and_another_one_begins() {
        let mut spin = Spin::new(2, 2);
        let mut polling = spin.poll();
        while polling.go_on() {}
        assert!(polling.go_on());
    }

    #[test]
    fn a_crowded_team_polls_less() {
        assert!(Spin::new(3, 2).limit < Spin::new(2, 2).limit);
    }
}
