//! An expression made ready for operands of certain types.
//!
//! It is written as a plan, optimised, and compiled; when one operation is left, which is the
//! rule, the compiled operation is called directly, otherwise the engine runs the plan.

use std::collections::BTreeMap;

use multilane_array::{Compiled, Operand};
use multilane_engine::plans::Program;
use multilane_plan::{Builder, DType, Extent, Op, Plan, Scalar, ValueId, ValueType, expression, passes};
use pyo3::prelude::*;

use super::Expression;
use crate::plans::{errors, registry, run};

/// What an operand or a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An array.
    Array(DType),
    /// One number with a type.
    Scalar(DType),
    /// A number of Python's, which takes the type of the arrays it meets.
    LiteralInt,
    /// The same, with a fraction.
    LiteralFloat,
}

impl Kind {
    pub(super) const LITERAL_INT: Self = Self::LiteralInt;
    pub(super) const LITERAL_FLOAT: Self = Self::LiteralFloat;

    pub(super) const fn array(dtype: DType) -> Self {
        Self::Array(dtype)
    }

    pub(super) const fn scalar(dtype: DType) -> Self {
        Self::Scalar(dtype)
    }

    /// A number below 16.
    pub(super) const fn code(self) -> u64 {
        match self {
            Self::LiteralInt => 0,
            Self::LiteralFloat => 1,
            Self::Array(dtype) => 2 + dtype as u64,
            Self::Scalar(dtype) => 7 + dtype as u64,
        }
    }
}

/// Where the compiled operation takes an operand from.
pub(super) enum Source {
    /// The expression's operand with this index.
    Input(usize),
    /// A number in the expression.
    Number(Scalar),
}

impl Source {
    #[inline]
    pub(super) fn of(&self, input: impl FnOnce(usize) -> Operand) -> Operand {
        match self {
            Self::Input(index) => input(*index),
            Self::Number(scalar) => Operand::Scalar(*scalar),
        }
    }
}

/// One operation, compiled.
pub(super) struct Direct {
    pub(super) compiled: Compiled,
    pub(super) sources: Vec<Source>,
    /// What stands for a result that is one number until it is there.
    pub(super) placeholder: Scalar,
}

/// What runs.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and there are few of either"
)]
pub(super) enum Work {
    Compiled(Direct),
    Program(Program),
}

/// An expression that is ready to run.
pub(super) struct Prepared {
    pub(super) work: Work,
    pub(super) result: Kind,
    /// Of all operands and the result.
    pub(super) bytes_per_element: usize,
    /// Types that numbers are brought to.
    numbers: Vec<Option<DType>>,
}

/// The type that Python's own numbers take among operands of such kinds.
fn literal(kinds: &[Kind], float: bool) -> DType {
    let mut all = kinds.iter().filter_map(|kind| match kind {
        Kind::Array(dtype) | Kind::Scalar(dtype) => Some(*dtype),
        _ => None,
    });
    let wide = all.clone().any(|dtype| matches!(dtype, DType::F64 | DType::I64));
    let narrow_float = all.clone().any(|dtype| dtype == DType::F32);
    let narrow_int = all.any(|dtype| dtype == DType::I32);
    match (float, wide, narrow_float, narrow_int) {
        (_, false, true, false) => DType::F32,
        (false, false, false, true) => DType::I32,
        (true, ..) => DType::F64,
        (false, ..) => DType::I64,
    }
}

impl Prepared {
    /// Reads, optimises and compiles.
    pub(super) fn new(py: Python<'_>, expression: &Expression, kinds: &[Kind]) -> PyResult<Self> {
        let numbers: Vec<Option<DType>> = kinds
            .iter()
            .map(|kind| match kind {
                Kind::Array(_) => None,
                Kind::Scalar(dtype) => Some(*dtype),
                Kind::LiteralInt => Some(literal(kinds, false)),
                Kind::LiteralFloat => Some(literal(kinds, true)),
            })
            .collect();
        let plan = plan_of(py, expression, kinds, &numbers)?;
        let bytes = |ty: &ValueType| match ty {
            ValueType::Tensor {
                dtype,
                extent: Extent::Dim(_),
            } => dtype.size(),
            _ => 0,
        };
        let result = plan.ty(plan.body.yields[0]).clone();
        let inputs = plan.body.parameters.iter().map(|input| bytes(plan.ty(*input)));
        let bytes_per_element = inputs.sum::<usize>() + bytes(&result);
        let result = match result {
            ValueType::Tensor {
                dtype,
                extent: Extent::Dim(_),
            } => Kind::Array(dtype),
            other => Kind::Scalar(other.dtype().unwrap_or(DType::F64)),
        };
        let work = match direct(&plan) {
            Some(direct) => Work::Compiled(direct),
            None => Work::Program(run::program_of(py, &plan)?),
        };
        Ok(Self {
            work,
            result,
            bytes_per_element,
            numbers,
        })
    }

    /// Brings a number to the type the plan has for it.
    #[inline]
    pub(super) fn cast(&self, input: usize, operand: Operand) -> Operand {
        match (operand, self.numbers[input]) {
            (Operand::Scalar(scalar), Some(dtype)) => Operand::Scalar(scalar.cast(dtype)),
            _ => operand,
        }
    }
}

fn plan_of(py: Python<'_>, expression: &Expression, kinds: &[Kind], numbers: &[Option<DType>]) -> PyResult<Plan> {
    let mut builder = Builder::new("evaluate", registry().clone());
    let mut operands = BTreeMap::new();
    for ((name, kind), number) in expression.names.iter().zip(kinds).zip(numbers) {
        let name = name.bind(py).to_str()?;
        let input = match (kind, number) {
            (Kind::Array(dtype), _) => builder.array(name, *dtype, "n"),
            (_, number) => builder.scalar(name, number.unwrap_or(DType::F64)),
        };
        let input = input.map_err(|error| errors::plan(py, &error))?;
        operands.insert(name.to_owned(), multilane_plan::Operand::Value(input));
    }
    let made = expression::parse_into(&mut builder, &expression.text, &operands)
        .and_then(|result| builder.output("result", result));
    made.map_err(|error| errors::plan(py, &error))?;
    let mut plan = builder.finish().map_err(|found| errors::plans(py, &found))?;
    passes::optimize(&mut plan, registry(), passes::DEFAULT).map_err(|error| errors::plan(py, &error))?;
    Ok(plan)
}

/// The one operation that is left of a plan, compiled; None when there are more.
fn direct(plan: &Plan) -> Option<Direct> {
    let mut numbers: BTreeMap<ValueId, Scalar> = BTreeMap::new();
    let mut only: Option<&Op> = None;
    for op in &plan.body.ops {
        match op.constant() {
            Some(scalar) => {
                numbers.insert(*op.results.first()?, scalar);
            }
            None if only.is_none() => only = Some(op),
            None => return None,
        }
    }
    let op = only?;
    if op.results != plan.body.yields {
        return None;
    }
    let sources = op.operands.iter().map(|operand| match numbers.get(operand) {
        Some(scalar) => Some(Source::Number(*scalar)),
        None => plan
            .body
            .parameters
            .iter()
            .position(|parameter| parameter == operand)
            .map(Source::Input),
    });
    let sources = sources.collect::<Option<Vec<_>>>()?;
    let dtype = plan.ty(op.results[0]).dtype()?;
    Some(Direct {
        compiled: Compiled::new(plan, op).ok()?,
        sources,
        placeholder: Scalar::Bool(false).cast(dtype),
    })
}
