//! Cut a formula into tokens that know their place. Never panics, whatever the text.

use super::Fault;
use crate::builder::Operand;

/// The smallest pieces of a formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    Number(Operand),
    Sign(&'static str),
    End,
}

/// Longer ones first, so that `**` is not two `*`.
const SIGNS: [&str; 26] = [
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "%", "<", ">", "&", "|", "^", "~",
    "(", ")", ",", "@", "=",
];

/// The tokens with the bytes they start at; the last one is the end.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, usize)>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let digit_follows = rest[first.len_utf8()..].starts_with(|next: char| next.is_ascii_digit());
        let (token, length) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first.is_ascii_digit() || (first == '.' && digit_follows) {
            number(rest, at)?
        } else if first.is_alphabetic() || first == '_' {
            let length = rest
                .find(|character: char| !(character.is_alphanumeric() || character == '_'))
                .unwrap_or(rest.len());
            (Token::Name(&rest[..length]), length)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(match first {
                '"' | '\'' => Fault::new(at, "texts have no place in a formula"),
                '.' => Fault::new(at, "`.` has no meaning here")
                    .with("attributes cannot be read; pass the value under a name"),
                '[' => Fault::new(at, "`[` has no meaning here")
                    .with("elements cannot be picked; pass the part under a name"),
                _ => Fault::new(at, format!("`{}` has no meaning here", first.escape_default())),
            });
        };
        tokens.push((token, at));
        at += length;
    }
    tokens.push((Token::End, text.len()));
    Ok(tokens)
}

/// A number as Python spells it, and its length in bytes.
fn number(text: &str, at: usize) -> Result<(Token<'_>, usize), Fault> {
    let bytes = text.as_bytes();
    let mut length = 0;
    let hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    while let Some(byte) = bytes.get(length) {
        let exponent =
            !hexadecimal && length > 0 && matches!(bytes[length - 1], b'e' | b'E') && matches!(byte, b'+' | b'-');
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || exponent) {
            break;
        }
        length += 1;
    }
    let spelling = &text[..length];
    let digits = spelling.replace('_', "");
    let number = if let Some(digits) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(digits, 16).ok().map(Operand::Int)
    } else if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // A whole number that i64 does not hold is refused, as NumPy refuses it.
        digits.parse().ok().map(Operand::Int)
    } else {
        digits.parse().ok().map(Operand::Float)
    };
    match number {
        Some(number) => Ok((Token::Number(number), length)),
        None => Err(Fault::new(
            at,
            format!("`{spelling}` is not a number that i64 or f64 holds"),
        )),
    }
}
