//! A net: places with tokens, transitions that move them, and who they belong to.

use crate::error::PetriError;

/// What a place stands for, so that a report can say why a thread waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// A place of a net that was written as one.
    #[default]
    Plain,
    /// Where a thread is in its steps: the number of the process.
    Location(usize),
    /// A thread has ended: the number of the process.
    Ended(usize),
    /// A thread waits for a condition with this name: the number of the process.
    Waiting(usize, String),
    /// What is left of a lock or a semaphore.
    Free(String),
    /// What a process holds of a lock.
    Held(String, usize),
    /// Items in a channel.
    Items(String),
    /// Room in a channel.
    Room(String),
    /// A channel takes items.
    Open(String),
    /// A channel takes no more items.
    Closed(String),
    /// An event is set.
    Set(String),
    /// An event is not set.
    Clear(String),
    /// Threads that could wait for a condition and do not.
    Awake(String),
    /// Threads in a section.
    Inside(String),
}

/// Something that holds tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its name, which no other place has.
    pub name: String,
    /// Tokens at the start.
    pub tokens: u32,
    /// More tokens than this are a failure.
    pub at_most: Option<u32>,
    /// What it stands for.
    pub role: Role,
}

/// A place, and how many of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// The number of the place.
    pub place: usize,
    /// Tokens, at least one.
    pub count: u32,
}

/// A step: takes tokens from places that have enough, and gives tokens to places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transition {
    /// Its name.
    pub name: String,
    /// Where it stands in the text, counted from 1; 0 when in no text.
    pub line: usize,
    /// What it takes.
    pub takes: Vec<Weighted>,
    /// What it gives.
    pub gives: Vec<Weighted>,
    /// Whether it happens in the end when it is possible again and again, not only when it
    /// stays possible: the primitive serves those who wait in turn.
    pub fair: bool,
}

/// When nobody is wronged though a process never moves again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// At any time.
    Always,
    /// While one of these places has a token.
    At(Vec<usize>),
    /// When none of its transitions can ever be possible again.
    WhenDead,
}

/// Transitions of one thread: it moves when one of them does, and goes on when it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// The numbers of its transitions.
    pub transitions: Vec<usize>,
    /// Where it may stay for ever.
    pub rest: Rest,
}

/// Places, transitions and processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Net {
    /// The places.
    pub places: Vec<Place>,
    /// The transitions.
    pub transitions: Vec<Transition>,
    /// Who the transitions belong to; a transition may be of two, which meet in it.
    pub processes: Vec<Process>,
    /// To stop is no deadlock where each of these places has so many tokens; with none, every
    /// stop is one.
    pub ends: Vec<Weighted>,
}

impl Net {
    /// Refuses numbers of places and transitions that are not there, and empty transitions.
    ///
    /// # Errors
    /// [`PetriError::Malformed`] names the first of them.
    pub fn verify(&self) -> Result<(), PetriError> {
        let malformed = |what: String| Err(PetriError::Malformed { what });
        for transition in &self.transitions {
            let name = &transition.name;
            for weighted in transition.takes.iter().chain(&transition.gives) {
                if weighted.place >= self.places.len() {
                    return malformed(format!("`{name}` names place {}, which is not there", weighted.place));
                }
                if weighted.count == 0 {
                    return malformed(format!("`{name}` moves 0 tokens; leave the place out"));
                }
            }
            if transition.takes.is_empty() && transition.gives.is_empty() {
                return malformed(format!("`{name}` moves nothing"));
            }
        }
        let known = |places: &[usize]| places.iter().all(|place| *place < self.places.len());
        for process in &self.processes {
            let rests = match &process.rest {
                Rest::At(places) => known(places),
                Rest::Always | Rest::WhenDead => true,
            };
            let moves = process
                .transitions
                .iter()
                .all(|transition| *transition < self.transitions.len());
            if !rests || !moves {
                return malformed(format!("process `{}` names what is not there", process.name));
            }
        }
        if !self.ends.iter().all(|end| end.place < self.places.len()) {
            return malformed("an end names a place that is not there".to_owned());
        }
        Ok(())
    }

    /// The name of the process that a transition belongs to, the first where it belongs to two.
    pub(crate) fn owner(&self, transition: usize) -> &str {
        self.processes
            .iter()
            .find(|process| process.transitions.contains(&transition))
            .map_or("", |process| process.name.as_str())
    }
}
