//! Sums of angles: a number and factors of what cannot be taken apart.
//!
//! `a / 2 + 1 - a` becomes `-0.5 a + 1`, so that angles that add up to nothing are seen to.

use super::angle::{Angle, Binary, Unary};

/// A sum with more terms than this is not made: it is walked by recursion.
const MOST_TERMS: usize = 32;

/// A number and factors of angles that are no sums.
#[derive(Debug, Default)]
struct Linear {
    constant: f64,
    terms: Vec<(Angle, f64)>,
}

impl Angle {
    /// The sum of angles, as short as it is known to be; nothing when it is too long or no finite number.
    pub(crate) fn sum(angles: &[&Self]) -> Option<Self> {
        if let [Self::Number(x), Self::Number(y)] = angles {
            return Some(Self::Number(x + y)).filter(Self::is_finite);
        }
        let mut sum = Linear::default();
        for angle in angles {
            sum.add(angle, 1.0);
        }
        sum.terms.retain(|(_, factor)| *factor != 0.0);
        let finite = sum.terms.iter().all(|(_, factor)| factor.is_finite());
        (finite && sum.terms.len() <= MOST_TERMS)
            .then(|| sum.angle())
            .filter(Self::is_finite)
    }

    fn is_finite(&self) -> bool {
        self.number().is_none_or(f64::is_finite)
    }
}

impl Linear {
    fn add(&mut self, angle: &Angle, factor: f64) {
        match angle {
            Angle::Number(number) => self.constant += factor * number,
            Angle::Unary(Unary::Negate, x) => self.add(x, -factor),
            Angle::Binary(Binary::Add, x, y) => {
                self.add(x, factor);
                self.add(y, factor);
            }
            Angle::Binary(Binary::Subtract, x, y) => {
                self.add(x, factor);
                self.add(y, -factor);
            }
            Angle::Binary(function, x, y) => match (function, x.number(), y.number()) {
                (Binary::Multiply, Some(by), _) => self.add(y, factor * by),
                (Binary::Multiply, _, Some(by)) => self.add(x, factor * by),
                (Binary::Divide, _, Some(by)) => self.add(x, factor / by),
                _ => self.add_term(angle, factor),
            },
            Angle::Parameter(_) | Angle::Unary(..) => self.add_term(angle, factor),
        }
    }

    fn add_term(&mut self, angle: &Angle, factor: f64) {
        match self.terms.iter_mut().find(|(term, _)| term == angle) {
            Some((_, sum)) => *sum += factor,
            None => self.terms.push((angle.clone(), factor)),
        }
    }

    fn angle(self) -> Angle {
        let scaled = |(term, factor): (Angle, f64)| match factor {
            1.0 => term,
            -1.0 => -term,
            _ => Angle::Number(factor) * term,
        };
        match self.terms.into_iter().map(scaled).reduce(|sum, term| sum + term) {
            None => Angle::Number(self.constant),
            Some(sum) if self.constant == 0.0 => sum,
            Some(sum) => sum + self.constant.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(angles: &[Angle], wanted: &str) {
        let angles: Vec<&Angle> = angles.iter().collect();
        assert_eq!(
            Angle::sum(&angles).map(|sum| sum.to_string()).unwrap_or_default(),
            wanted
        );
    }

    #[test]
    fn adds_what_is_alike() {
        let (a, b) = (Angle::parameter("a"), Angle::parameter("b"));
        check(&[0.25.into(), 0.5.into()], "0.75");
        check(&[a.clone(), a.clone()], "(2.0 * a)");
        check(&[a.clone() / 2.0.into() + 1.0.into(), -a.clone()], "((-0.5 * a) + 1.0)");
        check(&[a.clone() * b.clone(), b.clone(), -b.clone()], "(a * b)");
        check(&[a.clone() * 3.0.into() - b.clone(), b - Angle::from(3.0) * a], "0.0");
    }

    #[test]
    fn refuses_what_is_too_long_or_not_finite() {
        let many: Vec<Angle> = (0..=MOST_TERMS)
            .map(|number| Angle::parameter(format!("p{number}")))
            .collect();
        check(&many, "");
        check(&[f64::MAX.into(), f64::MAX.into()], "");
        check(&[Angle::parameter("a") / 0.0.into()], "");
    }
}
