//! Notices when one and the same thread runs alone for long: a part of the work that is not shared.

/// A thread that runs alone for so long is not between two turns with a lock.
const ALONE_NS: u64 = 20_000_000;

/// A stretch in which only one thread ran.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stretch {
    thread: u32,
    since_ns: u64,
}

impl Stretch {
    /// Notes who runs alone now, if anybody; the length of a long stretch that has just ended, else 0.
    pub fn note(&mut self, alone: Option<u32>, now_ns: u64) -> u64 {
        let next = alone.unwrap_or(0);
        if next == self.thread {
            return 0;
        }
        let length_ns = if self.thread == 0 {
            0
        } else {
            now_ns.saturating_sub(self.since_ns)
        };
        *self = Self {
            thread: next,
            since_ns: now_ns,
        };
        if length_ns >= ALONE_NS { length_ns } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_stretch_of_one_thread_counts() {
        let mut stretch = Stretch::default();
        let millisecond = 1_000_000;
        assert_eq!(stretch.note(Some(7), 0), 0);
        assert_eq!(stretch.note(Some(7), 10 * millisecond), 0);
        assert_eq!(stretch.note(Some(8), 30 * millisecond), 30 * millisecond);
        assert_eq!(stretch.note(Some(7), 40 * millisecond), 0);
        assert_eq!(stretch.note(None, 59 * millisecond), 0);
    }
}
