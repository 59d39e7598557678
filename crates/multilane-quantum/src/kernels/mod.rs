//! Kernels: what is done to the amplitudes of one chunk while they are in the cache.
//!
//! A chunk lies in scratch memory, real and imaginary parts apart. A gate never looks at
//! lanes: the schedule moves its qubits out of them first (`Step::Exchange`). Generic over
//! the vector; `chunk` compiles all of it once for each level. Never starts threads.

mod chunk;
mod dense;
mod move_in;
mod phase;
mod simd;

pub use chunk::Float;
pub(crate) use chunk::{Chunk, Step, StepKind, run_chunk};
pub(crate) use dense::{Dense, Places};
pub(crate) use move_in::Layout;
pub(crate) use phase::{PhaseRun, PhaseScratch};
pub use simd::{Level, Real};
