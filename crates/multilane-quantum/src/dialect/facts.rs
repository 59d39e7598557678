//! What verifier, passes and the cost model know of the dialect's operations.

use multilane_plan::{Attribute, Cost, CostClass, DType, DimId, Form, Op, OpDef, Plan, Sizes, ValueType};

use crate::circuit::{MAX_MATRIX_QUBITS, MAX_QUBITS};

/// The kind of opaque values that are registers.
pub const KIND: &str = "register";

/// The operations of the dialect.
pub fn dialect() -> &'static [OpDef] {
    DIALECT
}

/// The type of a register with its number of amplitudes.
pub fn register_type(amplitudes: DimId) -> ValueType {
    ValueType::Opaque {
        kind: KIND.to_owned(),
        dims: vec![amplitudes],
    }
}

type Types = Result<Vec<ValueType>, String>;

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
        ..changes("quantum.zero", "makes all `qubits` qubits of a register 0", zero)
    },
    changes(
        "quantum.gate",
        "`gate` with `angles` or angle operands on `targets`, where `controls` are 1 and `negative` are 0",
        gate,
    ),
    // The same register measured twice need not give the same outcome, so measurements are never merged.
    OpDef {
        pure_op: false,
        ..changes(
            "quantum.measure",
            "measures `qubit`; `clbit` is the bit it is kept in",
            measure,
        )
    },
    OpDef {
        pure_op: false,
        ..changes("quantum.reset", "makes `qubit` 0, whatever it was", reset)
    },
    OpDef {
        pure_op: false,
        heavy: false,
        ..changes(
            "quantum.barrier",
            "keeps operations on `qubits` in their order",
            barrier,
        )
    },
];

fn zero(plan: &Plan, op: &Op) -> Types {
    known(op, &["qubits", "clbits"])?;
    let register = register(plan, op)?;
    if op.operands.len() > 1 {
        return Err("needs one operand, the register".to_owned());
    }
    match op.int("qubits") {
        Some(qubits) if (0..=MAX_QUBITS as i64).contains(&qubits) => {}
        _ => return Err(format!("needs a number of qubits up to {MAX_QUBITS} as `qubits`")),
    }
    Ok(vec![register])
}

fn gate(plan: &Plan, op: &Op) -> Types {
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

fn barrier(plan: &Plan, op: &Op) -> Types {
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

fn register(plan: &Plan, op: &Op) -> Result<ValueType, String> {
    match op.operands.first().map(|register| plan.ty(*register)) {
        Some(ty @ ValueType::Opaque { kind, .. }) if kind == KIND => Ok(ty.clone()),
        _ => Err("needs a register as its first operand".to_owned()),
    }
}

fn one_qubit(plan: &Plan, op: &Op) -> Result<ValueType, String> {
    let register = register(plan, op)?;
    match op.attribute("qubit") {
        Some(Attribute::Int(qubit)) => in_range(plan, *qubit).map(|_| register),
        _ => Err("needs a number as `qubit`".to_owned()),
    }
}

/// A plan's registers all have the qubits of the operation that makes them.
fn in_range(plan: &Plan, qubit: i64) -> Result<usize, String> {
    let zero = plan.body.ops.iter().find(|op| op.name == "quantum.zero");
    let qubits = zero.and_then(|op| op.int("qubits")).unwrap_or(MAX_QUBITS as i64);
    if (0..qubits).contains(&qubit) {
        Ok(qubit as usize)
    } else {
        Err(format!("names qubit {qubit}, but there are {qubits}"))
    }
}

fn qubits(plan: &Plan, op: &Op, name: &str) -> Result<Vec<usize>, String> {
    let number = |attribute: &Attribute| match attribute {
        Attribute::Int(qubit) => in_range(plan, *qubit),
        _ => Err(format!("needs numbers in `{name}`")),
    };
    list(op, name)?.iter().map(number).collect()
}

fn list<'a>(op: &'a Op, name: &str) -> Result<&'a [Attribute], String> {
    match op.attribute(name) {
        None => Ok(&[]),
        Some(Attribute::List(values)) => Ok(values),
        Some(_) => Err(format!("needs a list as `{name}`")),
    }
}

fn distinct(named: &[usize]) -> Result<(), String> {
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

fn known(op: &Op, names: &[&str]) -> Result<(), String> {
    match op.attributes.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("has no attribute `{name}`")),
        None => Ok(()),
    }
}

/// One pass over the state in double precision.
fn cost(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    let register = op.results.first().map(|register| plan.ty(*register));
    let Some(ValueType::Opaque { dims, .. }) = register else {
        return Cost::FREE;
    };
    let amplitudes = dims.first().map_or(0.0, |dim| sizes.size(*dim));
    let targets = list(op, "targets").map_or(0, |targets| targets.len().min(MAX_MATRIX_QUBITS));
    Cost {
        class: CostClass::Arithmetic,
        units: amplitudes * f64::from(4u32 << targets),
        read_bytes: if op.name == "quantum.zero" {
            0.0
        } else {
            16.0 * amplitudes
        },
        written_bytes: 16.0 * amplitudes,
        random_area_bytes: 0.0,
        rows: 0.0,
    }
}
