//! `PlanBuilder`: writes a plan for Python's `Builder`, which keeps names, scopes and lines.
//!
//! Every method takes the user's file and line; errors of types and operands come from
//! `multilane_plan::Builder` with that place in them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use multilane_plan::{
    Attribute, Attributes, Builder, DType, Extent, Location, Operand, PlanError, Scalar, ValueId, ValueType, expression,
};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt};

use super::plan::Plan;
use super::{errors, inline, registry};

/// A place in the user's source: file and line.
type Where = (String, u32);

/// A value of a plan that is being written.
#[pyclass(frozen, module = "multilane._multilane")]
pub(crate) struct PlanValue {
    id: ValueId,
    /// Of which builder.
    owner: u64,
    ty: ValueType,
    dims: Vec<String>,
}

#[pymethods]
impl PlanValue {
    /// Name of the element type; what is no number has its kind instead.
    #[getter]
    fn dtype(&self) -> &str {
        match &self.ty {
            ValueType::Opaque { kind, .. } => kind,
            numbers => numbers.dtype().map_or("", DType::name),
        }
    }

    /// Name of the size; None for one number.
    #[getter]
    fn size(&self) -> Option<&str> {
        match self.ty.extent() {
            Some(Extent::Dim(_)) => self.dims.first().map(String::as_str),
            _ => None,
        }
    }

    fn __str__(&self) -> String {
        described(&self.ty, &self.dims)
    }
}

/// A type with the names of its sizes: `f64[n]`.
fn described(ty: &ValueType, dims: &[String]) -> String {
    match ty {
        ValueType::Tensor {
            dtype,
            extent: Extent::Scalar,
        } => dtype.name().to_owned(),
        ValueType::Tensor { dtype, .. } => format!("{dtype}[{}]", dims.join(", ")),
        ValueType::Opaque { kind, .. } => format!("{kind}<{}>", dims.join(", ")),
    }
}

/// A type of a plan with the names of its sizes.
pub(crate) fn type_text(plan: &multilane_plan::Plan, ty: &ValueType) -> String {
    described(ty, &size_names(plan, ty))
}

fn size_names(plan: &multilane_plan::Plan, ty: &ValueType) -> Vec<String> {
    let dims = match ty {
        ValueType::Tensor {
            extent: Extent::Dim(dim),
            ..
        } => std::slice::from_ref(dim),
        ValueType::Tensor { .. } => &[],
        ValueType::Opaque { dims, .. } => dims.as_slice(),
    };
    dims.iter().map(|dim| plan.dims[dim.0 as usize].clone()).collect()
}

/// Writes one plan.
#[pyclass(module = "multilane._multilane")]
pub(crate) struct PlanBuilder {
    builder: Builder,
    number: u64,
    /// The builder as it was before each open loop, for a loop that is given up.
    before: Vec<Builder>,
}

static BUILDERS: AtomicU64 = AtomicU64::new(0);

impl PlanBuilder {
    fn at(&mut self, place: Where) -> &mut Builder {
        let (file, line) = place;
        self.builder.set_location(Some(Location { file, line }));
        &mut self.builder
    }

    fn handed(&self, id: ValueId) -> PlanValue {
        let ty = self.builder.ty(id).clone();
        PlanValue {
            id,
            owner: self.number,
            dims: size_names(self.builder.plan(), &ty),
            ty,
        }
    }

    fn wrapped(&self, py: Python<'_>, made: Result<ValueId, PlanError>) -> PyResult<PlanValue> {
        made.map(|id| self.handed(id)).map_err(|error| errors::plan(py, &error))
    }

    fn id(&self, value: &PlanValue) -> PyResult<ValueId> {
        if value.owner == self.number {
            Ok(value.id)
        } else {
            Err(PyTypeError::new_err("this value belongs to another builder"))
        }
    }

    fn operand(&self, thing: &Bound<'_, PyAny>) -> PyResult<Operand> {
        if let Ok(value) = thing.cast::<PlanValue>() {
            return self.id(value.get()).map(Operand::Value);
        }
        number(thing)
    }
}

/// A number of Python's.
fn number(thing: &Bound<'_, PyAny>) -> PyResult<Operand> {
    if thing.is_instance_of::<PyBool>() {
        return Ok(Operand::Bool(thing.extract()?));
    }
    if thing.is_instance_of::<PyInt>() {
        let whole = thing.extract::<i64>().map_err(|_| {
            let message = format!("{thing} does not fit into 64 bits; write it as a float");
            PyOverflowError::new_err(message)
        });
        return whole.map(Operand::Int);
    }
    if thing.is_instance_of::<PyFloat>() {
        return Ok(Operand::Float(thing.extract()?));
    }
    let kind = thing.get_type();
    Err(PyTypeError::new_err(format!(
        "a {} is no number of a plan",
        kind.name()?
    )))
}

/// What a Python number is when nothing else decides.
pub(crate) fn scalar(thing: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    Ok(match number(thing)? {
        Operand::Bool(value) => Scalar::Bool(value),
        Operand::Int(value) => Scalar::I64(value),
        Operand::Float(value) => Scalar::F64(value),
        Operand::Value(_) => unreachable!("`number` makes no values"),
    })
}

pub(crate) fn dtype_of(name: &str) -> PyResult<DType> {
    DType::from_name(name).ok_or_else(|| PyTypeError::new_err(format!("`{name}` is no element type of plans")))
}

fn attributes_of(given: &Bound<'_, PyDict>) -> PyResult<Attributes> {
    let mut attributes = Attributes::new();
    for (name, value) in given {
        let name: String = name.extract()?;
        let attribute = if let Ok(text) = value.extract::<String>() {
            match DType::from_name(&text) {
                Some(dtype) if matches!(name.as_str(), "to" | "dtype") => Attribute::DType(dtype),
                _ => Attribute::Text(text),
            }
        } else {
            match number(&value)? {
                Operand::Bool(value) => Attribute::Bool(value),
                Operand::Int(value) => Attribute::Int(value),
                Operand::Float(value) => Attribute::Float(value),
                Operand::Value(_) => unreachable!("`number` makes no values"),
            }
        };
        attributes.insert(name, attribute);
    }
    Ok(attributes)
}

#[pymethods]
impl PlanBuilder {
    #[new]
    fn new(name: &str) -> Self {
        Self {
            builder: Builder::new(name, registry().clone()),
            number: BUILDERS.fetch_add(1, Ordering::Relaxed),
            before: Vec::new(),
        }
    }

    /// Declares an input: an array as long as a size, or one number.
    #[pyo3(signature = (name, dtype, size, place))]
    fn input(
        &mut self,
        py: Python<'_>,
        name: &str,
        dtype: &str,
        size: Option<&str>,
        place: Where,
    ) -> PyResult<PlanValue> {
        let dtype = dtype_of(dtype)?;
        let builder = self.at(place);
        let made = match size {
            Some(size) => builder.array(name, dtype, size),
            None => builder.scalar(name, dtype),
        };
        self.wrapped(py, made)
    }

    /// Declares an input that is a graph.
    fn graph_input(&mut self, py: Python<'_>, name: &str, place: Where) -> PyResult<PlanValue> {
        let dims = ["nodes", "edges", "ends"].map(|size| match name {
            "graph" => size.to_owned(),
            _ => format!("{name}_{size}"),
        });
        let made = self
            .at(place)
            .opaque(name, "graph", &dims.each_ref().map(String::as_str));
        self.wrapped(py, made)
    }

    /// The name of a graph's number of nodes.
    fn node_size(&self, graph: &Bound<'_, PlanValue>) -> PyResult<String> {
        let dims = &graph.get().dims;
        dims.first()
            .cloned()
            .ok_or_else(|| PyTypeError::new_err("a number has no nodes"))
    }

    /// Makes a number a value.
    #[pyo3(signature = (value, dtype, place))]
    fn constant(&mut self, value: &Bound<'_, PyAny>, dtype: Option<&str>, place: Where) -> PyResult<PlanValue> {
        let mut scalar = scalar(value)?;
        if let Some(dtype) = dtype {
            scalar = scalar.cast(dtype_of(dtype)?);
        }
        let id = self.at(place).constant(scalar);
        Ok(self.handed(id))
    }

    /// Adds an operation with one result.
    fn apply(
        &mut self,
        py: Python<'_>,
        op: &str,
        operands: Vec<Bound<'_, PyAny>>,
        attributes: &Bound<'_, PyDict>,
        place: Where,
    ) -> PyResult<PlanValue> {
        let attributes = attributes_of(attributes)?;
        let operands: Vec<Operand> = operands
            .iter()
            .map(|each| self.operand(each))
            .collect::<PyResult<_>>()?;
        let made = match op.strip_prefix("core.") {
            Some(name) => self.at(place).core(name, &operands, attributes),
            None => {
                let values = values_of(&operands)?;
                self.at(place).op(op, &values, attributes).map(|results| results[0])
            }
        };
        self.wrapped(py, made)
    }

    /// Adds an operation without results.
    fn effect(
        &mut self,
        py: Python<'_>,
        op: &str,
        operands: Vec<Bound<'_, PyAny>>,
        attributes: &Bound<'_, PyDict>,
        place: Where,
    ) -> PyResult<()> {
        let attributes = attributes_of(attributes)?;
        let operands: Vec<Operand> = operands
            .iter()
            .map(|each| self.operand(each))
            .collect::<PyResult<_>>()?;
        let values = values_of(&operands)?;
        let made = self.at(place).op(op, &values, attributes);
        made.map(drop).map_err(|error| errors::plan(py, &error))
    }

    /// Makes one number an array.
    fn broadcast(
        &mut self,
        py: Python<'_>,
        value: &Bound<'_, PlanValue>,
        size: &str,
        place: Where,
    ) -> PyResult<PlanValue> {
        let value = self.id(value.get())?;
        let builder = self.at(place);
        let dim = builder.dim(size);
        let made = builder.broadcast(value, dim);
        self.wrapped(py, made)
    }

    /// Computes an expression in the names of values.
    fn map(
        &mut self,
        py: Python<'_>,
        text: &str,
        operands: BTreeMap<String, Bound<'_, PyAny>>,
        place: Where,
    ) -> PyResult<PlanValue> {
        let operands = operands
            .into_iter()
            .map(|(name, thing)| Ok((name, self.operand(&thing)?)))
            .collect::<PyResult<BTreeMap<String, Operand>>>()?;
        let made = expression::parse_into(self.at(place), text, &operands);
        self.wrapped(py, made)
    }

    /// Writes the operations of another plan, whose inputs are given by name; its outputs by name.
    fn inline(
        &mut self,
        py: Python<'_>,
        plan: &Bound<'_, Plan>,
        inputs: BTreeMap<String, Bound<'_, PyAny>>,
        place: Where,
    ) -> PyResult<Vec<(String, PlanValue)>> {
        let plan = &plan.get().plan;
        let location = Location {
            file: place.0.clone(),
            line: place.1,
        };
        let refused = |problem: String| errors::at(py, &problem, Some(&location));
        if let Some(name) = inputs.keys().find(|name| !plan.inputs.contains(name)) {
            return Err(refused(format!(
                "the plan has no input `{name}`; it has {}",
                quoted(&plan.inputs)
            )));
        }
        let mut given = Vec::with_capacity(plan.inputs.len());
        for (name, parameter) in plan.inputs.iter().zip(&plan.body.parameters) {
            let ty = plan.ty(*parameter);
            let Some(thing) = inputs.get(name) else {
                let wanted = type_text(plan, ty);
                return Err(refused(format!("the plan's input `{name}` ({wanted}) is missing")));
            };
            given.push(match self.operand(thing)? {
                Operand::Value(value) => value,
                _ => {
                    let number = scalar(thing)?;
                    let number = ty.dtype().map_or(number, |dtype| number.cast(dtype));
                    self.at(place.clone()).constant(number)
                }
            });
        }
        let made = inline::inline(self.at(place.clone()), plan, &given).map_err(|error| match error {
            inline::Refused::Operation(error) => errors::plan(py, &error),
            inline::Refused::Plan(problem) => refused(problem),
        })?;
        let names = plan.outputs.iter().cloned();
        Ok(names.zip(made.into_iter().map(|id| self.handed(id))).collect())
    }

    /// Opens a loop.
    fn open_loop(&mut self, py: Python<'_>, count: i64, place: Where) -> PyResult<()> {
        let before = self.builder.clone();
        self.at(place)
            .begin_loop(count)
            .map_err(|error| errors::plan(py, &error))?;
        self.before.push(before);
        Ok(())
    }

    /// Carries a value through the innermost loop; what a turn starts with.
    #[pyo3(signature = (initial, name, place))]
    fn carry(
        &mut self,
        py: Python<'_>,
        initial: &Bound<'_, PyAny>,
        name: Option<&str>,
        place: Where,
    ) -> PyResult<PlanValue> {
        let initial = self.operand(initial)?;
        let builder = self.at(place);
        let made = builder.carry(initial);
        if let (Ok(id), Some(name)) = (&made, name) {
            builder.set_name(*id, name);
        }
        self.wrapped(py, made)
    }

    /// Closes the innermost loop; its results, then how many turns it made and whether it converged.
    #[pyo3(signature = (next, until, place))]
    fn close_loop(
        &mut self,
        py: Python<'_>,
        next: Vec<Bound<'_, PlanValue>>,
        until: Option<&Bound<'_, PlanValue>>,
        place: Where,
    ) -> PyResult<Vec<PlanValue>> {
        let next = next
            .iter()
            .map(|value| self.id(value.get()))
            .collect::<PyResult<Vec<_>>>()?;
        let until = until.map(|value| self.id(value.get())).transpose()?;
        let ended = self
            .at(place)
            .end_loop(&next, until)
            .map_err(|error| errors::plan(py, &error))?;
        self.before.pop();
        let all = ended.values.into_iter().chain([ended.iterations, ended.converged]);
        Ok(all.map(|id| self.handed(id)).collect())
    }

    /// Forgets everything since the loop at a depth was opened.
    fn abandon_loop(&mut self, depth: usize) {
        if let Some(index) = depth.checked_sub(1).filter(|index| *index < self.before.len()) {
            self.builder = self.before[index].clone();
            self.before.truncate(index);
        }
    }

    /// Makes a value a result of the plan.
    fn output(&mut self, py: Python<'_>, name: &str, value: &Bound<'_, PlanValue>, place: Where) -> PyResult<()> {
        let value = self.id(value.get())?;
        self.at(place)
            .output(name, value)
            .map_err(|error| errors::plan(py, &error))
    }

    /// Gives a value a name, for people who read the plan.
    fn name(&mut self, value: &Bound<'_, PlanValue>, name: &str) -> PyResult<()> {
        let value = self.id(value.get())?;
        self.builder.set_name(value, name);
        Ok(())
    }

    /// The plan, verified.
    fn build(&self, py: Python<'_>) -> PyResult<Plan> {
        let plan = self.builder.clone().finish();
        plan.map(|plan| Plan::new(Arc::new(plan)))
            .map_err(|errors| errors::plans(py, &errors))
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn values_of(operands: &[Operand]) -> PyResult<Vec<ValueId>> {
    operands
        .iter()
        .map(|operand| match operand {
            Operand::Value(value) => Ok(*value),
            _ => Err(PyTypeError::new_err("this operation takes values, not numbers")),
        })
        .collect()
}
