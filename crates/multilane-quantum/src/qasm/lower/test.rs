//! Conditions on measured bits, in the one form a circuit has: some bits are, or are not, all as given.

use crate::Condition;

/// Holds when all bits have the values beside them; negated, when one has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    bits: Vec<(usize, bool)>,
    negated: bool,
}

/// What becomes of tests that are combined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It holds or does not, whatever the bits are.
    Known(bool),
    Test(Test),
    /// No single comparison says it.
    Beyond,
}

impl Test {
    /// Holds when the bits have these values; nothing about no bits.
    pub(super) fn equals(bits: impl IntoIterator<Item = (usize, bool)>) -> Outcome {
        let mut test = Self {
            bits: Vec::new(),
            negated: false,
        };
        for (bit, value) in bits {
            match test.bits.iter().find(|(known, _)| *known == bit) {
                Some((_, known)) if *known != value => return Outcome::Known(false),
                Some(_) => {}
                None => test.bits.push((bit, value)),
            }
        }
        if test.bits.is_empty() {
            Outcome::Known(true)
        } else {
            Outcome::Test(test)
        }
    }

    /// Holds when it does not.
    #[must_use]
    pub(super) fn not(mut self) -> Self {
        match self.bits.as_mut_slice() {
            // One bit is compared with its other value, so that there is one form for it.
            [(_, value)] => *value = !*value,
            _ => self.negated = !self.negated,
        }
        self
    }

    /// Holds when both do.
    pub(super) fn and(self, other: Self) -> Outcome {
        match (self.negated, other.negated) {
            (false, false) => Self::equals(self.bits.into_iter().chain(other.bits)),
            (true, true) if self == other => Outcome::Test(self),
            (true, true) => Outcome::Beyond,
            (false, true) => self.and_not_all(other.bits),
            (true, false) => other.and_not_all(self.bits),
        }
    }

    /// Holds when it does and not all of the given bits are as given.
    fn and_not_all(self, excluded: Vec<(usize, bool)>) -> Outcome {
        let mut open = Vec::new();
        for (bit, value) in excluded {
            match self.bits.iter().find(|(known, _)| *known == bit) {
                Some((_, known)) if *known == value => {}
                Some(_) => return Outcome::Test(self),
                None => open.push((bit, value)),
            }
        }
        match open.as_slice() {
            [] => Outcome::Known(false),
            [(bit, value)] => {
                let rest = (*bit, !*value);
                Self::equals(self.bits.into_iter().chain([rest]))
            }
            _ => Outcome::Beyond,
        }
    }

    /// Holds when one of them does.
    pub(super) fn or(self, other: Self) -> Outcome {
        match self.not().and(other.not()) {
            Outcome::Known(known) => Outcome::Known(!known),
            Outcome::Test(test) => Outcome::Test(test.not()),
            Outcome::Beyond => Outcome::Beyond,
        }
    }

    /// Whether it looks at the bit.
    pub(super) fn reads(&self, clbit: usize) -> bool {
        self.bits.iter().any(|(bit, _)| *bit == clbit)
    }

    /// Puts other bits in the place of some.
    pub(super) fn width(&self) -> usize {
        self.bits.len()
    }

    /// The circuit's form; `None` when there are more bits than it compares.
    pub(super) fn condition(&self) -> Option<Condition> {
        if self.bits.len() > 64 {
            return None;
        }
        let clbits: Vec<usize> = self.bits.iter().map(|(bit, _)| *bit).collect();
        let value = (self.bits.iter().enumerate()).fold(0, |number, (at, (_, value))| number | u64::from(*value) << at);
        Some(if self.negated {
            Condition::differs(clbits, value)
        } else {
            Condition::equals(clbits, value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of two tests on three bits, against what the two say by themselves.
    #[test]
    fn combinations_hold_exactly_when_their_parts_do() {
        let all: Vec<Test> = (0..27_usize)
            .flat_map(|code| {
                let bits = (0..3).filter_map(move |bit| match code / 3_usize.pow(bit) % 3 {
                    0 => None,
                    value => Some((bit as usize, value == 1)),
                });
                match Test::equals(bits) {
                    Outcome::Test(test) => vec![test.clone(), test.not()],
                    _ => vec![],
                }
            })
            .collect();
        let holds = |test: &Test, values: &[bool]| test.condition().unwrap().holds(values);
        for (left, right) in all.iter().flat_map(|left| all.iter().map(move |right| (left, right))) {
            for code in 0..8 {
                let values = [code & 1 != 0, code & 2 != 0, code & 4 != 0];
                let (a, b) = (holds(left, &values), holds(right, &values));
                for (outcome, expected) in [
                    (left.clone().and(right.clone()), a && b),
                    (left.clone().or(right.clone()), a || b),
                ] {
                    match outcome {
                        Outcome::Known(known) => assert_eq!(known, expected),
                        Outcome::Test(test) => assert_eq!(holds(&test, &values), expected),
                        Outcome::Beyond => {}
                    }
                }
                assert_eq!(holds(&left.clone().not(), &values), !a);
            }
        }
    }
}
