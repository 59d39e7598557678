//! Read gates: their definitions and, with modifiers, their applications.

use super::{Parser, Version};
use crate::qasm::ast::{Call, Expression, Modifier, Name, Operand, Statement, What};
use crate::qasm::error::{Place, QasmError};
use crate::qasm::lex::Token;

impl Parser<'_> {
    /// `gate name(parameters) qubits { body }`, its first word read.
    pub(super) fn gate_definition(&mut self) -> Result<What, QasmError> {
        let name = self.name("the gate's name")?;
        let parameters = self.formal_parameters()?;
        let qubits = self.list("{", |parser| parser.name("the name of a qubit"))?;
        let body = self.deeper(Self::statements_to_brace)?;
        Ok(What::Gate {
            name,
            parameters,
            qubits,
            body,
        })
    }

    /// `opaque name(parameters) qubits;`, its first word read.
    pub(super) fn opaque_definition(&mut self) -> Result<What, QasmError> {
        let name = self.name("the gate's name")?;
        let parameters = self.formal_parameters()?.len();
        let qubits = self.list(";", |parser| parser.name("the name of a qubit"))?.len();
        Ok(What::Opaque {
            name,
            parameters,
            qubits,
        })
    }

    fn formal_parameters(&mut self) -> Result<Vec<Name>, QasmError> {
        if self.take("(")? {
            return self.list(")", |parser| parser.name("the name of a parameter"));
        }
        Ok(Vec::new())
    }

    /// `ctrl(2) @ inv @ gate(...) qubits;`, with the first modifier next.
    pub(super) fn modified_gate(&mut self) -> Result<What, QasmError> {
        let mut modifiers = Vec::new();
        while let Token::Name(word @ ("inv" | "pow" | "ctrl" | "negctrl")) = self.token {
            self.next()?;
            let argument = if word != "inv" && self.take("(")? {
                let argument = self.expression()?;
                self.expect(")")?;
                Some(argument)
            } else {
                None
            };
            let modifier = match (word, argument) {
                ("inv", _) => Modifier::Inverse,
                ("pow", Some(exponent)) => Modifier::Power(exponent),
                ("pow", None) => return Err(self.unexpected("the exponent in brackets")),
                (control, count) => Modifier::Control(control == "ctrl", count),
            };
            self.expect("@")?;
            modifiers.push(modifier);
        }
        self.gate_application(modifiers)
    }

    /// A gate's name, arguments and qubits.
    fn gate_application(&mut self, modifiers: Vec<Modifier>) -> Result<What, QasmError> {
        let name = if self.is_word("gphase") {
            let (_, place) = self.next()?;
            Name {
                text: "gphase".to_owned(),
                place,
            }
        } else {
            self.name("the name of a gate")?
        };
        let arguments = self.call_arguments()?;
        self.gate_operands(modifiers, name, arguments)
    }

    /// `gphase(angle) qubits;`, with its name next.
    pub(super) fn phase(&mut self) -> Result<What, QasmError> {
        self.gate_application(Vec::new())
    }

    /// `(a, b)`, if it comes next.
    pub(super) fn call_arguments(&mut self) -> Result<Vec<Expression>, QasmError> {
        if self.take("(")? {
            return self.list(")", Self::expression);
        }
        Ok(Vec::new())
    }

    /// The qubits of a gate, up to the semicolon.
    pub(super) fn gate_operands(
        &mut self,
        modifiers: Vec<Modifier>,
        name: Name,
        arguments: Vec<Expression>,
    ) -> Result<What, QasmError> {
        self.no_duration()?;
        if !self.starts_operand() && name.text != "gphase" {
            return Err(self.unexpected("a qubit"));
        }
        let operands = self.operands("a qubit")?;
        Ok(What::Call(Call {
            modifiers,
            name,
            arguments,
            operands,
        }))
    }

    /// Refuses the duration that a gate may be given in brackets.
    fn no_duration(&self) -> Result<(), QasmError> {
        if self.is("[") {
            let advice = "leave the duration out: gates take no time here";
            return Err(self.unsupported(self.place, "a gate with a duration", advice));
        }
        Ok(())
    }

    /// Whether a qubit comes next.
    pub(super) fn starts_operand(&self) -> bool {
        match self.token {
            Token::Name(word) => !super::is_keyword(self.version, word),
            Token::Hardware(_) => true,
            _ => false,
        }
    }

    /// Operands up to the semicolon.
    pub(super) fn operands(&mut self, what: &str) -> Result<Vec<Operand>, QasmError> {
        self.list(";", |parser| parser.operand(what))
    }

    /// Statements up to the closing brace.
    pub(super) fn statements_to_brace(&mut self) -> Result<Vec<Statement>, QasmError> {
        let mut statements = Vec::new();
        while !self.take("}")? {
            if self.token == Token::End {
                return Err(self.unexpected("`}`"));
            }
            statements.extend(self.statement()?);
        }
        Ok(statements)
    }

    /// A statement that starts with a name that is no keyword: a gate, a call or an assignment.
    pub(super) fn named_statement(&mut self) -> Result<What, QasmError> {
        let name = self.name("a statement")?;
        let place = name.place;
        if self.is("(") {
            let arguments = self.call_arguments()?;
            if self.starts_operand() || self.is("[") {
                return self.gate_operands(Vec::new(), name, arguments);
            }
            return self.subroutine_call(name, arguments, place);
        }
        if self.starts_operand() {
            return self.gate_operands(Vec::new(), name, Vec::new());
        }
        if self.version == Version::Two {
            return Err(self.unexpected("`(` or a qubit"));
        }
        let target = self.parts_of(name.text, place)?;
        if self.starts_operand() {
            return Err(self.unsupported(place, "a gate with a duration", "leave the duration out"));
        }
        self.assignment(target)
    }
}

/// How a place that starts a call is spelt in the tree: its arguments, then the call.
pub(super) fn call_steps(name: Name, arguments: Vec<Expression>, place: Place) -> Expression {
    let count = arguments.len();
    let mut steps: Vec<_> = arguments.into_iter().flat_map(|argument| argument.steps).collect();
    steps.push((crate::qasm::ast::Step::Call(name.text, count), place));
    Expression { steps, place }
}
