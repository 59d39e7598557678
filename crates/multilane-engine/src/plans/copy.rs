//! Copies arrays, in pieces when they are large.

use multilane_plan::{Array, Lanes};

/// Bytes of a piece: enough that taking it does not count.
const PIECE: usize = 1 << 20;

/// Copies all elements of one array to another of the same type and length.
pub(super) fn copy(from: &Array, to: &Array, lanes: &dyn Lanes) {
    assert_eq!((from.dtype(), from.len()), (to.dtype(), to.len()), "arrays of one kind");
    let bytes = from.len() * from.dtype().size();
    /// Pieces of one copy do not meet, so lanes may share the pointers.
    struct Ends(*const u8, *mut u8);
    // SAFETY: as the struct says.
    unsafe impl Sync for Ends {}
    let ends = Ends(from.as_ptr(), to.as_mut_ptr());
    let ends = &ends;
    lanes.run(bytes.div_ceil(PIECE), &|piece, _lane| {
        let start = piece * PIECE;
        let len = PIECE.min(bytes - start);
        // SAFETY: inside both arrays, which may be the same memory.
        unsafe { std::ptr::copy(ends.0.add(start), ends.1.add(start), len) };
    });
}
