//! Building circuits: every instruction is checked as it is added.
//!
//! Methods give the circuit back, so that calls chain with `?`. A refused instruction
//! leaves the circuit as it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Angle, Circuit, Condition, Control, Gate, Instruction, MAX_CLBITS, MAX_QUBITS, Matrix, Operation};
use crate::error::QuantumError;

type Built<'a> = Result<&'a mut Circuit, QuantumError>;

/// Methods for gates on one qubit that need no angle.
macro_rules! plain_gates {
    ($($(#[$doc:meta])* $name:ident, $gate:ident;)*) => {
        impl Circuit {
            $($(#[$doc])* pub fn $name(&mut self, qubit: usize) -> Built<'_> {
                self.gate(Gate::$gate, &[], &[qubit])
            })*
        }
    };
}

plain_gates! {
    /// Does nothing, for so long as a gate takes.
    id, Id;
    /// Pauli X.
    x, X;
    /// Pauli Y.
    y, Y;
    /// Pauli Z.
    z, Z;
    /// Hadamard.
    h, H;
    /// The square root of Z.
    s, S;
    /// The inverse of S.
    sdg, Sdg;
    /// The square root of S.
    t, T;
    /// The inverse of T.
    tdg, Tdg;
    /// The square root of X.
    sx, Sx;
}

/// Methods for gates with one angle, plain and controlled.
macro_rules! rotations {
    ($($(#[$doc:meta])* $name:ident, $controlled:ident, $gate:ident;)*) => {
        impl Circuit {
            $($(#[$doc])* pub fn $name(&mut self, angle: impl Into<Angle>, qubit: usize) -> Built<'_> {
                self.gate(Gate::$gate(angle.into()), &[], &[qubit])
            }
            $(#[$doc])*
            ///
            /// Where `control` is 1.
            pub fn $controlled(&mut self, angle: impl Into<Angle>, control: usize, target: usize) -> Built<'_> {
                self.gate(Gate::$gate(angle.into()), &[Control::on(control)], &[target])
            })*
        }
    };
}

rotations! {
    /// Multiplies 1 by `exp(i angle)`.
    p, cp, P;
    /// Turns around X.
    rx, crx, Rx;
    /// Turns around Y.
    ry, cry, Ry;
    /// Turns around Z.
    rz, crz, Rz;
}

impl Circuit {
    /// A circuit without instructions.
    pub fn new(qubits: usize, clbits: usize) -> Result<Self, QuantumError> {
        if qubits > MAX_QUBITS {
            return Err(QuantumError::TooManyQubits { qubits });
        }
        if clbits > MAX_CLBITS {
            return Err(QuantumError::TooManyClbits { clbits });
        }
        Ok(Self {
            qubits,
            clbits,
            ..Self::default()
        })
    }

    /// Adds an instruction.
    pub fn push(&mut self, instruction: Instruction) -> Built<'_> {
        self.check(&instruction)?;
        if let Operation::Gate { gate, .. } = &instruction.operation {
            for angle in gate.angles() {
                angle.collect(&mut self.parameters);
            }
        }
        self.instructions.push(instruction);
        Ok(self)
    }

    /// Adds a gate.
    pub fn gate(&mut self, gate: Gate, controls: &[Control], targets: &[usize]) -> Built<'_> {
        self.push(Instruction {
            operation: Operation::Gate {
                gate,
                controls: controls.to_vec(),
                targets: targets.to_vec(),
            },
            condition: None,
        })
    }

    /// X where `control` is 1.
    pub fn cx(&mut self, control: usize, target: usize) -> Built<'_> {
        self.gate(Gate::X, &[Control::on(control)], &[target])
    }

    /// Y where `control` is 1.
    pub fn cy(&mut self, control: usize, target: usize) -> Built<'_> {
        self.gate(Gate::Y, &[Control::on(control)], &[target])
    }

    /// Z where `control` is 1.
    pub fn cz(&mut self, control: usize, target: usize) -> Built<'_> {
        self.gate(Gate::Z, &[Control::on(control)], &[target])
    }

    /// Hadamard where `control` is 1.
    pub fn ch(&mut self, control: usize, target: usize) -> Built<'_> {
        self.gate(Gate::H, &[Control::on(control)], &[target])
    }

    /// X where both controls are 1.
    pub fn ccx(&mut self, first: usize, second: usize, target: usize) -> Built<'_> {
        self.gate(Gate::X, &[Control::on(first), Control::on(second)], &[target])
    }

    /// Exchanges two qubits.
    pub fn swap(&mut self, first: usize, second: usize) -> Built<'_> {
        self.gate(Gate::Swap, &[], &[first, second])
    }

    /// Exchanges two qubits where `control` is 1.
    pub fn cswap(&mut self, control: usize, first: usize, second: usize) -> Built<'_> {
        self.gate(Gate::Swap, &[Control::on(control)], &[first, second])
    }

    /// Any gate on one qubit, by three angles.
    pub fn u(
        &mut self,
        theta: impl Into<Angle>,
        phi: impl Into<Angle>,
        lambda: impl Into<Angle>,
        qubit: usize,
    ) -> Built<'_> {
        self.gate(Gate::U(theta.into(), phi.into(), lambda.into()), &[], &[qubit])
    }

    /// A matrix on `targets`; the first is the least significant bit of its rows.
    pub fn unitary(&mut self, matrix: Matrix, targets: &[usize]) -> Built<'_> {
        self.gate(Gate::Unitary(Arc::new(matrix)), &[], targets)
    }

    /// Measures a qubit into a classical bit.
    pub fn measure(&mut self, qubit: usize, clbit: usize) -> Built<'_> {
        self.plain(Operation::Measure { qubit, clbit })
    }

    /// Measures every qubit into the classical bit of its number; adds the bits that are missing.
    pub fn measure_all(&mut self) -> Built<'_> {
        self.clbits = self.clbits.max(self.qubits);
        for qubit in 0..self.qubits {
            self.measure(qubit, qubit)?;
        }
        Ok(self)
    }

    /// Makes a qubit 0.
    pub fn reset(&mut self, qubit: usize) -> Built<'_> {
        self.plain(Operation::Reset { qubit })
    }

    /// Keeps gates from moving past this point.
    pub fn barrier(&mut self, qubits: &[usize]) -> Built<'_> {
        let qubits = qubits.to_vec();
        self.plain(Operation::Barrier { qubits })
    }

    /// Makes the last instruction depend on classical bits.
    pub fn only_if(&mut self, condition: Condition) -> Built<'_> {
        self.check_condition(&condition)?;
        if let Some(last) = self.instructions.last_mut() {
            last.condition = Some(condition);
        }
        Ok(self)
    }

    /// The same circuit with values for all its parameters.
    pub fn bind(&self, values: &BTreeMap<String, f64>) -> Result<Self, QuantumError> {
        if let Some(name) = values.keys().find(|name| !self.parameters.contains(name)) {
            return Err(QuantumError::UnknownParameter {
                name: name.clone(),
                known: self.parameters.clone(),
            });
        }
        let mut bound = Self::new(self.qubits, self.clbits)?;
        for instruction in &self.instructions {
            let mut instruction = instruction.clone();
            if let Operation::Gate { gate, .. } = &mut instruction.operation {
                *gate = gate.map_angles(|angle| angle.bind(values).map(Angle::Number))?;
            }
            bound.push(instruction)?;
        }
        Ok(bound)
    }

    fn plain(&mut self, operation: Operation) -> Built<'_> {
        self.push(Instruction {
            operation,
            condition: None,
        })
    }

    /// Refuses what cannot be an instruction of this circuit.
    pub(crate) fn check(&self, instruction: &Instruction) -> Result<(), QuantumError> {
        if let Some(condition) = &instruction.condition {
            self.check_condition(condition)?;
        }
        match &instruction.operation {
            Operation::Gate {
                gate,
                controls,
                targets,
            } => {
                if targets.len() != gate.targets() {
                    return Err(QuantumError::QubitCount {
                        gate: gate.name().to_owned(),
                        expected: gate.targets(),
                        found: targets.len(),
                    });
                }
                for angle in gate.angles() {
                    if let Some(angle) = angle.number().filter(|angle| !angle.is_finite()) {
                        let gate = gate.name().to_owned();
                        return Err(QuantumError::AngleNotFinite { gate, angle });
                    }
                }
                let controls = controls.iter().map(|control| control.qubit);
                self.check_qubits(gate.name(), controls.chain(targets.iter().copied()))
            }
            Operation::Measure { qubit, clbit } => {
                self.check_clbit(*clbit)?;
                self.check_qubits("measure", [*qubit])
            }
            Operation::Reset { qubit } => self.check_qubits("reset", [*qubit]),
            Operation::Barrier { qubits } => self.check_qubits("barrier", qubits.iter().copied()),
        }
    }

    fn check_qubits(&self, gate: &str, named: impl IntoIterator<Item = usize>) -> Result<(), QuantumError> {
        let mut seen: Vec<usize> = Vec::new();
        for qubit in named {
            if qubit >= self.qubits {
                let qubits = self.qubits;
                return Err(QuantumError::QubitOutOfRange { qubit, qubits });
            }
            seen.push(qubit);
        }
        seen.sort_unstable();
        match seen.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(QuantumError::DuplicateQubit {
                gate: gate.to_owned(),
                qubit: pair[0],
            }),
        }
    }

    fn check_clbit(&self, clbit: usize) -> Result<(), QuantumError> {
        let clbits = self.clbits;
        if clbit < clbits {
            Ok(())
        } else {
            Err(QuantumError::ClbitOutOfRange { clbit, clbits })
        }
    }

    fn check_condition(&self, condition: &Condition) -> Result<(), QuantumError> {
        let clbits = condition.clbits.len();
        if clbits == 0 || clbits > 64 {
            return Err(QuantumError::ConditionWidth { clbits });
        }
        condition.clbits.iter().try_for_each(|clbit| self.check_clbit(*clbit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_bad_instructions_and_stays_as_it_was() {
        let mut circuit = Circuit::new(2, 1).unwrap();
        circuit.h(0).unwrap();
        let error = circuit.cx(0, 2).unwrap_err();
        assert_eq!(error.to_string(), "there is no qubit 2: the circuit has 2");
        assert_eq!(error.hint().as_deref(), Some("number the qubits from 0 to 1"));
        assert_eq!(circuit.cx(1, 1).unwrap_err().to_string(), "`x` names qubit 1 twice");
        assert!(circuit.measure(0, 1).is_err());
        assert!(circuit.rx(f64::NAN, 0).is_err());
        assert!(circuit.gate(Gate::Swap, &[], &[0]).is_err());
        assert_eq!(circuit.instructions().len(), 1);
    }

    #[test]
    fn binds_parameters_late() {
        let mut circuit = Circuit::new(1, 0).unwrap();
        circuit.rx(Angle::parameter("a") * 2.0.into(), 0).unwrap();
        assert_eq!(circuit.parameters(), ["a"]);
        let bound = circuit.bind(&BTreeMap::from([("a".to_owned(), 0.5)])).unwrap();
        assert!(bound.parameters().is_empty());
        let Operation::Gate { gate, .. } = &bound.instructions()[0].operation else {
            panic!("a gate was added")
        };
        assert_eq!(*gate, Gate::Rx(1.0.into()));
        assert!(circuit.bind(&BTreeMap::new()).is_err());
    }
}
