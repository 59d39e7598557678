//! Protocols: the failing run is the one a person would write down.

use expect_test::{Expect, expect};
use multilane_petri::{Kind, dot, svg};

use crate::{protocol, said};

#[track_caller]
fn fails(text: &str, expect: Expect) {
    let checked = protocol(text);
    assert_eq!(checked.1.holds(), Some(false));
    expect.assert_eq(&said(&checked));
}

#[track_caller]
fn holds(text: &str) {
    let checked = protocol(text);
    assert_eq!(checked.1.holds(), Some(true), "{}", said(&checked));
}

#[test]
fn two_locks_in_two_orders() {
    fails(
        "lock accounts, journal
         thread payer: acquire accounts; acquire journal; release journal; release accounts
         thread auditor: with journal: with accounts: do audit",
        expect![[r#"
            deadlock: after 2 steps nobody can go on
              1. payer: acquire accounts
              2. auditor: acquire journal
              payer waits to acquire journal: held by auditor
              auditor waits to acquire accounts: held by payer
            21 states and 24 steps between them
        "#]],
    );
    holds(
        "lock accounts, journal
         thread payer: acquire accounts; acquire journal; release journal; release accounts
         thread auditor: with accounts: with journal: do audit",
    );
}

#[test]
fn a_plain_lock_may_starve_and_a_fair_one_does_not() {
    let text = "lock door
         thread a: loop: with door: do work
         thread b: loop: with door: do work";
    fails(
        text,
        expect![[r#"
        starvation: a can be left waiting for ever while others go on
          again and again:
            1. b: acquire door
            2. b: do work
            3. b: release door
        starvation: b can be left waiting for ever while others go on
          again and again:
            1. a: acquire door
            2. a: do work
            3. a: release door
        5 states and 6 steps between them
    "#]],
    );
    holds(&format!("fair {}", text.trim_start()));
}

#[test]
fn some_threads_wait_for_each_other_while_another_goes_on() {
    fails(
        "lock a, b
         thread one: with a: with b: skip
         thread two: with b: with a: skip
         thread three: loop: do work",
        expect![[r#"
            starvation: one can be left waiting for ever while others go on
              1. one: acquire a
              2. two: acquire b
              again and again:
                3. three: do work
              one waits to acquire b: held by two
            starvation: two can be left waiting for ever while others go on
              1. one: acquire a
              2. two: acquire b
              again and again:
                3. three: do work
              two waits to acquire a: held by one
            19 states and 41 steps between them
        "#]],
    );
}

#[test]
fn a_queue_without_a_bound_grows() {
    let text = "
        channel jobs
        thread producer: loop: send jobs
        thread consumer: loop: receive jobs";
    fails(
        text,
        expect![[r#"
        unbounded: jobs can grow for ever
          again and again:
            1. producer: send jobs
        2 states and 3 steps between them
    "#]],
    );
    holds(&text.replace("jobs\n        thread p", "jobs[2]\n        thread p"));
}

#[test]
fn a_wake_up_that_is_lost() {
    fails(
        "
        lock m
        event ready
        condition changed of m
        thread waiter:
            if ready:
                skip
            else:
                acquire m
                wait changed
                release m
        thread signaller:
            acquire m
            set ready
            notify changed
            release m",
        expect![[r#"
            deadlock: after 7 steps nobody can go on
              1. waiter: see that ready is not set
              2. signaller: acquire m
              3. signaller: set ready
              4. signaller: notify changed, and nobody waits
              5. signaller: release m
              6. waiter: acquire m
              7. waiter: wait changed
              waiter waits for changed: nobody notifies it any more
            22 states and 25 steps between them
        "#]],
    );
    for notify in ["notify", "notify_all"] {
        holds(&format!(
            "
            lock m
            event ready
            condition changed of m
            thread waiter x 2:
                acquire m
                until ready: wait changed
                release m
            thread signaller:
                acquire m
                set ready
                {notify} changed
                {notify} changed
                release m"
        ));
    }
}

#[test]
fn two_threads_in_one_section() {
    fails(
        "section counter
         thread adder x 2: enter counter; do add; leave counter",
        expect![[r#"
            exceeded: counter has 2, and may have 1 at most
              1. adder.1: enter counter
              2. adder.2: enter counter
            16 states and 24 steps between them
        "#]],
    );
    holds(
        "section counter
         lock m
         thread adder x 2: with m: enter counter; do add; leave counter",
    );
}

#[test]
fn pipelines_end_when_their_channels_are_closed() {
    holds(
        "channel parsed[1], scored[2]
         thread read: repeat 3: send parsed
         thread shut: join read; close parsed
         thread score:
             each parsed: send scored
             close scored
         thread write: each scored: do write",
    );
    let forgot = protocol(
        "channel parsed[1]
         thread read: repeat 2: send parsed
         thread write: each parsed: do write
         thread never: if no: close parsed
         event no",
    );
    assert!(
        said(&forgot).contains("write waits to receive parsed: parsed is empty"),
        "{}",
        said(&forgot)
    );
}

#[test]
fn a_full_channel_in_a_cycle() {
    fails(
        "channel jobs[1], results[1]
         thread main:
             repeat 4: send jobs
             repeat 4: receive results
         daemon worker: loop: receive jobs; send results",
        expect![[r#"
            deadlock: after 6 steps nobody can go on
              1. main: send jobs
              2. worker: receive jobs
              3. main: send jobs
              4. worker: send results
              5. worker: receive jobs
              6. main: send jobs
              main waits to send jobs: jobs is full
            never happens: main: receive results
            8 states and 8 steps between them
        "#]],
    );
}

#[test]
fn meetings_tries_choices_and_ends() {
    holds(
        "rendezvous ask, answer
         thread client: repeat 2: send ask; receive answer
         daemon server: loop: receive ask; send answer",
    );
    let both = protocol(
        "rendezvous x, y
         thread a: send x; receive y
         thread b: send y; receive x",
    );
    assert!(matches!(both.1.failures[0].kind, Kind::Deadlock));
    assert!(
        said(&both).contains("a waits to send x: nobody is at the other side"),
        "{}",
        said(&both)
    );
    holds(
        "fair lock a, b
         thread one: with a: with b: skip
         thread two:
             loop:
                 acquire b
                 try acquire a: release a; release b; break
                 else: release b",
    );
    holds(
        "channel work[1], stop[1]
         thread boss:
             choose: send work
             or: skip
             send stop
         thread hand:
             loop:
                 select:
                     receive work
                 or:
                     receive stop
                     end",
    );
    holds("lock a\nthread one: loop: with a: break\nthread two: with a: end");
}

#[test]
fn what_was_never_released_and_what_is_not_held() {
    let forgets = protocol("lock a\nthread one: acquire a\nthread two: with a: skip");
    assert!(
        said(&forgets).contains("held by one, which has ended"),
        "{}",
        said(&forgets)
    );
    let steals = protocol("lock a\nthread one: release a");
    assert!(
        said(&steals).contains("one waits to release a: it does not hold a"),
        "{}",
        said(&steals)
    );
}

#[test]
fn philosophers() {
    let table = |count: usize, fair: &str, last: bool| {
        let mut text = String::new();
        for seat in 0..count {
            let (mut left, mut right) = (seat, (seat + 1) % count);
            if last && seat == count - 1 {
                std::mem::swap(&mut left, &mut right);
            }
            text += &format!(
                "{fair}lock fork{seat}\nthread philosopher{seat}: loop: with fork{left}: with fork{right}: do eat\n"
            );
        }
        text
    };
    let sits = protocol(&table(5, "fair ", false));
    assert!(matches!(sits.1.failures[0].kind, Kind::Deadlock));
    assert_eq!(sits.1.failures[0].run.transitions.len(), 5);
    assert_eq!(sits.1.failures.len(), 1);
    // As counted by a program of a dozen lines that knows forks and nothing of nets.
    assert_eq!((sits.1.markings, sits.1.steps), (572, 1970));
    holds(&table(5, "fair ", true));
}

#[test]
fn pictures_are_whole() {
    let (net, report) = protocol("lock a, b\nthread one: with a: with b: skip\nthread two: with b: with a: skip");
    let picture = svg(&net, &report.failures[0]);
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
    assert!(picture.contains("held by two"));
    let graph = dot(&net, Some(&report.failures[0].run));
    assert_eq!(graph.matches("color=red,").count(), 2);
}
