//! Random numbers by their position: the same for any order in which they are asked for.

/// A 64-bit number for a place in the stream of a seed.
pub(super) fn number(seed: u64, place: u64) -> u64 {
    mix(mix(seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_add(place.wrapping_mul(0xD1B5_4A32_D192_ED03)))
}

/// A number from 0 to below 1 for a place in the stream of a seed.
pub(super) fn unit(seed: u64, place: u64) -> f64 {
    (number(seed, place) >> 11) as f64 / (1u64 << 53) as f64
}

/// The finaliser of splitmix64.
fn mix(mut state: u64) -> u64 {
    state = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ state >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ state >> 31
}
