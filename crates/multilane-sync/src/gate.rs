//! Waiting until something holds that lets everybody go at once.

use crate::caller::{Caller, Patience};
use crate::error::SyncError;
use crate::guarded::{Guarded, Inherit};
use crate::queue::Queue;
use crate::resource::Nobody;
use crate::thread::me;
use crate::wait::{Turn, Woken};

/// Waits until `is_open`, which is asked under the mutex once; whoever makes it so grants all turns of
/// the queue under that mutex. False when the time ran out.
pub(crate) fn pass<S: Inherit + Default>(
    what: &'static str,
    state: &Guarded<S>,
    queue: impl Fn(&mut S) -> &mut Queue,
    is_open: impl FnOnce(&S) -> bool,
    patience: Patience,
    caller: &mut impl Caller,
) -> Result<bool, SyncError> {
    let me = me();
    let turn = Turn::new();
    {
        let mut state = state.lock();
        if is_open(&state) {
            return Ok(true);
        }
        if patience == Patience::None {
            return Ok(false);
        }
        queue(&mut state).join(turn.place(&me, 0));
    }
    let leave = || queue(&mut state.lock()).leave(&turn);
    match turn.sleep(&me, &Nobody(what), patience, caller) {
        Woken::Granted(_) => Ok(true),
        Woken::TimedOut => {
            leave();
            Ok(false)
        }
        Woken::Failed(error) => {
            leave();
            Err(error)
        }
        Woken::GrantedAndFailed(_, error) => Err(error),
    }
}
