//! Messages between a worker and its parent beside tasks and results.
//!
//! A task may submit tasks of its own. Its worker posts them to the parent, which
//! queues them like any other and posts the results back. Each direction is a ring
//! with one writer and one reader; an entry is a kind and a number.

use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};

/// Entries of a ring.
#[cfg(not(loom))]
const MAIL: u64 = 1024;
#[cfg(loom)]
const MAIL: u64 = 2;

/// One direction.
#[cfg_attr(loom, derive(Default))]
#[repr(C, align(64))]
pub struct Mail {
    head: AtomicU64,
    pad: [u64; 7],
    tail: AtomicU64,
    pad2: [u64; 7],
    entries: [AtomicU64; MAIL as usize],
}

/// What an entry says; the number is explained at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// To the parent: a [`Submission`] lies at this offset of the worker's region.
    Submit = 1,
    /// To the parent: may I run my task of this number myself?
    Take = 2,
    /// To the parent: cancel my task of this number.
    Cancel = 3,
    /// To the parent: I have read the reply at this offset of your region.
    Read = 4,
    /// To the worker: a [`Reply`] lies at this offset of the parent's region.
    Result = 5,
    /// To the worker: run the task of this number, it has left the queue.
    Taken = 6,
    /// To the worker: the task of this number is running or done.
    Refused = 7,
    /// To the worker: there was no memory for the task of this number, or to say how it ended.
    Lost = 8,
}

impl Kind {
    fn entry(self, number: u64) -> u64 {
        (self as u64) << 56 | number
    }

    fn of(entry: u64) -> Option<Self> {
        Some(match entry >> 56 {
            1 => Self::Submit,
            2 => Self::Take,
            3 => Self::Cancel,
            4 => Self::Read,
            5 => Self::Result,
            6 => Self::Taken,
            7 => Self::Refused,
            8 => Self::Lost,
            _ => return None,
        })
    }
}

impl Mail {
    /// Writes an entry; false when the ring is full. One thread at a time.
    pub fn post(&self, kind: Kind, number: u64) -> bool {
        let tail = self.tail.load(Ordering::Relaxed);
        if tail - self.head.load(Ordering::Acquire) >= MAIL {
            return false;
        }
        self.entries[(tail % MAIL) as usize].store(kind.entry(number), Ordering::Relaxed);
        self.tail.store(tail + 1, Ordering::Release);
        true
    }

    /// Reads the next entry. One thread at a time.
    pub fn take(&self) -> Option<(Kind, u64)> {
        loop {
            let head = self.head.load(Ordering::Relaxed);
            if head >= self.tail.load(Ordering::Acquire) {
                return None;
            }
            let entry = self.entries[(head % MAIL) as usize].load(Ordering::Relaxed);
            self.head.store(head + 1, Ordering::Release);
            if let Some(kind) = Kind::of(entry) {
                return Some((kind, entry & ((1 << 56) - 1)));
            }
        }
    }

    /// Whether an entry waits.
    pub fn any(&self) -> bool {
        self.tail.load(Ordering::Acquire) > self.head.load(Ordering::Acquire)
    }

    /// Forgets everything, for the next worker.
    pub fn clear(&self) {
        self.head.store(0, Ordering::Relaxed);
        self.tail.store(0, Ordering::Relaxed);
    }
}

/// A task that a task submits.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The worker's own number for it.
    pub local: u64,
    /// Id of the task that submits it.
    pub parent: u64,
    /// See [`crate::task::Options`].
    pub priority: i32,
    /// See [`crate::task::Options`].
    pub retries: u16,
    /// See [`crate::task::Options`].
    pub timeout: Option<Duration>,
    /// See [`crate::task::Options`].
    pub backoff: Duration,
    /// Name of the function.
    pub name: String,
    /// The function's bytes, which start with their identity.
    pub code: Vec<u8>,
    /// The encoded arguments.
    pub arguments: Vec<u8>,
}

fn put(bytes: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    into.extend_from_slice(bytes);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let (head, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*head))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }
}

impl Submission {
    /// As bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128 + self.code.len() + self.arguments.len());
        let timeout_ns = self.timeout.map_or(0, |limit| limit.as_nanos() as u64);
        for number in [
            self.local,
            self.parent,
            self.priority as u32 as u64,
            u64::from(self.retries),
            timeout_ns,
            self.backoff.as_nanos() as u64,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        put(self.name.as_bytes(), &mut bytes);
        put(&self.code, &mut bytes);
        put(&self.arguments, &mut bytes);
        bytes
    }

    /// From bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (local, parent) = (reader.number()?, reader.number()?);
        let (priority, retries) = (reader.number()? as u32 as i32, reader.number()? as u16);
        let timeout_ns = reader.number()?;
        let backoff = Duration::from_nanos(reader.number()?);
        Some(Self {
            local,
            parent,
            priority,
            retries,
            timeout: (timeout_ns > 0).then(|| Duration::from_nanos(timeout_ns)),
            backoff,
            name: std::str::from_utf8(reader.bytes()?).ok()?.to_owned(),
            code: reader.bytes()?.to_vec(),
            arguments: reader.bytes()?.to_vec(),
        })
    }
}

/// How a task of a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    /// It returned; the value is a framed message.
    Returned = 0,
    /// It raised; the value is a framed message.
    Raised = 1,
    /// It was cancelled.
    Cancelled = 2,
    /// Its worker died; the value says how, in words.
    Died = 3,
    /// It ran too long; the value is the timeout in nanoseconds.
    TimedOut = 4,
    /// The pool broke; the value says why.
    Abandoned = 5,
}

/// What the parent posts when a task of a task has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The worker's own number for the task.
    pub local: u64,
    /// How it ended.
    pub ending: Ending,
    /// See [`Ending`].
    pub value: Vec<u8>,
}

impl Reply {
    /// As bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32 + self.value.len());
        bytes.extend_from_slice(&self.local.to_le_bytes());
        bytes.extend_from_slice(&(self.ending as u64).to_le_bytes());
        put(&self.value, &mut bytes);
        bytes
    }

    /// From bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let local = reader.number()?;
        let ending = match reader.number()? {
            0 => Ending::Returned,
            1 => Ending::Raised,
            2 => Ending::Cancelled,
            3 => Ending::Died,
            4 => Ending::TimedOut,
            5 => Ending::Abandoned,
            _ => return None,
        };
        Some(Self {
            local,
            ending,
            value: reader.bytes()?.to_vec(),
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_submission_survives_a_round_trip(
            local in any::<u64>(), parent in any::<u64>(), priority in any::<i32>(), retries in any::<u16>(),
            timeout in prop::option::of(1u64..u64::MAX), backoff in any::<u64>(), name in ".{0,20}",
            code in prop::collection::vec(any::<u8>(), 0..50), arguments in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let submission = Submission {
                local, parent, priority, retries, name, code, arguments,
                timeout: timeout.map(Duration::from_nanos), backoff: Duration::from_nanos(backoff),
            };
            prop_assert_eq!(Submission::read(&submission.write()), Some(submission));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = (Submission::read(&bytes), Reply::read(&bytes));
        }
    }

    #[test]
    fn a_ring_keeps_the_order_and_refuses_when_full() {
        // SAFETY: a `Mail` is atomics and unused padding, for which zero is valid.
        let mail: Box<Mail> = unsafe { Box::new_zeroed().assume_init() };
        for number in 0..MAIL {
            assert!(mail.post(Kind::Take, number));
        }
        assert!(!mail.post(Kind::Take, 0));
        for number in 0..MAIL {
            assert_eq!(mail.take(), Some((Kind::Take, number)));
        }
        assert_eq!(mail.take(), None);
        assert!(mail.post(Kind::Read, 7) && mail.any());
    }
}
