//! The gates that the language and its two libraries define, as gates of a circuit.
//!
//! Held against the definitions in `stdgates.inc` and `qelib1.inc`, global phases of version 3 included: there, `U` is
//! the circuit's own gate times `exp(i theta / 2)`, and `u2` and `u3` have determinant one, unless the reader was told
//! of other phases.

use std::f64::consts::FRAC_PI_2;

use crate::qasm::Phases;
use crate::qasm::parse::Version;
use crate::{Angle, Gate};

/// One gate of a circuit inside a gate of a library.
pub(super) struct Piece {
    pub(super) gate: Gate,
    /// Which operands it acts on, controls first.
    pub(super) operands: &'static [usize],
    /// How many of them are controls.
    pub(super) controls: usize,
}

/// A gate that circuits have.
pub(super) struct Native {
    pub(super) name: &'static str,
    pub(super) parameters: usize,
    pub(super) qubits: usize,
    pub(super) pieces: fn(&[Angle]) -> Vec<Piece>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const OPERANDS: &[usize] = &[0, 1, 2, 3, 4];

fn piece(gate: Gate, controls: usize) -> Vec<Piece> {
    let operands = &OPERANDS[..controls + gate.targets()];
    vec![Piece {
        gate,
        operands,
        controls,
    }]
}

/// A gate of the circuit, with its name, its number of controls and how its angles make it.
macro_rules! native {
    ($name:literal, $controls:literal, $targets:literal, ($($angle:ident),*) => $gate:expr) => {
        Native {
            name: $name,
            parameters: <[&str]>::len(&[$(stringify!($angle)),*]),
            qubits: $controls + $targets,
            pieces: |angles| {
                let mut angles = angles.iter().cloned();
                $(let $angle = angles.next().unwrap_or(Angle::Number(0.0));)*
                debug_assert!(angles.next().is_none(), "the number of parameters is checked");
                piece($gate, $controls)
            },
        }
    };
}

fn half(angle: Angle) -> Angle {
    angle / 2.0.into()
}

/// A phase of everything and then a gate.
fn phased(phase: Angle, gate: Gate) -> Vec<Piece> {
    let mut pieces = piece(Gate::GlobalPhase(phase), 0);
    pieces.extend(piece(gate, 0));
    pieces
}

/// The language's own gate of version 2.
static U_OF_2: Native = native!("U", 0, 1, (a, b, c) => Gate::U(a, b, c));
/// The language's own gate of version 3.
static U_OF_3: Native = Native {
    name: "U",
    parameters: 3,
    qubits: 1,
    pieces: |angles| {
        let [theta, phi, lambda] = three(angles);
        phased(half(theta.clone()), Gate::U(theta, phi, lambda))
    },
};
/// The phase of version 3.
static GPHASE: Native = native!("gphase", 0, 0, (a) => Gate::GlobalPhase(a));

fn three(angles: &[Angle]) -> [Angle; 3] {
    [0, 1, 2].map(|at| angles.get(at).cloned().unwrap_or(Angle::Number(0.0)))
}

/// What both libraries have, with the same meaning.
static COMMON: [Native; 26] = [
    native!("p", 0, 1, (a) => Gate::P(a)),
    native!("x", 0, 1, () => Gate::X),
    native!("y", 0, 1, () => Gate::Y),
    native!("z", 0, 1, () => Gate::Z),
    native!("h", 0, 1, () => Gate::H),
    native!("s", 0, 1, () => Gate::S),
    native!("sdg", 0, 1, () => Gate::Sdg),
    native!("t", 0, 1, () => Gate::T),
    native!("tdg", 0, 1, () => Gate::Tdg),
    native!("sx", 0, 1, () => Gate::Sx),
    native!("rx", 0, 1, (a) => Gate::Rx(a)),
    native!("ry", 0, 1, (a) => Gate::Ry(a)),
    native!("rz", 0, 1, (a) => Gate::Rz(a)),
    native!("cx", 1, 1, () => Gate::X),
    native!("cy", 1, 1, () => Gate::Y),
    native!("cz", 1, 1, () => Gate::Z),
    native!("cp", 1, 1, (a) => Gate::P(a)),
    native!("crx", 1, 1, (a) => Gate::Rx(a)),
    native!("cry", 1, 1, (a) => Gate::Ry(a)),
    native!("crz", 1, 1, (a) => Gate::Rz(a)),
    native!("ch", 1, 1, () => Gate::H),
    native!("swap", 0, 2, () => Gate::Swap),
    native!("ccx", 2, 1, () => Gate::X),
    native!("cswap", 1, 2, () => Gate::Swap),
    native!("id", 0, 1, () => Gate::Id),
    native!("u1", 0, 1, (a) => Gate::P(a)),
];

/// The controlled gate with a phase of its control; both libraries have it.
static CU: Native = Native {
    name: "cu",
    parameters: 4,
    qubits: 2,
    pieces: |angles| {
        let [theta, phi, lambda] = three(angles);
        let gamma = angles.get(3).cloned().unwrap_or(Angle::Number(0.0));
        let mut pieces = piece(Gate::P(gamma), 0);
        pieces.extend(piece(Gate::U(theta, phi, lambda), 1));
        pieces
    },
};

static CX: Native = native!("CX", 1, 1, () => Gate::X);

/// What only `stdgates.inc` has.
static ONLY_3: [Native; 4] = [
    native!("phase", 0, 1, (a) => Gate::P(a)),
    native!("cphase", 1, 1, (a) => Gate::P(a)),
    Native {
        name: "u2",
        parameters: 2,
        qubits: 1,
        pieces: |angles| {
            let [phi, lambda, _] = three(angles);
            let phase = -half(phi.clone() + lambda.clone());
            phased(phase, Gate::U(FRAC_PI_2.into(), phi, lambda))
        },
    },
    Native {
        name: "u3",
        parameters: 3,
        qubits: 1,
        pieces: |angles| {
            let [theta, phi, lambda] = three(angles);
            let phase = -half(phi.clone() + lambda.clone());
            phased(phase, Gate::U(theta, phi, lambda))
        },
    },
];

/// What only `qelib1.inc` has.
static ONLY_2: [Native; 14] = [
    native!("u", 0, 1, (a, b, c) => Gate::U(a, b, c)),
    native!("u3", 0, 1, (a, b, c) => Gate::U(a, b, c)),
    native!("u2", 0, 1, (b, c) => Gate::u2(b, c)),
    native!("u0", 0, 1, (_a) => Gate::Id),
    native!("sxdg", 0, 1, () => Gate::Sxdg),
    native!("cu1", 1, 1, (a) => Gate::P(a)),
    native!("cu3", 1, 1, (a, b, c) => Gate::U(a, b, c)),
    native!("csx", 1, 1, () => Gate::Sx),
    native!("c3x", 3, 1, () => Gate::X),
    native!("c4x", 4, 1, () => Gate::X),
    native!("c3sqrtx", 3, 1, () => Gate::Sx),
    Native {
        name: "rzz",
        parameters: 1,
        qubits: 2,
        pieces: |angles| {
            let [theta, ..] = three(angles);
            vec![
                on(Gate::X, &[0, 1], 1),
                on(Gate::Rz(theta), &[1], 0),
                on(Gate::X, &[0, 1], 1),
            ]
        },
    },
    Native {
        name: "rxx",
        parameters: 1,
        qubits: 2,
        pieces: |angles| {
            let [theta, ..] = three(angles);
            vec![
                on(Gate::H, &[0], 0),
                on(Gate::H, &[1], 0),
                on(Gate::X, &[0, 1], 1),
                on(Gate::Rz(theta), &[1], 0),
                on(Gate::X, &[0, 1], 1),
                on(Gate::H, &[0], 0),
                on(Gate::H, &[1], 0),
            ]
        },
    },
    Native {
        name: "rccx",
        parameters: 0,
        qubits: 3,
        pieces: |_| relative("HT1t0T1tH", 2),
    },
];

/// The relative-phase X with three controls.
static RC3X: Native = Native {
    name: "rc3x",
    parameters: 0,
    qubits: 4,
    pieces: |_| relative("HT2tH0T1t0T1tHT2tH", 3),
};

fn on(gate: Gate, operands: &'static [usize], controls: usize) -> Piece {
    Piece {
        gate,
        operands,
        controls,
    }
}

/// H, T and their inverses on the last operand, between controlled X whose control is given; `H` stands for the
/// Hadamard, `T` and `t` for T and its inverse, a digit for the control.
fn relative(steps: &str, last: usize) -> Vec<Piece> {
    let alone = &OPERANDS[last..=last];
    let step = |step| match step {
        'H' => on(Gate::H, alone, 0),
        'T' => on(Gate::T, alone, 0),
        't' => on(Gate::Tdg, alone, 0),
        control => on(Gate::X, PAIRS[last - 2][control as usize - '0' as usize], 1),
    };
    steps.chars().map(step).collect()
}

/// A control and the last of three or four operands.
const PAIRS: [[&[usize]; 3]; 2] = [[&[0, 2], &[1, 2], &[2, 2]], [&[0, 3], &[1, 3], &[2, 3]]];

/// The gates of `qelib1.inc`.
pub(super) fn qelib1() -> impl Iterator<Item = &'static Native> {
    COMMON.iter().chain(&ONLY_2).chain([&CU, &RC3X])
}

/// The gates of `stdgates.inc`.
pub(super) fn stdgates(phases: Phases) -> impl Iterator<Item = &'static Native> {
    // Version 2 has `u2` and `u3` with the traditional phases.
    let first: &[Native] = match phases {
        Phases::Specification => &[],
        Phases::Traditional => &ONLY_2[1..3],
    };
    first.iter().chain(&COMMON).chain(&ONLY_3).chain([&CU, &CX])
}

/// The gates that need no library.
pub(super) fn builtin(version: Version, phases: Phases) -> [&'static Native; 2] {
    match (version, phases) {
        (Version::Two, _) => [&U_OF_2, &CX],
        (Version::Three, Phases::Specification) => [&U_OF_3, &GPHASE],
        (Version::Three, Phases::Traditional) => [&U_OF_2, &GPHASE],
    }
}

/// The library that has a gate of this name.
pub(super) fn library_of(name: &str, version: Version) -> Option<&'static str> {
    let (mut gates, file): (Box<dyn Iterator<Item = &Native>>, _) = match version {
        Version::Two => (Box::new(qelib1()), "qelib1.inc"),
        Version::Three => (Box::new(stdgates(Phases::Specification)), "stdgates.inc"),
    };
    gates.any(|native| native.name == name).then_some(file)
}
