//! Plain loops: what is measured where no kernel is at hand, and reads at random places.
//!
//! They are compiled for every processor of the architecture, so wide vectors are left out.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use multilane_plan::{Array, Call, KernelError, Lanes, Prepared, Scalar, Value};

use super::timing::{Few, Timer};

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

/// The sum of an array, or of the products of two.
pub(super) struct Dot;

impl Prepared for Dot {
    fn run(&self, call: &mut Call<'_>) -> Result<(), KernelError> {
        let Some(a) = call.operands[0].array() else {
            return Err(KernelError::Stopped);
        };
        let b = call.operands.get(1).and_then(Value::array).map(Numbers::of);
        let a = Numbers::of(a);
        each_piece(a.1, call.lanes, |piece| {
            // SAFETY: nobody writes the arrays.
            let a = unsafe { a.read(piece) };
            let mut sums = [0.0; 16];
            match &b {
                Some(b) => {
                    // SAFETY: as above.
                    let b = unsafe { b.read(piece) };
                    for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
                        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                            *sum += a * b;
                        }
                    }
                }
                None => {
                    for a in a.chunks_exact(16) {
                        for (sum, a) in sums.iter_mut().zip(a) {
                            *sum += a;
                        }
                    }
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

/// Random places in an area, more than are read at a time: each pass reads others, so that
/// none finds in the cache what the one before it brought there.
pub(super) struct Places {
    numbers: Numbers,
    /// Numbers of one pass, two places each.
    pass: usize,
    passes: usize,
    next: AtomicUsize,
}

/// Passes before places come again.
const PASSES: usize = 16;

/// Numbers that one lane takes at a time.
const PLACES: usize = 1 << 11;

/// Reads between asking for a place and reading it.
const AHEAD: usize = 64;

impl Places {
    /// Writes places below `elements` over the beginning of an array, for passes of so many reads.
    ///
    /// They are spread as the neighbours of nodes are in graphs of the real world, where few are
    /// everybody's: seven of ten lie in the first sixteenth.
    pub(super) fn write(array: &Array, reads: usize, elements: usize, lanes: &dyn Lanes) -> Self {
        let pass = (reads / 2).min(array.len() / PASSES).max(2) / 2 * 2;
        let numbers = Numbers(array.as_mut_ptr().cast(), (pass * PASSES).min(array.len()));
        each_piece(numbers.1, lanes, |piece| {
            let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(piece as u64 + 1) | 1;
            // SAFETY: this piece is this call's alone.
            for element in unsafe { numbers.write(piece) } {
                let mut place = || {
                    let square = |share: u64| (share * share) >> 32;
                    (square(square(square(next_random(&mut state) >> 32))) * elements as u64) >> 32
                };
                *element = f64::from_bits(place() | place() << 32);
            }
        });
        Self {
            numbers,
            pass,
            passes: numbers.1 / pass,
            next: AtomicUsize::new(0),
        }
    }

    /// Brings of an area into the caches what has room there.
    pub(super) fn warm(&self, area: &Array, lanes: &dyn Lanes) {
        (0..self.passes).for_each(|_| gather(area, self, lanes));
    }

    /// Reads of one pass.
    pub(super) fn reads(&self) -> usize {
        2 * self.pass
    }
}

/// Asks for memory that is read soon, as kernels do that know where they will read; any address will do.
#[inline(always)]
fn prefetch(place: *const f64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: every x86-64 processor has this instruction, which never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = place;
}

/// Adds up elements of `area` at the next places, which are asked for ahead.
pub(super) fn gather(area: &Array, places: &Places, lanes: &dyn Lanes) {
    let pass = places.next.fetch_add(1, Ordering::Relaxed) % places.passes;
    // SAFETY: within the array, and nobody writes it while it is read.
    let places = unsafe { std::slice::from_raw_parts(places.numbers.0.add(pass * places.pass), places.pass) };
    let from = Numbers::of(area);
    lanes.run(places.len().div_ceil(PLACES), &|piece, _lane| {
        let from = &from;
        let mut sums = [0.0; 4];
        let own = &places[piece * PLACES..places.len().min((piece + 1) * PLACES)];
        for (at, pair) in own.chunks_exact(2).enumerate() {
            let ahead = own.get(2 * at + AHEAD / 2..2 * at + AHEAD / 2 + 2).unwrap_or_default();
            for later in ahead.iter().map(|later| later.to_bits()) {
                prefetch(from.0.wrapping_add(later as u32 as usize));
                prefetch(from.0.wrapping_add((later >> 32) as usize));
            }
            let (one, two) = (pair[0].to_bits(), pair[1].to_bits());
            // SAFETY: `write` wrote places inside the area, which nobody writes.
            let at = |place: u64| unsafe { *from.0.add(place as u32 as usize) };
            sums[0] += at(one);
            sums[1] += at(one >> 32);
            sums[2] += at(two);
            sums[3] += at(two >> 32);
        }
        black_box(sums);
    });
}

/// The time of a step where each needs the one before, in an area of so many bytes.
pub(super) fn sequential_ns(timer: &Timer, array: &Array, bytes: usize) -> f64 {
    let len = (bytes / 8).min(array.len());
    let elements = &array.as_slice::<f64>().expect("numbers of this type")[..len];
    let steps = 20_000;
    let ns = timer.typical_ns(Few::Ten, || {
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
