//! Nets against answers that were counted by hand, and runs that are played again.

use expect_test::{Expect, expect};
use multilane_petri::{Failure, Kind, Limits, Net, PetriError, check, parse_net};
use proptest::prelude::*;

use crate::{net, report, said};

#[track_caller]
fn says(text: &str, expect: Expect) {
    expect.assert_eq(&said(&net(text)));
}

#[test]
fn a_net_in_five_lines() {
    says(
        "place free = 1, idle = 2, busy at most 1
         take: free + idle -> busy
         give: busy -> free + idle",
        expect![[r#"
            holds: no deadlock, nothing grows for ever, nobody is left out
            2 states and 2 steps between them
        "#]],
    );
}

#[test]
fn stops_grows_and_exceeds() {
    says(
        "place a = 1, b at most 1
         end a = 1
         move: a -> 2 b",
        expect![[r#"
            deadlock: after 1 step nobody can go on
              1. move
              move is not possible: a has 0 of 1 tokens
            exceeded: b has 2, and may have 1 at most
              1. move
            2 states and 1 step between them
        "#]],
    );
    says(
        "place a\nmake: -> a",
        expect![[r#"
        unbounded: a can grow for ever
          again and again:
            1. make
        2 states and 2 steps between them
    "#]],
    );
}

#[test]
fn many_tokens_and_many_markings() {
    let (_, long) = net("place a = 70000, b\nend b = 70000\nmove: a -> b");
    assert_eq!((long.markings, long.holds()), (70_001, Some(true)));
    let wide = parse_net("place a = 70000, b\nend b = 70000\nmove: a -> b").unwrap();
    let limits = Limits {
        markings: 10,
        starvation: true,
        go_on: &mut || true,
    };
    let some = check(&wide, limits).unwrap();
    assert_eq!((some.markings, some.holds()), (10, None));
    let stopped = check(
        &wide,
        Limits {
            markings: 10,
            starvation: true,
            go_on: &mut || false,
        },
    );
    assert_eq!(stopped, Err(PetriError::Stopped));
}

/// Plays the run of a failure with nothing but the definition of a step.
fn play(net: &Net, failure: &Failure) -> Vec<Vec<u64>> {
    let mut now: Vec<u64> = net.places.iter().map(|place| place.tokens.into()).collect();
    let mut seen = vec![now.clone()];
    for number in &failure.run.transitions {
        for weighted in &net.transitions[*number].takes {
            now[weighted.place] = now[weighted.place].checked_sub(weighted.count.into()).unwrap();
        }
        for weighted in &net.transitions[*number].gives {
            now[weighted.place] += u64::from(weighted.count);
        }
        seen.push(now.clone());
    }
    seen
}

fn nets() -> impl Strategy<Value = String> {
    let place = 0..4_usize;
    let side = prop::collection::vec((1..3_u32, place.clone()), 0..3);
    let transition = (any::<bool>(), side.clone(), side)
        .prop_filter("moves", |(_, takes, gives)| !takes.is_empty() || !gives.is_empty());
    let tokens = prop::collection::vec(0..3_u32, 4);
    (tokens, prop::collection::vec(transition, 1..5)).prop_map(|(tokens, transitions)| {
        let mut text = String::new();
        for (place, tokens) in tokens.iter().enumerate() {
            text += &format!("place p{place} = {tokens} at most 5\n");
        }
        for (number, (fair, takes, gives)) in transitions.iter().enumerate() {
            let side = |side: &[(u32, usize)]| {
                let parts: Vec<String> = side.iter().map(|(count, place)| format!("{count} p{place}")).collect();
                parts.join(" + ")
            };
            let fair = if *fair { "fair " } else { "" };
            text += &format!("{fair}t{number}: {} -> {}\n", side(takes), side(gives));
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_run_can_be_played_and_shows_what_it_says(text in nets()) {
        let net = parse_net(&text).unwrap();
        let report = report(&net);
        for failure in &report.failures {
            let markings = play(&net, failure);
            prop_assert_eq!(&markings, &failure.run.markings);
            let end = markings.last().unwrap();
            let possible = |transition: usize| {
                let mut needs = vec![0_u64; net.places.len()];
                for weighted in &net.transitions[transition].takes {
                    needs[weighted.place] += u64::from(weighted.count);
                }
                needs.iter().zip(end).all(|(need, tokens)| need <= tokens)
            };
            match &failure.kind {
                Kind::Deadlock => prop_assert!(!(0..net.transitions.len()).any(possible)),
                Kind::Exceeded(place) => prop_assert!(end[*place] > 5),
                Kind::Unbounded(places) => {
                    let before = &markings[failure.run.repeats_from.unwrap()];
                    prop_assert!(before.iter().zip(end).all(|(less, more)| less <= more));
                    prop_assert!(before != end);
                    for place in before.iter().zip(end).enumerate().filter(|(_, (less, more))| less < more) {
                        prop_assert!(places.contains(&place.0));
                    }
                }
                Kind::Starvation(process) => {
                    let first = failure.run.repeats_from.unwrap();
                    prop_assert_eq!(&markings[first], end);
                    let cycle = &failure.run.transitions[first..];
                    prop_assert!(!cycle.is_empty());
                    for transition in &net.processes[*process].transitions {
                        prop_assert!(!cycle.contains(transition));
                    }
                }
            }
        }
    }
}
