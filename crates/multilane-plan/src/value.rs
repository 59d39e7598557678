//! Values while a plan runs: arrays that stay where they are, scalars, and opaque things.
//!
//! An [`Array`] is a typed piece of memory with an owner that keeps it alive: a
//! buffer of a pool, or an object of the caller. Nothing here copies elements.

use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::types::{DType, Scalar};

/// Typed memory of one axis, contiguous and aligned for its elements.
///
/// Cloning shares the memory. Kernels reach it through raw pointers because a result
/// may lie in the memory of an operand (`OpDef::in_place`); who runs a plan makes sure
/// that no two operations that run at the same time write the same elements.
#[derive(Clone)]
pub struct Array {
    dtype: DType,
    len: usize,
    start: NonNull<u8>,
    writable: bool,
    owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the memory belongs to `owner`, which may be sent and shared; the discipline
// of who writes what is that of whoever runs the plan (see the type's documentation).
unsafe impl Send for Array {}
// SAFETY: as above.
unsafe impl Sync for Array {}

impl Array {
    /// Wraps memory.
    ///
    /// # Safety
    /// `start` points to `len` elements of `dtype`, aligned for them, that stay valid
    /// while `owner` lives. When `writable`, nothing else reads or writes them while a
    /// plan runs with this array as a result.
    pub unsafe fn from_raw(
        dtype: DType,
        len: usize,
        start: NonNull<u8>,
        writable: bool,
        owner: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        debug_assert_eq!(start.as_ptr() as usize % dtype.size(), 0, "unaligned array");
        Self {
            dtype,
            len,
            start,
            writable,
            owner,
        }
    }

    /// Takes a vector; the element type decides the [`DType`].
    pub fn from_vec<T: Element>(elements: Vec<T>) -> Self {
        let mut elements = elements;
        let len = elements.len();
        let start = NonNull::new(elements.as_mut_ptr().cast::<u8>()).expect("a vector's pointer is not null");
        // SAFETY: the vector is the owner, and its heap memory does not move with it.
        unsafe { Self::from_raw(T::DTYPE, len, start, true, Arc::new(Kept(elements))) }
    }

    /// What one element is.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a plan may write here.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Where the elements start.
    pub fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// Where the elements start, for writing; see the type's documentation.
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// What keeps the memory alive.
    pub fn owner(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.owner
    }

    /// The elements, when they are of type `T`. For code that knows nobody writes.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        if self.dtype != T::DTYPE {
            return None;
        }
        // SAFETY: `from_raw` promises `len` valid elements of this type.
        Some(unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast::<T>(), self.len) })
    }
}

impl std::fmt::Debug for Array {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Array({}[{}])", self.dtype, self.len)
    }
}

/// A vector that is kept for its memory; reached through pointers only.
struct Kept<T>(#[expect(dead_code, reason = "held for its memory")] Vec<T>);

/// A Rust type that elements can have.
pub trait Element: Copy + Send + Sync + 'static {
    /// Its element type.
    const DTYPE: DType;
}

impl Element for bool {
    const DTYPE: DType = DType::Bool;
}
impl Element for i32 {
    const DTYPE: DType = DType::I32;
}
impl Element for i64 {
    const DTYPE: DType = DType::I64;
}
impl Element for f32 {
    const DTYPE: DType = DType::F32;
}
impl Element for f64 {
    const DTYPE: DType = DType::F64;
}

/// A value while a plan runs.
#[derive(Clone, Debug)]
pub enum Value {
    /// One number.
    Scalar(Scalar),
    /// An array.
    Array(Array),
    /// What only a dialect understands: a graph, a register.
    Opaque(Arc<dyn Any + Send + Sync>),
}

impl Value {
    /// The array, if it is one.
    pub fn array(&self) -> Option<&Array> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Scalar(scalar) => Some(*scalar),
            _ => None,
        }
    }

    /// The dialect's own thing, if it is a `T`.
    pub fn opaque<T: Any>(&self) -> Option<&T> {
        match self {
            Self::Opaque(thing) => thing.downcast_ref(),
            _ => None,
        }
    }
}
