//! Kernels: what is done to the amplitudes of one chunk while they are in the cache, or by one gate where they lie.
//!
//! A chunk lies in scratch memory, real and imaginary parts apart. A gate never looks at
//! lanes: the schedule moves its qubits out of them first (`Step::Exchange`). A gate that has
//! a pass over memory to itself needs no scratch (`stream`). Generic over
//! the vector; `chunk` compiles all of it once for each level. Never starts threads.

mod chunk;
mod dense;
mod move_in;
mod phase;
mod simd;
mod stream;

pub use chunk::Float;
pub(crate) use chunk::{Chunk, Step, StepKind, run_chunk, run_stream};
pub(crate) use dense::{Dense, Places};
pub(crate) use move_in::Layout;
pub(crate) use phase::{PhaseRun, PhaseScratch};
pub use simd::{Level, Real};
pub(crate) use stream::{Stream, Work};
