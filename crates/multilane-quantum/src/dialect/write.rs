//! Writes a circuit as a plan.
//!
//! Inputs are the circuit's parameters and, for a circuit that measures, the seed of what it finds (named `seed`, with
//! underscores after it where a parameter has that name). Outputs are the register, named `state`, the classical bits
//! that were measured, and the answers to what was asked, named `expectation` and `probabilities`.

use std::collections::BTreeMap;

use multilane_plan::{Attribute, DType, Op, Plan, Scalar, ValueId, ValueType};

use super::ask::written;
use super::facts::{BARRIER, EXPECTATION, GATE, PROBABILITIES, ZERO, register_type};
use crate::circuit::{Angle, Binary, Circuit, Condition, Control, Gate, Instruction, Operation, Unary};
use crate::error::QuantumError;
use crate::simulate::{MOST_PROBABILITIES, PauliTerm, Precision, check};

/// What a circuit's plan is besides its instructions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanOptions {
    /// How exact amplitudes are.
    pub precision: Precision,
    /// A sum of Pauli products whose expectation value in the last state is an output.
    pub expectation: Option<Vec<PauliTerm>>,
    /// Qubits the probabilities of whose values in the last state are an output.
    pub probabilities: Option<Vec<usize>>,
}

/// The plan of a circuit.
pub fn to_plan(circuit: &Circuit, name: &str, options: &PlanOptions) -> Result<Plan, QuantumError> {
    let mut plan = Plan::new(name);
    let register = register_type(plan.dim(&circuit.qubits().to_string()));
    let mut writer = Writer {
        register: ValueId(0),
        plan,
        ty: register,
        inputs: BTreeMap::new(),
        clbits: BTreeMap::new(),
    };
    for parameter in circuit.parameters() {
        let value = writer.input(parameter, DType::F64);
        writer.inputs.insert(parameter.clone(), value);
    }
    let draws = |one: &Instruction| matches!(one.operation, Operation::Measure { .. } | Operation::Reset { .. });
    let mut seed = Vec::new();
    if circuit.instructions().iter().any(draws) {
        let mut name = "seed".to_owned();
        while circuit.parameters().contains(&name) {
            name.push('_');
        }
        seed.push(writer.input(&name, DType::I64));
    }
    let precision = (options.precision != Precision::default()).then(|| text(options.precision.name()));
    let clbits = (circuit.clbits() > 0).then(|| int(circuit.clbits()));
    writer.step(
        ZERO,
        seed,
        [
            ("qubits", Some(int(circuit.qubits()))),
            ("clbits", clbits),
            ("precision", precision),
        ],
    );
    for instruction in circuit.instructions() {
        writer.instruction(&instruction.operation, instruction.condition.as_ref())?;
    }
    writer.questions(circuit.qubits(), options)
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
                self.step(BARRIER, operands, [("qubits", ints(qubits))]);
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
            ("gate", Some(text(gate.name()))),
            ("targets", ints(targets)),
            ("controls", with(true)),
            ("negative", with(false)),
            ("angles", angles),
            ("matrix", matrix),
        ];
        self.step(GATE, operands, own.into_iter().chain(decides));
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

    fn input(&mut self, name: &str, dtype: DType) -> ValueId {
        let value = self.plan.value(ValueType::scalar(dtype), Some(name.to_owned()));
        self.plan.inputs.push(name.to_owned());
        self.plan.body.parameters.push(value);
        value
    }

    fn output(&mut self, name: &str, value: ValueId) {
        self.plan.outputs.push(name.to_owned());
        self.plan.body.yields.push(value);
    }

    /// The outputs: the register, its bits, and what is asked of it.
    fn questions(mut self, qubits: usize, options: &PlanOptions) -> Result<Plan, QuantumError> {
        self.output("state", self.register);
        for (clbit, value) in std::mem::take(&mut self.clbits) {
            self.output(&format!("c{clbit}"), value);
        }
        if let Some(terms) = &options.expectation {
            for term in terms {
                let named: Vec<usize> = term.factors.iter().map(|(qubit, _)| *qubit).collect();
                check(qubits, "expectation", &named, usize::MAX)?;
            }
            let [coefficients, paulis] = written(terms);
            let attributes = [("coefficients", coefficients), ("paulis", paulis)];
            self.ask(EXPECTATION, "expectation", ValueType::scalar(DType::F64), attributes);
        }
        if let Some(named) = &options.probabilities {
            check(qubits, "probabilities", named, MOST_PROBABILITIES)?;
            let dim = self.plan.dim(&(1usize << named.len()).to_string());
            let list = Attribute::List(named.iter().map(|qubit| int(*qubit)).collect());
            let ty = ValueType::array(DType::F64, dim);
            self.ask(PROBABILITIES, "probabilities", ty, [("qubits", list)]);
        }
        Ok(self.plan.compacted())
    }

    fn ask<const N: usize>(
        &mut self,
        name: &str,
        output: &str,
        ty: ValueType,
        attributes: [(&'static str, Attribute); N],
    ) {
        let answer = self.plan.value(ty, None);
        let mut op = Op::new(name, vec![self.register], vec![answer]);
        op.attributes = attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        self.plan.body.ops.push(op);
        self.output(output, answer);
    }
}

fn text(text: &str) -> Attribute {
    Attribute::Text(text.to_owned())
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
