//! From one element type to another, as `Scalar::cast` converts.

use std::slice;

use multilane_plan::DType;

#[inline(always)]
unsafe fn each<T: Copy, R>(result: *mut u8, a: *const u8, length: usize, f: impl Fn(T) -> R) {
    // SAFETY: the caller's blocks have `length` elements of these types and do not overlap.
    unsafe {
        let result = slice::from_raw_parts_mut(result.cast::<R>(), length);
        let a = slice::from_raw_parts(a.cast::<T>(), length);
        for (result, a) in result.iter_mut().zip(a) {
            *result = f(*a);
        }
    }
}

/// Conversions from one type, by the name of the other.
macro_rules! to {
    ($from:ty, $zero:expr, $to:expr, $r:expr, $a:expr, $n:expr) => {
        match $to {
            DType::Bool => each::<$from, u8>($r, $a, $n, |a| u8::from(a != $zero)),
            DType::I32 => each::<$from, i32>($r, $a, $n, |a| a as i32),
            DType::I64 => each::<$from, i64>($r, $a, $n, |a| a as i64),
            DType::F32 => each::<$from, f32>($r, $a, $n, |a| a as f32),
            DType::F64 => each::<$from, f64>($r, $a, $n, |a| a as f64),
        }
    };
}

/// Converts a block.
///
/// # Safety
/// The blocks have `length` elements of the two types and do not overlap.
#[inline(always)]
pub(super) unsafe fn cast(from: DType, to: DType, result: *mut u8, a: *const u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match from {
            DType::Bool => to!(u8, 0, to, result, a, length),
            DType::I32 => to!(i32, 0, to, result, a, length),
            DType::I64 => to!(i64, 0, to, result, a, length),
            DType::F32 => to!(f32, 0.0, to, result, a, length),
            DType::F64 => to!(f64, 0.0, to, result, a, length),
        }
    }
}
