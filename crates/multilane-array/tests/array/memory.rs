//! Results in the memory of operands, unaligned memory, large results that go around the caches.

use crate::common::{Random, Threads, every_way, expected, inputs, needs_elements, random_fused, same};
use multilane_array::{ArrayError, Compiled, Level, Operand, Output};
use multilane_plan::evaluate::array;
use multilane_plan::{Array, DType, Op, Plan, Scalar, Serial, Value, ValueId, ValueType};
use proptest::prelude::*;

/// Runs with the result `result` in the memory of a copy of the operand `operand`.
fn in_place(
    compiled: &Compiled,
    plan: &Plan,
    inputs: &[Value],
    len: usize,
    operand: usize,
    result: usize,
) -> Vec<Value> {
    let mut inputs = inputs.to_vec();
    let shared = inputs[operand].array().expect("the operand is an array");
    let elements = multilane_plan::evaluate::elements(shared);
    let shared = array(shared.dtype(), &elements);
    inputs[operand] = Value::Array(shared.clone());
    let operands: Vec<Operand> = inputs
        .iter()
        .map(|value| match value {
            Value::Array(array) => Operand::Array(array.as_ptr()),
            Value::Scalar(scalar) => Operand::Scalar(*scalar),
            Value::Opaque(_) => Operand::Opaque,
        })
        .collect();
    let results: Vec<Value> = plan.body.ops[0]
        .results
        .iter()
        .enumerate()
        .map(|(index, value)| {
            if index == result {
                Value::Array(shared.clone())
            } else {
                crate::common::placeholder(plan, *value, len)
            }
        })
        .collect();
    let mut outputs: Vec<Output> = results
        .iter()
        .map(|value| match value {
            Value::Array(array) => Output::Array(array.as_mut_ptr()),
            Value::Scalar(scalar) => Output::Scalar(*scalar),
            Value::Opaque(_) => unreachable!("results are numbers"),
        })
        .collect();
    // SAFETY: operands and results have the plan's types and the given length; one result is one operand.
    unsafe {
        compiled
            .run(&operands, &mut outputs, len, &Threads(2))
            .expect("the run is valid")
    };
    let read = |(value, output)| match output {
        Output::Scalar(scalar) => Value::Scalar(scalar),
        Output::Array(_) => value,
    };
    results.into_iter().zip(outputs).map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 200 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn results_may_lie_in_operands(seed: u64, ops in 1..16_usize, len in 1..700_usize) {
        for dtypes in [&[DType::F64, DType::Bool][..], &[DType::F32], &DType::ALL] {
            let mut random = Random::new(seed);
            let plan = random_fused(&mut random, dtypes, ops);
            let inputs = inputs(&mut random, &plan, len);
            let expected = expected(&plan, &inputs);
            let op = &plan.body.ops[0];
            for operand in 0..op.operands.len() {
                for result in 0..op.results.len() {
                    if plan.ty(op.operands[operand]) != plan.ty(op.results[result])
                        || plan.ty(op.results[result]).extent() == Some(multilane_plan::Extent::Scalar)
                    {
                        continue;
                    }
                    for (way, compiled) in every_way(&plan) {
                        let got = in_place(&compiled.always_shared(), &plan, &inputs, len, operand, result);
                        same(&format!("{way}, result {result} in operand {operand}"), &plan, &expected, &got);
                    }
                }
            }
            prop_assert!(len > 0 || !needs_elements(&plan));
        }
    }
}

/// `o = a * b + a`, by hand.
fn product_and_sum(dtype: DType) -> Plan {
    let mut plan = Plan::new("product");
    let n = plan.dim("n");
    let ty = ValueType::array(dtype, n);
    let [a, b, product, o, x, y, r]: [ValueId; 7] = std::array::from_fn(|_| plan.value(ty.clone(), None));
    plan.inputs = vec!["a".to_owned(), "b".to_owned()];
    plan.outputs = vec!["o".to_owned()];
    plan.body.parameters = vec![a, b];
    plan.body.yields = vec![r];
    let mut op = Op::new("core.fused", vec![a, b], vec![r]);
    op.regions.push(multilane_plan::Region {
        parameters: vec![x, y],
        ops: vec![
            Op::new("core.mul", vec![x, y], vec![product]),
            Op::new("core.add", vec![product, x], vec![o]),
        ],
        yields: vec![o],
    });
    plan.body.ops.push(op);
    plan
}

#[test]
fn unaligned_and_streamed_results_are_the_same() {
    let plan = product_and_sum(DType::F64);
    let len = if cfg!(miri) { 500 } else { 4_300_000 };
    let a: Vec<f64> = (0..len + 9).map(|i| (i % 1013) as f64 * 0.37 - 100.0).collect();
    let b: Vec<f64> = (0..len + 9).map(|i| (i % 517) as f64 * 0.11).collect();
    for level in Level::available() {
        let compiled = Compiled::at_level(&plan, &plan.body.ops[0], level).expect("compiles");
        for (shift_a, shift_o, threads) in [(0, 0, 1), (3, 1, 2), (0, 5, 3), (1, 7, 2)] {
            let mut o = vec![-1.0f64; len + 9];
            let operands = [
                Operand::Array(a[shift_a..].as_ptr().cast()),
                Operand::Array(b.as_ptr().cast()),
            ];
            let mut outputs = [Output::Array(o[shift_o..].as_mut_ptr().cast())];
            // SAFETY: all three have at least `len` elements from where they start.
            unsafe {
                compiled
                    .run(&operands, &mut outputs, len, &Threads(threads))
                    .expect("the run is valid")
            };
            let right = |i: usize| a[shift_a + i] * b[i] + a[shift_a + i];
            let wrong = (0..len).find(|i| o[shift_o + i].to_bits() != right(*i).to_bits());
            assert_eq!(wrong, None, "{} shifted by {shift_a}, {shift_o}", level.name());
            assert!(
                o[..shift_o].iter().chain(&o[shift_o + len..]).all(|x| *x == -1.0),
                "nothing else is written"
            );
        }
    }
}

/// `o_k = a * k + b`, and the square of the first: results that have nothing in common but operands, and one that has.
fn many_results(dtype: DType) -> Plan {
    let mut plan = Plan::new("many");
    let n = plan.dim("n");
    let ty = ValueType::array(dtype, n);
    let [a, b, x, y]: [ValueId; 4] = std::array::from_fn(|_| plan.value(ty.clone(), None));
    let mut ops = Vec::new();
    let mut yields = Vec::new();
    for k in 1..=7 {
        let [product, sum] = std::array::from_fn(|_| plan.value(ty.clone(), None));
        let number = plan.value(ValueType::scalar(dtype), None);
        let mut constant = Op::new("core.constant", vec![], vec![number]);
        let value = multilane_plan::Attribute::Scalar(Scalar::I64(k).cast(dtype));
        constant.attributes.insert("value".to_owned(), value);
        ops.push(constant);
        ops.push(Op::new("core.mul", vec![x, number], vec![product]));
        ops.push(Op::new("core.add", vec![product, y], vec![sum]));
        yields.push(sum);
    }
    let square = plan.value(ty.clone(), None);
    ops.push(Op::new("core.mul", vec![yields[0], yields[0]], vec![square]));
    yields.push(square);
    let results: Vec<ValueId> = yields.iter().map(|_| plan.value(ty.clone(), None)).collect();
    plan.inputs = vec!["a".to_owned(), "b".to_owned()];
    plan.outputs = (0..results.len()).map(|index| format!("o{index}")).collect();
    plan.body.parameters = vec![a, b];
    plan.body.yields = results.clone();
    let mut op = Op::new("core.fused", vec![a, b], results);
    op.regions.push(multilane_plan::Region {
        parameters: vec![x, y],
        ops,
        yields,
    });
    plan.body.ops.push(op);
    plan
}

#[test]
fn results_written_one_after_the_other_are_the_same() {
    for dtype in [DType::F64, DType::F32] {
        let plan = many_results(dtype);
        multilane_plan::verify(&plan, &multilane_plan::Registry::core()).expect("the plan is valid");
        // Blocks are 128 elements: around one, around several, and with pieces and heads of every kind.
        let lengths = [0, 1, 31, 127, 128, 129, 255, 257, 1000, 4096, 9001, 40_003];
        for len in lengths.into_iter().take(if cfg!(miri) { 6 } else { lengths.len() }) {
            let inputs = inputs(&mut Random::new(len as u64), &plan, len);
            let expected = expected(&plan, &inputs);
            for (way, compiled) in every_way(&plan) {
                let context = format!("{way}, {len} elements");
                let alone = crate::common::run(&compiled, &plan, &inputs, len, &Serial);
                same(&context, &plan, &expected, &alone);
                let shared = crate::common::run(&compiled.always_shared(), &plan, &inputs, len, &Threads(3));
                same(&format!("{context}, shared"), &plan, &expected, &shared);
            }
        }
    }
}

#[test]
fn memory_that_overlaps_in_part_is_refused() {
    let plan = product_and_sum(DType::F64);
    let compiled = Compiled::new(&plan, &plan.body.ops[0]).expect("compiles");
    let mut memory = vec![1.0f64; 300];
    let b = vec![1.0f64; 200];
    let start = memory.as_mut_ptr();
    let operands = [
        Operand::Array(start.cast_const().cast()),
        Operand::Array(b.as_ptr().cast()),
    ];
    let mut outputs = [Output::Array(start.wrapping_add(100).cast())];
    // SAFETY: the memory is there; that it overlaps is what must be refused.
    let error = unsafe { compiled.run_small(&operands, &mut outputs, 200) }.expect_err("it overlaps");
    assert!(matches!(error, ArrayError::Misfit { .. }), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn an_empty_array_has_a_sum_but_no_smallest_element() {
    for (name, result) in [("sum", Some(0.0)), ("norm", Some(0.0)), ("reduce_min", None)] {
        let mut plan = Plan::new(name);
        let n = plan.dim("n");
        let a = plan.value(ValueType::array(DType::F64, n), None);
        let r = plan.value(ValueType::scalar(DType::F64), None);
        plan.body.ops.push(Op::new(format!("core.{name}"), vec![a], vec![r]));
        let compiled = Compiled::new(&plan, &plan.body.ops[0]).expect("compiles");
        let empty = Array::from_vec(Vec::<f64>::new());
        let mut outputs = [Output::Scalar(Scalar::F64(7.0))];
        // SAFETY: there are no elements.
        let outcome = unsafe { compiled.run(&[Operand::Array(empty.as_ptr())], &mut outputs, 0, &Serial) };
        match (result, outcome, outputs) {
            (Some(expected), Ok(()), [Output::Scalar(Scalar::F64(got))]) => assert_eq!(expected, got, "{name}"),
            (None, Err(ArrayError::Empty { .. }), _) => {}
            (_, outcome, outputs) => panic!("{name}: {outcome:?} {outputs:?}"),
        }
    }
}
