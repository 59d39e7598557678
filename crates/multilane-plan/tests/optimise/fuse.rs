//! Fusion: text in, text out.

use expect_test::expect;
use multilane_plan::passes::fuse;

use crate::check;

#[test]
fn fuses_a_chain() {
    check(
        fuse,
        "plan p(%a: f64[n], %b: f64[n], %c: f64) {
           %d = core.mul(%a, %b)
           %e = core.add(%d, %c)
           %f = core.sin(%e)
           return %f
         }",
        expect![[r#"
            plan p(%a: f64[n], %b: f64[n], %c: f64) {
              %f: f64[n] = core.fused(%a, %b, %c) (%a.1: f64[n], %b.1: f64[n], %c.1: f64) {
                %d: f64[n] = core.mul(%a.1, %b.1)
                %e: f64[n] = core.add(%d, %c.1)
                %f.1: f64[n] = core.sin(%e)
                yield %f.1
              }
              return %f
            }
        "#]],
    );
}

#[test]
fn fuses_what_reads_the_same_array_and_nothing_else() {
    check(
        fuse,
        "plan p(%a: f64[n], %b: f64[n], %c: f64[n], %d: f64[m]) {
           %u = core.neg(%a)
           %v = core.abs(%b)
           %w = core.mul(%a, %a)
           %x = core.sqrt(%d)
           %y = core.sqrt(%b)
           %z = core.sqrt(%c)
           return %u, %v, %w, %x, %y, %z
         }",
        expect![[r#"
            plan p(%a: f64[n], %b: f64[n], %c: f64[n], %d: f64[m]) {
              %u: f64[n], %w: f64[n] = core.fused(%a) (%a.1: f64[n]) {
                %u.1: f64[n] = core.neg(%a.1)
                %w.1: f64[n] = core.mul(%a.1, %a.1)
                yield %u.1, %w.1
              }
              %v: f64[n], %y: f64[n] = core.fused(%b) (%b.1: f64[n]) {
                %v.1: f64[n] = core.abs(%b.1)
                %y.1: f64[n] = core.sqrt(%b.1)
                yield %v.1, %y.1
              }
              %z: f64[n] = core.sqrt(%c)
              %x: f64[m] = core.sqrt(%d)
              return %u, %v, %w, %x, %y, %z
            }
        "#]],
    );
}

#[test]
fn joins_branches_that_meet_later() {
    check(
        fuse,
        "plan p(%a: f64[n], %b: f64[n]) {
           %u = core.neg(%a)
           %v = core.sqrt(%b)
           %w = core.mul(%u, %v)
           return %w
         }",
        expect![[r#"
            plan p(%a: f64[n], %b: f64[n]) {
              %w: f64[n] = core.fused(%a, %b) (%a.1: f64[n], %b.1: f64[n]) {
                %u: f64[n] = core.neg(%a.1)
                %v: f64[n] = core.sqrt(%b.1)
                %w.1: f64[n] = core.mul(%u, %v)
                yield %w.1
              }
              return %w
            }
        "#]],
    );
}

#[test]
fn what_needs_a_reduction_runs_after_it() {
    check(
        fuse,
        "plan p(%x: f64[n], %y: f64[n]) {
           %a = core.mul(%x, %y)
           %total = core.sum(%a)
           %size = core.sqrt(%total)
           %b = core.div(%a, %size)
           %c = core.reduce_max(%b)
           return %b, %c
         }",
        expect![[r#"
            plan p(%x: f64[n], %y: f64[n]) {
              %a: f64[n], %total: f64 = core.fused(%x, %y) (%x.1: f64[n], %y.1: f64[n]) {
                %a.1: f64[n] = core.mul(%x.1, %y.1)
                %total.1: f64 = core.sum(%a.1)
                yield %a.1, %total.1
              }
              %size: f64 = core.sqrt(%total)
              %b: f64[n], %c: f64 = core.fused(%a, %size) (%a.2: f64[n], %size.1: f64) {
                %b.1: f64[n] = core.div(%a.2, %size.1)
                %c.1: f64 = core.reduce_max(%b.1)
                yield %b.1, %c.1
              }
              return %b, %c
            }
        "#]],
    );
}

#[test]
fn arithmetic_after_an_aggregation_joins_it_and_arithmetic_before_does_not() {
    check(
        fuse,
        "plan p(%rank: f64[n], %share: f64[n], %base: f64) {
           %contribution = core.mul(%rank, %share)
           %arriving = ring.sum(%contribution)
           %new = core.add(%arriving, %base)
           %change = core.sub(%new, %rank)
           %error = core.norm(%change) {ord = \"l1\"}
           return %new, %error
         }",
        expect![[r#"
            plan p(%rank: f64[n], %share: f64[n], %base: f64) {
              %contribution: f64[n] = core.mul(%rank, %share)
              %new: f64[n], %error: f64 = core.fused(%contribution, %base, %rank) (%contribution.1: f64[n], %base.1: f64, %rank.1: f64[n]) {
                %arriving: f64[n] = ring.sum(%contribution.1)
                %new.1: f64[n] = core.add(%arriving, %base.1)
                %change: f64[n] = core.sub(%new.1, %rank.1)
                %error.1: f64 = core.norm(%change) {ord = "l1"}
                yield %new.1, %error.1
              }
              return %new, %error
            }
        "#]],
    );
}

#[test]
fn work_for_a_later_pass_moves_there() {
    check(
        fuse,
        "plan p(%x: f64[n], %b: f64[n]) {
           %s = core.sum(%x)
           %y = core.exp(%b)
           %z = core.div(%y, %s)
           return %z
         }",
        expect![[r#"
            plan p(%x: f64[n], %b: f64[n]) {
              %s: f64 = core.sum(%x)
              %z: f64[n] = core.fused(%b, %s) (%b.1: f64[n], %s.1: f64) {
                %y: f64[n] = core.exp(%b.1)
                %z.1: f64[n] = core.div(%y, %s.1)
                yield %z.1
              }
              return %z
            }
        "#]],
    );
}

#[test]
fn nothing_is_fused_across_an_effect() {
    check(
        fuse,
        "plan p(%x: f64[n]) {
           %a = core.neg(%x)
           ring.show(%x)
           %b = core.sqrt(%a)
           %c = core.exp(%b)
           return %a, %c
         }",
        expect![[r#"
            plan p(%x: f64[n]) {
              %a: f64[n] = core.neg(%x)
              ring.show(%x)
              %c: f64[n] = core.fused(%a) (%a.1: f64[n]) {
                %b: f64[n] = core.sqrt(%a.1)
                %c.1: f64[n] = core.exp(%b)
                yield %c.1
              }
              return %a, %c
            }
        "#]],
    );
}

#[test]
fn whole_array_operations_stay_between_passes() {
    check(
        fuse,
        "plan p(%x: f64[n], %y: f64[n]) {
           %a = core.neg(%x)
           %b = ring.reverse(%a)
           %c = core.mul(%a, %y)
           %d = core.add(%b, %c)
           return %d
         }",
        expect![[r#"
            plan p(%x: f64[n], %y: f64[n]) {
              %a: f64[n] = core.neg(%x)
              %b: f64[n] = ring.reverse(%a)
              %d: f64[n] = core.fused(%a, %y, %b) (%a.1: f64[n], %y.1: f64[n], %b.1: f64[n]) {
                %c: f64[n] = core.mul(%a.1, %y.1)
                %d.1: f64[n] = core.add(%b.1, %c)
                yield %d.1
              }
              return %d
            }
        "#]],
    );
}

#[test]
fn loops_are_fused_inside() {
    check(
        fuse,
        "plan p(%x: f64[n], %s: f64) {
           %y, %i, %c = core.loop(%x) {count = 10, until = true} (%z: f64[n]) {
             %a = core.mul(%z, %s)
             %next = core.add(%a, %x)
             %change = core.sub(%next, %z)
             %error = core.norm(%change) {ord = \"max\"}
             %done = core.lt(%error, %s)
             yield %next, %done
           }
           return %y
         }",
        expect![[r#"
            plan p(%x: f64[n], %s: f64) {
              %y: f64[n], %i: i64, %c: bool = core.loop(%x) {count = 10, until = true} (%z: f64[n]) {
                %next: f64[n], %error: f64 = core.fused(%z, %s, %x) (%z.1: f64[n], %s.1: f64, %x.1: f64[n]) {
                  %a: f64[n] = core.mul(%z.1, %s.1)
                  %next.1: f64[n] = core.add(%a, %x.1)
                  %change: f64[n] = core.sub(%next.1, %z.1)
                  %error.1: f64 = core.norm(%change) {ord = "max"}
                  yield %next.1, %error.1
                }
                %done: bool = core.lt(%error, %s)
                yield %next, %done
              }
              return %y
            }
        "#]],
    );
}

#[test]
fn what_meets_no_array_of_its_size_stays_apart() {
    check(
        fuse,
        "plan p(%x: bool, %unread: f64[n]) {
           %a: bool[n] = core.broadcast(%x)
           %b = core.count(%a)
           return %b
         }",
        expect![[r#"
            plan p(%x: bool, %unread: f64[n]) {
              %a: bool[n] = core.broadcast(%x)
              %b: i64 = core.count(%a)
              return %b
            }
        "#]],
    );
}
