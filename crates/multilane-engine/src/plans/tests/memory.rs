//! Where results lie: given arrays, reuse, no allocation in loops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use multilane_plan::memory::assign;
use multilane_plan::{Array, DType, Scalar, Value};

use super::{bits, check, floats, kernels, models, plan, prepare, run_on};
use crate::lanes::shared;
use crate::plans::BufferPool;

const CHAIN: &str = "plan chain(%x: f64[n], %k: f64) {
  %a = core.mul(%x, %k)
  %b = core.add(%a, %k)
  %c = core.mul(%b, %b)
  %d = core.sub(%c, %k)
  %e = core.neg(%d)
  return %e
}";

/// Large enough that the pool keeps it.
const LEN: usize = 10_000;

fn large() -> Value {
    floats(&(0..LEN).map(|index| index as f64).collect::<Vec<_>>())
}

fn k() -> Value {
    Value::Scalar(Scalar::F64(3.0))
}

#[test]
fn a_chain_holds_one_array() {
    let program = prepare(&plan(CHAIN));
    let run = run_on(&program, &[large(), k()], &[], shared(Some(2)));
    assert!(
        (LEN as u64 * 8..LEN as u64 * 9).contains(&run.peak_bytes),
        "{}",
        run.peak_bytes
    );
}

#[test]
fn loops_take_memory_for_the_first_iterations_only() {
    let text = |count: u32| {
        format!(
            "plan p(%x: f64[n], %k: f64) {{
               %y, %z, %i, %v = core.loop(%x, %x) {{count = {count}}} (%p: f64[n], %q: f64[n]) {{
                 %a = core.mul(%p, %k)
                 %b = core.add(%a, %q)
                 %c = core.sub(%b, %p)
                 yield %c, %b
               }}
               return %y, %z
             }}"
        )
    };
    let peak = |count: u32| {
        let plan = plan(&text(count));
        let program = prepare(&plan);
        let run = run_on(&program, &[large(), k()], &[], shared(Some(2)));
        let planned = assign(&plan, &kernels::registry(), &(LEN as f64)).peak_bytes;
        assert!(
            run.peak_bytes <= planned + planned / 8,
            "{} planned, {} held",
            planned,
            run.peak_bytes
        );
        run.peak_bytes
    };
    assert_eq!(peak(6), peak(50));
}

#[test]
fn outputs_return_to_the_pool_and_serve_the_next_run() {
    let pool = BufferPool::new(1 << 24);
    let program = prepare(&plan(CHAIN)).with_pool(pool.clone());
    let first = run_on(&program, &[large(), k()], &[], shared(Some(1)));
    assert_eq!(pool.kept_bytes(), 0);
    let start = first.outputs[0].array().unwrap().as_ptr();
    drop(first);
    assert!(pool.kept_bytes() > 0);
    let second = run_on(&program, &[large(), k()], &[], shared(Some(1)));
    assert_eq!(second.outputs[0].array().unwrap().as_ptr(), start);
}

#[test]
fn given_arrays_are_written_and_returned() {
    let text = "plan p(%x: f64[n], %k: f64) {
        %a = core.mul(%x, %k)
        %b = core.neg(%a)
        %l, %i, %v = core.loop(%x) {count = 2} (%p: f64[n]) {
          %q = core.add(%p, %k)
          yield %q
        }
        return %a, %b, again = %a, %x, %l
    }";
    let plan = plan(text);
    let inputs = [floats(&[1.0, 2.0, 4.0]), k()];
    let expected: Vec<_> = check(&plan, &inputs)[0].outputs.iter().map(bits).collect();
    for model in models() {
        let program = prepare(&plan).with_model(model);
        // Every choice of outputs that get an array.
        for chosen in 0..32 {
            let array = |number: usize| (chosen >> number & 1 == 1).then(|| Array::from_vec(vec![f64::NAN; 3]));
            let given: Vec<_> = (0..5).map(array).collect();
            let run = run_on(&program, &inputs, &given, shared(Some(2)));
            assert_eq!(run.outputs.iter().map(bits).collect::<Vec<_>>(), expected);
            for (output, given) in run.outputs.iter().zip(&given) {
                if let Some(given) = given {
                    assert_eq!(output.array().unwrap().as_ptr(), given.as_ptr());
                }
            }
        }
    }
}

/// An output may be written over an input: the result is as if the input were read first.
#[test]
fn given_arrays_may_be_inputs() {
    let text = "plan p(%x: f64[n], %y: f64[n]) {
        %a = core.add(%x, %y)
        %b = core.mul(%a, %y)
        %c = core.sub(%b, %x)
        return %a, %c, %y
    }";
    let plan = plan(text);
    let fresh = || [floats(&[1.0, 2.0, 4.0]), floats(&[3.0, 5.0, 9.0])];
    let expected: Vec<_> = check(&plan, &fresh())[0].outputs.iter().map(bits).collect();
    for model in models() {
        let program = prepare(&plan).with_model(model);
        for (first, second) in [
            (Some(0), None),
            (Some(1), None),
            (None, Some(0)),
            (Some(0), Some(1)),
            (Some(1), Some(0)),
        ] {
            for third in [None, Some(0), Some(1)] {
                if third.is_some() && (third == first || third == second) {
                    continue;
                }
                let inputs = fresh();
                let pick = |input: Option<usize>| input.map(|input| inputs[input].array().unwrap().clone());
                let given = [pick(first), pick(second), pick(third)];
                let run = run_on(&program, &inputs, &given, shared(Some(2)));
                assert_eq!(run.outputs.iter().map(bits).collect::<Vec<_>>(), expected);
            }
        }
    }
}

/// The same for an operation that may write in place, with nothing in between.
#[test]
fn one_operation_writes_over_its_own_input() {
    let plan = plan("plan p(%x: f64[n], %y: f64[n]) { %a = core.add(%x, %y)\n return %a }");
    for model in models() {
        let program = prepare(&plan).with_model(model);
        for input in [0, 1] {
            let inputs = [floats(&[1.0; 7]), floats(&[2.0; 7])];
            let given = [inputs[input].array().cloned()];
            let run = run_on(&program, &inputs, &given, shared(Some(2)));
            assert_eq!(bits(&run.outputs[0]), bits(&floats(&[3.0; 7])));
        }
        // Both operands are the array that is written.
        let both = floats(&[1.0; 7]);
        let inputs = [both.clone(), both.clone()];
        let run = run_on(&program, &inputs, &[both.array().cloned()], shared(Some(2)));
        assert_eq!(bits(&run.outputs[0]), bits(&floats(&[2.0; 7])));
    }
}

#[test]
fn memory_of_inputs_is_let_go_with_the_run() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let numbers = Box::leak(Box::new([1.0_f64, 2.0]));
    let owner = Arc::new(kernels::Counted(dropped.clone()));
    let start = std::ptr::NonNull::from(&mut numbers[0]).cast();
    // SAFETY: the numbers live as long as the program.
    let array = unsafe { Array::from_raw(DType::F64, 2, start, false, owner) };
    let program = prepare(&plan(CHAIN));
    let run = run_on(&program, &[Value::Array(array), k()], &[], shared(Some(1)));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(bits(&run.outputs[0]).len(), 2);
}

#[test]
#[cfg_attr(miri, ignore = "forks")]
fn a_child_of_a_fork_runs_plans_while_the_parents_locks_are_held() {
    let pool = BufferPool::new(1 << 24);
    let program = prepare(&plan(CHAIN))
        .with_pool(pool.clone())
        .with_model(models()[1].clone());
    let inputs = [large(), k()];
    let expected = bits(&run_on(&program, &inputs, &[], shared(Some(2))).outputs[0]);
    // As if other threads of the parent were inside.
    let (_script, _kept) = (program.script.lock().unwrap(), pool.hold());
    // SAFETY: the child only allocates, starts threads and ends itself; the C library allows that.
    let child = unsafe { libc::fork() };
    if child == 0 {
        crate::fork::note_fork();
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..3 {
                let run = run_on(&program, &inputs, &[], shared(Some(2)));
                assert_eq!(bits(&run.outputs[0]), expected);
            }
            assert!(BufferPool::shared().kept_bytes() == 0);
        }));
        // SAFETY: ends this process at once, without what the test harness would do.
        unsafe { libc::_exit(i32::from(ran.is_err())) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the child failed");
}

#[test]
fn an_input_with_a_second_name_is_not_overwritten() {
    // A loop without a turn hands out the memory that it was given.
    let plan = plan(
        "plan p(%x: f64[n]) {
           %same, %i, %v = core.loop(%x) {count = 0} (%p: f64[n]) {
             %q = core.neg(%p)
             yield %q
           }
           %a = core.exp(%x)
           %b = core.exp(%same)
           return %b, %same, %a
         }",
    );
    let values: Vec<f64> = (0..9).map(f64::from).collect();
    let expected: Vec<_> = check(&plan, &[floats(&values)])[0].outputs.iter().map(bits).collect();
    for model in models() {
        let program = prepare(&plan).with_model(model);
        for output in 0..3 {
            let input = floats(&values);
            let mut given = vec![None; 3];
            given[output] = input.array().cloned();
            let run = run_on(&program, &[input], &given, shared(Some(2)));
            assert_eq!(
                run.outputs.iter().map(bits).collect::<Vec<_>>(),
                expected,
                "output {output}"
            );
        }
    }
}
