//! Turn random steps into a program.

use std::collections::BTreeMap;

use super::bounds::{self, Known};
use super::{Config, Program, Step};
use crate::builder::{Builder, Operand};
use crate::plan::{Attribute, Attributes, Location, Op, ValueId};
use crate::registry::Registry;
use crate::types::{DType, Extent, Scalar, ValueType};
use crate::value::Value;

/// Inputs that a program may take: name, element type, and which size, if any.
const INPUTS: &[(&str, DType, Option<usize>)] = &[
    ("x", DType::F64, Some(0)),
    ("y", DType::F64, Some(0)),
    ("f", DType::F32, Some(0)),
    ("g", DType::F32, Some(0)),
    ("i", DType::I64, Some(0)),
    ("j", DType::I32, Some(0)),
    ("k", DType::I32, Some(0)),
    ("b", DType::Bool, Some(0)),
    ("other", DType::F64, Some(1)),
    ("s", DType::F64, None),
    ("t", DType::I64, None),
    ("u", DType::F32, None),
    ("c", DType::Bool, None),
];
const SIZES: [&str; 2] = ["n", "m"];

/// Floats lie within this, integers within three times of it.
const RANGE: f64 = 4.0;

/// Carried floats are kept within this.
const CARRIED: f64 = 16.0;

/// Loops inside loops, at most.
const MAX_LOOPS: usize = 2;

pub(super) fn program(steps: &[Step], lengths: [usize; 2], seed: u64, config: Config) -> Program {
    let mut maker = Maker {
        builder: Builder::new("random", Registry::core()),
        config,
        lengths,
        known: BTreeMap::new(),
        inputs: [None; INPUTS.len()],
        pool: Vec::new(),
        loops: 0,
    };
    let mut left = steps;
    while !left.is_empty() {
        left = maker.step(left);
    }
    maker.finish(seed)
}

struct Maker {
    builder: Builder,
    config: Config,
    lengths: [usize; 2],
    known: BTreeMap<ValueId, Known>,
    /// Inputs that are declared, by their places in [`INPUTS`].
    inputs: [Option<ValueId>; INPUTS.len()],
    /// Values that may be read where the builder is now.
    pool: Vec<ValueId>,
    loops: usize,
}

impl Maker {
    /// Takes a step, or a whole loop of them; gives what is left.
    fn step<'a>(&mut self, steps: &'a [Step]) -> &'a [Step] {
        let [(kind, a, b, c), rest @ ..] = steps else {
            return steps;
        };
        self.decorate(*a);
        if *kind >= 240 && self.config.loops && self.loops < MAX_LOOPS {
            let (inside, after) = rest.split_at(rest.len().min(1 + usize::from(*c) % 6));
            self.run_loop(inside, *a, *b);
            return after;
        }
        let made = self.simple(*kind, *a, *b, *c);
        if let Some(value) = made {
            self.pool.push(value);
            if self.config.decorated && a.is_multiple_of(3) {
                let names = ["y", "x", "a name", "", "%0", "\"\n\\", "0", "naïve", "plan", "f64"];
                self.builder.set_name(value, names[usize::from(*b) % names.len()]);
            }
        }
        rest
    }

    fn decorate(&mut self, choice: u16) {
        if self.config.decorated {
            let file = ["app.py", "a \"b\"\\c.py", "<stdin>"][usize::from(choice) % 3];
            self.builder.set_location(choice.is_multiple_of(2).then(|| Location {
                file: file.to_owned(),
                line: u32::from(choice),
            }));
        }
    }

    /// One operation, with what it needs before it; nothing where it does not fit.
    fn simple(&mut self, kind: u8, a: u16, b: u16, c: u16) -> Option<ValueId> {
        let float = |dtype: DType| dtype.is_float();
        let number = |dtype: DType| dtype != DType::Bool;
        match kind % 30 {
            0 => Some(self.constant(a, b)),
            1..=3 => self.binary(["add", "sub", "mul"][usize::from(kind % 30) - 1], a, b, number),
            4 | 5 => self.binary(["min", "max"][usize::from(kind % 2)], a, b, number),
            6 => {
                // Divided by something that is at least 1.
                let x = self.pick(a, float)?;
                let y = self.like(x, b, true)?;
                let y = self.at_least_one(y)?;
                self.emit("div", &[x, y], &[])
            }
            7 => {
                let x = self.pick(a, number)?;
                self.emit(["neg", "abs"][usize::from(b % 2)], &[x], &[])
            }
            8 | 9 => {
                let x = self.pick(a, float)?;
                self.emit(["sin", "cos", "tanh"][usize::from(b % 3)], &[x], &[])
            }
            10 => {
                let x = self.pick(a, float)?;
                let small = self.emit("tanh", &[x], &[])?;
                self.emit("exp", &[small], &[])
            }
            11 => {
                let x = self.pick(a, float)?;
                let positive = self.at_least_one(x)?;
                self.emit(["log", "sqrt"][usize::from(b % 2)], &[positive], &[])
            }
            12 => {
                let x = self.pick(a, float)?;
                let positive = self.at_least_one(x)?;
                let epsilon = [0.0, 0.5, 1e-9][usize::from(b % 3)];
                self.emit("recip", &[positive], &[("epsilon", Attribute::Float(epsilon))])
            }
            13 => self.power(a, b),
            14 | 15 => {
                let name = ["eq", "ne", "lt", "le", "gt", "ge"][usize::from(c % 6)];
                self.binary(name, a, b, |_| true)
            }
            16 | 17 => {
                let x = self.pick(a, |dtype| dtype == DType::Bool)?;
                match c % 4 {
                    3 => self.emit("not", &[x], &[]),
                    other => {
                        let y = self.like(x, b, true)?;
                        self.emit(["and", "or", "xor"][usize::from(other)], &[x, y], &[])
                    }
                }
            }
            18 | 19 => {
                let condition = self.pick(a, |dtype| dtype == DType::Bool)?;
                let x = self.pick(b, |_| true)?;
                let y = self.like(x, c, true)?;
                self.emit("where", &[condition, x, y], &[])
            }
            20 | 21 => {
                let x = self.pick(a, |_| true)?;
                let to = DType::ALL[usize::from(b) % DType::ALL.len()];
                self.emit("cast", &[x], &[("to", Attribute::DType(to))])
            }
            22 => {
                let x = self.pick(a, number)?;
                let y = self.like(x, b, true)?;
                let z = self.like(x, c, true)?;
                self.emit("fma", &[x, y, z], &[])
            }
            23 => {
                let x = self.pick(a, |_| true)?;
                if self.builder.ty(x).extent() != Some(Extent::Scalar) {
                    return None;
                }
                // A size that no input brings would never be known.
                self.input(0);
                let known = *self.known.get(&x)?;
                let dim = self.builder.dim(SIZES[0]);
                let value = self.builder.broadcast(x, dim).ok()?;
                self.known.insert(value, known);
                Some(value)
            }
            24..=28 if self.config.reductions => {
                let x = self.pick(a, |_| true)?;
                let names: &[&str] = match self.builder.ty(x).dtype()? {
                    DType::Bool => &["any", "all", "count", "sum"],
                    _ => &["sum", "reduce_min", "reduce_max", "mean", "count", "norm"],
                };
                let name = names[usize::from(b) % names.len()];
                let ord = ["l1", "l2", "max"][usize::from(c % 3)];
                let attributes = [("ord", Attribute::Text(ord.to_owned()))];
                self.emit(name, &[x], if name == "norm" { &attributes } else { &[] })
            }
            _ => self.pick(a, |_| true).and(None),
        }
    }

    fn binary(&mut self, name: &str, a: u16, b: u16, fits: impl Fn(DType) -> bool) -> Option<ValueId> {
        let x = self.pick(a, fits)?;
        let y = self.like(x, b, true)?;
        self.emit(name, &[x, y], &[])
    }

    fn power(&mut self, a: u16, b: u16) -> Option<ValueId> {
        let x = self.pick(a, |dtype| dtype != DType::Bool)?;
        let dtype = self.builder.ty(x).dtype()?;
        if dtype.is_float() {
            let base = self.at_least_one(x)?;
            let power = self.number(Scalar::F64([2.0, 0.5, -1.0, 3.0][usize::from(b % 4)]).cast(dtype));
            self.emit("pow", &[base, power], &[])
        } else {
            let power = self.number(Scalar::I64(i64::from(b % 5)).cast(dtype));
            self.emit("pow", &[x, power], &[])
        }
    }

    fn at_least_one(&mut self, x: ValueId) -> Option<ValueId> {
        let dtype = self.builder.ty(x).dtype()?;
        let positive = self.emit("abs", &[x], &[])?;
        let one = self.number(Scalar::I64(1).cast(dtype));
        self.emit("add", &[positive, one], &[])
    }

    fn constant(&mut self, a: u16, b: u16) -> ValueId {
        let dtype = DType::ALL[usize::from(a) % DType::ALL.len()];
        let number = [0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -2.5][usize::from(b) % 7];
        self.number(Scalar::F64(number).cast(dtype))
    }

    fn number(&mut self, value: Scalar) -> ValueId {
        let result = self.builder.constant(value);
        self.known.insert(result, bounds::of_scalar(value));
        result
    }

    /// Writes an operation unless its result could get out of hand.
    fn emit(&mut self, name: &str, operands: &[ValueId], attributes: &[(&str, Attribute)]) -> Option<ValueId> {
        let name = format!("core.{name}");
        let attributes: Attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let mut op = Op::new(name.clone(), operands.to_vec(), Vec::new());
        op.attributes = attributes.clone();
        let def = self.builder.registry().get(&name)?;
        let types = (def.infer)(self.builder.plan(), &op).ok()?;
        let known: Vec<Known> = operands
            .iter()
            .map(|value| self.known.get(value).copied())
            .collect::<Option<_>>()?;
        let extent = self.builder.ty(*operands.first()?).extent()?;
        let found = bounds::result(self.builder.plan(), &op, &known, self.len(extent), types[0].dtype()?)?;
        let result = self.builder.op(&name, operands, attributes).ok()?[0];
        self.known.insert(result, found);
        Some(result)
    }

    fn len(&self, extent: Extent) -> usize {
        match extent {
            Extent::Scalar => 1,
            Extent::Dim(dim) => {
                let name = &self.builder.plan().dims[dim.0 as usize];
                self.lengths[usize::from(name == SIZES[1])]
            }
        }
    }

    /// A value of a fitting element type: one that is there, or a new input.
    fn pick(&mut self, choice: u16, fits: impl Fn(DType) -> bool) -> Option<ValueId> {
        let there: Vec<ValueId> = self
            .pool
            .iter()
            .copied()
            .filter(|value| self.builder.ty(*value).dtype().is_some_and(&fits))
            .collect();
        let inputs: Vec<usize> = (0..INPUTS.len()).filter(|index| fits(INPUTS[*index].1)).collect();
        // Later values are as likely as all inputs together, so that programs get deep.
        let choice = usize::from(choice);
        if choice.is_multiple_of(3) || there.is_empty() {
            Some(self.input(inputs[choice / 3 % inputs.len()]))
        } else {
            Some(there[there.len() - 1 - choice / 3 % there.len()])
        }
    }

    /// A value of the same element type that meets this one.
    fn like(&mut self, x: ValueId, choice: u16, scalars: bool) -> Option<ValueId> {
        let ValueType::Tensor { dtype, extent } = *self.builder.ty(x) else {
            return None;
        };
        let fits = |other: &ValueId| match *self.builder.ty(*other) {
            ValueType::Tensor {
                dtype: other,
                extent: of_other,
            } => other == dtype && (of_other == extent || (scalars && of_other == Extent::Scalar)),
            ValueType::Opaque { .. } => false,
        };
        let there: Vec<ValueId> = self.pool.iter().copied().filter(fits).collect();
        let others: Vec<ValueId> = there.iter().copied().filter(|other| *other != x).collect();
        let choice = usize::from(choice);
        match (choice % 8, others.is_empty()) {
            (0, _) if scalars => {
                let number = [1.0, 2.0, 0.0, -1.0, 0.5, 3.0][choice / 8 % 6];
                Some(self.number(Scalar::F64(number).cast(dtype)))
            }
            (1, _) => Some(x),
            (2 | 3, _) | (_, true) => {
                let inputs: Vec<usize> = (0..INPUTS.len())
                    .filter(|index| INPUTS[*index].1 == dtype && self.meets(*index, extent, scalars))
                    .collect();
                match inputs.len() {
                    0 => Some(x),
                    count => Some(self.input(inputs[choice / 8 % count])),
                }
            }
            _ => Some(others[others.len() - 1 - choice / 8 % others.len()]),
        }
    }

    /// Whether an input has this extent, or is one number where that will do.
    fn meets(&self, input: usize, extent: Extent, scalars: bool) -> bool {
        match (INPUTS[input].2, extent) {
            (None, extent) => scalars || extent == Extent::Scalar,
            (Some(size), Extent::Dim(dim)) => self.builder.plan().dims[dim.0 as usize] == SIZES[size],
            (Some(_), Extent::Scalar) => false,
        }
    }

    /// An input, declared at its first use.
    fn input(&mut self, index: usize) -> ValueId {
        let (name, dtype, size) = INPUTS[index];
        if let Some(value) = self.inputs[index] {
            return value;
        }
        let value = match size {
            Some(size) => self.builder.array(name, dtype, SIZES[size]),
            None => self.builder.scalar(name, dtype),
        };
        let value = value.expect("an input is declared once");
        let known = match dtype {
            DType::Bool => Known::exact(0.0, 1.0),
            DType::I32 | DType::I64 => Known::exact(-3.0 * RANGE, 3.0 * RANGE),
            DType::F32 | DType::F64 => Known::exact(-RANGE, RANGE),
        };
        self.known.insert(value, known);
        self.pool.insert(0, value);
        self.inputs[index] = Some(value);
        value
    }

    /// A loop over some values of the pool; its results join the pool.
    fn run_loop(&mut self, inside: &[Step], a: u16, b: u16) {
        let mut carried = Vec::new();
        for turn in 0..1 + a % 2 {
            let value = self.pick(b.wrapping_add(turn * 7), |dtype| dtype != DType::Bool);
            carried.extend(value.filter(|value| self.known[value].size() <= CARRIED));
        }
        let count = i64::from(b % 5);
        let until = a % 4 == 3;
        let before = self.pool.clone();
        let mut parameters = Vec::new();
        self.loops += 1;
        self.builder.begin_loop(count).expect("the count is not negative");
        for value in &carried {
            let parameter = self.builder.carry(*value).expect("the value is there");
            let dtype = self.builder.ty(parameter).dtype().expect("carried values are numbers");
            let known = Known {
                exact: !dtype.is_float(),
                low: -CARRIED,
                high: CARRIED,
                ..self.known[value]
            };
            self.known.insert(parameter, known);
            self.pool.push(parameter);
            parameters.push(parameter);
        }
        let mut left = inside;
        while !left.is_empty() {
            left = self.step(left);
        }
        let mut next: Vec<ValueId> = parameters
            .iter()
            .enumerate()
            .map(|(index, parameter)| self.next_value(*parameter, a.wrapping_add(index as u16)))
            .collect();
        let condition = until.then(|| {
            let counter = self.builder.carry(Operand::Int(0)).expect("a loop is open");
            let more = self.builder.add(counter, 1).expect("integers add up");
            next.push(more);
            self.known.insert(counter, Known::exact(0.0, 8.0));
            self.known.insert(more, Known::exact(0.0, 9.0));
            self.builder.ge(more, i64::from(a % 7)).expect("integers compare")
        });
        let done = self.builder.end_loop(&next, condition).expect("types were kept");
        self.loops -= 1;
        // Inputs that were declared inside may be read outside too.
        self.pool = before;
        for input in self.inputs.iter().flatten() {
            if !self.pool.contains(input) {
                self.pool.insert(0, *input);
            }
        }
        let op = self.builder.last_op().expect("the loop was just closed").clone();
        if until {
            // The counter starts at a number that the builder wrote.
            if let Some(start) = op.operands.last() {
                self.known.insert(*start, Known::exact(0.0, 0.0));
            }
        }
        let lengths = |extent: Extent| self.len(extent);
        let Some(results) = bounds::loop_results(self.builder.plan(), &op, &self.known, &lengths) else {
            return;
        };
        for (value, known) in op.results.iter().zip(results) {
            self.known.insert(*value, known);
        }
        self.pool.extend(&done.values[..carried.len()]);
        self.pool.push(done.iterations);
        self.pool.push(done.converged);
    }

    /// What a carried value becomes: something of its type, kept within the range.
    fn next_value(&mut self, parameter: ValueId, choice: u16) -> ValueId {
        let fits: Vec<ValueId> = self
            .pool
            .iter()
            .copied()
            .filter(|value| self.builder.ty(*value) == self.builder.ty(parameter))
            .collect();
        let chosen = fits[fits.len() - 1 - usize::from(choice) % fits.len().min(3)];
        let dtype = self.builder.ty(parameter).dtype().expect("carried values are numbers");
        let limits = [CARRIED, -CARRIED].map(|limit| self.number(Scalar::F64(limit).cast(dtype)));
        let below = self.emit("min", &[chosen, limits[0]], &[]).unwrap_or(parameter);
        self.emit("max", &[below, limits[1]], &[]).unwrap_or(parameter)
    }

    fn finish(mut self, seed: u64) -> Program {
        if self.pool.is_empty() {
            self.input(0);
        }
        // The last values and some of the others: what nobody reads is there to be removed.
        let mut outputs: Vec<ValueId> = self.pool.iter().rev().take(3).copied().collect();
        for part in 1..4 {
            let value = self.pool[self.pool.len() * part / 4];
            if !outputs.contains(&value) {
                outputs.push(value);
            }
        }
        let tolerances = outputs
            .iter()
            .map(|value| {
                let known = self.known[value];
                if known.exact { 0.0 } else { 2.0 * known.error }
            })
            .collect();
        for (index, value) in outputs.iter().enumerate() {
            let name = format!("out{index}");
            self.builder.output(&name, *value).expect("the pool is of the body");
        }
        let plan = self
            .builder
            .finish()
            .unwrap_or_else(|errors| panic!("a random plan fails: {errors:#?}"));
        let inputs = inputs(&plan, self.lengths, seed);
        Program {
            plan,
            inputs,
            tolerances,
        }
    }
}

/// Values for the inputs that a plan declares.
fn inputs(plan: &crate::Plan, lengths: [usize; 2], seed: u64) -> BTreeMap<String, Value> {
    let mut state = seed;
    let mut next = move || {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut number = |dtype: DType| {
        let bits = next();
        let fraction = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        match dtype {
            DType::Bool => Scalar::Bool(bits.is_multiple_of(2)),
            DType::I32 | DType::I64 => Scalar::F64(((fraction * 2.0 - 1.0) * 3.0 * RANGE).round()).cast(dtype),
            // Whole numbers now and then: zeros and equal elements are where programs differ.
            _ if bits.is_multiple_of(8) => Scalar::F64(((fraction * 2.0 - 1.0) * RANGE).round()).cast(dtype),
            _ => Scalar::F64((fraction * 2.0 - 1.0) * RANGE).cast(dtype),
        }
    };
    INPUTS
        .iter()
        .filter(|(name, ..)| plan.inputs.iter().any(|input| input == name))
        .map(|(name, dtype, size)| {
            let value = match size {
                None => Value::Scalar(number(*dtype)),
                Some(size) => {
                    let numbers: Vec<Scalar> = (0..lengths[*size]).map(|_| number(*dtype)).collect();
                    Value::Array(crate::evaluate::array(*dtype, &numbers))
                }
            };
            ((*name).to_owned(), value)
        })
        .collect()
}
