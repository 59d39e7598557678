//! Constant folding: text in, text out.

use expect_test::expect;
use multilane_plan::passes::constant_fold;

use crate::check;

#[test]
fn computes_what_is_known() {
    check(
        constant_fold,
        "plan p(%x: f64[n]) {
           %a = core.constant 2.0
           %b = core.constant 3.0
           %c = core.mul(%a, %b)
           %d = core.lt(%a, %c)
           %e = core.where(%d, %c, %a)
           %y = core.add(%x, %e)
           return %y
         }",
        expect![[r#"
            plan p(%x: f64[n]) {
              %a: f64 = core.constant 2.0
              %b: f64 = core.constant 3.0
              %c: f64 = core.constant 6.0
              %d: bool = core.constant true
              %e: f64 = core.constant 6.0
              %y: f64[n] = core.add(%x, %e)
              return %y
            }
        "#]],
    );
}

#[test]
fn keeps_wrapping_and_the_sign_of_zero() {
    check(
        constant_fold,
        "plan p() {
           %most: i32 = core.constant 2147483647
           %one: i32 = core.constant 1
           %least = core.add(%most, %one)
           %zero = core.constant 0.0
           %below = core.neg(%zero)
           return %least, %below
         }",
        expect![[r#"
            plan p() {
              %most: i32 = core.constant 2147483647
              %one: i32 = core.constant 1
              %least: i32 = core.constant -2147483648
              %zero: f64 = core.constant 0.0
              %below: f64 = core.constant -0.0
              return %least, %below
            }
        "#]],
    );
}

#[test]
fn looks_into_loops_and_leaves_arrays_alone() {
    check(
        constant_fold,
        "plan p(%x: f64[n]) {
           %two = core.constant 2.0
           %y, %iterations, %converged = core.loop(%x) {count = 3} (%z: f64[n]) {
             %four = core.mul(%two, %two)
             %next = core.mul(%z, %four)
             yield %next
           }
           return %y
         }",
        expect![[r#"
            plan p(%x: f64[n]) {
              %two: f64 = core.constant 2.0
              %y: f64[n], %iterations: i64, %converged: bool = core.loop(%x) {count = 3} (%z: f64[n]) {
                %four: f64 = core.constant 4.0
                %next: f64[n] = core.mul(%z, %four)
                yield %next
              }
              return %y
            }
        "#]],
    );
}
