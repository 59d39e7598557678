//! What is due at a time, soonest first.
//!
//! Reads no clock and wakes nobody.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Things that are due at a time; of those due at the same time any may come first.
pub(crate) struct Timers<T>(BinaryHeap<Timer<T>>);

struct Timer<T> {
    at_ns: u64,
    due: T,
}

impl<T> Timers<T> {
    pub(crate) fn set(&mut self, at_ns: u64, due: T) {
        self.0.push(Timer { at_ns, due });
    }

    /// When the first is due.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.0.peek().map(|timer| timer.at_ns)
    }

    /// The first, when its time has come.
    pub(crate) fn take_due(&mut self, now_ns: u64) -> Option<T> {
        if self.next_ns()? > now_ns {
            return None;
        }
        self.0.pop().map(|timer| timer.due)
    }

    /// Takes out all that `matches` makes something of, whenever it is due; the others stay.
    pub(crate) fn take_all<U>(&mut self, mut matches: impl FnMut(T) -> Result<U, T>) -> Vec<U> {
        let mut taken = Vec::new();
        for Timer { at_ns, due } in std::mem::take(&mut self.0) {
            match matches(due) {
                Ok(found) => taken.push(found),
                Err(due) => self.set(at_ns, due),
            }
        }
        taken
    }
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self(BinaryHeap::new())
    }
}

impl<T> PartialEq for Timer<T> {
    fn eq(&self, other: &Self) -> bool {
        self.at_ns == other.at_ns
    }
}
impl<T> Eq for Timer<T> {}
impl<T> PartialOrd for Timer<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Timer<T> {
    /// The soonest is the greatest, which is what the heap hands out.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at_ns.cmp(&self.at_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::Timers;

    #[test]
    fn hands_out_what_is_due_soonest_first() {
        let mut timers = Timers::default();
        for (at_ns, due) in [(30, 'c'), (10, 'a'), (20, 'b')] {
            timers.set(at_ns, due);
        }
        assert_eq!(timers.next_ns(), Some(10));
        assert_eq!(
            [timers.take_due(9), timers.take_due(25), timers.take_due(25)],
            [None, Some('a'), Some('b')]
        );
        assert_eq!((timers.take_due(25), timers.next_ns()), (None, Some(30)));
    }

    #[test]
    fn takes_out_what_matches_and_keeps_the_time_of_the_others() {
        let mut timers = Timers::default();
        (0..6).for_each(|number| timers.set(number, number));
        let mut odd = timers.take_all(|number| if number % 2 == 1 { Ok(number) } else { Err(number) });
        odd.sort_unstable();
        assert_eq!(odd, [1, 3, 5]);
        let left: Vec<u64> = std::iter::from_fn(|| timers.take_due(10)).collect();
        assert_eq!(left, [0, 2, 4]);
    }
}
