//! What can be wrong with a description, and where.

/// Why a net or a protocol cannot be read or checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PetriError {
    /// A line is not what can stand there.
    #[error("line {line}: {problem}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
        /// What could stand there.
        advice: Option<String>,
    },
    /// A name stands for nothing.
    #[error("line {line}: no {kind} is called `{name}`")]
    Unknown {
        /// Counted from 1.
        line: usize,
        /// What was looked for.
        kind: &'static str,
        /// The name.
        name: String,
        /// The nearest name that exists.
        similar: Option<String>,
    },
    /// A net that was put together wrongly.
    #[error("{what}")]
    Malformed {
        /// What is wrong.
        what: String,
    },
    /// More tokens than can be counted.
    #[error("place `{place}` gets more than 4,294,967,294 tokens")]
    TooManyTokens {
        /// The place.
        place: String,
    },
    /// The caller stopped the check.
    #[error("the check was stopped")]
    Stopped,
}

impl PetriError {
    /// What the user can do next, when we know.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { advice, .. } => advice.clone(),
            Self::Unknown {
                similar: Some(name), ..
            } => Some(format!("did you mean `{name}`?")),
            Self::Unknown { kind, .. } => Some(format!("declare the {kind} in a line of its own first")),
            _ => None,
        }
    }

    /// The line it is in, when it is in one.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Syntax { line, .. } | Self::Unknown { line, .. } => Some(*line),
            _ => None,
        }
    }

    pub(crate) fn syntax(line: usize, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        let advice: String = advice.into();
        Self::Syntax {
            line,
            problem: problem.into(),
            advice: (!advice.is_empty()).then_some(advice),
        }
    }

    pub(crate) fn unknown<'name>(
        line: usize,
        kind: &'static str,
        name: &str,
        known: impl Iterator<Item = &'name str>,
    ) -> Self {
        let similar = known
            .map(|candidate| (distance(name, candidate), candidate))
            .filter(|(distance, candidate)| *distance <= candidate.chars().count().min(name.chars().count()) / 2)
            .min()
            .map(|(_, candidate)| candidate.to_owned());
        Self::Unknown {
            line,
            kind,
            name: name.to_owned(),
            similar,
        }
    }
}

/// Letters to insert, remove or replace to make one name of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut corner = index;
        row[0] = index + 1;
        for (column, candidate) in other.iter().enumerate() {
            let replaced = corner + usize::from(letter != *candidate);
            corner = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}
