//! The order in which reductions add up, so that every worker count gives the same bits.
//!
//! An array is cut into chunks of [`CHUNK`] elements from its start. Within a chunk,
//! lane `l` of [`LANES`] takes the elements `l`, `l + 16`, `l + 32`, … in this order,
//! starting from the reduction's neutral element; [`combine_lanes`] joins the lanes
//! and [`combine_chunks`] the chunks. Kernels may compute it any way that gives this result.

/// Elements of a chunk.
pub const CHUNK: usize = 4096;

/// Lanes of a chunk.
pub const LANES: usize = 16;

/// Joins the lanes of a chunk: the upper half with the lower half, until one is left.
pub fn combine_lanes<T: Copy>(mut lanes: [T; LANES], join: impl Fn(T, T) -> T) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = join(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Joins the results of the chunks: neighbours in pairs, an odd last one as it is, until one is left.
/// Nothing when there is no chunk.
pub fn combine_chunks<T: Copy>(partials: &mut [T], join: impl Fn(T, T) -> T) -> Option<T> {
    let mut len = partials.len();
    while len > 1 {
        for pair in 0..len / 2 {
            partials[pair] = join(partials[2 * pair], partials[2 * pair + 1]);
        }
        if len % 2 == 1 {
            partials[len / 2] = partials[len - 1];
        }
        len = len.div_ceil(2);
    }
    partials.first().copied()
}

/// The whole tree: `neutral` joined with every element, one at a time.
pub fn reduce<T: Copy>(elements: &[T], neutral: T, join: impl Fn(T, T) -> T + Copy) -> T {
    let mut partials: Vec<T> = elements
        .chunks(CHUNK)
        .map(|chunk| {
            let mut lanes = [neutral; LANES];
            for (index, element) in chunk.iter().enumerate() {
                lanes[index % LANES] = join(lanes[index % LANES], *element);
            }
            combine_lanes(lanes, join)
        })
        .collect();
    combine_chunks(&mut partials, join).unwrap_or(neutral)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_neighbours_and_keeps_an_odd_one() {
        let join = |a: u64, b: u64| a * 10 + b;
        // ((1,2),(3,4)),5 -> 12, 34, 5 -> 154, 5 -> 1545
        assert_eq!(combine_chunks(&mut [1, 2, 3, 4, 5], join), Some(1545));
        assert_eq!(combine_chunks::<u64>(&mut [], join), None);
    }

    #[test]
    fn reduces_every_element_once() {
        for len in [0, 1, 15, 16, 17, 4095, 4096, 4097, 20_000] {
            let elements: Vec<i64> = (1..=len).collect();
            assert_eq!(reduce(&elements, 0, |a, b| a + b), len * (len + 1) / 2, "{len}");
        }
    }
}
