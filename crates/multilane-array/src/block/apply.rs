//! What each instruction does to a block.
//!
//! Plain loops over slices: inlined into a function that enables a level, the compiler
//! turns them into that level's vectors. Only the functions of `math` are vectors by hand.

use std::slice;

use multilane_plan::DType;
use multilane_plan::core::scalar::{integer_power, larger, smaller};

use super::cast::cast;
use super::fold::fold;
use super::{Family, Instruction, What};
use crate::body::Operation;
use crate::math::{self, Function};
use crate::place::Place;
use crate::simd::{Unary, Vector};

/// Runs all instructions over `length` elements from `first`.
///
/// # Safety
/// As of `Program::run`, and the level of the family is enabled.
#[inline(always)]
pub(super) unsafe fn execute<L: Family>(
    code: &[Instruction],
    places: *const Place,
    first: usize,
    length: usize,
    lanes: *mut u64,
) {
    for instruction in code {
        // SAFETY: the caller's promise about places; each is valid for its element type.
        unsafe {
            let at = |place: usize, dtype: DType| (*places.add(place)).at(first * dtype.size());
            let [a, b, c] = instruction.args;
            match instruction.what {
                What::Fold(how, index) => {
                    fold(
                        how,
                        instruction.from,
                        lanes.add(16 * index),
                        at(a, instruction.from),
                        length,
                    );
                }
                What::Map(operation) => {
                    let condition = if operation == Operation::Where {
                        DType::Bool
                    } else {
                        instruction.from
                    };
                    let result = at(instruction.result, instruction.to);
                    let args = [at(a, condition), at(b, instruction.from), at(c, instruction.from)];
                    map::<L>(operation, instruction.from, instruction.to, result, args, length);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn unary<T: Copy, R>(result: *mut u8, a: *const u8, length: usize, f: impl Fn(T) -> R) {
    // SAFETY: the caller's blocks have `length` elements of these types and do not overlap.
    unsafe {
        let result = slice::from_raw_parts_mut(result.cast::<R>(), length);
        let a = slice::from_raw_parts(a.cast::<T>(), length);
        for (result, a) in result.iter_mut().zip(a) {
            *result = f(*a);
        }
    }
}

#[inline(always)]
unsafe fn binary<T: Copy, R>(result: *mut u8, [a, b, _]: [*mut u8; 3], length: usize, f: impl Fn(T, T) -> R) {
    // SAFETY: the caller's blocks have `length` elements of these types and do not overlap.
    unsafe {
        let result = slice::from_raw_parts_mut(result.cast::<R>(), length);
        let a = slice::from_raw_parts(a.cast::<T>(), length);
        let b = slice::from_raw_parts(b.cast::<T>(), length);
        for ((result, a), b) in result.iter_mut().zip(a).zip(b) {
            *result = f(*a, *b);
        }
    }
}

#[inline(always)]
unsafe fn ternary<S: Copy, T: Copy, R>(
    result: *mut u8,
    [a, b, c]: [*mut u8; 3],
    length: usize,
    f: impl Fn(S, T, T) -> R,
) {
    // SAFETY: the caller's blocks have `length` elements of these types and do not overlap.
    unsafe {
        let result = slice::from_raw_parts_mut(result.cast::<R>(), length);
        let a = slice::from_raw_parts(a.cast::<S>(), length);
        let b = slice::from_raw_parts(b.cast::<T>(), length);
        let c = slice::from_raw_parts(c.cast::<T>(), length);
        for (((result, a), b), c) in result.iter_mut().zip(a).zip(b).zip(c) {
            *result = f(*a, *b, *c);
        }
    }
}

/// A function of vectors over a block; the last, partial vector goes through a padded copy.
#[inline(always)]
unsafe fn vectors<V: Vector, F: Apply>(result: *mut u8, args: [*mut u8; 3], length: usize) {
    // SAFETY: the caller's blocks have `length` elements of the vector's type.
    unsafe {
        let result = result.cast::<V::Element>();
        let [a, b, c] = args.map(|arg| arg.cast::<V::Element>().cast_const());
        let whole = length - length % V::LANES;
        let mut i = 0;
        while i < whole {
            V::store(
                F::apply(V::load(a.add(i)), V::load(b.add(i)), V::load(c.add(i))),
                result.add(i),
            );
            i += V::LANES;
        }
        if i < length {
            let mut pads = [[*a; 16]; 3];
            for (pad, from) in pads.iter_mut().zip([a, b, c]) {
                std::ptr::copy_nonoverlapping(from.add(i), pad.as_mut_ptr(), length - i);
            }
            let [a, b, c] = &mut pads;
            let last = F::apply(V::load(a.as_ptr()), V::load(b.as_ptr()), V::load(c.as_ptr()));
            V::store(last, a.as_mut_ptr());
            std::ptr::copy_nonoverlapping(a.as_ptr(), result.add(i), length - i);
        }
    }
}

/// What [`vectors`] does to vectors; those that a function does not have are read in vain.
trait Apply {
    unsafe fn apply<V: Vector>(a: V, b: V, c: V) -> V;
}

struct Fma;

impl Apply for Fma {
    #[inline(always)]
    unsafe fn apply<V: Vector>(a: V, b: V, c: V) -> V {
        // SAFETY: the trait's contract.
        unsafe { V::fma(a, b, c) }
    }
}

struct Widely<F>(F);

impl<F: Unary> Apply for Widely<F> {
    #[inline(always)]
    unsafe fn apply<V: Vector>(a: V, _: V, _: V) -> V {
        // SAFETY: the trait's contract.
        unsafe { V::widely::<F>(a) }
    }
}

impl Apply for math::Pow {
    #[inline(always)]
    unsafe fn apply<V: Vector>(a: V, b: V, _: V) -> V {
        // SAFETY: the trait's contract.
        unsafe { V::widely2::<Self>(a, b) }
    }
}

/// A function of `math` over a block, chosen once.
#[inline(always)]
unsafe fn function<V: Vector>(function: Function, result: *mut u8, a: *mut u8, length: usize) {
    // SAFETY: the caller's blocks have `length` elements of the vector's type.
    unsafe {
        let args = [a; 3];
        match function {
            Function::Exp => vectors::<V, Widely<math::Exp>>(result, args, length),
            Function::Log => vectors::<V, Widely<math::Log>>(result, args, length),
            Function::Sin => vectors::<V, Widely<math::Sin>>(result, args, length),
            Function::Cos => vectors::<V, Widely<math::Cos>>(result, args, length),
            Function::Tanh => vectors::<V, Widely<math::Tanh>>(result, args, length),
        }
    }
}

/// Arithmetic that floats and integers share by other names.
macro_rules! arithmetic {
    ($ty:ty, $operation:expr, $r:expr, $args:expr, $n:expr; $add:expr, $sub:expr, $mul:expr, $neg:expr, $abs:expr, $min:expr, $max:expr; $($rest:tt)*) => {
        match $operation {
            Operation::Add => binary::<$ty, $ty>($r, $args, $n, $add),
            Operation::Sub => binary::<$ty, $ty>($r, $args, $n, $sub),
            Operation::Mul => binary::<$ty, $ty>($r, $args, $n, $mul),
            Operation::Neg => unary::<$ty, $ty>($r, $args[0], $n, $neg),
            Operation::Abs => unary::<$ty, $ty>($r, $args[0], $n, $abs),
            Operation::Min => binary::<$ty, $ty>($r, $args, $n, $min),
            Operation::Max => binary::<$ty, $ty>($r, $args, $n, $max),
            Operation::Eq => binary::<$ty, u8>($r, $args, $n, |a, b| u8::from(a == b)),
            Operation::Ne => binary::<$ty, u8>($r, $args, $n, |a, b| u8::from(a != b)),
            Operation::Lt => binary::<$ty, u8>($r, $args, $n, |a, b| u8::from(a < b)),
            Operation::Le => binary::<$ty, u8>($r, $args, $n, |a, b| u8::from(a <= b)),
            $($rest)*
            _ => unreachable!("lowering checked the types"),
        }
    };
}

macro_rules! floats {
    ($ty:ident, $vector:ty, $operation:expr, $r:expr, $args:expr, $n:expr) => {
        arithmetic!($ty, $operation, $r, $args, $n;
            |a, b| a + b, |a, b| a - b, |a, b| a * b, |a| -a, $ty::abs, smaller, larger;
            Operation::Div => binary::<$ty, $ty>($r, $args, $n, |a, b| a / b),
            Operation::Sqrt => unary::<$ty, $ty>($r, $args[0], $n, $ty::sqrt),
            Operation::Fma => vectors::<$vector, Fma>($r, $args, $n),
            Operation::Pow => vectors::<$vector, math::Pow>($r, [$args[0], $args[1], $args[1]], $n),
            Operation::Function(which) => function::<$vector>(which, $r, $args[0], $n),
        )
    };
}

macro_rules! integers {
    ($ty:ident, $operation:expr, $r:expr, $args:expr, $n:expr) => {
        arithmetic!($ty, $operation, $r, $args, $n;
            $ty::wrapping_add, $ty::wrapping_sub, $ty::wrapping_mul, $ty::wrapping_neg, $ty::wrapping_abs, Ord::min, Ord::max;
            Operation::Pow => {
                binary::<$ty, $ty>($r, $args, $n, |a, b| integer_power(i64::from(a), i64::from(b)) as $ty);
            }
        )
    };
}

#[inline(always)]
unsafe fn map<L: Family>(
    operation: Operation,
    from: DType,
    to: DType,
    result: *mut u8,
    args: [*mut u8; 3],
    length: usize,
) {
    // SAFETY: lowering gave every instruction the element types of its blocks.
    unsafe {
        match operation {
            Operation::Copy => match from.size() {
                1 => unary::<u8, u8>(result, args[0], length, |a| a),
                4 => unary::<u32, u32>(result, args[0], length, |a| a),
                _ => unary::<u64, u64>(result, args[0], length, |a| a),
            },
            Operation::Where => match from.size() {
                1 => ternary::<u8, u8, u8>(result, args, length, |a, b, c| if a != 0 { b } else { c }),
                4 => ternary::<u8, u32, u32>(result, args, length, |a, b, c| if a != 0 { b } else { c }),
                _ => ternary::<u8, u64, u64>(result, args, length, |a, b, c| if a != 0 { b } else { c }),
            },
            Operation::Cast => cast(from, to, result, args[0], length),
            _ => match from {
                DType::F64 => floats!(f64, L::F64, operation, result, args, length),
                DType::F32 => floats!(f32, L::F32, operation, result, args, length),
                DType::I64 => integers!(i64, operation, result, args, length),
                DType::I32 => integers!(i32, operation, result, args, length),
                DType::Bool => logical(operation, result, args, length),
            },
        }
    }
}

#[inline(always)]
unsafe fn logical(operation: Operation, result: *mut u8, args: [*mut u8; 3], length: usize) {
    // Truth values are bytes 0 and 1, so that bitwise operations and comparisons are right.
    // SAFETY: lowering gave every instruction the element types of its blocks.
    unsafe {
        match operation {
            Operation::And => binary::<u8, u8>(result, args, length, |a, b| a & b),
            Operation::Or => binary::<u8, u8>(result, args, length, |a, b| a | b),
            Operation::Xor | Operation::Ne => binary::<u8, u8>(result, args, length, |a, b| a ^ b),
            Operation::Not => unary::<u8, u8>(result, args[0], length, |a| a ^ 1),
            Operation::Eq => binary::<u8, u8>(result, args, length, |a, b| u8::from(a == b)),
            Operation::Lt => binary::<u8, u8>(result, args, length, |a, b| u8::from(a < b)),
            Operation::Le => binary::<u8, u8>(result, args, length, |a, b| u8::from(a <= b)),
            _ => unreachable!("lowering checked the types"),
        }
    }
}
