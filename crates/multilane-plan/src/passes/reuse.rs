//! Buffer reuse as a pass: counts how many results can lie in memory that another value had before.
//!
//! The plan stays as it is: [`crate::memory::assign`] computes the places, and an engine asks for them.

use crate::memory;
use crate::plan::Plan;
use crate::registry::Registry;

/// Returns how many results find memory that another value has left.
pub fn reuse(plan: &mut Plan, registry: &Registry) -> usize {
    memory::assign(plan, registry, &1.0).reused
}
