//! Sorting the edges of a bucket by row and target, stably, in cache.

/// What is sorted: a key, and the place it came from when somebody asks for it later.
pub(crate) trait Item: Copy + Send + Ord + Default {
    /// An item of a key that stood at a place.
    fn new(key: u64, place: u32) -> Self;
    /// The key.
    fn key(self) -> u64;
    /// The place, or 0 where it is not kept.
    fn place(self) -> u32;
}

impl Item for u64 {
    #[inline(always)]
    fn new(key: u64, _place: u32) -> Self {
        key
    }

    #[inline(always)]
    fn key(self) -> u64 {
        self
    }

    #[inline(always)]
    fn place(self) -> u32 {
        0
    }
}

impl Item for (u64, u32) {
    #[inline(always)]
    fn new(key: u64, place: u32) -> Self {
        (key, place)
    }

    #[inline(always)]
    fn key(self) -> u64 {
        self.0
    }

    #[inline(always)]
    fn place(self) -> u32 {
        self.1
    }
}

/// Below this many items the counters of a radix pass cost more than comparisons.
const COMPARED: usize = 1024;

/// Widest digit of a radix pass: its counters fit in the first-level cache.
const DIGIT_BITS: u32 = 11;

/// Sorts items by bits `low..high` of their keys; items that agree there keep their order.
///
/// Where `low` is not 0, items must already agree in order with the lower bits.
pub(crate) fn sort<I: Item>(items: &mut Vec<I>, other: &mut Vec<I>, low: u32, high: u32) {
    if items.len() < COMPARED {
        // Places rise with the order of arrival, so that the whole item as the key keeps it.
        items.sort_unstable();
        return;
    }
    other.clear();
    other.resize(items.len(), I::default());
    let passes = (high - low).div_ceil(DIGIT_BITS).max(1);
    let digit = (high - low).div_ceil(passes);
    let mask = (1u64 << digit) - 1;
    let mut shift = low;
    for _ in 0..passes {
        let mut next = [0usize; 1 << DIGIT_BITS];
        for item in items.iter() {
            next[(item.key() >> shift & mask) as usize] += 1;
        }
        let mut sum = 0;
        for count in &mut next[..=mask as usize] {
            sum += std::mem::replace(count, sum);
        }
        for &item in items.iter() {
            let place = &mut next[(item.key() >> shift & mask) as usize];
            // SAFETY: the counters of all items sum to their number, and each item takes one place.
            unsafe { *other.get_unchecked_mut(*place) = item };
            *place += 1;
        }
        std::mem::swap(items, other);
        shift += digit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_stable_sort(keys in prop::collection::vec(0u64..1 << 13, 0..3000)) {
            let mut items: Vec<(u64, u32)> = keys.iter().enumerate().map(|(place, &key)| (key, place as u32)).collect();
            let mut expect = items.clone();
            expect.sort_by_key(|item| item.0);
            sort(&mut items, &mut Vec::new(), 0, 13);
            prop_assert_eq!(items, expect);
        }
    }
}
