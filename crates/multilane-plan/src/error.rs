//! What can be wrong with a plan, and where.
//!
//! One enum for the crate. An error knows the operation and, when the builder was told,
//! the user's file and line; [`PlanError::report`] shows both with a hint.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::kernel::KernelError;
use crate::plan::{Location, Op};

/// Where in a plan something is wrong; boxed, so that results stay small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site(Box<Place>);

/// What a [`Site`] knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The operation's name.
    pub op: Option<String>,
    /// The index in the body, then for nested ones the region and the index there, and so on.
    pub path: Vec<usize>,
    /// Where the user wrote it.
    pub location: Option<Location>,
}

impl Site {
    /// The place of an operation.
    pub fn of(op: &Op, path: &[usize]) -> Self {
        Self(Box::new(Place {
            op: Some(op.name.clone()),
            path: path.to_vec(),
            location: op.location.clone(),
        }))
    }

    /// A line of the user's source.
    pub fn line(location: Option<Location>) -> Self {
        Self(Box::new(Place {
            location,
            ..Place::default()
        }))
    }
}

impl Deref for Site {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

impl DerefMut for Site {
    fn deref_mut(&mut self) -> &mut Place {
        &mut self.0
    }
}

/// `app.py:12: ` when the line is known, else the operation's place, else nothing.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            return write!(f, "{}:{}: ", location.file, location.line);
        }
        if !self.path.is_empty() {
            let path: Vec<String> = self.path.iter().map(usize::to_string).collect();
            write!(f, "operation {}: ", path.join("."))?;
        }
        Ok(())
    }
}

/// Why a plan could not be built, read, changed or evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No dialect has the operation.
    #[error("{site}no operation is called `{op}`")]
    UnknownOp {
        /// The name that was written.
        op: String,
        /// The nearest name that exists.
        similar: Option<String>,
        /// Where.
        site: Site,
    },
    /// A name stands for nothing.
    #[error("{site}no {kind} is called `{name}`")]
    UnknownName {
        /// What was looked for: `variable`, `function`, `pass`.
        kind: &'static str,
        /// The name that was written.
        name: String,
        /// The nearest name that exists.
        similar: Option<String>,
        /// Where.
        site: Site,
    },
    /// Operands, attributes or regions do not fit the operation.
    #[error("{site}`{op}` {problem}")]
    Invalid {
        /// The operation.
        op: String,
        /// What does not fit.
        problem: String,
        /// What to do about it.
        advice: Option<String>,
        /// Where.
        site: Site,
    },
    /// An operation reads a value that is not there yet, or not any more.
    #[error("{site}`{op}` reads `{value}`, which {why}")]
    Unreadable {
        /// The reading operation.
        op: String,
        /// The value.
        value: String,
        /// Why it cannot be read here.
        why: &'static str,
        /// Where.
        site: Site,
    },
    /// Two operations or parameters write the same value.
    #[error("{site}`{value}` is written a second time by `{op}`")]
    Rewritten {
        /// The later writer.
        op: String,
        /// The value.
        value: String,
        /// Where.
        site: Site,
    },
    /// A result is declared as something else than the operation makes.
    #[error("{site}`{op}` makes {inferred}, and `{value}` is declared as {declared}")]
    ResultType {
        /// The operation.
        op: String,
        /// The result.
        value: String,
        /// The declared type.
        declared: String,
        /// The type that follows from the operands.
        inferred: String,
        /// Where.
        site: Site,
    },
    /// The plan itself does not hold together.
    #[error("plan `{plan}`: {problem}")]
    Malformed {
        /// The plan's name.
        plan: String,
        /// What is wrong.
        problem: String,
    },
    /// A text form cannot be read.
    #[error("line {line}, column {column}: {problem}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// An expression cannot be read.
    #[error("{site}{problem} at column {column}\n{}", pointed_at(text, *column))]
    Expression {
        /// The line of the expression that has the problem.
        text: String,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
        /// What to do about it.
        advice: Option<String>,
        /// Where the expression was written.
        site: Site,
    },
    /// A JSON text is not a plan.
    #[error("not a plan in JSON: {problem}")]
    Json {
        /// What the reader met, with line and column.
        problem: String,
    },
    /// A newer build wrote the plan.
    #[error("the plan has format {found}, and this version reads format {supported}")]
    FutureFormat {
        /// The plan's format.
        found: u64,
        /// The newest format that this build reads.
        supported: u32,
    },
    /// An input was not given, or does not fit.
    #[error("input `{name}` {problem}")]
    Input {
        /// The input.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An operation failed while it ran.
    #[error("{site}{source}")]
    Run {
        /// What the operation met.
        source: KernelError,
        /// Where.
        site: Site,
    },
}

impl PlanError {
    /// An operation that does not fit; advice may follow the problem after `"; "`.
    pub(crate) fn invalid(op: &str, problem: &str, site: Site) -> Self {
        let (problem, advice) = match problem.split_once("; ") {
            Some((problem, advice)) => (problem, Some(advice.to_owned())),
            None => (problem, None),
        };
        Self::Invalid {
            op: op.to_owned(),
            problem: problem.to_owned(),
            advice,
            site,
        }
    }

    /// A name that stands for nothing, with the nearest of those that do.
    pub fn unknown_name<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
        site: Site,
    ) -> Self {
        Self::UnknownName {
            kind,
            name: name.to_owned(),
            similar: closest(name, known),
            site,
        }
    }

    /// Where in the plan; errors of texts and inputs have no place there.
    pub fn site(&self) -> Option<&Site> {
        match self {
            Self::UnknownOp { site, .. }
            | Self::UnknownName { site, .. }
            | Self::Invalid { site, .. }
            | Self::Unreadable { site, .. }
            | Self::Rewritten { site, .. }
            | Self::ResultType { site, .. }
            | Self::Expression { site, .. }
            | Self::Run { site, .. } => Some(site),
            Self::Malformed { .. }
            | Self::Syntax { .. }
            | Self::Json { .. }
            | Self::FutureFormat { .. }
            | Self::Input { .. } => None,
        }
    }

    /// The same, to be filled in.
    pub(crate) fn site_mut(&mut self) -> Option<&mut Site> {
        match self {
            Self::UnknownOp { site, .. }
            | Self::UnknownName { site, .. }
            | Self::Invalid { site, .. }
            | Self::Unreadable { site, .. }
            | Self::Rewritten { site, .. }
            | Self::ResultType { site, .. }
            | Self::Expression { site, .. }
            | Self::Run { site, .. } => Some(site),
            Self::Malformed { .. }
            | Self::Syntax { .. }
            | Self::Json { .. }
            | Self::FutureFormat { .. }
            | Self::Input { .. } => None,
        }
    }

    /// The user's file and line, when they are known.
    pub fn location(&self) -> Option<&Location> {
        self.site().and_then(|site| site.location.as_ref())
    }

    /// What the user can do next, when we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownOp { similar, .. } | Self::UnknownName { similar, .. } => {
                similar.as_ref().map(|name| format!("did you mean `{name}`?"))
            }
            Self::Invalid { advice, .. } | Self::Expression { advice, .. } => advice.clone(),
            Self::Unreadable { why, .. } => match *why {
                "is written later only" => Some("operations stand after those they read from".to_owned()),
                "belongs to a region that has ended" | "belongs to a loop that has ended" => {
                    Some("carry it through the loop, and read the loop's result".to_owned())
                }
                _ => None,
            },
            Self::Json { .. } => Some("write it with `to_json`; the schema says what each field holds".to_owned()),
            Self::FutureFormat { .. } => Some("update multilane, or save the plan with this version".to_owned()),
            _ => None,
        }
    }

    /// The error on one line as `error at FILE:LINE: …`, and the hint on the next.
    pub fn report(&self) -> String {
        let mut message = self.to_string();
        let place = match self.location() {
            Some(location) => {
                let place = format!("{}:{}", location.file, location.line);
                if let Some(rest) = message.strip_prefix(&format!("{place}: ")) {
                    message = rest.to_owned();
                }
                format!(" at {place}")
            }
            None => String::new(),
        };
        match self.hint() {
            Some(hint) => format!("error{place}: {message}\n  hint: {hint}"),
            None => format!("error{place}: {message}"),
        }
    }
}

/// A line, and a mark below one of its columns; of a long line what lies around it.
fn pointed_at(text: &str, column: usize) -> String {
    const AROUND: usize = 60;
    let at = column.saturating_sub(1);
    let first = if text.chars().count() > 2 * AROUND {
        at.saturating_sub(AROUND)
    } else {
        0
    };
    let mut rest = text.chars().skip(first);
    let mut shown: String = rest.by_ref().take(2 * AROUND).collect();
    if rest.next().is_some() {
        shown.push('…');
    }
    let before = if first > 0 { "…" } else { "" };
    let indent = at - first + before.chars().count();
    format!("  {before}{shown}\n  {}^", " ".repeat(indent))
}

/// The known name that looks most like a written one, when one does.
pub(crate) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_below_its_column() {
        assert_eq!(pointed_at("a + ?", 5), "  a + ?\n      ^");
        let long = format!("{}?{}", "a + ".repeat(100), " + b".repeat(100));
        let shown = pointed_at(&long, 401);
        let (text, mark) = shown.split_once('\n').expect("two lines");
        assert_eq!(text.chars().nth(mark.chars().count() - 1), Some('?'));
        assert!(text.chars().count() < 140 && text.starts_with("  …") && text.ends_with('…'));
    }
}
