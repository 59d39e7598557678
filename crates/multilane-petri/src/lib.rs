//! Petri nets and protocols of threads, checked exhaustively.
//!
//! A [`Protocol`](protocol::Protocol) says in a few lines what threads do with locks,
//! semaphores, channels, events and conditions; it becomes a [`Net`] of places and
//! transitions. [`check`](check()) visits every marking the net can reach and reports where it
//! stops, which places grow for ever, who is left out for ever, and what holds more than it
//! may, each with a run that gets there. Nothing is run, measured or read from a file.

mod check;
mod draw;
mod error;
mod explain;
mod net;
pub mod protocol;
mod text;

pub use check::{Failure, Kind, Limits, Report, Run, check};
pub use draw::{dot, svg};
pub use error::PetriError;
pub use explain::{as_json, describe, moves, waits};
pub use net::{Net, Place, Process, Rest, Role, Transition, Weighted};
pub use text::parse as parse_net;
