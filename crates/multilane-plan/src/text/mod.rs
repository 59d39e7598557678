//! The text form of plans: printed for people, read back exactly.
//!
//! ```text
//! plan smooth(%x: f64[n], %limit: f64) {
//!   %half: f64 = core.constant 0.5
//!   %y: f64[n], %iterations: i64, %converged: bool = core.loop(%x) {count = 20, until = true} (%old: f64[n]) {
//!     %new: f64[n] = core.mul(%old, %half)
//!     %size: f64 = core.norm(%new) {ord = "l2"} at "smooth.py":7
//!     %small: bool = core.lt(%size, %limit)
//!     yield %new, %small
//!   }
//!   return %y, rounds = %iterations
//! }
//! ```
//!
//! The type of a result may be left out where it follows from the operands, and `//` starts a
//! comment. Values are numbered by their place in the text when it is read
//! ([`crate::Plan::compacted`]); all else comes back as it was, floats to the last bit.

mod attributes;
mod lex;
mod names;
mod parse;
mod print;
#[cfg(test)]
mod tests;

pub(crate) use attributes::{number, print as attributes};
pub(crate) use names::{dim_name, type_name, value_name};
pub use parse::{parse, parse_unverified};
pub use print::{print, print_without_locations};
