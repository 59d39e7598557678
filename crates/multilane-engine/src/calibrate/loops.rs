//! Plain loops: what is measured where no kernel is at hand, and reads at random places.
//!
//! They are compiled for every processor of the architecture, so wide vectors are left out.

use std::hint::black_box;

use multilane_plan::{Array, Call, KernelError, Lanes, Prepared, Scalar, Value};

/// Elements of one piece.
const PIECE: usize = 1 << 14;

/// Pieces of one pass do not meet.
#[derive(Clone, Copy)]
struct Numbers(*mut f64, usize);
// SAFETY: as the struct says.
unsafe impl Send for Numbers {}
// SAFETY: as above.
unsafe impl Sync for Numbers {}

impl Numbers {
    fn of(array: &Array) -> Self {
        Self(array.as_mut_ptr().cast(), array.len())
    }

    fn range(self, piece: usize) -> std::ops::Range<usize> {
        piece * PIECE..((piece + 1) * PIECE).min(self.1)
    }

    /// The elements of a piece.
    ///
    /// # Safety
    /// Nobody writes them meanwhile.
    unsafe fn read(&self, piece: usize) -> &[f64] {
        let range = self.range(piece);
        // SAFETY: within the array; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.0.add(range.start), range.len()) }
    }

    /// The elements of a piece, to be written.
    ///
    /// # Safety
    /// Nobody else uses them meanwhile.
    #[expect(clippy::mut_from_ref, reason = "pieces do not meet")]
    unsafe fn write(&self, piece: usize) -> &mut [f64] {
        let range = self.range(piece);
        // SAFETY: within the array; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(range.start), range.len()) }
    }
}

fn each_piece(len: usize, lanes: &dyn Lanes, body: impl Fn(usize) + Sync) {
    lanes.run(len.div_ceil(PIECE), &|piece, _lane| body(piece));
}

/// Writes numbers that no operation turns into something slow.
pub(super) fn fill(array: &Array, lanes: &dyn Lanes) {
    let to = Numbers::of(array);
    each_piece(to.1, lanes, |piece| {
        // SAFETY: this piece is this call's alone.
        for (index, element) in unsafe { to.write(piece) }.iter_mut().enumerate() {
            *element = 1.0 + (index & 1023) as f64 / 1024.0;
        }
    });
}

/// An operation on every element of one or two arrays.
pub(super) struct Map(pub(super) fn(f64, f64) -> f64);

impl Prepared for Map {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let arrays: Vec<&Array> = call.operands.iter().filter_map(Value::array).collect();
        let (Some(a), Some(to)) = (arrays.first(), call.results[0].array()) else {
            return Err(KernelError::Stopped);
        };
        let (a, b, to) = (Numbers::of(a), Numbers::of(arrays.get(1).unwrap_or(a)), Numbers::of(to));
        let map = self.0;
        each_piece(to.1, call.lanes, |piece| {
            // SAFETY: this piece is this call's alone, and the operands are other arrays.
            let (a, b, to) = unsafe { (a.read(piece), b.read(piece), to.write(piece)) };
            for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
                *to = map(*a, *b);
            }
        });
        Ok(())
    }
}

/// The sum of an array.
pub(super) struct Sum;

impl Prepared for Sum {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let Some(array) = call.operands[0].array() else {
            return Err(KernelError::Stopped);
        };
        let from = Numbers::of(array);
        each_piece(from.1, call.lanes, |piece| {
            // SAFETY: nobody writes the array.
            let elements = unsafe { from.read(piece) };
            let mut sums = [0.0; 16];
            for sixteen in elements.chunks_exact(16) {
                for (sum, element) in sums.iter_mut().zip(sixteen) {
                    *sum += element;
                }
            }
            black_box(sums);
        });
        call.results[0] = Value::Scalar(Scalar::F64(0.0));
        Ok(())
    }
}

fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Writes random places below `elements` over the beginning of an array.
pub(super) fn scatter_places(array: &Array, reads: usize, elements: usize, lanes: &dyn Lanes) {
    let places = Numbers(array.as_mut_ptr().cast(), reads.div_ceil(2).min(array.len()));
    each_piece(places.1, lanes, |piece| {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(piece as u64 + 1) | 1;
        // SAFETY: this piece is this call's alone.
        for element in unsafe { places.write(piece) } {
            let mut place = || ((next_random(&mut state) >> 32) * elements as u64) >> 32;
            *element = f64::from_bits(place() | place() << 32);
        }
    });
}

/// Adds up elements of `area` at places that stand in `places`.
pub(super) fn gather(area: &Array, places: &Array, reads: usize, lanes: &dyn Lanes) {
    let places = Numbers(places.as_mut_ptr().cast(), reads.div_ceil(2).min(places.len()));
    let from = Numbers::of(area);
    each_piece(places.1, lanes, |piece| {
        let from = &from;
        let mut sums = [0.0; 4];
        // SAFETY: nobody writes either array, and `scatter_places` wrote places inside the area.
        unsafe {
            for pair in places.read(piece).chunks_exact(2) {
                let (one, two) = (pair[0].to_bits(), pair[1].to_bits());
                let at = |place: u64| *from.0.add(place as u32 as usize);
                sums[0] += at(one);
                sums[1] += at(one >> 32);
                sums[2] += at(two);
                sums[3] += at(two >> 32);
            }
        }
        black_box(sums);
    });
}

/// The time of a step where each needs the one before, in an area of so many bytes.
pub(super) fn sequential_ns(array: &Array, bytes: usize) -> f64 {
    let len = (bytes / 8).min(array.len());
    let elements = &array.as_slice::<f64>().expect("numbers of this type")[..len];
    let steps = 20_000;
    let ns = super::typical_ns(super::Few::Ten, || {
        let mut place = 1_usize;
        for step in 0..steps {
            // The element decides nothing, but the processor cannot know.
            let element = black_box(elements[place]).to_bits() as usize;
            place = (place.wrapping_mul(5) + step + (element & 1)) % len;
        }
        black_box(place);
    });
    ns / steps as f64
}
