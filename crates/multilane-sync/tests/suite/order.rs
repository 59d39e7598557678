//! Locks taken in two orders are reported once, with both places.

use multilane_sync::{Caller, Inversion, Lock, Patience, Stop, Taken};

struct At(&'static str);

impl Caller for At {
    fn sleep(&mut self, asleep: &mut (dyn FnMut() + Send)) -> Result<(), Stop> {
        asleep();
        Ok(())
    }

    fn stack(&mut self) -> String {
        self.0.to_owned()
    }
}

fn named(name: &str) -> Lock {
    Lock::new(false, false, Some(name))
}

/// Takes locks one inside the other at a place; what was found at the last.
fn nest(locks: &[&Lock], place: &'static str) -> Option<Inversion> {
    let mut found = None;
    for lock in locks {
        let taken = lock.acquire(Patience::Forever, &mut At(place));
        found = match taken.expect("nobody else wants it") {
            Taken::AgainstOrder(inversion) => Some(*inversion),
            taken => {
                assert!(taken.is_held());
                None
            }
        };
    }
    for lock in locks {
        lock.release().expect("it was taken");
    }
    found
}

#[test]
fn both_orders_of_two_locks() {
    let (a, b) = (named("a"), named("b"));
    assert_eq!(nest(&[&a, &b], "first"), None);
    assert_eq!(nest(&[&a, &b], "again"), None);
    let found = nest(&[&b, &a], "second").unwrap();
    assert_eq!((found.held.as_str(), found.taken.as_str()), ("Lock `b`", "Lock `a`"));
    assert_eq!((found.stack.as_str(), found.stack_before.as_str()), ("second", "first"));
    assert_eq!(found.path, ["Lock `a`", "Lock `b`"]);
    assert_eq!(nest(&[&b, &a], "reported"), None);
}

#[test]
fn an_order_by_way_of_a_third_lock() {
    let (a, b, c) = (named("a"), named("b"), named("c"));
    assert_eq!(nest(&[&a, &b], "ab"), None);
    assert_eq!(nest(&[&b, &c], "bc"), None);
    let found = nest(&[&c, &a], "ca").unwrap();
    assert_eq!(found.path, ["Lock `a`", "Lock `b`", "Lock `c`"]);
    assert_eq!(found.stack_before, "ab");
}

#[test]
fn a_lock_around_both_orders_makes_them_harmless() {
    let (gate, a, b) = (named("gate"), named("a"), named("b"));
    assert_eq!(nest(&[&gate, &a, &b], "ab"), None);
    assert_eq!(nest(&[&gate, &b, &a], "ba"), None);
    // Until one of them happens without it.
    assert!(nest(&[&a, &b], "ab alone").is_some() || nest(&[&b, &a], "ba alone").is_some());
}

#[test]
fn what_is_only_tried_orders_nothing() {
    let (a, b) = (named("a"), named("b"));
    assert_eq!(nest(&[&a, &b], "ab"), None);
    b.acquire(Patience::None, &mut At("b")).unwrap();
    assert!(matches!(a.acquire(Patience::None, &mut At("a")).unwrap(), Taken::Yes));
    a.release().unwrap();
    b.release().unwrap();
}

#[test]
fn locks_that_are_gone_order_nothing() {
    let a = named("a");
    for _ in 0..3 {
        let b = named("b");
        assert_eq!(nest(&[&a, &b], "ab"), None);
    }
    let b = named("b");
    assert_eq!(nest(&[&b, &a], "ba"), None);
}
