//! What cannot be read is named with its line and, where one is known, a way out.

use expect_test::{Expect, expect};
use multilane_petri::{PetriError, parse_net, protocol::Protocol};

fn told(error: &PetriError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

#[track_caller]
fn refuses(texts: &[&str], expect: Expect) {
    let said: Vec<String> = texts
        .iter()
        .map(|text| told(&Protocol::parse(text).and_then(|protocol| protocol.net()).unwrap_err()))
        .collect();
    expect.assert_eq(&said.join("\n"));
}

#[test]
fn protocols() {
    refuses(
        &[
            "",
            "lock a\nthread one: acquire b",
            "lock accounts\nthread one: acquire acounts",
            "channel c\nthread one: acquire c",
            "lock a\nthread one: aquire a",
            "lock a\nlock a\nthread one: skip",
            "thread one\n",
            "thread one:",
            "thread one: break",
            "thread one:\n    loop: skip",
            "thread one:\n    end\n    do work",
            "thread one:\n  do a\n    do b",
            "channel c[0]\nthread one: send c",
            "channel c\nthread one: each c: skip",
            "semaphore s\nthread one: acquire s",
            "condition c\nthread one: wait c",
            "condition c of m\nthread one: wait c",
            "thread one: else: skip",
            "thread one: maybe: skip",
            "thread one: repeat 1000: repeat 1000: do work",
            "lock a\nthread one: acquire a 2",
            "thread one: join two",
            "fair event e",
            "mutex a",
            "thread one x 0: skip",
        ],
        expect![[r#"
            the protocol has no thread
            line 2: no lock is called `b`; declare the lock in a line of its own first
            line 2: no lock is called `acounts`; did you mean `accounts`?
            line 2: `c` is a channel, not a lock
            line 2: no step is called `aquire`; steps are acquire, release, send, receive, close, set, clear, wait, notify, notify_all, enter, leave, join, do, skip, break and end
            line 2: `a` is declared in line 1 already
            line 1: the thread has no `:`; write `thread NAME:` and its steps
            line 1: nothing follows the `:`; write steps behind it, or indented below; `skip` does nothing
            line 1: `break` is in no loop; `end` ends the thread
            line 2: the loop does nothing
            line 3: the step is never reached; what is before it never goes on
            line 3: the line is not indented like the one before
            line 1: 0 items and a bound of 0 do not go together; a channel that hands over without room is a `rendezvous`
            line 2: `each` asks whether `c` is empty, which a Petri net cannot tell of a channel without a bound; give it one: `channel c[10]`
            line 1: the semaphore has no value; write `semaphore s = 1`
            line 1: the condition has no lock; write `condition c of LOCK`
            line 1: no lock is called `m`; declare the lock in a line of its own first
            line 1: `else` belongs to nothing; `else` follows `if` and `try`, `or` follows `choose` and `select`, in a line of its own
            line 1: `maybe:` opens no block; blocks are loop, repeat, with, each, if, while, until, choose, select and try
            line 1: the protocol has more than 20000 steps; repeat less often: a few times show the same
            line 2: a lock has one holder, and `acquire a 2` asks for 2; use a semaphore
            line 1: no thread is called `two`; declare the thread in a line of its own first
            line 1: no event is fair; locks, semaphores and channels can
            line 1: `mutex` declares nothing; a line starts with thread, daemon, lock, semaphore, channel, rendezvous, event, condition or section
            line 1: 0 is not between 1 and 1000"#]],
    );
}

#[test]
fn nets() {
    let said: Vec<String> = [
        "place 1a",
        "place a\nplace a",
        "place a = x",
        "go: a -> b",
        "place idle\ngo: idel ->",
        "place a\ngo a",
        "place a\ngo: a",
        "place a\ngo: 0 a ->",
        "place a\ngo: ->",
        "place a = 4294967295",
    ]
    .iter()
    .map(|text| told(&parse_net(text).unwrap_err()))
    .collect();
    expect![[r#"
        line 1: `1a` is not a name; names have letters, digits, `_`, `.` and `-`, and start with no digit
        line 2: place `a` is declared twice
        line 1: `x` is not a number of tokens; write digits
        line 1: no place is called `a`; declare the place in a line of its own first
        line 2: no place is called `idel`; did you mean `idle`?
        line 2: `go a` is neither a place nor a transition; write `place NAME = 1`, or `NAME: PLACE + PLACE -> PLACE`
        line 2: the transition has no `->`; write what it takes, `->`, and what it gives
        `go` moves 0 tokens; leave the place out
        `go` moves nothing
        line 1: `4294967295` is not a number of tokens; write digits"#]]
    .assert_eq(&said.join("\n"));
}
