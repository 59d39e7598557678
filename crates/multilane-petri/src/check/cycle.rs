//! A short cycle that shows how a process is left out.
//!
//! It starts where the process can first be left out, and returns there by a shortest way;
//! where that would wrong somebody else, or pass over a fair transition, it goes by there too.

use std::collections::VecDeque;

use super::cell::Cell;
use super::fair::{Fair, Home, Tally};

/// Transitions of the cycle, from the first marking of the home and back to it.
pub(super) fn cycle<C: Cell>(fair: &Fair<'_, C>, home: &Home) -> Vec<u32> {
    let start = home.states[0];
    let mut walk: Vec<(u32, u32)> = Vec::new();
    let mut end = start;
    loop {
        let back = path(fair, home, end, |(_, to)| to == start).unwrap_or_default();
        let closed: Vec<(u32, u32)> = walk.iter().chain(&back).copied().collect();
        let tally = tally(fair, start, &closed);
        let more = if let Some(process) = tally.wronged() {
            path(fair, home, end, |(by, to)| {
                fair.owners[by as usize].contains(&process)
                    || !fair
                        .space
                        .out(to)
                        .any(|(next, _)| fair.owners[next as usize].contains(&process))
            })
        } else if let Some(transition) = tally.skipped(fair.net).next() {
            path(fair, home, end, |(by, _)| by as usize == transition)
        } else {
            None
        };
        match more {
            Some(more) => {
                end = more.last().map_or(end, |(_, to)| *to);
                walk.extend(more);
            }
            None => return closed.into_iter().map(|(by, _)| by).collect(),
        }
    }
}

fn tally<C: Cell>(fair: &Fair<'_, C>, start: u32, steps: &[(u32, u32)]) -> Tally {
    let mut tally = Tally::new(fair.net);
    tally.look(fair, start);
    for (by, to) in steps {
        tally.step(fair, *by);
        if *to != start {
            tally.look(fair, *to);
        }
    }
    tally
}

/// A shortest way of at least one step inside the home whose last step is wanted.
fn path<C: Cell>(
    fair: &Fair<'_, C>,
    home: &Home,
    from: u32,
    is_wanted: impl Fn((u32, u32)) -> bool,
) -> Option<Vec<(u32, u32)>> {
    let mut found: Vec<(u32, Option<(usize, u32)>)> = vec![(from, None)];
    let mut known = hashbrown::HashSet::<u32, rustc_hash::FxBuildHasher>::default();
    let mut open = VecDeque::from([0]);
    while let Some(number) = open.pop_front() {
        let state = found[number].0;
        for (by, to) in home.out(fair, state) {
            if is_wanted((by, to)) {
                let mut steps = vec![(by, to)];
                let mut at = number;
                while let Some((before, by)) = found[at].1 {
                    steps.push((by, found[at].0));
                    at = before;
                }
                steps.reverse();
                return Some(steps);
            }
            if known.insert(to) {
                open.push_back(found.len());
                found.push((to, Some((number, by))));
            }
        }
    }
    None
}
