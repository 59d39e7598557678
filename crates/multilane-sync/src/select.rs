//! Waiting at several channels at once.

use crate::caller::{Caller, Patience};
use crate::channel::{Channel, Sent, Side};
use crate::error::SyncError;
use crate::resource::Nobody;
use crate::thread::me;
use crate::wait::{Turn, Woken};

/// One thing that [`select`] may do.
pub enum Offer<'channel, T> {
    /// Take an item out.
    Receive(&'channel Channel<T>),
    /// Put this item in.
    Send(&'channel Channel<T>, T),
}

impl<'channel, T> Offer<'channel, T> {
    fn place(&self) -> (&'channel Channel<T>, Side) {
        match self {
            Self::Receive(channel) => (channel, Side::Receive),
            Self::Send(channel, _) => (channel, Side::Send),
        }
    }
}

/// Does the first of the offers that can be done, in their order, and waits until one
/// can; its number and the item taken out. None when the time ran out.
///
/// # Errors
/// A channel is shut down, or the caller stopped the wait.
pub fn select<T>(
    offers: Vec<Offer<'_, T>>,
    patience: Patience,
    caller: &mut impl Caller,
) -> Result<Option<(usize, Option<T>)>, SyncError> {
    let places: Vec<_> = offers.iter().map(Offer::place).collect();
    let mut offers: Vec<Option<Offer<'_, T>>> = offers.into_iter().map(Some).collect();
    let me = me();
    // The offer this thread was woken for.
    let mut woken: Option<usize> = None;
    loop {
        let done = attempt(&mut offers);
        if let Some(granted) = woken
            && !matches!(&done, Ok(Some((index, _))) if *index == granted)
        {
            let (channel, side) = places[granted];
            channel.rouse(side);
        }
        if let Some(done) = done? {
            return Ok(Some(done));
        }
        if patience == Patience::None || places.is_empty() {
            return Ok(None);
        }
        let turn = Turn::new();
        let queued = places
            .iter()
            .zip(0_u32..)
            .all(|((channel, side), tag)| channel.enqueue(*side, &turn, &me, tag, woken == Some(tag as usize)));
        // Where one is ready already, this thread takes its own turn, unless it was granted.
        let slept = if !queued && turn.claim() {
            None
        } else {
            Some(turn.sleep(&me, &Nobody("select"), patience, caller))
        };
        for (channel, side) in &places {
            channel.leave(*side, &turn);
        }
        woken = None;
        match slept {
            None => {}
            Some(Woken::Granted(tag)) => {
                let (channel, side) = places[tag as usize];
                channel.looks(side);
                woken = Some(tag as usize);
            }
            Some(Woken::TimedOut) => return Ok(None),
            Some(Woken::Failed(error)) => return Err(error),
            Some(Woken::GrantedAndFailed(tag, error)) => {
                let (channel, side) = places[tag as usize];
                channel.looks(side);
                channel.rouse(side);
                return Err(error);
            }
        }
    }
}

/// Does the first offer that can be done.
fn attempt<T>(offers: &mut [Option<Offer<'_, T>>]) -> Result<Option<(usize, Option<T>)>, SyncError> {
    for (index, slot) in offers.iter_mut().enumerate() {
        match slot.take() {
            Some(Offer::Receive(channel)) => {
                if let Some(item) = channel.try_receive()? {
                    return Ok(Some((index, Some(item))));
                }
                *slot = Some(Offer::Receive(channel));
            }
            Some(Offer::Send(channel, item)) => match channel.try_send(item)? {
                Sent::Yes => return Ok(Some((index, None))),
                Sent::Full(item) => *slot = Some(Offer::Send(channel, item)),
            },
            None => {}
        }
    }
    Ok(None)
}
