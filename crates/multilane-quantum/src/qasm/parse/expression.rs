//! Read expressions into steps for a stack machine.

use super::{Parser, Version};
use crate::qasm::ast::{Base, Expression, Index, Kind, Operand, Range, Step, Target};
use crate::qasm::error::{Place, QasmError};
use crate::qasm::lex::Token;

/// Binary operators and how tight they bind; all but `**` group to the left.
const OPERATORS: &[(&str, u8)] = &[
    ("||", 1),
    ("&&", 2),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("==", 6),
    ("!=", 6),
    ("<", 7),
    ("<=", 7),
    (">", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
    ("**", POWER),
];
/// A sign in front binds looser than `**` only.
const UNARY: u8 = 11;
const POWER: u8 = 12;

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expression(&mut self) -> Result<Expression, QasmError> {
        let place = self.place;
        let mut steps = Vec::new();
        self.binding(0, &mut steps)?;
        Ok(Expression { steps, place })
    }

    /// Everything that binds at least as tight as `tightness`.
    fn binding(&mut self, tightness: u8, steps: &mut Vec<(Step, Place)>) -> Result<(), QasmError> {
        self.deeper(|parser| {
            parser.operand_of_sign(steps)?;
            while let Some((operator, binds)) = parser.operator() {
                if binds < tightness {
                    break;
                }
                let (_, place) = parser.next()?;
                // What stands right of `**` may have a sign and another `**`; right of others, what binds tighter.
                parser.binding(if binds == POWER { UNARY } else { binds + 1 }, steps)?;
                steps.push((Step::Binary(operator), place));
            }
            Ok(())
        })
    }

    /// The binary operator that comes next. In version 2, `^` is the power.
    fn operator(&self) -> Option<(&'static str, u8)> {
        let Token::Sign(sign) = self.token else {
            return None;
        };
        let sign = if sign == "^" && self.version == Version::Two {
            "**"
        } else {
            sign
        };
        OPERATORS.iter().find(|(operator, _)| *operator == sign).copied()
    }

    fn operand_of_sign(&mut self, steps: &mut Vec<(Step, Place)>) -> Result<(), QasmError> {
        let place = self.place;
        if let Token::Sign(sign @ ("-" | "!" | "~" | "+")) = self.token {
            self.next()?;
            self.binding(UNARY, steps)?;
            if sign != "+" {
                steps.push((Step::Unary(sign), place));
            }
            return Ok(());
        }
        self.primary(steps)?;
        while self.is("[") {
            let place = self.place;
            let index = self.index()?;
            steps.push((Step::Part(index), place));
        }
        Ok(())
    }

    fn primary(&mut self, steps: &mut Vec<(Step, Place)>) -> Result<(), QasmError> {
        let place = self.place;
        let step = match self.token {
            Token::Int(value) => Step::Int(value),
            Token::Float(value) => Step::Float(value),
            Token::Duration => Step::Duration,
            Token::Hardware(number) => Step::Hardware(number),
            Token::Text(text) if !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0' | b'1' | b'_')) => {
                Step::Bits(text.replace('_', ""))
            }
            Token::Imaginary(_) => {
                return Err(self.unsupported(place, "a complex number", "write real and imaginary parts as floats"));
            }
            Token::Sign("(") => {
                self.next()?;
                self.binding(0, steps)?;
                return self.expect(")");
            }
            Token::Name(word) => return self.word(word, place, steps),
            _ => return Err(self.unexpected("a value")),
        };
        self.next()?;
        steps.push((step, place));
        Ok(())
    }

    /// A name, a function of something, a cast, or a word that stands for a value.
    fn word(&mut self, word: &str, place: Place, steps: &mut Vec<(Step, Place)>) -> Result<(), QasmError> {
        let three = self.version == Version::Three;
        if three && matches!(word, "true" | "false") {
            self.next()?;
            steps.push((Step::Bool(word == "true"), place));
            return Ok(());
        }
        if three && word == "measure" {
            let advice = "assign `measure ...` to a bit of its own first";
            return Err(self.unsupported(place, "a measurement inside an expression", advice));
        }
        if three && word == "durationof" {
            return Err(self.unsupported(place, "`durationof`", "write the duration itself"));
        }
        if three && let Some(kind) = self.kind()? {
            self.expect("(")?;
            self.binding(0, steps)?;
            self.expect(")")?;
            steps.push((Step::Cast(kind), place));
            return Ok(());
        }
        // `pow` is a modifier and a function.
        let name = if three && word == "pow" {
            self.next()?;
            word.to_owned()
        } else {
            self.name("a value")?.text
        };
        if self.take("(")? {
            let count = self.list(")", |parser| parser.binding(0, steps))?.len();
            steps.push((Step::Call(name, count), place));
        } else {
            steps.push((Step::Name(name), place));
        }
        Ok(())
    }

    /// A classical type, if one comes next.
    pub(super) fn kind(&mut self) -> Result<Option<Kind>, QasmError> {
        let Token::Name(word) = self.token else {
            return Ok(None);
        };
        let base = match word {
            "bit" => Base::Bit,
            "bool" => Base::Bool,
            "int" => Base::Int,
            "uint" => Base::Uint,
            "float" => Base::Float,
            "angle" => Base::Angle,
            "duration" | "stretch" => Base::Duration,
            "complex" => {
                let advice = "write real and imaginary parts as floats";
                return Err(self.unsupported(self.place, "the type `complex`", advice));
            }
            "array" => {
                let advice = "write each element as a constant of its own, or use a set in the loop";
                return Err(self.unsupported(self.place, "the type `array`", advice));
            }
            _ => return Ok(None),
        };
        self.next()?;
        let width = self.designator()?.map(Box::new);
        Ok(Some(Kind { base, width }))
    }

    /// `[width]`, if it comes next.
    pub(super) fn designator(&mut self) -> Result<Option<Expression>, QasmError> {
        if !self.take("[")? {
            return Ok(None);
        }
        let width = self.expression()?;
        self.expect("]")?;
        Ok(Some(width))
    }

    /// What stands in brackets.
    fn index(&mut self) -> Result<Index, QasmError> {
        self.expect("[")?;
        let index = if self.take("{")? {
            Index::Set(self.list("}", Self::expression)?)
        } else {
            self.item_or_range()?
        };
        if self.is(",") {
            let advice = "registers have one axis: write one index";
            return Err(self.unsupported(self.place, "an index of several axes", advice));
        }
        self.expect("]")?;
        Ok(index)
    }

    fn item_or_range(&mut self) -> Result<Index, QasmError> {
        if !self.is(":") {
            let item = self.expression()?;
            if !self.is(":") {
                return Ok(Index::Item(Box::new(item)));
            }
            return Ok(Index::Range(Box::new(self.range_after(Some(item))?)));
        }
        Ok(Index::Range(Box::new(self.range_after(None)?)))
    }

    /// The rest of `start:stop` or `start:step:stop`.
    pub(super) fn range_after(&mut self, start: Option<Expression>) -> Result<Range, QasmError> {
        self.expect(":")?;
        let ends = |parser: &Self| parser.is("]") || parser.is(":") || parser.is(",");
        let second = if ends(self) { None } else { Some(self.expression()?) };
        if !self.take(":")? {
            return Ok(Range {
                start,
                step: None,
                stop: second,
            });
        }
        let third = if ends(self) { None } else { Some(self.expression()?) };
        Ok(Range {
            start,
            step: second,
            stop: third,
        })
    }

    /// A register, a part of one, or a qubit of the hardware.
    pub(super) fn operand(&mut self, what: &str) -> Result<Operand, QasmError> {
        let place = self.place;
        if let Token::Hardware(number) = self.token {
            self.next()?;
            return Ok(Operand {
                what: Target::Hardware(number),
                parts: Vec::new(),
                place,
            });
        }
        let name = self.name(what)?;
        self.parts_of(name.text, place)
    }

    /// The brackets after a name that has been read.
    pub(super) fn parts_of(&mut self, name: String, place: Place) -> Result<Operand, QasmError> {
        let mut parts = Vec::new();
        while self.is("[") {
            parts.push(self.index()?);
        }
        Ok(Operand {
            what: Target::Named(name),
            parts,
            place,
        })
    }
}
