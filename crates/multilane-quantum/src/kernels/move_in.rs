//! Moves chunks between the state, where real and imaginary parts alternate, and scratch.
//!
//! Local qubits in ascending order make the bits of a chunk's own numbering. Runs of the
//! lowest local qubits are contiguous in the state. On the way back the schedule may have
//! left qubits at other places of scratch; lanes are always back in order.

use super::simd::{Real, Vector};

/// Where the amplitudes of a chunk lie.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// How many local qubits at the bottom are neighbours in the state.
    pub(crate) run_bits: usize,
    /// Where each run starts in the state from the chunk's first amplitude.
    pub(crate) runs: Vec<usize>,
    /// Bits of the number of a run that nobody has written yet: with one of them a run is 0, whatever is there.
    pub(crate) unwritten: usize,
    /// Where a run's amplitudes are left in scratch: by the number of the vector within the run.
    pub(crate) left_low: Vec<usize>,
    /// The same for the number of the run.
    pub(crate) left_high: Vec<usize>,
}

/// Reads a chunk into scratch.
///
/// # Safety
/// `state` is the chunk's first amplitude in a state that holds the layout's runs; `re`
/// and `im` have room for them; nobody writes the chunk meanwhile. The processor has the level of `V`.
#[inline(always)]
pub(crate) unsafe fn read<V: Vector>(
    layout: &Layout,
    state: *const V::Element,
    re: *mut V::Element,
    im: *mut V::Element,
) {
    let length = 1 << layout.run_bits;
    // SAFETY: the contract; a run is a multiple of the vector.
    unsafe {
        for (number, run) in layout.runs.iter().enumerate() {
            let from = state.add(2 * run);
            let to = number << layout.run_bits;
            if number & layout.unwritten != 0 {
                let zero = V::splat(V::Element::from_f64(0.0));
                for at in (0..length).step_by(V::LANES) {
                    zero.store(re.add(to + at));
                    zero.store(im.add(to + at));
                }
                continue;
            }
            for at in (0..length).step_by(V::LANES) {
                let (first, second) = (V::load(from.add(2 * at)), V::load(from.add(2 * at + V::LANES)));
                let (x, y) = V::split(first, second);
                x.store(re.add(to + at));
                y.store(im.add(to + at));
            }
        }
    }
}

/// Writes a chunk back, around the caches when `STREAM`.
///
/// # Safety
/// As for [`read`], but nobody else uses the chunk; with `STREAM` it is aligned to the vector.
#[inline(always)]
pub(crate) unsafe fn write<V: Vector, const STREAM: bool>(
    layout: &Layout,
    state: *mut V::Element,
    re: *const V::Element,
    im: *const V::Element,
) {
    // SAFETY: the contract.
    unsafe {
        for (run, high) in layout.runs.iter().zip(&layout.left_high) {
            let mut to = state.add(2 * run);
            for low in &layout.left_low {
                let from = high + low;
                let (first, second) = V::join(V::load(re.add(from)), V::load(im.add(from)));
                if STREAM {
                    first.stream(to);
                    second.stream(to.add(V::LANES));
                } else {
                    first.store(to);
                    second.store(to.add(V::LANES));
                }
                to = to.add(2 * V::LANES);
            }
        }
    }
}
