//! What a report means, in words: the moves of a run, and why each thread waits at its end.

use serde_json::{Value, json};

use crate::check::{Failure, Kind, Report, Run};
use crate::net::{Net, Rest, Role, Transition, Weighted};

/// One step of a run: who moves, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The thread; of a plain net the transition.
    pub who: String,
    /// What it does.
    pub what: String,
    /// Where it stands in the text.
    pub line: usize,
}

/// Somebody who cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The thread; of a plain net the transition.
    pub who: String,
    /// What it wants to do.
    pub wants: String,
    /// Why it cannot.
    pub because: String,
    /// Threads that could change that.
    pub holders: Vec<String>,
}

/// The moves of a run.
pub fn moves(net: &Net, run: &Run) -> Vec<Moved> {
    run.transitions
        .iter()
        .map(|number| {
            let transition = &net.transitions[*number];
            let who = net.owner(*number);
            Moved {
                who: who.to_owned(),
                what: action(transition, who).to_owned(),
                line: transition.line,
            }
        })
        .collect()
}

/// What a transition does, without the name of who does it.
fn action<'net>(transition: &'net Transition, who: &str) -> &'net str {
    transition
        .name
        .strip_prefix(who)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(&transition.name)
}

/// Who cannot go on with these tokens, and why.
pub fn waits(net: &Net, marking: &[u64]) -> Vec<Waits> {
    let mut found: Vec<Waits> = Vec::new();
    for (number, process) in net.processes.iter().enumerate() {
        let asleep = net
            .places
            .iter()
            .zip(marking)
            .find_map(|(place, tokens)| match &place.role {
                Role::Waiting(who, condition) if *who == number && *tokens > 0 => Some(condition),
                _ => None,
            });
        if let Some(condition) = asleep {
            found.push(Waits {
                who: process.name.clone(),
                wants: format!("wait {condition}"),
                because: "nobody notifies it any more".to_owned(),
                holders: Vec::new(),
            });
            continue;
        }
        if process.rest == Rest::Always {
            continue;
        }
        for transition in process.transitions.iter().map(|number| &net.transitions[*number]) {
            // The places where threads are come first.
            let is_there = |weighted: &Weighted| {
                !matches!(net.places[weighted.place].role, Role::Location(who) if who == number)
                    || marking[weighted.place] > 0
            };
            if !transition.takes.iter().all(is_there) {
                continue;
            }
            let Some(short) = transition
                .takes
                .iter()
                .find(|weighted| marking[weighted.place] < u64::from(weighted.count))
            else {
                continue;
            };
            let (because, holders) = reason(net, marking, *short);
            let wants = action(transition, &process.name).to_owned();
            let known = found
                .iter()
                .any(|other| other.who == process.name && (other.wants == wants || wants.starts_with("cannot ")));
            if !known {
                found.push(Waits {
                    who: process.name.clone(),
                    wants,
                    because,
                    holders,
                });
            }
        }
    }
    found
}

/// Why there are not enough tokens, and who has them.
fn reason(net: &Net, marking: &[u64], short: Weighted) -> (String, Vec<String>) {
    let place = &net.places[short.place];
    let name = |process: usize| net.processes[process].name.clone();
    let nobody = |text: String| (text, Vec::new());
    match &place.role {
        Role::Free(lock) => {
            let holders: Vec<String> = net
                .places
                .iter()
                .zip(marking)
                .filter_map(|(place, tokens)| match &place.role {
                    Role::Held(held, process) if held == lock && *tokens > 0 => Some(name(*process)),
                    _ => None,
                })
                .collect();
            if holders.is_empty() {
                return nobody(format!("{} of {lock} free", marking[short.place]));
            }
            let ended = |holder: &String| {
                net.places
                    .iter()
                    .zip(marking)
                    .any(|(place, tokens)| *tokens > 0 && place.name == format!("{holder}.end"))
            };
            let list: Vec<String> = holders
                .iter()
                .map(|holder| match ended(holder) {
                    true => format!("{holder}, which has ended"),
                    false => holder.clone(),
                })
                .collect();
            (format!("held by {}", list.join(" and ")), holders)
        }
        Role::Held(lock, _) => nobody(format!("it does not hold {lock}")),
        Role::Items(channel) => nobody(format!("{channel} is empty")),
        Role::Room(channel) => nobody(format!("{channel} is full")),
        Role::Open(channel) => nobody(format!("{channel} is closed")),
        Role::Closed(channel) => nobody(format!("{channel} is open")),
        Role::Set(event) => nobody(format!("{event} is not set")),
        Role::Clear(event) => nobody(format!("{event} is set")),
        Role::Inside(section) => nobody(format!("nobody is in {section}")),
        Role::Ended(process) => (format!("{} has not ended", name(*process)), vec![name(*process)]),
        Role::Location(process) => (format!("{} is not there", name(*process)), vec![name(*process)]),
        Role::Waiting(_, condition) | Role::Awake(condition) => nobody(format!("nobody waits for {condition}")),
        Role::Plain if place.name.ends_with(".partner") => nobody("nobody is at the other side".to_owned()),
        Role::Plain => nobody(format!(
            "{} has {} of {} tokens",
            place.name, marking[short.place], short.count
        )),
    }
}

/// What is wrong, in one line.
pub(crate) fn headline(net: &Net, failure: &Failure) -> String {
    let places = |places: &[usize]| {
        let named: Vec<&str> = places.iter().map(|place| readable(net, *place)).collect();
        named.join(", ")
    };
    let steps = failure.run.transitions.len();
    match &failure.kind {
        Kind::Deadlock => format!("deadlock: after {} nobody can go on", counted(steps, "step")),
        Kind::Unbounded(grow) => format!("unbounded: {} can grow for ever", places(grow)),
        Kind::Exceeded(place) => {
            let most = net.places[*place].at_most.unwrap_or(0);
            let tokens = failure.run.markings[steps][*place];
            format!(
                "exceeded: {} has {tokens}, and may have {most} at most",
                readable(net, *place)
            )
        }
        Kind::Starvation(process) => {
            let name = &net.processes[*process].name;
            format!("starvation: {name} can be left waiting for ever while others go on")
        }
    }
}

/// What a place is called where people read.
fn readable(net: &Net, place: usize) -> &str {
    let place = &net.places[place];
    match &place.role {
        Role::Items(name) | Role::Free(name) | Role::Inside(name) => name,
        _ => &place.name,
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// Who waits at the end of a failure's run.
fn waits_at_end(net: &Net, failure: &Failure) -> Vec<Waits> {
    let Some(end) = failure.run.markings.last() else {
        return Vec::new();
    };
    let mut waits = waits(net, end);
    match &failure.kind {
        Kind::Deadlock => {}
        Kind::Starvation(process) => waits.retain(|waits| waits.who == net.processes[*process].name),
        Kind::Unbounded(_) | Kind::Exceeded(_) => waits.clear(),
    }
    waits
}

/// A report for people.
pub fn describe(net: &Net, report: &Report) -> String {
    let mut text = String::new();
    for failure in &report.failures {
        text.push_str(&headline(net, failure));
        text.push('\n');
        let moves = moves(net, &failure.run);
        for (number, moved) in moves.iter().enumerate() {
            if failure.run.repeats_from == Some(number) {
                text.push_str("  again and again:\n");
            }
            let indent = match failure.run.repeats_from {
                Some(first) if number >= first => "    ",
                _ => "  ",
            };
            let what = if moved.what == moved.who {
                moved.what.clone()
            } else {
                format!("{}: {}", moved.who, moved.what)
            };
            text.push_str(&format!("{indent}{}. {what}\n", number + 1));
        }
        for waits in waits_at_end(net, failure) {
            if waits.who == waits.wants {
                text.push_str(&format!("  {} is not possible: {}\n", waits.who, waits.because));
            } else {
                text.push_str(&format!(
                    "  {} {}: {}\n",
                    waits.who,
                    waiting(&waits.wants),
                    waits.because
                ));
            }
        }
    }
    if report.failures.is_empty() {
        text.push_str(if report.complete {
            "holds: no deadlock, nothing grows for ever, nobody is left out\n"
        } else {
            "undecided: nothing wrong so far\n"
        });
    }
    for name in never(net, report) {
        text.push_str(&format!("never happens: {name}\n"));
    }
    text.push_str(&format!(
        "{} and {} between them{}\n",
        counted(report.markings, "state"),
        counted(report.steps, "step"),
        if report.complete {
            ""
        } else {
            ", and there are more: raise `max_states`"
        }
    ));
    text
}

/// `waits to acquire a`, but `waits for ready` where that is what the step is called.
fn waiting(wants: &str) -> String {
    match wants.strip_prefix("wait ") {
        Some(what) => format!("waits for {what}"),
        None => format!("waits to {wants}"),
    }
}

/// Steps in the text that never happen, in any of their ways.
fn never(net: &Net, report: &Report) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for number in &report.never {
        let transition = &net.transitions[*number];
        let happens = net.transitions.iter().enumerate().any(|(other, step)| {
            step.line == transition.line && net.owner(other) == net.owner(*number) && !report.never.contains(&other)
        });
        if !happens && !found.contains(&transition.name) {
            found.push(transition.name.clone());
        }
    }
    found
}

/// A report for programs.
pub fn as_json(net: &Net, report: &Report) -> Value {
    let failures: Vec<Value> = report
        .failures
        .iter()
        .map(|failure| {
            let (kind, what): (&str, Vec<&str>) = match &failure.kind {
                Kind::Deadlock => ("deadlock", Vec::new()),
                Kind::Unbounded(places) => {
                    let names = places.iter().map(|place| readable(net, *place));
                    ("unbounded", names.collect())
                }
                Kind::Exceeded(place) => ("exceeded", vec![readable(net, *place)]),
                Kind::Starvation(process) => ("starvation", vec![&net.processes[*process].name]),
            };
            let moves: Vec<Value> = moves(net, &failure.run)
                .into_iter()
                .map(|moved| json!({"who": moved.who, "what": moved.what, "line": moved.line}))
                .collect();
            let waits: Vec<Value> = waits_at_end(net, failure)
                .into_iter()
                .map(|waits| json!({"who": waits.who, "wants": waits.wants, "because": waits.because}))
                .collect();
            json!({
                "kind": kind,
                "what": what,
                "headline": headline(net, failure),
                "moves": moves,
                "repeats_from": failure.run.repeats_from,
                "waits": waits,
            })
        })
        .collect();
    json!({
        "holds": report.holds(),
        "complete": report.complete,
        "states": report.markings,
        "steps": report.steps,
        "failures": failures,
        "never": never(net, report),
    })
}
