//! Random circuits keep their states and outcomes through every order of passes, at any precision and number of lanes.

use std::collections::BTreeMap;

use multilane_plan::Serial;
use multilane_quantum::passes::{self, optimize};
use multilane_quantum::{
    Angle, Circuit, Condition, Instruction, Operation, Options, Precision, Program, expectation, probabilities,
    simulate,
};
use multilane_quantum::{Gate, Pauli, PauliTerm};
use proptest::prelude::*;

use crate::common::{Threads, any_circuit, any_gate, dense, distance};

fn order() -> impl Strategy<Value = Vec<&'static str>> {
    let names: Vec<&'static str> = passes::all().iter().map(|(name, _)| *name).collect();
    prop::collection::vec(prop::sample::select(names), 1..8)
}

/// Circuits in which much cancels: parts and their inverses, cut short.
fn mirrored(gates: usize) -> impl Strategy<Value = Circuit> {
    (any_circuit(2..5, gates), any::<prop::sample::Index>()).prop_map(|(circuit, end)| {
        let mut all = circuit.clone();
        for instruction in circuit.instructions().iter().rev() {
            if let Operation::Gate {
                gate,
                controls,
                targets,
            } = &instruction.operation
            {
                all.gate(gate.inverse(), controls, targets).unwrap();
            }
        }
        let mut cut = Circuit::new(all.qubits(), 0).unwrap();
        let kept = end.index(all.instructions().len() + 1);
        for instruction in &all.instructions()[..kept] {
            cut.push(instruction.clone()).unwrap();
        }
        cut
    })
}

fn check(circuit: &Circuit, order: &[&str]) -> Result<(), TestCaseError> {
    let wanted = dense(circuit);
    let mut changed = circuit.clone();
    for name in order {
        optimize(&mut changed, &[name]).unwrap();
        let off = distance(&dense(&changed), &wanted);
        prop_assert!(off < 1e-13, "off by {off:e} after {name}:\n{changed:#?}");
        let again = optimize(&mut changed.clone(), &[name]).unwrap();
        prop_assert_eq!(again[0].changed, 0, "{} finds more to do:\n{:#?}", name, changed);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_order_of_passes_keeps_the_state(circuit in any_circuit(1..6, 30), order in order()) {
        check(&circuit, &order)?;
    }

    #[test]
    fn circuits_that_undo_themselves_keep_their_state(circuit in mirrored(14), order in order()) {
        check(&circuit, &order)?;
    }

    #[test]
    fn runs_give_the_same_state_with_and_without_passes(circuit in mirrored(20), order in order()) {
        let wanted = dense(&circuit);
        let mut changed = circuit.clone();
        optimize(&mut changed, &order).unwrap();
        for (precision, tolerance) in [(Precision::F64, 1e-12), (Precision::F32, 2e-5)] {
            for optimize in [true, false] {
                for fuse in [true, false] {
                    let options = Options { optimize, fuse, ..Options::with_precision(precision) };
                    for circuit in [&circuit, &changed] {
                        let one = simulate(circuit, &options, &Serial).unwrap().to_vec();
                        prop_assert!(distance(&one, &wanted) < tolerance, "with {:?}", options);
                        prop_assert_eq!(one, simulate(circuit, &options, &Threads(3)).unwrap().to_vec());
                    }
                }
            }
        }
    }

    #[test]
    fn a_run_does_what_the_default_passes_leave(circuit in mirrored(12)) {
        let mut changed = circuit.clone();
        optimize(&mut changed, passes::DEFAULT).unwrap();
        let as_it_is = Options { optimize: false, ..Options::default() };
        let (own, left) = (Program::new(&circuit, &Options::default()).unwrap(), Program::new(&changed, &as_it_is).unwrap());
        prop_assert_eq!(own.sweeps(), left.sweeps());
    }

    #[test]
    fn turns_by_parameters_merge_to_the_same_state(
        turns in prop::collection::vec((0usize..6, 0usize..3, 0usize..3, -2i32..3), 1..20),
        (a, b) in (-4.0..4.0f64, -4.0..4.0f64),
        order in order(),
    ) {
        let mut circuit = Circuit::new(3, 0).unwrap();
        circuit.h(0).unwrap().h(1).unwrap().h(2).unwrap();
        for (kind, first, second, factor) in turns {
            let name = if kind % 2 == 0 { "a" } else { "b" };
            let angle = Angle::parameter(name) * f64::from(factor).into() / 2.0.into();
            let second = if first == second { (first + 1) % 3 } else { second };
            match kind {
                0 => circuit.rz(angle, first),
                1 => circuit.cp(angle, first, second),
                2 => circuit.rx(angle, first),
                3 => circuit.cry(angle, first, second),
                4 => circuit.cx(first, second),
                _ => circuit.gate(Gate::GlobalPhase(angle), &[], &[]),
            }.unwrap();
        }
        let names = circuit.parameters().to_vec();
        let values: BTreeMap<String, f64> = names.into_iter().map(|name| (name.clone(), if name == "a" { a } else { b })).collect();
        let wanted = dense(&circuit.bind(&values).unwrap());
        optimize(&mut circuit, &order).unwrap();
        let off = distance(&dense(&circuit.bind(&values).unwrap()), &wanted);
        prop_assert!(off < 1e-13, "off by {off:e}:\n{circuit:#?}");
    }

    #[test]
    fn questions_are_answered_by_the_part_that_matters(
        circuit in any_circuit(3..6, 16),
        paulis in prop::collection::vec(prop::option::of(prop::sample::select(vec![Pauli::X, Pauli::Y, Pauli::Z])), 5),
        values_only in any::<bool>(),
    ) {
        let mut factors = Vec::new();
        for (qubit, pauli) in paulis.iter().enumerate().take(circuit.qubits()) {
            if let Some(pauli) = pauli {
                factors.push((qubit, if values_only { Pauli::Z } else { *pauli }));
            }
        }
        let asked: Vec<usize> = factors.iter().map(|(qubit, _)| *qubit).collect();
        let terms = [PauliTerm { coefficient: 1.5, factors }];
        let options = Options::default();
        let state = simulate(&circuit, &Options { optimize: false, ..options.clone() }, &Serial).unwrap();
        let (value, wanted) = (expectation(&circuit, &terms, &options, &Serial).unwrap(), state.expectation(&terms, &Serial).unwrap());
        prop_assert!((value - wanted).abs() < 1e-12, "{value} instead of {wanted}");
        let found = probabilities(&circuit, &asked, &options, &Serial).unwrap();
        for (found, wanted) in found.iter().zip(state.probabilities(&asked, &Serial).unwrap()) {
            prop_assert!((found - wanted).abs() < 1e-12);
        }
    }
}

/// A step of a circuit that measures on its way.
#[derive(Clone, Debug)]
enum Step {
    Gate(Operation, Option<(usize, u64)>),
    Measure(usize, Option<(usize, u64)>),
    Reset(usize, Option<(usize, u64)>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let condition = || prop::option::weighted(0.3, (0usize..3, 0u64..2));
    let gate = any_gate(3).prop_map(|(gate, controls, targets)| Operation::Gate {
        gate,
        controls,
        targets,
    });
    prop::collection::vec(
        prop_oneof![
            6 => (gate, condition()).prop_map(|(gate, condition)| Step::Gate(gate, condition)),
            2 => (0usize..3, condition()).prop_map(|(qubit, condition)| Step::Measure(qubit, condition)),
            1 => (0usize..3, condition()).prop_map(|(qubit, condition)| Step::Reset(qubit, condition)),
        ],
        1..14,
    )
}

/// The odds of each combination of classical bits, by following every branch.
fn odds(circuit: &Circuit) -> BTreeMap<Vec<bool>, f64> {
    use crate::common::apply;
    use multilane_quantum::Complex64;

    let mut start = vec![Complex64::ZERO; 1 << circuit.qubits()];
    start[0] = Complex64::ONE;
    let mut branches = vec![(vec![false; circuit.clbits()], start)];
    for Instruction { operation, condition } in circuit.instructions() {
        let mut next = Vec::new();
        for (bits, state) in branches {
            if condition.as_ref().is_some_and(|condition| !condition.holds(&bits)) {
                next.push((bits, state));
                continue;
            }
            let part = |qubit: usize, value: usize| -> Vec<Complex64> {
                let keep = |(basis, amplitude): (usize, &Complex64)| {
                    if basis >> qubit & 1 == value {
                        *amplitude
                    } else {
                        Complex64::ZERO
                    }
                };
                state.iter().enumerate().map(keep).collect()
            };
            match operation {
                Operation::Gate {
                    controls,
                    targets,
                    gate,
                } => {
                    let matrix = gate.matrix().unwrap();
                    next.push((bits, apply(&state, &matrix, controls, targets)));
                }
                Operation::Measure { qubit, clbit } => {
                    for value in 0..2 {
                        let mut bits = bits.clone();
                        bits[*clbit] = value == 1;
                        next.push((bits, part(*qubit, value)));
                    }
                }
                Operation::Reset { qubit } => {
                    let flip = Gate::X.matrix().unwrap();
                    next.push((bits.clone(), part(*qubit, 0)));
                    next.push((bits, apply(&part(*qubit, 1), &flip, &[], &[*qubit])));
                }
                Operation::Barrier { .. } => next.push((bits, state)),
            }
        }
        branches = next;
    }
    let mut odds = BTreeMap::new();
    for (bits, state) in branches {
        let weight: f64 = state.iter().map(Complex64::norm_sqr).sum();
        *odds.entry(bits).or_insert(0.0) += weight;
    }
    odds.retain(|_, weight| *weight > 1e-13);
    odds
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn outcomes_keep_their_odds(steps in steps(), order in order()) {
        let mut circuit = Circuit::new(3, 4).unwrap();
        let mut measured = 0;
        for step in steps {
            let (operation, condition) = match step {
                Step::Gate(operation, condition) => (operation, condition),
                // The branches double with each.
                Step::Measure(..) if measured == 5 => continue,
                Step::Measure(qubit, condition) => (Operation::Measure { qubit, clbit: measured % 3 }, condition),
                Step::Reset(qubit, condition) => (Operation::Reset { qubit }, condition),
            };
            measured += usize::from(matches!(operation, Operation::Measure { .. }));
            let condition = condition.map(|(clbit, value)| Condition::equals([clbit], value));
            circuit.push(Instruction { operation, condition }).unwrap();
        }
        circuit.measure(1, 3).unwrap();
        let wanted = odds(&circuit);
        let before = circuit.clone();
        optimize(&mut circuit, &order).unwrap();
        let found = odds(&circuit);
        for bits in wanted.keys().chain(found.keys()) {
            let (wanted, found) = (wanted.get(bits).unwrap_or(&0.0), found.get(bits).unwrap_or(&0.0));
            prop_assert!((wanted - found).abs() < 1e-12, "{bits:?}: {found} instead of {wanted}\n{before:#?}\n{circuit:#?}");
        }
        // And it runs.
        let program = Program::new(&circuit, &Options::default()).unwrap();
        prop_assert_eq!(program.shots(3, 1, &Serial).unwrap().len(), 3);
    }
}
