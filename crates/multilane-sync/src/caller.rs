//! What a primitive asks of the code that called it: how to sleep, and whether to go on.

use std::time::{Duration, Instant};

use crate::backoff::Backoff;

/// The wait is to end: a signal arrived, or the program says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// Who waits. An interpreter lets go of its lock in [`sleep`](Caller::sleep) and looks
/// for signals after it.
pub trait Caller {
    /// Calls `asleep` once, which blocks this thread for `limit` at most; then says
    /// whether to go on waiting.
    ///
    /// # Errors
    /// [`Stop`] ends the wait.
    fn sleep(&mut self, asleep: &mut (dyn FnMut() + Send)) -> Result<(), Stop>;

    /// The longest time to sleep before [`sleep`](Caller::sleep) is called again.
    fn slice(&self) -> Option<Duration> {
        None
    }

    /// Whether to look a few times more before [`sleep`](Caller::sleep): the thread holds
    /// nothing that others need to go on, such as an interpreter's lock.
    fn lingers(&self) -> bool {
        false
    }

    /// Where the program is, for a report on the order of locks.
    fn stack(&mut self) -> String {
        String::new()
    }
}

/// Sleeps where it is called, and never stops a wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blocking;

impl Caller for Blocking {
    fn sleep(&mut self, asleep: &mut (dyn FnMut() + Send)) -> Result<(), Stop> {
        asleep();
        Ok(())
    }

    fn lingers(&self) -> bool {
        true
    }
}

/// Looks before a thread sleeps: first at once, then after letting others run.
pub(crate) struct Lingering(Option<Backoff>);

impl Lingering {
    pub(crate) fn new(caller: &impl Caller) -> Self {
        // A model has to explore every look, and none of them decides anything.
        Self((caller.lingers() && !cfg!(loom)).then(Backoff::new))
    }

    /// Lets a moment pass; false when it is time to sleep.
    pub(crate) fn linger(&mut self) -> bool {
        match &mut self.0 {
            Some(backoff) if !backoff.is_spent() => {
                backoff.pause();
                true
            }
            _ => false,
        }
    }
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    None,
    /// Until then.
    Until(Instant),
    /// For ever. Only such waits can be part of a deadlock: the others end.
    Forever,
}

impl Patience {
    /// For that long from now; what no clock can tell is for ever.
    pub fn of(time: Duration) -> Self {
        if time.is_zero() {
            return Self::None;
        }
        Instant::now().checked_add(time).map_or(Self::Forever, Self::Until)
    }

    /// Whether it never ends.
    pub fn is_endless(self) -> bool {
        self == Self::Forever
    }

    /// What is left of it: nothing when it has run out, an endless rest when it never does.
    pub(crate) fn left(self) -> Left {
        match self {
            Self::None => Left::Nothing,
            Self::Forever => Left::Endless,
            Self::Until(end) => {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    Left::Nothing
                } else {
                    Left::Time(left)
                }
            }
        }
    }
}

pub(crate) enum Left {
    Nothing,
    Time(Duration),
    Endless,
}
