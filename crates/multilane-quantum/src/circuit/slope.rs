//! Slopes of angles: how an angle changes with each of its parameters.

use std::collections::BTreeMap;

use super::angle::{Angle, Binary, Unary};
use crate::error::QuantumError;

impl Angle {
    /// Gives `add` every parameter with its part of the angle's slope, times `by`; one that is used
    /// several times comes several times.
    pub(crate) fn slopes(
        &self,
        by: f64,
        values: &BTreeMap<String, f64>,
        add: &mut dyn FnMut(&str, f64),
    ) -> Result<(), QuantumError> {
        match self {
            Self::Number(_) => Ok(()),
            Self::Parameter(name) => {
                add(name, by);
                Ok(())
            }
            Self::Unary(function, x) => x.slopes(by * function.slope(x.bind(values)?), values, add),
            Self::Binary(function, x, y) => {
                let (left, right) = (x.bind(values)?, y.bind(values)?);
                // A number has no slope, and that of an exponent need not even exist.
                if x.number().is_none() {
                    x.slopes(by * function.left_slope(left, right), values, add)?;
                }
                if y.number().is_none() {
                    y.slopes(by * function.right_slope(left, right), values, add)?;
                }
                Ok(())
            }
        }
    }
}

impl Unary {
    fn slope(self, x: f64) -> f64 {
        match self {
            Self::Negate => -1.0,
            Self::Sin => x.cos(),
            Self::Cos => -x.sin(),
            Self::Tan => 1.0 + x.tan().powi(2),
            Self::Asin => 1.0 / (1.0 - x * x).sqrt(),
            Self::Acos => -1.0 / (1.0 - x * x).sqrt(),
            Self::Atan => 1.0 / (1.0 + x * x),
            Self::Exp => x.exp(),
            Self::Ln => 1.0 / x,
            Self::Sqrt => 0.5 / x.sqrt(),
        }
    }
}

impl Binary {
    fn left_slope(self, x: f64, y: f64) -> f64 {
        match self {
            Self::Add | Self::Subtract => 1.0,
            Self::Multiply => y,
            Self::Divide => 1.0 / y,
            Self::Power => y * x.powf(y - 1.0),
        }
    }

    fn right_slope(self, x: f64, y: f64) -> f64 {
        match self {
            Self::Add => 1.0,
            Self::Subtract => -1.0,
            Self::Multiply => x,
            Self::Divide => -x / (y * y),
            Self::Power => x.powf(y) * x.ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_small_steps() {
        let (a, b) = (Angle::parameter("a"), Angle::parameter("b"));
        let power = |x: &Angle, y: &Angle| x.clone().combine(Binary::Power, y.clone());
        let mut angles = vec![
            -a.clone() + b.clone() * a.clone(),
            a.clone() - a.clone() / b.clone(),
            power(&a, &b),
            power(&a, &2.0.into()),
            power(&2.0.into(), &b),
        ];
        for function in [
            Unary::Sin,
            Unary::Cos,
            Unary::Tan,
            Unary::Asin,
            Unary::Acos,
            Unary::Atan,
            Unary::Exp,
            Unary::Ln,
            Unary::Sqrt,
        ] {
            angles.push((a.clone() * b.clone()).apply(function));
        }
        let values = |a: f64, b: f64| BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        let (x, y, step) = (0.7, 0.4, 1e-6);
        for angle in angles {
            let mut slopes = BTreeMap::from([("a".to_owned(), 0.0), ("b".to_owned(), 0.0)]);
            let mut add = |name: &str, slope: f64| *slopes.get_mut(name).unwrap() += slope;
            angle.slopes(3.0, &values(x, y), &mut add).unwrap();
            let at = |a: f64, b: f64| 3.0 * angle.bind(&values(a, b)).unwrap();
            let along_a = (at(x + step, y) - at(x - step, y)) / (2.0 * step);
            let along_b = (at(x, y + step) - at(x, y - step)) / (2.0 * step);
            assert!((slopes["a"] - along_a).abs() < 1e-7, "{angle}: {slopes:?}, {along_a}");
            assert!((slopes["b"] - along_b).abs() < 1e-7, "{angle}: {slopes:?}, {along_b}");
        }
    }
}
