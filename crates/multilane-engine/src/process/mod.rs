//! Workers that are processes, fed through shared memory.
//!
//! The parent writes a task into a [`layout::Slot`] and its number into one queue;
//! a worker claims the slot by one compare-and-swap, runs it, writes the result
//! over the arguments and pushes the slot's number into its own completion ring.
//! Nothing that two processes share is a lock, so a worker may die at any
//! instruction: every slot says who has it. See `README.md` beside this file for
//! the protocol and why it loses no wake-up.

pub mod control;
#[cfg(not(loom))]
pub mod extents;
#[cfg(not(loom))]
pub mod frame;
pub mod layout;
pub mod mail;
#[cfg(all(test, loom))]
mod models;
#[cfg(not(loom))]
mod nested;
#[cfg(not(loom))]
pub mod pool;
#[cfg(not(loom))]
mod reaper;
#[cfg(not(loom))]
pub mod remote;
#[cfg(not(loom))]
mod scheduler;
mod shared;
#[cfg(not(loom))]
pub mod spawn;
#[cfg(not(loom))]
pub mod store;
#[cfg(not(loom))]
pub mod worker;
