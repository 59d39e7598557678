//! Circuits as plans: what the verifier accepts, the text form, and what it refuses.

use expect_test::expect;
use multilane_plan::{Registry, text, verify};
use multilane_quantum::{Angle, Circuit, Condition, dialect, to_plan};
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
    let plan = to_plan(&circuit, "bell").unwrap();
    verify(&plan, &registry()).unwrap();
    expect![[""]].assert_eq(&text::print(&plan));
}

#[test]
fn names_what_is_wrong_with_a_gate() {
    let mut circuit = Circuit::new(2, 0).unwrap();
    circuit.cx(0, 1).unwrap();
    let good = text::print(&to_plan(&circuit, "pair").unwrap());
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn plans_of_circuits_verify_and_read_back(circuit in any_circuit(1..6, 12)) {
        let plan = to_plan(&circuit, "random").unwrap();
        prop_assert!(verify(&plan, &registry()).is_ok());
        prop_assert_eq!(&text::parse(&text::print(&plan), &registry()).unwrap(), &plan);
    }
}
