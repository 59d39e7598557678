//! Dead code: text in, text out.

use expect_test::expect;
use multilane_plan::passes::{dce, fuse};

use crate::{check, dialect, read};

#[test]
fn removes_what_nobody_reads_and_keeps_effects() {
    check(
        dce,
        "plan p(%x: f64[n]) {
           %a = core.neg(%x)
           %b = core.sqrt(%a)
           %c = core.abs(%x)
           ring.show(%c)
           return %a
         }",
        expect![[r#"
            plan p(%x: f64[n]) {
              %a: f64[n] = core.neg(%x)
              %c: f64[n] = core.abs(%x)
              ring.show(%c)
              return %a
            }
        "#]],
    );
}

#[test]
fn stops_carrying_what_only_carries_itself() {
    check(
        dce,
        "plan p(%x: f64[n], %s: f64) {
           %y, %t, %u, %i, %c = core.loop(%x, %s, %s) {count = 9, until = true} (%z: f64[n], %a: f64, %b: f64) {
             %two = core.constant 2.0
             %next = core.mul(%z, %two)
             %more = core.mul(%a, %two)
             %limit = core.add(%b, %two)
             %done = core.gt(%limit, %s)
             yield %next, %more, %limit, %done
           }
           return %y
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64) {
              %y: f64[n], %u: f64, %i: i64, %c: bool = core.loop(%x, %s) {count = 9, until = true} (%z: f64[n], %b: f64) {
                %two: f64 = core.constant 2.0
                %next: f64[n] = core.mul(%z, %two)
                %limit: f64 = core.add(%b, %two)
                %done: bool = core.gt(%limit, %s)
                yield %next, %limit, %done
              }
              return %y
            }
        "#]],
    );
}

#[test]
fn removes_loops_nobody_reads() {
    check(
        dce,
        "plan p(%x: f64[n]) {
           %y, %i, %c = core.loop(%x) {count = 9} (%z: f64[n]) {
             %next = core.neg(%z)
             yield %next
           }
           return %x
         }",
        expect![[r#"
            plan p(%x: f64[n]) {
              return %x
            }
        "#]],
    );
}

#[test]
fn trims_fused_operations() {
    let mut plan = read(
        "plan p(%x: f64[n], %z: f64[n]) {
           %a = core.neg(%x)
           %b = core.mul(%x, %z)
           %c = core.add(%a, %x)
           return %b, %c
         }",
    );
    assert_eq!(fuse(&mut plan, &dialect::registry()), 3);
    plan.body.yields.remove(0);
    plan.outputs.remove(0);
    assert!(dce(&mut plan, &dialect::registry()) > 0);
    expect![[r#"
        plan p(%x: f64[n], %z: f64[n]) {
          %c: f64[n] = core.fused(%x) (%x.1: f64[n]) {
            %a: f64[n] = core.neg(%x.1)
            %c.1: f64[n] = core.add(%a, %x.1)
            yield %c.1
          }
          return %c
        }
    "#]]
    .assert_eq(&plan.to_string());
}
