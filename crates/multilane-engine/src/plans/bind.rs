//! Holds the caller's values against the plan before anything runs.

use multilane_plan::{Array, DimId, Extent, Value, ValueId, ValueType};

use super::error::PlanRunError;
use super::program::Program;
use super::workspace::overlap;

/// Sizes by [`DimId`], as the inputs say.
pub(super) type Dims = Vec<Option<usize>>;

/// Checks the inputs and reads the sizes from them.
pub(super) fn sizes(program: &Program, inputs: &[Value]) -> Result<Dims, PlanRunError> {
    let plan = &program.plan;
    if inputs.len() != plan.inputs.len() || inputs.len() != plan.body.parameters.len() {
        return Err(PlanRunError::InputCount {
            expected: plan.inputs.len(),
            given: inputs.len(),
            names: quoted(&plan.inputs),
        });
    }
    let mut sizes: Dims = (0..plan.dims.len())
        .map(|dim| plan.fixed_size(DimId(dim as u32)))
        .collect();
    for (number, (value, parameter)) in inputs.iter().zip(&plan.body.parameters).enumerate() {
        let ty = plan.ty(*parameter);
        match (ty, value) {
            (
                ValueType::Tensor {
                    dtype,
                    extent: Extent::Scalar,
                },
                Value::Scalar(scalar),
            ) if scalar.dtype() == *dtype => {}
            (
                ValueType::Tensor {
                    dtype,
                    extent: Extent::Dim(dim),
                },
                Value::Array(array),
            ) if array.dtype() == *dtype => set(program, &mut sizes, *dim, array.len(), number)?,
            (ValueType::Opaque { kind, dims }, Value::Opaque(_)) => {
                let measured = program.kernels.measure(kind, value);
                let measured = measured.ok_or_else(|| wrong_input(program, number, value))?;
                for (dim, size) in dims.iter().zip(measured) {
                    set(program, &mut sizes, *dim, size, number)?;
                }
            }
            _ => return Err(wrong_input(program, number, value)),
        }
    }
    Ok(sizes)
}

/// Notes a size, which has to be the one that an input before said.
fn set(program: &Program, sizes: &mut Dims, dim: DimId, size: usize, input: usize) -> Result<(), PlanRunError> {
    let Some(known) = sizes.get_mut(dim.0 as usize) else {
        return Ok(());
    };
    let expected = *known.get_or_insert(size);
    if expected == size {
        return Ok(());
    }
    let plan = &program.plan;
    if plan.fixed_size(dim).is_some() {
        return Err(PlanRunError::FixedLength {
            input: plan.inputs[input].clone(),
            given: size,
            expected,
        });
    }
    let says = |parameter: &ValueId| match plan.ty(*parameter) {
        ValueType::Tensor { extent, .. } => *extent == Extent::Dim(dim),
        ValueType::Opaque { dims, .. } => dims.contains(&dim),
    };
    let first = plan.body.parameters.iter().position(says).unwrap_or(input);
    Err(PlanRunError::Length {
        input: plan.inputs[input].clone(),
        given: size,
        dim: plan.dims[dim.0 as usize].clone(),
        expected,
        other: plan.inputs[first].clone(),
    })
}

fn wrong_input(program: &Program, number: usize, value: &Value) -> PlanRunError {
    let plan = &program.plan;
    PlanRunError::InputType {
        input: plan.inputs[number].clone(),
        expected: describe_type(program, plan.ty(plan.body.parameters[number])),
        given: describe(value),
    }
}

/// An array of the caller that an output may be written to while the plan runs.
pub(super) struct Target {
    pub(super) array: Array,
    /// It is an input, too, which the plan may hold under other names: a loop hands out what it was given.
    pub(super) is_input: bool,
}

/// Checks the arrays given for outputs; returns those that may be written while the plan runs.
///
/// An array that shares memory with an input may not, unless the operation that makes the
/// output may write over that very input.
pub(super) fn targets(
    program: &Program,
    sizes: &Dims,
    inputs: &[Value],
    given: &[Option<Array>],
) -> Result<Vec<Option<Target>>, PlanRunError> {
    let plan = &program.plan;
    if given.is_empty() {
        return Ok(Vec::new());
    }
    if given.len() != plan.outputs.len() {
        return Err(PlanRunError::OutputCount {
            expected: plan.outputs.len(),
            given: given.len(),
            names: quoted(&plan.outputs),
        });
    }
    for (number, array) in given.iter().enumerate() {
        if let Some(array) = array {
            check_output(program, sizes, number, array)?;
            let shared = given[..number]
                .iter()
                .position(|other| other.as_ref().is_some_and(|other| overlap(other, array)));
            if let Some(first) = shared {
                return Err(PlanRunError::SharedOutputs {
                    first: plan.outputs[first].clone(),
                    second: plan.outputs[number].clone(),
                });
            }
        }
    }
    let targets = given.iter().enumerate().map(|(number, array)| {
        let array = array.as_ref()?;
        let shared: Vec<usize> = inputs
            .iter()
            .enumerate()
            .filter(|(_, value)| value.array().is_some_and(|input| overlap(input, array)))
            .map(|(input, _)| input)
            .collect();
        let direct = match shared[..] {
            [] => true,
            [input] => {
                let same = inputs[input]
                    .array()
                    .is_some_and(|input| input.as_ptr() == array.as_ptr() && input.dtype() == array.dtype());
                same && may_overwrite(program, number, input)
            }
            _ => false,
        };
        direct.then(|| Target {
            array: array.clone(),
            is_input: !shared.is_empty(),
        })
    });
    Ok(targets.collect())
}

fn check_output(program: &Program, sizes: &Dims, number: usize, array: &Array) -> Result<(), PlanRunError> {
    let plan = &program.plan;
    let ty = plan.ty(plan.body.yields[number]);
    let output = || plan.outputs[number].clone();
    let wrong = || PlanRunError::OutputType {
        output: output(),
        expected: describe_type(program, ty),
        given: format!("an array of {}", array.dtype()),
    };
    let ValueType::Tensor {
        dtype,
        extent: Extent::Dim(dim),
    } = ty
    else {
        return Err(wrong());
    };
    if array.dtype() != *dtype {
        return Err(wrong());
    }
    let expected = size_of(program, sizes, *dim)?;
    if array.len() != expected {
        return Err(PlanRunError::OutputLength {
            output: output(),
            expected,
            given: array.len(),
        });
    }
    if !array.is_writable() {
        return Err(PlanRunError::ReadOnly { output: output() });
    }
    Ok(())
}

/// Whether the operation that makes an output may write it over an input that nobody else reads then.
fn may_overwrite(program: &Program, output: usize, input: usize) -> bool {
    let body = &program.body;
    let slot = body.parameters[input];
    body.steps.iter().flatten().any(|step| {
        let result = step.results.iter().position(|result| result.output == Some(output));
        result.is_some_and(|result| {
            step.in_place
                .iter()
                .any(|(made, operand)| *made == result && step.operands[*operand].slot == slot)
        })
    })
}

/// The number of elements of a named size.
pub(super) fn size_of(program: &Program, sizes: &Dims, dim: DimId) -> Result<usize, PlanRunError> {
    let name = || program.plan.dims.get(dim.0 as usize).cloned().unwrap_or_default();
    sizes
        .get(dim.0 as usize)
        .copied()
        .flatten()
        .ok_or_else(|| PlanRunError::UnknownSize { dim: name() })
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn describe(value: &Value) -> String {
    match value {
        Value::Scalar(scalar) => format!("a number of {}", scalar.dtype()),
        Value::Array(array) => format!("an array of {}", array.dtype()),
        Value::Opaque(_) => "neither a number nor an array".to_owned(),
    }
}

fn describe_type(program: &Program, ty: &ValueType) -> String {
    match ty {
        ValueType::Tensor {
            dtype,
            extent: Extent::Scalar,
        } => format!("a number of {dtype}"),
        ValueType::Tensor {
            dtype,
            extent: Extent::Dim(dim),
        } => {
            let name = program.plan.dims.get(dim.0 as usize).map_or("?", String::as_str);
            format!("an array of {dtype} with `{name}` elements")
        }
        ValueType::Opaque { kind, .. } => format!("a {kind}"),
    }
}
