//! What the tests share: lanes, random values, random fused operations, comparison by bits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use multilane_array::{Compiled, Level, Operand, Output};
use multilane_plan::evaluate::{array, elements};
use multilane_plan::{
    Array, Attribute, DType, DimId, Lanes, Op, Plan, Region, Registry, Scalar, Value, ValueId, ValueType, evaluate,
};

/// Lanes that run pieces from the last to the first, on the calling thread.
pub(crate) struct Backwards;

impl Lanes for Backwards {
    fn count(&self) -> usize {
        3
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        for piece in (0..pieces).rev() {
            body(piece, piece % 3);
        }
    }
}

/// Lanes that are threads for the time of a run.
pub(crate) struct Threads(pub(crate) usize);

impl Lanes for Threads {
    fn count(&self) -> usize {
        self.0
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = |lane: usize| {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    return;
                }
                body(piece, lane);
            }
        };
        std::thread::scope(|scope| {
            for lane in 1..self.0 {
                scope.spawn(move || work(lane));
            }
            work(0);
        });
    }
}

/// A small generator of numbers, the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.word() % end as u64) as usize
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number, at times a special one.
    pub(crate) fn scalar(&mut self, dtype: DType) -> Scalar {
        let special = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            f64::MIN_POSITIVE / 8.0,
            1.0,
            -1.0,
            f64::MAX,
        ];
        match dtype {
            DType::Bool => Scalar::Bool(self.below(2) == 1),
            DType::I32 if self.below(8) == 0 => Scalar::I32([i32::MIN, i32::MAX, 0, -1][self.below(4)]),
            DType::I64 if self.below(8) == 0 => Scalar::I64([i64::MIN, i64::MAX, 0, -1][self.below(4)]),
            DType::I32 => Scalar::I32(self.below(41) as i32 - 20),
            DType::I64 => Scalar::I64(self.below(41) as i64 - 20),
            DType::F64 if self.below(8) == 0 => Scalar::F64(special[self.below(special.len())]),
            DType::F32 if self.below(8) == 0 => Scalar::F32(special[self.below(special.len())] as f32),
            DType::F64 => Scalar::F64((self.unit() - 0.5) * 8.0),
            DType::F32 => Scalar::F32(((self.unit() - 0.5) * 8.0) as f32),
        }
    }

    pub(crate) fn value(&mut self, dtype: DType, len: usize) -> Value {
        let numbers: Vec<Scalar> = (0..len).map(|_| self.scalar(dtype)).collect();
        Value::Array(array(dtype, &numbers))
    }
}

/// A random fused operation over exact arithmetic: parameters of some types, operations that fit.
pub(crate) fn random_fused(random: &mut Random, dtypes: &[DType], ops: usize) -> Plan {
    let mut plan = Plan::new("random");
    let n = plan.dim("n");
    let mut region = Region::default();
    // Values by type; some are scalars.
    let mut pool: Vec<(ValueId, DType, bool)> = Vec::new();
    let parameters = 2 + random.below(4);
    for index in 0..parameters {
        let dtype = dtypes[random.below(dtypes.len())];
        let scalar = index > 0 && random.below(4) == 0;
        let ty = if scalar {
            ValueType::scalar(dtype)
        } else {
            ValueType::array(dtype, n)
        };
        let outer = plan.value(ty.clone(), None);
        let inner = plan.value(ty, None);
        plan.body.parameters.push(outer);
        plan.inputs.push(format!("p{index}"));
        region.parameters.push(inner);
        pool.push((inner, dtype, scalar));
    }
    for _ in 0..ops {
        random_op(random, &mut plan, &mut region, &mut pool, n, dtypes);
    }
    let arrays: Vec<(ValueId, DType, bool)> = pool.iter().copied().filter(|(_, _, scalar)| !scalar).collect();
    let outputs = 1 + random.below(3);
    for _ in 0..outputs {
        let from = arrays.len().saturating_sub(6);
        let (value, ..) = arrays[from + random.below(arrays.len() - from)];
        if !region.yields.contains(&value) {
            region.yields.push(value);
        }
    }
    for _ in 0..random.below(3) {
        let (value, dtype, _) = arrays[random.below(arrays.len())];
        random_reduction(random, &mut plan, &mut region, value, dtype);
    }
    let mut op = Op::new("core.fused", plan.body.parameters.clone(), Vec::new());
    for value in &region.yields {
        let ty = plan.ty(*value).clone();
        let result = plan.value(ty, None);
        op.results.push(result);
        plan.body.yields.push(result);
        plan.outputs.push(format!("r{}", op.results.len()));
    }
    op.regions.push(region);
    plan.body.ops.push(op);
    plan
}

fn pick(
    random: &mut Random,
    pool: &[(ValueId, DType, bool)],
    fits: impl Fn(DType) -> bool,
) -> Option<(ValueId, DType, bool)> {
    let fitting: Vec<_> = pool.iter().copied().filter(|(_, dtype, _)| fits(*dtype)).collect();
    if fitting.is_empty() {
        return None;
    }
    // Recent values are read more often: chains form.
    let from = if random.below(3) > 0 {
        fitting.len().saturating_sub(4)
    } else {
        0
    };
    Some(fitting[from + random.below(fitting.len() - from)])
}

fn random_op(
    random: &mut Random,
    plan: &mut Plan,
    region: &mut Region,
    pool: &mut Vec<(ValueId, DType, bool)>,
    n: DimId,
    dtypes: &[DType],
) {
    let numeric = |dtype: DType| dtype != DType::Bool;
    let names: [&[&str]; 7] = [
        &["add", "sub", "mul", "min", "max", "add", "sub", "mul"],
        &["neg", "abs"],
        &["div", "sqrt", "recip"],
        &["eq", "ne", "lt", "le", "gt", "ge"],
        &["and", "or", "xor", "not"],
        &["where", "fma"],
        &["cast", "constant", "broadcast"],
    ];
    let kind = names[[0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 6][random.below(11)]];
    let name = kind[random.below(kind.len())];
    let chosen = match name {
        "constant" => {
            let dtype = dtypes[random.below(dtypes.len())];
            let number = random.scalar(dtype);
            let value = plan.value(ValueType::scalar(number.dtype()), None);
            let mut op = Op::new("core.constant", vec![], vec![value]);
            op.attributes.insert("value".to_owned(), Attribute::Scalar(number));
            region.ops.push(op);
            pool.push((value, number.dtype(), true));
            return;
        }
        "div" | "sqrt" | "recip" => pick(random, pool, DType::is_float),
        "and" | "or" | "xor" | "not" => pick(random, pool, |dtype| dtype == DType::Bool),
        "where" | "cast" => pick(random, pool, |_| true),
        "broadcast" => {
            let scalars: Vec<_> = pool.iter().copied().filter(|(_, _, scalar)| *scalar).collect();
            pick(random, &scalars, |_| true)
        }
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => pick(random, pool, |_| true),
        _ => pick(random, pool, numeric),
    };
    let Some(first) = chosen else { return };
    let same = |dtype: DType| dtype == first.1;
    let mut operands = vec![first];
    match name {
        "neg" | "abs" | "sqrt" | "recip" | "not" | "cast" | "broadcast" => {}
        "where" => {
            let Some(condition) = pick(random, pool, |dtype| dtype == DType::Bool) else {
                return;
            };
            operands.insert(0, condition);
            operands.push(pick(random, pool, same).expect("the first one fits"));
        }
        "fma" => {
            operands.push(pick(random, pool, same).expect("the first one fits"));
            operands.push(pick(random, pool, same).expect("the first one fits"));
        }
        _ => operands.push(pick(random, pool, same).expect("the first one fits")),
    }
    let scalar = name != "broadcast" && operands.iter().all(|(_, _, scalar)| *scalar);
    let mut op = Op::new(
        format!("core.{name}"),
        operands.iter().map(|(value, ..)| *value).collect(),
        vec![],
    );
    let mut dtype = first.1;
    match name {
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => dtype = DType::Bool,
        "cast" => {
            dtype = dtypes[random.below(dtypes.len())];
            op.attributes.insert("to".to_owned(), Attribute::DType(dtype));
        }
        "recip" => {
            op.attributes
                .insert("epsilon".to_owned(), Attribute::Float([0.0, 1e-3][random.below(2)]));
        }
        _ => {}
    }
    let ty = if scalar {
        ValueType::scalar(dtype)
    } else {
        ValueType::array(dtype, n)
    };
    let result = plan.value(ty, None);
    op.results.push(result);
    region.ops.push(op);
    pool.push((result, dtype, scalar));
}

fn random_reduction(random: &mut Random, plan: &mut Plan, region: &mut Region, value: ValueId, dtype: DType) {
    let names: &[&str] = match dtype {
        DType::Bool => &["sum", "mean", "count", "any", "all"],
        _ => &["sum", "mean", "count", "reduce_min", "reduce_max", "norm"],
    };
    let name = names[random.below(names.len())];
    let mut op = Op::new(format!("core.{name}"), vec![value], vec![]);
    let float = if dtype.is_float() { dtype } else { DType::F64 };
    let result = match name {
        "sum" if dtype.is_float() => dtype,
        "sum" | "count" => DType::I64,
        "any" | "all" => DType::Bool,
        "mean" => float,
        "norm" => {
            let ord = ["l1", "l2", "max"][random.below(3)];
            op.attributes.insert("ord".to_owned(), Attribute::Text(ord.to_owned()));
            float
        }
        _ => dtype,
    };
    let result = plan.value(ValueType::scalar(result), None);
    op.results.push(result);
    region.ops.push(op);
    region.yields.push(result);
}

/// Whether a plan has a reduction that an empty array has no value for.
pub(crate) fn needs_elements(plan: &Plan) -> bool {
    let region = &plan.body.ops[0].regions[0];
    region
        .ops
        .iter()
        .any(|op| matches!(op.name.as_str(), "core.reduce_min" | "core.reduce_max"))
}

/// Random inputs of a plan.
pub(crate) fn inputs(random: &mut Random, plan: &Plan, len: usize) -> Vec<Value> {
    plan.body
        .parameters
        .iter()
        .map(|parameter| match plan.ty(*parameter) {
            ValueType::Tensor { dtype, extent } => match extent {
                multilane_plan::Extent::Scalar => Value::Scalar(random.scalar(*dtype)),
                multilane_plan::Extent::Dim(_) => random.value(*dtype, len),
            },
            ValueType::Opaque { .. } => unreachable!("random plans have numbers only"),
        })
        .collect()
}

/// What the plain evaluator says.
pub(crate) fn expected(plan: &Plan, inputs: &[Value]) -> Vec<Value> {
    let named: BTreeMap<String, Value> = plan.inputs.iter().cloned().zip(inputs.iter().cloned()).collect();
    evaluate(plan, &Registry::core(), &named).expect("the plan is valid")
}

/// Runs the one operation of a plan on inputs that are its operands.
pub(crate) fn run(compiled: &Compiled, plan: &Plan, inputs: &[Value], len: usize, lanes: &dyn Lanes) -> Vec<Value> {
    let operands: Vec<Operand> = inputs
        .iter()
        .map(|value| match value {
            Value::Array(array) => Operand::Array(array.as_ptr()),
            Value::Scalar(scalar) => Operand::Scalar(*scalar),
            Value::Opaque(_) => Operand::Opaque,
        })
        .collect();
    let op = &plan.body.ops[0];
    let results: Vec<Value> = op.results.iter().map(|value| placeholder(plan, *value, len)).collect();
    let mut outputs: Vec<Output> = results
        .iter()
        .map(|value| match value {
            Value::Array(array) => Output::Array(array.as_mut_ptr()),
            Value::Scalar(scalar) => Output::Scalar(*scalar),
            Value::Opaque(_) => unreachable!("results are numbers"),
        })
        .collect();
    // SAFETY: operands and results have the plan's types and the given length.
    unsafe {
        compiled
            .run(&operands, &mut outputs, len, lanes)
            .expect("the run is valid")
    };
    results
        .into_iter()
        .zip(outputs)
        .map(|(value, output)| match output {
            Output::Scalar(scalar) => Value::Scalar(scalar),
            Output::Array(_) => value,
        })
        .collect()
}

/// An array whose memory begins as far from a cache line as those of all other arrays of its length.
fn alike(dtype: DType, len: usize) -> Array {
    const LINE: usize = 64;
    let mut memory = vec![0_u8; len * dtype.size() + 2 * LINE];
    let begin = memory.as_mut_ptr();
    let start = begin.wrapping_add(begin.align_offset(LINE) + len % 8 * 8);
    let start = std::ptr::NonNull::new(start).expect("within an allocation");
    // SAFETY: the memory has room for the elements behind the offset, and lives as long as its owner.
    let array = unsafe { Array::from_raw(dtype, len, start, true, Arc::new(memory)) };
    let before = elements_of_no_result(dtype, len);
    // SAFETY: both have as many bytes, and nobody else has the new one.
    unsafe { std::ptr::copy_nonoverlapping(before.as_ptr(), array.as_mut_ptr(), len * dtype.size()) };
    array
}

/// What no computation gives.
fn elements_of_no_result(dtype: DType, len: usize) -> Array {
    array(dtype, &vec![Scalar::I64(77).cast(dtype); len])
}

/// A result before it is computed; arrays hold what no computation gives.
pub(crate) fn placeholder(plan: &Plan, value: ValueId, len: usize) -> Value {
    match plan.ty(value) {
        ValueType::Tensor { dtype, extent } => match extent {
            multilane_plan::Extent::Scalar => Value::Scalar(Scalar::Bool(false).cast(*dtype)),
            multilane_plan::Extent::Dim(_) => Value::Array(alike(*dtype, len)),
        },
        ValueType::Opaque { .. } => unreachable!("results are numbers"),
    }
}

/// Bits of a number; all NaN are one.
fn bits(scalar: Scalar) -> (DType, u64) {
    let bits = match scalar {
        Scalar::F64(x) if x.is_nan() => u64::MAX,
        Scalar::F32(x) if x.is_nan() => u64::MAX,
        Scalar::F64(x) => x.to_bits(),
        Scalar::F32(x) => u64::from(x.to_bits()),
        other => other.as_i64() as u64,
    };
    (scalar.dtype(), bits)
}

/// Holds results against what is expected, bit by bit.
#[track_caller]
pub(crate) fn same(context: &str, plan: &Plan, expected: &[Value], got: &[Value]) {
    assert_eq!(expected.len(), got.len());
    for (index, (a, b)) in expected.iter().zip(got).enumerate() {
        match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => {
                assert_eq!(bits(*a), bits(*b), "{context}: result {index}: {a:?} {b:?}\n{plan}");
            }
            (Value::Array(a), Value::Array(b)) => {
                for (element, (a, b)) in elements(a).into_iter().zip(elements(b)).enumerate() {
                    assert_eq!(
                        bits(a),
                        bits(b),
                        "{context}: result {index}[{element}]: {a:?} {b:?}\n{plan}"
                    );
                }
            }
            _ => panic!("{context}: result {index} is of another kind"),
        }
    }
}

/// Every way a plan's operation can be compiled here.
pub(crate) fn every_way(plan: &Plan) -> Vec<(String, Compiled)> {
    let op = &plan.body.ops[0];
    let mut ways = Vec::new();
    for level in Level::available() {
        let compiled = Compiled::at_level(plan, op, level).expect("the operation compiles");
        let registers = compiled.in_registers();
        ways.push((format!("{} registers {registers}", level.name()), compiled));
        if registers {
            let streamed = Compiled::at_level(plan, op, level).expect("the operation compiles");
            ways.push((format!("{} streamed", level.name()), streamed.always_streamed()));
            let blocks = Compiled::in_blocks(plan, op, level).expect("the operation compiles");
            ways.push((format!("{} blocks", level.name()), blocks));
        }
    }
    ways
}
