//! Definitions of gates and subroutines, checked where they stand.

use std::collections::HashMap;
use std::rc::Rc;

use super::Lowering;
use super::arithmetic::constant;
use super::definition::{Body, Definition, Meaning, Subroutine};
use super::scope::Symbol;
use crate::qasm::ast::{Call, Domain, Expression, Formal, Modifier, Name, Operand, Statement, Step, Target, What};
use crate::qasm::error::{Place, Problem, QasmError};
use crate::qasm::parse::Version;

/// Gates defined by gates defined by gates, at most.
const MAX_GATE_LEVELS: usize = 60;

/// What is gathered while a gate's body is checked.
struct Check<'a> {
    gate: &'a Name,
    /// Parameters and variables of loops.
    values: Vec<&'a str>,
    qubits: Vec<&'a str>,
    callees: HashMap<String, Rc<Definition>>,
    level: usize,
}

impl Lowering<'_> {
    pub(super) fn define_gate(
        &mut self,
        name: &Name,
        parameters: &[Name],
        qubits: &[Name],
        body: &[Statement],
    ) -> Result<(), QasmError> {
        self.only_global(name, "a definition of a gate")?;
        let mut seen: Vec<&str> = Vec::new();
        for formal in parameters.iter().chain(qubits) {
            if seen.contains(&formal.text.as_str()) {
                return Err(formal.place.error(Problem::Defined {
                    name: formal.text.clone(),
                    line: Some(name.place.line),
                }));
            }
            seen.push(&formal.text);
        }
        let mut check = Check {
            gate: name,
            values: parameters.iter().map(|parameter| parameter.text.as_str()).collect(),
            qubits: qubits.iter().map(|qubit| qubit.text.as_str()).collect(),
            callees: HashMap::new(),
            level: 1,
        };
        self.check_body(body, &mut check)?;
        let (level, callees) = (check.level, check.callees);
        if level > MAX_GATE_LEVELS {
            let limit = MAX_GATE_LEVELS;
            return Err(name.place.error(Problem::TooDeep { limit }));
        }
        let names = |names: &[Name]| names.iter().map(|name| name.text.clone()).collect();
        self.define_definition(
            name,
            Definition {
                name: name.text.clone(),
                parameters: parameters.len(),
                qubits: qubits.len(),
                meaning: Meaning::Body(Body {
                    parameters: names(parameters),
                    qubits: names(qubits),
                    statements: body.into(),
                    callees,
                }),
                level,
            },
        )
    }

    pub(super) fn define_opaque(&mut self, name: &Name, parameters: usize, qubits: usize) -> Result<(), QasmError> {
        self.only_global(name, "a definition of a gate")?;
        self.define_definition(
            name,
            Definition {
                name: name.text.clone(),
                parameters,
                qubits,
                meaning: Meaning::Opaque,
                level: 1,
            },
        )
    }

    fn define_definition(&mut self, name: &Name, definition: Definition) -> Result<(), QasmError> {
        // Programs of version 2 often bring definitions of their own for what `qelib1.inc` came to have.
        if self.version == Version::Two {
            self.scope.forget_from_library(&name.text);
        }
        self.scope.define(name, Symbol::Gate(Rc::new(definition)))
    }

    pub(super) fn define_subroutine(
        &mut self,
        name: &Name,
        formals: &[Formal],
        body: &[Statement],
    ) -> Result<(), QasmError> {
        self.only_global(name, "a definition of a subroutine")?;
        let subroutine = Subroutine {
            name: name.text.clone(),
            formals: formals.to_vec(),
            body: body.into(),
        };
        self.scope.define(name, Symbol::Subroutine(Rc::new(subroutine)))
    }

    fn only_global(&self, name: &Name, what: &'static str) -> Result<(), QasmError> {
        if self.scope.is_global() {
            return Ok(());
        }
        Err(name.place.error(Problem::Misplaced {
            what,
            place: "inside a block",
            advice: "move it out of all blocks",
        }))
    }

    fn check_body<'a>(&self, body: &'a [Statement], check: &mut Check<'a>) -> Result<(), QasmError> {
        for statement in body {
            match &statement.what {
                What::Call(call) => self.check_call(call, check)?,
                What::Barrier(operands) | What::Nop(operands) | What::Delay(_, operands) => {
                    operands.iter().try_for_each(|operand| check.qubit(operand))?;
                }
                What::For { name, domain, body, .. } => {
                    for expression in expressions(domain) {
                        self.check_names(expression, check)?;
                    }
                    check.values.push(&name.text);
                    self.check_body(body, check)?;
                    check.values.pop();
                }
                What::Block(body) => self.check_body(body, check)?,
                _ => {
                    return Err(statement.place.error(Problem::Misplaced {
                        what: "a statement that is no gate",
                        place: "in a gate's body",
                        advice: "move it out, or use a subroutine (`def`)",
                    }));
                }
            }
        }
        Ok(())
    }

    fn check_call<'a>(&self, call: &'a Call, check: &mut Check<'a>) -> Result<(), QasmError> {
        let known = matches!(self.symbol(&call.name.text), Some(Symbol::Gate(_)));
        if call.name.text == check.gate.text && !(known && self.version == Version::Two) {
            let name = call.name.text.clone();
            return Err(call.name.place.error(Problem::Recursive { name }));
        }
        let definition = self.gate(&call.name)?;
        let counted = |what, expected, found| {
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
        for argument in &call.arguments {
            self.check_names(argument, check)?;
        }
        let mut controls = Some(0);
        for modifier in &call.modifiers {
            match modifier {
                Modifier::Control(_, None) => controls = controls.map(|count| count + 1),
                Modifier::Control(_, Some(_)) => controls = None,
                Modifier::Inverse | Modifier::Power(_) => {}
            }
        }
        if let Some(controls) = controls
            && definition.qubits + controls != call.operands.len()
        {
            return Err(counted("qubits", definition.qubits + controls, call.operands.len()));
        }
        for operand in &call.operands {
            check.qubit(operand)?;
        }
        check.level = check.level.max(definition.level + 1);
        check.callees.insert(call.name.text.clone(), definition);
        Ok(())
    }

    /// Whether all names of an expression mean something inside a gate.
    fn check_names(&self, expression: &Expression, check: &Check<'_>) -> Result<(), QasmError> {
        for (step, place) in &expression.steps {
            if let Step::Name(name) = step {
                let known = check.values.contains(&name.as_str())
                    || constant(name, self.version).is_some()
                    || matches!(self.symbol(name), Some(Symbol::Fixed(_)));
                if !known {
                    return Err(unknown("parameter", name, check.values.iter().copied(), *place));
                }
            }
        }
        Ok(())
    }
}

impl Check<'_> {
    /// Whether an operand is one of the gate's qubits.
    fn qubit(&self, operand: &Operand) -> Result<(), QasmError> {
        if !operand.parts.is_empty() {
            return Err(operand.place.error(Problem::Misplaced {
                what: "an index",
                place: "in a gate's body",
                advice: "give the gate one argument for each qubit",
            }));
        }
        match &operand.what {
            Target::Named(name) if self.qubits.contains(&name.as_str()) => Ok(()),
            Target::Named(name) => Err(unknown("qubit", name, self.qubits.iter().copied(), operand.place)),
            Target::Hardware(number) => Err(unknown(
                "qubit",
                &format!("${number}"),
                self.qubits.iter().copied(),
                operand.place,
            )),
        }
    }
}

fn unknown<'a>(kind: &'static str, name: &str, known: impl Iterator<Item = &'a str>, place: Place) -> QasmError {
    place.error(Problem::UnknownName {
        kind,
        name: name.to_owned(),
        similar: crate::qasm::error::closest(name, known),
        library: None,
    })
}

fn expressions(domain: &Domain) -> Vec<&Expression> {
    match domain {
        Domain::Range(range) => [&range.start, &range.step, &range.stop].into_iter().flatten().collect(),
        Domain::Set(items) => items.iter().collect(),
        Domain::Named(expression) => vec![expression],
    }
}
