//! Random well-typed programs from a list of random numbers, and inputs full of awkward numbers.

use std::collections::BTreeMap;

use multilane_plan::{
    Array, Attribute, DType, DimId, Extent, Op, Plan, Region, Registry, Scalar, Value, ValueId, ValueType,
};
use proptest::prelude::*;

/// Random numbers that decide a program; shown as nothing, because the program says more.
#[derive(Clone)]
pub(crate) struct Choices(pub(crate) Vec<u32>);

impl std::fmt::Debug for Choices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} choices", self.0.len())
    }
}

/// Lists of up to so many random numbers.
pub(crate) fn choices(most: usize) -> impl Strategy<Value = Choices> {
    prop::collection::vec(any::<u32>(), 0..most).prop_map(Choices)
}

/// So many cases, and no file about those that failed.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Elements of the sizes `n` and `m`.
pub(crate) const SIZES: [usize; 2] = [7, 4];

/// A random program. Equal numbers give equal programs; short lists give short ones.
pub(crate) fn program(registry: &Registry, choices: &[u32]) -> Plan {
    let mut plan = Plan::new("random");
    let (n, m) = (plan.dim("n"), plan.dim("m"));
    let mut visible = Vec::new();
    let inputs = [
        ("x", ValueType::array(DType::F64, n)),
        ("y", ValueType::array(DType::F64, n)),
        ("f", ValueType::array(DType::F32, n)),
        ("i", ValueType::array(DType::I64, n)),
        ("k", ValueType::array(DType::I32, n)),
        ("b", ValueType::array(DType::Bool, n)),
        ("w", ValueType::array(DType::F64, m)),
        ("s", ValueType::scalar(DType::F64)),
        ("t", ValueType::scalar(DType::I64)),
    ];
    for (name, ty) in inputs {
        let value = plan.value(ty, Some(name.to_owned()));
        plan.inputs.push(name.to_owned());
        plan.body.parameters.push(value);
        visible.push(value);
    }
    let mut maker = Maker {
        plan,
        registry,
        choices,
        at: 0,
    };
    let ops = maker.ops(&mut visible, 0);
    let count = 1 + maker.below(4);
    let mut outputs = Vec::new();
    for _ in 0..count {
        let back = maker.below(8).min(visible.len() - 1);
        outputs.push(visible[visible.len() - 1 - back]);
    }
    let mut plan = maker.plan;
    plan.body.ops = ops;
    plan.outputs = (0..outputs.len()).map(|index| format!("out{index}")).collect();
    plan.body.yields = outputs;
    plan
}

/// Inputs for every program.
pub(crate) fn inputs() -> BTreeMap<String, Value> {
    let x = vec![0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, -3.25, 5e-324];
    let y = vec![-0.0, 0.0, 2.0, 1.0, f64::NEG_INFINITY, 1e300, -1.0];
    let f = x.iter().map(|value| *value as f32).collect();
    let named = [
        ("x", Array::from_vec(x)),
        ("y", Array::from_vec(y)),
        ("f", Array::from_vec::<f32>(f)),
        ("i", Array::from_vec(vec![0_i64, -1, 1, i64::MIN, i64::MAX, 3, 2])),
        ("k", Array::from_vec(vec![0_i32, 1, -1, i32::MIN, i32::MAX, 2, 7])),
        ("b", Array::from_vec(vec![true, false, true, true, false, false, true])),
        ("w", Array::from_vec(vec![1.0, -2.0, 0.5, 4.0])),
    ];
    let mut inputs: BTreeMap<String, Value> = named
        .into_iter()
        .map(|(name, array)| (name.to_owned(), Value::Array(array)))
        .collect();
    inputs.insert("s".to_owned(), Value::Scalar(Scalar::F64(-1.25)));
    inputs.insert("t".to_owned(), Value::Scalar(Scalar::I64(3)));
    inputs
}

/// The bits of results; all NaN are one.
pub(crate) fn bits(values: &[Value]) -> Vec<Vec<u64>> {
    let float = |value: f64| if value.is_nan() { u64::MAX } else { value.to_bits() };
    let single = |value: f32| {
        if value.is_nan() {
            u64::MAX
        } else {
            u64::from(value.to_bits())
        }
    };
    let of = |value: &Value| match value {
        Value::Scalar(Scalar::F64(number)) => vec![float(*number)],
        Value::Scalar(Scalar::F32(number)) => vec![single(*number)],
        Value::Scalar(number) => vec![number.as_i64() as u64],
        Value::Array(array) => match array.dtype() {
            DType::F64 => array
                .as_slice::<f64>()
                .unwrap()
                .iter()
                .map(|number| float(*number))
                .collect(),
            DType::F32 => array
                .as_slice::<f32>()
                .unwrap()
                .iter()
                .map(|number| single(*number))
                .collect(),
            DType::I64 => array
                .as_slice::<i64>()
                .unwrap()
                .iter()
                .map(|number| *number as u64)
                .collect(),
            DType::I32 => array
                .as_slice::<i32>()
                .unwrap()
                .iter()
                .map(|number| *number as u64)
                .collect(),
            DType::Bool => array
                .as_slice::<bool>()
                .unwrap()
                .iter()
                .map(|number| u64::from(*number))
                .collect(),
        },
        Value::Opaque(_) => panic!("programs give numbers"),
    };
    values.iter().map(of).collect()
}

const ONE: &[&str] = &["neg", "abs", "sqrt", "exp", "not", "recip", "neg"];
const TWO: &[&str] = &[
    "add", "sub", "mul", "div", "pow", "min", "max", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "add",
    "sub", "mul",
];
const REDUCTIONS: &[&str] = &["sum", "reduce_min", "reduce_max", "mean", "count", "norm", "any", "all"];
const NUMBERS: &[f64] = &[0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, 8.0];

struct Maker<'a> {
    plan: Plan,
    registry: &'a Registry,
    choices: &'a [u32],
    at: usize,
}

impl Maker<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        choice as usize % limit.max(1)
    }

    fn is_done(&self) -> bool {
        self.at >= self.choices.len()
    }

    fn ops(&mut self, visible: &mut Vec<ValueId>, depth: usize) -> Vec<Op> {
        let mut ops = Vec::new();
        let most = if depth == 0 { usize::MAX } else { 2 + self.below(8) };
        while ops.len() < most && !self.is_done() {
            let made = match self.below(16) {
                0 | 1 => Some(self.constant()),
                2 => self.broadcast(visible),
                3 => self.cast(visible),
                4 | 5 => self.plain(ONE, 1, visible),
                6 => self.plain(REDUCTIONS, 1, visible),
                7 => self.ring(visible),
                8 => self.select(visible),
                9 if depth < 2 => Some(self.repeat(visible, depth)),
                _ => self.plain(TWO, 2, visible),
            };
            if let Some(op) = made {
                visible.extend(op.results.iter().copied());
                ops.push(op);
            }
        }
        ops
    }

    /// One of the values that satisfy a condition, later ones more often.
    fn pick(&mut self, visible: &[ValueId], fits: impl Fn(&ValueType) -> bool) -> Option<ValueId> {
        let fitting: Vec<ValueId> = visible
            .iter()
            .copied()
            .filter(|value| fits(self.plan.ty(*value)))
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let back = self.below(fitting.len()).min(self.below(fitting.len()));
        Some(fitting[fitting.len() - 1 - back])
    }

    /// Gives an operation results of the types that follow from its operands.
    fn finish(&mut self, mut op: Op) -> Option<Op> {
        let types = (self.registry.get(&op.name)?.infer)(&self.plan, &op).ok()?;
        op.results = types.into_iter().map(|ty| self.plan.value(ty, None)).collect();
        Some(op)
    }

    fn constant(&mut self) -> Op {
        let dtype = DType::ALL[self.below(5)];
        let number = Scalar::F64(NUMBERS[self.below(NUMBERS.len())]).cast(dtype);
        let result = self.plan.value(ValueType::scalar(dtype), None);
        let mut op = Op::new("core.constant", Vec::new(), vec![result]);
        op.attributes.insert("value".to_owned(), Attribute::Scalar(number));
        op
    }

    fn broadcast(&mut self, visible: &[ValueId]) -> Option<Op> {
        let value = self.pick(visible, |ty| ty.extent() == Some(Extent::Scalar))?;
        let dtype = self.plan.ty(value).dtype()?;
        let dim = DimId(u32::from(self.below(5) == 0));
        let result = self.plan.value(ValueType::array(dtype, dim), None);
        Some(Op::new("core.broadcast", vec![value], vec![result]))
    }

    fn cast(&mut self, visible: &[ValueId]) -> Option<Op> {
        let value = self.pick(visible, |_| true)?;
        let mut op = Op::new("core.cast", vec![value], Vec::new());
        let to = DType::ALL[self.below(5)];
        op.attributes.insert("to".to_owned(), Attribute::DType(to));
        self.finish(op)
    }

    fn ring(&mut self, visible: &[ValueId]) -> Option<Op> {
        let name = ["ring.sum", "ring.sum", "ring.reverse"][self.below(3)];
        let value = self.pick(visible, |ty| *ty == ValueType::array(DType::F64, DimId(0)))?;
        self.finish(Op::new(name, vec![value], Vec::new()))
    }

    fn plain(&mut self, names: &[&str], operands: usize, visible: &[ValueId]) -> Option<Op> {
        let name = names[self.below(names.len())];
        let first = self.pick(visible, |_| true)?;
        let ty = self.plan.ty(first).clone();
        let mut values = vec![first];
        while values.len() < operands {
            values.push(self.pick(visible, |other| other.dtype() == ty.dtype())?);
        }
        if values.len() == 2 && self.below(2) == 1 {
            values.swap(0, 1);
        }
        let mut op = Op::new(format!("core.{name}"), values, Vec::new());
        match name {
            "recip" => op.attributes.insert("epsilon".to_owned(), Attribute::Float(1e-9)),
            "norm" => {
                let ord = ["l1", "l2", "max"][self.below(3)];
                op.attributes.insert("ord".to_owned(), Attribute::Text(ord.to_owned()))
            }
            _ => None,
        };
        self.finish(op)
    }

    fn select(&mut self, visible: &[ValueId]) -> Option<Op> {
        let condition = self.pick(visible, |ty| ty.dtype() == Some(DType::Bool))?;
        let first = self.pick(visible, |_| true)?;
        let ty = self.plan.ty(first).clone();
        let second = self.pick(visible, |other| other.dtype() == ty.dtype())?;
        self.finish(Op::new("core.where", vec![condition, first, second], Vec::new()))
    }

    fn repeat(&mut self, visible: &[ValueId], depth: usize) -> Op {
        let mut op = Op::new("core.loop", Vec::new(), Vec::new());
        let mut region = Region::default();
        for _ in 0..self.below(4) {
            let Some(initial) = self.pick(visible, |_| true) else {
                break;
            };
            let ty = self.plan.ty(initial).clone();
            op.operands.push(initial);
            region.parameters.push(self.plan.value(ty, None));
        }
        let mut inside = visible.to_vec();
        inside.extend(&region.parameters);
        region.ops = self.ops(&mut inside, depth + 1);
        for parameter in region.parameters.clone() {
            let ty = self.plan.ty(parameter).clone();
            let next = self.pick(&inside, |other| *other == ty);
            region.yields.push(next.expect("the parameter itself fits"));
        }
        op.attributes
            .insert("count".to_owned(), Attribute::Int(self.below(4) as i64));
        if self.below(3) == 0
            && let Some(done) = self.pick(&inside, |ty| *ty == ValueType::scalar(DType::Bool))
        {
            region.yields.push(done);
            op.attributes.insert("until".to_owned(), Attribute::Bool(true));
        }
        op.regions.push(region);
        self.finish(op)
            .expect("a loop with yields of the right types is well-typed")
    }
}
