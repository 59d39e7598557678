//! Evaluate a plan one number at a time: the plain meaning that kernels and passes are held against.
//!
//! Operations of the `core` dialect are computed here, those of other dialects by their
//! kernels on one lane. Slow on purpose: every number passes [`crate::core::scalar::apply`].

use std::collections::BTreeMap;

use crate::core::{scalar, tree};
use crate::error::{PlanError, Site};
use crate::kernel::{Call, KernelError, Kernels, Serial};
use crate::plan::{Op, Plan, Region, ValueId};
use crate::registry::{Form, Registry};
use crate::types::{DType, DimId, Extent, Scalar, ValueType};
use crate::value::{Array, Value};
use crate::verify::verify;

/// Evaluates a plan of the `core` dialect; the outputs in order.
pub fn evaluate(
    plan: &Plan,
    registry: &Registry,
    inputs: &BTreeMap<String, Value>,
) -> Result<Vec<Value>, Vec<PlanError>> {
    evaluate_with(plan, registry, &Kernels::default(), inputs)
}

/// The same for plans with operations of other dialects, which their kernels compute.
pub fn evaluate_with(
    plan: &Plan,
    registry: &Registry,
    kernels: &Kernels,
    inputs: &BTreeMap<String, Value>,
) -> Result<Vec<Value>, Vec<PlanError>> {
    verify(plan, registry)?;
    let mut evaluator = Evaluator {
        plan,
        registry,
        kernels,
        sizes: (0..plan.dims.len())
            .map(|dim| plan.fixed_size(DimId(dim as u32)))
            .collect(),
        values: vec![None; plan.values.len()],
    };
    evaluator.run(inputs).map_err(|error| vec![error])
}

/// What a value is while it is computed.
#[derive(Clone, Debug)]
enum Data {
    One(Scalar),
    Many(DType, Vec<Scalar>),
    Opaque(Value),
}

impl Data {
    fn of(value: &Value) -> Self {
        match value {
            Value::Scalar(number) => Self::One(*number),
            Value::Array(array) => Self::Many(array.dtype(), elements(array)),
            Value::Opaque(_) => Self::Opaque(value.clone()),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::One(number) => Value::Scalar(*number),
            Self::Many(dtype, numbers) => Value::Array(array(*dtype, numbers)),
            Self::Opaque(value) => value.clone(),
        }
    }

    /// The number that meets element `index`.
    fn at(&self, index: usize) -> Scalar {
        match self {
            Self::One(number) => *number,
            Self::Many(_, numbers) => numbers[index],
            Self::Opaque(_) => unreachable!("a verified plan computes with numbers"),
        }
    }

    fn truth(&self) -> bool {
        matches!(self, Self::One(Scalar::Bool(true)))
    }
}

struct Evaluator<'a> {
    plan: &'a Plan,
    registry: &'a Registry,
    kernels: &'a Kernels,
    sizes: Vec<Option<usize>>,
    values: Vec<Option<Data>>,
}

impl Evaluator<'_> {
    fn run(&mut self, inputs: &BTreeMap<String, Value>) -> Result<Vec<Value>, PlanError> {
        self.bind(inputs)?;
        self.region(&self.plan.body)?;
        let yields = &self.plan.body.yields;
        Ok(yields.iter().map(|value| self.get(*value).value()).collect())
    }

    fn bind(&mut self, inputs: &BTreeMap<String, Value>) -> Result<(), PlanError> {
        for (name, parameter) in self.plan.inputs.iter().zip(&self.plan.body.parameters) {
            let fault = |problem: String| PlanError::Input {
                name: name.clone(),
                problem,
            };
            let value = inputs.get(name).ok_or_else(|| fault("is not given".to_owned()))?;
            let expected = crate::text::type_name(self.plan, self.plan.ty(*parameter));
            let sizes = match (self.plan.ty(*parameter), value) {
                (
                    ValueType::Tensor {
                        dtype,
                        extent: Extent::Scalar,
                    },
                    Value::Scalar(number),
                ) if number.dtype() == *dtype => Vec::new(),
                (
                    ValueType::Tensor {
                        dtype,
                        extent: Extent::Dim(dim),
                    },
                    Value::Array(array),
                ) if array.dtype() == *dtype => vec![(*dim, array.len())],
                (ValueType::Opaque { kind, dims }, Value::Opaque(_)) => {
                    let sizes = self.kernels.measure(kind, value);
                    let sizes = sizes.ok_or_else(|| fault(format!("is no {expected}")))?;
                    dims.iter().copied().zip(sizes).collect()
                }
                _ => return Err(fault(format!("is no {expected}"))),
            };
            for (dim, size) in sizes {
                let known = &mut self.sizes[dim.0 as usize];
                match *known {
                    Some(other) if other != size => {
                        let dim = crate::text::dim_name(self.plan, dim);
                        return Err(fault(format!("has `{dim}` = {size}, and another input has {other}")));
                    }
                    _ => *known = Some(size),
                }
            }
            self.values[parameter.0 as usize] = Some(Data::of(value));
        }
        Ok(())
    }

    fn get(&self, value: ValueId) -> &Data {
        self.values[value.0 as usize]
            .as_ref()
            .expect("a verified plan writes values before it reads them")
    }

    fn region(&mut self, region: &Region) -> Result<(), PlanError> {
        for op in &region.ops {
            self.op(op)?;
        }
        Ok(())
    }

    fn op(&mut self, op: &Op) -> Result<(), PlanError> {
        let result = match op.name.as_str() {
            "core.loop" => return self.run_loop(op),
            "core.fused" => return self.run_fused(op),
            _ => self.simple(op),
        };
        result.map_err(|source| PlanError::Run {
            source,
            site: Site::of(op, &[]),
        })
    }

    /// An operation without regions.
    fn simple(&mut self, op: &Op) -> Result<(), KernelError> {
        let form = self.registry.get(&op.name).map(|def| def.form);
        let result = match form {
            _ if op.dialect() != "core" => return self.foreign(op),
            Some(Form::Constant) => Data::One(op.constant().expect("a verified constant has its number")),
            Some(Form::Elementwise) => self.elementwise(op)?,
            Some(Form::Reduction) => reduction(op, self.get(op.operands[0]))?,
            _ => return Err(KernelError::Missing { op: op.name.clone() }),
        };
        self.values[op.results[0].0 as usize] = Some(result);
        Ok(())
    }

    fn elementwise(&self, op: &Op) -> Result<Data, KernelError> {
        let operands: Vec<&Data> = op.operands.iter().map(|value| self.get(*value)).collect();
        let one = |index: usize| {
            let numbers: Vec<Scalar> = operands.iter().map(|data| data.at(index)).collect();
            match (op.name.as_str(), numbers.as_slice()) {
                ("core.broadcast", [number]) => Some(*number),
                _ => scalar::apply(op, &numbers),
            }
            .ok_or_else(|| KernelError::Missing { op: op.name.clone() })
        };
        match self.plan.ty(op.results[0]) {
            ValueType::Tensor {
                dtype,
                extent: Extent::Dim(dim),
            } => {
                let len =
                    self.sizes[dim.0 as usize].expect("a verified plan's sizes come with its inputs or are numbers");
                Ok(Data::Many(*dtype, (0..len).map(one).collect::<Result<_, _>>()?))
            }
            _ => one(0).map(Data::One),
        }
    }

    fn run_loop(&mut self, op: &Op) -> Result<(), PlanError> {
        let region = &op.regions[0];
        let mut carried: Vec<Data> = op.operands.iter().map(|value| self.get(*value).clone()).collect();
        let (mut iterations, mut converged) = (0, false);
        let count = op.int("count").expect("a verified loop has a count");
        while iterations < count && !converged {
            for (parameter, data) in region.parameters.iter().zip(carried) {
                self.values[parameter.0 as usize] = Some(data);
            }
            self.region(region)?;
            carried = region.yields[..op.operands.len()]
                .iter()
                .map(|value| self.get(*value).clone())
                .collect();
            iterations += 1;
            converged = op.flag("until") && region.yields.last().is_some_and(|value| self.get(*value).truth());
        }
        carried.push(Data::One(Scalar::I64(iterations)));
        carried.push(Data::One(Scalar::Bool(converged)));
        for (result, data) in op.results.iter().zip(carried) {
            self.values[result.0 as usize] = Some(data);
        }
        Ok(())
    }

    fn run_fused(&mut self, op: &Op) -> Result<(), PlanError> {
        let region = &op.regions[0];
        for (parameter, operand) in region.parameters.iter().zip(&op.operands) {
            self.values[parameter.0 as usize] = Some(self.get(*operand).clone());
        }
        self.region(region)?;
        for (result, value) in op.results.iter().zip(&region.yields) {
            self.values[result.0 as usize] = Some(self.get(*value).clone());
        }
        Ok(())
    }

    fn foreign(&mut self, op: &Op) -> Result<(), KernelError> {
        let prepared = self.kernels.get(&op.name)?.prepare(self.plan, op, self.kernels)?;
        let operands: Vec<Value> = op.operands.iter().map(|value| self.get(*value).value()).collect();
        let mut results: Vec<Value> = op
            .results
            .iter()
            .map(|value| self.placeholder(self.plan.ty(*value)))
            .collect();
        prepared.run(&mut Call {
            operands: &operands,
            results: &mut results,
            lanes: &Serial,
        })?;
        for (result, value) in op.results.iter().zip(&results) {
            self.values[result.0 as usize] = Some(Data::of(value));
        }
        Ok(())
    }

    /// A result before its kernel runs.
    fn placeholder(&self, ty: &ValueType) -> Value {
        match ty {
            ValueType::Tensor {
                dtype,
                extent: Extent::Dim(dim),
            } => {
                let len = self.sizes[dim.0 as usize].unwrap_or(0);
                Value::Array(array(*dtype, &vec![Scalar::Bool(false).cast(*dtype); len]))
            }
            ValueType::Tensor { dtype, .. } => Value::Scalar(Scalar::Bool(false).cast(*dtype)),
            ValueType::Opaque { .. } => Value::Opaque(std::sync::Arc::new(())),
        }
    }
}

fn reduction(op: &Op, data: &Data) -> Result<Data, KernelError> {
    let Data::Many(dtype, numbers) = data else {
        unreachable!("a verified reduction has an array");
    };
    let len = numbers.len();
    let name = op.name.strip_prefix("core.").unwrap_or(&op.name);
    if len == 0 && matches!(name, "reduce_min" | "reduce_max") {
        return Err(KernelError::Invalid {
            op: op.name.clone(),
            problem: "has no element to choose from".to_owned(),
        });
    }
    let i64s = || -> Vec<i64> { numbers.iter().map(|number| number.as_i64()).collect() };
    let f64s = || -> Vec<f64> { numbers.iter().map(|number| number.as_f64()).collect() };
    let f32s = || -> Vec<f32> { numbers.iter().map(|number| number.as_f64() as f32).collect() };
    let nonzero = || {
        numbers
            .iter()
            .filter(|number| number.cast(DType::Bool) == Scalar::Bool(true))
            .count()
    };
    Ok(Data::One(match (name, dtype) {
        ("count", _) => Scalar::I64(nonzero() as i64),
        ("any", _) => Scalar::Bool(nonzero() > 0),
        ("all", _) => Scalar::Bool(nonzero() == len),
        ("sum", DType::F32) => Scalar::F32(tree::reduce(&f32s(), 0.0, |a, b| a + b)),
        ("sum", DType::F64) => Scalar::F64(tree::reduce(&f64s(), 0.0, |a, b| a + b)),
        ("sum", _) => Scalar::I64(tree::reduce(&i64s(), 0, i64::wrapping_add)),
        ("mean", DType::F32) => Scalar::F32(tree::reduce(&f32s(), 0.0, |a, b| a + b) / len as f32),
        ("mean", _) => Scalar::F64(tree::reduce(&f64s(), 0.0, |a, b| a + b) / len as f64),
        ("reduce_min", DType::F32) => Scalar::F32(tree::reduce(&f32s(), f32::INFINITY, scalar::smaller)),
        ("reduce_max", DType::F32) => Scalar::F32(tree::reduce(&f32s(), f32::NEG_INFINITY, scalar::larger)),
        ("reduce_min", DType::F64) => Scalar::F64(tree::reduce(&f64s(), f64::INFINITY, scalar::smaller)),
        ("reduce_max", DType::F64) => Scalar::F64(tree::reduce(&f64s(), f64::NEG_INFINITY, scalar::larger)),
        ("reduce_min", _) => Scalar::I64(tree::reduce(&i64s(), i64::MAX, i64::min)).cast(*dtype),
        ("reduce_max", _) => Scalar::I64(tree::reduce(&i64s(), i64::MIN, i64::max)).cast(*dtype),
        ("norm", DType::F32) => {
            let numbers = f32s();
            let map = |f: fn(f32) -> f32| -> Vec<f32> { numbers.iter().map(|x| f(*x)).collect() };
            Scalar::F32(match op.text("ord") {
                Some("l1") => tree::reduce(&map(f32::abs), 0.0, |a, b| a + b),
                Some("max") => tree::reduce(&map(f32::abs), 0.0, scalar::larger),
                _ => tree::reduce(&map(|x| x * x), 0.0, |a, b| a + b).sqrt(),
            })
        }
        ("norm", _) => {
            let numbers = f64s();
            let map = |f: fn(f64) -> f64| -> Vec<f64> { numbers.iter().map(|x| f(*x)).collect() };
            Scalar::F64(match op.text("ord") {
                Some("l1") => tree::reduce(&map(f64::abs), 0.0, |a, b| a + b),
                Some("max") => tree::reduce(&map(f64::abs), 0.0, scalar::larger),
                _ => tree::reduce(&map(|x| x * x), 0.0, |a, b| a + b).sqrt(),
            })
        }
        _ => return Err(KernelError::Missing { op: op.name.clone() }),
    }))
}

/// The elements of an array as numbers.
pub fn elements(array: &Array) -> Vec<Scalar> {
    fn each<T: crate::Element>(array: &Array, wrap: fn(T) -> Scalar) -> Vec<Scalar> {
        let slice = array.as_slice::<T>().expect("the element type was matched");
        slice.iter().map(|element| wrap(*element)).collect()
    }
    match array.dtype() {
        DType::Bool => each(array, Scalar::Bool),
        DType::I32 => each(array, Scalar::I32),
        DType::I64 => each(array, Scalar::I64),
        DType::F32 => each(array, Scalar::F32),
        DType::F64 => each(array, Scalar::F64),
    }
}

/// An array of numbers, each cast to the element type.
pub fn array(dtype: DType, numbers: &[Scalar]) -> Array {
    macro_rules! collect {
        ($variant:ident) => {
            Array::from_vec(
                numbers
                    .iter()
                    .map(|number| match number.cast(dtype) {
                        Scalar::$variant(number) => number,
                        _ => unreachable!("a cast gives the type it is asked for"),
                    })
                    .collect::<Vec<_>>(),
            )
        };
    }
    match dtype {
        DType::Bool => collect!(Bool),
        DType::I32 => collect!(I32),
        DType::I64 => collect!(I64),
        DType::F32 => collect!(F32),
        DType::F64 => collect!(F64),
    }
}
