//! What verifier, passes and the cost model know of the dialect's operations.

use multilane_plan::{
    Attribute, Cost, CostClass, DType, DimId, Form, Op, OpDef, Plan, Region, Sizes, ValueId, ValueType,
};

use super::{ask, fused};
use crate::circuit::{MAX_MATRIX_QUBITS, MAX_QUBITS};
use crate::simulate::Precision;

/// The kind of opaque values that are registers.
pub const KIND: &str = "register";

/// The operations of the dialect.
pub fn dialect() -> &'static [OpDef] {
    DIALECT
}

/// The type of a register with its number of qubits, a size that is a number.
pub fn register_type(qubits: DimId) -> ValueType {
    ValueType::Opaque {
        kind: KIND.to_owned(),
        dims: vec![qubits],
    }
}

/// Bytes of the registers that a plan makes. One that is read again after it has changed needs as much once more.
pub fn state_bytes(plan: &Plan) -> u64 {
    fn of(plan: &Plan, region: &Region) -> u64 {
        let own = |op: &Op| {
            let qubits = op
                .results
                .first()
                .and_then(|register| qubits_of(plan, plan.ty(*register)));
            let bytes = match (op.name.as_str(), qubits) {
                (ZERO, Some(qubits)) => {
                    let amplitude = precision(op).unwrap_or_default().bytes() as u64;
                    amplitude
                        .checked_shl(qubits as u32)
                        .filter(|bytes| bytes >> qubits == amplitude)
                }
                _ => Some(0),
            };
            let inside = op.regions.iter().map(|region| of(plan, region));
            inside.fold(bytes.unwrap_or(u64::MAX), u64::saturating_add)
        };
        region.ops.iter().map(own).fold(0, u64::saturating_add)
    }
    of(plan, &plan.body)
}

pub(super) type Types = Result<Vec<ValueType>, String>;

const fn changes(name: &'static str, summary: &'static str, infer: fn(&Plan, &Op) -> Types) -> OpDef {
    OpDef {
        name,
        summary,
        form: Form::Whole,
        pure_op: true,
        thread_safe: true,
        data_parallel: true,
        heavy: true,
        commutative: false,
        in_place: true,
        infer,
        cost,
        fold: None,
    }
}

const DIALECT: &[OpDef] = &[
    OpDef {
        heavy: false,
        in_place: false,
        ..changes(
            ZERO,
            "a register of `qubits` qubits, all 0, in `precision` (f64 when absent); the operand, if any, is the seed \
             of its measurements",
            zero,
        )
    },
    changes(
        GATE,
        "`gate` with `angles` or angle operands on `targets`, where `controls` are 1 and `negative` are 0",
        gate,
    ),
    // The same register measured twice need not give the same outcome, so measurements are never merged.
    OpDef {
        pure_op: false,
        ..changes(MEASURE, "measures `qubit`; `clbit` is the bit it is kept in", measure)
    },
    OpDef {
        pure_op: false,
        ..changes(RESET, "makes `qubit` 0, whatever it was", reset)
    },
    OpDef {
        pure_op: false,
        heavy: false,
        ..changes(BARRIER, "keeps operations on `qubits` in their order", barrier)
    },
    OpDef {
        cost: fused::cost,
        ..changes(
            FUSED,
            "runs gates that follow one another in as few passes over memory as they need",
            fused::infer,
        )
    },
    OpDef {
        in_place: false,
        cost: ask::expectation_cost,
        ..changes(
            EXPECTATION,
            "the expectation value of a sum of products of Pauli matrices, `paulis` times `coefficients`",
            ask::expectation,
        )
    },
    OpDef {
        in_place: false,
        cost: ask::probabilities_cost,
        ..changes(
            PROBABILITIES,
            "the probabilities of the values of `qubits`, the first as the least significant bit",
            ask::probabilities,
        )
    },
];

pub(super) const ZERO: &str = "quantum.zero";
pub(super) const GATE: &str = "quantum.gate";
pub(super) const MEASURE: &str = "quantum.measure";
pub(super) const RESET: &str = "quantum.reset";
pub(super) const BARRIER: &str = "quantum.barrier";
pub(super) const FUSED: &str = "quantum.fused";
pub(super) const EXPECTATION: &str = "quantum.expectation";
pub(super) const PROBABILITIES: &str = "quantum.probabilities";

pub(super) fn zero(plan: &Plan, op: &Op) -> Types {
    known(op, &["qubits", "clbits", "precision"])?;
    let qubits = match op.int("qubits") {
        Some(qubits) if (0..=MAX_QUBITS as i64).contains(&qubits) => qubits,
        _ => return Err(format!("needs a number of qubits up to {MAX_QUBITS} as `qubits`")),
    };
    if precision(op).is_none() {
        return Err("needs \"f32\" or \"f64\" as `precision`".to_owned());
    }
    let is_seed = |value: &ValueId| *plan.ty(*value) == ValueType::scalar(DType::I64);
    if op.operands.len() > 1 || !op.operands.iter().all(is_seed) {
        return Err("needs no operand, or an i64 as the seed of measurements".to_owned());
    }
    let dim = size(plan, qubits as usize)?;
    Ok(vec![register_type(dim)])
}

/// The precision that a `quantum.zero` asks for.
pub(super) fn precision(op: &Op) -> Option<Precision> {
    match op.attribute("precision") {
        None => Some(Precision::F64),
        Some(Attribute::Text(name)) => [Precision::F32, Precision::F64]
            .into_iter()
            .find(|known| known.name() == name),
        Some(_) => None,
    }
}

/// The size of a plan that is a number.
pub(super) fn size(plan: &Plan, number: usize) -> Result<DimId, String> {
    let name = number.to_string();
    let found = plan.dims.iter().position(|dim| *dim == name);
    found
        .map(|dim| DimId(dim as u32))
        .ok_or_else(|| format!("needs the size `{name}` in its result's type"))
}

pub(super) fn gate(plan: &Plan, op: &Op) -> Types {
    known(
        op,
        &[
            "gate", "targets", "controls", "negative", "angles", "matrix", "clbits", "value", "negated",
        ],
    )?;
    let register = register(plan, op)?;
    let name = op.text("gate").ok_or("needs a name as `gate`")?;
    let (targets, angles) = shape(name).ok_or_else(|| format!("knows no gate `{name}`"))?;
    let mut named = qubits(plan, op, "targets")?;
    let found = named.len();
    match targets {
        Some(targets) if found != targets => return Err(format!("`{name}` acts on {targets} qubits, not {found}")),
        None if !(1..=MAX_MATRIX_QUBITS).contains(&found) => {
            return Err(format!("`{name}` acts on 1 to {MAX_MATRIX_QUBITS} qubits, not {found}"));
        }
        _ => {}
    }
    named.extend(qubits(plan, op, "controls")?);
    named.extend(qubits(plan, op, "negative")?);
    distinct(&named)?;
    let given = list(op, "angles")?.len();
    let conditions = condition(op)?;
    let operands = op.operands.len() - 1 - conditions.min(op.operands.len() - 1);
    if given + operands != angles {
        return Err(format!("`{name}` has {angles} angles, not {}", given + operands));
    }
    if targets.is_none() && list(op, "matrix")?.len() != 2 << (2 * found) {
        return Err(format!("needs {} numbers as `matrix`", 2 << (2 * found)));
    }
    for (place, operand) in op.operands[1..].iter().enumerate() {
        let wanted = if place < operands { DType::F64 } else { DType::Bool };
        if *plan.ty(*operand) != ValueType::scalar(wanted) {
            return Err(format!("needs a scalar of type {wanted} as operand {}", place + 1));
        }
    }
    Ok(vec![register])
}

fn measure(plan: &Plan, op: &Op) -> Types {
    known(op, &["qubit", "clbit", "clbits", "value", "negated"])?;
    let register = one_qubit(plan, op)?;
    let conditions = condition(op)?;
    // Where it may not happen, the bit's value before is the last operand.
    let wanted = if conditions == 0 { 1 } else { conditions + 2 };
    bits(plan, op, wanted)?;
    Ok(vec![register, ValueType::scalar(DType::Bool)])
}

fn reset(plan: &Plan, op: &Op) -> Types {
    known(op, &["qubit", "clbits", "value", "negated"])?;
    let register = one_qubit(plan, op)?;
    bits(plan, op, 1 + condition(op)?)?;
    Ok(vec![register])
}

pub(super) fn barrier(plan: &Plan, op: &Op) -> Types {
    known(op, &["qubits"])?;
    let register = register(plan, op)?;
    distinct(&qubits(plan, op, "qubits")?)?;
    Ok(vec![register])
}

/// How many targets (any, for a matrix) and angles a gate has.
fn shape(name: &str) -> Option<(Option<usize>, usize)> {
    Some(match name {
        "gphase" => (Some(0), 1),
        "id" | "x" | "y" | "z" | "h" | "s" | "sdg" | "t" | "tdg" | "sx" | "sxdg" => (Some(1), 0),
        "p" | "rx" | "ry" | "rz" => (Some(1), 1),
        "u" => (Some(1), 3),
        "swap" => (Some(2), 0),
        "unitary" => (None, 0),
        _ => return None,
    })
}

/// The type of the register that is the first operand.
pub(super) fn register(plan: &Plan, op: &Op) -> Result<ValueType, String> {
    let ty = op.operands.first().map(|register| plan.ty(*register));
    match ty.filter(|ty| qubits_of(plan, ty).is_some()) {
        Some(ty) => Ok(ty.clone()),
        None => Err("needs a register as its first operand, with its number of qubits: `register<3>`".to_owned()),
    }
}

/// How many qubits a register has by its type.
pub(super) fn qubits_of(plan: &Plan, ty: &ValueType) -> Option<usize> {
    match ty {
        ValueType::Opaque { kind, dims } if kind == KIND => match dims[..] {
            [qubits] => plan.fixed_size(qubits).filter(|qubits| *qubits <= MAX_QUBITS),
            _ => None,
        },
        _ => None,
    }
}

fn one_qubit(plan: &Plan, op: &Op) -> Result<ValueType, String> {
    let register = register(plan, op)?;
    match op.attribute("qubit") {
        Some(Attribute::Int(qubit)) => in_range(plan, op, *qubit).map(|_| register),
        _ => Err("needs a number as `qubit`".to_owned()),
    }
}

/// A qubit that the register has which is the first operand.
pub(super) fn in_range(plan: &Plan, op: &Op, qubit: i64) -> Result<usize, String> {
    let register = op
        .operands
        .first()
        .and_then(|register| qubits_of(plan, plan.ty(*register)));
    let qubits = register.unwrap_or(0);
    if (0..qubits as i64).contains(&qubit) {
        Ok(qubit as usize)
    } else {
        Err(format!("names qubit {qubit}, but there are {qubits}"))
    }
}

pub(super) fn qubits(plan: &Plan, op: &Op, name: &str) -> Result<Vec<usize>, String> {
    let number = |attribute: &Attribute| match attribute {
        Attribute::Int(qubit) => in_range(plan, op, *qubit),
        _ => Err(format!("needs numbers in `{name}`")),
    };
    list(op, name)?.iter().map(number).collect()
}

pub(super) fn list<'a>(op: &'a Op, name: &str) -> Result<&'a [Attribute], String> {
    match op.attribute(name) {
        None => Ok(&[]),
        Some(Attribute::List(values)) => Ok(values),
        Some(_) => Err(format!("needs a list as `{name}`")),
    }
}

pub(super) fn distinct(named: &[usize]) -> Result<(), String> {
    let mut sorted = named.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(format!("names qubit {} twice", pair[0])),
    }
}

/// How many bits the condition compares; 0 when there is none.
fn condition(op: &Op) -> Result<usize, String> {
    let bits = list(op, "clbits")?.len();
    if bits > 64 {
        return Err("compares at most 64 bits".to_owned());
    }
    if (bits > 0) != op.int("value").is_some() {
        return Err("needs both `clbits` and `value` for a condition".to_owned());
    }
    Ok(bits)
}

/// Checks that there are so many operands, truth values but for the first.
fn bits(plan: &Plan, op: &Op, count: usize) -> Result<(), String> {
    if op.operands.len() != count {
        return Err(format!("needs {count} operands, not {}", op.operands.len()));
    }
    let truth = ValueType::scalar(DType::Bool);
    match op.operands[1..].iter().all(|operand| *plan.ty(*operand) == truth) {
        true => Ok(()),
        false => Err("needs truth values after the register".to_owned()),
    }
}

pub(super) fn known(op: &Op, names: &[&str]) -> Result<(), String> {
    match op.attributes.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("has no attribute `{name}`")),
        None => Ok(()),
    }
}

/// One pass over the state in double precision.
fn cost(plan: &Plan, op: &Op, _: &dyn Sizes) -> Cost {
    let register = op
        .results
        .first()
        .and_then(|register| qubits_of(plan, plan.ty(*register)));
    let Some(qubits) = register else {
        return Cost::FREE;
    };
    let amplitudes = (qubits as f64).exp2();
    let targets = list(op, "targets").map_or(0, |targets| targets.len().min(MAX_MATRIX_QUBITS));
    let read_bytes = match op.name.as_str() {
        BARRIER => return Cost::FREE,
        ZERO => 0.0,
        _ => 16.0 * amplitudes,
    };
    Cost {
        class: CostClass::Arithmetic,
        units: amplitudes * f64::from(4u32 << targets),
        read_bytes,
        written_bytes: 16.0 * amplitudes,
        random_area_bytes: 0.0,
        rows: 0.0,
    }
}
