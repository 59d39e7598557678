//! The loop that runs instructions, generic over the vector.
//!
//! The accumulator is eight local vectors; everything is unrolled by macro, so that they
//! stay in registers across the dispatch. Inlined into one function per level.

use std::mem::MaybeUninit;

use multilane_plan::core::tree::LANES;

use super::Strips;
use super::code::{Code, Instruction};
use crate::math::{self, Function};
use crate::place::Place;
use crate::simd::{VECTORS, Vector, prefetch};

/// How many bytes ahead of its use memory is asked for: enough to reach across the end of a page, where the processor's own
/// prefetching starts over.
const AHEAD: usize = 4096;

/// The size of a line of the caches.
const LINE: usize = 64;

/// Assigns to every vector of the accumulator; `i` is its index.
macro_rules! each {
    ($acc:ident[$i:ident] = $value:expr) => {
        each!(@ $acc, $i, $value, 0 1 2 3 4 5 6 7)
    };
    (@ $acc:ident, $i:ident, $value:expr, $($index:literal)*) => {{
        $({
            #[expect(non_upper_case_globals, reason = "reads as the index of a loop")]
            const $i: usize = $index;
            $acc[$i] = $value;
        })*
    }};
}

/// Does something for every vector of the accumulator.
macro_rules! every {
    ($i:ident, $action:expr) => {
        every!(@ $i, $action, 0 1 2 3 4 5 6 7)
    };
    (@ $i:ident, $action:expr, $($index:literal)*) => {{
        $({
            #[expect(non_upper_case_globals, reason = "reads as the index of a loop")]
            const $i: usize = $index;
            $action;
        })*
    }};
}

/// A strip in memory, for functions that need the registers for themselves.
#[repr(align(64))]
struct Spilled<T>([T; 16 * VECTORS]);

/// The elements of such a strip.
#[inline(always)]
fn elements<T>(strip: &mut MaybeUninit<Spilled<T>>) -> *mut T {
    // SAFETY: the memory is there; no reference to its elements is made.
    unsafe { (&raw mut (*strip.as_mut_ptr()).0).cast() }
}

/// Runs a program over strips.
///
/// # Safety
/// As of `Program::run`; `function` and `power` are those of this module for the same vector.
#[inline(always)]
pub(super) unsafe fn execute<V: Vector>(
    code: &[Instruction],
    places: *const Place,
    strips: Strips,
    lanes: *mut u64,
    function: unsafe fn(Function, *mut V::Element),
    power: unsafe fn(*mut V::Element, *const V::Element),
) {
    let strip = V::LANES * VECTORS;
    // SAFETY: places are valid for the strips and for the types that scheduling gave them.
    unsafe {
        let zero = V::splat(0.0);
        let mut acc = [zero; VECTORS];
        let mut element = strips.first;
        let end = strips.first + strips.count * strip;
        while element < end {
            let offset = element * size_of::<V::Element>();
            // A place of elements.
            let at = |place: u8| (*places.add(usize::from(place))).at(offset).cast::<V::Element>();
            // Vector `i` of a place.
            macro_rules! load {
                ($from:ident, $i:ident) => {
                    V::load($from.add($i * V::LANES))
                };
            }
            let mut instructions = code.iter();
            while let Some(instruction) = instructions.next() {
                match instruction.code {
                    Code::Load => {
                        let x = at(instruction.x);
                        each!(acc[i] = load!(x, i));
                    }
                    Code::LoadMask => {
                        let x = (*places.add(usize::from(instruction.x))).at(element);
                        each!(acc[i] = V::load_mask(x.add(i * V::LANES)));
                    }
                    Code::Store | Code::StoreArray => {
                        let x = at(instruction.x);
                        every!(i, V::store(acc[i], x.add(i * V::LANES)));
                    }
                    Code::Stream => {
                        let x = at(instruction.x);
                        every!(i, V::stream(acc[i], x.add(i * V::LANES)));
                    }
                    Code::StoreMask => {
                        let x = (*places.add(usize::from(instruction.x))).at(element);
                        every!(i, V::store_mask(acc[i], x.add(i * V::LANES)));
                    }
                    Code::Ahead => {
                        let x = at(instruction.x).cast::<u8>().wrapping_add(AHEAD);
                        let mut line = 0;
                        while line < strip * size_of::<V::Element>() {
                            prefetch(x.wrapping_add(line));
                            line += LINE;
                        }
                    }
                    Code::Add => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::add(acc[i], load!(x, i)));
                    }
                    Code::AddNumber => {
                        let x = V::load(at(instruction.x));
                        each!(acc[i] = V::add(acc[i], x));
                    }
                    Code::Sub => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::sub(acc[i], load!(x, i)));
                    }
                    Code::SubFrom => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::sub(load!(x, i), acc[i]));
                    }
                    Code::SubFromNumber => {
                        let x = V::load(at(instruction.x));
                        each!(acc[i] = V::sub(x, acc[i]));
                    }
                    Code::Mul => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::mul(acc[i], load!(x, i)));
                    }
                    Code::MulNumber => {
                        let x = V::load(at(instruction.x));
                        each!(acc[i] = V::mul(acc[i], x));
                    }
                    Code::Square => each!(acc[i] = V::mul(acc[i], acc[i])),
                    Code::Div => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::div(acc[i], load!(x, i)));
                    }
                    Code::DivOf => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::div(load!(x, i), acc[i]));
                    }
                    Code::Min => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::min(acc[i], load!(x, i)));
                    }
                    Code::MinOf => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::min(load!(x, i), acc[i]));
                    }
                    Code::Max => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::max(acc[i], load!(x, i)));
                    }
                    Code::MaxOf => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::max(load!(x, i), acc[i]));
                    }
                    Code::AddBoth => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::add(load!(x, i), load!(y, i)));
                    }
                    Code::SubBoth => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::sub(load!(x, i), load!(y, i)));
                    }
                    Code::MulBoth => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::mul(load!(x, i), load!(y, i)));
                    }
                    Code::MulAddAll => {
                        let (x, y, z) = (at(instruction.x), at(instruction.y), at(instruction.z));
                        each!(acc[i] = V::add(V::mul(load!(x, i), load!(y, i)), load!(z, i)));
                    }
                    Code::MulNumberAddAll => {
                        let (x, y, z) = (at(instruction.x), V::load(at(instruction.y)), at(instruction.z));
                        each!(acc[i] = V::add(V::mul(load!(x, i), y), load!(z, i)));
                    }
                    Code::MulSubAll => {
                        let (x, y, z) = (at(instruction.x), at(instruction.y), at(instruction.z));
                        each!(acc[i] = V::sub(V::mul(load!(x, i), load!(y, i)), load!(z, i)));
                    }
                    Code::SubMulAll => {
                        let (x, y, z) = (at(instruction.x), at(instruction.y), at(instruction.z));
                        each!(acc[i] = V::sub(load!(z, i), V::mul(load!(x, i), load!(y, i))));
                    }
                    Code::MulAdd => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::add(V::mul(acc[i], load!(x, i)), load!(y, i)));
                    }
                    Code::MulAddNumbers => {
                        let mut step = instruction;
                        let (mut x, mut y) = (V::load(at(step.x)), V::load(at(step.y)));
                        loop {
                            each!(acc[i] = V::add(V::mul(acc[i], x), y));
                            // Such steps come in chains: the next one needs no dispatch, and its numbers are often the same.
                            let Some(next) = instructions.as_slice().first() else {
                                break;
                            };
                            if next.code != Code::MulAddNumbers {
                                break;
                            }
                            if (next.x, next.y) != (step.x, step.y) {
                                (x, y) = (V::load(at(next.x)), V::load(at(next.y)));
                            }
                            step = next;
                            instructions.next();
                        }
                    }
                    Code::MulNumberAdd => {
                        let (x, y) = (V::load(at(instruction.x)), at(instruction.y));
                        each!(acc[i] = V::add(V::mul(acc[i], x), load!(y, i)));
                    }
                    Code::MulSub => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::sub(V::mul(acc[i], load!(x, i)), load!(y, i)));
                    }
                    Code::SubMul => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::sub(load!(y, i), V::mul(acc[i], load!(x, i))));
                    }
                    Code::AddMul => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::add(acc[i], V::mul(load!(x, i), load!(y, i))));
                    }
                    Code::LessMul => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::sub(acc[i], V::mul(load!(x, i), load!(y, i))));
                    }
                    Code::MulLess => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::sub(V::mul(load!(x, i), load!(y, i)), acc[i]));
                    }
                    Code::Fma => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::fma(acc[i], load!(x, i), load!(y, i)));
                    }
                    Code::FmaInto => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::fma(load!(x, i), load!(y, i), acc[i]));
                    }
                    Code::Neg => each!(acc[i] = V::neg(acc[i])),
                    Code::Abs => each!(acc[i] = V::abs(acc[i])),
                    Code::Sqrt => each!(acc[i] = V::sqrt(acc[i])),
                    Code::Exp | Code::Log | Code::Sin | Code::Cos | Code::Tanh => {
                        let name = match instruction.code {
                            Code::Exp => Function::Exp,
                            Code::Log => Function::Log,
                            Code::Sin => Function::Sin,
                            Code::Cos => Function::Cos,
                            _ => Function::Tanh,
                        };
                        let mut spilled = MaybeUninit::<Spilled<V::Element>>::uninit();
                        let x = elements(&mut spilled);
                        every!(i, V::store(acc[i], x.add(i * V::LANES)));
                        function(name, x);
                        each!(acc[i] = load!(x, i));
                    }
                    Code::Pow | Code::PowOf => {
                        let mut spilled = MaybeUninit::<Spilled<V::Element>>::uninit();
                        let mut other = MaybeUninit::<Spilled<V::Element>>::uninit();
                        let (x, y) = (elements(&mut spilled), elements(&mut other));
                        every!(i, V::store(acc[i], x.add(i * V::LANES)));
                        std::ptr::copy_nonoverlapping(at(instruction.x), y, strip);
                        if instruction.code == Code::Pow {
                            power(x, y);
                            each!(acc[i] = load!(x, i));
                        } else {
                            power(y, x);
                            each!(acc[i] = load!(y, i));
                        }
                    }
                    Code::Eq => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::eq(acc[i], load!(x, i)));
                    }
                    Code::Ne => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::ne(acc[i], load!(x, i)));
                    }
                    Code::Lt => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::lt(acc[i], load!(x, i)));
                    }
                    Code::Le => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::le(acc[i], load!(x, i)));
                    }
                    Code::Gt => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::lt(load!(x, i), acc[i]));
                    }
                    Code::Ge => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::le(load!(x, i), acc[i]));
                    }
                    Code::Choose => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::select(acc[i], load!(x, i), load!(y, i)));
                    }
                    Code::ChooseYes => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::select(load!(x, i), acc[i], load!(y, i)));
                    }
                    Code::ChooseNo => {
                        let (x, y) = (at(instruction.x), at(instruction.y));
                        each!(acc[i] = V::select(load!(x, i), load!(y, i), acc[i]));
                    }
                    Code::And => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::and(acc[i], load!(x, i)));
                    }
                    Code::Or => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::or(acc[i], load!(x, i)));
                    }
                    Code::Xor => {
                        let x = at(instruction.x);
                        each!(acc[i] = V::xor(acc[i], load!(x, i)));
                    }
                    Code::Not => each!(acc[i] = V::not(acc[i])),
                    Code::MaskToNumber => {
                        let one = V::splat(1.0);
                        each!(acc[i] = V::and(acc[i], one));
                    }
                    Code::NumberToMask => each!(acc[i] = V::ne(acc[i], zero)),
                    Code::FoldSum | Code::FoldMin | Code::FoldMax => {
                        let sums = lanes.add(LANES * usize::from(instruction.x)).cast::<V::Element>();
                        let (from, to) = strips.seen;
                        if from > 0 || to < strip {
                            let mut spilled = MaybeUninit::<Spilled<V::Element>>::uninit();
                            let x = elements(&mut spilled);
                            every!(i, V::store(acc[i], x.add(i * V::LANES)));
                            let seen = std::slice::from_raw_parts(x.add(from), to - from);
                            fold_rest::<V>(instruction.code, sums, element + from, seen);
                        } else {
                            fold::<V>(instruction.code, sums, &acc);
                        }
                    }
                }
            }
            element += strip;
        }
    }
}

/// Joins an accumulator to the lanes: vector `i` meets the lanes `i * LANES` modulo 16.
#[inline(always)]
unsafe fn fold<V: Vector>(code: Code, sums: *mut V::Element, acc: &[V; VECTORS]) {
    // SAFETY: the caller's lanes are 16 elements, and vectors divide them evenly.
    unsafe {
        let mut start = 0;
        while start < LANES / V::LANES {
            let mut sum = V::load(sums.add(start * V::LANES));
            let mut i = start;
            while i < VECTORS {
                sum = match code {
                    Code::FoldSum => V::add(sum, acc[i]),
                    Code::FoldMin => V::min(sum, acc[i]),
                    _ => V::max(sum, acc[i]),
                };
                i += LANES / V::LANES;
            }
            V::store(sum, sums.add(start * V::LANES));
            start += 1;
        }
    }
}

/// Joins elements from `first` on one by one.
#[inline(always)]
unsafe fn fold_rest<V: Vector>(code: Code, sums: *mut V::Element, first: usize, elements: &[V::Element]) {
    for (index, element) in elements.iter().enumerate() {
        // SAFETY: the caller's lanes are 16 elements.
        let sum = unsafe { &mut *sums.add((first + index) % LANES) };
        *sum = match code {
            Code::FoldSum => V::add_one(*sum, *element),
            Code::FoldMin => multilane_plan::core::scalar::smaller(*sum, *element),
            _ => multilane_plan::core::scalar::larger(*sum, *element),
        };
    }
}

const _: () = assert!(VECTORS.is_multiple_of(2), "functions take vectors in pairs");

/// Applies a function to a strip in memory.
///
/// # Safety
/// `strip` is valid for a strip of the vector, whose level is enabled.
#[inline(always)]
pub(super) unsafe fn function<V: Vector>(function: Function, strip: *mut V::Element) {
    /// The same loop for each function, so that none is chosen inside it.
    macro_rules! over {
        ($($name:ident)*) => {
            match function {
                $(Function::$name => {
                    let mut i = 0;
                    while i < VECTORS {
                        let (one, other) = (strip.add(i * V::LANES), strip.add((i + 1) * V::LANES));
                        let [first, second] = V::widely_pair::<math::$name>([V::load(one), V::load(other)]);
                        V::store(first, one);
                        V::store(second, other);
                        i += 2;
                    }
                })*
            }
        };
    }
    // SAFETY: the caller's promise.
    unsafe { over!(Exp Log Sin Cos Tanh) }
}

/// Raises a strip in memory to the powers in another.
///
/// # Safety
/// Both are valid for a strip of the vector, whose level is enabled.
#[inline(always)]
pub(super) unsafe fn power<V: Vector>(base: *mut V::Element, exponent: *const V::Element) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut i = 0;
        while i < VECTORS {
            let place = base.add(i * V::LANES);
            let result = V::widely2::<math::Pow>(V::load(place), V::load(exponent.add(i * V::LANES)));
            V::store(result, place);
            i += 1;
        }
    }
}
