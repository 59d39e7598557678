//! No text makes a panic: programs that are cut, spliced and shuffled give a circuit or an error inside the text.

use multilane_quantum::qasm::{Reader, to_qasm2, to_qasm3};
use proptest::prelude::*;

/// Statements of both versions, to be mixed.
const PIECES: &[&str] = &[
    "OPENQASM 2.0;",
    "OPENQASM 3.0;",
    "include \"qelib1.inc\";",
    "include \"stdgates.inc\";",
    "qreg q[4];",
    "creg c[4];",
    "qubit[4] q;",
    "bit[4] c;",
    "bit b;",
    "qubit a;",
    "h q;",
    "cx q[0], q[1];",
    "x a;",
    "gate g(t) x, y { rz(t) x; ctrl @ h x, y; }",
    "g(pi / 3) q[0], q[1];",
    "inv @ pow(0.5) @ g(1) q[1], q[2];",
    "ctrl(2) @ negctrl @ x q;",
    "pow(1e9) @ x q;",
    "measure q -> c;",
    "c = measure q;",
    "if (c == 3) x q[0];",
    "if (c[0] && !c[1]) { y q; } else { z q; }",
    "for int i in [0:3] { rx(i * pi / 4) q[i]; }",
    "for int i in {3, 1, -1} x q[i];",
    "while (true) { x q; }",
    "int i = 3;",
    "i += 4;",
    "const float f = 1.5e3;",
    "input float t;",
    "rx(t ** 2 - sin(t)) q;",
    "let l = q[0:2:3] ++ q[1];",
    "x l;",
    "reset q;",
    "barrier;",
    "delay[10ns] q;",
    "box { x q; }",
    "def s(qubit z, int n) -> bit { h z; return measure z; }",
    "c[0] = s(q[0], 1);",
    "switch (c) { case 1 { x q; } default { y q; } }",
    "bit[4] k = \"0110\";",
    "if (k[1]) x q[0];",
    "end;",
    "cx $0, $1;",
    "defcal x $0 { }",
    "gphase(1.0);",
    "swap q[0], q[3];",
    "u3(1,2,3) q[0];",
    "break;",
    "uint[8] w = 300;",
    "x q[w];",
    "opaque o a;",
    "o q[0];",
    "nop q;",
    "c = \"0000\";",
    "rx(((((1))))) q;",
    "@a b\n",
    "/* c */ // d\n",
    "array[int, 2] y;",
];

const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ";",
    ",",
    ":",
    "->",
    "=",
    "==",
    "**",
    "+",
    "-",
    "!",
    "~",
    "@",
    "q",
    "c",
    "0",
    "1",
    "9999999999999999999999999999999999999999",
    "1e308",
    "-1",
    "pi",
    "\"01\"",
    "if",
    "for",
    "in",
    "int",
    "gate",
    "ctrl",
    "measure",
    "$0",
    "é",
    "\u{0}",
    "\"",
    "/*",
    "0x",
    "1ns",
    "im",
    "let",
    "const",
    "def",
    "return",
];

fn try_text(text: &str) {
    match Reader::default().limit(2_000).read(text) {
        Ok(program) => {
            if let Ok(again) = to_qasm3(&program.circuit) {
                assert!(Reader::default().limit(100_000).read(&again).is_ok(), "{again}");
            }
            if let Ok(again) = to_qasm2(&program.circuit) {
                let read = Reader::default()
                    .limit(100_000)
                    .read(&again)
                    .expect("what is written can be read");
                assert_eq!(read.circuit, program.circuit);
            }
        }
        Err(error) => {
            let lines = text.split('\n').count() as u32;
            let line = text.split('\n').nth(error.line() as usize - 1);
            assert!((1..=lines).contains(&error.line()), "{error}");
            let characters = line.map_or(0, |line| line.chars().count()) as u32;
            assert!((1..=characters + 1).contains(&error.column()), "{error} in {text:?}");
            assert!(!error.hint().is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn mixed_statements(pieces in proptest::collection::vec(0..PIECES.len(), 0..25)) {
        let text: Vec<&str> = pieces.into_iter().map(|at| PIECES[at]).collect();
        try_text(&text.join("\n"));
    }

    #[test]
    fn broken_statements(
        pieces in proptest::collection::vec(0..PIECES.len(), 1..15),
        breaks in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_u8, 0..WORDS.len()), 1..6),
    ) {
        let text: Vec<&str> = pieces.into_iter().map(|at| PIECES[at]).collect();
        let mut letters: Vec<char> = text.join("\n").chars().collect();
        for (at, what, word) in breaks {
            let at = at.index(letters.len() + 1);
            match what {
                0 if at < letters.len() => { letters.remove(at); }
                1 => letters.truncate(at),
                2 if at < letters.len() => letters[at] = WORDS[word].chars().next().unwrap_or(' '),
                _ => { letters.splice(at..at, WORDS[word].chars()); }
            }
        }
        try_text(&letters.into_iter().collect::<String>());
    }

    #[test]
    fn any_text(text in ".{0,80}") {
        try_text(&text);
        try_text(&format!("OPENQASM 2.0;{text}"));
    }
}

#[test]
fn deep_and_doubling_programs_end() {
    let repeated = |open: &str, inner: &str, close: &str| {
        format!(
            "qubit q; int a = 1; {}{inner}{}",
            open.repeat(50_000),
            close.repeat(50_000)
        )
    };
    for text in [
        repeated("{", "", "}"),
        repeated("if (true) ", "U(0,0,0) q;", ""),
        repeated("for int i in [0:1] ", "U(0,0,0) q;", ""),
        repeated("a = -", "1;", ""),
        format!("int a = {}1;", "-".repeat(100_000)),
        format!("int a = {}1;", "1 ** ".repeat(100_000)),
        format!("int a = {}1;", "int[".repeat(100_000)),
        format!("qubit q; {}U(0,0,0) q;", "inv @ ".repeat(100_000)),
        format!("qubit[2] q; U(0,0,0) q{};", "[0]".repeat(100_000)),
    ] {
        try_text(&text);
    }
    // A sum may be long; its depth is one.
    let sum = format!("qubit q; U(0, 0, {}1) q;", "1 + ".repeat(100_000));
    assert!(Reader::default().read(&sum).is_ok());
    let late = format!("input float t; qubit q; U(0, 0, {}t) q;", "t + ".repeat(100_000));
    try_text(&late);
    // Gates, parameters and aliases that double at each step.
    let mut gates = String::from("gate g0(t) a { U(0, 0, t) a; }\n");
    let mut aliases = String::from("qubit[2] q0;\n");
    for step in 1..50 {
        let before = step - 1;
        gates += &format!("gate g{step}(t) a {{ g{before}(t + t) a; inv @ g{before}(t) a; }}\n");
        aliases += &format!("let q{step} = q{before} ++ q{before};\n");
    }
    try_text(&format!("{gates} input float s; qubit q; g49(s) q;"));
    try_text(&format!("{gates} qubit q; g49(1.0) q;"));
    try_text(&aliases);
    let mut chain = String::from("gate g0 a { U(0, 0, 0) a; }\n");
    for step in 1..3000 {
        chain += &format!("gate g{step} a {{ g{} a; }}\n", step - 1);
    }
    try_text(&chain);
}

#[test]
fn a_file_that_includes_itself_ends() {
    let resolver = |_: &str| Ok("include \"a\"; include \"a\";".to_owned());
    assert!(Reader::default().resolver(&resolver).read("include \"a\";").is_err());
}
