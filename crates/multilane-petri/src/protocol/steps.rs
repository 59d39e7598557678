//! What each step takes from and gives to what threads share.

use super::compile::{Compiler, Open, Within};
use super::scope::one;
use super::{Act, ThingKind, Verb};
use crate::error::PetriError;
use crate::net::{Role, Transition, Weighted};

impl Compiler<'_> {
    /// Adds a step from a place (a new one unless it is given) to another.
    pub(super) fn act(
        &mut self,
        act: &Act,
        line: usize,
        from: Option<usize>,
        to: usize,
        at: &Within,
    ) -> Result<usize, PetriError> {
        let from = self.from(from, line, at)?;
        let name = act.object.as_str();
        let mut fair = false;
        // Each way the step can happen: what it takes and what it gives.
        let mut ways: Vec<(Vec<Weighted>, Vec<Weighted>)> = Vec::new();
        let open = Open {
            process: at.process,
            line,
            from,
            to,
            act: act.clone(),
        };
        match act.verb {
            Verb::Acquire | Verb::Release => {
                let is_held = |kind: &ThingKind| matches!(kind, ThingKind::Lock | ThingKind::Semaphore { .. });
                let thing = self.thing(name, line, is_held, "lock")?;
                fair = thing.fair && act.verb == Verb::Acquire;
                let (left, held) = if let ThingKind::Semaphore { units } = thing.kind {
                    let free = self.free(name, units);
                    let units = Weighted {
                        place: free,
                        count: act.count,
                    };
                    (vec![units], Vec::new())
                } else {
                    if act.count > 1 {
                        return Err(PetriError::syntax(
                            line,
                            format!("a lock has one holder, and `{act}` asks for {}", act.count),
                            "use a semaphore",
                        ));
                    }
                    (vec![one(self.free(name, 1))], vec![one(self.held(name, at.process))])
                };
                ways.push(if act.verb == Verb::Acquire {
                    (left, held)
                } else {
                    (held, left)
                });
            }
            Verb::Send | Verb::Receive => {
                let carries = |kind: &ThingKind| matches!(kind, ThingKind::Channel { .. } | ThingKind::Rendezvous);
                let thing = self.thing(name, line, carries, "channel")?;
                fair = thing.fair;
                if thing.kind == ThingKind::Rendezvous {
                    self.meetings.push(open);
                    return Ok(from);
                }
                let (items, room) = self.channel(name, line)?;
                let room = room.map(|(room, _)| one(room));
                if act.verb == Verb::Receive {
                    ways.push((vec![one(items)], room.into_iter().collect()));
                } else {
                    let mut takes: Vec<Weighted> = room.into_iter().collect();
                    let mut gives = vec![one(items)];
                    if self.closed.contains(name) {
                        let [is_open, _] = self.lid(name);
                        takes.push(one(is_open));
                        gives.push(one(is_open));
                    }
                    ways.push((takes, gives));
                }
            }
            Verb::Close => {
                self.channel(name, line)?;
                let [is_open, is_closed] = self.lid(name);
                ways.push((vec![one(is_open)], vec![one(is_closed)]));
                ways.push((vec![one(is_closed)], vec![one(is_closed)]));
            }
            Verb::Set | Verb::Clear => {
                let [set, clear] = self.event(name, line)?;
                let (from, to) = if act.verb == Verb::Set {
                    (clear, set)
                } else {
                    (set, clear)
                };
                ways.push((vec![one(from)], vec![one(to)]));
                ways.push((vec![one(to)], vec![one(to)]));
            }
            Verb::Wait => {
                let waits = |kind: &ThingKind| matches!(kind, ThingKind::Event { .. } | ThingKind::Condition { .. });
                let thing = self.thing(name, line, waits, "event")?;
                if let ThingKind::Condition { lock } = thing.kind.clone() {
                    return self.sleep(open, &lock);
                }
                let [set, _] = self.event(name, line)?;
                ways.push((vec![one(set)], vec![one(set)]));
            }
            Verb::Notify | Verb::NotifyAll => {
                self.thing(
                    name,
                    line,
                    |kind| matches!(kind, ThingKind::Condition { .. }),
                    "condition",
                )?;
                self.notices.push(open);
                return Ok(from);
            }
            Verb::Enter | Verb::Leave => {
                let is_section = |kind: &ThingKind| matches!(kind, ThingKind::Section { .. });
                let thing = self.thing(name, line, is_section, "section")?;
                let ThingKind::Section { at_most } = thing.kind else {
                    return Ok(from);
                };
                let inside = self
                    .scope
                    .shared(format!("{name}.inside"), 0, Role::Inside(name.to_owned()));
                self.scope.place(inside).at_most = Some(at_most);
                ways.push(if act.verb == Verb::Enter {
                    (Vec::new(), vec![one(inside)])
                } else {
                    (vec![one(inside)], Vec::new())
                });
            }
            Verb::Join => {
                let ends = self.ends_of(name, line)?;
                ways.push((ends.clone(), ends));
            }
            Verb::Do => ways.push((Vec::new(), Vec::new())),
        }
        for (takes, gives) in ways {
            self.add(&open, &act.to_string(), fair, takes, gives);
        }
        Ok(from)
    }

    /// A step of one thread with what it takes and gives beside its place.
    fn add(&mut self, open: &Open, what: &str, fair: bool, takes: Vec<Weighted>, gives: Vec<Weighted>) {
        let transition = Transition {
            name: format!("{}: {what}", self.scope.processes[open.process].name),
            line: open.line,
            takes: std::iter::once(one(open.from)).chain(takes).collect(),
            gives: std::iter::once(one(open.to)).chain(gives).collect(),
            fair,
        };
        self.scope.step(&[open.process], transition);
    }

    fn free(&mut self, name: &str, units: u32) -> usize {
        self.scope
            .shared(format!("{name}.free"), units, Role::Free(name.to_owned()))
    }

    fn held(&mut self, name: &str, process: usize) -> usize {
        let holder = self.scope.processes[process].name.clone();
        let place = self
            .scope
            .shared(format!("{name}.held.{holder}"), 0, Role::Held(name.to_owned(), process));
        if !self.holders.iter().any(|(_, held)| *held == place) {
            self.holders.push((name.to_owned(), place));
        }
        place
    }

    /// Set, and not set.
    pub(super) fn event(&mut self, name: &str, line: usize) -> Result<[usize; 2], PetriError> {
        let thing = self.thing(name, line, |kind| matches!(kind, ThingKind::Event { .. }), "event")?;
        let is_set = thing.kind == ThingKind::Event { set: true };
        Ok([
            self.scope
                .shared(format!("{name}.set"), is_set.into(), Role::Set(name.to_owned())),
            self.scope
                .shared(format!("{name}.clear"), (!is_set).into(), Role::Clear(name.to_owned())),
        ])
    }

    /// Items, and room with the bound where there is one.
    fn channel(&mut self, name: &str, line: usize) -> Result<(usize, Option<(usize, u32)>), PetriError> {
        let thing = self.thing(name, line, |kind| matches!(kind, ThingKind::Channel { .. }), "channel")?;
        let ThingKind::Channel { capacity, items } = thing.kind else {
            unreachable!("the thing is a channel");
        };
        let inside = self
            .scope
            .shared(format!("{name}.items"), items, Role::Items(name.to_owned()));
        let room = capacity.map(|capacity| {
            let room = self
                .scope
                .shared(format!("{name}.room"), capacity - items, Role::Room(name.to_owned()));
            (room, capacity)
        });
        Ok((inside, room))
    }

    /// Whether a channel is open, and whether it is closed.
    fn lid(&mut self, name: &str) -> [usize; 2] {
        [
            self.scope
                .shared(format!("{name}.open"), 1, Role::Open(name.to_owned())),
            self.scope
                .shared(format!("{name}.closed"), 0, Role::Closed(name.to_owned())),
        ]
    }

    /// What shows that a channel is closed and empty.
    pub(super) fn exhausted(&mut self, name: &str, line: usize) -> Result<Vec<Weighted>, PetriError> {
        let (_, Some((room, count))) = self.channel(name, line)? else {
            return Err(unbounded(name, line, "each"));
        };
        let [_, is_closed] = self.lid(name);
        Ok(vec![one(is_closed), Weighted { place: room, count }])
    }

    fn ends_of(&mut self, name: &str, line: usize) -> Result<Vec<Weighted>, PetriError> {
        let Some(thread) = self.protocol.threads.iter().find(|thread| thread.name == name) else {
            let known = self.protocol.threads.iter().map(|thread| thread.name.as_str());
            return Err(PetriError::unknown(line, "thread", name, known));
        };
        let names = (1..=thread.copies).map(|copy| {
            if thread.copies == 1 {
                format!("{name}.end")
            } else {
                format!("{name}.{copy}.end")
            }
        });
        Ok(names.filter_map(|end| self.scope.named(&end)).map(one).collect())
    }

    /// Waits for a condition: lets go of its lock, sleeps until notified, takes the lock again.
    fn sleep(&mut self, open: Open, lock: &str) -> Result<usize, PetriError> {
        let condition = open.act.object.clone();
        let (asleep, woken) = (
            self.scope.location(open.process, open.line)?,
            self.scope.location(open.process, open.line)?,
        );
        self.scope.place(asleep).role = Role::Location(open.process);
        let (free, held) = (self.free(lock, 1), self.held(lock, open.process));
        let awake = self
            .scope
            .shared(format!("{condition}.awake"), 0, Role::Awake(condition.clone()));
        let first = !self
            .sleepers
            .iter()
            .any(|other| other.process == open.process && other.act.object == condition);
        if first {
            self.scope.place(awake).tokens += 1;
        }
        let (from, to) = (open.from, open.to);
        let what = open.act.to_string();
        let fair = self
            .thing(lock, open.line, |kind| *kind == ThingKind::Lock, "lock")?
            .fair;
        let falls = Open { to: asleep, ..open };
        self.add(&falls, &what, false, vec![one(held), one(awake)], vec![one(free)]);
        let rises = Open {
            from: woken,
            to,
            ..falls
        };
        self.add(
            &rises,
            &format!("take {lock} again"),
            fair,
            vec![one(free)],
            vec![one(held)],
        );
        self.sleepers.push(Open {
            from: asleep,
            to: woken,
            ..rises
        });
        Ok(from)
    }

    /// Adds the ways to notify: each sleeper may be the one, and without one nothing happens.
    pub(super) fn notify(&mut self) {
        for notice in std::mem::take(&mut self.notices) {
            let name = notice.act.object.clone();
            let Some(awake) = self.scope.named(&format!("{name}.awake")) else {
                self.add(&notice, &notice.act.to_string(), false, Vec::new(), Vec::new());
                continue;
            };
            let threads = self.scope.place(awake).tokens;
            let all = Weighted {
                place: awake,
                count: threads,
            };
            let nobody = format!("{}, and nobody waits", notice.act);
            let again = notice.act.verb == Verb::NotifyAll;
            let done = if again { notice.act.to_string() } else { nobody };
            self.add(&notice, &done, false, vec![all], vec![all]);
            let sleepers: Vec<(usize, usize, usize)> = self
                .sleepers
                .iter()
                .filter(|sleeper| sleeper.act.object == name)
                .map(|sleeper| (sleeper.process, sleeper.from, sleeper.to))
                .collect();
            for (process, asleep, woken) in sleepers {
                let what = format!("{}, which wakes {}", notice.act, self.scope.processes[process].name);
                let next = if again { notice.from } else { notice.to };
                let step = Open {
                    to: next,
                    act: notice.act.clone(),
                    ..notice
                };
                self.add(&step, &what, false, vec![one(asleep)], vec![one(woken), one(awake)]);
            }
        }
        for sleeper in &self.sleepers {
            let role = Role::Waiting(sleeper.process, sleeper.act.object.clone());
            self.scope.place(sleeper.from).role = role;
        }
    }

    /// Joins each sender with each receiver of another thread.
    pub(super) fn meet(&mut self) {
        let meetings = std::mem::take(&mut self.meetings);
        for sender in meetings.iter().filter(|side| side.act.verb == Verb::Send) {
            let receivers = meetings.iter().filter(|side| {
                side.act.verb == Verb::Receive && side.act.object == sender.act.object && side.process != sender.process
            });
            for receiver in receivers {
                let name = |side: &Open| self.scope.processes[side.process].name.clone();
                let transition = Transition {
                    name: format!("{}: {} to {}", name(sender), sender.act, name(receiver)),
                    line: sender.line,
                    takes: vec![one(sender.from), one(receiver.from)],
                    gives: vec![one(sender.to), one(receiver.to)],
                    fair: self
                        .protocol
                        .things
                        .iter()
                        .any(|thing| thing.name == sender.act.object && thing.fair),
                };
                self.scope.step(&[sender.process, receiver.process], transition);
            }
        }
        // Who never meets anybody must still be seen to wait.
        for side in meetings {
            let never = self
                .scope
                .shared(format!("{}.partner", side.act.object), 0, Role::Plain);
            self.add(&side, &side.act.to_string(), false, vec![one(never)], Vec::new());
        }
    }

    /// The way of a try that finds its step impossible now.
    pub(super) fn not_now(
        &mut self,
        act: &Act,
        line: usize,
        from: usize,
        to: usize,
        at: &Within,
    ) -> Result<(), PetriError> {
        let name = act.object.as_str();
        let thing = self.protocol.things.iter().find(|thing| thing.name == name);
        let what = format!("cannot {act}");
        match (act.verb, thing.map(|thing| &thing.kind)) {
            (Verb::Acquire, Some(ThingKind::Lock)) => {
                self.tries.push(Open {
                    process: at.process,
                    line,
                    from,
                    to,
                    act: act.clone(),
                });
                Ok(())
            }
            (Verb::Send | Verb::Receive, Some(ThingKind::Channel { .. })) => {
                let (items, room) = self.channel(name, line)?;
                let Some((room, count)) = room else {
                    return if act.verb == Verb::Send {
                        // There is always room.
                        Ok(())
                    } else {
                        Err(unbounded(name, line, "try receive"))
                    };
                };
                let place = if act.verb == Verb::Send { items } else { room };
                self.plain(line, &what, from, to, vec![Weighted { place, count }], at);
                Ok(())
            }
            (Verb::Wait, Some(ThingKind::Event { .. })) => {
                let [_, clear] = self.event(name, line)?;
                self.plain(line, &what, from, to, vec![one(clear)], at);
                Ok(())
            }
            _ => Err(PetriError::syntax(
                line,
                format!("`{act}` cannot be tried"),
                "acquire of a lock, send, receive and wait of an event can",
            )),
        }
    }

    /// Adds the ways of tries that find a lock held, by whoever may hold it.
    pub(super) fn fail_tries(&mut self) {
        for open in std::mem::take(&mut self.tries) {
            let held: Vec<usize> = self
                .holders
                .iter()
                .filter(|(lock, _)| *lock == open.act.object)
                .map(|(_, place)| *place)
                .collect();
            for place in held {
                let what = format!("cannot {}", open.act);
                self.add(&open, &what, false, vec![one(place)], vec![one(place)]);
            }
        }
    }
}

/// Whether an unbounded channel is empty cannot be seen by a Petri net.
fn unbounded(name: &str, line: usize, step: &str) -> PetriError {
    PetriError::syntax(
        line,
        format!("`{step}` asks whether `{name}` is empty, which a Petri net cannot tell of a channel without a bound"),
        format!("give it one: `channel {name}[10]`"),
    )
}
