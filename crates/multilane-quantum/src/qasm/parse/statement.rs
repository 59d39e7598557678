//! Read statements. What each means, and whether it may stand where it stands, is decided later.

use super::gate::call_steps;
use super::{Parser, Version};
use crate::qasm::ast::{Domain, Expression, Name, Operand, Source, Statement, What};
use crate::qasm::error::{Place, QasmError};
use crate::qasm::lex::Token;

/// Operators that change the variable on their left.
const ASSIGNMENTS: [(&str, &str); 11] = [
    ("+=", "+"),
    ("-=", "-"),
    ("*=", "*"),
    ("/=", "/"),
    ("%=", "%"),
    ("**=", "**"),
    ("&=", "&"),
    ("|=", "|"),
    ("^=", "^"),
    ("<<=", "<<"),
    (">>=", ">>"),
];

impl Parser<'_> {
    /// The next statement of the text; nothing at its end.
    pub(in crate::qasm) fn next_statement(&mut self) -> Result<Option<Statement>, QasmError> {
        while self.token != Token::End {
            if let Some(statement) = self.statement()? {
                return Ok(Some(statement));
            }
        }
        Ok(None)
    }

    /// One statement, or nothing for a semicolon on its own.
    pub(super) fn statement(&mut self) -> Result<Option<Statement>, QasmError> {
        let place = self.place;
        if self.take(";")? {
            return Ok(None);
        }
        let what = self.deeper(|parser| parser.any_statement(place))?;
        Ok(Some(Statement { what, place }))
    }

    fn any_statement(&mut self, place: Place) -> Result<What, QasmError> {
        if self.is("{") && self.version == Version::Three {
            return Ok(What::Block(self.body()?));
        }
        let Token::Name(word) = self.token else {
            return Err(self.unexpected("a statement"));
        };
        match word {
            "include" => {
                self.next()?;
                let file = self.text("a file's name in quotes")?;
                self.expect(";")?;
                Ok(What::Include(file))
            }
            "OPENQASM" => Err(self.unexpected("a statement, the version being the first line")),
            "gate" => {
                self.next()?;
                self.gate_definition()
            }
            "qreg" | "creg" => self.register(),
            "measure" => self.measure(),
            "reset" => {
                self.next()?;
                let operand = self.operand("a qubit")?;
                self.expect(";")?;
                Ok(What::Reset(operand))
            }
            "barrier" => {
                self.next()?;
                Ok(What::Barrier(self.operands("a qubit")?))
            }
            "if" => self.branch(),
            "opaque" if self.version == Version::Two => {
                self.next()?;
                self.opaque_definition()
            }
            _ if self.version == Version::Two => self.named_statement(),
            _ => self.statement_of_3(word, place),
        }
    }

    fn statement_of_3(&mut self, word: &str, place: Place) -> Result<What, QasmError> {
        match word {
            "ctrl" | "negctrl" | "inv" | "pow" => self.modified_gate(),
            "gphase" => self.phase(),
            "for" => self.for_loop(),
            "while" => {
                self.next()?;
                let condition = self.condition()?;
                Ok(What::While(condition, self.body()?))
            }
            "switch" => self.switch(),
            "box" => {
                self.next()?;
                self.designator()?;
                Ok(What::Box(self.body()?))
            }
            "delay" => {
                self.next()?;
                let Some(duration) = self.designator()? else {
                    return Err(self.unexpected("a duration in square brackets"));
                };
                Ok(What::Delay(duration, self.operands("a qubit")?))
            }
            "nop" => {
                self.next()?;
                Ok(What::Nop(self.operands("a qubit")?))
            }
            "return" => {
                self.next()?;
                let value = if self.is(";") { None } else { Some(self.source()?) };
                self.expect(";")?;
                Ok(What::Return(value))
            }
            "break" => self.word_alone(What::Break),
            "continue" => self.word_alone(What::Continue),
            "end" => self.word_alone(What::End),
            "cal" | "defcal" | "defcalgrammar" => {
                let advice = "remove it: gates do what their definitions say, not what pulses do";
                Err(self.unsupported(place, "calibration", advice))
            }
            "extern" => {
                let advice = "compute the value before the program is written";
                Err(self.unsupported(place, "an `extern` function", advice))
            }
            _ => self.declaration_or_named(word),
        }
    }

    fn word_alone(&mut self, what: What) -> Result<What, QasmError> {
        self.next()?;
        self.expect(";")?;
        Ok(what)
    }

    /// One statement or a block, as statements.
    fn body(&mut self) -> Result<Vec<Statement>, QasmError> {
        self.deeper(|parser| {
            if parser.version == Version::Three && parser.take("{")? {
                return parser.statements_to_brace();
            }
            Ok(parser.statement()?.into_iter().collect())
        })
    }

    fn condition(&mut self) -> Result<Expression, QasmError> {
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        Ok(condition)
    }

    fn branch(&mut self) -> Result<What, QasmError> {
        self.next()?;
        let condition = self.condition()?;
        let then = self.body()?;
        let other = if self.version == Version::Three && self.take_word("else")? {
            self.body()?
        } else {
            Vec::new()
        };
        Ok(What::If { condition, then, other })
    }

    fn for_loop(&mut self) -> Result<What, QasmError> {
        self.next()?;
        let Some(kind) = self.kind()? else {
            return Err(self.unexpected("the type of the loop's variable, such as `int`"));
        };
        let name = self.name("the loop's variable")?;
        self.expect_word("in")?;
        let domain = if self.take("{")? {
            Domain::Set(self.list("}", Self::expression)?)
        } else if self.take("[")? {
            let start = if self.is(":") { None } else { Some(self.expression()?) };
            let range = self.range_after(start)?;
            self.expect("]")?;
            Domain::Range(range)
        } else {
            Domain::Named(self.expression()?)
        };
        let body = self.body()?;
        Ok(What::For {
            kind,
            name,
            domain,
            body,
        })
    }

    fn switch(&mut self) -> Result<What, QasmError> {
        self.next()?;
        let subject = self.condition()?;
        self.expect("{")?;
        let (mut cases, mut default) = (Vec::new(), Vec::new());
        while !self.take("}")? {
            if self.take_word("default")? {
                default = self.body()?;
                self.expect("}")?;
                break;
            }
            self.expect_word("case")?;
            let labels = self.list("{", Self::expression)?;
            cases.push((labels, self.deeper(Self::statements_to_brace)?));
        }
        Ok(What::Switch {
            subject,
            cases,
            default,
        })
    }

    /// `measure qubits -> bits;`, with `measure` next.
    fn measure(&mut self) -> Result<What, QasmError> {
        self.next()?;
        let source = self.operand("a qubit")?;
        let target = if self.take("->")? {
            Some(self.operand("a bit")?)
        } else if self.version == Version::Two {
            return Err(self.unexpected("`->`"));
        } else {
            None
        };
        self.expect(";")?;
        Ok(What::Measure(source, target))
    }

    /// What may stand right of `=`.
    pub(super) fn source(&mut self) -> Result<Source, QasmError> {
        if self.take_word("measure")? {
            return Ok(Source::Measured(self.operand("a qubit")?));
        }
        Ok(Source::Value(self.expression()?))
    }

    /// The rest of `target = value;`.
    pub(super) fn assignment(&mut self, target: Operand) -> Result<What, QasmError> {
        let operator = if self.take("=")? {
            None
        } else {
            let known = ASSIGNMENTS.iter().find(|(sign, _)| self.is(sign));
            let Some((_, operator)) = known else {
                return Err(self.unexpected("`=`, `(` or a qubit"));
            };
            self.next()?;
            Some(*operator)
        };
        let value = self.source()?;
        self.expect(";")?;
        Ok(What::Assign {
            target,
            operator,
            value,
        })
    }

    /// The rest of `name(arguments);`, perhaps with `-> target`.
    pub(super) fn subroutine_call(
        &mut self,
        name: Name,
        arguments: Vec<Expression>,
        place: Place,
    ) -> Result<What, QasmError> {
        let call = call_steps(name, arguments, place);
        if self.take("->")? {
            let target = self.operand("a bit")?;
            self.expect(";")?;
            return Ok(What::Assign {
                target,
                operator: None,
                value: Source::Value(call),
            });
        }
        if !self.is(";") {
            return Err(self.unexpected("a qubit or `;`"));
        }
        self.next()?;
        Ok(What::Evaluate(call))
    }
}
