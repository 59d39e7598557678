//! Gates one at a time on a live register, beside a plain loop in place; prints GB/s read and written.
//!
//! `cargo bench -p multilane-quantum --bench gates -- [qubits] [repeats] [lanes]`.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot run says so by panicking")]

use std::time::Instant;

use multilane_engine::lanes;
use multilane_plan::Lanes;
use multilane_quantum::{Complex64, Control, Gate, LiveRegister, Matrix, Options, Precision};

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let (qubits, repeats) = (numbers.next().unwrap_or(24), numbers.next().unwrap_or(7));
    let lanes = lanes::shared(numbers.next());
    let (low, middle, high) = (0, qubits / 2, qubits - 1);
    let u = || Gate::U(0.3.into(), 0.7.into(), 1.1.into());
    for precision in [Precision::F64, Precision::F32] {
        let bytes = precision.bytes() << qubits;
        let plain = in_place(bytes, repeats, lanes);
        println!("{}: {plain:.1} GB/s by a plain loop", precision.name());
        let mut register = LiveRegister::new(qubits, Options::with_precision(precision), 0).unwrap();
        let mut time = |name: &str, gate: Gate, controls: &[usize], targets: &[usize]| {
            let on: Vec<Control> = controls.iter().copied().map(Control::on).collect();
            let seconds = quickest_and_median(repeats, || {
                register
                    .gate(gate.clone(), on.clone(), targets.to_vec(), lanes)
                    .unwrap();
            });
            // Where a control above a cache line is 0, nothing is read.
            let moved = if controls.iter().any(|control| *control > 2) {
                bytes
            } else {
                2 * bytes
            };
            let rates = seconds.map(|seconds| moved as f64 / seconds / 1e9);
            println!(
                "  {name:<5} {controls:>4?} {targets:>8?}  {:6.1} GB/s, at best {:6.1}: {:.2}",
                rates[1],
                rates[0],
                rates[1] / plain
            );
        };
        for target in [low, 1, 2, 3, middle, high] {
            time("h", Gate::H, &[], &[target]);
            time("x", Gate::X, &[], &[target]);
            time("rz", Gate::Rz(0.3.into()), &[], &[target]);
            time("u", u(), &[], &[target]);
        }
        for (control, target) in [(low, 1), (low, high), (high, low), (middle, high)] {
            time("cx", Gate::X, &[control], &[target]);
            time("cp", Gate::P(0.3.into()), &[control], &[target]);
            time("cu", u(), &[control], &[target]);
            time("pair", Gate::Unitary(pair().into()), &[], &[control, target]);
            time("swap", Gate::Swap, &[], &[control, target]);
        }
    }
}

/// Seconds of the quickest and of the median run, after one that does not count.
fn quickest_and_median(runs: usize, mut work: impl FnMut()) -> [f64; 2] {
    work();
    let mut seconds: Vec<f64> = Vec::new();
    while seconds.len() < runs.max(1) {
        let started = Instant::now();
        work();
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    [seconds[0], seconds[seconds.len() / 2]]
}

/// Two turns of one qubit each, and their phases: a full complex matrix of two.
fn pair() -> Matrix {
    let one = |theta: f64, phi: f64| {
        let (sin, cos) = theta.sin_cos();
        let phase = Complex64::from_polar(1.0, phi);
        [cos.into(), -phase * sin, phase.conj() * sin, Complex64::from(cos)]
    };
    let (a, b) = (one(0.4, 0.9), one(1.1, 0.2));
    let element = |at: usize| a[at / 8 * 2 + at % 4 / 2] * b[at / 4 % 2 * 2 + at % 2];
    let elements: Vec<Complex64> = (0..16).map(element).collect();
    Matrix::new(elements).unwrap()
}

/// The bandwidth of a loop that multiplies numbers where they lie.
fn in_place(bytes: usize, repeats: usize, lanes: &dyn Lanes) -> f64 {
    const PIECE: usize = 1 << 18;
    let mut numbers = vec![0.0f64; bytes / 8];
    // As states have them.
    let (start, length) = (numbers.as_mut_ptr().cast(), bytes);
    // SAFETY: advice about the vector's own memory, most of which lies in whole pages.
    let _ = unsafe { rustix::mm::madvise(page(start), length - (4 << 10), rustix::mm::Advice::LinuxHugepage) };
    numbers.fill(1.0);
    let seconds = quickest_and_median(repeats, || {
        let pieces: Vec<_> = numbers.chunks_mut(PIECE).map(std::sync::Mutex::new).collect();
        lanes.run(pieces.len(), &|piece, _lane| {
            for number in pieces[piece].lock().unwrap().iter_mut() {
                *number *= 1.000_000_1;
            }
        });
    });
    2.0 * bytes as f64 / seconds[1] / 1e9
}

/// The first whole page.
fn page(start: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
    start.map_addr(|address| address.next_multiple_of(4 << 10))
}
