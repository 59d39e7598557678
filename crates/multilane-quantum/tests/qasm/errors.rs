//! What is refused: where, in which words, and with which advice.

use expect_test::{Expect, expect};
use multilane_quantum::qasm::Reader;

#[track_caller]
fn check(text: &str, expected: Expect) {
    let error = Reader::default()
        .limit(100_000)
        .read(text)
        .expect_err("the program is broken");
    expected.assert_eq(&format!("{error}\n{}\n", error.hint()));
}

const HEAD: &str = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[3] q; bit[3] c;\n";

#[track_caller]
fn check_3(statement: &str, expected: Expect) {
    check(&format!("{HEAD}{statement}"), expected);
}

#[test]
fn names_the_place_of_what_is_no_program() {
    check(
        "OPENQASM 2.0;\nqreg q[2]\nh q;",
        expect![[r#"
        line 3, column 1: expected `;`, found `h`
        write `;` here
    "#]],
    );
    check(
        "OPENQASM 4.0;",
        expect![[r#"
        line 1, column 10: OpenQASM 4 is not read here
        write `OPENQASM 2.0;` or `OPENQASM 3.0;`
    "#]],
    );
    check(
        "qubit q;\n  /* open",
        expect![[r#"
        line 2, column 3: the comment that starts here does not end
        close it with `*/`
    "#]],
    );
    check(
        "qubit é; é \u{1}",
        expect![[r#"
        line 1, column 12: `\u{1}` has no meaning here
        remove it, or put it into a comment
    "#]],
    );
    check(
        "include \"stdgates.inc\nx",
        expect![[r#"
        line 1, column 9: the text that starts here does not end
        close it with `"`
    "#]],
    );
    check(
        "qubit[2q] r;",
        expect![[r#"
        line 1, column 7: `2q` is not a number
        write digits, with at most one point and one exponent, below 2**128
    "#]],
    );
}

#[test]
fn names_what_is_unknown_and_what_is_near() {
    check(
        "OPENQASM 2.0; qreg q[1]; h q;",
        expect![[r#"
        line 1, column 26: no gate is called `h`
        `h` is in the library: write `include "qelib1.inc";`
    "#]],
    );
    check_3(
        "hh q;",
        expect![[r#"
        line 4, column 1: no gate is called `hh`
        did you mean `ch`?
    "#]],
    );
    check_3(
        "x r;",
        expect![[r#"
        line 4, column 3: no register is called `r`
        define the register before its first use
    "#]],
    );
    check_3(
        "rx(thta) q;",
        expect![[r#"
        line 4, column 4: no variable is called `thta`
        define the variable before its first use
    "#]],
    );
    check_3(
        "rx(sine(1)) q;",
        expect![[r#"
        line 4, column 4: no function is called `sine`
        did you mean `sin`?
    "#]],
    );
    check_3(
        "include \"mine.inc\";",
        expect![[r#"
        line 4, column 1: `mine.inc` cannot be included: no files are read here
        `qelib1.inc` and `stdgates.inc` are built in; for other files give the reader a resolver
    "#]],
    );
}

#[test]
fn refuses_operands_that_do_not_fit() {
    check_3(
        "cx q[0];",
        expect![[r#"
        line 4, column 1: `cx` takes 2 qubits, not 1
        give it 2 qubits
    "#]],
    );
    check_3(
        "rx q[0];",
        expect![[r#"
        line 4, column 1: `rx` takes 1 parameters, not 0
        give it 1 parameters
    "#]],
    );
    check_3(
        "x q[3];",
        expect![[r#"
        line 4, column 5: `q` has no element 3
        its elements are 0 to 2
    "#]],
    );
    check_3(
        "x c[0];",
        expect![[r#"
        line 4, column 3: `c` is a measured bit, and a qubit or a register of qubits is needed here
        name a qubit or a register of qubits
    "#]],
    );
    check_3(
        "cx q[1], q[1];",
        expect![[r#"
        line 4, column 1: `cx` gets the qubit `q[1]` twice
        give every argument a qubit of its own
    "#]],
    );
    check_3(
        "cx q, q[1];",
        expect![[r#"
        line 4, column 1: `cx` gets the qubit `q[1]` twice
        give every argument a qubit of its own
    "#]],
    );
    check_3(
        "cx q[0:1], q;",
        expect![[r#"
        line 4, column 1: `cx` is applied to registers of 2 and 3 elements
        use registers, or slices of them, of one length
    "#]],
    );
    check_3(
        "c[0:1] = measure q;",
        expect![[r#"
        line 4, column 1: `measure` is applied to registers of 3 and 2 elements
        use registers, or slices of them, of one length
    "#]],
    );
}

#[test]
fn refuses_definitions_that_do_not_hold() {
    check_3(
        "gate g a { g a; }",
        expect![[r#"
        line 4, column 12: `g` is used inside of its own definition
        write out what it stands for, without itself
    "#]],
    );
    check_3(
        "gate g a { x b; }",
        expect![[r#"
        line 4, column 14: no qubit is called `b`
        define the qubit before its first use
    "#]],
    );
    check_3(
        "gate g(t) a { rx(s) a; }",
        expect![[r#"
        line 4, column 18: no parameter is called `s`
        define the parameter before its first use
    "#]],
    );
    check_3(
        "gate g a { reset a; }",
        expect![[r#"
        line 4, column 12: a statement that is no gate has no place in a gate's body
        move it out, or use a subroutine (`def`)
    "#]],
    );
    check_3(
        "gate x a { }",
        expect![[r#"
        line 4, column 6: `x` is already defined
        choose another name: the language defines this one
    "#]],
    );
    check_3(
        "qubit q;",
        expect![[r#"
        line 4, column 7: `q` is already defined
        choose another name, or remove the definition in line 3
    "#]],
    );
    check(
        "OPENQASM 2.0; opaque magic a; qreg q[1]; magic q;",
        expect![[r#"
        line 1, column 42: `magic` is opaque: nothing says what it does
        define it with `gate magic ...`, or remove it
    "#]],
    );
}

#[test]
fn says_what_only_a_run_can_know() {
    check_3(
        "input float a; if (a > 1) x q[0];",
        expect![[r#"
        line 4, column 22: an input that `>` needs is not known before the circuit runs
        use a constant there, or compute it before the program is written
    "#]],
    );
    check_3(
        "c = measure q; for int i in [0:c] x q[i];",
        expect![[r#"
        line 4, column 32: a loop's end is not known before the circuit runs
        use a constant there, or compute it before the program is written
    "#]],
    );
    check_3(
        "while (c[0]) { c[0] = measure q[0]; }",
        expect![[r#"
        line 4, column 8: a `while` loop that depends on a measurement cannot be simulated
        repeat the body a fixed number of times, each under an `if`
    "#]],
    );
    check_3(
        "if (c[0]) { c[0] = measure q[0]; x q[0]; }",
        expect![[r#"
        line 4, column 34: a statement after its own condition was measured anew cannot be simulated
        measure into another bit, or put the statement before the measurement
    "#]],
    );
    check_3(
        "if (c[0] || c[1] && !(c[1] && c[2])) x q[0];",
        expect![[r#"
        line 4, column 10: this use of `||` on measured bits cannot be simulated
        a condition compares some bits with one value: split the `if` into several
    "#]],
    );
    check_3(
        "c = \"101\";",
        expect![[r#"
        line 4, column 1: an assignment to a bit of the circuit cannot be simulated
        measure into the bit, or compute with `int`, `uint` or `bool` variables
    "#]],
    );
    check_3(
        "bool b = c[0] && c[1]; c = measure q; if (b) x q[0];",
        expect![[r#"
        line 4, column 1: a copy of measured bits cannot be simulated
        use the measured bits themselves, or an alias of them (`let`)
    "#]],
    );
    check_3(
        "def f(bit b, qubit a) { b = measure a; } f(c[0], q[0]);",
        expect![[r#"
        line 4, column 25: a change of a parameter's own copy cannot be simulated
        return the outcome (`return measure ...`) and assign it where the call is
    "#]],
    );
}

#[test]
fn names_the_parts_of_the_language_that_are_left_out() {
    check_3(
        "defcal x $0 { play(); }",
        expect![[r#"
        line 4, column 1: calibration cannot be simulated
        remove it: gates do what their definitions say, not what pulses do
    "#]],
    );
    check_3(
        "array[int, 3] a;",
        expect![[r#"
        line 4, column 1: the type `array` cannot be simulated
        write each element as a constant of its own, or use a set in the loop
    "#]],
    );
    check_3(
        "extern f(int) -> int;",
        expect![[r#"
        line 4, column 1: an `extern` function cannot be simulated
        compute the value before the program is written
    "#]],
    );
    check_3(
        "complex z = 1 + 2im;",
        expect![[r#"
        line 4, column 1: the type `complex` cannot be simulated
        write real and imaginary parts as floats
    "#]],
    );
}

#[test]
fn refuses_arithmetic_without_a_result() {
    check_3(
        "rx(1/0) q;",
        expect![[r#"
        line 4, column 5: division by zero
        change the operands
    "#]],
    );
    check_3(
        "rx(sqrt(-1.0)) q;",
        expect![[r#"
        line 4, column 4: `sqrt` has no result for these values
        change the operands
    "#]],
    );
    check_3(
        "const int n = 2 ** 200;",
        expect![[r#"
        line 4, column 17: the whole number does not fit into 128 bits
        change the operands
    "#]],
    );
    check_3(
        "rx(1e999) q;",
        expect![[r#"
        line 4, column 4: `1e999` is not a number
        write digits, with at most one point and one exponent, below 2**128
    "#]],
    );
}

#[test]
fn stops_at_the_limits() {
    check_3(
        "for int i in [0:1000000000] x q[0];",
        expect![[r#"
        line 4, column 29: the circuit has more than 100000 instructions and steps when loops and gates are written out
        shorten the loops, or raise the `limit` of the reader
    "#]],
    );
    check_3(
        "while (true) {}",
        expect![[r#"
        line 4, column 8: the circuit has more than 100000 instructions and steps when loops and gates are written out
        shorten the loops, or raise the `limit` of the reader
    "#]],
    );
    check_3(
        "pow(1e18) @ y q[0];",
        expect![[r#"
        line 4, column 13: the circuit has more than 100000 instructions and steps when loops and gates are written out
        shorten the loops, or raise the `limit` of the reader
    "#]],
    );
    check_3(
        "def f(qubit a) { f(a); f(a); } f(q[0]);",
        expect![[r#"
        line 4, column 18: more than 150 levels inside each other
        split it into parts, with constants or gates of their own
    "#]],
    );
    check(
        "qubit[1 << 40] q;",
        expect![[r#"
        line 1, column 1: 1099511627776 qubits are more than the 1048576 a circuit can have
        change the operation
    "#]],
    );
    check(
        &format!("int a = {}1{};", "(".repeat(100_000), ")".repeat(100_000)),
        expect![[r#"
            line 1, column 208: more than 200 levels inside each other
            split it into parts, with constants or gates of their own
        "#]],
    );
}

#[test]
fn an_error_in_an_included_file_names_it() {
    let resolver = |name: &str| match name {
        "good.inc" => Ok("gate twice a { x a; x a; }".to_owned()),
        "bad.inc" => Ok("\n gate g a { nothing a; }".to_owned()),
        _ => Err("there is none".to_owned()),
    };
    let reader = Reader::default().resolver(&resolver);
    let read = |file: &str| reader.read(&format!("{HEAD}include \"{file}\"; twice q[0];"));
    assert_eq!(read("good.inc").unwrap().circuit.instructions().len(), 2);
    let error = read("bad.inc").unwrap_err();
    assert_eq!((error.file(), error.line(), error.column()), (Some("bad.inc"), 2, 13));
    let error = read("no.inc").unwrap_err();
    assert_eq!((error.file(), error.line()), (None, 4));
}
