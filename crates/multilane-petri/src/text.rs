//! Reads a net from its text.
//!
//! ```text
//! place free = 1, idle = 2, busy at most 1
//! take: free + idle -> busy
//! fair give: busy -> free + idle
//! end idle = 2
//! ```

use crate::error::PetriError;
use crate::net::{Net, Place, Process, Rest, Transition, Weighted};

/// Reads a net: a line for each transition, lines with `place` and `end` for the places.
///
/// # Errors
/// The first line that cannot be read, or a place that no line declares.
pub fn parse(text: &str) -> Result<Net, PetriError> {
    let mut net = Net::default();
    let lines = || {
        text.lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.split('#').next().unwrap_or_default().trim()))
            .filter(|(_, line)| !line.is_empty())
    };
    for (number, line) in lines() {
        if let Some(rest) = keyword(line, "place") {
            for part in rest.split(',') {
                let place = place(number, part)?;
                if net.places.iter().any(|other| other.name == place.name) {
                    return Err(PetriError::syntax(
                        number,
                        format!("place `{}` is declared twice", place.name),
                        "",
                    ));
                }
                net.places.push(place);
            }
        }
    }
    for (number, line) in lines() {
        if keyword(line, "place").is_some() {
            continue;
        }
        if let Some(rest) = keyword(line, "end") {
            for part in rest.split(',') {
                let end = place(number, part)?;
                net.ends.push(Weighted {
                    place: find(&net, number, &end.name)?,
                    count: end.tokens.max(1),
                });
            }
            continue;
        }
        let transition = transition(&net, number, line)?;
        if net.transitions.iter().any(|other| other.name == transition.name) {
            return Err(PetriError::syntax(
                number,
                format!("transition `{}` is declared twice", transition.name),
                "",
            ));
        }
        net.processes.push(Process {
            name: transition.name.clone(),
            transitions: vec![net.transitions.len()],
            rest: Rest::WhenDead,
        });
        net.transitions.push(transition);
    }
    net.verify()?;
    Ok(net)
}

/// What follows a word that a line starts with.
fn keyword<'line>(line: &'line str, word: &str) -> Option<&'line str> {
    line.strip_prefix(word)
        .filter(|rest| rest.starts_with(char::is_whitespace) && !rest.trim_start().starts_with(':'))
        .map(str::trim)
}

/// `NAME [= TOKENS] [at most TOKENS]`.
fn place(line: usize, text: &str) -> Result<Place, PetriError> {
    let (text, at_most) = match text.split_once(" at most ") {
        Some((text, most)) => (text, Some(tokens(line, most)?)),
        None => (text, None),
    };
    let (name, count) = match text.split_once('=') {
        Some((name, count)) => (name, tokens(line, count)?),
        None => (text, 0),
    };
    Ok(Place {
        name: name_of(line, name)?,
        tokens: count,
        at_most,
        ..Place::default()
    })
}

/// `[fair] NAME: [N] PLACE + ... -> [N] PLACE + ...`.
fn transition(net: &Net, line: usize, text: &str) -> Result<Transition, PetriError> {
    let Some((name, arcs)) = text.split_once(':') else {
        return Err(PetriError::syntax(
            line,
            format!("`{text}` is neither a place nor a transition"),
            "write `place NAME = 1`, or `NAME: PLACE + PLACE -> PLACE`",
        ));
    };
    let fair = keyword(name, "fair");
    let Some((takes, gives)) = arcs.split_once("->") else {
        return Err(PetriError::syntax(
            line,
            "the transition has no `->`",
            "write what it takes, `->`, and what it gives",
        ));
    };
    Ok(Transition {
        name: name_of(line, fair.unwrap_or(name))?,
        line,
        takes: side(net, line, takes)?,
        gives: side(net, line, gives)?,
        fair: fair.is_some(),
    })
}

fn side(net: &Net, line: usize, text: &str) -> Result<Vec<Weighted>, PetriError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    text.split('+')
        .map(|part| {
            let part = part.trim();
            let (count, name) = match part.split_once(char::is_whitespace) {
                Some((count, name)) => (tokens(line, count)?, name.trim()),
                None => (1, part),
            };
            Ok(Weighted {
                place: find(net, line, name)?,
                count,
            })
        })
        .collect()
}

fn find(net: &Net, line: usize, name: &str) -> Result<usize, PetriError> {
    net.places
        .iter()
        .position(|place| place.name == name)
        .ok_or_else(|| PetriError::unknown(line, "place", name, net.places.iter().map(|place| place.name.as_str())))
}

/// A count of tokens, or of anything.
pub(crate) fn tokens(line: usize, text: &str) -> Result<u32, PetriError> {
    let text = text.trim();
    text.parse()
        .ok()
        .filter(|count| *count < u32::MAX)
        .ok_or_else(|| PetriError::syntax(line, format!("`{text}` is not a number of tokens"), "write digits"))
}

/// A name: letters, digits, `_`, `.` and `-`, and no digit first.
pub(crate) fn name_of(line: usize, text: &str) -> Result<String, PetriError> {
    let text = text.trim();
    let is_name = text.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-'));
    if is_name {
        return Ok(text.to_owned());
    }
    let problem = if text.is_empty() {
        "a name is missing".to_owned()
    } else {
        format!("`{text}` is not a name")
    };
    Err(PetriError::syntax(
        line,
        problem,
        "names have letters, digits, `_`, `.` and `-`, and start with no digit",
    ))
}
