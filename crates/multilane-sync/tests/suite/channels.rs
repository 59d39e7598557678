//! Channels and `select`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use multilane_sync::{Blocking, Channel, Offer, Patience, Sent, SyncError, select};

use crate::eventually;

const SOON: Duration = Duration::from_millis(3);
const ITEMS: u64 = if cfg!(miri) { 30 } else { 5_000 };

#[test]
fn items_come_out_in_order_and_a_bound_holds() {
    let channel = Channel::new(2);
    assert_eq!(channel.try_send(1).unwrap(), Sent::Yes);
    assert_eq!(channel.try_send(2).unwrap(), Sent::Yes);
    assert_eq!(channel.try_send(3).unwrap(), Sent::Full(3));
    assert_eq!(
        channel.send(3, Patience::of(SOON), &mut Blocking).unwrap(),
        Sent::Full(3)
    );
    assert!(channel.is_full());
    channel.set_capacity(3);
    assert_eq!(channel.try_send(3).unwrap(), Sent::Yes);
    let all: Vec<i32> = std::iter::from_fn(|| channel.try_receive().unwrap()).collect();
    assert_eq!(all, [1, 2, 3]);
    assert_eq!(channel.receive(Patience::of(SOON), &mut Blocking).unwrap(), None);
}

#[test]
fn every_item_arrives_once() {
    for capacity in [0, 1, 7] {
        let channel = Channel::new(capacity);
        let sum = AtomicU64::new(0);
        thread::scope(|scope| {
            let receivers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        while let Ok(Some(item)) = channel.receive(Patience::Forever, &mut Blocking) {
                            sum.fetch_add(item, Ordering::SeqCst);
                            channel.task_done().unwrap();
                        }
                    })
                })
                .collect();
            for part in 0..2 {
                let channel = &channel;
                scope.spawn(move || {
                    for item in (part * ITEMS)..((part + 1) * ITEMS) {
                        channel.send(item, Patience::Forever, &mut Blocking).unwrap();
                    }
                });
            }
            eventually("all are taken", || {
                sum.load(Ordering::SeqCst) == (0..2 * ITEMS).sum::<u64>()
            });
            assert!(channel.join(Patience::Forever, &mut Blocking).unwrap());
            channel.close(false);
            for receiver in receivers {
                receiver.join().unwrap();
            }
        });
        assert!(channel.task_done().is_err());
    }
}

#[test]
fn a_closed_channel_gives_what_is_in_and_takes_no_more() {
    let channel = Channel::new(0);
    channel.try_send(1).unwrap();
    channel.close(false);
    assert!(matches!(channel.try_send(2), Err(SyncError::Closed)));
    assert_eq!(channel.receive(Patience::Forever, &mut Blocking).unwrap(), Some(1));
    assert!(matches!(
        channel.receive(Patience::Forever, &mut Blocking),
        Err(SyncError::Closed)
    ));
    let other = Channel::new(0);
    other.try_send(1).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| other.join(Patience::Forever, &mut Blocking).unwrap());
        assert_eq!(other.close(true), [1]);
        assert!(waits.join().unwrap());
    });
    assert!(matches!(other.try_receive(), Err(SyncError::Closed)));
}

#[test]
fn select_takes_the_first_that_can_be_done() {
    let (empty, full, ready) = (Channel::new(0), Channel::new(1), Channel::new(0));
    full.try_send(0).unwrap();
    ready.try_send(7).unwrap();
    let offers = || vec![Offer::Receive(&empty), Offer::Send(&full, 5), Offer::Receive(&ready)];
    assert_eq!(
        select(offers(), Patience::Forever, &mut Blocking).unwrap(),
        Some((2, Some(7)))
    );
    assert_eq!(select(offers(), Patience::of(SOON), &mut Blocking).unwrap(), None);
    full.try_receive().unwrap();
    assert_eq!(
        select(offers(), Patience::Forever, &mut Blocking).unwrap(),
        Some((1, None))
    );
    assert_eq!(full.try_receive().unwrap(), Some(5));
}

#[test]
fn select_loses_no_item_to_others() {
    let (left, right) = (Channel::new(1), Channel::new(1));
    let sum = AtomicU64::new(0);
    thread::scope(|scope| {
        let receivers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let offers = vec![Offer::Receive(&left), Offer::Receive(&right)];
                        match select(offers, Patience::Forever, &mut Blocking) {
                            Ok(Some((_, Some(item)))) => sum.fetch_add(item, Ordering::SeqCst),
                            _ => break,
                        };
                    }
                })
            })
            .collect();
        for channel in [&left, &right] {
            scope.spawn(move || {
                for item in 0..ITEMS {
                    channel.send(item, Patience::Forever, &mut Blocking).unwrap();
                }
            });
        }
        eventually("all are taken", || {
            sum.load(Ordering::SeqCst) == 2 * (0..ITEMS).sum::<u64>()
        });
        left.close(false);
        right.close(false);
        for receiver in receivers {
            receiver.join().unwrap();
        }
    });
}
