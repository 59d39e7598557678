//! Joins a block to the sixteen lanes of a reduction.

use std::slice;

use multilane_plan::DType;
use multilane_plan::core::scalar::{larger, smaller};
use multilane_plan::core::tree::LANES;

use crate::body::Fold;

#[inline(always)]
unsafe fn rows<T: Copy>(lanes: *mut u64, a: *const u8, length: usize, join: impl Fn(T, T) -> T) {
    // SAFETY: the caller has 16 words for the lanes and `length` elements of this type.
    unsafe {
        let elements = slice::from_raw_parts(a.cast::<T>(), length);
        let mut sums = lanes.cast::<[T; LANES]>().read();
        let mut rows = elements.chunks_exact(LANES);
        for row in &mut rows {
            for lane in 0..LANES {
                sums[lane] = join(sums[lane], row[lane]);
            }
        }
        for (sum, element) in sums.iter_mut().zip(rows.remainder()) {
            *sum = join(*sum, *element);
        }
        lanes.cast::<[T; LANES]>().write(sums);
    }
}

/// Joins `length` elements, the first of which belongs to lane 0.
///
/// # Safety
/// `lanes` has 16 words that hold elements of the type, and the block has `length` of them.
#[inline(always)]
pub(super) unsafe fn fold(how: Fold, dtype: DType, lanes: *mut u64, a: *const u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match (how, dtype) {
            (Fold::Sum, DType::F64) => rows::<f64>(lanes, a, length, |a, b| a + b),
            (Fold::Sum, DType::F32) => rows::<f32>(lanes, a, length, |a, b| a + b),
            (Fold::Sum, DType::I64) => rows::<i64>(lanes, a, length, i64::wrapping_add),
            (Fold::Min, DType::F64) => rows::<f64>(lanes, a, length, smaller),
            (Fold::Min, DType::F32) => rows::<f32>(lanes, a, length, smaller),
            (Fold::Min, DType::I64) => rows::<i64>(lanes, a, length, i64::min),
            (Fold::Min, DType::I32) => rows::<i32>(lanes, a, length, i32::min),
            (Fold::Min, DType::Bool) => rows::<u8>(lanes, a, length, u8::min),
            (Fold::Max, DType::F64) => rows::<f64>(lanes, a, length, larger),
            (Fold::Max, DType::F32) => rows::<f32>(lanes, a, length, larger),
            (Fold::Max, DType::I64) => rows::<i64>(lanes, a, length, i64::max),
            (Fold::Max, DType::I32) => rows::<i32>(lanes, a, length, i32::max),
            (Fold::Max, DType::Bool) => rows::<u8>(lanes, a, length, u8::max),
            (Fold::Sum, DType::I32 | DType::Bool) => unreachable!("sums of these are cast to i64"),
        }
    }
}
