//! The default pipeline and its explanation.

use expect_test::expect;
use multilane_plan::passes::{DEFAULT, explain, optimize};

use crate::{dialect, read};

#[test]
fn explains_what_was_gained() {
    let mut plan = read(
        "plan rank(%rank: f64[n], %degree: f64[n], %base: f64) {
           %y, %i, %c = core.loop(%rank) {count = 20} (%old: f64[n]) {
             %one = core.constant 1.0
             %inverse = core.div(%one, %degree)
             %share = core.mul(%old, %inverse)
             %arriving = ring.sum(%share)
             %damping = core.constant 0.85
             %damped = core.mul(%arriving, %damping)
             %new = core.add(%damped, %base)
             yield %new
           }
           return %y
         }",
    );
    let before = plan.clone();
    let report = optimize(&mut plan, &dialect::registry(), DEFAULT).unwrap();
    expect![[r#"
        === Before: 5 operations, 5 passes over memory (0 fused), moving 88 B per element of n, buffers 16 B per element of n ===
        plan rank(%rank: f64[n], %degree: f64[n], %base: f64) {
          %y: f64[n], %i: i64, %c: bool = core.loop(%rank) {count = 20} (%old: f64[n]) {
            %one: f64 = core.constant 1.0
            %inverse: f64[n] = core.div(%one, %degree)
            %share: f64[n] = core.mul(%old, %inverse)
            %arriving: f64[n] = ring.sum(%share)
            %damping: f64 = core.constant 0.85
            %damped: f64[n] = core.mul(%arriving, %damping)
            %new: f64[n] = core.add(%damped, %base)
            yield %new
          }
          return %y
        }

        === Passes ===
        constant_fold     0 changed, 5 operations left
        simplify          0 changed, 5 operations left
        cse               0 changed, 5 operations left
        hoist             3 changed, 5 operations left
        cse               0 changed, 5 operations left
        fuse              3 changed, 5 operations left
        dce               0 changed, 5 operations left

        === After: 5 operations, 3 passes over memory (1 fused), moving 56 B per element of n, buffers 24 B per element of n ===
        plan rank(%rank: f64[n], %degree: f64[n], %base: f64) {
          %one: f64 = core.constant 1.0
          %damping: f64 = core.constant 0.85
          %inverse: f64[n] = core.div(%one, %degree)
          %y: f64[n], %i: i64, %c: bool = core.loop(%rank) {count = 20} (%old: f64[n]) {
            %share: f64[n] = core.mul(%old, %inverse)
            %new: f64[n] = core.fused(%share, %damping, %base) (%share.1: f64[n], %damping.1: f64, %base.1: f64) {
              %arriving: f64[n] = ring.sum(%share.1)
              %damped: f64[n] = core.mul(%arriving, %damping.1)
              %new.1: f64[n] = core.add(%damped, %base.1)
              yield %new.1
            }
            yield %new
          }
          return %y
        }
    "#]]
    .assert_eq(&explain(&before, &plan, &report));
}

#[test]
fn an_unknown_pass_changes_nothing() {
    let mut plan = read("plan p(%x: f64[n]) { %a = core.neg(%x) return %x }");
    let before = plan.clone();
    let problem = optimize(&mut plan, &dialect::registry(), &["dce", "fuze"]).unwrap_err();
    expect![[r#"
        error: no pass is called `fuze`
          hint: did you mean `fuse`?"#]]
    .assert_eq(&problem.report());
    assert_eq!(plan, before);
}
