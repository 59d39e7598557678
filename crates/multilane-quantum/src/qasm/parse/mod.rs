//! Read tokens into statements, one at a time, with at most one token of look-ahead.
//!
//! Knows the grammars of both versions and nothing of what names mean. Nesting is bounded, so that no text overflows
//! the stack.

mod declare;
mod expression;
mod gate;
mod statement;

use super::ast::Name;
use super::error::{Place, Problem, QasmError};
use super::lex::{Lexer, Token};

/// Brackets, signs and blocks inside each other, at most.
pub(super) const MAX_DEPTH: usize = 200;

/// The two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

/// Words that version 2 keeps for itself.
const KEYWORDS_OF_2: &[&str] = &[
    "OPENQASM", "barrier", "creg", "gate", "if", "include", "measure", "opaque", "qreg", "reset",
];

/// Words that version 3 keeps for itself; `im`, `dt` and the like mean something only after numbers.
const KEYWORDS_OF_3: &[&str] = &[
    "OPENQASM",
    "angle",
    "array",
    "barrier",
    "bit",
    "bool",
    "box",
    "break",
    "cal",
    "case",
    "complex",
    "const",
    "continue",
    "creg",
    "ctrl",
    "def",
    "default",
    "defcal",
    "defcalgrammar",
    "delay",
    "duration",
    "durationof",
    "else",
    "end",
    "extern",
    "false",
    "float",
    "for",
    "gate",
    "gphase",
    "if",
    "in",
    "include",
    "input",
    "int",
    "inv",
    "let",
    "measure",
    "mutable",
    "negctrl",
    "nop",
    "output",
    "pow",
    "qreg",
    "qubit",
    "readonly",
    "reset",
    "return",
    "stretch",
    "switch",
    "true",
    "uint",
    "void",
    "while",
];

/// Whether a name can be no one's.
pub(super) fn is_keyword(version: Version, name: &str) -> bool {
    match version {
        Version::Two => KEYWORDS_OF_2,
        Version::Three => KEYWORDS_OF_3,
    }
    .binary_search(&name)
    .is_ok()
}

/// Reads one text.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    place: Place,
    depth: usize,
    version: Version,
}

impl<'a> Parser<'a> {
    /// Starts at a text's beginning: past the line that says the version, if there is one.
    ///
    /// A program without that line is one of version 3, as the language has it; an included file is of its includer's.
    pub(super) fn new(text: &'a str, file: u32, includer: Option<Version>) -> Result<Self, QasmError> {
        let mut lexer = Lexer::new(text, file);
        let (token, place) = lexer.token()?;
        let mut parser = Self {
            lexer,
            token,
            place,
            depth: 0,
            version: includer.unwrap_or(Version::Three),
        };
        if parser.take_word("OPENQASM")? {
            let written = parser.version_number()?;
            parser.expect(";")?;
            parser.version = includer.unwrap_or(written);
        }
        Ok(parser)
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    fn version_number(&mut self) -> Result<Version, QasmError> {
        let (token, place) = self.next()?;
        let number = match token {
            Token::Int(number) => number as f64,
            Token::Float(number) => number,
            _ => return Err(expected(place, "a version number", token)),
        };
        match number {
            2.0 => Ok(Version::Two),
            3.0..4.0 => Ok(Version::Three),
            _ => Err(place.error(Problem::Version {
                found: number.to_string(),
            })),
        }
    }

    fn next(&mut self) -> Result<(Token<'a>, Place), QasmError> {
        let current = (self.token, self.place);
        (self.token, self.place) = self.lexer.token()?;
        Ok(current)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(next) if next == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.token, Token::Name(next) if next == word)
    }

    fn take(&mut self, sign: &str) -> Result<bool, QasmError> {
        let found = self.is(sign);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    fn take_word(&mut self, word: &str) -> Result<bool, QasmError> {
        let found = self.is_word(word);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    fn expect(&mut self, sign: &str) -> Result<(), QasmError> {
        if self.take(sign)? {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    fn expect_word(&mut self, word: &str) -> Result<(), QasmError> {
        if self.take_word(word)? {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{word}`")))
    }

    fn unexpected(&self, what: &str) -> QasmError {
        expected(self.place, what, self.token)
    }

    /// A name that a program may give.
    fn name(&mut self, what: &str) -> Result<Name, QasmError> {
        match self.token {
            Token::Name(text) if !is_keyword(self.version, text) => {
                let place = self.place;
                self.next()?;
                Ok(Name {
                    text: text.to_owned(),
                    place,
                })
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// A file's name after `include`.
    fn text(&mut self, what: &str) -> Result<String, QasmError> {
        match self.token {
            Token::Text(text) => {
                self.next()?;
                Ok(text.to_owned())
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// What `read` reads, separated by commas, up to `end` (which is read too); a comma may stand before it.
    fn list<T>(
        &mut self,
        end: &str,
        mut read: impl FnMut(&mut Self) -> Result<T, QasmError>,
    ) -> Result<Vec<T>, QasmError> {
        let mut items = Vec::new();
        loop {
            if self.take(end)? {
                return Ok(items);
            }
            items.push(read(self)?);
            if !self.take(",")? && !self.is(end) {
                return Err(self.unexpected(&format!("`,` or `{end}`")));
            }
        }
    }

    /// Runs `read` one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, QasmError>) -> Result<T, QasmError> {
        if self.depth == MAX_DEPTH {
            return Err(self.place.error(Problem::TooDeep { limit: MAX_DEPTH }));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn unsupported(&self, place: Place, what: &str, advice: &str) -> QasmError {
        place.error(Problem::Unsupported {
            what: what.to_owned(),
            advice: advice.to_owned(),
        })
    }
}

fn expected(place: Place, what: &str, found: Token<'_>) -> QasmError {
    place.error(Problem::Expected {
        expected: what.to_owned(),
        found: found.spelling(),
    })
}
