//! Native threads that run the pieces of one piece of work side by side.
//!
//! A [`Team`] is what kernels get as their [`multilane_plan::Lanes`]: the calling thread
//! and some workers take pieces from one counter until none is left. Knows threads and
//! time; never knows what a piece computes. See `README.md` beside this file for the
//! protocol.

mod crew;
#[cfg(all(test, loom))]
mod models;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod spin;
#[cfg(not(loom))]
mod team;
#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(not(loom))]
pub use shared::shared;
#[cfg(not(loom))]
pub use team::Team;
