//! Writes a circuit as a plan.
//!
//! Inputs are the register whose memory is used (named `register`, with underscores after it where a
//! parameter has that name) and the circuit's parameters; outputs are the
//! register, named `state`, and the classical bits that were measured.

use std::collections::BTreeMap;

use multilane_plan::{Attribute, DType, Op, Plan, Scalar, ValueId, ValueType};

use super::facts::register_type;
use crate::circuit::{Angle, Binary, Circuit, Condition, Control, Gate, Operation, Unary};
use crate::error::QuantumError;

/// The plan of a circuit.
pub fn to_plan(circuit: &Circuit, name: &str) -> Result<Plan, QuantumError> {
    let mut plan = Plan::new(name);
    let register = register_type(plan.dim("amplitudes"));
    let mut writer = Writer {
        register: ValueId(0),
        plan,
        ty: register,
        inputs: BTreeMap::new(),
        clbits: BTreeMap::new(),
    };
    let mut name = "register".to_owned();
    while circuit.parameters().contains(&name) {
        name.push('_');
    }
    let memory = writer.plan.value(writer.ty.clone(), Some(name.clone()));
    writer.plan.inputs.push(name);
    writer.plan.body.parameters.push(memory);
    for parameter in circuit.parameters() {
        let value = writer
            .plan
            .value(ValueType::scalar(DType::F64), Some(parameter.clone()));
        writer.plan.inputs.push(parameter.clone());
        writer.plan.body.parameters.push(value);
        writer.inputs.insert(parameter.clone(), value);
    }
    let qubits = Attribute::Int(circuit.qubits() as i64);
    let clbits = (circuit.clbits() > 0).then(|| int(circuit.clbits()));
    writer.step(
        "quantum.zero",
        vec![memory],
        [("qubits", Some(qubits)), ("clbits", clbits)],
    );
    for instruction in circuit.instructions() {
        writer.instruction(&instruction.operation, instruction.condition.as_ref())?;
    }
    Ok(writer.finish())
}

struct Writer {
    plan: Plan,
    ty: ValueType,
    /// The register after the operations so far.
    register: ValueId,
    inputs: BTreeMap<String, ValueId>,
    /// The last value of each classical bit that has one.
    clbits: BTreeMap<usize, ValueId>,
}

type Named = (&'static str, Option<Attribute>);

impl Writer {
    /// Adds an operation that gives the next register.
    fn step(&mut self, name: &str, operands: Vec<ValueId>, attributes: impl IntoIterator<Item = Named>) -> &mut Op {
        self.register = self.plan.value(self.ty.clone(), None);
        let mut op = Op::new(name, operands, vec![self.register]);
        let present = attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        op.attributes = present.collect();
        self.plan.body.ops.push(op);
        self.plan.body.ops.last_mut().expect("an operation was added")
    }

    /// Adds an operation of the `core` dialect on numbers.
    fn number(&mut self, name: &str, dtype: DType, operands: Vec<ValueId>, value: Option<Scalar>) -> ValueId {
        let result = self.plan.value(ValueType::scalar(dtype), None);
        let mut op = Op::new(name, operands, vec![result]);
        op.attributes = value
            .map(|value| ("value".to_owned(), Attribute::Scalar(value)))
            .into_iter()
            .collect();
        self.plan.body.ops.push(op);
        result
    }

    fn instruction(&mut self, operation: &Operation, condition: Option<&Condition>) -> Result<(), QuantumError> {
        let bits: Vec<ValueId> = condition.map_or_else(Vec::new, |condition| {
            condition.clbits.iter().map(|clbit| self.clbit(*clbit)).collect()
        });
        let decides = decides(condition);
        match operation {
            Operation::Gate {
                gate,
                controls,
                targets,
            } => return self.gate(gate, controls, targets, bits, decides),
            Operation::Measure { qubit, clbit } => {
                let mut operands = bits;
                if condition.is_some() {
                    operands.push(self.clbit(*clbit));
                }
                operands.insert(0, self.register);
                let outcome = self.plan.value(ValueType::scalar(DType::Bool), None);
                let own = [("qubit", Some(int(*qubit))), ("clbit", Some(int(*clbit)))];
                self.step("quantum.measure", operands, own.into_iter().chain(decides))
                    .results
                    .push(outcome);
                self.clbits.insert(*clbit, outcome);
            }
            Operation::Reset { qubit } => {
                let operands = std::iter::once(self.register).chain(bits).collect();
                let own = [("qubit", Some(int(*qubit)))];
                self.step("quantum.reset", operands, own.into_iter().chain(decides));
            }
            Operation::Barrier { qubits } => {
                let operands = vec![self.register];
                self.step("quantum.barrier", operands, [("qubits", ints(qubits))]);
            }
        }
        Ok(())
    }

    fn gate(
        &mut self,
        gate: &Gate,
        controls: &[Control],
        targets: &[usize],
        bits: Vec<ValueId>,
        decides: [Named; 3],
    ) -> Result<(), QuantumError> {
        let with = |positive: bool| {
            let own = controls.iter().filter(|control| control.positive == positive);
            ints(&own.map(|control| control.qubit).collect::<Vec<_>>())
        };
        let angles = gate.angles();
        let numbers: Option<Vec<f64>> = angles.iter().map(|angle| angle.number()).collect();
        let mut operands = Vec::new();
        if numbers.is_none() {
            for angle in angles {
                operands.push(self.angle(angle)?);
            }
        }
        operands.extend(bits);
        operands.insert(0, self.register);
        let matrix = match gate {
            Gate::Unitary(matrix) => {
                let parts = matrix.elements().iter().flat_map(|element| [element.re, element.im]);
                Some(Attribute::List(parts.map(Attribute::Float).collect()))
            }
            _ => None,
        };
        let angles = numbers.filter(|numbers| !numbers.is_empty());
        let angles = angles.map(|angles| Attribute::List(angles.into_iter().map(Attribute::Float).collect()));
        let own = [
            ("gate", Some(Attribute::Text(gate.name().to_owned()))),
            ("targets", ints(targets)),
            ("controls", with(true)),
            ("negative", with(false)),
            ("angles", angles),
            ("matrix", matrix),
        ];
        self.step("quantum.gate", operands, own.into_iter().chain(decides));
        Ok(())
    }

    /// The value of a classical bit; 0 before it is measured.
    fn clbit(&mut self, clbit: usize) -> ValueId {
        if let Some(value) = self.clbits.get(&clbit) {
            return *value;
        }
        let value = self.number("core.constant", DType::Bool, Vec::new(), Some(Scalar::Bool(false)));
        self.clbits.insert(clbit, value);
        value
    }

    /// The number of an angle.
    fn angle(&mut self, angle: &Angle) -> Result<ValueId, QuantumError> {
        Ok(match angle {
            Angle::Number(value) => self.number("core.constant", DType::F64, Vec::new(), Some(Scalar::F64(*value))),
            Angle::Parameter(name) => {
                let unknown = || QuantumError::UnboundParameter { name: name.to_string() };
                *self.inputs.get(name.as_ref()).ok_or_else(unknown)?
            }
            Angle::Unary(function, x) => {
                let x = self.angle(x)?;
                let name = match function {
                    Unary::Negate => "core.neg",
                    Unary::Sin => "core.sin",
                    Unary::Cos => "core.cos",
                    Unary::Exp => "core.exp",
                    Unary::Ln => "core.log",
                    Unary::Sqrt => "core.sqrt",
                    Unary::Tan => {
                        let parts = ["core.sin", "core.cos"].map(|name| self.number(name, DType::F64, vec![x], None));
                        return Ok(self.number("core.div", DType::F64, parts.to_vec(), None));
                    }
                    Unary::Asin | Unary::Acos | Unary::Atan => {
                        return Err(QuantumError::Argument {
                            argument: "angle",
                            value: angle.to_string(),
                            expected: "made of functions that plans have; give its parameters values first",
                        });
                    }
                };
                self.number(name, DType::F64, vec![x], None)
            }
            Angle::Binary(function, x, y) => {
                let operands = vec![self.angle(x)?, self.angle(y)?];
                let name = match function {
                    Binary::Add => "core.add",
                    Binary::Subtract => "core.sub",
                    Binary::Multiply => "core.mul",
                    Binary::Divide => "core.div",
                    Binary::Power => "core.pow",
                };
                self.number(name, DType::F64, operands, None)
            }
        })
    }

    fn finish(mut self) -> Plan {
        self.plan.outputs.push("state".to_owned());
        self.plan.body.yields.push(self.register);
        for (clbit, value) in &self.clbits {
            self.plan.outputs.push(format!("c{clbit}"));
            self.plan.body.yields.push(*value);
        }
        self.plan.compacted()
    }
}

fn int(number: usize) -> Attribute {
    Attribute::Int(number as i64)
}

/// Numbers as a list; nothing when there are none.
fn ints(numbers: &[usize]) -> Option<Attribute> {
    (!numbers.is_empty()).then(|| Attribute::List(numbers.iter().map(|number| int(*number)).collect()))
}

/// A condition as attributes.
fn decides(condition: Option<&Condition>) -> [Named; 3] {
    let clbits = condition.and_then(|condition| ints(&condition.clbits));
    // The bits of the number, as a signed one.
    let value = condition.map(|condition| Attribute::Int(condition.value as i64));
    let negated = condition
        .filter(|condition| condition.negated)
        .map(|_| Attribute::Bool(true));
    [("clbits", clbits), ("value", value), ("negated", negated)]
}
