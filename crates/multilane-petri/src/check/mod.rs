//! Checks a net: searches its markings and words nothing.

mod cell;
mod cycle;
mod fair;
mod pump;
mod space;

use cell::Cell;
use fair::Fair;
use pump::Pump;
use space::Space;

use crate::error::PetriError;
use crate::net::{Net, Rest};

/// How far to search.
pub struct Limits<'a> {
    /// Markings at most; a net with more is only checked so far.
    pub markings: usize,
    /// Whether to look for processes that starve.
    pub starvation: bool,
    /// Asked now and then; false ends the check.
    pub go_on: &'a mut dyn FnMut() -> bool,
}

/// Transitions from the start, and the tokens before the first and after each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The numbers of the transitions.
    pub transitions: Vec<usize>,
    /// One more than there are transitions.
    pub markings: Vec<Vec<u64>>,
    /// The last transitions, from this one on, can be repeated for ever.
    pub repeats_from: Option<usize>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is possible any more, and that is no end.
    Deadlock,
    /// These places can get ever more tokens.
    Unbounded(Vec<usize>),
    /// This place holds more than it may.
    Exceeded(usize),
    /// This process can be left out for ever.
    Starvation(usize),
}

/// Something wrong, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What.
    pub kind: Kind,
    /// A run that shows it.
    pub run: Run,
}

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Markings found.
    pub markings: usize,
    /// Steps between them.
    pub steps: usize,
    /// Whether all of them were found; else what is not reported may still be there.
    pub complete: bool,
    /// What is wrong: one of each kind, of starvation one for each process.
    pub failures: Vec<Failure>,
    /// Transitions that never happen; only known when all markings were found.
    pub never: Vec<usize>,
}

impl Report {
    /// Whether nothing is wrong; None where that is not known.
    pub fn holds(&self) -> Option<bool> {
        if !self.failures.is_empty() {
            return Some(false);
        }
        self.complete.then_some(true)
    }
}

/// Why a search ended early.
enum Stop {
    /// The counters are too small for this place.
    TooMany(usize),
    /// The caller asked for it.
    Asked,
}

/// Visits every marking of a net and reports what is wrong.
///
/// The run to a deadlock, or to a place that holds too much, is a shortest one; so is the one
/// to a place that grows for ever, as long as the markings it is chosen from are few. A run
/// of starvation begins with a shortest way to where the process can be left out.
///
/// # Errors
/// The net is malformed, a place gets more tokens than can be counted, or the caller stopped it.
///
/// # Examples
/// ```
/// use multilane_petri::{Kind, Limits, check, parse_net};
///
/// let net = parse_net("place free = 1, held\ntake: free -> held").unwrap();
/// let report = check(&net, Limits { markings: 1000, starvation: true, go_on: &mut || true }).unwrap();
/// assert_eq!(report.failures[0].kind, Kind::Deadlock);
/// assert_eq!(report.failures[0].run.transitions, [0]);
/// ```
pub fn check(net: &Net, mut limits: Limits<'_>) -> Result<Report, PetriError> {
    net.verify()?;
    limits.markings = limits.markings.clamp(1, space::NOWHERE as usize - 1);
    // Most nets have few tokens in a place; counters grow when one has many.
    let mut result = search::<u8>(net, &mut limits);
    if matches!(result, Err(Stop::TooMany(_))) {
        result = search::<u16>(net, &mut limits);
    }
    if matches!(result, Err(Stop::TooMany(_))) {
        result = search::<u32>(net, &mut limits);
    }
    result.map_err(|stop| match stop {
        Stop::TooMany(place) => PetriError::TooManyTokens {
            place: net.places[place].name.clone(),
        },
        Stop::Asked => PetriError::Stopped,
    })
}

fn search<C: Cell>(net: &Net, limits: &mut Limits<'_>) -> Result<Report, Stop> {
    let space = Space::<C>::explore(net, limits)?;
    let mut failures = Vec::new();
    if let Some(state) = space.stop {
        failures.push(Failure {
            kind: Kind::Deadlock,
            run: run(net, &space.way(state), None),
        });
    }
    if let Some((state, place)) = space.over {
        failures.push(Failure {
            kind: Kind::Exceeded(place),
            run: run(net, &space.way(state), None),
        });
    }
    if let Some((from, by, before)) = space.growth {
        let mut steps = space.way(from);
        steps.push(by);
        let found = Pump {
            steps,
            repeats_from: space.way(before).len(),
        };
        let shortest = pump::shortest(net, found);
        failures.push(Failure {
            kind: Kind::Unbounded(space.unbounded()),
            run: run(net, &shortest.steps, Some(shortest.repeats_from)),
        });
    }
    if limits.starvation {
        failures.extend(starving(net, &space, limits)?);
    }
    let never = if space.complete {
        let mut happens = vec![false; net.transitions.len()];
        for state in (0_u32..).take(space.len()) {
            for (by, _) in space.out(state) {
                happens[by as usize] = true;
            }
        }
        (0..happens.len()).filter(|number| !happens[*number]).collect()
    } else {
        Vec::new()
    };
    Ok(Report {
        markings: space.len(),
        steps: space.steps(),
        complete: space.complete,
        failures,
        never,
    })
}

fn starving<C: Cell>(net: &Net, space: &Space<C>, limits: &mut Limits<'_>) -> Result<Vec<Failure>, Stop> {
    let fair = Fair::new(net, space);
    let mut found = Vec::new();
    for (number, process) in net.processes.iter().enumerate() {
        if process.rest == Rest::Always {
            continue;
        }
        if !(limits.go_on)() {
            return Err(Stop::Asked);
        }
        let Some(home) = fair.home(number) else {
            continue;
        };
        let mut steps = space.way(home.states[0]);
        let repeats_from = steps.len();
        steps.extend(cycle::cycle(&fair, &home));
        found.push(Failure {
            kind: Kind::Starvation(number),
            run: run(net, &steps, Some(repeats_from)),
        });
    }
    Ok(found)
}

/// A run with its markings.
fn run(net: &Net, steps: &[u32], repeats_from: Option<usize>) -> Run {
    let mut now: Vec<u64> = net.places.iter().map(|place| place.tokens.into()).collect();
    let mut markings = vec![now.clone()];
    for step in steps {
        let transition = &net.transitions[*step as usize];
        for weighted in &transition.takes {
            now[weighted.place] -= u64::from(weighted.count);
        }
        for weighted in &transition.gives {
            now[weighted.place] += u64::from(weighted.count);
        }
        markings.push(now.clone());
    }
    Run {
        transitions: steps.iter().map(|step| *step as usize).collect(),
        markings,
        repeats_from,
    }
}
