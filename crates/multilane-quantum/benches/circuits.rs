//! GHZ, QFT and volume-like circuits; prints seconds and passes over memory.
//!
//! `cargo bench -p multilane-quantum --bench circuits -- [qubits] [repeats] [lanes]`, with `ML_CHUNK` and `ML_LOW` to
//! try other shapes of chunks.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot run says so by panicking")]

#[path = "../../multilane-graph/benches/scoped/mod.rs"]
mod scoped;

use std::f64::consts::PI;

use multilane_quantum::{Circuit, Complex64, Matrix, Options, Precision, Program};

fn main() {
    let (qubits, repeats, lanes) = scoped::arguments();
    let qubits = qubits as usize;
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    for precision in [Precision::F64, Precision::F32] {
        for (name, circuit) in [
            ("ghz", ghz(qubits)),
            ("qft", qft(qubits)),
            ("volume", volume(qubits, 10)),
        ] {
            let options = Options {
                chunk_qubits: number("ML_CHUNK"),
                low_qubits: number("ML_LOW"),
                ..Options::with_precision(precision)
            };
            let program = Program::new(&circuit, &options).unwrap();
            let what = format!(
                "{name}-{qubits} {} ({} passes)",
                precision.name(),
                program.summary().passes
            );
            scoped::timed(&what, repeats, || program.run(&lanes).unwrap());
            if name == "ghz" {
                let mut circuit = circuit;
                circuit.measure_all().unwrap();
                let program = Program::new(&circuit, &options).unwrap();
                let what = format!("10,000 shots of {name}-{qubits} {}", precision.name());
                scoped::timed(&what, repeats, || program.shots(10_000, 1, &lanes).unwrap());
                let small = Program::new(&ghz(10), &options).unwrap();
                let what = format!("1,000 runs of ghz-10 {}", precision.name());
                scoped::timed(&what, repeats, || {
                    (0..1000).for_each(|_| drop(std::hint::black_box(small.run(&lanes).unwrap())));
                });
            }
        }
    }
}

fn ghz(qubits: usize) -> Circuit {
    let mut circuit = Circuit::new(qubits, 0).unwrap();
    circuit.h(0).unwrap();
    for qubit in 1..qubits {
        circuit.cx(qubit - 1, qubit).unwrap();
    }
    circuit
}

fn qft(qubits: usize) -> Circuit {
    let mut circuit = Circuit::new(qubits, 0).unwrap();
    for qubit in (0..qubits).step_by(2) {
        circuit.x(qubit).unwrap();
    }
    for target in (0..qubits).rev() {
        circuit.h(target).unwrap();
        for control in (0..target).rev() {
            circuit
                .cp(PI / f64::from(1 << (target - control)), control, target)
                .unwrap();
        }
    }
    for qubit in 0..qubits / 2 {
        circuit.swap(qubit, qubits - 1 - qubit).unwrap();
    }
    circuit
}

/// Random gates on random pairs.
fn volume(qubits: usize, depth: usize) -> Circuit {
    let mut random = Random(7);
    let mut circuit = Circuit::new(qubits, 0).unwrap();
    for _ in 0..depth {
        let mut order: Vec<usize> = (0..qubits).collect();
        for last in (1..qubits).rev() {
            order.swap(last, (random.next() * (last + 1) as f64) as usize);
        }
        for pair in order.chunks_exact(2) {
            circuit.unitary(random.unitary(), pair).unwrap();
        }
    }
    circuit
}

struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Four random rows, made orthogonal one after the other.
    fn unitary(&mut self) -> Matrix {
        let mut rows: Vec<Vec<Complex64>> = Vec::new();
        while rows.len() < 4 {
            let mut row: Vec<Complex64> = (0..4)
                .map(|_| Complex64::new(self.next() - 0.5, self.next() - 0.5))
                .collect();
            for other in &rows {
                let overlap: Complex64 = row.iter().zip(other).map(|(x, y)| x * y.conj()).sum();
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= overlap * y);
            }
            let norm = row.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
            rows.push(row.iter().map(|x| x / norm).collect());
        }
        Matrix::new(rows.concat()).unwrap()
    }
}
