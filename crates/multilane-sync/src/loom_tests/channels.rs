//! Channels and `select`: no lost item, no lost wake-up, no block freed too early.

// Three threads that wait have so many interleavings that one preemption has to do for them.

use super::*;
use crate::{Channel, Offer, select};

#[test]
fn loom_channel() {
    check(2, || {
        let channel = Arc::new(Channel::new(1));
        let there = channel.clone();
        let sends = thread::spawn(move || {
            for item in 0..2 {
                there.send(item, FOREVER, &mut Blocking).unwrap();
            }
        });
        for item in 0..2 {
            assert_eq!(channel.receive(FOREVER, &mut Blocking).unwrap(), Some(item));
        }
        sends.join().unwrap();
    });
}

#[test]
fn loom_channel_with_two_receivers() {
    check(1, || {
        let channel = Arc::new(Channel::new(0));
        let receives: Vec<_> = (0..2)
            .map(|_| {
                let channel = channel.clone();
                thread::spawn(move || channel.receive(FOREVER, &mut Blocking).unwrap().unwrap())
            })
            .collect();
        channel.try_send(1).unwrap();
        channel.try_send(2).unwrap();
        let sum: i32 = receives.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, 3);
    });
}

#[test]
fn loom_channel_loses_no_item_to_a_stopped_wait() {
    check(1, || {
        let channel = Arc::new(Channel::new(0));
        let (stopped, waits) = (channel.clone(), channel.clone());
        let stopped = thread::spawn(move || stopped.receive(FOREVER, &mut Hasty).is_ok());
        let waits = thread::spawn(move || waits.receive(FOREVER, &mut Blocking).unwrap().unwrap());
        channel.try_send(1).unwrap();
        if stopped.join().unwrap() {
            channel.try_send(1).unwrap();
        }
        assert_eq!(waits.join().unwrap(), 1);
    });
}

#[test]
fn loom_select() {
    check(2, || {
        let channels = Arc::new((Channel::new(0), Channel::new(0)));
        let there = channels.clone();
        let selects = thread::spawn(move || {
            let mut sum = 0;
            for _ in 0..2 {
                let offers = vec![Offer::Receive(&there.0), Offer::Receive(&there.1)];
                let (_, item) = select(offers, FOREVER, &mut Blocking).unwrap().unwrap();
                sum += item.unwrap();
            }
            sum
        });
        channels.0.try_send(1).unwrap();
        channels.1.try_send(2).unwrap();
        assert_eq!(selects.join().unwrap(), 3);
    });
}

#[test]
fn loom_channel_with_two_senders() {
    check(1, || {
        let channel = Arc::new(Channel::new(1));
        let sends: Vec<_> = [1, 2]
            .map(|item| {
                let channel = channel.clone();
                thread::spawn(move || channel.send(item, FOREVER, &mut Blocking).unwrap())
            })
            .into();
        let first = channel.receive(FOREVER, &mut Blocking).unwrap().unwrap();
        for thread in sends {
            thread.join().unwrap();
        }
        assert_eq!(channel.try_receive().unwrap().unwrap() + first, 3);
    });
}

#[test]
fn loom_channel_goes_from_block_to_block() {
    check(3, || {
        let channel = Arc::new(Channel::new(0));
        channel.try_send(0).unwrap();
        let there = channel.clone();
        let sends = thread::spawn(move || {
            there.try_send(1).unwrap();
            there.try_send(2).unwrap();
        });
        let mut items: Vec<i32> = (0..2).filter_map(|_| channel.try_receive().unwrap()).collect();
        sends.join().unwrap();
        items.extend(std::iter::from_fn(|| channel.try_receive().unwrap()));
        assert_eq!(items, [0, 1, 2]);
    });
}

#[test]
fn loom_channel_puts_one_new_block_in_place() {
    check(3, || {
        let channel = Arc::new(Channel::new(0));
        let there = channel.clone();
        channel.try_send(0).unwrap();
        let sends = thread::spawn(move || there.try_send(1).unwrap());
        channel.try_send(1).unwrap();
        sends.join().unwrap();
        assert_eq!(channel.len(), 3);
    });
}

#[test]
fn loom_channel_frees_a_block_that_two_take_from() {
    check(2, || {
        let channel = Arc::new(Channel::new(0));
        for item in 0..3 {
            channel.try_send(Arc::new(item)).unwrap();
        }
        let there = channel.clone();
        let takes = thread::spawn(move || *there.try_receive().unwrap().unwrap());
        let sum = *channel.try_receive().unwrap().unwrap() + *channel.try_receive().unwrap().unwrap();
        assert_eq!(takes.join().unwrap() + sum, 3);
        // What is left in it goes with it.
        channel.try_send(Arc::new(3)).unwrap();
    });
}

#[test]
fn loom_channel_closes() {
    check(2, || {
        let channel = Arc::new(Channel::new(1));
        let (sends, receives) = (channel.clone(), channel.clone());
        let sends = thread::spawn(move || {
            let mut sent = 0;
            while sent < 2 && sends.send(sent, FOREVER, &mut Blocking).is_ok() {
                sent += 1;
            }
            sent
        });
        let receives = thread::spawn(move || {
            let mut received = 0;
            while receives.receive(FOREVER, &mut Blocking).is_ok() {
                received += 1;
            }
            received
        });
        channel.close(false);
        assert_eq!(sends.join().unwrap(), receives.join().unwrap());
    });
}

#[test]
fn loom_channel_wakes_who_waits_for_a_higher_bound() {
    check(2, || {
        let channel = Arc::new(Channel::new(1));
        channel.try_send(0).unwrap();
        let there = channel.clone();
        let sends = thread::spawn(move || there.send(1, FOREVER, &mut Blocking).unwrap());
        channel.set_capacity(2);
        sends.join().unwrap();
        assert_eq!(channel.len(), 2);
    });
}

#[test]
fn loom_channel_is_joined() {
    check(2, || {
        let channel = Arc::new(Channel::new(0));
        channel.try_send(1).unwrap();
        channel.try_send(2).unwrap();
        let (joins, finishes) = (channel.clone(), channel.clone());
        let joins = thread::spawn(move || joins.join(FOREVER, &mut Blocking).unwrap());
        let finishes = thread::spawn(move || finishes.task_done().unwrap());
        channel.task_done().unwrap();
        finishes.join().unwrap();
        assert!(joins.join().unwrap());
        assert!(channel.task_done().is_err());
    });
}
