//! Common subexpressions: text in, text out.

use expect_test::expect;
use multilane_plan::passes::cse;

use crate::check;

#[test]
fn computes_once() {
    check(
        cse,
        "plan p(%x: f64[n], %z: f64[n]) {
           %a = core.add(%x, %z)
           %b = core.add(%z, %x)
           %c = core.mul(%a, %b)
           return %c
         }",
        expect![[r#"
            plan p(%x: f64[n], %z: f64[n]) {
              %a: f64[n] = core.add(%x, %z)
              %c: f64[n] = core.mul(%a, %a)
              return %c
            }
        "#]],
    );
}

#[test]
fn the_order_of_operands_matters_unless_the_operation_commutes() {
    check(
        cse,
        "plan p(%x: f64[n], %y: f64[n]) {
           %two = core.constant 2.0
           %a = core.sub(%y, %x)
           %b = core.sub(%x, %y)
           %c = core.mul(%a, %two)
           %d = core.mul(%b, %two)
           %small = core.min(%x, %y)
           %other = core.min(%y, %x)
           return %c, %d, %small, %other
         }",
        expect![[r#"
            plan p(%x: f64[n], %y: f64[n]) {
              %two: f64 = core.constant 2.0
              %a: f64[n] = core.sub(%y, %x)
              %b: f64[n] = core.sub(%x, %y)
              %c: f64[n] = core.mul(%a, %two)
              %d: f64[n] = core.mul(%b, %two)
              %small: f64[n] = core.min(%x, %y)
              %other: f64[n] = core.min(%y, %x)
              return %c, %d, %small, %other
            }
        "#]],
    );
}

#[test]
fn attributes_and_types_belong_to_what_is_computed() {
    check(
        cse,
        "plan p(%x: f64[n], %s: f64, %w: f64[m]) {
           %a = core.cast(%x) {to = f32}
           %b = core.cast(%x) {to = i32}
           %c = core.cast(%x) {to = f32}
           %d: f64[n] = core.broadcast(%s)
           %e: f64[m] = core.broadcast(%s)
           return %a, %b, %c, %d, %e
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64, %w: f64[m]) {
              %a: f32[n] = core.cast(%x) {to = f32}
              %b: i32[n] = core.cast(%x) {to = i32}
              %d: f64[n] = core.broadcast(%s)
              %e: f64[m] = core.broadcast(%s)
              return %a, %b, c = %a, %d, %e
            }
        "#]],
    );
}

#[test]
fn loops_see_what_is_around_them_and_not_the_other_way_round() {
    check(
        cse,
        "plan p(%x: f64[n], %s: f64) {
           %a = core.mul(%x, %s)
           %y, %iterations, %converged = core.loop(%x) {count = 3} (%z: f64[n]) {
             %b = core.mul(%x, %s)
             %c = core.add(%x, %s)
             %d = core.add(%b, %c)
             %next = core.add(%z, %d)
             yield %next
           }
           %e = core.add(%x, %s)
           return %y, %a, %e
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64) {
              %a: f64[n] = core.mul(%x, %s)
              %y: f64[n], %iterations: i64, %converged: bool = core.loop(%x) {count = 3} (%z: f64[n]) {
                %c: f64[n] = core.add(%x, %s)
                %d: f64[n] = core.add(%a, %c)
                %next: f64[n] = core.add(%z, %d)
                yield %next
              }
              %e: f64[n] = core.add(%x, %s)
              return %y, %a, %e
            }
        "#]],
    );
}

#[test]
fn effects_happen_as_often_as_written() {
    check(
        cse,
        "plan p(%x: f64[n]) {
           ring.show(%x)
           ring.show(%x)
           return %x
         }",
        expect![[r#"
            plan p(%x: f64[n]) {
              ring.show(%x)
              ring.show(%x)
              return %x
            }
        "#]],
    );
}
