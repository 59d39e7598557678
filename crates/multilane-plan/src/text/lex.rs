//! Cut a text into tokens that know their line and column. Never panics, whatever the text.

use crate::error::PlanError;
use crate::plan::fixed_size;

/// The smallest pieces of the text form.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// `plan`, `core.add`, `n`.
    Word(&'a str),
    /// `%x`: the name as it is spelled after the sign.
    Label(&'a str),
    /// `20`, `-1e-9`, `0x7f`.
    Number(&'a str),
    /// A quoted text, its escapes resolved.
    Text(String),
    /// A single character.
    Sign(&'static str),
}

/// A line and a column in characters, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What is wrong at a position.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    at: Position,
    problem: String,
}

impl Failure {
    pub(super) fn new(at: Position, problem: String) -> Self {
        Self { at, problem }
    }
}

impl From<Failure> for PlanError {
    fn from(failure: Failure) -> Self {
        Self::Syntax {
            line: failure.at.line,
            column: failure.at.column,
            problem: failure.problem,
        }
    }
}

const SIGNS: [&str; 12] = ["(", ")", "{", "}", "[", "]", "<", ">", ",", ":", "=", "?"];

/// Tokens of a text and a place among them.
pub(super) struct Tokens<'a> {
    tokens: Vec<(Token<'a>, Position)>,
    next: usize,
    end: Position,
}

impl<'a> Tokens<'a> {
    /// Cuts the text; characters that start no token are reported and left out.
    pub(super) fn of(text: &'a str, failures: &mut Vec<Failure>) -> Self {
        let mut tokens = Vec::new();
        let mut end = Position { line: 1, column: 1 };
        for (index, line) in text.lines().enumerate() {
            let mut rest = line;
            let mut column = 1;
            while let Some(first) = rest.chars().next() {
                let at = Position {
                    line: index + 1,
                    column,
                };
                end = at;
                if rest.starts_with("//") {
                    break;
                }
                let (token, length) = if first.is_whitespace() {
                    (None, first.len_utf8())
                } else {
                    match token(rest) {
                        Ok((token, length)) => (Some(token), length),
                        Err(problem) => {
                            failures.push(Failure::new(at, problem));
                            // A broken text swallows its line; anything else is skipped alone.
                            let length = if first == '"' { rest.len() } else { first.len_utf8() };
                            (None, length)
                        }
                    }
                };
                tokens.extend(token.map(|token| (token, at)));
                column += rest[..length].chars().count();
                rest = &rest[length..];
            }
        }
        Self { tokens, next: 0, end }
    }

    pub(super) fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    pub(super) fn next(&mut self) {
        self.next += 1;
    }

    /// Where the next token stands, or the text ends.
    pub(super) fn position(&self) -> Position {
        self.tokens.get(self.next).map_or(self.end, |(_, at)| *at)
    }

    /// Goes past a sign if it is next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.next += usize::from(found);
        found
    }

    /// Goes past a word if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if *next == word);
        self.next += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), Failure> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{sign}`")))
        }
    }

    /// A name, quoted or not.
    pub(super) fn name(&mut self, what: &str) -> Result<String, Failure> {
        let name = match self.peek() {
            Some(Token::Word(word)) if !word.contains('.') => (*word).to_owned(),
            Some(Token::Text(text)) => text.clone(),
            _ => return Err(self.unexpected(what)),
        };
        self.next += 1;
        Ok(name)
    }

    /// The name of a size, or a size as a number.
    pub(super) fn size(&mut self) -> Result<String, Failure> {
        match self.peek() {
            Some(Token::Number(digits)) if fixed_size(digits).is_some() => {
                let digits = (*digits).to_owned();
                self.next += 1;
                Ok(digits)
            }
            _ => self.name("the name of a size"),
        }
    }

    /// The failure of something else standing here.
    pub(super) fn unexpected(&self, wanted: &str) -> Failure {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Token::Word(text) | Token::Number(text)) => format!("`{text}`"),
            Some(Token::Label(name)) => format!("`%{name}`"),
            Some(Token::Text(text)) => format!("{text:?}"),
            Some(Token::Sign(sign)) => format!("`{sign}`"),
        };
        Failure::new(self.position(), format!("expected {wanted}, found {found}"))
    }

    /// The place among the tokens, for [`Tokens::skip_from`].
    pub(super) fn place(&self) -> usize {
        self.next
    }

    /// After a failure in what began at a place: goes on at the next line, past the end of what was opened there.
    pub(super) fn skip_from(&mut self, start: usize) {
        if self.next == start {
            self.next += 1;
        }
        let mut depth = 0_usize;
        let mut line = 0;
        for (index, (token, at)) in self.tokens.iter().enumerate().skip(start) {
            let consumed = index < self.next;
            if !consumed && depth == 0 && (at.line > line || *token == Token::Sign("}")) {
                self.next = index;
                return;
            }
            match token {
                Token::Sign("{") => depth += 1,
                Token::Sign("}") => depth = depth.saturating_sub(1),
                _ => {}
            }
            line = at.line;
        }
        self.next = self.tokens.len();
    }
}

/// The token that a text starts with, and its length in bytes.
fn token(text: &str) -> Result<(Token<'_>, usize), String> {
    if let Some(sign) = SIGNS.iter().find(|sign| text.starts_with(**sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    if text.starts_with('"') {
        let (resolved, length) = quoted(text)?;
        return Ok((Token::Text(resolved), length));
    }
    if let Some(rest) = text.strip_prefix('%') {
        let name = if rest.starts_with('"') {
            quoted(rest)?.1
        } else {
            prefix(rest, |character| character.is_ascii_alphanumeric() || character == '_')
        };
        if name == 0 {
            return Err("expected the name of a value after `%`".to_owned());
        }
        // A number behind a point tells values of one name apart.
        let tail = rest[name..]
            .strip_prefix('.')
            .map_or(0, |tail| match prefix(tail, |c| c.is_ascii_digit()) {
                0 => 0,
                digits => digits + 1,
            });
        let length = name + tail;
        return Ok((Token::Label(&rest[..length]), length + 1));
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let sign = text.len() - unsigned.len();
    if unsigned.starts_with(|first: char| first.is_ascii_digit())
        || (sign > 0 && (unsigned.starts_with("inf") || unsigned.starts_with("nan")))
    {
        let mut length = sign;
        let bytes = text.as_bytes();
        // A sign belongs to the number when it follows an exponent's letter.
        while let Some(byte) = bytes.get(length) {
            let exponent = length > 0 && matches!(bytes[length - 1], b'e' | b'E') && matches!(byte, b'+' | b'-');
            if !(byte.is_ascii_alphanumeric() || *byte == b'.' || exponent) {
                break;
            }
            length += 1;
        }
        return Ok((Token::Number(&text[..length]), length));
    }
    let length = prefix(text, |character| {
        character.is_ascii_alphanumeric() || character == '_' || character == '.'
    });
    if length > 0 && !text.starts_with('.') {
        return Ok((Token::Word(&text[..length]), length));
    }
    let first = text.chars().next().map(String::from).unwrap_or_default();
    Err(format!("`{}` has no meaning here", first.escape_default()))
}

/// Bytes of the characters at the start that a test accepts.
fn prefix(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|character| !accept(character)).unwrap_or(text.len())
}

/// A quoted text at the start of a line's rest: what it says, and its length in bytes.
pub(super) fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut resolved = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Ok((resolved, index + 1)),
            '\\' => match characters.next().map(|(_, escape)| escape) {
                Some('n') => resolved.push('\n'),
                Some('r') => resolved.push('\r'),
                Some('t') => resolved.push('\t'),
                Some(same @ ('"' | '\\')) => resolved.push(same),
                Some('u') => {
                    let mut digits = String::new();
                    let mut open = false;
                    for (_, digit) in characters.by_ref() {
                        match digit {
                            '{' if !open => open = true,
                            '}' if open => break,
                            digit if open && digits.len() < 8 => digits.push(digit),
                            _ => return Err("expected `\\u{…}` with a number in it".to_owned()),
                        }
                    }
                    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                    resolved.push(code.ok_or("expected `\\u{…}` with the number of a character")?);
                }
                _ => return Err("`\\` is followed by none of n, r, t, u, `\"` and `\\`".to_owned()),
            },
            other => resolved.push(other),
        }
    }
    Err("the text has no end on this line".to_owned())
}
