//! Kernels for tests: operations of the `core` dialect by the evaluator, and some of our own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use multilane_plan::evaluate::evaluate;
use multilane_plan::{
    Array, Call, Cost, DType, Form, Kernel, KernelError, Kernels, Op, OpDef, Plan, Prepared, Region, Registry, Scalar,
    Value, ValueId, ValueType,
};

/// Computes an operation with the plain evaluator, and writes it in pieces.
struct ByEvaluator;

struct OneOperation {
    plan: Plan,
    /// Which operand each input of the plan is.
    operands: Vec<usize>,
}

impl Kernel for ByEvaluator {
    fn prepare(&self, plan: &Plan, op: &Op, _kernels: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        let mut parameters: Vec<ValueId> = Vec::new();
        let mut operands = Vec::new();
        for (index, operand) in op.operands.iter().enumerate() {
            if !parameters.contains(operand) {
                parameters.push(*operand);
                operands.push(index);
            }
        }
        let names = |prefix: &str, count: usize| (0..count).map(|index| format!("{prefix}{index}")).collect();
        let plan = Plan {
            inputs: names("in", parameters.len()),
            outputs: names("out", op.results.len()),
            body: Region {
                parameters,
                ops: vec![op.clone()],
                yields: op.results.clone(),
            },
            ..plan.clone()
        };
        Ok(Box::new(OneOperation { plan, operands }))
    }
}

/// Lanes write different elements.
struct Place(*mut u8);
// SAFETY: as the struct says.
unsafe impl Sync for Place {}

impl Prepared for OneOperation {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let named: BTreeMap<String, Value> = self
            .operands
            .iter()
            .enumerate()
            .map(|(input, operand)| (format!("in{input}"), call.operands[*operand].clone()))
            .collect();
        let mut plan = self.plan.clone();
        // An array without inputs of its length has to be told how long it is.
        let wanted = call.results.iter().find_map(Value::array).map(Array::len);
        let mut named = named;
        if let Some(len) = wanted {
            let first = plan.body.yields[0];
            let ty = plan.ty(first).clone();
            let size = plan.value(ty, None);
            plan.body.parameters.push(size);
            plan.inputs.push("size".to_owned());
            let dtype = plan.ty(size).dtype().unwrap();
            let zeros = vec![Scalar::I64(0); len];
            named.insert(
                "size".to_owned(),
                Value::Array(multilane_plan::evaluate::array(dtype, &zeros)),
            );
        }
        let values = evaluate(&plan, &Registry::core(), &named).map_err(|errors| KernelError::Invalid {
            op: self.plan.body.ops[0].name.clone(),
            problem: format!("{errors:?}"),
        })?;
        for (result, value) in call.results.iter_mut().zip(values) {
            let (Some(to), Some(from)) = (result.array(), value.array()) else {
                *result = value;
                continue;
            };
            assert_eq!((to.dtype(), to.len()), (from.dtype(), from.len()));
            let width = to.dtype().size();
            let (from, to, len) = (Place(from.as_ptr().cast_mut()), Place(to.as_mut_ptr()), to.len());
            let (from, to) = (&from, &to);
            call.lanes.run(len.div_ceil(3), &|piece, _lane| {
                let start = piece * 3;
                let count = (len - start).min(3);
                // SAFETY: within both arrays; pieces do not meet.
                unsafe { std::ptr::copy(from.0.add(start * width), to.0.add(start * width), count * width) };
            });
        }
        Ok(())
    }
}

/// A kernel that is a function.
pub(super) struct Function<F>(pub(super) F);

struct Bound<F>(Arc<F>, Op);

impl<F> Kernel for Function<Arc<F>>
where
    F: Fn(&Op, &mut Call<'_>) -> Result<(), KernelError> + Send + Sync + 'static,
{
    fn prepare(&self, _plan: &Plan, op: &Op, _kernels: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        Ok(Box::new(Bound(self.0.clone(), op.clone())))
    }
}

impl<F> Prepared for Bound<F>
where
    F: Fn(&Op, &mut Call<'_>) -> Result<(), KernelError> + Send + Sync,
{
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        (self.0)(&self.1, call)
    }
}

pub(super) fn function<F>(body: F) -> Arc<dyn Kernel>
where
    F: Fn(&Op, &mut Call<'_>) -> Result<(), KernelError> + Send + Sync + 'static,
{
    Arc::new(Function(Arc::new(body)))
}

/// A box of numbers: what `test.note` writes to.
pub(super) struct Book {
    pub(super) pages: usize,
    pub(super) notes: Mutex<Vec<i64>>,
}

pub(super) fn book(pages: usize) -> Value {
    Value::Opaque(Arc::new(Book {
        pages,
        notes: Mutex::default(),
    }))
}

const NOTE: OpDef = OpDef {
    name: "test.note",
    summary: "writes a number into a book",
    form: Form::Whole,
    pure_op: false,
    thread_safe: true,
    data_parallel: false,
    heavy: false,
    commutative: false,
    in_place: false,
    infer: |_, _| Ok(Vec::new()),
    cost: |_, _, _| Cost::FREE,
    fold: None,
};

/// Gives the number of notes that were written so far.
const COUNT: OpDef = OpDef {
    name: "test.count",
    infer: |_, _| Ok(vec![ValueType::scalar(DType::I64)]),
    ..NOTE
};

/// Fills the pages of a book with a number.
const PAGES: OpDef = OpDef {
    name: "test.pages",
    pure_op: true,
    infer: |plan, op| {
        let ValueType::Opaque { dims, .. } = plan.ty(op.operands[0]) else {
            return Err("reads a book".to_owned());
        };
        Ok(vec![ValueType::array(DType::F64, dims[0])])
    },
    ..NOTE
};

/// Panics.
const PANIC: OpDef = OpDef {
    name: "test.panic",
    pure_op: true,
    infer: |plan, op| Ok(vec![plan.ty(op.operands[0]).clone()]),
    ..NOTE
};

/// Looks at `stopped` until it is true.
const ENDLESS: OpDef = OpDef {
    name: "test.endless",
    ..PANIC
};

pub(super) fn registry() -> Registry {
    Registry::core().with(&[NOTE, COUNT, PAGES, PANIC, ENDLESS])
}

fn opened(value: &Value) -> &Book {
    value.opaque::<Book>().expect("the plan was verified")
}

pub(super) fn all() -> Kernels {
    let mut kernels = Kernels::default();
    for def in super::core().iter() {
        kernels.insert(def.name, Arc::new(ByEvaluator));
    }
    kernels.insert_measure("book", |value| value.opaque::<Book>().map(|book| vec![book.pages]));
    kernels.insert(
        "test.note",
        function(|_op, call| {
            let number = call.operands[1].scalar().map_or(-1, Scalar::as_i64);
            opened(&call.operands[0]).notes.lock().unwrap().push(number);
            Ok(())
        }),
    );
    kernels.insert(
        "test.count",
        function(|_op, call| {
            let count = opened(&call.operands[0]).notes.lock().unwrap().len();
            call.results[0] = Value::Scalar(Scalar::I64(count as i64));
            Ok(())
        }),
    );
    kernels.insert(
        "test.pages",
        function(|_op, call| {
            let number = call.operands[1].scalar().map_or(0.0, Scalar::as_f64);
            let array = call.results[0].array().expect("it is one");
            for index in 0..array.len() {
                // SAFETY: an element of the result, which only this kernel has.
                unsafe { array.as_mut_ptr().cast::<f64>().add(index).write(number) };
            }
            Ok(())
        }),
    );
    kernels.insert(
        "test.panic",
        function(|_op, call| {
            call.lanes.run(8, &|piece, _lane| {
                if piece == 5 {
                    std::panic::resume_unwind(Box::new("on purpose".to_owned()));
                }
            });
            Ok(())
        }),
    );
    kernels.insert(
        "test.endless",
        function(|_op, call| {
            call.lanes.run(1, &|_piece, _lane| {
                while !call.lanes.stopped() {
                    std::thread::yield_now();
                }
            });
            Err(KernelError::Stopped)
        }),
    );
    kernels
}

/// Counts how often a value was dropped, for memory that the caller owns.
pub(super) struct Counted(pub(super) Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
