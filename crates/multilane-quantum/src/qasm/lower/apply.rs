//! Apply gates: operands and broadcasting, modifiers, and definitions written out.

use std::rc::Rc;

use super::Lowering;
use super::definition::{Body, Definition, Meaning};
use super::library::{self, Native};
use super::scope::Symbol;
use super::value::{Group, Value};
use crate::qasm::ast::{Call, Modifier, Name};
use crate::qasm::error::{Place, Problem, QasmError};
use crate::{Angle, Control, Gate, Operation};

/// A modifier, its numbers computed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Inverse,
    Power(f64),
    /// So many controls that wait for ones, or for zeros.
    Controls(bool, usize),
}

/// Controls of one gate, at most: no register has more qubits.
const MAX_CONTROLS: i128 = crate::MAX_QUBITS as i128;

impl Lowering<'_> {
    /// The gate of a name, where it is called.
    pub(super) fn gate(&self, name: &Name) -> Result<Rc<Definition>, QasmError> {
        if let Some(caller) = self.gates.last()
            && let Meaning::Body(body) = &caller.meaning
            && let Some(definition) = body.callees.get(&name.text)
        {
            return Ok(definition.clone());
        }
        let problem = match self.symbol(&name.text) {
            Some(Symbol::Gate(definition)) => return Ok(definition.clone()),
            Some(other) => Problem::Mismatch {
                name: name.text.clone(),
                found: other.kind(),
                expected: "a gate",
            },
            None => Problem::UnknownName {
                kind: "gate",
                name: name.text.clone(),
                similar: self.scope.similar(&name.text),
                library: library::library_of(&name.text, self.version),
            },
        };
        Err(name.place.error(problem))
    }

    /// One statement that applies a gate, to one qubit each or all along registers.
    pub(super) fn call_gate(&mut self, call: &Call) -> Result<(), QasmError> {
        let definition = self.gate(&call.name)?;
        let counted = |what: &'static str, expected: usize, found: usize| {
            call.name.place.error(Problem::Count {
                name: call.name.text.clone(),
                what,
                expected,
                found,
            })
        };
        if definition.parameters != call.arguments.len() {
            return Err(counted("parameters", definition.parameters, call.arguments.len()));
        }
        let arguments = (call.arguments.iter())
            .map(|argument| {
                let value = self.evaluate(argument)?;
                if value.angle().is_some() {
                    return Ok(value);
                }
                Err(argument.place.error(Problem::Type {
                    what: format!("a parameter of `{}`", call.name.text),
                    expected: "an angle",
                    found: value.kind(),
                }))
            })
            .collect::<Result<Vec<_>, QasmError>>()?;
        let changes = self.changes(call)?;
        let controls: usize = (changes.iter())
            .map(|change| {
                if let Change::Controls(_, count) = change {
                    *count
                } else {
                    0
                }
            })
            .sum();
        let expected = definition.qubits.saturating_add(controls);
        if expected != call.operands.len() {
            return Err(counted("qubits", expected, call.operands.len()));
        }
        let groups = (call.operands.iter())
            .map(|operand| self.qubits(operand))
            .collect::<Result<Vec<_>, _>>()?;
        for index in 0..self.broadcast_length(&call.name, &groups)? {
            let qubits: Vec<usize> = (groups.iter())
                .map(|group| group.members[if group.single { 0 } else { index }])
                .collect();
            self.check_distinct(&call.name, &groups, &qubits)?;
            self.apply(&definition, &arguments, &qubits, &changes, call.name.place)?;
        }
        Ok(())
    }

    /// The modifiers of a call, outermost first.
    fn changes(&mut self, call: &Call) -> Result<Vec<Change>, QasmError> {
        let mut changes = Vec::with_capacity(call.modifiers.len());
        let mut room = MAX_CONTROLS;
        for modifier in &call.modifiers {
            changes.push(match modifier {
                Modifier::Inverse => Change::Inverse,
                Modifier::Power(exponent) => {
                    let value = self.evaluate(exponent)?;
                    let number = value.number().ok_or_else(|| {
                        exponent.place.error(if value.is_late() {
                            let what = "the exponent of `pow`".to_owned();
                            Problem::NotConstant { what }
                        } else {
                            Problem::Type {
                                what: "`pow`".to_owned(),
                                expected: "a number",
                                found: value.kind(),
                            }
                        })
                    })?;
                    Change::Power(number)
                }
                Modifier::Control(positive, None) => {
                    room -= 1;
                    Change::Controls(*positive, 1)
                }
                Modifier::Control(positive, Some(count)) => {
                    let number = self.integer(count, "the number of controls")?;
                    if number < 1 || number > room {
                        return Err(count.place.error(Problem::Arithmetic {
                            problem: format!("a gate cannot have {number} controls"),
                        }));
                    }
                    room -= number;
                    Change::Controls(*positive, number as usize)
                }
            });
        }
        Ok(changes)
    }

    /// How many times a gate is applied along its registers.
    fn broadcast_length(&self, name: &Name, groups: &[Group]) -> Result<usize, QasmError> {
        let mut length = None;
        for group in groups.iter().filter(|group| !group.single) {
            let second = group.members.len();
            match length {
                Some(first) if first != second => {
                    return Err(name.place.error(Problem::Lengths {
                        name: name.text.clone(),
                        first,
                        second,
                    }));
                }
                _ => length = Some(second),
            }
        }
        Ok(length.unwrap_or(1))
    }

    fn check_distinct(&self, name: &Name, groups: &[Group], qubits: &[usize]) -> Result<(), QasmError> {
        let twice = if qubits.len() <= 8 {
            (1..qubits.len()).find(|at| qubits[..*at].contains(&qubits[*at]))
        } else {
            let mut seen = std::collections::HashSet::with_capacity(qubits.len());
            qubits.iter().position(|qubit| !seen.insert(*qubit))
        };
        let Some(at) = twice else {
            return Ok(());
        };
        let group = &groups[at];
        let place = group.members.iter().position(|member| *member == qubits[at]);
        let qubit = match place {
            Some(place) if !group.single => format!("{}[{place}]", group.name),
            _ => group.name.to_string(),
        };
        Err(name.place.error(Problem::Repeated {
            name: name.text.clone(),
            qubit,
        }))
    }

    /// Applies a gate with modifiers: those nearest to it first, the qubits of the outermost controls in front.
    fn apply(
        &mut self,
        definition: &Rc<Definition>,
        arguments: &[Value],
        qubits: &[usize],
        changes: &[Change],
        place: Place,
    ) -> Result<(), QasmError> {
        let start = self.instructions.len();
        let (controls, targets) = qubits.split_at(qubits.len() - definition.qubits);
        match &definition.meaning {
            Meaning::Opaque => {
                let gate = definition.name.clone();
                return Err(place.error(Problem::Opaque { gate }));
            }
            Meaning::Native(native) => self.apply_native(native, arguments, targets, place)?,
            Meaning::Body(body) => self.apply_body(definition, body, arguments, targets, place)?,
        }
        let mut controls = controls;
        for change in changes.iter().rev() {
            match change {
                Change::Inverse => self.invert(start, place)?,
                Change::Power(exponent) => {
                    // What the controls outside of it, which come in front, leave.
                    let inner = &qubits[controls.len()..];
                    self.raise(start, *exponent, inner, place)?;
                }
                Change::Controls(positive, count) => {
                    let (outer, own) = controls.split_at(controls.len() - count);
                    let own: Vec<Control> = (own.iter())
                        .map(|qubit| Control {
                            qubit: *qubit,
                            positive: *positive,
                        })
                        .collect();
                    self.control(start, &own, place)?;
                    controls = outer;
                }
            }
        }
        Ok(())
    }

    fn apply_native(
        &mut self,
        native: &Native,
        arguments: &[Value],
        targets: &[usize],
        place: Place,
    ) -> Result<(), QasmError> {
        let angles: Vec<Angle> = arguments
            .iter()
            .filter_map(Value::angle)
            .map(|(angle, _)| angle)
            .collect();
        for piece in (native.pieces)(&angles) {
            let (controls, own) = piece.operands.split_at(piece.controls);
            let controls = controls.iter().map(|at| Control::on(targets[*at])).collect();
            let own = own.iter().map(|at| targets[*at]).collect();
            self.emit_gate(piece.gate, controls, own, place)?;
        }
        Ok(())
    }

    /// Adds a gate; a phase that undoes the one right before it in the same definition takes it away instead.
    fn emit_gate(
        &mut self,
        gate: Gate,
        controls: Vec<Control>,
        targets: Vec<usize>,
        place: Place,
    ) -> Result<(), QasmError> {
        for angle in gate.angles() {
            if angle.number().is_some_and(|angle| !angle.is_finite()) {
                return Err(place.error(Problem::Arithmetic {
                    problem: format!("an angle of `{}` is too large", gate.name()),
                }));
            }
        }
        if let (Gate::GlobalPhase(phase), false) = (&gate, self.gates.is_empty())
            && let Some(Operation::Gate {
                gate: Gate::GlobalPhase(before),
                controls: others,
                ..
            }) = self
                .instructions
                .get(self.body_start..)
                .and_then(|body| body.last())
                .map(|last| &last.operation)
            && others.is_empty()
            && controls.is_empty()
            && undoes(before, phase)
        {
            self.instructions.pop();
            return Ok(());
        }
        let operation = Operation::Gate {
            gate,
            controls,
            targets,
        };
        self.emit(operation, place)
    }

    fn apply_body(
        &mut self,
        definition: &Rc<Definition>,
        body: &Body,
        arguments: &[Value],
        targets: &[usize],
        place: Place,
    ) -> Result<(), QasmError> {
        self.step(1, place)?;
        let before = std::mem::replace(&mut self.body_start, self.instructions.len());
        self.scope.open(true);
        for (name, value) in body.parameters.iter().zip(arguments) {
            self.scope.bind(name, value.clone());
        }
        for (name, qubit) in body.qubits.iter().zip(targets) {
            let group = Group::one(*qubit, name.as_str().into());
            self.scope.bind(name, Value::Qubits(group));
        }
        self.gates.push(definition.clone());
        let result = self.deeper(place, |lowering| lowering.statements(&body.statements));
        self.gates.pop();
        self.scope.close();
        self.body_start = before;
        result.map(drop)
    }
}

/// Whether two phases, one after the other, do nothing.
fn undoes(before: &Angle, phase: &Angle) -> bool {
    match (before, phase) {
        (Angle::Number(a), Angle::Number(b)) => a + b == 0.0,
        (a, Angle::Unary(crate::Unary::Negate, b)) => *a == **b,
        (Angle::Unary(crate::Unary::Negate, a), b) => **a == *b,
        _ => false,
    }
}
