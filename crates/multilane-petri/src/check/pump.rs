//! A shortest run that ends with more than it had before.
//!
//! The search finds one on its own tree. A shorter one may reach the earlier marking by one
//! way and the later by another, so each marking is tried as the earlier one, as long as that
//! can still shorten the run and the work stays small.

use std::collections::HashMap;

use crate::net::Net;

/// Steps tried at most; beyond, the shortest run so far is taken.
const MOST_STEPS: usize = 200_000;

/// A run whose last part can be repeated for ever.
pub(super) struct Pump {
    /// Transitions from the start.
    pub(super) steps: Vec<u32>,
    /// Where the part begins that is repeated.
    pub(super) repeats_from: usize,
}

/// Markings found, each with the marking and the transition that led to it.
type Known = HashMap<Vec<i64>, Option<(Vec<i64>, u32)>>;

/// A run at most as long as `found` is.
pub(super) fn shortest(net: &Net, found: Pump) -> Pump {
    let moves: Vec<Move> = net.transitions.iter().map(Move::of).collect();
    let start: Vec<i64> = net.places.iter().map(|place| place.tokens.into()).collect();
    let mut best = found;
    let mut budget = MOST_STEPS;
    let mut known = Known::from([(start.clone(), None)]);
    let mut level = vec![start];
    for depth in 0.. {
        if depth + 1 >= best.steps.len() {
            break;
        }
        for earlier in &level {
            let shorter = best.steps.len() - 1 - depth;
            let Ok(part) = growth(&moves, earlier, shorter, &mut budget) else {
                return best;
            };
            if let Some(part) = part {
                let mut steps = way(&known, earlier);
                best.repeats_from = steps.len();
                steps.extend(part);
                best.steps = steps;
            }
        }
        let mut next = Vec::new();
        for marking in &level {
            for (number, step) in (0_u32..).zip(&moves) {
                if budget == 0 {
                    return best;
                }
                budget -= 1;
                if let Some(reached) = step.apply(marking)
                    && !known.contains_key(&reached)
                {
                    known.insert(reached.clone(), Some((marking.clone(), number)));
                    next.push(reached);
                }
            }
        }
        level = next;
    }
    best
}

/// The work became too much.
struct TooMuch;

/// A shortest way, of at most so many steps, from a marking to one that covers it.
fn growth(moves: &[Move], from: &[i64], most: usize, budget: &mut usize) -> Result<Option<Vec<u32>>, TooMuch> {
    let mut known = Known::from([(from.to_vec(), None)]);
    let mut level = vec![from.to_vec()];
    for _ in 0..most {
        let mut next = Vec::new();
        for marking in &level {
            for (number, step) in (0_u32..).zip(moves) {
                *budget = budget.checked_sub(1).ok_or(TooMuch)?;
                let Some(reached) = step.apply(marking) else {
                    continue;
                };
                if known.contains_key(&reached) {
                    continue;
                }
                if reached.iter().zip(from).all(|(more, less)| more >= less) {
                    let mut steps = way(&known, marking);
                    steps.push(number);
                    return Ok(Some(steps));
                }
                known.insert(reached.clone(), Some((marking.clone(), number)));
                next.push(reached);
            }
        }
        level = next;
    }
    Ok(None)
}

fn way(known: &Known, marking: &[i64]) -> Vec<u32> {
    let mut steps = Vec::new();
    let mut at = marking;
    while let Some((before, by)) = known.get(at).and_then(Option::as_ref) {
        steps.push(*by);
        at = before;
    }
    steps.reverse();
    steps
}

/// A transition on markings of exact numbers.
struct Move {
    takes: Vec<(usize, i64)>,
    gives: Vec<(usize, i64)>,
}

impl Move {
    fn of(transition: &crate::net::Transition) -> Self {
        let plain = |side: &[crate::net::Weighted]| {
            side.iter()
                .map(|weighted| (weighted.place, i64::from(weighted.count)))
                .collect()
        };
        Self {
            takes: plain(&transition.takes),
            gives: plain(&transition.gives),
        }
    }

    fn apply(&self, marking: &[i64]) -> Option<Vec<i64>> {
        let mut reached = marking.to_vec();
        for (place, count) in &self.takes {
            reached[*place] -= count;
            if reached[*place] < 0 {
                return None;
            }
        }
        for (place, count) in &self.gives {
            reached[*place] += count;
        }
        Some(reached)
    }
}
