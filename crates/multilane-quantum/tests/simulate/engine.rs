//! Plans of circuits in the engine that runs every plan, held against the circuits themselves.

use std::sync::Arc;

use multilane_engine::lanes::shared;
use multilane_engine::plans::{Control, PlanRunError, Program as Running};
use multilane_plan::{Array, Kernels, Plan, Registry, Scalar, Serial, Value, text, verify};
use multilane_quantum::{
    Angle, Circuit, Condition, Options, Pauli, PauliTerm, PlanOptions, Precision, Program, State, dialect, from_plan,
    fuse_gates, kernels, state_bytes, state_of, to_plan,
};
use proptest::prelude::*;

use crate::common::{any_circuit, dense, distance};

fn registry() -> Registry {
    Registry::core().with(dialect())
}

fn ready(plan: &Plan) -> Running {
    let mut all = Kernels::default();
    multilane_array::kernels(&mut all);
    kernels(&mut all);
    Running::prepare(plan, &registry(), &all).unwrap()
}

fn outputs(plan: &Plan, inputs: &[Value]) -> Vec<Value> {
    let run = ready(plan).run(inputs, &[], shared(Some(2)), &Control::new());
    run.unwrap().outputs
}

fn state(value: &Value) -> Arc<State> {
    state_of(value).expect("the output is a register")
}

fn fused(plan: &Plan) -> Plan {
    let mut fused = plan.clone();
    fuse_gates(&mut fused);
    verify(&fused, &registry()).unwrap();
    assert_eq!(
        text::parse(&text::print(&fused), &registry()).unwrap(),
        fused.compacted()
    );
    fused
}

/// The state of a plan's only run, which is the output `state`.
fn last_state(plan: &Plan, inputs: &[Value]) -> Vec<multilane_quantum::Complex64> {
    state(&outputs(plan, inputs)[0]).to_vec()
}

fn number(number: f64) -> Value {
    Value::Scalar(Scalar::F64(number))
}

fn z(qubit: usize) -> PauliTerm {
    PauliTerm {
        coefficient: 1.0,
        factors: vec![(qubit, Pauli::Z)],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn gates_give_the_state_that_their_circuit_gives(circuit in any_circuit(1..12, 20)) {
        let plan = to_plan(&circuit, "random", &PlanOptions::default()).unwrap();
        let whole = Program::new(&circuit, &Options::default()).unwrap().run(&Serial).unwrap();
        let together = fused(&plan);
        if !circuit.instructions().is_empty() {
            prop_assert_eq!(together.body.ops.len(), 1);
            // One program for the same gates: the same bits.
            prop_assert_eq!(last_state(&together, &[]), whole.to_vec());
        }
        prop_assert!(distance(&last_state(&plan, &[]), &dense(&circuit)) < 1e-11);
        let back = to_plan(&from_plan(&together).unwrap(), "random", &PlanOptions::default()).unwrap();
        prop_assert_eq!(back, plan);
    }
}

/// Measures, resets and decides on its way.
fn teleports() -> Circuit {
    let mut circuit = Circuit::new(3, 4).unwrap();
    circuit.ry(1.1, 0).unwrap().h(1).unwrap().cx(1, 2).unwrap();
    circuit.cx(0, 1).unwrap().h(0).unwrap();
    circuit.measure(0, 0).unwrap().measure(1, 1).unwrap();
    circuit.x(2).unwrap().only_if(Condition::equals([1], 1)).unwrap();
    circuit.z(2).unwrap().only_if(Condition::equals([0], 1)).unwrap();
    // Only sometimes measured, and what follows is drawn as if it had been.
    circuit
        .h(1)
        .unwrap()
        .measure(1, 3)
        .unwrap()
        .only_if(Condition::equals([0, 1], 2))
        .unwrap();
    circuit.reset(0).unwrap().only_if(Condition::differs([1], 1)).unwrap();
    circuit.ry(-0.3, 2).unwrap().cx(2, 0).unwrap().measure(2, 2).unwrap();
    circuit
}

#[test]
fn a_plan_is_the_first_shot_of_its_seed() {
    let circuit = teleports();
    let plan = to_plan(&circuit, "teleport", &PlanOptions::default()).unwrap();
    let program = Program::new(&circuit, &Options::default()).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let shots = program.shots(1, seed, &Serial).unwrap();
        let input = [Value::Scalar(Scalar::I64(seed.cast_signed()))];
        for plan in [&plan, &fused(&plan)] {
            let found = outputs(plan, &input);
            let bits: String = found[1..]
                .iter()
                .rev()
                .map(|bit| {
                    if bit.scalar() == Some(Scalar::Bool(true)) {
                        '1'
                    } else {
                        '0'
                    }
                })
                .collect();
            assert_eq!(plan.outputs[1..], ["c0", "c1", "c2", "c3"]);
            assert_eq!(bits, shots.bits(0), "seed {seed}");
            seen.insert(bits);
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[test]
fn a_register_that_is_read_again_stays_as_it_was() {
    let plan = text::parse(
        "plan two() {
           %a: register<1> = quantum.zero() {qubits = 1}
           %b = quantum.gate(%a) {gate = \"h\", targets = [0]}
           %c = quantum.gate(%b) {gate = \"z\", targets = [0]}
           %d = quantum.gate(%c) {gate = \"h\", targets = [0]}
           %e = quantum.expectation(%b) {coefficients = [1.0, 0.5], paulis = [\"X0\", \"\"]}
           return a = %a, b = %b, d = %d, e = %e
         }",
        &registry(),
    )
    .unwrap();
    for plan in [&plan, &fused(&plan)] {
        let found = outputs(plan, &[]);
        let half = 0.5_f64.sqrt();
        for (value, wanted) in found.iter().zip([[1.0, 0.0], [half, half], [0.0, 1.0]]) {
            let amplitudes = state(value).to_vec();
            assert!(
                amplitudes
                    .iter()
                    .zip(wanted)
                    .all(|(found, wanted)| (found - wanted).norm() < 1e-12)
            );
        }
        let Some(Scalar::F64(value)) = found[3].scalar() else {
            panic!("a number")
        };
        assert!((value - 1.5).abs() < 1e-12);
    }
}

#[test]
fn angles_are_inputs_and_answers_are_numbers_to_go_on_with() {
    let mut circuit = Circuit::new(12, 0).unwrap();
    circuit
        .ry(Angle::parameter("a") * 2.0.into(), 0)
        .unwrap()
        .cx(0, 11)
        .unwrap();
    let options = PlanOptions {
        expectation: Some(vec![z(0), z(11)]),
        probabilities: Some(vec![11, 3]),
        ..PlanOptions::default()
    };
    let written = text::print(&to_plan(&circuit, "turn", &options).unwrap());
    let written = written.replace("%a: f64", "%a: f64, %weights: f64[4]").replace(
        "return",
        "%p = core.mul(%6, %weights)\n%mean = core.sum(%p)\n%e = core.add(%5, %mean)\nreturn mean = %mean, e = %e,",
    );
    let plan = text::parse(&written, &registry()).unwrap();
    let plan = fused(&plan);
    let ready = ready(&plan);
    for a in [0.4_f64, 1.3, 0.4] {
        let weights = Value::Array(Array::from_vec(vec![1.0, 2.0, 4.0, 8.0]));
        let run = ready
            .run(&[number(a), weights], &[], shared(Some(2)), &Control::new())
            .unwrap();
        let value = |place: usize| run.outputs[place].scalar().map(Scalar::as_f64).unwrap();
        let (zero, one) = (a.cos().powi(2), a.sin().powi(2));
        assert!((value(0) - (zero + 2.0 * one)).abs() < 1e-12);
        assert!((value(1) - (2.0 * (2.0 * a).cos() + zero + 2.0 * one)).abs() < 1e-12);
        // Each group is there with what it took and what was predicted.
        let groups = run.groups();
        let gates = groups
            .iter()
            .find(|group| group.label.starts_with("quantum.fused"))
            .unwrap();
        assert!(gates.iterations == 1 && gates.predicted_ns > 0.0 && gates.bytes > 0);
    }
    let weights = Value::Array(Array::from_vec(vec![1.0; 5]));
    let refused = ready
        .run(&[number(0.1), weights], &[], &Serial, &Control::new())
        .unwrap_err();
    assert!(matches!(&refused, PlanRunError::FixedLength { input, given: 5, expected: 4 } if input == "weights"));
    let weights = Value::Array(Array::from_vec(vec![1.0; 4]));
    let refused = ready
        .run(&[number(f64::NAN), weights], &[], &Serial, &Control::new())
        .unwrap_err();
    assert!(refused.to_string().contains("an angle of `ry` is NaN"), "{refused}");
}

#[test]
fn turns_of_a_loop_change_one_register() {
    let plan = text::parse(
        "plan turns(%angle: f64) {
           %start: register<11> = quantum.zero() {precision = \"f32\", qubits = 11}
           %last: register<11>, %turns: i64, %converged: bool = core.loop(%start) {count = 5} (%r: register<11>) {
             %half = core.mul(%angle, %angle)
             %s = quantum.gate(%r, %half) {gate = \"rx\", targets = [10]}
             %t = quantum.gate(%s) {controls = [10], gate = \"x\", targets = [0]}
             %u = quantum.gate(%t) {controls = [10], gate = \"x\", targets = [0]}
             yield %u
           }
           return state = %last
         }",
        &registry(),
    )
    .unwrap();
    let mut circuit = Circuit::new(11, 0).unwrap();
    circuit.rx(5.0 * 0.25, 10).unwrap();
    for plan in [&plan, &fused(&plan)] {
        let found = state(&outputs(plan, &[number(0.5)])[0]);
        assert_eq!(found.precision(), Precision::F32);
        assert!(distance(&found.to_vec(), &dense(&circuit)) < 1e-6);
    }
}

#[test]
fn what_cannot_be_is_refused_before_it_runs() {
    let good = "plan p() {
      %a: register<2> = quantum.zero() {qubits = 2}
      %b: register<2> = quantum.gate(%a) {gate = \"h\", targets = [1]}
      %e: f64 = quantum.expectation(%b) {coefficients = [1.0], paulis = [\"X0 Z1\"]}
      %p: f64[4] = quantum.probabilities(%b) {qubits = [0, 1]}
      return state = %b, e = %e, p = %p
    }";
    text::parse(good, &registry()).unwrap();
    for (from, to, problem) in [
        ("qubits = 2}", "qubits = 3}", "needs the size `3`"),
        ("{qubits = 2}", "{precision = \"f16\", qubits = 2}", "`precision`"),
        ("targets = [1]", "targets = [2]", "names qubit 2, but there are 2"),
        ("X0 Z1", "X0 Z0", "names qubit 0 twice"),
        ("X0 Z1", "X0 Z2", "names qubit 2, but there are 2"),
        ("X0 Z1", "X0 W1", "`W1`"),
        ("X0 Z1", "é", "`é`"),
        (
            "coefficients = [1.0]",
            "coefficients = [1.0, 2.0]",
            "as many `coefficients` as `paulis`",
        ),
        ("qubits = [0, 1]", "qubits = [0]", "makes f64[2]"),
        ("register<2>", "register<n>", "with its number of qubits: `register<3>`"),
    ] {
        assert!(good.contains(from), "{from}");
        let errors = text::parse(&good.replace(from, to), &registry()).unwrap_err();
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(all.iter().any(|error| error.contains(problem)), "{to}: {all:?}");
    }
    let wide = to_plan(&Circuit::new(60, 0).unwrap(), "wide", &PlanOptions::default()).unwrap();
    assert_eq!(state_bytes(&wide), u64::MAX);
    assert_eq!(state_bytes(&fused(&text::parse(good, &registry()).unwrap())), 64);
    let error = ready(&wide).run(&[], &[], &Serial, &Control::new()).unwrap_err();
    assert!(error.to_string().contains("60 qubits in f64 need"), "{error}");
}

#[test]
fn chains_that_are_none_are_refused() {
    let mut circuit = Circuit::new(2, 0).unwrap();
    circuit
        .h(0)
        .unwrap()
        .cx(0, 1)
        .unwrap()
        .barrier(&[0, 1])
        .unwrap()
        .x(0)
        .unwrap();
    let plan = fused(&to_plan(&circuit, "chain", &PlanOptions::default()).unwrap());
    let good = text::print(&plan);
    for (from, to, problem) in [
        (
            "quantum.gate(%2) {controls",
            "quantum.gate(%1) {controls",
            "does not follow the operation before it",
        ),
        ("yield %5", "yield %4", "yields the register that its last gate leaves"),
        (
            "quantum.barrier(%3) {qubits = [0, 1]}",
            "quantum.reset(%3) {qubit = 0}",
            "not `quantum.reset`",
        ),
    ] {
        assert!(good.contains(from), "{good}");
        let errors = text::parse(&good.replace(from, to), &registry()).unwrap_err();
        assert!(
            errors.iter().any(|error| error.to_string().contains(problem)),
            "{to}: {errors:?}"
        );
    }
}
