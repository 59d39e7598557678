//! Pseudo-random numbers by position: each edge has its own sequence, whoever draws it.

/// A sequence of 64-bit numbers (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of a position under a seed.
    #[inline(always)]
    pub(crate) fn at(seed: u64, position: u64) -> Self {
        Self(mix(seed ^ mix(position.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// The next number.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// The next number below a bound (Lemire's multiplication).
    #[inline(always)]
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        // 64 bits against a bound of 32 leave a bias of at most 2^-32.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u32
    }
}

/// Spreads every bit of a number over all bits of the result; one-to-one.
#[inline(always)]
pub(crate) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A permutation of the numbers of some bits.
pub(crate) struct Permutation {
    mask: u64,
    shift: u32,
    factors: [u64; 3],
    offset: u64,
}

impl Permutation {
    /// The permutation of `bits` bits under a seed.
    pub(crate) fn new(bits: u32, seed: u64) -> Self {
        let mut random = Random::at(seed, u64::MAX);
        Self {
            mask: (1u64 << bits) - 1,
            shift: bits / 2 + 1,
            factors: [(); 3].map(|()| random.next() | 1),
            offset: random.next(),
        }
    }

    /// Where a number goes.
    #[inline(always)]
    pub(crate) fn apply(&self, number: u32) -> u32 {
        // Odd factors and shifts to the right are one-to-one on the bits of the mask.
        let mut number = u64::from(number).wrapping_add(self.offset) & self.mask;
        for factor in self.factors {
            number = number.wrapping_mul(factor) & self.mask;
            number ^= number >> self.shift;
        }
        number as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_hits_every_number_once() {
        for bits in 0..12 {
            let permutation = Permutation::new(bits, 7);
            let mut hit = vec![false; 1 << bits];
            for number in 0..1u32 << bits {
                hit[permutation.apply(number) as usize] = true;
            }
            assert!(hit.into_iter().all(|hit| hit), "{bits} bits");
        }
    }

    #[test]
    fn stays_below_the_bound() {
        let mut random = Random::at(3, 5);
        let mut seen = [0; 7];
        for _ in 0..7000 {
            seen[random.below(7) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 800), "{seen:?}");
    }
}
