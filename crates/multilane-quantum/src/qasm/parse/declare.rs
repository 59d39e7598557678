//! Read declarations: registers, constants, variables, inputs, aliases and subroutines.

use super::Parser;
use crate::qasm::ast::{Base, Formal, FormalKind, Kind, What};
use crate::qasm::error::QasmError;

impl Parser<'_> {
    /// `qreg name[size];` or `creg name[size];`, with the first word next.
    pub(super) fn register(&mut self) -> Result<What, QasmError> {
        let quantum = self.take_word("qreg")?;
        if !quantum {
            self.expect_word("creg")?;
        }
        let name = self.name("the register's name")?;
        let size = self.designator()?;
        self.expect(";")?;
        if quantum {
            return Ok(What::Qubits(name, size));
        }
        Ok(What::Declare {
            constant: false,
            kind: Kind {
                base: Base::Bit,
                width: size.map(Box::new),
            },
            name,
            value: None,
        })
    }

    /// A declaration of version 3, or else a statement that starts with a name.
    pub(super) fn declaration_or_named(&mut self, word: &str) -> Result<What, QasmError> {
        match word {
            "qubit" => {
                self.next()?;
                let size = self.designator()?;
                let name = self.name("the register's name")?;
                self.expect(";")?;
                Ok(What::Qubits(name, size))
            }
            "let" => {
                self.next()?;
                let name = self.name("the alias' name")?;
                self.expect("=")?;
                let mut parts = vec![self.expression()?];
                while self.take("++")? {
                    parts.push(self.expression()?);
                }
                self.expect(";")?;
                Ok(What::Alias(name, parts))
            }
            "input" | "output" => {
                self.next()?;
                let kind = self.declared_kind()?;
                let name = self.name("the variable's name")?;
                self.expect(";")?;
                Ok(if word == "input" {
                    What::Input(kind, name)
                } else {
                    What::Output(kind, name)
                })
            }
            "const" => {
                self.next()?;
                let kind = self.declared_kind()?;
                self.variable(true, kind)
            }
            "def" => self.subroutine(),
            _ => match self.kind()? {
                Some(kind) => self.variable(false, kind),
                None => self.named_statement(),
            },
        }
    }

    fn declared_kind(&mut self) -> Result<Kind, QasmError> {
        match self.kind()? {
            Some(kind) => Ok(kind),
            None => Err(self.unexpected("a type, such as `float`")),
        }
    }

    fn variable(&mut self, constant: bool, kind: Kind) -> Result<What, QasmError> {
        let name = self.name("the variable's name")?;
        let value = if self.take("=")? { Some(self.source()?) } else { None };
        if constant && value.is_none() {
            return Err(self.unexpected("`=` and the constant's value"));
        }
        self.expect(";")?;
        Ok(What::Declare {
            constant,
            kind,
            name,
            value,
        })
    }

    /// `def name(parameters) -> type { body }`, with `def` next.
    fn subroutine(&mut self) -> Result<What, QasmError> {
        self.next()?;
        let name = self.name("the subroutine's name")?;
        self.expect("(")?;
        let formals = self.list(")", Self::formal)?;
        if self.take("->")? {
            self.declared_kind()?;
        }
        self.expect("{")?;
        let body = self.deeper(Self::statements_to_brace)?;
        Ok(What::Subroutine { name, formals, body })
    }

    fn formal(&mut self) -> Result<Formal, QasmError> {
        if self.take_word("qubit")? {
            let size = self.designator()?;
            let name = self.name("the parameter's name")?;
            return Ok(Formal {
                name,
                kind: FormalKind::Qubits(size),
            });
        }
        if self.is_word("qreg") || self.is_word("creg") {
            let quantum = self.take_word("qreg")? || !self.take_word("creg")?;
            let name = self.name("the parameter's name")?;
            let size = self.designator()?;
            let kind = if quantum {
                FormalKind::Qubits(size)
            } else {
                FormalKind::Classical(Kind {
                    base: Base::Bit,
                    width: size.map(Box::new),
                })
            };
            return Ok(Formal { name, kind });
        }
        if self.is_word("readonly") || self.is_word("mutable") {
            let advice = "pass the elements one by one";
            return Err(self.unsupported(self.place, "an array as a parameter", advice));
        }
        let kind = self.declared_kind()?;
        let name = self.name("the parameter's name")?;
        Ok(Formal {
            name,
            kind: FormalKind::Classical(kind),
        })
    }
}
