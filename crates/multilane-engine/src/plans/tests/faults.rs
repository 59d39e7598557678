//! What cannot be run is refused with a word on what to do, and nothing panics.

use multilane_plan::{Array, DType, KernelError, Kernels, Op, Plan, Scalar, Value, ValueType};

use super::{floats, kernels, models, plan, prepare};
use crate::lanes::shared;
use crate::plans::{Control, PlanRunError, Program};

const TWO: &str = "plan two(%x: f64[n], %y: f64[n], %k: f32) {
  %a = core.add(%x, %y)
  %s = core.sum(%a)
  return %a, %s
}";

fn fails(inputs: &[Value], given: &[Option<Array>]) -> PlanRunError {
    let program = prepare(&plan(TWO));
    let error = program
        .run(inputs, given, shared(Some(2)), &Control::new())
        .unwrap_err();
    assert!(error.to_string().len() > 10);
    error
}

fn good() -> [Value; 3] {
    [floats(&[1.0; 3]), floats(&[2.0; 3]), Value::Scalar(Scalar::F32(1.0))]
}

#[test]
fn wrong_inputs_are_named() {
    let error = fails(&good()[..2], &[]);
    assert_eq!(
        error.to_string(),
        "the plan has 3 inputs (`x`, `y`, `k`), and 2 were given"
    );
    let mut inputs = good();
    inputs[1] = floats(&[1.0; 4]);
    let error = fails(&inputs, &[]);
    assert_eq!(
        error.to_string(),
        "input `y` has 4 elements, and `x` says that `n` is 3"
    );
    assert_eq!(
        error.hint().unwrap(),
        "give `y` and `x` the same length, or declare them with different sizes"
    );
    for wrong in [
        Value::Array(Array::from_vec(vec![1_i64; 3])),
        Value::Scalar(Scalar::F64(1.0)),
        kernels::book(3),
    ] {
        let mut inputs = good();
        inputs[1] = wrong;
        let error = fails(&inputs, &[]);
        assert!(
            matches!(&error, PlanRunError::InputType { input, .. } if input == "y"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("an array of f64"));
    }
    let mut inputs = good();
    inputs[2] = Value::Scalar(Scalar::F64(1.0));
    assert_eq!(
        fails(&inputs, &[]).to_string(),
        "input `k` is a number of f64, and the plan was built for a number of f32"
    );
}

#[test]
fn wrong_places_for_outputs_are_named() {
    let wrong = |array: Array| fails(&good(), &[Some(array), None]);
    assert!(matches!(
        wrong(Array::from_vec(vec![1.0; 2])),
        PlanRunError::OutputLength {
            expected: 3,
            given: 2,
            ..
        }
    ));
    assert!(matches!(
        wrong(Array::from_vec(vec![1.0_f32; 3])),
        PlanRunError::OutputType { .. }
    ));
    let numbers: Box<[f64; 3]> = Box::default();
    let start = std::ptr::NonNull::from(&numbers[0]).cast();
    // SAFETY: nobody writes, and the numbers outlive the run.
    let fixed = unsafe { Array::from_raw(DType::F64, 3, start, false, std::sync::Arc::new(())) };
    assert_eq!(wrong(fixed).to_string(), "the array given for output `a` is read-only");
    let array = Array::from_vec(vec![1.0; 3]);
    let error = fails(&good(), &[None, Some(array.clone())]);
    assert!(
        matches!(&error, PlanRunError::OutputType { output, .. } if output == "s"),
        "{error}"
    );
    assert!(matches!(
        fails(&good(), &[Some(array)]),
        PlanRunError::OutputCount { given: 1, .. }
    ));
    let twice = plan("plan p(%x: f64[n]) { %a = core.neg(%x)\n %b = core.abs(%x)\n return %a, %b }");
    let array = Array::from_vec(vec![1.0; 3]);
    let given = [Some(array.clone()), Some(array)];
    let error = prepare(&twice).run(&good()[..1], &given, shared(Some(2)), &Control::new());
    assert!(matches!(error.unwrap_err(), PlanRunError::SharedOutputs { .. }));
}

#[test]
fn a_size_that_nothing_tells_is_named() {
    // The verifier refuses it, too.
    let text = "plan p(%k: f64) {\n sizes n\n %a: f64[n] = core.broadcast(%k)\n return %a }";
    let plan = multilane_plan::text::parse_unverified(text, &kernels::registry()).unwrap();
    let error = prepare(&plan).run(
        &[Value::Scalar(Scalar::F64(1.0))],
        &[],
        shared(Some(1)),
        &Control::new(),
    );
    assert_eq!(error.unwrap_err(), PlanRunError::UnknownSize { dim: "n".to_owned() });
}

#[test]
fn an_output_that_nothing_writes_is_named() {
    let mut bad = Plan::new("bad");
    let value = bad.value(ValueType::scalar(DType::F64), None);
    bad.outputs.push("y".to_owned());
    bad.body.yields.push(value);
    let program = Program::prepare(&bad, &kernels::registry(), &kernels::all()).unwrap();
    let error = program.run(&[], &[], shared(Some(1)), &Control::new()).unwrap_err();
    assert!(matches!(error, PlanRunError::Malformed { .. }), "{error}");
}

#[test]
fn a_panic_in_a_kernel_is_an_error_of_the_run() {
    let plan =
        plan("plan p(%x: f64[n]) {\n %a = test.panic(%x) at \"user.py\":7\n %b = core.neg(%x)\n return %a, %b }");
    for model in models() {
        let program = prepare(&plan).with_model(model);
        for lanes in [1, 2, 3] {
            let error = program
                .run(&good()[..1], &[], shared(Some(lanes)), &Control::new())
                .unwrap_err();
            assert_eq!(
                error.to_string(),
                "user.py:7: the kernel of `test.panic` panicked: on purpose"
            );
        }
    }
}

#[test]
fn what_no_memory_holds_is_refused() {
    // A book of more pages than any machine has.
    let plan = plan("plan p(%b: book<pages>, %k: f64) {\n %a = test.pages(%b, %k)\n return %a }");
    let inputs = [kernels::book(1 << 60), Value::Scalar(Scalar::F64(1.0))];
    let error = prepare(&plan)
        .run(&inputs, &[], shared(Some(1)), &Control::new())
        .unwrap_err();
    assert!(matches!(error, PlanRunError::NoMemory { .. }), "{error}");
}

#[test]
fn plans_made_by_hand_are_refused_and_not_run() {
    let registry = kernels::registry();
    let missing = Program::prepare(&plan(TWO), &registry, &Kernels::default()).unwrap_err();
    let expected = KernelError::Missing {
        op: "core.add".to_owned(),
    };
    assert!(matches!(missing, PlanRunError::Kernel { source, .. } if source == expected));
    let mut bad = Plan::new("bad");
    let value = bad.value(ValueType::scalar(DType::F64), None);
    for op in [
        Op::new("core.loop", vec![value], vec![value]),
        Op::new("core.constant", vec![], vec![value]),
    ] {
        bad.body.ops = vec![op];
        let error = Program::prepare(&bad, &registry, &kernels::all()).unwrap_err();
        assert!(matches!(error, PlanRunError::Malformed { .. }), "{error}");
    }
    // Reads what nothing wrote.
    bad.body.ops = vec![Op::new("core.neg", vec![value], vec![value])];
    let program = Program::prepare(&bad, &registry, &kernels::all()).unwrap();
    let error = program.run(&[], &[], shared(Some(1)), &Control::new()).unwrap_err();
    assert!(matches!(error, PlanRunError::Malformed { .. }), "{error}");
}
