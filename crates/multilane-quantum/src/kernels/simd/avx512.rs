//! Vectors of AVX-512: 8 doubles or 16 singles. Needs the feature set F only.

use std::arch::x86_64::*;

use super::Vector;

/// Eight doubles.
#[derive(Clone, Copy)]
pub(crate) struct F64x8(__m512d);

/// Sixteen singles.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(__m512);

/// Functions whose whole body is intrinsics of this level.
macro_rules! ops {
    ($($name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $body:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the trait's contract: the processor has this level, pointers are valid.
            unsafe { $body }
        }
    )*};
}

/// Where the lanes of two vectors come from when lane bit `bit` changes places with the vector.
const fn exchanged<const LANES: usize>(bit: usize) -> [[i64; LANES]; 2] {
    let mut places = [[0; LANES]; 2];
    let mut lane = 0;
    while lane < LANES {
        // Numbers from LANES on stand for the second vector.
        let (first, second) = if lane >> bit & 1 == 0 {
            (lane, lane | 1 << bit)
        } else {
            (LANES + lane - (1 << bit), LANES + lane)
        };
        places[0][lane] = first as i64;
        places[1][lane] = second as i64;
        lane += 1;
    }
    places
}

/// The same with 32-bit numbers.
const fn narrow(wide: [[i64; 16]; 2]) -> [[i32; 16]; 2] {
    let mut places = [[0; 16]; 2];
    let mut lane = 0;
    while lane < 16 {
        places[0][lane] = wide[0][lane] as i32;
        places[1][lane] = wide[1][lane] as i32;
        lane += 1;
    }
    places
}

static EXCHANGED_F64: [[[i64; 8]; 2]; 3] = [exchanged(0), exchanged(1), exchanged(2)];
static EXCHANGED_F32: [[[i32; 16]; 2]; 4] = [
    narrow(exchanged(0)),
    narrow(exchanged(1)),
    narrow(exchanged(2)),
    narrow(exchanged(3)),
];
static EVEN_F64: [i64; 8] = [0, 2, 4, 6, 8, 10, 12, 14];
static ODD_F64: [i64; 8] = [1, 3, 5, 7, 9, 11, 13, 15];
static LOW_F64: [i64; 8] = [0, 8, 1, 9, 2, 10, 3, 11];
static HIGH_F64: [i64; 8] = [4, 12, 5, 13, 6, 14, 7, 15];
static EVEN_F32: [i32; 16] = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30];
static ODD_F32: [i32; 16] = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31];
static LOW_F32: [i32; 16] = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];
static HIGH_F32: [i32; 16] = [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31];

impl F64x8 {
    #[inline(always)]
    unsafe fn pick(a: Self, b: Self, places: &[i64; 8]) -> Self {
        // SAFETY: the trait's contract; the table has 64 bytes.
        Self(unsafe { _mm512_permutex2var_pd(a.0, _mm512_loadu_si512(places.as_ptr().cast()), b.0) })
    }
}

impl F32x16 {
    #[inline(always)]
    unsafe fn pick(a: Self, b: Self, places: &[i32; 16]) -> Self {
        // SAFETY: the trait's contract; the table has 64 bytes.
        Self(unsafe { _mm512_permutex2var_ps(a.0, _mm512_loadu_si512(places.as_ptr().cast()), b.0) })
    }
}

impl Vector for F64x8 {
    type Element = f64;
    const BITS: usize = 3;

    ops! {
        splat(value: f64) -> Self = Self(_mm512_set1_pd(value));
        load(from: *const f64) -> Self = Self(_mm512_loadu_pd(from));
        mul(self: Self, other: Self) -> Self = Self(_mm512_mul_pd(self.0, other.0));
        store(self: Self, to: *mut f64) = _mm512_storeu_pd(to, self.0);
        stream(self: Self, to: *mut f64) = _mm512_stream_pd(to, self.0);
        mul_add(self: Self, b: Self, c: Self) -> Self = Self(_mm512_fmadd_pd(self.0, b.0, c.0));
        neg_mul_add(self: Self, b: Self, c: Self) -> Self = Self(_mm512_fnmadd_pd(self.0, b.0, c.0));
        exchange(self: Self, other: Self, bit: usize) -> (Self, Self) = {
            let places = EXCHANGED_F64.get_unchecked(bit);
            (Self::pick(self, other, &places[0]), Self::pick(self, other, &places[1]))
        };
        split(first: Self, second: Self) -> (Self, Self) =
            (Self::pick(first, second, &EVEN_F64), Self::pick(first, second, &ODD_F64));
        join(re: Self, im: Self) -> (Self, Self) =
            (Self::pick(re, im, &LOW_F64), Self::pick(re, im, &HIGH_F64));
        part(first: Self, second: Self) -> (Self, Self) =
            (Self(_mm512_unpacklo_pd(first.0, second.0)), Self(_mm512_unpackhi_pd(first.0, second.0)));
        unite(re: Self, im: Self) -> (Self, Self) =
            (Self(_mm512_unpacklo_pd(re.0, im.0)), Self(_mm512_unpackhi_pd(re.0, im.0)));
    }
}

impl Vector for F32x16 {
    type Element = f32;
    const BITS: usize = 4;

    ops! {
        splat(value: f32) -> Self = Self(_mm512_set1_ps(value));
        load(from: *const f32) -> Self = Self(_mm512_loadu_ps(from));
        mul(self: Self, other: Self) -> Self = Self(_mm512_mul_ps(self.0, other.0));
        store(self: Self, to: *mut f32) = _mm512_storeu_ps(to, self.0);
        stream(self: Self, to: *mut f32) = _mm512_stream_ps(to, self.0);
        mul_add(self: Self, b: Self, c: Self) -> Self = Self(_mm512_fmadd_ps(self.0, b.0, c.0));
        neg_mul_add(self: Self, b: Self, c: Self) -> Self = Self(_mm512_fnmadd_ps(self.0, b.0, c.0));
        exchange(self: Self, other: Self, bit: usize) -> (Self, Self) = {
            let places = EXCHANGED_F32.get_unchecked(bit);
            (Self::pick(self, other, &places[0]), Self::pick(self, other, &places[1]))
        };
        split(first: Self, second: Self) -> (Self, Self) =
            (Self::pick(first, second, &EVEN_F32), Self::pick(first, second, &ODD_F32));
        join(re: Self, im: Self) -> (Self, Self) =
            (Self::pick(re, im, &LOW_F32), Self::pick(re, im, &HIGH_F32));
        part(first: Self, second: Self) -> (Self, Self) =
            (Self(_mm512_shuffle_ps::<0x88>(first.0, second.0)), Self(_mm512_shuffle_ps::<0xDD>(first.0, second.0)));
        unite(re: Self, im: Self) -> (Self, Self) =
            (Self(_mm512_unpacklo_ps(re.0, im.0)), Self(_mm512_unpackhi_ps(re.0, im.0)));
    }
}
