//! Circuits as plans: what the verifier accepts, the text form, and what it refuses.

use expect_test::expect;
use multilane_plan::{Registry, text, verify};
use multilane_quantum::passes::{DEFAULT, optimize, optimize_plan};
use multilane_quantum::{Angle, Circuit, Condition, PlanOptions, QuantumError, dialect, from_plan, to_plan};
use proptest::prelude::*;

use crate::common::any_circuit;

fn registry() -> Registry {
    Registry::core().with(dialect())
}

#[test]
fn a_circuit_reads_as_a_plan() {
    let mut circuit = Circuit::new(2, 1).unwrap();
    circuit
        .rx(Angle::parameter("a") * 2.0.into(), 0)
        .unwrap()
        .cx(0, 1)
        .unwrap()
        .measure(0, 0)
        .unwrap();
    circuit.p(0.5, 1).unwrap().only_if(Condition::equals([0], 1)).unwrap();
    let plan = to_plan(&circuit, "bell", &PlanOptions::default()).unwrap();
    verify(&plan, &registry()).unwrap();
    expect![[r#"
        plan bell(%a: f64, %seed: i64) {
          %0: register<2> = quantum.zero(%seed) {clbits = 1, qubits = 2}
          %1: f64 = core.constant 2.0
          %2: f64 = core.mul(%a, %1)
          %3: register<2> = quantum.gate(%0, %2) {gate = "rx", targets = [0]}
          %4: register<2> = quantum.gate(%3) {controls = [0], gate = "x", targets = [1]}
          %5: register<2>, %6: bool = quantum.measure(%4) {clbit = 0, qubit = 0}
          %7: register<2> = quantum.gate(%5, %6) {angles = [0.5], clbits = [0], gate = "p", targets = [1], value = 1}
          return state = %7, c0 = %6
        }
    "#]]
    .assert_eq(&text::print(&plan));
}

#[test]
fn a_parameter_may_be_called_as_the_seed_is() {
    let mut circuit = Circuit::new(1, 0).unwrap();
    circuit.rx(Angle::parameter("seed"), 0).unwrap().reset(0).unwrap();
    let plan = to_plan(&circuit, "turn", &PlanOptions::default()).unwrap();
    verify(&plan, &registry()).unwrap();
    assert_eq!(plan.inputs, ["seed", "seed_"]);
}

#[test]
fn names_what_is_wrong_with_a_gate() {
    let mut circuit = Circuit::new(2, 0).unwrap();
    circuit.cx(0, 1).unwrap();
    let good = text::print(&to_plan(&circuit, "pair", &PlanOptions::default()).unwrap());
    for (from, to, problem) in [
        ("targets = [1]", "targets = [2]", "names qubit 2, but there are 2"),
        ("targets = [1]", "targets = [0]", "names qubit 0 twice"),
        ("\"x\"", "\"y2\"", "knows no gate `y2`"),
        ("\"x\"", "\"rx\"", "`rx` has 1 angles, not 0"),
    ] {
        let errors = text::parse(&good.replace(from, to), &registry()).unwrap_err();
        assert!(errors[0].to_string().contains(problem), "{}", errors[0]);
    }
}

#[test]
fn measurements_conditions_and_parameters_are_read_back() {
    let mut circuit = Circuit::new(3, 5).unwrap();
    let a = Angle::parameter("a");
    circuit.rx(a.clone() * 2.0.into() - Angle::parameter("b"), 0).unwrap();
    circuit.measure(0, 1).unwrap().measure(1, 3).unwrap();
    circuit.x(2).unwrap().only_if(Condition::differs([1, 3, 0], 5)).unwrap();
    circuit
        .measure(2, 1)
        .unwrap()
        .only_if(Condition::equals([3], 1))
        .unwrap();
    circuit.reset(0).unwrap().only_if(Condition::equals([1], 1)).unwrap();
    circuit.barrier(&[0, 2]).unwrap().p(-a, 1).unwrap();
    let plan = to_plan(&circuit, "all", &PlanOptions::default()).unwrap();
    verify(&plan, &registry()).unwrap();
    assert_eq!(from_plan(&plan).unwrap(), circuit);
}

#[test]
fn passes_of_circuits_run_on_their_plans() {
    let mut circuit = Circuit::new(2, 2).unwrap();
    circuit
        .h(0)
        .unwrap()
        .cx(0, 1)
        .unwrap()
        .cx(0, 1)
        .unwrap()
        .rz(Angle::parameter("a"), 0)
        .unwrap();
    circuit.rz(0.5, 0).unwrap().measure_all().unwrap();
    let mut plan = to_plan(&circuit, "pair", &PlanOptions::default()).unwrap();
    let reports = optimize_plan(&mut plan, DEFAULT).unwrap();
    assert_eq!(optimize(&mut circuit, DEFAULT).unwrap(), reports);
    verify(&plan, &registry()).unwrap();
    assert_eq!(plan, to_plan(&circuit, "pair", &PlanOptions::default()).unwrap());
}

#[test]
fn what_no_circuit_says_is_refused() {
    let mut circuit = Circuit::new(2, 1).unwrap();
    circuit.x(0).unwrap().measure(0, 0).unwrap().measure(1, 0).unwrap();
    circuit.x(1).unwrap().only_if(Condition::equals([0], 1)).unwrap();
    let good = text::print(&to_plan(&circuit, "plan", &PlanOptions::default()).unwrap());
    for (from, to, problem) in [
        ("quantum.measure(%2)", "quantum.measure(%1)", "changed since"),
        ("(%4, %5)", "(%4, %3)", "another value of classical bit 0"),
        ("state = %6", "state = %4", "changes afterwards"),
    ] {
        assert!(good.contains(from), "{good}");
        let plan = text::parse(&good.replace(from, to), &registry()).unwrap();
        let error = from_plan(&plan).unwrap_err();
        assert!(matches!(&error, QuantumError::NoCircuit { .. }));
        assert!(error.to_string().contains(problem), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn plans_of_circuits_verify_and_read_back(circuit in any_circuit(1..6, 12)) {
        let plan = to_plan(&circuit, "random", &PlanOptions::default()).unwrap();
        prop_assert!(verify(&plan, &registry()).is_ok());
        prop_assert_eq!(&text::parse(&text::print(&plan), &registry()).unwrap(), &plan);
        prop_assert_eq!(&to_plan(&from_plan(&plan).unwrap(), "random", &PlanOptions::default()).unwrap(), &plan);
    }
}
