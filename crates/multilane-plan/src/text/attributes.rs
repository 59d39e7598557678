//! Attributes and numbers in the text form, both ways.

use super::lex::{Failure, Token, Tokens};
use super::names::{identifier, quoted};
use crate::plan::{Attribute, Attributes};
use crate::types::{DType, Scalar};

/// Lists inside lists, at most.
const MAX_LISTS: usize = 16;

/// `{count = 20, ord = "l2"}`.
pub(crate) fn print(attributes: &Attributes) -> String {
    let each: Vec<String> = attributes
        .iter()
        .map(|(name, value)| format!("{} = {}", identifier(name), attribute(value)))
        .collect();
    format!("{{{}}}", each.join(", "))
}

fn attribute(value: &Attribute) -> String {
    match value {
        Attribute::Bool(value) => value.to_string(),
        Attribute::Int(value) => value.to_string(),
        Attribute::Float(value) => number(Scalar::F64(*value)),
        Attribute::Text(value) => quoted(value),
        Attribute::DType(value) => value.to_string(),
        Attribute::Scalar(value) => format!("{}({})", value.dtype(), number(*value)),
        Attribute::List(values) => {
            let each: Vec<String> = values.iter().map(attribute).collect();
            format!("[{}]", each.join(", "))
        }
    }
}

/// A number that reads back with the same bits; floats have a point, an exponent or no digits.
pub(crate) fn number(value: Scalar) -> String {
    match value {
        Scalar::Bool(value) => value.to_string(),
        Scalar::I32(value) => value.to_string(),
        Scalar::I64(value) => value.to_string(),
        Scalar::F32(value) if value.is_nan() && value.to_bits() != f32::NAN.to_bits() => {
            format!("nan({:#x})", value.to_bits())
        }
        Scalar::F64(value) if value.is_nan() && value.to_bits() != f64::NAN.to_bits() => {
            format!("nan({:#x})", value.to_bits())
        }
        Scalar::F32(value) if value.is_nan() => "nan".to_owned(),
        Scalar::F64(value) if value.is_nan() => "nan".to_owned(),
        Scalar::F32(value) => format!("{value:?}"),
        Scalar::F64(value) => format!("{value:?}"),
    }
}

/// Reads `{count = 20, ord = "l2"}`, the brace still ahead.
pub(super) fn read(tokens: &mut Tokens<'_>) -> Result<Attributes, Failure> {
    let mut attributes = Attributes::new();
    tokens.expect("{")?;
    if tokens.take("}") {
        return Ok(attributes);
    }
    loop {
        let at = tokens.position();
        let name = tokens.name("an attribute's name")?;
        tokens.expect("=")?;
        let value = read_attribute(tokens, 0)?;
        if attributes.insert(name.clone(), value).is_some() {
            return Err(Failure::new(at, format!("`{name}` is given twice")));
        }
        if !tokens.take(",") {
            break;
        }
    }
    tokens.expect("}")?;
    Ok(attributes)
}

fn read_attribute(tokens: &mut Tokens<'_>, depth: usize) -> Result<Attribute, Failure> {
    let at = tokens.position();
    match tokens.peek() {
        Some(Token::Text(text)) => {
            let text = text.clone();
            tokens.next();
            Ok(Attribute::Text(text))
        }
        Some(Token::Sign("[")) if depth >= MAX_LISTS => Err(Failure::new(at, "too many lists inside lists".to_owned())),
        Some(Token::Sign("[")) => {
            tokens.next();
            let mut values = Vec::new();
            if !tokens.take("]") {
                loop {
                    values.push(read_attribute(tokens, depth + 1)?);
                    if !tokens.take(",") {
                        break;
                    }
                }
                tokens.expect("]")?;
            }
            Ok(Attribute::List(values))
        }
        Some(Token::Word(word)) => {
            if let Some(dtype) = DType::from_name(word) {
                tokens.next();
                if !tokens.take("(") {
                    return Ok(Attribute::DType(dtype));
                }
                let value = read_number(tokens, Some(dtype))?;
                tokens.expect(")")?;
                return Ok(Attribute::Scalar(value));
            }
            loose(tokens)
        }
        Some(Token::Number(_)) => loose(tokens),
        _ => Err(tokens.unexpected("a value")),
    }
}

/// A number whose type its spelling shows.
fn loose(tokens: &mut Tokens<'_>) -> Result<Attribute, Failure> {
    Ok(match read_number(tokens, None)? {
        Scalar::Bool(value) => Attribute::Bool(value),
        Scalar::F64(value) => Attribute::Float(value),
        other => Attribute::Int(other.as_i64()),
    })
}

/// Reads a number of a type, or of the type its spelling shows: bool, i64 or f64.
pub(super) fn read_number(tokens: &mut Tokens<'_>, dtype: Option<DType>) -> Result<Scalar, Failure> {
    let at = tokens.position();
    let spelling = match tokens.peek() {
        Some(Token::Word(word) | Token::Number(word)) => (*word).to_owned(),
        _ => return Err(tokens.unexpected("a number")),
    };
    let unsigned = spelling.strip_prefix('-').unwrap_or(&spelling);
    let shown = match unsigned {
        "true" | "false" => DType::Bool,
        "nan" | "inf" => DType::F64,
        digits if digits.starts_with(|first: char| first.is_ascii_digit()) => {
            if digits.contains(['.', 'e', 'E']) {
                DType::F64
            } else {
                DType::I64
            }
        }
        _ => return Err(tokens.unexpected("a number")),
    };
    tokens.next();
    let dtype = dtype.unwrap_or(shown);
    if unsigned == "nan" && tokens.take("(") {
        let bits = match tokens.peek() {
            Some(Token::Number(digits)) => digits
                .strip_prefix("0x")
                .and_then(|digits| u64::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        let nan = bits.and_then(|bits| match dtype {
            DType::F32 => u32::try_from(bits).ok().map(|bits| Scalar::F32(f32::from_bits(bits))),
            DType::F64 => Some(Scalar::F64(f64::from_bits(bits))),
            _ => None,
        });
        let Some(nan) = nan.filter(|nan| nan.as_f64().is_nan()) else {
            return Err(tokens.unexpected("the bits of a NaN, as 0x7ff8000000000001"));
        };
        tokens.next();
        tokens.expect(")")?;
        return Ok(nan);
    }
    let value = match dtype {
        DType::Bool => spelling.parse().ok().map(Scalar::Bool),
        DType::I32 => spelling.parse().ok().map(Scalar::I32),
        DType::I64 => spelling.parse().ok().map(Scalar::I64),
        DType::F32 => float(&spelling, unsigned).map(Scalar::F32),
        DType::F64 => float(&spelling, unsigned).map(Scalar::F64),
    };
    value.ok_or_else(|| Failure::new(at, format!("`{spelling}` is no {dtype}")))
}

/// A finite float, or one of the words for others.
fn float<T: std::str::FromStr + Into<f64> + Copy>(spelling: &str, unsigned: &str) -> Option<T> {
    let value: T = spelling.parse().ok()?;
    (value.into().is_finite() || matches!(unsigned, "nan" | "inf")).then_some(value)
}
