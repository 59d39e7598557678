use std::collections::BTreeMap;

use expect_test::{Expect, expect};

use super::verify;
use crate::registry::{Form, OpDef};
use crate::{Array, Op, Plan, Registry, Value, ValueId, ValueType, evaluate, text};

/// `core` with a blockwise and a whole operation beside it.
fn registry() -> Registry {
    let neg = *Registry::core().get("core.neg").unwrap();
    Registry::core().with(&[
        OpDef {
            name: "test.blockwise",
            form: Form::Blockwise,
            ..neg
        },
        OpDef {
            name: "test.whole",
            form: Form::Whole,
            ..neg
        },
    ])
}

#[track_caller]
fn check(text: &str, expect: Expect) {
    let plan = text::parse_unverified(text, &registry()).unwrap();
    let report = match verify(&plan, &registry()) {
        Ok(()) => "holds\n".to_owned(),
        Err(errors) => errors.iter().map(|error| error.report() + "\n").collect(),
    };
    expect.assert_eq(&report);
}

#[test]
fn what_is_fused_goes_element_by_element() {
    check(
        "plan p(%x: f64[n], %s: f64) {
  %y: f64[n], %t: f64 = core.fused(%x, %s) (%a: f64[n], %b: f64) {
    %c: f64[n] = test.blockwise(%a)
    %two: f64 = core.constant 2.0
    %d: f64[n] = core.mul(%c, %two)
    %e: f64 = core.sum(%d)
    yield %d, %e
  }
  return %y, %t
}",
        expect![[r#"
            holds
        "#]],
    );
    check(
        "plan p(%x: f64[n], %z: f64[m]) {
  %y: f64[n], %w: f64 = core.fused(%x, %z) (%a: f64[n], %b: f64[m]) {
    %c: f64[n] = core.neg(%a)
    %d: f64[n] = test.blockwise(%c)
    %e: f64[n] = test.whole(%a)
    %f: f64[m] = core.neg(%b)
    %g: f64 = core.sum(%a)
    %h: f64[n] = core.mul(%a, %g)
    %i: f64[n] = core.add(%h, %x)
    yield %i, %g
  }
  return %y, %w
}",
        expect![[r#"
            error: operation 0.0.6: `core.add` reads `x`, which is neither an operand of the isolated operation around it nor made inside
            error: operation 0: `core.fused` `test.blockwise` reads all of `c`, which is made inside
            error: operation 0: `core.fused` cannot hold `test.whole`, which does not go element by element
            error: operation 0: `core.fused` runs over one size, and `b` has `m`
            error: operation 0: `core.fused` runs over one size, and `f` has `m`
            error: operation 0: `core.fused` reads the reduction `g` before all blocks are done
        "#]],
    );
}

#[test]
fn regions_have_the_shape_of_their_operation() {
    check(
        "plan p(%x: f64[n], %s: f64) {
  %a: f64[n], %i: i64, %c: bool = core.loop(%x) {count = 3} (%p: f64) {
    yield %p
  }
  %d: f64[n], %j: i64, %e: bool = core.loop(%x) {count = 3, until = true} (%q: f64[n]) {
    %t: bool[n] = core.gt(%q, %s)
    yield %q, %t
  }
  %f: f64[n] = core.loop(%x) {count = 3} (%r: f64[n]) {
    yield %r
  }
  %g: f64[n], %k: i64, %h: bool = core.loop(%x) {until = 3} (%u: f64[n]) {
    yield %u, %u
  }
  %l: f64[n] = core.neg(%x) (%v: f64[n]) {
    yield
  }
  %m: f64[n] = core.fused(%x)
  return %a
}",
        expect![[r#"
            error: operation 0: `core.loop` takes `x` as f64[n], and its parameter `p` is f64
            error: operation 1: `core.loop` needs one truth value to stop on, and `t` is bool[n]
              hint: reduce it with `core.any` or `core.all`
            error: operation 2: `core.loop` makes 3 results, not 1
            error: operation 3: `core.loop` needs a whole number as `count`, the most iterations it may run
            error: operation 4: `core.neg` has no region
            error: operation 5: `core.fused` needs one region, not 0
        "#]],
    );
}

#[test]
fn attributes_are_those_that_the_operation_has() {
    check(
        "plan p(%x: f64[n]) {
  %a: f64[n] = core.neg(%x) {fast = true}
  %b: f64 = core.norm(%x) {ord = \"l3\"}
  %c: f64 = core.norm(%x) {order = \"l1\"}
  %d: f64[n] = core.recip(%x)
  %e: i32[n] = core.cast(%x) {to = \"i32\"}
  %f: f64 = core.constant() {value = 1.0}
  %g: f64[n] = core.broadcast(%x)
  return %a
}",
        expect![[r#"
            error: operation 0: `core.neg` has no attributes, and `fast` is given
            error: operation 1: `core.norm` needs "l1", "l2" or "max" as `ord`
            error: operation 2: `core.norm` has no attribute `order`
              hint: it has `ord`
            error: operation 3: `core.recip` needs a float as `epsilon`
              hint: write 0.0 for none
            error: operation 4: `core.cast` needs an element type as `to`
            error: operation 5: `core.constant` needs a number with its type as `value`
            error: operation 6: `core.broadcast` needs one number, and `x` is an array
              hint: use it as it is
        "#]],
    );
}

#[test]
fn sizes_come_in_with_inputs_and_names_are_given_once() {
    check(
        "plan p(%x: f64[n], x = %y: f64) {
  %a: f64[m] = core.broadcast(%y)
  return %a, a = %y
}",
        expect![[r#"
            error: plan `p`: two inputs are called `x`
            error: plan `p`: two outputs are called `a`
        "#]],
    );
    check(
        "plan p(%y: f64, %g: graph<nodes, edges>) {
  %a: f64[nodes] = core.broadcast(%y)
  %b: f64[elsewhere] = core.broadcast(%y)
  return %a
}",
        expect![[r#"
            error: plan `p`: no input says how many `elsewhere` are, and `b` has as many
        "#]],
    );
}

#[test]
fn an_operation_cannot_read_itself() {
    let mut plan = Plan::new("p");
    let x = plan.value(ValueType::scalar(crate::DType::F64), None);
    plan.body.ops.push(Op::new("core.neg", vec![x], vec![x]));
    plan.body.ops.push(Op::new("core.neg", vec![ValueId(9)], vec![]));
    let errors: Vec<String> = verify(&plan, &registry())
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    expect![[r#"
        operation 0: `core.neg` reads `%0`, which is written later only
        operation 1: `core.neg` reads `%9`, which is not in the plan's list of values
    "#]]
    .assert_eq(&(errors.join("\n") + "\n"));
}

#[test]
fn fused_operations_mean_what_their_region_says() {
    let plan = text::parse(
        "plan p(%x: f64[n], %s: f64) {
  %y, %t, %m = core.fused(%x, %s) (%a: f64[n], %b: f64) {
    %c = core.mul(%a, %b)
    %d = core.sum(%c)
    %e = core.reduce_max(%a)
    yield %c, %d, %e
  }
  return %y, %t, %m
}",
        &Registry::core(),
    )
    .unwrap();
    let inputs = BTreeMap::from([
        ("x".to_owned(), Value::Array(Array::from_vec(vec![1.0, 2.0, 3.0]))),
        ("s".to_owned(), Value::Scalar(crate::Scalar::F64(2.0))),
    ]);
    let outputs = evaluate(&plan, &Registry::core(), &inputs).unwrap();
    assert_eq!(
        outputs[0].array().unwrap().as_slice::<f64>(),
        Some(&[2.0, 4.0, 6.0][..])
    );
    assert_eq!(outputs[1].scalar(), Some(crate::Scalar::F64(12.0)));
    assert_eq!(outputs[2].scalar(), Some(crate::Scalar::F64(3.0)));
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let plan = text::parse(
        "plan p(%x: f64[n], %y: f64[n]) {\n  %z = core.add(%x, %y)\n  %m = core.reduce_min(%z)\n  return %z, %m\n}",
        &Registry::core(),
    )
    .unwrap();
    let array = |values: &[f64]| Value::Array(Array::from_vec(values.to_vec()));
    let run = |inputs: &[(&str, Value)]| {
        let inputs = inputs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        evaluate(&plan, &Registry::core(), &inputs).unwrap_err()[0].to_string()
    };
    assert_eq!(run(&[("x", array(&[1.0]))]), "input `y` is not given");
    assert_eq!(
        run(&[("x", array(&[1.0])), ("y", array(&[1.0, 2.0]))]),
        "input `y` has `n` = 2, and another input has 1"
    );
    assert_eq!(
        run(&[("x", Value::Array(Array::from_vec(vec![1_i64]))), ("y", array(&[1.0]))]),
        "input `x` is no f64[n]"
    );
    assert_eq!(
        run(&[("x", array(&[])), ("y", array(&[]))]),
        "`core.reduce_min`: has no element to choose from"
    );
}
