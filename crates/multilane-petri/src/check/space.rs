//! Every marking a net can reach, breadth first.
//!
//! A marking that has as many tokens everywhere as one on the way to it, and more somewhere,
//! can be reached again and again with ever more: those places get any number of tokens, and
//! the search goes on from there. This is the construction of Karp and Miller ("Parallel
//! program schemata", 1969); it ends for every net, and a place is unbounded exactly when some
//! marking has any number there. A net where that never happens is searched marking by
//! marking, and the first way to each is a shortest one.

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::cell::Cell;
use super::{Limits, Stop};
use crate::net::Net;

/// No marking: there was no room for it.
pub(super) const NOWHERE: u32 = u32::MAX;

/// How many markings are expanded between two calls of `Limits::go_on`.
const PULSE: u32 = 1024;

/// A transition as the search needs it.
struct Move<C> {
    needs: Vec<(usize, C)>,
    changes: Vec<(usize, i64)>,
}

/// The markings found, and the steps between them. A marking is a number, in the order found.
pub(super) struct Space<C> {
    /// Places.
    pub(super) width: usize,
    tokens: Vec<C>,
    /// The marking each was first reached from, and by which transition.
    from: Vec<u32>,
    by: Vec<u32>,
    /// Tokens in all, as a quick test for whether one marking can cover another.
    sums: Vec<u64>,
    /// The fewest tokens in all on the way to each: with no fewer, none there is covered.
    fewest: Vec<u64>,
    /// Where the steps of each expanded marking begin.
    starts: Vec<usize>,
    to: Vec<u32>,
    via: Vec<u32>,
    /// Whether every marking was expanded.
    pub(super) complete: bool,
    /// The first marking that has no step.
    pub(super) stop: Option<u32>,
    /// The first marking that has too many tokens somewhere, and where.
    pub(super) over: Option<(u32, usize)>,
    /// The first step that led to more than was there before: from which marking, by which
    /// transition, and the marking on the way that was covered.
    pub(super) growth: Option<(u32, u32, u32)>,
}

impl<C: Cell> Space<C> {
    /// Searches.
    pub(super) fn explore(net: &Net, limits: &mut Limits<'_>) -> Result<Self, Stop> {
        let moves = moves::<C>(net)?;
        let mut space = Self {
            width: net.places.len(),
            tokens: Vec::new(),
            from: Vec::new(),
            by: Vec::new(),
            sums: Vec::new(),
            fewest: Vec::new(),
            starts: vec![0],
            to: Vec::new(),
            via: Vec::new(),
            complete: true,
            stop: None,
            over: None,
            growth: None,
        };
        let mut known: HashTable<u32> = HashTable::new();
        let mut next: Vec<C> = Vec::with_capacity(space.width);
        for (place, start) in net.places.iter().enumerate() {
            next.push(C::new(start.tokens.into()).ok_or(Stop::TooMany(place))?);
        }
        space.insert(&mut known, &next, NOWHERE, NOWHERE, net);
        let mut now = next.clone();
        let mut state = 0;
        while (state as usize) < space.from.len() {
            if state % PULSE == 0 && !(limits.go_on)() {
                return Err(Stop::Asked);
            }
            now.copy_from_slice(space.marking(state));
            for (transition, step) in (0_u32..).zip(&moves) {
                if !step.needs.iter().all(|(place, count)| now[*place] >= *count) {
                    continue;
                }
                next.copy_from_slice(&now);
                for (place, change) in &step.changes {
                    if next[*place] != C::ANY {
                        next[*place] = C::new(next[*place].get() + change).ok_or(Stop::TooMany(*place))?;
                    }
                }
                let mut target = space.find(&known, &next);
                if target.is_none() && space.accelerate(state, transition, &mut next) {
                    target = space.find(&known, &next);
                }
                let target = match target {
                    Some(target) => target,
                    None if space.from.len() < limits.markings => {
                        space.insert(&mut known, &next, state, transition, net)
                    }
                    None => {
                        space.complete = false;
                        NOWHERE
                    }
                };
                space.to.push(target);
                space.via.push(transition);
            }
            let first = space.starts[state as usize];
            if space.to.len() == first && space.stop.is_none() && space.is_exact(state) && !is_end(net, &now) {
                space.stop = Some(state);
            }
            space.starts.push(space.to.len());
            state += 1;
        }
        Ok(space)
    }

    fn find(&self, known: &HashTable<u32>, marking: &[C]) -> Option<u32> {
        known
            .find(hash(marking), |state| self.marking(*state) == marking)
            .copied()
    }

    fn insert(&mut self, known: &mut HashTable<u32>, marking: &[C], from: u32, by: u32, net: &Net) -> u32 {
        let state = u32::try_from(self.from.len()).expect("there are fewer markings than the limit, which fits");
        self.tokens.extend_from_slice(marking);
        self.from.push(from);
        self.by.push(by);
        let sum = sum(marking);
        self.sums.push(sum);
        let before = self.fewest.get(from as usize).copied();
        self.fewest.push(before.map_or(sum, |before| before.min(sum)));
        known.insert_unique(hash(marking), state, |state| {
            let start = *state as usize * self.width;
            hash(&self.tokens[start..start + self.width])
        });
        if self.over.is_none() && self.is_exact(state) {
            let over = net
                .places
                .iter()
                .zip(marking)
                .position(|(place, tokens)| place.at_most.is_some_and(|most| tokens.get() > i64::from(most)));
            self.over = over.map(|place| (state, place));
        }
        state
    }

    /// Gives any number of tokens to the places that can grow for ever; whether there are any.
    fn accelerate(&mut self, from: u32, by: u32, next: &mut [C]) -> bool {
        let mut grew = false;
        let mut total = sum(next);
        let mut before = from;
        while before != NOWHERE && self.fewest[before as usize] < total {
            if self.sums[before as usize] < total {
                let start = before as usize * self.width;
                let earlier = &self.tokens[start..start + self.width];
                if next.iter().zip(earlier).all(|(more, less)| more >= less) {
                    for (more, less) in next.iter_mut().zip(earlier) {
                        if *more > *less {
                            *more = C::ANY;
                        }
                    }
                    grew = true;
                    total = sum(next);
                    self.growth.get_or_insert((from, by, before));
                }
            }
            before = self.from[before as usize];
        }
        grew
    }

    /// How many markings there are.
    pub(super) fn len(&self) -> usize {
        self.from.len()
    }

    /// How many steps there are between them.
    pub(super) fn steps(&self) -> usize {
        self.to.len()
    }

    /// The tokens of a marking.
    #[inline]
    pub(super) fn marking(&self, state: u32) -> &[C] {
        let start = state as usize * self.width;
        &self.tokens[start..start + self.width]
    }

    /// The steps out of a marking: by which transition, to which marking.
    #[inline]
    pub(super) fn out(&self, state: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let (start, end) = (self.starts[state as usize], self.starts[state as usize + 1]);
        self.via[start..end]
            .iter()
            .copied()
            .zip(self.to[start..end].iter().copied())
    }

    /// Whether no place of it has any number of tokens: then it can be reached as it is.
    pub(super) fn is_exact(&self, state: u32) -> bool {
        self.growth.is_none() || self.marking(state).iter().all(|tokens| *tokens != C::ANY)
    }

    /// The transitions of a shortest way to an exact marking.
    pub(super) fn way(&self, state: u32) -> Vec<u32> {
        let mut way = Vec::new();
        let mut at = state;
        while self.from[at as usize] != NOWHERE {
            way.push(self.by[at as usize]);
            at = self.from[at as usize];
        }
        way.reverse();
        way
    }

    /// The places that have any number of tokens somewhere.
    pub(super) fn unbounded(&self) -> Vec<usize> {
        if self.growth.is_none() {
            return Vec::new();
        }
        (0..self.width)
            .filter(|place| {
                self.tokens[*place..]
                    .iter()
                    .step_by(self.width)
                    .any(|tokens| *tokens == C::ANY)
            })
            .collect()
    }
}

fn moves<C: Cell>(net: &Net) -> Result<Vec<Move<C>>, Stop> {
    net.transitions
        .iter()
        .map(|transition| {
            let mut takes = vec![0_i64; net.places.len()];
            let mut change = vec![0_i64; net.places.len()];
            for weighted in &transition.takes {
                takes[weighted.place] += i64::from(weighted.count);
                change[weighted.place] -= i64::from(weighted.count);
            }
            for weighted in &transition.gives {
                change[weighted.place] += i64::from(weighted.count);
            }
            let mut needs = Vec::new();
            for (place, count) in takes.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                needs.push((place, C::new(count).ok_or(Stop::TooMany(place))?));
            }
            let changes = change.into_iter().enumerate().filter(|(_, change)| *change != 0);
            Ok(Move {
                needs,
                changes: changes.collect(),
            })
        })
        .collect()
}

fn is_end<C: Cell>(net: &Net, marking: &[C]) -> bool {
    !net.ends.is_empty()
        && net
            .ends
            .iter()
            .all(|end| marking[end.place].get() >= i64::from(end.count))
}

fn hash<C: Cell>(marking: &[C]) -> u64 {
    let mut hasher = FxHasher::default();
    marking.hash(&mut hasher);
    hasher.finish()
}

fn sum<C: Cell>(marking: &[C]) -> u64 {
    marking
        .iter()
        .map(|tokens| {
            if *tokens == C::ANY {
                1 << 32
            } else {
                tokens.get().unsigned_abs()
            }
        })
        .sum()
}
