//! Reads a plan of one register back as a circuit, so that whatever knows circuits works on plans.
//!
//! Reads a verified plan. Refuses what no circuit can say: a register that is used after it changed, an outcome that a
//! later one replaced, operations of other dialects but for the arithmetic of angles.

use std::collections::BTreeMap;

use multilane_plan::{Attribute, Op, Plan, Scalar, ValueId, ValueType};
use num_complex::Complex64;

use super::facts::KIND;
use crate::circuit::{Angle, Binary, Circuit, Condition, Control, Gate, Instruction, Matrix, Operation, Unary};
use crate::error::QuantumError;

/// The circuit of a verified plan.
pub fn from_plan(plan: &Plan) -> Result<Circuit, QuantumError> {
    let mut registers = (plan.body.parameters.iter()).filter(|value| is_register(plan, **value));
    let (Some(register), None) = (registers.next(), registers.next()) else {
        return refused("it has to take one register");
    };
    let mut reader = Reader {
        circuit: Circuit::new(0, 0)?,
        register: *register,
        angles: BTreeMap::new(),
        outcomes: BTreeMap::new(),
        unknown: Vec::new(),
    };
    for (name, value) in plan.inputs.iter().zip(&plan.body.parameters) {
        reader.angles.insert(*value, Angle::parameter(name.as_str()));
    }
    for op in &plan.body.ops {
        reader.op(op)?;
    }
    match plan.body.yields.iter().find(|value| is_register(plan, **value)) {
        Some(last) if *last != reader.register => refused("it returns a register that changes afterwards"),
        _ => Ok(reader.circuit),
    }
}

fn is_register(plan: &Plan, value: ValueId) -> bool {
    matches!(plan.ty(value), ValueType::Opaque { kind, .. } if kind == KIND)
}

fn refused<T>(problem: impl Into<String>) -> Result<T, QuantumError> {
    Err(QuantumError::NoCircuit {
        problem: problem.into(),
    })
}

struct Reader {
    circuit: Circuit,
    /// The register after the operations so far.
    register: ValueId,
    /// What numbers are.
    angles: BTreeMap<ValueId, Angle>,
    /// The last value of each classical bit that was measured.
    outcomes: BTreeMap<usize, ValueId>,
    /// Values of bits that nobody measured.
    unknown: Vec<ValueId>,
}

impl Reader {
    fn op(&mut self, op: &Op) -> Result<(), QuantumError> {
        let Some(name) = op.name.strip_prefix("quantum.") else {
            return self.number(op);
        };
        if op.operands.first() != Some(&self.register) {
            return refused(format!("`{}` uses a register that has changed since", op.name));
        }
        let condition = condition(op);
        let bits = condition.as_ref().map_or(0, |condition| condition.clbits.len());
        let operation = match name {
            "zero" => {
                let count = |name: &str| op.int(name).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
                if self.circuit.qubits() > 0 || !self.circuit.instructions().is_empty() {
                    return refused("it makes a register 0 that is in use; `quantum.reset` does that qubit by qubit");
                }
                self.circuit = Circuit::new(count("qubits"), count("clbits"))?;
                self.register = op.results[0];
                return Ok(());
            }
            "gate" => {
                let angles = self.gate_angles(op, bits)?;
                self.compare(condition.as_ref(), &op.operands[op.operands.len() - bits..])?;
                let gate = gate(op, angles)?;
                let on = numbers(op, "controls").into_iter().map(Control::on);
                let off = numbers(op, "negative").into_iter().map(Control::off);
                Operation::Gate {
                    gate,
                    controls: on.chain(off).collect(),
                    targets: numbers(op, "targets"),
                }
            }
            "measure" => {
                self.compare(condition.as_ref(), op.operands.get(1..=bits).unwrap_or_default())?;
                let clbit = match op.int("clbit").map(usize::try_from) {
                    Some(Ok(clbit)) => clbit,
                    _ => return refused("`quantum.measure` does not say the `clbit` that it writes"),
                };
                if condition.is_some() && !self.is_bit(clbit, op.operands[bits + 1]) {
                    return refused("a measurement with a condition leaves another bit as it is than it writes");
                }
                let qubit = numbers(op, "qubit").first().copied().unwrap_or_default();
                self.widen(clbit)?;
                self.outcomes.insert(clbit, op.results[1]);
                Operation::Measure { qubit, clbit }
            }
            "reset" => {
                self.compare(condition.as_ref(), op.operands.get(1..).unwrap_or_default())?;
                Operation::Reset {
                    qubit: numbers(op, "qubit").first().copied().unwrap_or_default(),
                }
            }
            "barrier" => Operation::Barrier {
                qubits: numbers(op, "qubits"),
            },
            _ => return refused(format!("`{}` is no instruction", op.name)),
        };
        self.register = op.results[0];
        self.circuit.push(Instruction { operation, condition })?;
        Ok(())
    }

    /// An operation on numbers: part of an angle, or a bit that nobody measured.
    fn number(&mut self, op: &Op) -> Result<(), QuantumError> {
        let result = op.results[0];
        if let Some(number) = op.constant() {
            match number {
                Scalar::Bool(false) => self.unknown.push(result),
                Scalar::F64(number) => drop(self.angles.insert(result, number.into())),
                _ => return refused("its numbers have to be 64-bit floats"),
            }
            return Ok(());
        }
        let operands: Option<Vec<Angle>> = op
            .operands
            .iter()
            .map(|value| self.angles.get(value).cloned())
            .collect();
        let angle = match (op.name.as_str(), operands.as_deref()) {
            ("core.neg", Some([x])) => x.clone().apply(Unary::Negate),
            ("core.sin", Some([x])) => x.clone().apply(Unary::Sin),
            ("core.cos", Some([x])) => x.clone().apply(Unary::Cos),
            ("core.exp", Some([x])) => x.clone().apply(Unary::Exp),
            ("core.log", Some([x])) => x.clone().apply(Unary::Ln),
            ("core.sqrt", Some([x])) => x.clone().apply(Unary::Sqrt),
            ("core.add", Some([x, y])) => x.clone().combine(Binary::Add, y.clone()),
            ("core.sub", Some([x, y])) => x.clone().combine(Binary::Subtract, y.clone()),
            ("core.mul", Some([x, y])) => x.clone().combine(Binary::Multiply, y.clone()),
            ("core.div", Some([x, y])) => x.clone().combine(Binary::Divide, y.clone()),
            ("core.pow", Some([x, y])) => x.clone().combine(Binary::Power, y.clone()),
            _ => return refused(format!("`{}` is no part of one", op.name)),
        };
        self.angles.insert(result, angle);
        Ok(())
    }

    /// The angles of a gate: numbers among its attributes, or operands before those of its condition.
    fn gate_angles(&self, op: &Op, bits: usize) -> Result<Vec<Angle>, QuantumError> {
        if let Some(Attribute::List(given)) = op.attribute("angles") {
            let number = |angle: &Attribute| match angle {
                Attribute::Float(angle) => Some(Angle::Number(*angle)),
                Attribute::Int(angle) => Some(Angle::Number(*angle as f64)),
                _ => None,
            };
            return match given.iter().map(number).collect() {
                Some(angles) => Ok(angles),
                None => refused("`quantum.gate` has an angle that is no number"),
            };
        }
        let operands = &op.operands[1..op.operands.len() - bits];
        let angles: Option<Vec<Angle>> = operands.iter().map(|value| self.angles.get(value).cloned()).collect();
        match angles {
            Some(angles) => Ok(angles),
            None => refused("an angle is made of something that is no angle"),
        }
    }

    /// Checks that a condition asks for the bits as they are now.
    fn compare(&mut self, condition: Option<&Condition>, operands: &[ValueId]) -> Result<(), QuantumError> {
        for (clbit, value) in condition.iter().flat_map(|condition| &condition.clbits).zip(operands) {
            if !self.is_bit(*clbit, *value) {
                return refused(format!(
                    "a condition asks for another value of classical bit {clbit} than its last"
                ));
            }
            self.widen(*clbit)?;
        }
        Ok(())
    }

    fn is_bit(&self, clbit: usize, value: ValueId) -> bool {
        match self.outcomes.get(&clbit) {
            Some(last) => *last == value,
            None => self.unknown.contains(&value),
        }
    }

    /// Has the classical bits up to one.
    fn widen(&mut self, clbit: usize) -> Result<(), QuantumError> {
        if clbit >= self.circuit.clbits() {
            self.circuit.set_clbits(clbit.saturating_add(1))?;
        }
        Ok(())
    }
}

/// The numbers of an attribute: one, or a list.
fn numbers(op: &Op, name: &str) -> Vec<usize> {
    let number = |attribute: &Attribute| match attribute {
        Attribute::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    };
    match op.attribute(name) {
        Some(Attribute::List(values)) => values.iter().filter_map(number).collect(),
        Some(one) => number(one).into_iter().collect(),
        None => Vec::new(),
    }
}

fn condition(op: &Op) -> Option<Condition> {
    let (clbits, value) = (numbers(op, "clbits"), op.int("value")?);
    if op.name == "quantum.zero" {
        return None;
    }
    Some(Condition {
        clbits,
        // The bits of the number, as they were written.
        value: value.cast_unsigned(),
        negated: op.flag("negated"),
    })
}

fn gate(op: &Op, angles: Vec<Angle>) -> Result<Gate, QuantumError> {
    let name = op.text("gate").unwrap_or_default();
    if name == "unitary" {
        let Some(Attribute::List(parts)) = op.attribute("matrix") else {
            return refused("a `unitary` has no matrix");
        };
        let part = |attribute: &Attribute| match attribute {
            Attribute::Float(part) => Some(*part),
            Attribute::Int(part) => Some(*part as f64),
            _ => None,
        };
        let parts: Option<Vec<f64>> = parts.iter().map(part).collect();
        let Some(parts) = parts else {
            return refused("an element of a `unitary` is no number");
        };
        let elements = parts.as_chunks::<2>().0.iter().map(|[re, im]| Complex64::new(*re, *im));
        let elements: Vec<Complex64> = elements.collect();
        return Ok(Gate::Unitary(Matrix::new(elements)?.into()));
    }
    match Gate::named(name, angles) {
        Some(gate) => Ok(gate),
        None => refused(format!("there is no gate `{name}` with so many angles")),
    }
}
