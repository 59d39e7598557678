//! The operations that ask something of a register: what they give, what they cost, and how their questions are written.
//!
//! A product of Pauli matrices is written as letters with their qubits: `X0 Z3`; without any it is 1.

use multilane_plan::{Attribute, Cost, CostClass, DType, Op, Plan, Sizes, ValueType};

use super::facts::{Types, distinct, in_range, known, list, qubits, qubits_of, register, size};
use crate::simulate::{MOST_PROBABILITIES, Pauli, PauliTerm};

pub(super) fn expectation(plan: &Plan, op: &Op) -> Types {
    known(op, &["coefficients", "paulis"])?;
    one_operand(plan, op)?;
    terms(plan, op)?;
    Ok(vec![ValueType::scalar(DType::F64)])
}

pub(super) fn probabilities(plan: &Plan, op: &Op) -> Types {
    known(op, &["qubits"])?;
    one_operand(plan, op)?;
    let named = qubits(plan, op, "qubits")?;
    distinct(&named)?;
    if named.len() > MOST_PROBABILITIES {
        return Err(format!(
            "gives the probabilities of at most {MOST_PROBABILITIES} qubits"
        ));
    }
    Ok(vec![ValueType::array(DType::F64, size(plan, 1 << named.len())?)])
}

fn one_operand(plan: &Plan, op: &Op) -> Result<(), String> {
    register(plan, op)?;
    match op.operands.len() {
        1 => Ok(()),
        count => Err(format!("needs one operand, the register, not {count}")),
    }
}

/// The sum that an expectation value is asked of.
pub(super) fn terms(plan: &Plan, op: &Op) -> Result<Vec<PauliTerm>, String> {
    let (coefficients, paulis) = (list(op, "coefficients")?, list(op, "paulis")?);
    if coefficients.len() != paulis.len() {
        return Err("needs as many `coefficients` as `paulis`".to_owned());
    }
    let term = |(coefficient, text): (&Attribute, &Attribute)| {
        let coefficient = match coefficient {
            Attribute::Float(number) => *number,
            Attribute::Int(number) => *number as f64,
            _ => return Err("needs numbers in `coefficients`".to_owned()),
        };
        let Attribute::Text(text) = text else {
            return Err("needs texts in `paulis`".to_owned());
        };
        let factors: Vec<(usize, Pauli)> = text
            .split_whitespace()
            .map(|factor| self::factor(plan, op, factor))
            .collect::<Result<_, String>>()?;
        distinct(&factors.iter().map(|(qubit, _)| *qubit).collect::<Vec<_>>())?;
        Ok(PauliTerm { coefficient, factors })
    };
    coefficients.iter().zip(paulis).map(term).collect()
}

fn factor(plan: &Plan, op: &Op, text: &str) -> Result<(usize, Pauli), String> {
    let wrong = || format!("has `{text}` in `paulis`, which is no X, Y or Z with its qubit, such as `X0`");
    let (letter, qubit) = text.split_at_checked(1).ok_or_else(wrong)?;
    let pauli = match letter {
        "X" => Pauli::X,
        "Y" => Pauli::Y,
        "Z" => Pauli::Z,
        _ => return Err(wrong()),
    };
    let qubit = qubit.parse::<u32>().map_err(|_| wrong())?;
    Ok((in_range(plan, op, qubit.into())?, pauli))
}

/// A sum as the attributes of the operation, the opposite of [`terms`].
pub(super) fn written(terms: &[PauliTerm]) -> [Attribute; 2] {
    let text = |term: &PauliTerm| {
        let factor = |(qubit, pauli): &(usize, Pauli)| format!("{pauli:?}{qubit}");
        Attribute::Text(term.factors.iter().map(factor).collect::<Vec<_>>().join(" "))
    };
    let coefficients = terms.iter().map(|term| Attribute::Float(term.coefficient));
    [
        Attribute::List(coefficients.collect()),
        Attribute::List(terms.iter().map(text).collect()),
    ]
}

/// Every amplitude is read once, and weighed once for each product.
pub(super) fn expectation_cost(plan: &Plan, op: &Op, _: &dyn Sizes) -> Cost {
    reads(plan, op, list(op, "paulis").map_or(1, <[_]>::len))
}

pub(super) fn probabilities_cost(plan: &Plan, op: &Op, _: &dyn Sizes) -> Cost {
    reads(plan, op, 1)
}

fn reads(plan: &Plan, op: &Op, weighed: usize) -> Cost {
    let register = op
        .operands
        .first()
        .and_then(|register| qubits_of(plan, plan.ty(*register)));
    let Some(qubits) = register else {
        return Cost::FREE;
    };
    let amplitudes = (qubits as f64).exp2();
    Cost {
        class: CostClass::Arithmetic,
        units: amplitudes * (1 + weighed) as f64,
        read_bytes: 16.0 * amplitudes,
        written_bytes: 0.0,
        random_area_bytes: 0.0,
        rows: 0.0,
    }
}
