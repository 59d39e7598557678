//! What was measured: the classical bits of every shot.

use std::collections::BTreeMap;

/// The classical bits of some shots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shots {
    clbits: usize,
    shots: usize,
    /// For each shot its bits, the lowest first, in words.
    words: Vec<u64>,
}

impl Shots {
    /// So many shots with all bits 0.
    pub(super) fn new(clbits: usize, shots: usize) -> Self {
        Self {
            clbits,
            shots,
            words: vec![0; clbits.div_ceil(64) * shots],
        }
    }

    pub(super) fn set(&mut self, shot: usize, clbit: usize) {
        let each = self.clbits.div_ceil(64);
        self.words[shot * each + clbit / 64] |= 1 << (clbit % 64);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shots
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shots == 0
    }

    /// How many classical bits each has.
    pub fn clbits(&self) -> usize {
        self.clbits
    }

    /// The bits of a shot in words of 64, the lowest first.
    pub fn words(&self, shot: usize) -> &[u64] {
        let each = self.clbits.div_ceil(64);
        &self.words[shot * each..][..each]
    }

    /// How often each combination of bits occurs; the last classical bit is written first.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts: BTreeMap<&[u64], usize> = BTreeMap::new();
        for shot in 0..self.shots {
            *counts.entry(self.words(shot)).or_default() += 1;
        }
        (counts.into_iter())
            .map(|(words, count)| (self.text(words), count))
            .collect()
    }

    /// The bits of a shot, the last one written first.
    pub fn bits(&self, shot: usize) -> String {
        self.text(self.words(shot))
    }

    fn text(&self, words: &[u64]) -> String {
        let bit = |clbit: usize| {
            if words[clbit / 64] >> (clbit % 64) & 1 == 1 {
                '1'
            } else {
                '0'
            }
        };
        (0..self.clbits).rev().map(bit).collect()
    }
}
