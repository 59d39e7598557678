//! A dialect for tests: a neighbour sum on a ring, a whole-array operation and an effect.

use std::ops::Range;
use std::sync::Arc;

use multilane_plan::{
    Blocks, BoundBlocks, Call, Cost, CostClass, DType, Form, Kernel, KernelError, Kernels, Op, OpDef, Plan, Prepared,
    Registry, Sizes, Value, ValueType,
};

/// The `core` dialect and this one.
pub(crate) fn registry() -> Registry {
    Registry::core().with(DIALECT)
}

/// The kernels of this dialect.
pub(crate) fn kernels() -> Kernels {
    let mut kernels = Kernels::default();
    kernels.insert("ring.sum", Arc::new(Ring));
    kernels.insert("ring.reverse", Arc::new(Ring));
    kernels
}

const DIALECT: &[OpDef] = &[
    OpDef {
        name: "ring.sum",
        summary: "the sum of both neighbours on a ring",
        form: Form::Blockwise,
        pure_op: true,
        thread_safe: true,
        data_parallel: false,
        heavy: true,
        commutative: false,
        in_place: false,
        infer: same_type,
        cost,
        fold: None,
    },
    OpDef {
        name: "ring.reverse",
        summary: "the elements from last to first",
        form: Form::Whole,
        pure_op: true,
        thread_safe: true,
        data_parallel: false,
        heavy: false,
        commutative: false,
        in_place: false,
        infer: same_type,
        cost,
        fold: None,
    },
    OpDef {
        name: "ring.show",
        summary: "shows an array to somebody",
        form: Form::Whole,
        pure_op: false,
        thread_safe: false,
        data_parallel: false,
        heavy: false,
        commutative: false,
        in_place: false,
        infer: nothing,
        cost,
        fold: None,
    },
];

fn same_type(plan: &Plan, op: &Op) -> Result<Vec<ValueType>, String> {
    match op.operands[..] {
        [x] if plan.ty(x).dtype() == Some(DType::F64) => Ok(vec![plan.ty(x).clone()]),
        _ => Err("needs one array of f64".to_owned()),
    }
}

fn nothing(_plan: &Plan, _op: &Op) -> Result<Vec<ValueType>, String> {
    Ok(Vec::new())
}

fn cost(plan: &Plan, op: &Op, sizes: &dyn Sizes) -> Cost {
    let multilane_plan::Extent::Dim(dim) = plan.ty(op.operands[0]).extent().unwrap() else {
        return Cost::FREE;
    };
    let count = sizes.size(dim);
    Cost {
        class: CostClass::Gather,
        units: 2.0 * count,
        read_bytes: 8.0 * count,
        written_bytes: 8.0 * count,
        random_area_bytes: 8.0 * count,
        rows: 0.0,
    }
}

struct Ring;

impl Kernel for Ring {
    fn prepare(&self, _plan: &Plan, op: &Op, _kernels: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        Ok(Box::new(Whole {
            reverse: op.name == "ring.reverse",
        }))
    }

    fn prepare_blocks(&self, _plan: &Plan, _op: &Op) -> Result<Box<dyn Blocks>, KernelError> {
        Ok(Box::new(Sums))
    }
}

struct Whole {
    reverse: bool,
}

impl Prepared for Whole {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let from = call.operands[0].array().unwrap().as_slice::<f64>().unwrap();
        let to = call.results[0].array().unwrap();
        for index in 0..from.len() {
            let value = if self.reverse {
                from[from.len() - 1 - index]
            } else {
                neighbours(from, index)
            };
            // SAFETY: the result has as many elements as the operand, and nobody else uses it.
            unsafe { to.as_mut_ptr().cast::<f64>().add(index).write(value) };
        }
        Ok(())
    }
}

struct Sums;

impl Blocks for Sums {
    fn bind(&self, operands: &[Value]) -> Result<Box<dyn BoundBlocks>, KernelError> {
        let from = operands[0].array().unwrap().as_slice::<f64>().unwrap();
        Ok(Box::new(Bound(from.to_vec())))
    }
}

struct Bound(Vec<f64>);

impl BoundBlocks for Bound {
    unsafe fn fill(&self, range: Range<usize>, out: *mut u8) {
        for (place, index) in range.enumerate() {
            // SAFETY: the caller gives room for the range.
            unsafe { out.cast::<f64>().add(place).write(neighbours(&self.0, index)) };
        }
    }
}

fn neighbours(from: &[f64], index: usize) -> f64 {
    let count = from.len();
    from[(index + 1) % count] + from[(index + count - 1) % count]
}
