//! Reads a protocol: declarations, and threads whose steps stand in lines or behind a colon.

use super::{Act, Protocol, Step, StepKind, Thing, ThingKind, Thread, Verb};
use crate::error::PetriError;
use crate::text::{name_of, tokens};

/// Threads and repetitions beyond this are a slip.
const MOST_COPIES: u32 = 1000;

/// Blocks inside blocks beyond this are not meant for people.
const MOST_DEPTH: usize = 100;

/// What a declaration starts with. No step does, so a declaration ends the thread before it
/// however it is indented.
const DECLARE: [&str; 10] = [
    "thread",
    "daemon",
    "fair",
    "lock",
    "semaphore",
    "channel",
    "rendezvous",
    "event",
    "condition",
    "section",
];

/// A line without its comment: its number, its indentation and its text.
struct Line<'text> {
    number: usize,
    indent: usize,
    text: &'text str,
}

pub(super) fn parse(text: &str) -> Result<Protocol, PetriError> {
    let lines: Vec<Line<'_>> = text
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let line = line.split('#').next().unwrap_or_default().trim_end();
            let text = line.trim_start();
            (!text.is_empty()).then_some(Line {
                number: index + 1,
                indent: line.len() - text.len(),
                text,
            })
        })
        .collect();
    let mut reader = Reader {
        lines: &lines,
        at: 0,
        depth: 0,
    };
    let mut protocol = Protocol::default();
    while reader.peek().is_some() {
        reader.declaration(&mut protocol)?;
    }
    Ok(protocol)
}

struct Reader<'text> {
    lines: &'text [Line<'text>],
    at: usize,
    depth: usize,
}

impl<'text> Reader<'text> {
    fn peek(&self) -> Option<&'text Line<'text>> {
        self.lines.get(self.at)
    }

    fn declaration(&mut self, protocol: &mut Protocol) -> Result<(), PetriError> {
        let Some(line) = self.peek() else {
            return Ok(());
        };
        self.at += 1;
        let (word, rest) = first_word(line.text);
        if matches!(word, "thread" | "daemon") {
            let thread = self.thread(line, word == "daemon", rest)?;
            unused(protocol, line.number, &thread.name)?;
            protocol.threads.push(thread);
            return Ok(());
        }
        let (fair, word, rest) = if word == "fair" {
            let (word, rest) = first_word(rest);
            (true, word, rest)
        } else {
            (false, word, rest)
        };
        for part in rest.split(',') {
            let (name, kind) = thing(line.number, word, part.trim())?;
            if fair
                && !matches!(
                    kind,
                    ThingKind::Lock | ThingKind::Semaphore { .. } | ThingKind::Channel { .. }
                )
            {
                return Err(PetriError::syntax(
                    line.number,
                    format!("no {word} is fair"),
                    "locks, semaphores and channels can",
                ));
            }
            unused(protocol, line.number, &name)?;
            protocol.things.push(Thing {
                name,
                line: line.number,
                kind,
                fair,
            });
        }
        Ok(())
    }

    /// `NAME [x COPIES]: steps`.
    fn thread(&mut self, line: &Line<'_>, daemon: bool, rest: &str) -> Result<Thread, PetriError> {
        let Some((head, inline)) = rest.split_once(':') else {
            return Err(PetriError::syntax(
                line.number,
                "the thread has no `:`",
                "write `thread NAME:` and its steps",
            ));
        };
        let (name, copies) = match head.split_once(char::is_whitespace) {
            None => (head, 1),
            Some((name, times)) => {
                let times = times.trim();
                let count = times.strip_prefix('x').ok_or_else(|| {
                    PetriError::syntax(
                        line.number,
                        format!("`{times}` follows the name"),
                        "copies are written `x 3`",
                    )
                })?;
                (name, limited(line.number, count)?)
            }
        };
        Ok(Thread {
            name: name_of(line.number, name)?,
            line: line.number,
            copies,
            daemon,
            steps: self.body(line, inline)?,
        })
    }

    /// What follows a colon: the rest of the line, or the indented lines below.
    fn body(&mut self, head: &Line<'_>, inline: &str) -> Result<Vec<Step>, PetriError> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(PetriError::syntax(head.number, "blocks are nested too deeply", ""));
        }
        let mut steps = Vec::new();
        if inline.trim().is_empty() {
            let indent = match self.peek() {
                Some(line) if belongs(line, head) => line.indent,
                _ => {
                    return Err(PetriError::syntax(
                        head.number,
                        "nothing follows the `:`",
                        "write steps behind it, or indented below; `skip` does nothing",
                    ));
                }
            };
            while let Some(line) = self.peek().filter(|line| belongs(line, head)) {
                if line.indent != indent {
                    return Err(PetriError::syntax(
                        line.number,
                        "the line is not indented like the one before",
                        "",
                    ));
                }
                self.at += 1;
                self.statement(line, line.text, &mut steps)?;
            }
        } else {
            self.statement(head, inline, &mut steps)?;
        }
        self.depth -= 1;
        Ok(steps)
    }

    /// Steps separated by `;`, the last of which may open a block.
    fn statement(&mut self, line: &Line<'_>, text: &str, steps: &mut Vec<Step>) -> Result<(), PetriError> {
        let mut rest = text.trim();
        while !rest.is_empty() {
            let end = rest.find([';', ':']).unwrap_or(rest.len());
            let head = rest[..end].trim();
            if rest[end..].starts_with(':') {
                return self.block(line, head, &rest[end + 1..], steps);
            }
            if !head.is_empty() {
                let kind = simple(line.number, head)?;
                steps.push(Step {
                    line: line.number,
                    kind,
                });
            }
            rest = rest.get(end + 1..).unwrap_or_default().trim_start();
        }
        Ok(())
    }

    fn block(&mut self, line: &Line<'_>, head: &str, inline: &str, steps: &mut Vec<Step>) -> Result<(), PetriError> {
        let (word, rest) = first_word(head);
        let number = line.number;
        let kind = match word {
            "loop" => StepKind::Loop(self.body(line, inline)?),
            "repeat" => StepKind::Repeat(limited(number, rest)?, self.body(line, inline)?),
            "with" => {
                let (name, count) = counted(number, rest)?;
                StepKind::With(name, count, self.body(line, inline)?)
            }
            "each" => StepKind::Each(name_of(number, rest)?, self.body(line, inline)?),
            "while" => StepKind::While(name_of(number, rest)?, true, self.body(line, inline)?),
            "until" => StepKind::While(name_of(number, rest)?, false, self.body(line, inline)?),
            "if" => {
                let event = name_of(number, rest)?;
                let yes = self.body(line, inline)?;
                StepKind::If(event, yes, self.alternative(line, "else")?.unwrap_or_default())
            }
            "try" => {
                let StepKind::Act(act) = simple(number, rest)? else {
                    return Err(PetriError::syntax(number, format!("`{rest}` cannot be tried"), ""));
                };
                let yes = self.body(line, inline)?;
                StepKind::Try(act, yes, self.alternative(line, "else")?.unwrap_or_default())
            }
            "choose" | "select" => {
                let mut branches = vec![self.body(line, inline)?];
                while let Some(branch) = self.alternative(line, "or")? {
                    branches.push(branch);
                }
                if word == "choose" {
                    StepKind::Choose(branches)
                } else {
                    StepKind::Select(branches)
                }
            }
            "else" | "or" => {
                return Err(PetriError::syntax(
                    number,
                    format!("`{word}` belongs to nothing"),
                    "`else` follows `if` and `try`, `or` follows `choose` and `select`, in a line of its own",
                ));
            }
            _ => {
                return Err(PetriError::syntax(
                    number,
                    format!("`{word}:` opens no block"),
                    "blocks are loop, repeat, with, each, if, while, until, choose, select and try",
                ));
            }
        };
        steps.push(Step { line: number, kind });
        Ok(())
    }

    /// The block of a word in a line as far indented as another.
    fn alternative(&mut self, line: &Line<'_>, word: &str) -> Result<Option<Vec<Step>>, PetriError> {
        let Some(next) = self.peek().filter(|next| next.indent == line.indent) else {
            return Ok(None);
        };
        let Some((head, inline)) = next.text.split_once(':') else {
            return Ok(None);
        };
        if head.trim() != word {
            return Ok(None);
        }
        self.at += 1;
        self.body(next, inline).map(Some)
    }
}

/// Whether a line is part of the block that another opens.
fn belongs(line: &Line<'_>, head: &Line<'_>) -> bool {
    line.indent > head.indent && !DECLARE.contains(&first_word(line.text).0)
}

/// A step without a block.
fn simple(line: usize, text: &str) -> Result<StepKind, PetriError> {
    let (word, rest) = first_word(text);
    match (word, rest) {
        ("break", "") => return Ok(StepKind::Break),
        ("end", "") => return Ok(StepKind::End),
        ("skip", "") => return Ok(StepKind::Skip),
        _ => {}
    }
    let Some((verb, _)) = Verb::ALL.iter().find(|(_, known)| *known == word) else {
        let known = Verb::ALL.map(|(_, word)| word).join(", ");
        return Err(PetriError::syntax(
            line,
            format!("no step is called `{word}`"),
            format!("steps are {known}, skip, break and end"),
        ));
    };
    let (object, count) = match verb {
        Verb::Do if rest.is_empty() => return Err(PetriError::syntax(line, "`do` says nothing", "write `do work`")),
        Verb::Do => (rest.to_owned(), 1),
        Verb::Acquire | Verb::Release => counted(line, rest)?,
        _ => (name_of(line, rest)?, 1),
    };
    Ok(StepKind::Act(Act {
        verb: *verb,
        object,
        count,
    }))
}

/// `NAME [N]`.
fn counted(line: usize, text: &str) -> Result<(String, u32), PetriError> {
    match text.split_once(char::is_whitespace) {
        None => Ok((name_of(line, text)?, 1)),
        Some((name, count)) => Ok((name_of(line, name)?, limited(line, count)?)),
    }
}

fn limited(line: usize, text: &str) -> Result<u32, PetriError> {
    let count = tokens(line, text)?;
    if (1..=MOST_COPIES).contains(&count) {
        return Ok(count);
    }
    Err(PetriError::syntax(
        line,
        format!("{count} is not between 1 and {MOST_COPIES}"),
        "",
    ))
}

/// What a line declares under one name.
fn thing(line: usize, word: &str, text: &str) -> Result<(String, ThingKind), PetriError> {
    let (text, at_most) = match text.split_once(" at most ") {
        Some((text, most)) if word == "section" => (text, tokens(line, most)?),
        _ => (text, 1),
    };
    let (head, value) = match text.split_once('=') {
        Some((head, value)) => (head.trim(), Some(value.trim())),
        None => (text, None),
    };
    let count = || value.map_or(Ok(0), |value| tokens(line, value));
    let plain = |kind: ThingKind| match value {
        None => Ok((name_of(line, head)?, kind)),
        Some(_) => Err(PetriError::syntax(line, format!("a {word} has no value"), "")),
    };
    match word {
        "lock" => plain(ThingKind::Lock),
        "rendezvous" => plain(ThingKind::Rendezvous),
        "section" => plain(ThingKind::Section { at_most }),
        "semaphore" if value.is_none() => Err(PetriError::syntax(
            line,
            "the semaphore has no value",
            format!("write `semaphore {head} = 1`"),
        )),
        "semaphore" => Ok((name_of(line, head)?, ThingKind::Semaphore { units: count()? })),
        "channel" => {
            let (name, capacity) = match head.split_once('[') {
                None => (head, None),
                Some((name, bound)) => {
                    let bound = bound.strip_suffix(']').ok_or_else(|| {
                        PetriError::syntax(line, "the bound has no `]`", format!("write `{name}[2]`"))
                    })?;
                    (name, Some(tokens(line, bound)?))
                }
            };
            let items = count()?;
            if capacity == Some(0) || capacity.is_some_and(|capacity| items > capacity) {
                return Err(PetriError::syntax(
                    line,
                    format!(
                        "{items} items and a bound of {} do not go together",
                        capacity.unwrap_or(0)
                    ),
                    "a channel that hands over without room is a `rendezvous`",
                ));
            }
            Ok((name_of(line, name)?, ThingKind::Channel { capacity, items }))
        }
        "event" => match value {
            None | Some("clear") => Ok((name_of(line, head)?, ThingKind::Event { set: false })),
            Some("set") => Ok((name_of(line, head)?, ThingKind::Event { set: true })),
            Some(value) => Err(PetriError::syntax(
                line,
                format!("an event is not `{value}`"),
                "it is `set`, or `clear`",
            )),
        },
        "condition" => match head.split_once(" of ") {
            Some((name, lock)) => Ok((
                name_of(line, name)?,
                ThingKind::Condition {
                    lock: name_of(line, lock)?,
                },
            )),
            None => Err(PetriError::syntax(
                line,
                "the condition has no lock",
                format!("write `condition {head} of LOCK`"),
            )),
        },
        _ => Err(PetriError::syntax(
            line,
            format!("`{word}` declares nothing"),
            "a line starts with thread, daemon, lock, semaphore, channel, rendezvous, event, condition or section",
        )),
    }
}

fn unused(protocol: &Protocol, line: usize, name: &str) -> Result<(), PetriError> {
    let things = protocol.things.iter().map(|thing| (&thing.name, thing.line));
    let threads = protocol.threads.iter().map(|thread| (&thread.name, thread.line));
    match things.chain(threads).find(|(known, _)| *known == name) {
        None => Ok(()),
        Some((_, before)) => Err(PetriError::syntax(
            line,
            format!("`{name}` is declared in line {before} already"),
            "",
        )),
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}
