//! What can be wrong with an OpenQASM program, and where.

use std::fmt;

/// Where in the texts something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// 0 for the program itself, then the included files in the order they were read.
    pub(super) file: u32,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Place {
    pub(super) fn error(self, problem: Problem) -> QasmError {
        QasmError(Box::new(Located {
            file: None,
            place: self,
            problem,
        }))
    }
}

/// Why a program is not a circuit, with the line and column of the reason.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct QasmError(Box<Located>);

#[derive(Clone, Debug, PartialEq)]
struct Located {
    file: Option<String>,
    place: Place,
    problem: Problem,
}

impl fmt::Display for QasmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.0.file {
            write!(f, "{file}: ")?;
        }
        write!(f, "line {}, column {}: {}", self.line(), self.column(), self.0.problem)
    }
}

impl QasmError {
    /// The included file the problem is in; `None` is the program itself.
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.0.place.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> u32 {
        self.0.place.column
    }

    /// What is wrong there.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// What the user can do next.
    pub fn hint(&self) -> String {
        self.0.problem.hint()
    }

    /// Tells which file the place is in, from the files that were included.
    pub(super) fn in_files(mut self, files: &[String]) -> Self {
        let included = (self.0.place.file as usize).checked_sub(1);
        self.0.file = included.and_then(|index| files.get(index)).cloned();
        self
    }
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A character that starts nothing.
    #[error("`{}` has no meaning here", character.escape_default())]
    Character {
        /// The character.
        character: char,
    },
    /// Digits that are no number, or none that fits.
    #[error("`{spelling}` is not a number")]
    Number {
        /// What is written.
        spelling: String,
    },
    /// A comment or text without its end.
    #[error("the {what} that starts here does not end")]
    Unterminated {
        /// What starts.
        what: &'static str,
        /// What would end it.
        end: &'static str,
    },
    /// Something else had to come.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What fits here.
        expected: String,
        /// What is here.
        found: String,
    },
    /// A version of the language that is not read.
    #[error("OpenQASM {found} is not read here")]
    Version {
        /// The version that is written.
        found: String,
    },
    /// Brackets, blocks or calls inside each other.
    #[error("more than {limit} levels inside each other")]
    TooDeep {
        /// How many are allowed.
        limit: usize,
    },
    /// Loops and gates written out make too much.
    #[error("the circuit has more than {limit} {what} when loops and gates are written out")]
    TooLong {
        /// What there is too much of.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
    },
    /// A name stands for nothing.
    #[error("no {kind} is called `{name}`")]
    UnknownName {
        /// What was looked for.
        kind: &'static str,
        /// The name that is written.
        name: String,
        /// The nearest name that exists.
        similar: Option<String>,
        /// The library that has it.
        library: Option<&'static str>,
    },
    /// A name gets a second meaning.
    #[error("`{name}` is already defined")]
    Defined {
        /// The name.
        name: String,
        /// The line of the first definition; `None` for what the language defines.
        line: Option<u32>,
    },
    /// A name stands for something of another kind.
    #[error("`{name}` is {found}, and {expected} is needed here")]
    Mismatch {
        /// The name.
        name: String,
        /// What it is.
        found: &'static str,
        /// What would fit.
        expected: &'static str,
    },
    /// An included file cannot be had.
    #[error("`{file}` cannot be included: {reason}")]
    Include {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// Too many or too few parameters or qubits.
    #[error("`{name}` takes {expected} {what}, not {found}")]
    Count {
        /// The gate, function or subroutine.
        name: String,
        /// What is counted.
        what: &'static str,
        /// How many it takes.
        expected: usize,
        /// How many are given.
        found: usize,
    },
    /// An index that the register does not have.
    #[error("`{register}` has no element {index}")]
    Index {
        /// The register.
        register: String,
        /// The index.
        index: i128,
        /// How many elements it has.
        size: usize,
    },
    /// Registers of different lengths where one element goes with one element.
    #[error("`{name}` is applied to registers of {first} and {second} elements")]
    Lengths {
        /// What is applied.
        name: String,
        /// One length.
        first: usize,
        /// Another one.
        second: usize,
    },
    /// A qubit that a gate gets twice.
    #[error("`{name}` gets the qubit `{qubit}` twice")]
    Repeated {
        /// The gate.
        name: String,
        /// The qubit.
        qubit: String,
    },
    /// Something that only a run can tell where the circuit's shape depends on it.
    #[error("{what} is not known before the circuit runs")]
    NotConstant {
        /// What is asked for.
        what: String,
    },
    /// A computation that has no result.
    #[error("{problem}")]
    Arithmetic {
        /// What is wrong with it.
        problem: String,
    },
    /// A value of a type that does not fit.
    #[error("{what} needs {expected}, not {found}")]
    Type {
        /// What needs a value.
        what: String,
        /// What would fit.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A gate or subroutine that is part of itself.
    #[error("`{name}` is used inside of its own definition")]
    Recursive {
        /// The gate or subroutine.
        name: String,
    },
    /// A gate that has no definition.
    #[error("`{gate}` is opaque: nothing says what it does")]
    Opaque {
        /// The gate.
        gate: String,
    },
    /// A part of the language that does not describe a circuit this simulator can run.
    #[error("{what} cannot be simulated")]
    Unsupported {
        /// The part.
        what: String,
        /// What to write instead.
        advice: String,
    },
    /// A statement that has no meaning where it stands.
    #[error("{what} has no place {place}")]
    Misplaced {
        /// The statement.
        what: &'static str,
        /// Where it stands.
        place: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The circuit itself refuses it.
    #[error("{problem}")]
    Circuit {
        /// Why.
        problem: String,
        /// What to do.
        advice: Option<String>,
    },
}

impl Problem {
    /// What the user can do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Character { .. } => "remove it, or put it into a comment".to_owned(),
            Self::Number { .. } => "write digits, with at most one point and one exponent, below 2**128".to_owned(),
            Self::Unterminated { end, .. } => format!("close it with `{end}`"),
            Self::Expected { expected, .. } => format!("write {expected} here"),
            Self::Version { .. } => "write `OPENQASM 2.0;` or `OPENQASM 3.0;`".to_owned(),
            Self::TooDeep { .. } => "split it into parts, with constants or gates of their own".to_owned(),
            Self::TooLong { .. } => "shorten the loops, or raise the `limit` of the reader".to_owned(),
            Self::UnknownName {
                name,
                similar,
                library,
                kind,
            } => match (library, similar) {
                (Some(library), _) => format!("`{name}` is in the library: write `include \"{library}\";`"),
                (None, Some(similar)) => format!("did you mean `{similar}`?"),
                (None, None) => format!("define the {kind} before its first use"),
            },
            Self::Defined { line: Some(line), .. } => {
                format!("choose another name, or remove the definition in line {line}")
            }
            Self::Defined { line: None, .. } => "choose another name: the language defines this one".to_owned(),
            Self::Mismatch { expected, .. } => format!("name {expected}"),
            Self::Include { .. } => {
                "`qelib1.inc` and `stdgates.inc` are built in; for other files give the reader a resolver".to_owned()
            }
            Self::Count { what, expected, .. } => format!("give it {expected} {what}"),
            Self::Index { size: 0, .. } => "declare it with more elements".to_owned(),
            Self::Index { size, .. } => format!("its elements are 0 to {}", size - 1),
            Self::Lengths { .. } => "use registers, or slices of them, of one length".to_owned(),
            Self::Repeated { .. } => "give every argument a qubit of its own".to_owned(),
            Self::NotConstant { .. } => "use a constant there, or compute it before the program is written".to_owned(),
            Self::Arithmetic { .. } => "change the operands".to_owned(),
            Self::Type { expected, .. } => format!("give it {expected}"),
            Self::Recursive { .. } => "write out what it stands for, without itself".to_owned(),
            Self::Opaque { gate } => format!("define it with `gate {gate} ...`, or remove it"),
            Self::Unsupported { advice, .. } => advice.clone(),
            Self::Misplaced { advice, .. } => (*advice).to_owned(),
            Self::Circuit { advice, .. } => advice.clone().unwrap_or_else(|| "change the operation".to_owned()),
        }
    }
}

/// The name nearest to the one that was written, when it is near enough to be meant.
pub(super) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let letters = name.chars().count();
    if letters > 40 {
        return None;
    }
    known
        .filter(|candidate| candidate.len() <= 160)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= 1 + letters / 5 && *distance < letters)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// How many letters have to be changed, added or left out.
fn distance(first: &str, second: &str) -> usize {
    let second: Vec<char> = second.chars().collect();
    let mut row: Vec<usize> = (0..=second.len()).collect();
    for (at, letter) in first.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in second.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[second.len()]
}
