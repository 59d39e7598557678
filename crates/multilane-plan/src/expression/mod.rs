//! Formulas in a text: `a*b + c*sin(d)`, with Python's precedence.
//!
//! Operators `+ - * / ** < <= > >= == != & | ^ ~`, numbers, `True`, `False`, `pi`, `inf`, `nan`,
//! names and the functions of [`FUNCTIONS`]. A formula is read whole before its first operation is
//! written to the builder; nothing in it is ever executed. Errors point at their column.

mod functions;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::builder::{Builder, Operand};
use crate::error::{PlanError, Site};
use crate::plan::{Location, ValueId};

pub use functions::FUNCTIONS;
use parse::{Step, What};

/// Writes a formula's operations; the names stand for values or numbers.
pub fn parse_into(builder: &mut Builder, text: &str, names: &BTreeMap<String, Operand>) -> Result<ValueId, PlanError> {
    let location = builder.location().cloned();
    let fail = |fault: Fault| fault.into_error(text, location.clone());
    let steps = parse::steps(text).map_err(fail)?;
    // All names are looked up before anything is written.
    for step in &steps {
        if let What::Name(name) = &step.what
            && !names.contains_key(*name)
        {
            return Err(fail(unknown(name, step.at, names)));
        }
    }
    let mut stack: Vec<Operand> = Vec::new();
    for Step { what, at } in steps {
        let operand = match what {
            What::Name(name) => names[name],
            What::Number(number) => number,
            What::Apply(name, count) => {
                let operands = stack.split_off(stack.len() - count);
                let result = match (name, operands.as_slice()) {
                    // A minus in front of a number is part of the number.
                    ("neg", [Operand::Float(number)]) => Ok(Operand::Float(-number)),
                    ("neg", [Operand::Int(number)]) => Ok(Operand::Int(number.wrapping_neg())),
                    _ => functions::apply(builder, name, &operands).map(Operand::Value),
                };
                result.map_err(|error| pointed(error, at, text))?
            }
        };
        stack.push(operand);
    }
    let result = stack.pop().expect("a formula leaves its value");
    builder.literal_or_value(result)
}

/// The names that a formula reads, each once, in the order of the alphabet.
pub fn names(text: &str) -> Result<Vec<String>, PlanError> {
    let steps = parse::steps(text).map_err(|fault| fault.into_error(text, None))?;
    let mut names: Vec<String> = steps
        .iter()
        .filter_map(|step| match step.what {
            What::Name(name) => Some(name.to_owned()),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// What is wrong at a byte of the text.
#[derive(Debug)]
struct Fault {
    at: usize,
    problem: String,
    advice: Option<String>,
}

impl Fault {
    fn new(at: usize, problem: impl Into<String>) -> Self {
        Self {
            at,
            problem: problem.into(),
            advice: None,
        }
    }

    fn with(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }

    fn into_error(self, text: &str, location: Option<Location>) -> PlanError {
        let before = &text[..self.at];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[start..].lines().next().unwrap_or("");
        PlanError::Expression {
            text: line.to_owned(),
            column: before[start..].chars().count() + 1,
            problem: self.problem,
            advice: self.advice,
            site: Site::line(location),
        }
    }
}

fn unknown(name: &str, at: usize, names: &BTreeMap<String, Operand>) -> Fault {
    let fault = Fault::new(at, format!("no variable is called `{name}`"));
    match crate::error::closest(name, names.keys().map(String::as_str)) {
        Some(similar) => fault.with(format!("did you mean `{similar}`?")),
        None if functions::is_function(name) => fault.with(format!("it is a function: write `{name}(…)`")),
        None => fault,
    }
}

/// An error of the builder, at the place in the formula that it comes from.
fn pointed(error: PlanError, at: usize, text: &str) -> PlanError {
    let location = error.location().cloned();
    let fault = Fault {
        at,
        advice: error.hint(),
        problem: match error {
            PlanError::Invalid { op, problem, .. } => format!("`{op}` {problem}"),
            PlanError::Expression { .. } => return error,
            mut other => {
                if let Some(site) = other.site_mut() {
                    *site = Site::default();
                }
                other.to_string()
            }
        },
    };
    fault.into_error(text, location)
}
