//! Makes a net of a protocol: a place for each point where a thread can be, and places for
//! what threads share.
//!
//! Steps are put together from the last to the first, each with the place it leads to, so that
//! a loop, a branch or a `break` needs no step of its own.

use std::collections::HashSet;

use super::scope::{Scope, one};
use super::{Act, Protocol, Step, StepKind, Thing, ThingKind, Verb};
use crate::error::PetriError;
use crate::net::{Net, Process, Rest, Role, Transition, Weighted};

pub(super) fn compile(protocol: &Protocol) -> Result<Net, PetriError> {
    if protocol.threads.is_empty() {
        return Err(PetriError::Malformed {
            what: "the protocol has no thread".to_owned(),
        });
    }
    let mut compiler = Compiler {
        protocol,
        scope: Scope::default(),
        closed: HashSet::new(),
        meetings: Vec::new(),
        sleepers: Vec::new(),
        notices: Vec::new(),
        tries: Vec::new(),
        holders: Vec::new(),
    };
    for thread in &protocol.threads {
        compiler.find_closed(&thread.steps);
    }
    for thing in &protocol.things {
        compiler.verify(thing)?;
    }
    let mut starts = Vec::new();
    for thread in &protocol.threads {
        for copy in 1..=thread.copies {
            let name = if thread.copies == 1 {
                thread.name.clone()
            } else {
                format!("{}.{copy}", thread.name)
            };
            let process = compiler.scope.processes.len();
            let end = compiler.scope.shared(format!("{name}.end"), 0, Role::Ended(process));
            compiler.scope.processes.push(Process {
                name,
                transitions: Vec::new(),
                rest: if thread.daemon {
                    Rest::Always
                } else {
                    Rest::At(vec![end])
                },
            });
            if !thread.daemon {
                compiler.scope.ends.push(one(end));
            }
            starts.push((process, end, thread));
        }
    }
    for (process, end, thread) in starts {
        let mut at = Within {
            process,
            end,
            held: Vec::new(),
            loops: Vec::new(),
        };
        let start = compiler.before(&thread.steps, end, &mut at)?;
        compiler.scope.place(start).tokens = 1;
    }
    compiler.meet();
    compiler.notify();
    compiler.fail_tries();
    Ok(compiler.scope.finish())
}

/// Where in a thread the steps are that are put together.
pub(super) struct Within {
    pub(super) process: usize,
    end: usize,
    /// What `with` has to release, outermost first.
    held: Vec<Act>,
    /// Where `break` leads, and how much was held outside of the loop.
    loops: Vec<(usize, usize)>,
}

/// A step that needs to know all threads, and waits until they are there.
pub(super) struct Open {
    pub(super) process: usize,
    pub(super) line: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) act: Act,
}

pub(super) struct Compiler<'protocol> {
    pub(super) protocol: &'protocol Protocol,
    pub(super) scope: Scope,
    /// Channels that some thread closes.
    pub(super) closed: HashSet<String>,
    /// Both sides of each rendezvous.
    pub(super) meetings: Vec<Open>,
    /// Waits for conditions: from asleep to awake.
    pub(super) sleepers: Vec<Open>,
    pub(super) notices: Vec<Open>,
    /// Tries that find a lock held.
    pub(super) tries: Vec<Open>,
    /// Who may hold which lock, and the place that says so.
    pub(super) holders: Vec<(String, usize)>,
}

impl Compiler<'_> {
    /// Refuses what cannot be without being used.
    fn verify(&self, thing: &Thing) -> Result<(), PetriError> {
        if let ThingKind::Condition { lock } = &thing.kind {
            self.thing(lock, thing.line, |kind| matches!(kind, ThingKind::Lock), "lock")?;
        }
        Ok(())
    }

    fn find_closed(&mut self, steps: &[Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Act(act) if act.verb == Verb::Close => {
                    self.closed.insert(act.object.clone());
                }
                StepKind::With(_, _, body)
                | StepKind::Loop(body)
                | StepKind::Repeat(_, body)
                | StepKind::Each(_, body)
                | StepKind::While(_, _, body) => self.find_closed(body),
                StepKind::If(_, yes, no) | StepKind::Try(_, yes, no) => {
                    self.find_closed(yes);
                    self.find_closed(no);
                }
                StepKind::Choose(branches) | StepKind::Select(branches) => {
                    for branch in branches {
                        self.find_closed(branch);
                    }
                }
                _ => {}
            }
        }
    }

    /// A shared thing of the right kind.
    pub(super) fn thing(
        &self,
        name: &str,
        line: usize,
        fits: impl Fn(&ThingKind) -> bool,
        kind: &'static str,
    ) -> Result<&Thing, PetriError> {
        let known = || self.protocol.things.iter().filter(|thing| fits(&thing.kind));
        if let Some(thing) = known().find(|thing| thing.name == name) {
            return Ok(thing);
        }
        if let Some(other) = self.protocol.things.iter().find(|thing| thing.name == name) {
            return Err(PetriError::syntax(
                line,
                format!("`{name}` is a {}, not a {kind}", other.kind.word()),
                "",
            ));
        }
        Err(PetriError::unknown(
            line,
            kind,
            name,
            known().map(|thing| thing.name.as_str()),
        ))
    }

    /// The place where these steps begin, when `to` is where they lead.
    fn before(&mut self, steps: &[Step], to: usize, at: &mut Within) -> Result<usize, PetriError> {
        if let Some(pair) = steps.windows(2).find(|pair| never_goes_on(&pair[0])) {
            return Err(PetriError::syntax(
                pair[1].line,
                "the step is never reached",
                "what is before it never goes on",
            ));
        }
        let mut to = to;
        for step in steps.iter().rev() {
            to = self.step(step, None, to, at)?;
        }
        Ok(to)
    }

    /// The place where a step begins: `from` when that is given.
    fn step(&mut self, step: &Step, from: Option<usize>, to: usize, at: &mut Within) -> Result<usize, PetriError> {
        let line = step.line;
        match &step.kind {
            StepKind::Act(act) => self.act(act, line, from, to, at),
            StepKind::With(name, count, body) => {
                let release = Act {
                    verb: Verb::Release,
                    object: name.clone(),
                    count: *count,
                };
                let acquire = Act {
                    verb: Verb::Acquire,
                    ..release.clone()
                };
                let inner = self.act(&release, line, None, to, at)?;
                at.held.push(release);
                let entry = self.before(body, inner, at)?;
                at.held.pop();
                self.act(&acquire, line, from, entry, at)
            }
            StepKind::Loop(body) => {
                let head = self.scope.location(at.process, line)?;
                let entry = self.inside_loop(body, head, to, at)?;
                if self.scope.resolve(entry) == self.scope.resolve(head) {
                    return Err(PetriError::syntax(line, "the loop does nothing", ""));
                }
                self.scope.unite(head, entry);
                Ok(entry)
            }
            StepKind::Repeat(times, body) => {
                let mut to = to;
                for _ in 0..*times {
                    to = self.before(body, to, at)?;
                }
                Ok(to)
            }
            StepKind::Each(channel, body) => {
                let head = self.from(from, line, at)?;
                let entry = self.inside_loop(body, head, to, at)?;
                let receive = Act {
                    verb: Verb::Receive,
                    object: channel.clone(),
                    count: 1,
                };
                self.act(&receive, line, Some(head), entry, at)?;
                let exhausted = self.exhausted(channel, line)?;
                let what = format!("find {channel} closed and empty");
                self.plain(line, &what, head, to, exhausted, at);
                Ok(head)
            }
            StepKind::If(event, yes, no) => {
                let head = self.from(from, line, at)?;
                for (is_set, body) in [(true, yes), (false, no)] {
                    let entry = self.before(body, to, at)?;
                    self.look(event, is_set, line, head, entry, at)?;
                }
                Ok(head)
            }
            StepKind::While(event, is_set, body) => {
                let head = self.from(from, line, at)?;
                self.look(event, !is_set, line, head, to, at)?;
                let entry = self.inside_loop(body, head, to, at)?;
                self.look(event, *is_set, line, head, entry, at)?;
                Ok(head)
            }
            StepKind::Choose(branches) => {
                let head = self.from(from, line, at)?;
                for branch in branches {
                    let first = branch.iter().find_map(|step| match &step.kind {
                        StepKind::Act(act) => Some(act.to_string()),
                        StepKind::With(name, ..) => Some(format!("acquire {name}")),
                        _ => None,
                    });
                    let entry = self.before(branch, to, at)?;
                    let what = format!("choose to {}", first.as_deref().unwrap_or("go on"));
                    self.plain(line, &what, head, entry, Vec::new(), at);
                }
                Ok(head)
            }
            StepKind::Select(branches) => {
                let head = self.from(from, line, at)?;
                for branch in branches {
                    let Some((first, rest)) = branch.split_first() else {
                        return Err(PetriError::syntax(line, "a branch of `select` has no step", ""));
                    };
                    let entry = self.before(rest, to, at)?;
                    if !matches!(first.kind, StepKind::Act(_)) {
                        return Err(PetriError::syntax(
                            first.line,
                            "a branch of `select` starts with what it waits for",
                            "start it with acquire, receive, send, wait or join",
                        ));
                    }
                    self.step(first, Some(head), entry, at)?;
                }
                Ok(head)
            }
            StepKind::Try(act, yes, no) => {
                let head = self.from(from, line, at)?;
                let entry = self.before(yes, to, at)?;
                self.act(act, line, Some(head), entry, at)?;
                let other = self.before(no, to, at)?;
                self.not_now(act, line, head, other, at)?;
                Ok(head)
            }
            StepKind::Break => {
                let Some((exit, held)) = at.loops.last().copied() else {
                    return Err(PetriError::syntax(
                        line,
                        "`break` is in no loop",
                        "`end` ends the thread",
                    ));
                };
                self.let_go(held, line, exit, at)
            }
            StepKind::End => self.let_go(0, line, at.end, at),
            StepKind::Skip => Ok(to),
        }
    }

    fn inside_loop(&mut self, body: &[Step], head: usize, exit: usize, at: &mut Within) -> Result<usize, PetriError> {
        at.loops.push((exit, at.held.len()));
        let entry = self.before(body, head, at);
        at.loops.pop();
        entry
    }

    /// Releases what `with` holds beyond a depth, innermost first, on the way to a place.
    fn let_go(&mut self, depth: usize, line: usize, to: usize, at: &Within) -> Result<usize, PetriError> {
        let mut to = to;
        for release in &at.held[depth..] {
            to = self.act(release, line, None, to, at)?;
        }
        Ok(to)
    }

    pub(super) fn from(&mut self, from: Option<usize>, line: usize, at: &Within) -> Result<usize, PetriError> {
        match from {
            Some(from) => Ok(from),
            None => self.scope.location(at.process, line),
        }
    }

    /// A step that only reads what threads share.
    pub(super) fn plain(&mut self, line: usize, what: &str, from: usize, to: usize, reads: Vec<Weighted>, at: &Within) {
        let takes = std::iter::once(one(from)).chain(reads.iter().copied()).collect();
        let gives = std::iter::once(one(to)).chain(reads).collect();
        let name = format!("{}: {what}", self.scope.processes[at.process].name);
        let transition = Transition {
            name,
            line,
            takes,
            gives,
            fair: false,
        };
        self.scope.step(&[at.process], transition);
    }

    fn look(
        &mut self,
        event: &str,
        is_set: bool,
        line: usize,
        from: usize,
        to: usize,
        at: &Within,
    ) -> Result<(), PetriError> {
        let place = self.event(event, line)?[usize::from(!is_set)];
        let what = format!("see that {event} is {}", if is_set { "set" } else { "not set" });
        self.plain(line, &what, from, to, vec![one(place)], at);
        Ok(())
    }
}

/// Whether no step after this one is ever reached.
fn never_goes_on(step: &Step) -> bool {
    match &step.kind {
        StepKind::Break | StepKind::End => true,
        StepKind::Loop(body) => !breaks(body),
        _ => false,
    }
}

/// Whether steps may leave the loop they are in.
fn breaks(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.kind {
        StepKind::Break => true,
        StepKind::With(_, _, body) | StepKind::Repeat(_, body) => breaks(body),
        StepKind::If(_, yes, no) | StepKind::Try(_, yes, no) => breaks(yes) || breaks(no),
        StepKind::Choose(branches) | StepKind::Select(branches) => branches.iter().any(|branch| breaks(branch)),
        _ => false,
    })
}
