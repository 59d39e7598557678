//! Loop-invariant motion: text in, text out.

use expect_test::expect;
use multilane_plan::passes::hoist;

use crate::check;

#[test]
fn moves_what_does_not_change_out_of_all_loops() {
    check(
        hoist,
        "plan p(%x: f64[n], %s: f64) {
           %y, %i, %c = core.loop(%x) {count = 3} (%outer: f64[n]) {
             %z, %j, %d = core.loop(%outer) {count = 4} (%inner: f64[n]) {
               %two = core.constant 2.0
               %factor = core.mul(%s, %two)
               %shift = core.mul(%x, %factor)
               %scaled = core.mul(%outer, %factor)
               %sum = core.add(%inner, %shift)
               %next = core.sub(%sum, %scaled)
               yield %next
             }
             yield %z
           }
           return %y
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64) {
              %two: f64 = core.constant 2.0
              %factor: f64 = core.mul(%s, %two)
              %shift: f64[n] = core.mul(%x, %factor)
              %y: f64[n], %i: i64, %c: bool = core.loop(%x) {count = 3} (%outer: f64[n]) {
                %scaled: f64[n] = core.mul(%outer, %factor)
                %z: f64[n], %j: i64, %d: bool = core.loop(%outer) {count = 4} (%inner: f64[n]) {
                  %sum: f64[n] = core.add(%inner, %shift)
                  %next: f64[n] = core.sub(%sum, %scaled)
                  yield %next
                }
                yield %z
              }
              return %y
            }
        "#]],
    );
}

#[test]
fn leaves_effects_and_loops_that_never_run() {
    check(
        hoist,
        "plan p(%x: f64[n], %s: f64) {
           %y, %i, %c = core.loop(%x) {count = 3} (%z: f64[n]) {
             ring.show(%x)
             %next = core.neg(%z)
             yield %next
           }
           %w, %j, %d = core.loop(%x) {count = 0} (%v: f64[n]) {
             %least = core.reduce_min(%x)
             %after = core.mul(%v, %least)
             yield %after
           }
           return %y, %w
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64) {
              %y: f64[n], %i: i64, %c: bool = core.loop(%x) {count = 3} (%z: f64[n]) {
                ring.show(%x)
                %next: f64[n] = core.neg(%z)
                yield %next
              }
              %w: f64[n], %j: i64, %d: bool = core.loop(%x) {count = 0} (%v: f64[n]) {
                %least: f64 = core.reduce_min(%x)
                %after: f64[n] = core.mul(%v, %least)
                yield %after
              }
              return %y, %w
            }
        "#]],
    );
}

#[test]
fn leaves_arrays_of_one_number_where_arithmetic_makes_them_up() {
    check(
        hoist,
        "plan p(%x: f64[n], %s: f64) {
           %y, %i, %c = core.loop(%x) {count = 3} (%z: f64[n]) {
             %all: f64[n] = core.broadcast(%s)
             %a = core.add(%z, %all)
             %t = core.neg(%s)
             %needed: f64[n] = core.broadcast(%t)
             %b = ring.sum(%needed)
             %next = core.add(%a, %b)
             yield %next
           }
           return %y
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64) {
              %t: f64 = core.neg(%s)
              %needed: f64[n] = core.broadcast(%t)
              %b: f64[n] = ring.sum(%needed)
              %y: f64[n], %i: i64, %c: bool = core.loop(%x) {count = 3} (%z: f64[n]) {
                %all: f64[n] = core.broadcast(%s)
                %a: f64[n] = core.add(%z, %all)
                %next: f64[n] = core.add(%a, %b)
                yield %next
              }
              return %y
            }
        "#]],
    );
}
