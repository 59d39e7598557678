//! Elements as kernels read them from the memory of an array.

/// A truth value as it lies in memory: one byte, 0 or 1.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Truth(pub(crate) u8);

/// What an array's memory can be read as.
pub(crate) trait Source: Copy + Send + Sync + 'static {}

impl Source for Truth {}
impl Source for i32 {}
impl Source for i64 {}
impl Source for f32 {}
impl Source for f64 {}
