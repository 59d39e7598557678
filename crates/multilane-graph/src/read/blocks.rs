//! Blocks of whole lines, worked on by all lanes.
//!
//! A plain file is read at several places at once; from one that only comes in order, one lane reads ahead while
//! the others work. Which line of the file an error is in is only known when all blocks before are done:
//! the first error in the file is reported, whichever was met first.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use multilane_plan::Lanes;

use super::text::{Failure, InOrder, LONGEST_LINE, Source, lines_at};
use crate::GraphError;
use crate::algorithms::lanes::{PerLane, go_on, lock};

/// Bytes of text in a block: it stays in a second-level cache while it is parsed.
const BLOCK_BYTES: usize = 1 << 20;

/// A file that begins with more comments than this is taken to hold nothing else.
const LONGEST_HEAD: usize = 64 << 20;

/// What is wrong, and how many lines of the block come before it.
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) problem: Problem,
}

/// What is wrong: with one line, or altogether.
pub(super) enum Problem {
    Line(String),
    Other(GraphError),
}

/// What a block became, and how many lines it had.
pub(super) struct Done<T> {
    pub(super) lines: u64,
    pub(super) result: T,
}

/// A text file that is read once from start to end.
pub(super) struct Text {
    path: PathBuf,
    source: Source,
    /// The first lines.
    head: Vec<u8>,
    /// Bytes and lines of the head that are not part of the blocks.
    skipped: (usize, u64),
    block: usize,
}

impl Text {
    pub(super) fn open(path: &Path) -> Result<Self, GraphError> {
        Self::open_in_blocks(path, BLOCK_BYTES)
    }

    /// [`Text::open`] with a size of blocks that makes small files large.
    pub(super) fn open_in_blocks(path: &Path, block: usize) -> Result<Self, GraphError> {
        let failed = |source| failed(path, Failure::Io(source));
        let mut source = Source::open(path).map_err(failed)?;
        let block = match source {
            // A buffer larger than the file would only be filled with zeros.
            Source::File(_, len) => block.min(usize::try_from(len).unwrap_or(block).max(1)),
            Source::Order(_) => block,
        };
        let head = head(&mut source, block).map_err(|failure| self::failed(path, failure))?;
        Ok(Self {
            path: path.to_owned(),
            source,
            skipped: (mark(&head), 0),
            head,
            block,
        })
    }

    /// The first lines: enough to see what the format is.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Leaves the first bytes, which are whole lines of the head, out of the blocks.
    pub(super) fn skip(&mut self, bytes: usize, lines: u64) {
        self.skipped = (bytes, lines);
    }

    /// What [`Text::skip`] left out.
    pub(super) fn skipped(&self) -> (usize, u64) {
        self.skipped
    }

    /// An error in a line, counted from 1.
    pub(super) fn malformed(&self, line: u64, problem: String) -> GraphError {
        GraphError::Malformed {
            path: self.path.clone(),
            line,
            problem,
        }
    }

    /// An error of the file as a whole.
    pub(super) fn format(&self, problem: String) -> GraphError {
        GraphError::Format {
            path: self.path.clone(),
            problem,
        }
    }

    /// Turns every block into something, and gives all of it in the order of the file.
    pub(super) fn parse<T: Send>(
        &mut self,
        lanes: &dyn Lanes,
        parse: impl Fn(&[u8], usize) -> Result<Done<T>, Fault> + Sync,
    ) -> Result<Vec<T>, GraphError> {
        let skipped = self.skipped.0;
        let (block, path) = (self.block, self.path.as_path());
        let mut results = Results::new(self.skipped.1);
        match &mut self.source {
            Source::File(file, len) => {
                let file = &*file;
                let count = len.saturating_sub(skipped as u64).div_ceil(block as u64) as usize;
                let buffers = PerLane::new(lanes, Vec::new);
                // Wave after wave, so that nothing is kept for each block of a huge file at once but its result.
                let wave = lanes.count() * 64;
                for first in (0..count).step_by(wave) {
                    go_on(lanes)?;
                    results.collect(path, lanes, wave.min(count - first), |piece, lane| {
                        let start = skipped as u64 + ((first + piece) * block) as u64;
                        let mut buffer = buffers.of(lane);
                        let range = lines_at(file, start, first + piece == 0, block, &mut buffer)?;
                        Ok(parse(&buffer[range], lane))
                    })?;
                }
            }
            Source::Order(order) => {
                let head = std::mem::take(&mut self.head);
                let mut ready = vec![head];
                let mut start = skipped;
                while ready.first().is_some_and(|block| !block.is_empty()) {
                    go_on(lanes)?;
                    let ahead = Mutex::new((&mut *order, Ok(Vec::new())));
                    results.collect_with(path, lanes, ready.len(), |piece, lane| match piece {
                        None => {
                            let (order, next) = &mut *lock(&ahead);
                            *next = read_ahead(order, block, lanes.count() * 2);
                            None
                        }
                        Some(piece) => {
                            let from = if piece == 0 { start } else { 0 };
                            Some(Ok(parse(&ready[piece][from..], lane)))
                        }
                    })?;
                    let (_, next) = ahead.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
                    ready = next.map_err(|failure| failed(path, failure))?;
                    start = 0;
                }
            }
        }
        Ok(results.all)
    }
}

/// How many bytes some programs put before a text to say that it is UTF-8.
fn mark(text: &[u8]) -> usize {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if text.starts_with(MARK) { MARK.len() } else { 0 }
}

/// The first lines, up to one that is neither empty nor a comment: there the format is seen.
fn head(source: &mut Source, block: usize) -> Result<Vec<u8>, Failure> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        match source {
            Source::File(file, _) => {
                let mut next = Vec::new();
                let range = lines_at(file, before as u64, true, block, &mut next)?;
                head.extend_from_slice(&next[range]);
            }
            Source::Order(order) => head.append(&mut order.next(block)?),
        }
        let first = if before == 0 { mark(&head) } else { before };
        let mut lines = head[first..].split(|&byte| byte == b'\n');
        if head.len() == before || lines.any(|line| !is_empty(line)) || head.len() > LONGEST_HEAD {
            return Ok(head);
        }
    }
}

/// Whether a line holds nothing but perhaps a comment.
pub(super) fn is_empty(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), None | Some(b'#' | b'%'))
}

/// The next blocks, up to `count`; fewer at the end.
fn read_ahead(order: &mut InOrder, block: usize, count: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let mut blocks = Vec::new();
    while blocks.len() < count {
        let next = order.next(block)?;
        if next.is_empty() {
            break;
        }
        blocks.push(next);
    }
    Ok(blocks)
}

fn failed(path: &Path, failure: Failure) -> GraphError {
    let path = path.to_owned();
    match failure {
        Failure::Io(source) => GraphError::Io { path, source },
        Failure::TooLong => GraphError::Format {
            path,
            problem: format!("no line ends within {LONGEST_LINE} bytes, so this is not a text file"),
        },
    }
}

/// What blocks became, in their order, and how many lines they had.
struct Results<T> {
    all: Vec<T>,
    lines: u64,
}

type Outcome<T> = Result<Result<Done<T>, Fault>, Failure>;

impl<T: Send> Results<T> {
    fn new(lines: u64) -> Self {
        Self { all: Vec::new(), lines }
    }

    /// Runs `work` for so many blocks and appends what they became.
    fn collect(
        &mut self,
        path: &Path,
        lanes: &dyn Lanes,
        count: usize,
        work: impl Fn(usize, usize) -> Outcome<T> + Sync,
    ) -> Result<(), GraphError> {
        self.gather(path, lanes, count, count, |piece, lane| Some(work(piece, lane)))
    }

    /// [`Results::collect`] with one more piece of work, `None`, that starts first.
    fn collect_with(
        &mut self,
        path: &Path,
        lanes: &dyn Lanes,
        count: usize,
        work: impl Fn(Option<usize>, usize) -> Option<Outcome<T>> + Sync,
    ) -> Result<(), GraphError> {
        self.gather(path, lanes, count, count + 1, |piece, lane| {
            work(piece.checked_sub(1), lane)
        })
    }

    fn gather(
        &mut self,
        path: &Path,
        lanes: &dyn Lanes,
        count: usize,
        pieces: usize,
        work: impl Fn(usize, usize) -> Option<Outcome<T>> + Sync,
    ) -> Result<(), GraphError> {
        let extra = pieces - count;
        let slots: Vec<Mutex<Option<Outcome<T>>>> = (0..count).map(|_| Mutex::new(None)).collect();
        let wrong = AtomicUsize::new(usize::MAX);
        lanes.run(pieces, &|piece, lane| {
            // What comes after an error is never looked at.
            if lanes.stopped() || piece > wrong.load(Relaxed) {
                return;
            }
            let Some(outcome) = work(piece, lane) else { return };
            if !matches!(outcome, Ok(Ok(_))) {
                wrong.fetch_min(piece, Relaxed);
            }
            *lock(&slots[piece - extra]) = Some(outcome);
        });
        for slot in slots {
            match slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
                Some(Ok(Ok(done))) => {
                    self.lines += done.lines;
                    self.all.push(done.result);
                }
                Some(Ok(Err(fault))) => {
                    return Err(match fault.problem {
                        Problem::Other(error) => error,
                        Problem::Line(problem) => GraphError::Malformed {
                            path: path.to_owned(),
                            line: self.lines + fault.line + 1,
                            problem,
                        },
                    });
                }
                Some(Err(failure)) => return Err(failed(path, failure)),
                // Only a request to stop leaves a block out that no error comes before.
                None => return Err(GraphError::Stopped),
            }
        }
        Ok(())
    }
}
