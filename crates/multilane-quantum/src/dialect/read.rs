//! Reads a plan of one register back as a circuit, so that whatever knows circuits works on plans.
//!
//! Reads a verified plan. Refuses what no circuit can say: a register that is used after it changed, an outcome that a
//! later one replaced, a question to the state, operations of other dialects but for the arithmetic of angles.

use std::collections::BTreeMap;

use multilane_plan::{Attribute, Op, Plan, Scalar, ValueId};
use num_complex::Complex64;

use super::facts::{FUSED, ZERO, precision, qubits_of};
use crate::circuit::{Angle, Binary, Circuit, Condition, Control, Gate, Instruction, Matrix, Operation, Unary};
use crate::error::QuantumError;
use crate::simulate::Precision;

/// The circuit of a verified plan.
pub fn from_plan(plan: &Plan) -> Result<Circuit, QuantumError> {
    if zero_of(plan).is_none() {
        return refused("it makes no register");
    }
    let mut reader = Reader::new(plan, Circuit::new(0, 0)?);
    for (name, value) in plan.inputs.iter().zip(&plan.body.parameters) {
        reader.angles.insert(*value, Angle::parameter(name.as_str()));
    }
    for op in &plan.body.ops {
        reader.op(op)?;
    }
    let is_register = |value: &&ValueId| qubits_of(plan, plan.ty(**value)).is_some();
    match plan.body.yields.iter().find(is_register) {
        Some(last) if Some(*last) != reader.register => refused("it returns a register that changes afterwards"),
        _ => Ok(reader.circuit),
    }
}

/// The precision of the register of a plan that is a circuit.
pub(crate) fn precision_of(plan: &Plan) -> Precision {
    zero_of(plan).and_then(precision).unwrap_or_default()
}

/// The operation that makes a plan's register, where it is not in a loop.
fn zero_of(plan: &Plan) -> Option<&Op> {
    let fused = plan.body.ops.iter().flat_map(|op| &op.regions);
    let inside = fused.flat_map(|region| &region.ops);
    plan.body.ops.iter().chain(inside).find(|op| op.name == ZERO)
}

/// Gates that are always done, as an operation of a plan says them.
pub(super) struct Gates {
    /// Their parameters are called by the numbers of the operands that they are.
    pub(super) circuit: Circuit,
    /// For gates on a new register, in which precision it is.
    pub(super) zero: Option<Precision>,
}

/// The gates of a verified `quantum.fused`, or of a `quantum.gate` without its condition.
pub(super) fn gates_of(plan: &Plan, op: &Op) -> Result<Gates, QuantumError> {
    let register = op
        .results
        .first()
        .and_then(|register| qubits_of(plan, plan.ty(*register)));
    let mut reader = Reader::new(plan, Circuit::new(register.unwrap_or(0), 0)?);
    let plain;
    let (parameters, ops) = match &op.regions[..] {
        [region] => (&region.parameters, &region.ops[..]),
        _ => {
            plain = [unconditional(op)];
            (&op.operands, &plain[..])
        }
    };
    for (number, value) in parameters.iter().enumerate() {
        reader.angles.insert(*value, Angle::parameter(number.to_string()));
    }
    let zero = ops.first().filter(|first| first.name == ZERO);
    if zero.is_none() {
        reader.register = parameters.first().copied();
    }
    for op in ops {
        reader.op(op)?;
    }
    Ok(Gates {
        circuit: reader.circuit,
        zero: zero.and_then(precision),
    })
}

/// A gate that is done whatever its condition says.
fn unconditional(op: &Op) -> Op {
    let mut op = op.clone();
    let bits = numbers(&op, "clbits").len();
    op.operands.truncate(op.operands.len().saturating_sub(bits));
    op.attributes
        .retain(|name, _| !matches!(name.as_str(), "clbits" | "value" | "negated"));
    op
}

fn refused<T>(problem: impl Into<String>) -> Result<T, QuantumError> {
    Err(QuantumError::NoCircuit {
        problem: problem.into(),
    })
}

struct Reader<'a> {
    plan: &'a Plan,
    circuit: Circuit,
    /// The register after the operations so far.
    register: Option<ValueId>,
    /// What numbers are.
    angles: BTreeMap<ValueId, Angle>,
    /// The last value of each classical bit that was measured.
    outcomes: BTreeMap<usize, ValueId>,
    /// Values of bits that nobody measured.
    unknown: Vec<ValueId>,
}

impl<'a> Reader<'a> {
    fn new(plan: &'a Plan, circuit: Circuit) -> Self {
        Self {
            plan,
            circuit,
            register: None,
            angles: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            unknown: Vec::new(),
        }
    }

    fn op(&mut self, op: &Op) -> Result<(), QuantumError> {
        let Some(name) = op.name.strip_prefix("quantum.") else {
            return self.number(op);
        };
        if name == "zero" {
            return self.zero(op);
        }
        let makes_one = name == "fused" && self.register.is_none();
        if !makes_one && op.operands.first().copied() != self.register {
            return refused(format!("`{}` uses a register that has changed since", op.name));
        }
        let condition = condition(op);
        let bits = condition.as_ref().map_or(0, |condition| condition.clbits.len());
        let operation = match name {
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
            "fused" => return self.fused(op),
            "barrier" => Operation::Barrier {
                qubits: numbers(op, "qubits"),
            },
            _ => return refused(format!("`{}` is no instruction", op.name)),
        };
        self.register = op.results.first().copied();
        self.circuit.push(Instruction { operation, condition })?;
        Ok(())
    }

    fn zero(&mut self, op: &Op) -> Result<(), QuantumError> {
        let qubits = |value: &ValueId| qubits_of(self.plan, self.plan.ty(*value));
        if self.register.is_some() {
            return refused("it makes a second register");
        }
        self.register = op.results.first().copied();
        let clbits = op
            .int("clbits")
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(0);
        self.circuit = Circuit::new(self.register.as_ref().and_then(qubits).unwrap_or(0), clbits)?;
        Ok(())
    }

    /// Gates in a region: its parameters stand for the operands.
    fn fused(&mut self, op: &Op) -> Result<(), QuantumError> {
        let [region] = &op.regions[..] else {
            return refused(format!("`{FUSED}` has no region"));
        };
        for (operand, parameter) in op.operands.iter().zip(&region.parameters) {
            if let Some(angle) = self.angles.get(operand).cloned() {
                self.angles.insert(*parameter, angle);
            }
            if self.register == Some(*operand) {
                self.register = Some(*parameter);
            }
        }
        for inner in &region.ops {
            self.op(inner)?;
        }
        self.register = op.results.first().copied();
        Ok(())
    }

    /// An operation on numbers: part of an angle, or a bit that nobody measured.
    fn number(&mut self, op: &Op) -> Result<(), QuantumError> {
        let Some(result) = op.results.first().copied() else {
            return refused(format!("`{}` is no part of one", op.name));
        };
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
