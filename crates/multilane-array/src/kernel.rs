//! The kernels of the `core` dialect, as an engine finds them.

use std::sync::Arc;

use multilane_plan::{
    Blocks, Call, DType, Extent, Form, Kernel, KernelError, Kernels, Op, Plan, Prepared, Registry, Value, ValueId,
    ValueType,
};

use crate::compiled::{Compiled, Operand, Output};
use crate::error::ArrayError;

/// Adds the kernels of all element-wise operations and reductions of `core`, and of `core.fused`.
pub fn kernels(kernels: &mut Kernels) {
    let kernel: Arc<dyn Kernel> = Arc::new(Core);
    for def in Registry::core().iter() {
        let ours = matches!(def.form, Form::Elementwise | Form::Reduction) || def.name == "core.fused";
        if ours {
            kernels.insert(def.name, Arc::clone(&kernel));
        }
    }
}

struct Core;

impl Kernel for Core {
    fn prepare(&self, plan: &Plan, op: &Op, kernels: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        let compiled = Compiled::new(plan, op)?;
        let producers = compiled
            .producers()
            .iter()
            .map(|producer| {
                let blocks = kernels.get(&producer.op.name)?.prepare_blocks(plan, &producer.op)?;
                Ok((blocks, producer.operands.clone()))
            })
            .collect::<Result<Vec<_>, KernelError>>()?;
        let results = op.results.iter().map(|value| plan.ty(*value).dtype()).collect();
        let operands = op.operands.iter().map(|value| plan.ty(*value).dtype()).collect();
        let arrays = |values: &[ValueId]| {
            let is_array = |value: &ValueId| matches!(plan.ty(*value).extent(), Some(Extent::Dim(_)));
            values.iter().map(is_array).collect()
        };
        Ok(Box::new(Ready {
            in_step: in_step(plan, op),
            operand_arrays: arrays(&op.operands),
            result_arrays: arrays(&op.results),
            measured: measured(plan, op, kernels),
            compiled,
            producers,
            operands,
            results,
        }))
    }
}

/// Which operands are arrays of the extent that the operation runs over; others belong to
/// producers alone.
fn in_step(plan: &Plan, op: &Op) -> Vec<bool> {
    let region = op.regions.first();
    op.operands
        .iter()
        .enumerate()
        .map(|(index, _)| match region {
            None => true,
            Some(region) => {
                let parameter = region.parameters.get(index);
                let core = |inner: &&Op| inner.dialect() == "core";
                parameter.is_some_and(|parameter| {
                    region.yields.contains(parameter)
                        || region
                            .ops
                            .iter()
                            .filter(core)
                            .any(|inner| inner.operands.contains(parameter))
                })
            }
        })
        .zip(&op.operands)
        .map(|(read, value)| read && plan.ty(*value).dtype().is_some())
        .collect()
}

/// An opaque operand that brings the size of what producers make, and how it is measured.
struct Measured {
    operand: usize,
    kind: String,
    /// Which of its sizes.
    position: usize,
    kernels: Kernels,
}

fn measured(plan: &Plan, op: &Op, kernels: &Kernels) -> Option<Measured> {
    let produced = |inner: &&Op| inner.dialect() != "core";
    let op_of = op.regions.first()?.ops.iter().find(produced)?;
    let Some(Extent::Dim(dim)) = plan.ty(*op_of.results.first()?).extent() else {
        return None;
    };
    op.operands
        .iter()
        .enumerate()
        .find_map(|(operand, value)| match plan.ty(*value) {
            ValueType::Opaque { kind, dims } => Some(Measured {
                operand,
                kind: kind.clone(),
                position: dims.iter().position(|other| *other == dim)?,
                kernels: kernels.clone(),
            }),
            ValueType::Tensor { .. } => None,
        })
}

/// A compiled operation, its producers, and the types to hold a call against.
struct Ready {
    compiled: Compiled,
    producers: Vec<(Box<dyn Blocks>, Vec<usize>)>,
    operands: Vec<Option<DType>>,
    operand_arrays: Vec<bool>,
    in_step: Vec<bool>,
    measured: Option<Measured>,
    results: Vec<Option<DType>>,
    result_arrays: Vec<bool>,
}

impl Ready {
    fn misfit(&self, what: &str, index: usize, problem: impl Into<String>) -> ArrayError {
        ArrayError::Misfit {
            op: self.compiled.op().to_owned(),
            what: format!("{what} {index}"),
            problem: problem.into(),
        }
    }

    /// Holds a value against its type; the array's length, if it is one.
    fn check(
        &self,
        what: &str,
        index: usize,
        value: &Value,
        dtype: Option<DType>,
        is_array: bool,
    ) -> Result<Option<usize>, ArrayError> {
        match (value, dtype) {
            (Value::Array(array), Some(dtype)) if is_array && array.dtype() == dtype => Ok(Some(array.len())),
            (Value::Scalar(scalar), Some(dtype)) if !is_array && scalar.dtype() == dtype => Ok(None),
            (Value::Opaque(_), None) => Ok(None),
            _ => Err(self.misfit(what, index, "is not of the type the plan gives it")),
        }
    }

    /// The number of elements of a call.
    fn length(&self, call: &Call<'_>) -> Result<Option<usize>, ArrayError> {
        if call.operands.len() != self.operands.len() || call.results.len() != self.results.len() {
            return Err(self.misfit("call", 0, "has too many values or too few"));
        }
        let mut known = None;
        let mut meet = |what: &str, index: usize, length: usize| match *known.get_or_insert(length) {
            first if first == length => Ok(()),
            first => Err(self.misfit(what, index, format!("has {length} elements, others {first}"))),
        };
        for (index, value) in call.results.iter().enumerate() {
            if let Some(length) = self.check("result", index, value, self.results[index], self.result_arrays[index])? {
                if !value.array().is_some_and(multilane_plan::Array::is_writable) {
                    return Err(self.misfit("result", index, "is read-only"));
                }
                meet("result", index, length)?;
            }
        }
        for (index, value) in call.operands.iter().enumerate() {
            let length = self.check(
                "operand",
                index,
                value,
                self.operands[index],
                self.operand_arrays[index],
            )?;
            if let Some(length) = length.filter(|_| self.in_step[index]) {
                meet("operand", index, length)?;
            }
        }
        Ok(known)
    }
}

impl Ready {
    /// The number of elements that an opaque operand brings.
    fn measure(&self, call: &Call<'_>) -> Option<usize> {
        let measured = self.measured.as_ref()?;
        let sizes = measured
            .kernels
            .measure(&measured.kind, &call.operands[measured.operand])?;
        sizes.get(measured.position).copied()
    }
}

impl Prepared for Ready {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let length = self.length(call)?;
        let blocks = self
            .producers
            .iter()
            .map(|(blocks, operands)| {
                let operands: Vec<Value> = operands.iter().map(|index| call.operands[*index].clone()).collect();
                blocks.bind_on(&operands, call.lanes)
            })
            .collect::<Result<Vec<_>, KernelError>>()?;
        let length = match length.or_else(|| self.measure(call)) {
            Some(length) => length,
            // Nothing but scalars.
            None if blocks.is_empty() => 1,
            None => {
                return Err(self
                    .misfit("call", 0, "does not say how many elements there are")
                    .into());
            }
        };
        let operands: Vec<Operand> = call
            .operands
            .iter()
            .map(|value| match value {
                Value::Array(array) => Operand::Array(array.as_ptr()),
                Value::Scalar(scalar) => Operand::Scalar(*scalar),
                Value::Opaque(_) => Operand::Opaque,
            })
            .collect();
        let mut outputs: Vec<Output> = call
            .results
            .iter()
            .map(|value| match value {
                Value::Array(array) => Output::Array(array.as_mut_ptr()),
                Value::Scalar(scalar) => Output::Scalar(*scalar),
                Value::Opaque(_) => unreachable!("results of `core` are numbers"),
            })
            .collect();
        // SAFETY: kinds, types and lengths were held against the plan; the call's owner sees to it
        // that nobody else writes the memory.
        unsafe {
            self.compiled
                .run_with(&operands, &mut outputs, length, call.lanes, &blocks)?
        };
        for (value, output) in call.results.iter_mut().zip(outputs) {
            if let Output::Scalar(scalar) = output {
                *value = Value::Scalar(scalar);
            }
        }
        Ok(())
    }
}
