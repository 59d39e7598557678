//! Control flow: what is known is decided here and written out, what a run decides becomes conditions.

use std::rc::Rc;

use super::Lowering;
use super::arithmetic::{binary, test_of};
use super::definition::Subroutine;
use super::evaluate::cast;
use super::scope::group_of;
use super::statement::Flow;
use super::test::{Outcome, Test};
use super::value::{Group, Value};
use crate::qasm::ast::{Base, Domain, Expression, FormalKind, Kind, Name, Statement};
use crate::qasm::error::{Place, Problem, QasmError};

impl Lowering<'_> {
    /// Leaves a block early, which no measurement may decide.
    pub(super) fn leave(&self, flow: Flow, what: &str, place: Place) -> Result<Flow, QasmError> {
        if self.condition.is_none() {
            return Ok(flow);
        }
        Err(place.error(Problem::Unsupported {
            what: format!("{what} that depends on a measurement"),
            advice: "put the statements that follow under a condition instead".to_owned(),
        }))
    }

    fn truth_of(&mut self, condition: &Expression) -> Result<Outcome, QasmError> {
        let value = self.evaluate(condition)?;
        test_of(&value).ok_or_else(|| {
            condition.place.error(if value.is_late() {
                let what = "a condition on an input".to_owned();
                Problem::NotConstant { what }
            } else {
                Problem::Type {
                    what: "a condition".to_owned(),
                    expected: "a boolean",
                    found: value.kind(),
                }
            })
        })
    }

    pub(super) fn branch(
        &mut self,
        condition: &Expression,
        then: &[Statement],
        other: &[Statement],
    ) -> Result<Flow, QasmError> {
        match self.truth_of(condition)? {
            Outcome::Known(true) => self.block(then),
            Outcome::Known(false) => self.block(other),
            Outcome::Test(test) => {
                self.under(test.clone(), then, condition.place)?;
                self.under(test.not(), other, condition.place)?;
                self.settle();
                Ok(Flow::Next)
            }
            Outcome::Beyond => Err(beyond(condition.place)),
        }
    }

    /// Statements that are done only when a test holds too.
    fn under(&mut self, test: Test, statements: &[Statement], place: Place) -> Result<(), QasmError> {
        if statements.is_empty() {
            return Ok(());
        }
        let outcome = match self.condition.clone() {
            None => Outcome::Test(test),
            Some(outer) => outer.and(test),
        };
        let inner = match outcome {
            Outcome::Known(false) => return Ok(()),
            Outcome::Known(true) => None,
            Outcome::Test(test) => Some(test),
            Outcome::Beyond => return Err(beyond(place)),
        };
        let outer = std::mem::replace(&mut self.condition, inner);
        let flow = self.block(statements);
        self.condition = outer;
        flow.map(drop)
    }

    /// After a branch: outside of all conditions, nobody remembers which bits were measured anew.
    fn settle(&mut self) {
        if self.condition.is_none() {
            self.overwritten.clear();
        }
    }

    pub(super) fn switch(
        &mut self,
        subject: &Expression,
        cases: &[(Vec<Expression>, Vec<Statement>)],
        default: &[Statement],
    ) -> Result<Flow, QasmError> {
        let value = self.evaluate(subject)?;
        let mut rest: Option<Test> = None;
        for (labels, body) in cases {
            for label in labels {
                let wanted = self.evaluate(label)?;
                let same = binary("==", &value, &wanted, self.version).map_err(|problem| label.place.error(problem))?;
                match test_of(&same) {
                    Some(Outcome::Known(true)) => return self.block(body),
                    Some(Outcome::Test(test)) => {
                        self.under(test.clone(), body, label.place)?;
                        let others = test.not();
                        rest = match rest.take().map(|rest| rest.and(others.clone())) {
                            None => Some(others),
                            Some(Outcome::Test(rest)) => Some(rest),
                            // Only the default needs to know what is left.
                            Some(_) if default.is_empty() => Some(others),
                            Some(_) => return Err(beyond(label.place)),
                        };
                    }
                    _ => {}
                }
            }
        }
        match rest {
            None => self.block(default),
            Some(rest) => {
                self.under(rest, default, subject.place)?;
                self.settle();
                Ok(Flow::Next)
            }
        }
    }

    pub(super) fn while_loop(&mut self, condition: &Expression, body: &[Statement]) -> Result<Flow, QasmError> {
        loop {
            match self.truth_of(condition)? {
                Outcome::Known(false) => return Ok(Flow::Next),
                Outcome::Known(true) => {}
                _ => {
                    return Err(condition.place.error(Problem::Unsupported {
                        what: "a `while` loop that depends on a measurement".to_owned(),
                        advice: "repeat the body a fixed number of times, each under an `if`".to_owned(),
                    }));
                }
            }
            self.step(1, condition.place)?;
            match self.block(body)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                flow => return Ok(flow),
            }
        }
    }

    pub(super) fn for_loop(
        &mut self,
        kind: &Kind,
        name: &Name,
        domain: &Domain,
        body: &[Statement],
        place: Place,
    ) -> Result<Flow, QasmError> {
        let kind = self.type_of(kind, place)?;
        let turn = |lowering: &mut Self, value: Value| -> Result<Option<Flow>, QasmError> {
            lowering.step(1, place)?;
            let value = cast(kind, value, place)?;
            lowering.scope.open(false);
            lowering.scope.bind(&name.text, value);
            let flow = lowering.statements(body);
            lowering.scope.close();
            Ok(match flow? {
                Flow::Next | Flow::Continue => None,
                Flow::Break => Some(Flow::Next),
                flow => Some(flow),
            })
        };
        match domain {
            Domain::Range(range) if kind.base == Base::Float => {
                let [start, step, stop] = [&range.start, &range.step, &range.stop];
                let number = |lowering: &mut Self, end: &Option<Expression>| match end {
                    None => Ok(None),
                    Some(end) => lowering.evaluate(end).map(|value| value.number()),
                };
                let (start, stop) = (number(self, start)?, number(self, stop)?);
                let step = number(self, step)?.unwrap_or(1.0);
                let (Some(start), Some(stop)) = (start, stop) else {
                    return Err(open_range(place));
                };
                let count = ((stop - start) / step + 1e-9).floor();
                let mut at = 0.0;
                while at <= count && step != 0.0 {
                    if let Some(flow) = turn(self, Value::Float(start + at * step))? {
                        return Ok(flow);
                    }
                    at += 1.0;
                }
            }
            Domain::Range(range) => {
                let (Some(start), Some(stop)) = (&range.start, &range.stop) else {
                    return Err(open_range(place));
                };
                let (mut at, stop) = (
                    self.integer(start, "a loop's start")?,
                    self.integer(stop, "a loop's end")?,
                );
                let step = match &range.step {
                    None => 1,
                    Some(step) => self.integer(step, "a loop's step")?,
                };
                if step == 0 {
                    return Err(place.error(Problem::Arithmetic {
                        problem: "the step of a loop is zero".to_owned(),
                    }));
                }
                while if step > 0 { at <= stop } else { at >= stop } {
                    if let Some(flow) = turn(self, Value::Int(at))? {
                        return Ok(flow);
                    }
                    match at.checked_add(step) {
                        Some(next) => at = next,
                        None => break,
                    }
                }
            }
            Domain::Set(items) => {
                for item in items {
                    let value = self.evaluate(item)?;
                    if let Some(flow) = turn(self, value)? {
                        return Ok(flow);
                    }
                }
            }
            Domain::Named(expression) => {
                let Value::Bits(bits) = self.evaluate(expression)? else {
                    return Err(expression.place.error(Problem::Unsupported {
                        what: "a loop over this value".to_owned(),
                        advice: "loop over a range `[first:last]` or a set `{a, b}`".to_owned(),
                    }));
                };
                for bit in bits.iter() {
                    if let Some(flow) = turn(self, Value::Bool(*bit))? {
                        return Ok(flow);
                    }
                }
            }
        }
        Ok(Flow::Next)
    }

    /// Writes a subroutine out where it is called; what it returns is the call's value.
    pub(super) fn run_subroutine(
        &mut self,
        subroutine: &Rc<Subroutine>,
        arguments: Vec<Value>,
        place: Place,
    ) -> Result<Value, QasmError> {
        if arguments.len() != subroutine.formals.len() {
            return Err(place.error(Problem::Count {
                name: subroutine.name.clone(),
                what: "arguments",
                expected: subroutine.formals.len(),
                found: arguments.len(),
            }));
        }
        self.step(1, place)?;
        let mut values = Vec::with_capacity(arguments.len());
        for (formal, argument) in subroutine.formals.iter().zip(arguments) {
            values.push((&formal.name, self.argument(&formal.kind, argument, &formal.name)?));
        }
        self.scope.open(true);
        for (name, value) in values {
            self.scope.bind(&name.text, value);
        }
        self.calls += 1;
        let flow = self.deeper(place, |lowering| lowering.statements(&subroutine.body));
        self.calls -= 1;
        self.scope.close();
        match flow? {
            Flow::Return(value) => Ok(value),
            Flow::Next => Ok(Value::Nothing),
            _ => Err(place.error(Problem::Misplaced {
                what: "`break`, `continue` or `end`",
                place: "in a subroutine outside of its loops",
                advice: "use `return`",
            })),
        }
    }

    /// An argument as the subroutine takes it.
    fn argument(&mut self, formal: &FormalKind, value: Value, name: &Name) -> Result<Value, QasmError> {
        let size = match formal {
            FormalKind::Classical(kind) => {
                let kind = self.type_of(kind, name.place)?;
                if !matches!(value, Value::Clbits(_)) {
                    return cast(kind, value, name.place);
                }
                (kind.base == Base::Bit).then_some(kind.width)
            }
            FormalKind::Qubits(size) if matches!(value, Value::Qubits(_)) => Some(match size {
                None => None,
                Some(size) => Some(self.register_size(size, "the size of a register")?),
            }),
            FormalKind::Qubits(_) => None,
        };
        let fits = match (size, group_of(&value)) {
            (Some(width), Some(group)) => width.unwrap_or(1) == group.members.len(),
            _ => false,
        };
        if fits {
            return Ok(match value {
                Value::Clbits(group) => Value::Clbits(Group { copied: true, ..group }),
                value => value,
            });
        }
        Err(name.place.error(Problem::Type {
            what: format!("the parameter `{}`", name.text),
            expected: "a register of its own kind and size",
            found: value.kind(),
        }))
    }
}

fn open_range(place: Place) -> QasmError {
    place.error(Problem::Expected {
        expected: "both ends of the loop's range".to_owned(),
        found: "an open range".to_owned(),
    })
}

fn beyond(place: Place) -> QasmError {
    place.error(Problem::Unsupported {
        what: "this combination of conditions on measured bits".to_owned(),
        advice: "a condition compares some bits with one value: split the `if` into several".to_owned(),
    })
}
