use expect_test::{Expect, expect};

use super::{parse, print};
use crate::{Plan, Registry};

const SMOOTH: &str = r#"plan smooth(%x: f64[n], %limit: f64) {
  %half: f64 = core.constant 0.5
  %y: f64[n], %iterations: i64, %converged: bool = core.loop(%x) {count = 20, until = true} (%old: f64[n]) {
    %new: f64[n] = core.mul(%old, %half)
    %size: f64 = core.norm(%new) {ord = "l2"} at "smooth.py":7
    %small: bool = core.lt(%size, %limit)
    yield %new, %small
  }
  return %y, rounds = %iterations
}
"#;

#[track_caller]
fn round_trip(text: &str) -> Plan {
    let plan = parse(text, &Registry::core()).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let again = parse(&print(&plan), &Registry::core()).unwrap();
    assert_eq!(again, plan);
    assert_eq!(plan.compacted(), plan);
    plan
}

#[track_caller]
fn check_errors(text: &str, expect: Expect) {
    let errors = parse(text, &Registry::core()).unwrap_err();
    let lines: Vec<String> = errors.iter().map(|error| error.report() + "\n").collect();
    expect.assert_eq(&lines.concat());
}

#[test]
fn prints_what_it_reads() {
    assert_eq!(round_trip(SMOOTH).to_string(), SMOOTH);
}

#[test]
fn types_comments_and_order_of_sizes_may_be_left_out() {
    let plan = round_trip(
        "plan p(%x: i32[n], graph = %g: graph<nodes, edges>) { // a comment\n  %y = core.add(%x, %x)\n %c = core.constant 3\n return %y, c = %c }",
    );
    expect![[r#"
        plan p(%x: i32[n], graph = %g: graph<nodes, edges>) {
          %y: i32[n] = core.add(%x, %x)
          %c: i64 = core.constant 3
          return %y, %c
        }
    "#]]
    .assert_eq(&plan.to_string());
    let plan = round_trip("plan p(%x: i32[n], %y: bool[m]) {\n  sizes m, spare, n\n  return %x\n}");
    assert_eq!(plan.dims, ["m", "spare", "n"]);
    assert!(plan.to_string().contains("sizes m, spare, n"));
}

#[test]
fn names_of_any_kind_come_back() {
    let text = r#"plan "a plan"("the input" = %0: f64["a size"]) {
  %"a \"value\"\n": f64["a size"] = core.neg(%0)
  %"a \"value\"\n".1: f64["a size"] = core.neg(%"a \"value\"\n")
  %x: f64["a size"] = core.neg(%0)
  %x.1: f64["a size"] = core.neg(%x)
  return %x, second = %x.1, third = %"a \"value\"\n".1
}
"#;
    let plan = round_trip(text);
    assert_eq!(plan.to_string(), text);
    assert_eq!(plan.values[2].name.as_deref(), Some("a \"value\"\n"));
    assert_eq!(plan.values[4].name.as_deref(), Some("x"));
    assert_eq!(plan.values[0].name, None);
}

#[test]
fn floats_come_back_to_the_last_bit() {
    let text = "plan p() {
  %a: f64 = core.constant nan
  %b: f64 = core.constant nan(0xfff8000000000001)
  %c: f32 = core.constant nan(0x7fc00001)
  %d: f64 = core.constant -inf
  %e: f64 = core.constant -0.0
  %f: f32 = core.constant 0.1
  %g: f64 = core.constant 5e-324
  %h: f64 = core.constant 1.7976931348623157e308
  %i: i32 = core.constant -2147483648
  %j: bool = core.constant true
  return %a, %b, %c, %d, %e, %f, %g, %h, %i, %j
}
";
    assert_eq!(print(&parse(text, &Registry::core()).unwrap()), text);
}

#[test]
fn reports_every_line_that_cannot_be_read() {
    check_errors(
        "plan p(%x: f64[n]) {
  %a = core.add(%x, %y)
  %b = core.mul(%a %x)
  %c: f65 = core.neg(%x)
  %d = core.sqr(%x)
  %e = core.loop(%x) {count = 3} (%p: f64[n]) {
    %f = core.neg(%p) $
    yield %q
  }
  %x = core.neg(%x)
  %g: i32 = core.constant 3000000000
  return %c, \"open
}",
        expect![[r#"
            error: line 2, column 21: nothing above writes `%y`
            error: line 3, column 20: expected `)`, found `%x`
            error: line 4, column 7: `f65` is no element type; there are bool, i32, i64, f32 and f64
            error: line 5, column 8: no operation is called `core.sqr`; did you mean `core.sqrt`?
            error: line 6, column 8: `core.loop` carries 1 values and must yield 1, not 0
            error: line 7, column 23: `$` has no meaning here
            error: line 8, column 11: nothing above writes `%q`
            error: line 10, column 3: `%x` is written a second time
            error: line 11, column 27: `3000000000` is no i32
            error: line 12, column 14: the text has no end on this line
            error: line 13, column 1: expected a value such as `%x`, found `}`
        "#]],
    );
}

#[test]
fn reports_what_does_not_hold_together_at_its_line() {
    check_errors(
        "plan p(%x: f64[n], %y: i64[n]) {
  %a: f64[n] = core.add(%x, %y)
  %b: i64[n] = core.neg(%x)
  %c: f64[n] = core.loop(%x) {count = 2} (%p: f64[n]) {
    %d: bool[n] = core.not(%p)
    yield %d
  }
  %e: f64[m] = core.sqr(%p) at \"app.py\":3
  return %a
}",
        expect![[r#"
            error at <text>:2: `core.add` needs operands of one type, and `x` is f64 where `y` is i64
              hint: cast one of them
            error at <text>:3: `core.neg` makes f64[n], and `b` is declared as i64[n]
            error at <text>:5: `core.not` needs truth values, not f64
              hint: compare them with something
            error at app.py:3: `core.sqr` reads `p`, which belongs to a region that has ended
              hint: carry it through the loop, and read the loop's result
            error at app.py:3: no operation is called `core.sqr`
              hint: did you mean `core.sqrt`?
        "#]],
    );
}

#[test]
fn regions_go_as_deep_as_plans_do() {
    let deep = |depth: usize| {
        let mut text = "plan p(%x: f64) {\n".to_owned();
        for level in 0..depth {
            text += &format!("%r{level}, %i{level}, %c{level} = core.loop(%x) {{count = 1}} (%p{level}: f64) {{\n");
        }
        for level in (0..depth).rev() {
            text += &format!("yield %p{level}\n}}\n");
        }
        text + "return %x }"
    };
    round_trip(&deep(crate::MAX_NESTING));
    let errors = parse(&deep(10_000), &Registry::core()).unwrap_err();
    assert!(errors[0].to_string().contains("no deeper"), "{}", errors[0]);
}
