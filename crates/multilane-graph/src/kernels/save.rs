//! `graph.save`: an array becomes an attribute of the nodes.

use multilane_plan::{Array, Call, DType, Kernel, KernelError, Kernels, Op, Plan, Prepared, Value};

use super::{failed, graph_of, invalid};

pub(super) const NAME: &str = "graph.save";

/// The kernel of the operation.
pub(super) struct SaveKernel;

struct Save {
    attribute: String,
}

impl Kernel for SaveKernel {
    fn prepare(&self, _: &Plan, op: &Op, _: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        let attribute = op.text("attribute").ok_or_else(|| invalid(NAME, "needs `attribute`"))?;
        Ok(Box::new(Save {
            attribute: attribute.to_owned(),
        }))
    }
}

impl Prepared for Save {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let graph = graph_of(NAME, call.operands.first())?;
        let values = call.operands.get(1).and_then(Value::array);
        let values = values.ok_or_else(|| invalid(NAME, "the second operand is not an array"))?;
        graph
            .set_column(&self.attribute, copied(values))
            .map_err(|error| failed(NAME, &error))
    }
}

/// A copy: the memory of a plan's values is used again once the plan has run.
fn copied(array: &Array) -> Array {
    /// Elements of one type.
    fn elements<T: multilane_plan::Element>(array: &Array) -> Array {
        Array::from_vec(array.as_slice::<T>().expect("asked for by its own type").to_vec())
    }
    match array.dtype() {
        DType::Bool => elements::<bool>(array),
        DType::I32 => elements::<i32>(array),
        DType::I64 => elements::<i64>(array),
        DType::F32 => elements::<f32>(array),
        DType::F64 => elements::<f64>(array),
    }
}
