//! Kernels as an engine finds them: calls with values, blocks of other dialects, errors, stopping.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{Backwards, Threads};
use multilane_array::kernels;
use multilane_plan::{
    Array, Attribute, Blocks, BoundBlocks, Call, DType, Form, Kernel, KernelError, Kernels, Lanes, Op, Plan, Prepared,
    Region, Registry, Scalar, Serial, Value, ValueId, ValueType,
};

/// A dialect whose one operation counts down: element `i` of `n` is `n - i`.
struct CountDown;

impl Kernel for CountDown {
    fn prepare(&self, _: &Plan, op: &Op, _: &Kernels) -> Result<Box<dyn Prepared>, KernelError> {
        Err(KernelError::Missing { op: op.name.clone() })
    }

    fn prepare_blocks(&self, _: &Plan, _: &Op) -> Result<Box<dyn Blocks>, KernelError> {
        Ok(Box::new(Self))
    }
}

impl Blocks for CountDown {
    fn bind(&self, operands: &[Value]) -> Result<Box<dyn BoundBlocks>, KernelError> {
        let len = operands[0].opaque::<usize>().expect("the operand says how many");
        Ok(Box::new(Bound(*len)))
    }
}

struct Bound(usize);

impl BoundBlocks for Bound {
    unsafe fn fill(&self, range: Range<usize>, out: *mut u8) {
        for (offset, index) in range.enumerate() {
            // SAFETY: the caller has room for the range.
            unsafe { out.cast::<f64>().add(offset).write((self.0 - index) as f64) };
        }
    }

    fn bounds(&self, pieces: usize) -> Option<Vec<usize>> {
        // Uneven on purpose.
        let mut bounds: Vec<usize> = (0..=pieces).map(|i| self.0 * i * i / (pieces * pieces)).collect();
        bounds.dedup();
        Some(bounds)
    }
}

fn all_kernels() -> Kernels {
    let mut all = Kernels::default();
    kernels(&mut all);
    all.insert("test.down", Arc::new(CountDown));
    all.insert_measure("down", |value| Some(vec![*value.opaque::<usize>()?]));
    all
}

/// `fused { d = down(o); s = d * a + d; yield s?, sum(s) }`
fn blockwise(with_array: bool) -> Plan {
    let mut plan = Plan::new("blockwise");
    let n = plan.dim("n");
    let array = ValueType::array(DType::F64, n);
    let opaque = ValueType::Opaque {
        kind: "down".to_owned(),
        dims: vec![n],
    };
    let [o, inner_o] = std::array::from_fn(|_| plan.value(opaque.clone(), None));
    let [d, product, s, r]: [ValueId; 4] = std::array::from_fn(|_| plan.value(array.clone(), None));
    let [two, total, sum] = std::array::from_fn(|_| plan.value(ValueType::scalar(DType::F64), None));
    let mut constant = Op::new("core.constant", vec![], vec![two]);
    constant
        .attributes
        .insert("value".to_owned(), Attribute::Scalar(Scalar::F64(2.0)));
    let (results, yields) = if with_array {
        (vec![r, total], vec![s, sum])
    } else {
        (vec![total], vec![sum])
    };
    let mut op = Op::new("core.fused", vec![o], results);
    op.regions.push(Region {
        parameters: vec![inner_o],
        ops: vec![
            constant,
            Op::new("test.down", vec![inner_o], vec![d]),
            Op::new("core.mul", vec![d, two], vec![product]),
            Op::new("core.add", vec![product, d], vec![s]),
            Op::new("core.sum", vec![s], vec![sum]),
        ],
        yields,
    });
    plan.body.parameters = vec![o];
    plan.body.ops.push(op);
    plan
}

#[test]
fn blocks_of_other_dialects_lead_fused_operations() {
    let len = if cfg!(miri) { 9_000 } else { 100_003 };
    let lanes: [&dyn Lanes; 3] = [&Serial, &Backwards, &Threads(3)];
    for with_array in [true, false] {
        let plan = blockwise(with_array);
        let prepared = all_kernels()
            .get("core.fused")
            .and_then(|kernel| kernel.prepare(&plan, &plan.body.ops[0], &all_kernels()))
            .expect("prepares");
        for lanes in lanes {
            let array = Value::Array(Array::from_vec(vec![0.0f64; len]));
            let mut results = vec![Value::Scalar(Scalar::F64(0.0))];
            if with_array {
                results.insert(0, array.clone());
            }
            let operands = [Value::Opaque(Arc::new(len))];
            prepared
                .run(&mut Call {
                    operands: &operands,
                    results: &mut results,
                    lanes,
                })
                .expect("runs");
            let expected = 3.0 * (len as f64 * (len as f64 + 1.0) / 2.0);
            assert_eq!(results.last().and_then(Value::scalar), Some(Scalar::F64(expected)));
            if with_array {
                let elements = array
                    .array()
                    .and_then(|array| array.as_slice::<f64>())
                    .expect("doubles");
                assert!(elements.iter().enumerate().all(|(i, x)| *x == 3.0 * (len - i) as f64));
            }
        }
    }
}

/// An element-wise operation on two arrays.
fn add() -> Plan {
    let mut plan = Plan::new("add");
    let n = plan.dim("n");
    let [a, b, r] = std::array::from_fn(|_| plan.value(ValueType::array(DType::F64, n), None));
    plan.body.parameters = vec![a, b];
    plan.body.ops.push(Op::new("core.add", vec![a, b], vec![r]));
    plan
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let plan = add();
    let kernels = all_kernels();
    let prepared = kernels
        .get("core.add")
        .and_then(|kernel| kernel.prepare(&plan, &plan.body.ops[0], &kernels))
        .expect("prepares");
    let doubles = |len: usize| Value::Array(Array::from_vec(vec![1.0f64; len]));
    let singles = Value::Array(Array::from_vec(vec![1.0f32; 4]));
    let cases: [(&[Value], Value); 5] = [
        (&[doubles(4), doubles(5)], doubles(4)),
        (&[doubles(4), doubles(4)], doubles(3)),
        (&[doubles(4), singles.clone()], doubles(4)),
        (&[doubles(4)], doubles(4)),
        (&[doubles(4), Value::Scalar(Scalar::F64(1.0))], doubles(4)),
    ];
    for (operands, result) in cases {
        let mut results = [result];
        let error = prepared
            .run(&mut Call {
                operands,
                results: &mut results,
                lanes: &Serial,
            })
            .expect_err("does not fit");
        assert!(
            matches!(error, KernelError::Invalid { ref op, .. } if op == "core.add"),
            "{error}"
        );
    }
}

#[test]
fn every_core_operation_has_a_kernel() {
    let kernels = all_kernels();
    for def in Registry::core().iter() {
        let ours = matches!(def.form, Form::Elementwise | Form::Reduction) || def.name == "core.fused";
        assert_eq!(kernels.get(def.name).is_ok(), ours, "{}", def.name);
    }
}

/// Lanes whose caller asks to stop after some pieces.
struct Stopping(AtomicUsize);

impl Lanes for Stopping {
    fn count(&self) -> usize {
        2
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        for piece in 0..pieces {
            body(piece, 0);
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 2
    }
}

#[test]
fn a_stop_between_pieces_ends_the_run() {
    let plan = add();
    let kernels = all_kernels();
    let prepared = kernels
        .get("core.add")
        .and_then(|kernel| kernel.prepare(&plan, &plan.body.ops[0], &kernels))
        .expect("prepares");
    let doubles = |value: f64| Value::Array(Array::from_vec(vec![value; 1_000_000]));
    let mut results = [doubles(0.0)];
    let error = prepared
        .run(&mut Call {
            operands: &[doubles(1.0), doubles(2.0)],
            results: &mut results,
            lanes: &Stopping(AtomicUsize::new(0)),
        })
        .expect_err("it was stopped");
    assert_eq!(error, KernelError::Stopped);
    let elements = results[0]
        .array()
        .and_then(|array| array.as_slice::<f64>())
        .expect("doubles");
    assert_eq!(
        (elements[0], elements[999_999]),
        (3.0, 0.0),
        "the first piece is done, the last is not"
    );
}
