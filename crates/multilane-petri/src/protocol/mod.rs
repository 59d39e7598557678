//! What threads do with locks, semaphores, channels, events and conditions, in a few lines.
//!
//! ```text
//! lock accounts, journal
//! thread payer: acquire accounts; acquire journal; release journal; release accounts
//! thread auditor: with journal: with accounts: do audit
//! ```

mod compile;
mod parse;
mod scope;
mod steps;

use crate::error::PetriError;
use crate::net::Net;

/// A protocol as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protocol {
    /// What the threads share.
    pub(crate) things: Vec<Thing>,
    /// The threads.
    pub(crate) threads: Vec<Thread>,
}

/// Something that threads share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) kind: ThingKind,
    /// It serves those who wait in turn.
    pub(crate) fair: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ThingKind {
    Lock,
    Semaphore { units: u32 },
    Channel { capacity: Option<u32>, items: u32 },
    Rendezvous,
    Event { set: bool },
    Condition { lock: String },
    Section { at_most: u32 },
}

impl ThingKind {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Semaphore { .. } => "semaphore",
            Self::Channel { .. } => "channel",
            Self::Rendezvous => "rendezvous",
            Self::Event { .. } => "event",
            Self::Condition { .. } => "condition",
            Self::Section { .. } => "section",
        }
    }
}

/// A thread and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) copies: u32,
    /// It may wait for ever, and need not end.
    pub(crate) daemon: bool,
    pub(crate) steps: Vec<Step>,
}

/// A step, and the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) kind: StepKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    Act(Act),
    With(String, u32, Vec<Step>),
    Loop(Vec<Step>),
    Repeat(u32, Vec<Step>),
    /// For each item of a channel until that is closed and empty.
    Each(String, Vec<Step>),
    If(String, Vec<Step>, Vec<Step>),
    /// While the event is as said.
    While(String, bool, Vec<Step>),
    /// One of these, whichever the thread likes.
    Choose(Vec<Vec<Step>>),
    /// One of these, whose first step is possible.
    Select(Vec<Vec<Step>>),
    /// The first if the act is possible now, else the second.
    Try(Act, Vec<Step>, Vec<Step>),
    Break,
    End,
    Skip,
}

/// One thing a thread does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) verb: Verb,
    /// What it is done to; what it says for `do`.
    pub(crate) object: String,
    pub(crate) count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Acquire,
    Release,
    Send,
    Receive,
    Close,
    Set,
    Clear,
    Wait,
    Notify,
    NotifyAll,
    Enter,
    Leave,
    Join,
    Do,
}

impl Verb {
    pub(crate) const ALL: [(Self, &'static str); 14] = [
        (Self::Acquire, "acquire"),
        (Self::Release, "release"),
        (Self::Send, "send"),
        (Self::Receive, "receive"),
        (Self::Close, "close"),
        (Self::Set, "set"),
        (Self::Clear, "clear"),
        (Self::Wait, "wait"),
        (Self::Notify, "notify"),
        (Self::NotifyAll, "notify_all"),
        (Self::Enter, "enter"),
        (Self::Leave, "leave"),
        (Self::Join, "join"),
        (Self::Do, "do"),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(verb, _)| *verb == self)
            .map_or("", |(_, word)| word)
    }
}

impl std::fmt::Display for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb.word(), self.object)?;
        if self.count > 1 {
            write!(f, " {}", self.count)?;
        }
        Ok(())
    }
}

impl Protocol {
    /// Reads a protocol.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, PetriError> {
        parse::parse(text)
    }

    /// The net of the protocol: its threads are the processes.
    ///
    /// # Errors
    /// A step that names what is not there, or asks of it what it cannot do.
    pub fn net(&self) -> Result<Net, PetriError> {
        compile::compile(self)
    }
}
