//! Identities: what each operation becomes, and which must stay.

use expect_test::expect;
use multilane_plan::passes::simplify;

use crate::{check, check_quietly};

/// The one operation that makes `%y` afterwards, or the value that is returned instead.
#[track_caller]
fn becomes(parameters: &str, ops: &str, expected: &str) {
    let (plan, _) = check_quietly(simplify, &format!("plan p({parameters}) {{\n{ops}\nreturn y = %y }}"));
    let text = plan.to_string();
    let label = plan.body.yields[0];
    let made = plan.body.ops.iter().position(|op| op.results.contains(&label));
    let line = match made {
        Some(index) => text
            .lines()
            .nth(index + 1)
            .unwrap()
            .split_once(" = ")
            .unwrap()
            .1
            .to_owned(),
        None => text.lines().rev().nth(1).unwrap().trim().to_owned(),
    };
    assert_eq!(line, expected, "{text}");
}

#[test]
fn drops_what_changes_no_number() {
    for (op, number) in [
        ("add", "-0.0"),
        ("sub", "0.0"),
        ("mul", "1.0"),
        ("div", "1.0"),
        ("pow", "1.0"),
    ] {
        let ops = format!("%c = core.constant {number}\n%y = core.{op}(%x, %c)");
        becomes("%x: f64[n]", &ops, "return y = %x");
    }
    becomes(
        "%x: i64[n]",
        "%c = core.constant 0\n%y = core.add(%c, %x)",
        "return y = %x",
    );
    becomes(
        "%x: i64[n]",
        "%c = core.constant 1\n%y = core.mul(%c, %x)",
        "return y = %x",
    );
}

#[test]
fn keeps_what_changes_some_number() {
    for (op, number) in [
        ("add", "0.0"),
        ("sub", "-0.0"),
        ("mul", "0.0"),
        ("pow", "0.5"),
        ("div", "3.0"),
    ] {
        let ops = format!("%c = core.constant {number}\n%y = core.{op}(%x, %c)");
        becomes("%x: f64[n]", &ops, &format!("core.{op}(%x, %c)"));
    }
    becomes("%x: f64[n]", "%y = core.sub(%x, %x)", "core.sub(%x, %x)");
    becomes("%x: f64[n]", "%y = core.eq(%x, %x)", "core.eq(%x, %x)");
    // Half of 2^-1074 and the like would round twice.
    becomes(
        "%x: f64[n]",
        "%c = core.constant 8.98846567431158e307\n%y = core.div(%x, %c)",
        "core.div(%x, %c)",
    );
}

#[test]
fn uses_cheaper_operations_that_round_the_same() {
    becomes(
        "%x: f64[n]",
        "%c = core.constant 2.0\n%y = core.pow(%x, %c)",
        "core.mul(%x, %x)",
    );
    becomes(
        "%x: i64[n]",
        "%c = core.constant 2\n%y = core.pow(%x, %c)",
        "core.mul(%x, %x)",
    );
    becomes(
        "%x: f64[n]",
        "%c = core.constant 8.0\n%y = core.div(%x, %c)",
        "core.mul(%x, %0)",
    );
    becomes(
        "%x: f64[n]",
        "%c = core.constant -1.0\n%y = core.mul(%c, %x)",
        "core.neg(%x)",
    );
    becomes(
        "%x: f64[n], %z: f64[n]",
        "%c = core.neg(%z)\n%y = core.add(%x, %c)",
        "core.sub(%x, %z)",
    );
    becomes(
        "%x: f64[n], %z: f64[n]",
        "%a = core.neg(%x)\n%b = core.neg(%z)\n%y = core.mul(%a, %b)",
        "core.mul(%x, %z)",
    );
}

#[test]
fn multiplies_integers_with_zero() {
    becomes(
        "%x: i64[n]",
        "%c = core.constant 0\n%y = core.mul(%x, %c)",
        "core.broadcast(%0)",
    );
    becomes(
        "%x: i64",
        "%c = core.constant 0\n%y = core.mul(%x, %c)",
        "core.constant 0",
    );
}

#[test]
fn undoes_pairs() {
    becomes("%x: f64[n]", "%a = core.neg(%x)\n%y = core.neg(%a)", "return y = %x");
    becomes("%x: bool[n]", "%a = core.not(%x)\n%y = core.not(%a)", "return y = %x");
    becomes("%x: f64[n]", "%a = core.neg(%x)\n%y = core.abs(%a)", "core.abs(%x)");
    becomes("%x: f64[n]", "%a = core.abs(%x)\n%y = core.abs(%a)", "core.abs(%x)");
}

#[test]
fn casts_directly_only_where_nothing_was_lost_between() {
    let twice = |from: &str, between: &str, to: &str, expected: &str| {
        let ops = format!("%a = core.cast(%x) {{to = {between}}}\n%y = core.cast(%a) {{to = {to}}}");
        becomes(&format!("%x: {from}[n]"), &ops, expected);
    };
    twice("f32", "f64", "f32", "return y = %x");
    twice("i32", "f64", "f32", "core.cast(%x) {to = f32}");
    twice("bool", "i32", "f64", "core.cast(%x) {to = f64}");
    twice("f64", "f32", "f64", "core.cast(%a) {to = f64}");
    twice("i64", "f64", "i64", "core.cast(%a) {to = i64}");
    twice("i32", "f32", "i32", "core.cast(%a) {to = i32}");
    becomes("%x: f64[n]", "%y = core.cast(%x) {to = f64}", "return y = %x");
}

#[test]
fn selects_when_the_condition_is_known() {
    let both = "%x: f64[n], %z: f64[n], %s: f64, %b: bool[n]";
    becomes(
        both,
        "%c = core.constant true\n%y = core.where(%c, %x, %z)",
        "return y = %x",
    );
    becomes(
        both,
        "%c = core.constant false\n%y = core.where(%c, %x, %z)",
        "return y = %z",
    );
    becomes(
        both,
        "%c = core.constant true\n%y = core.where(%c, %s, %z)",
        "core.broadcast(%s)",
    );
    becomes(both, "%y = core.where(%b, %z, %z)", "return y = %z");
    becomes(
        both,
        "%c = core.not(%b)\n%y = core.where(%c, %x, %z)",
        "core.where(%b, %z, %x)",
    );
}

#[test]
fn knows_truth_values() {
    let known = |op: &str, number: &str, expected: &str| {
        let ops = format!("%c = core.constant {number}\n%y = core.{op}(%x, %c)");
        becomes("%x: bool[n]", &ops, expected);
    };
    known("and", "true", "return y = %x");
    known("or", "false", "return y = %x");
    known("xor", "true", "core.not(%x)");
    known("and", "false", "core.broadcast(%0)");
    becomes("%x: f64[n]", "%y = core.lt(%x, %x)", "core.broadcast(%0)");
}

#[test]
fn reads_scalars_instead_of_arrays_made_of_them() {
    check(
        simplify,
        "plan p(%x: f64[n], %s: f64) {
           %all: f64[n] = core.broadcast(%s)
           %root = core.sqrt(%all)
           %y = core.mul(%x, %root)
           return %y
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64) {
              %all: f64[n] = core.broadcast(%s)
              %0: f64 = core.sqrt(%s)
              %root: f64[n] = core.broadcast(%0)
              %y: f64[n] = core.mul(%x, %0)
              return %y
            }
        "#]],
    );
}

#[test]
fn settles_what_loops_carry_unchanged_and_what_is_known_of_their_end() {
    check(
        simplify,
        "plan p(%x: f64[n], %s: f64) {
           %y, %t, %iterations, %converged = core.loop(%x, %s) {count = 3} (%z: f64[n], %same: f64) {
             %next = core.mul(%z, %same)
             yield %next, %same
           }
           %w, %never, %neither = core.loop(%y) {count = 0} (%v: f64[n]) {
             %after = core.neg(%v)
             yield %after
           }
           return %w, %t, %iterations, %never, %neither
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64) {
              %0: i64 = core.constant 3
              %y: f64[n], %iterations: i64, %converged: bool = core.loop(%x) {count = 3} (%z: f64[n]) {
                %next: f64[n] = core.mul(%z, %s)
                yield %next
              }
              %1: i64 = core.constant 0
              %2: bool = core.constant false
              return w = %y, t = %s, iterations = %0, never = %1, neither = %2
            }
        "#]],
    );
}
