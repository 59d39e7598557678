//! Everything that can be seen from outside, held against the plain evaluator and the standard library.

mod agree;
mod common;
mod kernels;
mod memory;
mod ulp;
