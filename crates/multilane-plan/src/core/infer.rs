//! Result types of the `core` dialect, or what does not fit.
//!
//! A message continues the operation's name: "`core.div` needs floats, not i64". Advice
//! may follow after `"; "`. Reads types only; that operands exist is the verifier's matter.

use crate::plan::{Attribute, Op, Plan, Region, ValueId};
use crate::types::{DType, Extent, ValueType};

type Types = Result<Vec<ValueType>, String>;

/// `core.constant`.
pub(super) fn constant(plan: &Plan, op: &Op) -> Types {
    operands::<0>(plan, op)?;
    known(op, &["value"])?;
    match op.attribute("value") {
        Some(Attribute::Scalar(value)) => Ok(vec![ValueType::scalar(value.dtype())]),
        _ => Err("needs a number with its type as `value`".to_owned()),
    }
}

/// One number in, the same type out.
pub(super) fn arithmetic1(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    arithmetic::<1>(plan, op)
}

/// Two numbers of one type in, the same type out.
pub(super) fn arithmetic2(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    arithmetic::<2>(plan, op)
}

/// Three numbers of one type in, the same type out.
pub(super) fn arithmetic3(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    arithmetic::<3>(plan, op)
}

/// One float in, the same type out.
pub(super) fn floats1(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    floats::<1>(plan, op)
}

/// Two floats of one type in, the same type out.
pub(super) fn floats2(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    floats::<2>(plan, op)
}

/// `core.recip`.
pub(super) fn recip(plan: &Plan, op: &Op) -> Types {
    known(op, &["epsilon"])?;
    if op.float("epsilon").is_none() {
        return Err("needs a float as `epsilon`; write 0.0 for none".to_owned());
    }
    floats::<1>(plan, op)
}

/// Comparisons.
pub(super) fn compare(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    let operands = operands::<2>(plan, op)?;
    one_dtype(plan, &op.operands, &operands)?;
    Ok(vec![tensor(DType::Bool, meet(plan, &op.operands, &operands)?)])
}

/// `core.not`.
pub(super) fn logical1(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    logical::<1>(plan, op)
}

/// `core.and` and the like.
pub(super) fn logical2(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    logical::<2>(plan, op)
}

/// `core.where`.
pub(super) fn select(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    let operands = operands::<3>(plan, op)?;
    if operands[0].0 != DType::Bool {
        return Err(format!(
            "needs truth values as its first operand, and {} is {}; compare it with something",
            named(plan, op.operands[0]),
            operands[0].0
        ));
    }
    let dtype = one_dtype(plan, &op.operands[1..], &operands[1..])?;
    Ok(vec![tensor(dtype, meet(plan, &op.operands, &operands)?)])
}

/// `core.cast`.
pub(super) fn cast(plan: &Plan, op: &Op) -> Types {
    known(op, &["to"])?;
    let [(_, extent)] = operands::<1>(plan, op)?;
    match op.attribute("to") {
        Some(Attribute::DType(to)) => Ok(vec![tensor(*to, extent)]),
        _ => Err("needs an element type as `to`".to_owned()),
    }
}

/// `core.broadcast`, whose result says how long it is.
pub(super) fn broadcast(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    let [(dtype, extent)] = operands::<1>(plan, op)?;
    if extent != Extent::Scalar {
        return Err(format!(
            "needs one number, and {} is an array; use it as it is",
            named(plan, op.operands[0])
        ));
    }
    match op.results.first().map(|result| plan.ty(*result)) {
        Some(ValueType::Tensor {
            extent: Extent::Dim(dim),
            ..
        }) => Ok(vec![ValueType::array(dtype, *dim)]),
        _ => Err("needs a result that is an array; write its type, as in `%y: f64[n]`".to_owned()),
    }
}

/// `core.sum`.
pub(super) fn reduce_sum(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    let dtype = reduced(plan, op)?;
    let sum = if dtype.is_float() { dtype } else { DType::I64 };
    Ok(vec![ValueType::scalar(sum)])
}

/// `core.reduce_min` and `core.reduce_max`.
pub(super) fn reduce_extreme(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    match reduced(plan, op)? {
        DType::Bool => Err("needs numbers, not bool; use `core.any` or `core.all`".to_owned()),
        dtype => Ok(vec![ValueType::scalar(dtype)]),
    }
}

/// `core.mean`.
pub(super) fn reduce_mean(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    Ok(vec![ValueType::scalar(float_of(reduced(plan, op)?))])
}

/// `core.count`.
pub(super) fn reduce_count(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    reduced(plan, op)?;
    Ok(vec![ValueType::scalar(DType::I64)])
}

/// `core.norm`.
pub(super) fn reduce_norm(plan: &Plan, op: &Op) -> Types {
    known(op, &["ord"])?;
    match (op.attribute("ord"), op.text("ord")) {
        (None, _) | (_, Some("l1" | "l2" | "max")) => {}
        _ => return Err("needs \"l1\", \"l2\" or \"max\" as `ord`".to_owned()),
    }
    match reduced(plan, op)? {
        DType::Bool => Err("needs numbers, not bool; use `core.count`".to_owned()),
        dtype => Ok(vec![ValueType::scalar(float_of(dtype))]),
    }
}

/// `core.any` and `core.all`.
pub(super) fn reduce_logical(plan: &Plan, op: &Op) -> Types {
    known(op, &[])?;
    match reduced(plan, op)? {
        DType::Bool => Ok(vec![ValueType::scalar(DType::Bool)]),
        dtype => Err(format!("needs truth values, not {dtype}; compare them with 0")),
    }
}

/// `core.loop`.
pub(super) fn loop_results(plan: &Plan, op: &Op) -> Types {
    match op.int("count") {
        Some(count) if count >= 0 => {}
        Some(count) => return Err(format!("cannot run {count} times; `count` must be 0 or more")),
        None => return Err("needs a whole number as `count`, the most iterations it may run".to_owned()),
    }
    if !matches!(op.attribute("until"), None | Some(Attribute::Bool(_))) {
        return Err("needs true or false as `until`".to_owned());
    }
    let region = one_region(op)?;
    let carried = op.operands.len();
    parameters_match(plan, op, region)?;
    let until = op.flag("until");
    let expected = carried + usize::from(until);
    if region.yields.len() != expected {
        return Err(format!(
            "carries {carried} values{} and must yield {expected}, not {}",
            if until { " and a condition" } else { "" },
            region.yields.len()
        ));
    }
    for (next, parameter) in region.yields.iter().zip(&region.parameters) {
        if plan.ty(*next) != plan.ty(*parameter) {
            return Err(format!(
                "carries {} as {}, and its next value {} is {}; cast or broadcast one of them",
                named(plan, *parameter),
                crate::text::type_name(plan, plan.ty(*parameter)),
                named(plan, *next),
                crate::text::type_name(plan, plan.ty(*next))
            ));
        }
    }
    if until {
        let condition = region.yields[carried];
        if *plan.ty(condition) != ValueType::scalar(DType::Bool) {
            return Err(format!(
                "needs one truth value to stop on, and {} is {}; reduce it with `core.any` or `core.all`",
                named(plan, condition),
                crate::text::type_name(plan, plan.ty(condition))
            ));
        }
    }
    let mut types: Vec<ValueType> = op.operands.iter().map(|value| plan.ty(*value).clone()).collect();
    types.push(ValueType::scalar(DType::I64));
    types.push(ValueType::scalar(DType::Bool));
    Ok(types)
}

/// `core.fused`; what may stand inside is the verifier's matter.
pub(super) fn fused_results(plan: &Plan, op: &Op) -> Types {
    let region = one_region(op)?;
    parameters_match(plan, op, region)?;
    if region.yields.is_empty() {
        return Err("yields nothing".to_owned());
    }
    Ok(region.yields.iter().map(|value| plan.ty(*value).clone()).collect())
}

fn one_region(op: &Op) -> Result<&Region, String> {
    match op.regions.as_slice() {
        [region] => Ok(region),
        regions => Err(format!("needs one region, not {}", regions.len())),
    }
}

fn parameters_match(plan: &Plan, op: &Op, region: &Region) -> Result<(), String> {
    if region.parameters.len() != op.operands.len() {
        return Err(format!(
            "has {} operands and {} parameters",
            op.operands.len(),
            region.parameters.len()
        ));
    }
    for (operand, parameter) in op.operands.iter().zip(&region.parameters) {
        if plan.ty(*operand) != plan.ty(*parameter) {
            return Err(format!(
                "takes {} as {}, and its parameter {} is {}",
                named(plan, *operand),
                crate::text::type_name(plan, plan.ty(*operand)),
                named(plan, *parameter),
                crate::text::type_name(plan, plan.ty(*parameter))
            ));
        }
    }
    Ok(())
}

fn arithmetic<const N: usize>(plan: &Plan, op: &Op) -> Types {
    let operands = operands::<N>(plan, op)?;
    let dtype = one_dtype(plan, &op.operands, &operands)?;
    if dtype == DType::Bool {
        return Err("needs numbers, not bool; cast to i64 first, or use `&`, `|`, `~`".to_owned());
    }
    Ok(vec![tensor(dtype, meet(plan, &op.operands, &operands)?)])
}

fn floats<const N: usize>(plan: &Plan, op: &Op) -> Types {
    let operands = operands::<N>(plan, op)?;
    let dtype = one_dtype(plan, &op.operands, &operands)?;
    if !dtype.is_float() {
        return Err(format!("needs floats, not {dtype}; cast to f64 first"));
    }
    Ok(vec![tensor(dtype, meet(plan, &op.operands, &operands)?)])
}

fn logical<const N: usize>(plan: &Plan, op: &Op) -> Types {
    let operands = operands::<N>(plan, op)?;
    let dtype = one_dtype(plan, &op.operands, &operands)?;
    if dtype != DType::Bool {
        return Err(format!("needs truth values, not {dtype}; compare them with something"));
    }
    Ok(vec![tensor(dtype, meet(plan, &op.operands, &operands)?)])
}

/// The element type of a reduction's operand.
fn reduced(plan: &Plan, op: &Op) -> Result<DType, String> {
    match operands::<1>(plan, op)? {
        [(dtype, Extent::Dim(_))] => Ok(dtype),
        [(_, Extent::Scalar)] => Err(format!(
            "needs an array, and {} is one number; use it as it is",
            named(plan, op.operands[0])
        )),
    }
}

/// The types of `N` operands, all of them numbers.
fn operands<const N: usize>(plan: &Plan, op: &Op) -> Result<[(DType, Extent); N], String> {
    if !op.regions.is_empty() {
        return Err("has no region".to_owned());
    }
    let operands: &[ValueId; N] = op.operands.as_slice().try_into().map_err(|_| {
        let plural = if N == 1 { "" } else { "s" };
        format!("needs {N} operand{plural}, not {}", op.operands.len())
    })?;
    let mut types = [(DType::Bool, Extent::Scalar); N];
    for (slot, value) in types.iter_mut().zip(operands) {
        match plan.ty(*value) {
            ValueType::Tensor { dtype, extent } => *slot = (*dtype, *extent),
            ValueType::Opaque { kind, .. } => {
                return Err(format!("needs numbers, and {} is a {kind}", named(plan, *value)));
            }
        }
    }
    Ok(types)
}

fn one_dtype(plan: &Plan, values: &[ValueId], types: &[(DType, Extent)]) -> Result<DType, String> {
    let first = types[0].0;
    match types.iter().position(|(dtype, _)| *dtype != first) {
        None => Ok(first),
        Some(other) => Err(format!(
            "needs operands of one type, and {} is {first} where {} is {}; cast one of them",
            named(plan, values[0]),
            named(plan, values[other]),
            types[other].0
        )),
    }
}

/// The extent of all operands together: scalars meet arrays, and arrays must be equally long.
fn meet(plan: &Plan, values: &[ValueId], types: &[(DType, Extent)]) -> Result<Extent, String> {
    let mut met: Option<(ValueId, Extent)> = None;
    for (value, (_, extent)) in values.iter().zip(types) {
        match (extent, met) {
            (Extent::Scalar, _) => {}
            (Extent::Dim(_), None) => met = Some((*value, *extent)),
            (Extent::Dim(_), Some((_, before))) if before == *extent => {}
            (Extent::Dim(dim), Some((first, before))) => {
                let Extent::Dim(before) = before else { continue };
                return Err(format!(
                    "needs arrays of one size, and {} has `{}` elements where {} has `{}`",
                    named(plan, first),
                    crate::text::dim_name(plan, before),
                    named(plan, *value),
                    crate::text::dim_name(plan, *dim)
                ));
            }
        }
    }
    Ok(met.map_or(Extent::Scalar, |(_, extent)| extent))
}

/// Refuses attributes that the operation does not have.
fn known(op: &Op, names: &[&str]) -> Result<(), String> {
    match op.attributes.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) if names.is_empty() => Err(format!("has no attributes, and `{name}` is given")),
        Some(name) => Err(format!("has no attribute `{name}`; it has `{}`", names.join("`, `"))),
    }
}

fn tensor(dtype: DType, extent: Extent) -> ValueType {
    ValueType::Tensor { dtype, extent }
}

fn named(plan: &Plan, value: ValueId) -> String {
    format!("`{}`", crate::text::value_name(plan, value))
}

/// The float type that holds a mean or a norm.
fn float_of(dtype: DType) -> DType {
    if dtype.is_float() { dtype } else { DType::F64 }
}
