//! A plain simulator to compare with, random circuits, and lanes of threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use multilane_plan::Lanes;
use multilane_quantum::{Angle, Circuit, Complex64, Control, Gate, Matrix, Operation};
use proptest::prelude::*;

/// The state after the gates of a circuit, by the definition of each.
pub(crate) fn dense(circuit: &Circuit) -> Vec<Complex64> {
    let mut state = vec![Complex64::ZERO; 1 << circuit.qubits()];
    state[0] = Complex64::ONE;
    for instruction in circuit.instructions() {
        if let Operation::Gate {
            gate,
            controls,
            targets,
        } = &instruction.operation
        {
            state = apply(&state, &definition(gate), controls, targets);
        }
    }
    state
}

/// Multiplies a state by a matrix where the controls agree.
pub(crate) fn apply(
    state: &[Complex64],
    matrix: &[Complex64],
    controls: &[Control],
    targets: &[usize],
) -> Vec<Complex64> {
    let size = 1usize << targets.len();
    let mut result = vec![Complex64::ZERO; state.len()];
    for (basis, amplitude) in state.iter().enumerate() {
        if controls
            .iter()
            .any(|control| (basis >> control.qubit & 1 == 1) != control.positive)
        {
            result[basis] += amplitude;
            continue;
        }
        let column =
            (targets.iter().enumerate()).fold(0, |index, (place, qubit)| index | (basis >> qubit & 1) << place);
        for row in 0..size {
            let reached = targets.iter().enumerate().fold(basis, |reached, (place, qubit)| {
                reached & !(1 << qubit) | (row >> place & 1) << qubit
            });
            result[reached] += matrix[row * size + column] * amplitude;
        }
    }
    result
}

/// Matrices as textbooks have them, written apart from those of the library.
pub(crate) fn definition(gate: &Gate) -> Vec<Complex64> {
    let number = |angle: &Angle| angle.number().expect("tests bind their angles");
    let c = Complex64::new;
    let e = |angle: f64| c(angle.cos(), angle.sin());
    let half = 0.5f64.sqrt();
    // exp(-i a P / 2) = cos(a / 2) - i sin(a / 2) P
    let turn = |a: f64, p: [Complex64; 4]| {
        let (s, k) = ((a / 2.0).sin(), (a / 2.0).cos());
        let one = [1.0, 0.0, 0.0, 1.0];
        (0..4)
            .map(|at| c(one[at] * k, 0.0) - c(0.0, s) * p[at])
            .collect::<Vec<_>>()
    };
    let (o, l, i) = (c(0.0, 0.0), c(1.0, 0.0), c(0.0, 1.0));
    match gate {
        Gate::GlobalPhase(a) => vec![e(number(a))],
        Gate::Id => vec![l, o, o, l],
        Gate::X => vec![o, l, l, o],
        Gate::Y => vec![o, -i, i, o],
        Gate::Z => vec![l, o, o, -l],
        Gate::H => vec![l * half, l * half, l * half, -l * half],
        Gate::S => vec![l, o, o, i],
        Gate::Sdg => vec![l, o, o, -i],
        Gate::T => vec![l, o, o, c(half, half)],
        Gate::Tdg => vec![l, o, o, c(half, -half)],
        Gate::Sx => vec![c(0.5, 0.5), c(0.5, -0.5), c(0.5, -0.5), c(0.5, 0.5)],
        Gate::Sxdg => vec![c(0.5, -0.5), c(0.5, 0.5), c(0.5, 0.5), c(0.5, -0.5)],
        Gate::P(a) => vec![l, o, o, e(number(a))],
        Gate::Rx(a) => turn(number(a), [o, l, l, o]),
        Gate::Ry(a) => turn(number(a), [o, -i, i, o]),
        Gate::Rz(a) => turn(number(a), [l, o, o, -l]),
        Gate::U(t, p, a) => {
            let (t, p, a) = (number(t), number(p), number(a));
            let (s, k) = ((t / 2.0).sin(), (t / 2.0).cos());
            vec![c(k, 0.0), -e(a) * s, e(p) * s, e(p + a) * k]
        }
        Gate::Swap => (0..16)
            .map(|at| if [0, 6, 9, 15].contains(&at) { l } else { o })
            .collect(),
        Gate::Unitary(matrix) => matrix.elements().to_vec(),
        other => panic!("no definition of `{}`", other.name()),
    }
}

/// A random gate on distinct qubits of `qubits`, with up to three controls.
pub(crate) fn any_gate(qubits: usize) -> impl Strategy<Value = (Gate, Vec<Control>, Vec<usize>)> {
    let angle = -7.0..7.0f64;
    let plain = prop_oneof![
        Just(Gate::Id),
        Just(Gate::X),
        Just(Gate::X),
        Just(Gate::Y),
        Just(Gate::Z),
        Just(Gate::H),
        Just(Gate::H),
        Just(Gate::S),
        Just(Gate::Sdg),
        Just(Gate::T),
        Just(Gate::Tdg),
        Just(Gate::Sx),
        Just(Gate::Sxdg),
        Just(Gate::Swap),
    ];
    let turned = (0..7usize, angle.clone(), angle.clone(), angle).prop_map(|(which, a, b, c)| match which {
        0 => Gate::P(a.into()),
        1 => Gate::Rx(a.into()),
        2 => Gate::Ry(a.into()),
        3 => Gate::Rz(a.into()),
        4 => Gate::GlobalPhase(a.into()),
        5 => Gate::P(b.into()),
        _ => Gate::U(a.into(), b.into(), c.into()),
    });
    let matrix =
        (1..=5usize.min(qubits), any::<u64>()).prop_map(|(size, seed)| Gate::Unitary(unitary(size, seed).into()));
    let order = Just((0..qubits).collect::<Vec<usize>>()).prop_shuffle();
    let gates = prop_oneof![4 => plain, 4 => turned, 2 => matrix];
    (
        gates,
        order,
        prop_oneof![4 => Just(0usize), 3 => Just(1), 1 => 2..4usize],
        any::<[bool; 4]>(),
    )
        .prop_map(move |(gate, order, controls, positive)| {
            let gate = if gate.targets() > qubits { Gate::H } else { gate };
            let (targets, rest) = order.split_at(gate.targets());
            let controls = rest.iter().zip(positive).take(controls);
            let controls = controls.map(|(qubit, positive)| Control {
                qubit: *qubit,
                positive,
            });
            let controls: Vec<Control> = controls.collect();
            (gate, controls, targets.to_vec())
        })
}

/// A random circuit of gates.
pub(crate) fn any_circuit(qubits: std::ops::Range<usize>, gates: usize) -> impl Strategy<Value = Circuit> {
    qubits.prop_flat_map(move |qubits| {
        prop::collection::vec(any_gate(qubits), 0..gates).prop_map(move |gates| {
            let mut circuit = Circuit::new(qubits, 0).unwrap();
            for (gate, controls, targets) in gates {
                circuit.gate(gate, &controls, &targets).unwrap();
            }
            circuit
        })
    })
}

/// A random unitary matrix.
pub(crate) fn unitary(qubits: usize, seed: u64) -> Matrix {
    let mut seed = seed;
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let size = 1 << qubits;
    let mut rows: Vec<Vec<Complex64>> = Vec::new();
    while rows.len() < size {
        let mut row: Vec<Complex64> = (0..size).map(|_| Complex64::new(next(), next())).collect();
        for _ in 0..2 {
            for other in &rows {
                let overlap: Complex64 = row.iter().zip(other).map(|(x, y)| x * y.conj()).sum();
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= overlap * y);
            }
            let norm = row.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
            row.iter_mut().for_each(|x| *x /= norm);
        }
        rows.push(row);
    }
    Matrix::new(rows.concat()).unwrap()
}

/// So many threads, the caller among them.
pub(crate) struct Threads(pub(crate) usize);

impl Lanes for Threads {
    fn count(&self) -> usize {
        self.0
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = |lane: usize| {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    break;
                }
                body(piece, lane);
            }
        };
        std::thread::scope(|scope| {
            for lane in 1..self.0 {
                let work = &work;
                scope.spawn(move || work(lane));
            }
            work(0);
        });
    }
}

/// The largest difference of two states.
pub(crate) fn distance(left: &[Complex64], right: &[Complex64]) -> f64 {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max)
}
