//! A number of tokens, in as few bytes as the net needs.

/// A counter of tokens. Its greatest value stands for any number of tokens.
pub(super) trait Cell: Copy + Ord + std::hash::Hash {
    /// Any number of tokens.
    const ANY: Self;

    /// None when the counter cannot hold it.
    fn new(tokens: i64) -> Option<Self>;

    /// The tokens; not to be asked of [`ANY`](Self::ANY).
    fn get(self) -> i64;
}

macro_rules! cell {
    ($($kind:ty),*) => {$(
        impl Cell for $kind {
            const ANY: Self = Self::MAX;

            #[inline]
            fn new(tokens: i64) -> Option<Self> {
                Self::try_from(tokens).ok().filter(|tokens| *tokens != Self::ANY)
            }

            #[inline]
            fn get(self) -> i64 {
                i64::from(self)
            }
        }
    )*};
}

cell!(u8, u16, u32);
