//! Where a process can be left out for ever though everybody else is treated fairly.
//!
//! A run is fair when every process that can go on, from some point on without a break, does so
//! (weak fairness: what a scheduler gives), and when each transition marked as fair that is
//! possible again and again happens (strong fairness: what a primitive gives that serves in
//! turn). A process starves where a fair run without end never moves it. Such a run stays, in
//! the end, in one strongly connected part of the markings; that part can be the home of a fair
//! run exactly when, taken as a whole, it breaks no promise. A part that breaks a weak one is
//! none, and so are its parts; one that breaks a strong one may be, without the markings where
//! the transition is possible. This is the search of Lichtenstein and Pnueli ("Checking that
//! finite state concurrent programs satisfy their linear specification", 1985).

use super::cell::Cell;
use super::space::{NOWHERE, Space};
use crate::net::{Net, Rest};

/// Markings between which a run can stay for ever, fairly, without a process.
pub(super) struct Home {
    /// The markings, in the order they were found.
    pub(super) states: Vec<u32>,
    /// For each of all markings whether it is one of them.
    inside: Vec<bool>,
    /// The process that is left out.
    process: usize,
}

impl Home {
    /// The steps that stay inside and do not move the process.
    pub(super) fn out<'a, C: Cell>(
        &'a self,
        fair: &'a Fair<'_, C>,
        state: u32,
    ) -> impl Iterator<Item = (u32, u32)> + 'a {
        fair.space.out(state).filter(|(by, to)| {
            *to != NOWHERE && self.inside[*to as usize] && !fair.owners[*by as usize].contains(&self.process)
        })
    }
}

/// What the search knows of a net and its markings.
pub(super) struct Fair<'a, C> {
    pub(super) net: &'a Net,
    pub(super) space: &'a Space<C>,
    /// The processes of each transition.
    pub(super) owners: Vec<Vec<usize>>,
    /// Steps against their direction, where somebody rests when it is dead.
    backwards: Option<Backwards>,
}

/// What happens, and what could, on the markings of a part or a cycle.
pub(super) struct Tally {
    /// Markings where the process can move.
    pub(super) can_move: Vec<usize>,
    /// Whether it does.
    pub(super) moves: Vec<bool>,
    /// Whether the transition is possible somewhere.
    pub(super) possible: Vec<bool>,
    /// Whether it happens.
    pub(super) happens: Vec<bool>,
    /// Markings looked at.
    pub(super) markings: usize,
}

impl Tally {
    pub(super) fn new(net: &Net) -> Self {
        Self {
            can_move: vec![0; net.processes.len()],
            moves: vec![false; net.processes.len()],
            possible: vec![false; net.transitions.len()],
            happens: vec![false; net.transitions.len()],
            markings: 0,
        }
    }

    /// Adds what is possible in a marking.
    pub(super) fn look<C: Cell>(&mut self, fair: &Fair<'_, C>, state: u32) {
        self.markings += 1;
        let mut seen: Vec<usize> = Vec::new();
        for (by, _) in fair.space.out(state) {
            self.possible[by as usize] = true;
            for process in &fair.owners[by as usize] {
                if !seen.contains(process) {
                    seen.push(*process);
                    self.can_move[*process] += 1;
                }
            }
        }
    }

    /// Adds a step.
    pub(super) fn step<C: Cell>(&mut self, fair: &Fair<'_, C>, by: u32) {
        self.happens[by as usize] = true;
        for process in &fair.owners[by as usize] {
            self.moves[*process] = true;
        }
    }

    /// A process that could always move and never does.
    pub(super) fn wronged(&self) -> Option<usize> {
        (0..self.moves.len()).find(|process| self.can_move[*process] == self.markings && !self.moves[*process])
    }

    /// The fair transitions that are possible somewhere and never happen.
    pub(super) fn skipped<'a>(&'a self, net: &'a Net) -> impl Iterator<Item = usize> + 'a {
        (0..self.happens.len())
            .filter(|number| net.transitions[*number].fair && self.possible[*number] && !self.happens[*number])
    }
}

impl<'a, C: Cell> Fair<'a, C> {
    pub(super) fn new(net: &'a Net, space: &'a Space<C>) -> Self {
        let mut owners = vec![Vec::new(); net.transitions.len()];
        for (number, process) in net.processes.iter().enumerate() {
            for transition in &process.transitions {
                owners[*transition].push(number);
            }
        }
        let backwards = net
            .processes
            .iter()
            .any(|process| process.rest == Rest::WhenDead)
            .then(|| Backwards::of(space));
        Self {
            net,
            space,
            owners,
            backwards,
        }
    }

    /// Where the process can be left out for ever; of several such places the first to be reached.
    pub(super) fn home(&self, process: usize) -> Option<Home> {
        let wants = self.wants(process);
        let all: Vec<u32> = (0..self.space.len())
            .filter(|state| wants[*state])
            .map(|state| u32::try_from(state).expect("markings are numbered by u32"))
            .filter(|state| self.space.is_exact(*state))
            .collect();
        let mut parts = Parts::new(self.space.len());
        let mut best: Option<Vec<u32>> = None;
        let mut open = vec![all];
        while let Some(states) = open.pop() {
            for mut part in parts.of(self, &states, process) {
                part.sort_unstable();
                if best.as_ref().is_some_and(|best| best[0] <= part[0]) {
                    continue;
                }
                let tally = self.tally(&part, &parts, process);
                if !tally.moves.contains(&true) || tally.wronged().is_some() {
                    continue;
                }
                let skipped: Vec<usize> = tally.skipped(self.net).collect();
                if skipped.is_empty() {
                    best = Some(part);
                    continue;
                }
                part.retain(|state| !self.space.out(*state).any(|(by, _)| skipped.contains(&(by as usize))));
                open.push(part);
            }
        }
        let states = best?;
        let mut inside = vec![false; self.space.len()];
        for state in &states {
            inside[*state as usize] = true;
        }
        Some(Home {
            states,
            inside,
            process,
        })
    }

    fn tally(&self, part: &[u32], parts: &Parts, process: usize) -> Tally {
        let mut tally = Tally::new(self.net);
        let own = parts.part[part[0] as usize];
        for state in part {
            tally.look(self, *state);
            for (by, to) in self.space.out(*state) {
                let stays = to != NOWHERE && parts.part[to as usize] == own;
                if stays && !self.owners[by as usize].contains(&process) {
                    tally.step(self, by);
                }
            }
        }
        tally
    }

    /// For each marking, whether the process is wronged when it never moves again from there.
    fn wants(&self, process: usize) -> Vec<bool> {
        match (&self.net.processes[process].rest, &self.backwards) {
            (Rest::Always, _) => vec![false; self.space.len()],
            (Rest::At(places), _) => (0..self.space.len())
                .map(|state| {
                    let marking = self
                        .space
                        .marking(u32::try_from(state).expect("markings are numbered by u32"));
                    places.iter().all(|place| marking[*place].get() == 0)
                })
                .collect(),
            (Rest::WhenDead, None) => vec![true; self.space.len()],
            (Rest::WhenDead, Some(backwards)) => {
                let transitions = &self.net.processes[process].transitions;
                backwards.reach(self.space, |by| transitions.contains(&(by as usize)))
            }
        }
    }
}

/// Steps against their direction.
struct Backwards {
    starts: Vec<usize>,
    from: Vec<u32>,
}

impl Backwards {
    fn of<C: Cell>(space: &Space<C>) -> Self {
        let mut starts = vec![0; space.len() + 1];
        let expanded = || (0_u32..).take(space.len());
        for state in expanded() {
            for (_, to) in space.out(state).filter(|(_, to)| *to != NOWHERE) {
                starts[to as usize + 1] += 1;
            }
        }
        for state in 0..space.len() {
            starts[state + 1] += starts[state];
        }
        let mut next = starts.clone();
        let mut from = vec![0; starts[space.len()]];
        for state in expanded() {
            for (_, to) in space.out(state).filter(|(_, to)| *to != NOWHERE) {
                from[next[to as usize]] = state;
                next[to as usize] += 1;
            }
        }
        Self { starts, from }
    }

    /// The markings from which one can be reached with such a step.
    fn reach<C: Cell>(&self, space: &Space<C>, is_goal: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut reach = vec![false; space.len()];
        let mut open: Vec<u32> = (0_u32..)
            .take(space.len())
            .filter(|state| space.out(*state).any(|(by, _)| is_goal(by)))
            .collect();
        for state in &open {
            reach[*state as usize] = true;
        }
        while let Some(state) = open.pop() {
            for before in &self.from[self.starts[state as usize]..self.starts[state as usize + 1]] {
                if !std::mem::replace(&mut reach[*before as usize], true) {
                    open.push(*before);
                }
            }
        }
        reach
    }
}

/// Strongly connected parts of sets of markings, by Tarjan's algorithm without recursion.
struct Parts {
    /// The set that each marking was last in.
    set: Vec<u32>,
    sets: u32,
    /// The part that each marking was last found in.
    part: Vec<u32>,
    parts: u32,
    index: Vec<u32>,
    low: Vec<u32>,
}

/// Not visited yet.
const NEW: u32 = u32::MAX;

impl Parts {
    fn new(markings: usize) -> Self {
        Self {
            set: vec![0; markings],
            sets: 0,
            part: vec![0; markings],
            parts: 0,
            index: vec![NEW; markings],
            low: vec![0; markings],
        }
    }

    /// The parts of these markings, without the steps of a process.
    fn of<C: Cell>(&mut self, fair: &Fair<'_, C>, states: &[u32], process: usize) -> Vec<Vec<u32>> {
        self.sets += 1;
        for state in states {
            self.set[*state as usize] = self.sets;
            self.index[*state as usize] = NEW;
            self.part[*state as usize] = 0;
        }
        let mut found = Vec::new();
        let mut visited = 0;
        let mut stack: Vec<u32> = Vec::new();
        let mut calls: Vec<(u32, usize)> = Vec::new();
        for root in states {
            if self.index[*root as usize] != NEW {
                continue;
            }
            calls.push((*root, 0));
            while let Some((state, skip)) = calls.pop() {
                let at = state as usize;
                if skip == 0 {
                    self.index[at] = visited;
                    self.low[at] = visited;
                    visited += 1;
                    stack.push(state);
                }
                let mut next = None;
                for (number, (by, to)) in fair.space.out(state).enumerate().skip(skip.saturating_sub(1)) {
                    let ours = to != NOWHERE
                        && self.set[to as usize] == self.sets
                        && !fair.owners[by as usize].contains(&process);
                    if !ours {
                        continue;
                    }
                    if self.index[to as usize] == NEW {
                        next = Some((number, to));
                        break;
                    }
                    // In a part already: it cannot come back here.
                    if self.part[to as usize] == 0 {
                        self.low[at] = self.low[at].min(self.low[to as usize]);
                    }
                }
                if let Some((number, to)) = next {
                    // The step is looked at once more when its target is done.
                    calls.push((state, number + 1));
                    calls.push((to, 0));
                    continue;
                }
                if self.low[at] == self.index[at] {
                    self.parts += 1;
                    let first = stack
                        .iter()
                        .rposition(|other| *other == state)
                        .expect("a marking stays on the stack until its part is found");
                    let part = stack.split_off(first);
                    for other in &part {
                        self.part[*other as usize] = self.parts;
                    }
                    found.push(part);
                }
            }
        }
        found
    }
}
