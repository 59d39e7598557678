//! A GHZ state on all processors, from Rust: `cargo run --release --example ghz -- [qubits] [lanes]`.
//!
//! Prints the median time of a run and what the state holds.

use std::time::Instant;

use multilane_engine::lanes::shared;
use multilane_quantum::{Circuit, Options, Program, QuantumError, State};

fn main() -> Result<(), QuantumError> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let qubits = numbers.next().unwrap_or(20);
    let lanes = shared(numbers.next());

    let mut circuit = Circuit::new(qubits, 0)?;
    circuit.h(0)?;
    for qubit in 1..qubits {
        circuit.cx(qubit - 1, qubit)?;
    }
    let program = Program::new(&circuit, &Options::default())?;

    let mut state = program.run(lanes)?;
    let mut seconds = Vec::new();
    let begun = Instant::now();
    while seconds.len() < 20 || begun.elapsed().as_secs() < 2 {
        // The memory of the last state is there for the next one, as it is for a program in Python.
        drop(state);
        let start = Instant::now();
        state = program.run(lanes)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "GHZ-{qubits}: median {:.6} s of {} runs",
        seconds[seconds.len() / 2],
        seconds.len()
    );
    if let State::F64(register) = &state {
        let amplitudes = register.amplitudes();
        println!(
            "first amplitude {}, last {}",
            amplitudes[0],
            amplitudes[amplitudes.len() - 1]
        );
    }
    Ok(())
}
