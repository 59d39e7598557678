//! What each statement does to the program so far.

use super::Lowering;
use super::scope::Symbol;
use super::value::{Group, Value};
use crate::qasm::ast::{Statement, What};
use crate::qasm::error::{Problem, QasmError};

/// Where a program goes on after a statement.
#[derive(Debug)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    End,
    Return(Value),
}

impl Lowering<'_> {
    /// Runs statements in a block of their own.
    pub(super) fn block(&mut self, statements: &[Statement]) -> Result<Flow, QasmError> {
        self.scope.open(false);
        let flow = self.statements(statements);
        self.scope.close();
        flow
    }

    /// Runs statements one after the other.
    pub(super) fn statements(&mut self, statements: &[Statement]) -> Result<Flow, QasmError> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// Runs one statement.
    pub(super) fn statement(&mut self, statement: &Statement) -> Result<Flow, QasmError> {
        let place = statement.place;
        self.deeper(place, |lowering| lowering.dispatch(statement))
    }

    fn dispatch(&mut self, statement: &Statement) -> Result<Flow, QasmError> {
        let place = statement.place;
        match &statement.what {
            What::Include(file) => return self.include(file, place),
            What::Qubits(name, size) => self.declare_qubits(name, size.as_ref(), place)?,
            What::Declare {
                constant,
                kind,
                name,
                value,
            } => self.declare(*constant, kind, name, value.as_ref(), place)?,
            What::Input(kind, name) => self.declare_input(kind, name)?,
            What::Output(kind, name) => self.declare(false, kind, name, None, place)?,
            What::Alias(name, parts) => self.declare_alias(name, parts)?,
            What::Gate {
                name,
                parameters,
                qubits,
                body,
            } => self.define_gate(name, parameters, qubits, body)?,
            What::Opaque {
                name,
                parameters,
                qubits,
            } => self.define_opaque(name, *parameters, *qubits)?,
            What::Subroutine { name, formals, body } => self.define_subroutine(name, formals, body)?,
            What::Call(call) => self.call_gate(call)?,
            What::Measure(source, target) => self.measure(source, target.as_ref(), place)?,
            What::Reset(operand) => self.reset(operand)?,
            What::Barrier(operands) => self.barrier(operands, place)?,
            What::Delay(duration, operands) => {
                self.evaluate(duration)?;
                self.pass_over(operands)?;
            }
            What::Nop(operands) => self.pass_over(operands)?,
            What::Box(body) | What::Block(body) => return self.block(body),
            What::If { condition, then, other } => return self.branch(condition, then, other),
            What::For {
                kind,
                name,
                domain,
                body,
            } => return self.for_loop(kind, name, domain, body, place),
            What::While(condition, body) => return self.while_loop(condition, body),
            What::Switch {
                subject,
                cases,
                default,
            } => return self.switch(subject, cases, default),
            What::Assign {
                target,
                operator,
                value,
            } => self.assign(target, *operator, value, place)?,
            What::Evaluate(expression) => {
                self.evaluate(expression)?;
            }
            What::Return(_) if self.calls == 0 => {
                return Err(place.error(Problem::Misplaced {
                    what: "`return`",
                    place: "outside of a subroutine",
                    advice: "remove it, or end the program with `end;`",
                }));
            }
            What::Return(value) => {
                let value = match value {
                    None => Value::Nothing,
                    Some(source) => self.source(source, place)?,
                };
                return self.leave(Flow::Return(value), "`return`", place);
            }
            What::Break => return self.leave(Flow::Break, "`break`", place),
            What::Continue => return self.leave(Flow::Continue, "`continue`", place),
            What::End => return self.leave(Flow::End, "`end`", place),
        }
        Ok(Flow::Next)
    }

    /// The one register that all qubits of the hardware form grows as they are named.
    pub(super) fn hardware_qubit(&mut self, number: u32) -> Option<Value> {
        if !self.hardware && !self.qubits.is_empty() {
            return None;
        }
        self.hardware = true;
        let number = number as usize;
        if number >= crate::MAX_QUBITS {
            return None;
        }
        self.qubit_count = self.qubit_count.max(number + 1);
        self.qubits = vec![crate::qasm::Register {
            name: "$".to_owned(),
            start: 0,
            size: self.qubit_count,
        }];
        Some(Value::Qubits(Group::one(number, format!("${number}").into())))
    }

    /// The meaning of a name.
    pub(super) fn symbol(&self, name: &str) -> Option<&Symbol> {
        self.scope.find(name)
    }
}
