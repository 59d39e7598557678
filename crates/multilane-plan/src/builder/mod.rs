//! Build plans from Rust: inputs, numbers, operations, loops.
//!
//! Types follow from the operands and are checked at once, so that an error carries the
//! line the user is at ([`Builder::set_location`]). Operands of different types meet as
//! NumPy's do; numbers written as literals take the type of what they meet. Writes a
//! plan and nothing else.

mod loops;
mod promote;
#[cfg(test)]
mod tests;
mod words;

pub use loops::LoopResults;
pub use promote::{Operand, promoted};

use crate::error::{PlanError, Site, closest};
use crate::plan::{Attribute, Attributes, Location, Op, Plan, Region, ValueId};
use crate::registry::Registry;
use crate::types::{DType, DimId, Scalar, ValueType};
use crate::verify::verify;

/// A plan that is being written.
#[derive(Clone, Debug)]
pub struct Builder {
    plan: Plan,
    registry: Registry,
    location: Option<Location>,
    /// Regions that are open, the body first.
    frames: Vec<Frame>,
    /// The frame each value was written in.
    owners: Vec<usize>,
    /// How many frames there ever were.
    frames_made: usize,
}

/// A region that is open.
#[derive(Clone, Debug, Default)]
struct Frame {
    id: usize,
    region: Region,
    /// For loops: the initial values and the bound.
    initial: Vec<ValueId>,
    count: i64,
    location: Option<Location>,
}

impl Builder {
    /// An empty plan over the operations of a registry.
    pub fn new(name: impl Into<String>, registry: Registry) -> Self {
        Self {
            plan: Plan::new(name),
            registry,
            location: None,
            frames: vec![Frame::default()],
            owners: Vec::new(),
            frames_made: 1,
        }
    }

    /// The plan as far as it is written; operations inside open loops are not in it yet.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The operation that was written last in the innermost open region.
    pub fn last_op(&self) -> Option<&Op> {
        self.frames.last().and_then(|frame| frame.region.ops.last())
    }

    /// The operations that exist.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The line that the following operations are written at.
    pub fn set_location(&mut self, location: Option<Location>) {
        self.location = location;
    }

    /// The line that operations are written at now.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }

    /// Gives a value a name.
    pub fn set_name(&mut self, value: ValueId, name: impl Into<String>) {
        if let Some(info) = self.plan.values.get_mut(value.0 as usize) {
            info.name = Some(name.into());
        }
    }

    /// The type of a value.
    ///
    /// # Panics
    /// When the value is of another builder.
    pub fn ty(&self, value: ValueId) -> &ValueType {
        self.plan.ty(value)
    }

    /// The size with a name.
    pub fn dim(&mut self, name: &str) -> DimId {
        self.plan.dim(name)
    }

    /// An input of any type.
    pub fn input(&mut self, name: &str, ty: ValueType) -> Result<ValueId, PlanError> {
        if self.plan.inputs.iter().any(|other| other == name) {
            return Err(self.malformed(format!("two inputs are called `{name}`")));
        }
        let value = self.plan.value(ty, Some(name.to_owned()));
        self.owners.push(0);
        self.plan.inputs.push(name.to_owned());
        self.frames[0].region.parameters.push(value);
        Ok(value)
    }

    /// An input of one number.
    pub fn scalar(&mut self, name: &str, dtype: DType) -> Result<ValueId, PlanError> {
        self.input(name, ValueType::scalar(dtype))
    }

    /// An input that is an array as long as a named size.
    pub fn array(&mut self, name: &str, dtype: DType, dim: &str) -> Result<ValueId, PlanError> {
        let dim = self.dim(dim);
        self.input(name, ValueType::array(dtype, dim))
    }

    /// An input that only its dialect understands, with the sizes it brings along.
    pub fn opaque(&mut self, name: &str, kind: &str, dims: &[&str]) -> Result<ValueId, PlanError> {
        let dims = dims.iter().map(|dim| self.dim(dim)).collect();
        self.input(
            name,
            ValueType::Opaque {
                kind: kind.to_owned(),
                dims,
            },
        )
    }

    /// A number.
    pub fn constant(&mut self, value: Scalar) -> ValueId {
        let attributes = Attributes::from([("value".to_owned(), Attribute::Scalar(value))]);
        let result = self.write(ValueType::scalar(value.dtype()));
        self.push(
            "core.constant",
            Vec::new(),
            vec![result],
            attributes,
            Vec::new(),
            self.location.clone(),
        );
        result
    }

    /// An array of one number, as long as a size.
    pub fn broadcast(&mut self, value: impl Into<Operand>, dim: DimId) -> Result<ValueId, PlanError> {
        let value = self.literal_or_value(value.into())?;
        let Some(dtype) = self.ty(value).dtype() else {
            return Err(self.invalid("core.broadcast", "needs a number"));
        };
        if dim.0 as usize >= self.plan.dims.len() {
            return Err(self.invalid("core.broadcast", "needs a size of this plan"));
        }
        let op = Op::new("core.broadcast", vec![value], Vec::new());
        let results = self.emit(op, Some(vec![ValueType::array(dtype, dim)]))?;
        Ok(results[0])
    }

    /// The value in another element type; the value itself when it has that type.
    pub fn cast(&mut self, value: impl Into<Operand>, to: DType) -> Result<ValueId, PlanError> {
        let value = match value.into() {
            Operand::Value(value) => value,
            literal => return Ok(self.constant(literal.scalar().cast(to))),
        };
        self.readable("core.cast", value)?;
        if self.ty(value).dtype() == Some(to) {
            return Ok(value);
        }
        let mut op = Op::new("core.cast", vec![value], Vec::new());
        op.attributes.insert("to".to_owned(), Attribute::DType(to));
        Ok(self.emit(op, None)?[0])
    }

    /// An operation of the `core` dialect by its name there (`add`, `where`, `sum`), its operands made to meet.
    ///
    /// `min` and `max` of one operand reduce it.
    pub fn core(&mut self, name: &str, operands: &[Operand], attributes: Attributes) -> Result<ValueId, PlanError> {
        if name == "cast"
            && let ([operand], Some(Attribute::DType(to))) = (operands, attributes.get("to"))
        {
            return self.cast(*operand, *to);
        }
        if name == "map" {
            return self.map(operands, &attributes);
        }
        let name = match (name, operands.len()) {
            ("min", 1) => "core.reduce_min".to_owned(),
            ("max", 1) => "core.reduce_max".to_owned(),
            _ => format!("core.{name}"),
        };
        let operands = self.meet(&name, operands)?;
        if name == "core.pow" {
            self.check_power(&operands)?;
        }
        let mut op = Op::new(name, operands, Vec::new());
        op.attributes = attributes;
        if op.name == "core.recip" {
            op.attributes
                .entry("epsilon".to_owned())
                .or_insert(Attribute::Float(0.0));
        }
        let name = op.name.clone();
        match self.emit(op, None)?.as_slice() {
            [result] => Ok(*result),
            results => Err(self.invalid(&name, &format!("makes {} results, not one", results.len()))),
        }
    }

    /// Any operation on exactly these operands; of the `core` dialect, [`Builder::core`] is kinder.
    pub fn op(&mut self, name: &str, operands: &[ValueId], attributes: Attributes) -> Result<Vec<ValueId>, PlanError> {
        if name == "core.map" {
            let operands: Vec<Operand> = operands.iter().map(|value| Operand::Value(*value)).collect();
            return self.map(&operands, &attributes).map(|value| vec![value]);
        }
        let mut op = Op::new(name, operands.to_vec(), Vec::new());
        op.attributes = attributes;
        self.emit(op, None)
    }

    /// Makes a value an output.
    pub fn output(&mut self, name: &str, value: ValueId) -> Result<(), PlanError> {
        self.readable("return", value)?;
        if self.owners[value.0 as usize] != 0 {
            return Err(self.unreadable("return", value, "belongs to a loop that is still open"));
        }
        if self.plan.outputs.iter().any(|other| other == name) {
            return Err(self.malformed(format!("two outputs are called `{name}`")));
        }
        self.plan.outputs.push(name.to_owned());
        self.frames[0].region.yields.push(value);
        Ok(())
    }

    /// The plan, verified.
    pub fn finish(mut self) -> Result<Plan, Vec<PlanError>> {
        if self.frames.len() > 1 {
            return Err(vec![self.malformed("a loop is still open".to_owned())]);
        }
        self.plan.body = std::mem::take(&mut self.frames[0].region);
        verify(&self.plan, &self.registry)?;
        Ok(self.plan)
    }

    /// Adds an operation whose operands are as it needs them; its results have the given types, or the inferred ones.
    fn emit(&mut self, mut op: Op, types: Option<Vec<ValueType>>) -> Result<Vec<ValueId>, PlanError> {
        let Some(def) = self.registry.get(&op.name).copied() else {
            return Err(PlanError::UnknownOp {
                similar: closest(&op.name, self.registry.iter().map(|def| def.name)),
                site: self.site(&op.name),
                op: op.name,
            });
        };
        for value in &op.operands {
            self.readable(&op.name, *value)?;
        }
        let values_before = self.plan.values.len();
        if let Some(types) = types {
            op.results = types.into_iter().map(|ty| self.write(ty)).collect();
        }
        match (def.infer)(&self.plan, &op) {
            Ok(types) if op.results.is_empty() => op.results = types.into_iter().map(|ty| self.write(ty)).collect(),
            Ok(_) => {}
            Err(problem) => {
                self.plan.values.truncate(values_before);
                self.owners.truncate(values_before);
                return Err(self.invalid(&op.name, &problem));
            }
        }
        let results = op.results.clone();
        let location = op.location.take().or_else(|| self.location.clone());
        self.push(&op.name, op.operands, op.results, op.attributes, op.regions, location);
        Ok(results)
    }

    fn push(
        &mut self,
        name: &str,
        operands: Vec<ValueId>,
        results: Vec<ValueId>,
        attributes: Attributes,
        regions: Vec<Region>,
        location: Option<Location>,
    ) {
        let op = Op {
            name: name.to_owned(),
            operands,
            results,
            attributes,
            regions,
            location,
        };
        self.frame().region.ops.push(op);
    }

    /// A new value of the innermost open region.
    fn write(&mut self, ty: ValueType) -> ValueId {
        let owner = self.frame().id;
        self.owners.push(owner);
        self.plan.value(ty, None)
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the body is always open")
    }

    /// Whether a value may be read where the builder is now.
    fn readable(&self, op: &str, value: ValueId) -> Result<(), PlanError> {
        match self.owners.get(value.0 as usize) {
            Some(owner) if self.frames.iter().any(|frame| frame.id == *owner) => Ok(()),
            Some(_) => Err(self.unreadable(op, value, "belongs to a loop that has ended")),
            None => Err(self.unreadable(op, value, "is not of this builder")),
        }
    }

    /// Integers have no negative powers; a literal shows it now, other numbers are cut at run time.
    fn check_power(&self, operands: &[ValueId]) -> Result<(), PlanError> {
        let constant = |value: &ValueId| {
            self.frames.iter().flat_map(|frame| &frame.region.ops).find_map(|op| {
                let constant = op.constant()?;
                (op.results.first() == Some(value) && constant.dtype().is_integer()).then(|| constant.as_i64())
            })
        };
        match operands.get(1).and_then(constant) {
            Some(exponent) if exponent < 0 => Err(self.invalid(
                "core.pow",
                "cannot raise integers to a negative power; write the power as a float",
            )),
            _ => Ok(()),
        }
    }

    fn site(&self, op: &str) -> Site {
        let mut site = Site::line(self.location.clone());
        site.op = Some(op.to_owned());
        site
    }

    fn invalid(&self, op: &str, problem: &str) -> PlanError {
        PlanError::invalid(op, problem, self.site(op))
    }

    fn unreadable(&self, op: &str, value: ValueId, why: &'static str) -> PlanError {
        PlanError::Unreadable {
            op: op.to_owned(),
            value: crate::text::value_name(&self.plan, value),
            why,
            site: self.site(op),
        }
    }

    fn malformed(&self, problem: String) -> PlanError {
        PlanError::invalid(
            &self.plan.name.clone(),
            &format!("cannot be built: {problem}"),
            Site::line(self.location.clone()),
        )
    }
}
