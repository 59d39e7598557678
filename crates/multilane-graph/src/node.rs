//! Integers that can name nodes in the arrays of a caller.

/// An integer type of an edge array.
///
/// Nodes are kept in 32 bits; arrays of wider integers are read where they lie and checked.
pub trait NodeId: Copy + Send + Sync + 'static {
    /// The value, to be compared and shown.
    fn wide(self) -> i128;
    /// The lowest 32 bits of a value that is known to fit.
    fn bits(self) -> u32;
    /// The value as 64 bits without a sign; negative values become huge ones.
    fn ordered(self) -> u64;
}

macro_rules! node_id {
    ($($integer:ty),*) => {$(
        impl NodeId for $integer {
            #[inline(always)]
            fn wide(self) -> i128 {
                self as i128
            }

            #[inline(always)]
            fn bits(self) -> u32 {
                self as u32
            }

            #[inline(always)]
            fn ordered(self) -> u64 {
                self as i128 as u64
            }
        }
    )*};
}

node_id!(i32, i64, u32, u64, usize);
