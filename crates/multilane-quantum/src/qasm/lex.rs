//! Cut OpenQASM text into tokens that know their line and column. Never panics, whatever the text.
//!
//! Both versions share one lexer: which names are keywords is the parser's business. Comments, pragmas and annotations
//! say nothing about the circuit and are passed over.

use super::error::{Place, Problem, QasmError};

/// The smallest pieces of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A name or a keyword.
    Name(&'a str),
    Int(u128),
    Float(f64),
    /// A number with a unit of time; how long it is does not count here.
    Duration,
    /// A number times the imaginary unit.
    Imaginary(f64),
    /// What stands between quotes.
    Text(&'a str),
    /// `$3`.
    Hardware(u32),
    Sign(&'static str),
    End,
}

impl Token<'_> {
    /// How an error calls it.
    pub(super) fn spelling(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Int(value) => format!("`{value}`"),
            Self::Float(value) => format!("`{value}`"),
            Self::Duration => "a duration".to_owned(),
            Self::Imaginary(value) => format!("`{value}im`"),
            Self::Text(text) => format!("`\"{}\"`", text.escape_default()),
            Self::Hardware(number) => format!("`${number}`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end of the program".to_owned(),
        }
    }
}

/// Longer ones first, so that `->` is not `-` and `>`.
const SIGNS: [&str; 50] = [
    "<<=", ">>=", "**=", "->", "==", "!=", "<=", ">=", "&&", "||", "<<", ">>", "**", "++", "+=", "-=", "*=", "/=",
    "&=", "|=", "^=", "%=", "[", "]", "{", "}", "(", ")", ":", ";", ".", ",", "=", "+", "-", "*", "/", "%", "|", "&",
    "^", "@", "~", "!", "<", ">", "#dim", "?", "´", "`",
];

/// Units of time: seconds and parts of them, and the device's ticks.
const UNITS: [&str; 7] = ["dt", "ns", "us", "µs", "μs", "ms", "s"];

/// A text and where the next token starts in it.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    place: Place,
    /// Whether a statement may start here: only there is `@name` an annotation.
    fresh: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, file: u32) -> Self {
        Self {
            text: text.strip_prefix('\u{feff}').unwrap_or(text),
            at: 0,
            place: Place {
                file,
                line: 1,
                column: 1,
            },
            fresh: true,
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Moves on by so many bytes.
    fn skip(&mut self, length: usize) {
        for character in self.text[self.at..self.at + length].chars() {
            if character == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.at += length;
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.skip(rest.find('\n').unwrap_or(rest.len()));
    }

    /// Passes over blanks, comments, pragmas and annotations.
    fn skip_blanks(&mut self) -> Result<(), QasmError> {
        loop {
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                return Ok(());
            };
            if first.is_whitespace() {
                self.skip(first.len_utf8());
            } else if rest.starts_with("//") {
                self.skip_line();
            } else if rest.starts_with("/*") {
                let Some(end) = rest.find("*/") else {
                    return Err(self.place.error(Problem::Unterminated {
                        what: "comment",
                        end: "*/",
                    }));
                };
                self.skip(end + 2);
            } else if is_pragma(rest) || (self.fresh && is_annotation(rest)) {
                self.skip_line();
            } else {
                return Ok(());
            }
        }
    }

    /// The next token and its place.
    pub(super) fn token(&mut self) -> Result<(Token<'a>, Place), QasmError> {
        self.skip_blanks()?;
        let (rest, place) = (self.rest(), self.place);
        let Some(first) = rest.chars().next() else {
            return Ok((Token::End, place));
        };
        let digit_follows = rest[first.len_utf8()..].starts_with(|next: char| next.is_ascii_digit());
        let (token, length) = if first.is_ascii_digit() || (first == '.' && digit_follows) {
            number(rest).map_err(|problem| place.error(problem))?
        } else if is_name_start(first) {
            let length = name_length(rest);
            (Token::Name(&rest[..length]), length)
        } else if first == '"' || first == '\'' {
            let Some(end) = rest[1..]
                .find([first, '\n'])
                .filter(|end| rest[1 + end..].starts_with(first))
            else {
                return Err(place.error(Problem::Unterminated {
                    what: "text",
                    end: if first == '"' { "\"" } else { "'" },
                }));
            };
            (Token::Text(&rest[1..=end]), end + 2)
        } else if first == '$' && digit_follows {
            let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
            let number = rest[1..=digits].parse().map_err(|_| {
                place.error(Problem::Number {
                    spelling: rest[..=digits].to_owned(),
                })
            })?;
            (Token::Hardware(number), digits + 1)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(place.error(Problem::Character { character: first }));
        };
        self.skip(length);
        self.fresh = matches!(token, Token::Sign(";" | "{" | "}"));
        Ok((token, place))
    }
}

fn is_name_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn name_length(text: &str) -> usize {
    text.find(|character: char| !(character.is_alphanumeric() || character == '_'))
        .unwrap_or(text.len())
}

/// `pragma` or `#pragma`, as a word of its own.
fn is_pragma(text: &str) -> bool {
    let word = text.strip_prefix('#').unwrap_or(text);
    word.starts_with("pragma") && name_length(word) == "pragma".len() && word[6..].starts_with([' ', '\t', '\n', '\r'])
}

fn is_annotation(text: &str) -> bool {
    text.strip_prefix('@')
        .is_some_and(|name| name.starts_with(is_name_start))
}

/// A number, perhaps with a unit, and its length in bytes.
fn number<'a>(text: &str) -> Result<(Token<'a>, usize), Problem> {
    let bytes = text.as_bytes();
    let radix = match bytes.get(..2) {
        Some(b"0x" | b"0X") => 16,
        Some(b"0b" | b"0B") => 2,
        Some(b"0o" | b"0O") => 8,
        _ => 10,
    };
    if radix != 10 {
        let length = 2 + name_length(&text[2..]);
        let digits = text[2..length].replace('_', "");
        return match u128::from_str_radix(&digits, radix) {
            Ok(value) => Ok((Token::Int(value), length)),
            Err(_) => Err(Problem::Number {
                spelling: text[..length].to_owned(),
            }),
        };
    }
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'_')
            .count()
    };
    let mut length = digits(0);
    let mut whole = true;
    if bytes.get(length) == Some(&b'.') {
        whole = false;
        length += 1;
        length += digits(length);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        if bytes.get(length + 1 + sign).is_some_and(u8::is_ascii_digit) {
            whole = false;
            length += 1 + sign;
            length += digits(length);
        }
    }
    let spelling = text[..length].replace('_', "");
    let wrong = |length: usize| Problem::Number {
        spelling: text[..length].to_owned(),
    };
    // A unit may follow, after blanks too; any other letter makes the number a misspelt name.
    let blanks = bytes[length..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let word = &text[length + blanks..];
    let unit = &word[..name_length(word)];
    let is_time = UNITS.contains(&unit);
    if unit == "im" || is_time {
        let value: f64 = spelling.parse().map_err(|_| wrong(length))?;
        let token = if is_time {
            Token::Duration
        } else {
            Token::Imaginary(value)
        };
        return Ok((token, length + blanks + unit.len()));
    }
    if blanks == 0 && !unit.is_empty() {
        return Err(wrong(length + unit.len()));
    }
    let token = if whole {
        spelling.parse().map(Token::Int).map_err(|_| wrong(length))?
    } else {
        let value = spelling.parse().ok().filter(|value: &f64| value.is_finite());
        value.map(Token::Float).ok_or_else(|| wrong(length))?
    };
    Ok((token, length))
}
