//! The gates: those of OpenQASM 3's `stdgates.inc` without their controls, and matrices.
//!
//! `cx`, `ccx`, `cswap`, `crz` and the like are a gate of this list with controls.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4};
use std::sync::Arc;

use num_complex::Complex64;

use super::angle::Angle;
use super::matrix::Matrix;

/// The sum of two angles below this is as exact as an amplitude.
const EXACT_SUM: f64 = 8.0;

/// What happens to the targets of a gate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Gate {
    /// Multiplies by `exp(i a)`; acts on no target. With controls it is a phase of theirs.
    GlobalPhase(Angle),
    /// Does nothing.
    Id,
    /// Pauli X.
    X,
    /// Pauli Y.
    Y,
    /// Pauli Z.
    Z,
    /// Hadamard.
    H,
    /// The square root of Z.
    S,
    /// The inverse of S.
    Sdg,
    /// The square root of S.
    T,
    /// The inverse of T.
    Tdg,
    /// The square root of X, `exp(i pi/4) rx(pi/2)`.
    Sx,
    /// The inverse of Sx.
    Sxdg,
    /// Multiplies 1 by `exp(i a)`; also `phase` and `u1`.
    P(Angle),
    /// `exp(-i a X / 2)`.
    Rx(Angle),
    /// `exp(-i a Y / 2)`.
    Ry(Angle),
    /// `exp(-i a Z / 2)`.
    Rz(Angle),
    /// `[[cos, -e^(i l) sin], [e^(i p) sin, e^(i (p + l)) cos]]` of half the first angle; OpenQASM's `u3`.
    /// OpenQASM 3's own `U` is this times `exp(i theta / 2)`.
    U(Angle, Angle, Angle),
    /// Exchanges two qubits.
    Swap,
    /// Any unitary matrix.
    Unitary(Arc<Matrix>),
}

impl Gate {
    /// Its name in the text forms.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GlobalPhase(_) => "gphase",
            Self::Id => "id",
            Self::X => "x",
            Self::Y => "y",
            Self::Z => "z",
            Self::H => "h",
            Self::S => "s",
            Self::Sdg => "sdg",
            Self::T => "t",
            Self::Tdg => "tdg",
            Self::Sx => "sx",
            Self::Sxdg => "sxdg",
            Self::P(_) => "p",
            Self::Rx(_) => "rx",
            Self::Ry(_) => "ry",
            Self::Rz(_) => "rz",
            Self::U(..) => "u",
            Self::Swap => "swap",
            Self::Unitary(_) => "unitary",
        }
    }

    /// The gate of a name, with exactly its angles; nothing when there is none, and for a matrix.
    pub fn named(name: &str, angles: Vec<Angle>) -> Option<Self> {
        let mut angles = angles.into_iter();
        let gate = match name {
            "gphase" => Self::GlobalPhase(angles.next()?),
            "id" => Self::Id,
            "x" => Self::X,
            "y" => Self::Y,
            "z" => Self::Z,
            "h" => Self::H,
            "s" => Self::S,
            "sdg" => Self::Sdg,
            "t" => Self::T,
            "tdg" => Self::Tdg,
            "sx" => Self::Sx,
            "sxdg" => Self::Sxdg,
            "p" => Self::P(angles.next()?),
            "rx" => Self::Rx(angles.next()?),
            "ry" => Self::Ry(angles.next()?),
            "rz" => Self::Rz(angles.next()?),
            "u" => Self::U(angles.next()?, angles.next()?, angles.next()?),
            "swap" => Self::Swap,
            _ => return None,
        };
        angles.next().is_none().then_some(gate)
    }

    /// How many qubits it acts on, controls not counted.
    pub fn targets(&self) -> usize {
        match self {
            Self::GlobalPhase(_) => 0,
            Self::Swap => 2,
            Self::Unitary(matrix) => matrix.qubits(),
            _ => 1,
        }
    }

    /// Its angles, in order.
    pub fn angles(&self) -> Vec<&Angle> {
        match self {
            Self::GlobalPhase(a) | Self::P(a) | Self::Rx(a) | Self::Ry(a) | Self::Rz(a) => vec![a],
            Self::U(a, b, c) => vec![a, b, c],
            _ => Vec::new(),
        }
    }

    /// The same gate with its angles changed.
    pub fn map_angles<E>(&self, mut change: impl FnMut(&Angle) -> Result<Angle, E>) -> Result<Self, E> {
        Ok(match self {
            Self::GlobalPhase(a) => Self::GlobalPhase(change(a)?),
            Self::P(a) => Self::P(change(a)?),
            Self::Rx(a) => Self::Rx(change(a)?),
            Self::Ry(a) => Self::Ry(change(a)?),
            Self::Rz(a) => Self::Rz(change(a)?),
            Self::U(a, b, c) => Self::U(change(a)?, change(b)?, change(c)?),
            other => other.clone(),
        })
    }

    /// The gate that undoes it.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self {
            Self::GlobalPhase(a) => Self::GlobalPhase(-a.clone()),
            Self::S => Self::Sdg,
            Self::Sdg => Self::S,
            Self::T => Self::Tdg,
            Self::Tdg => Self::T,
            Self::Sx => Self::Sxdg,
            Self::Sxdg => Self::Sx,
            Self::P(a) => Self::P(-a.clone()),
            Self::Rx(a) => Self::Rx(-a.clone()),
            Self::Ry(a) => Self::Ry(-a.clone()),
            Self::Rz(a) => Self::Rz(-a.clone()),
            Self::U(theta, phi, lambda) => Self::U(-theta.clone(), -lambda.clone(), -phi.clone()),
            Self::Unitary(matrix) => Self::Unitary(Arc::new(matrix.adjoint())),
            Self::Id | Self::X | Self::Y | Self::Z | Self::H | Self::Swap => self.clone(),
        }
    }

    /// Its matrix, row by row, the first target as the least significant bit; nothing while an angle has no number.
    pub fn matrix(&self) -> Option<Vec<Complex64>> {
        let (zero, one, i) = (Complex64::ZERO, Complex64::ONE, Complex64::I);
        let phase = |angle: f64| Complex64::from_polar(1.0, angle);
        let diagonal = |first: Complex64, second: Complex64| vec![first, zero, zero, second];
        Some(match self {
            Self::GlobalPhase(a) => vec![phase(a.number()?)],
            Self::Id => diagonal(one, one),
            Self::X => vec![zero, one, one, zero],
            Self::Y => vec![zero, -i, i, zero],
            Self::Z => diagonal(one, -one),
            Self::H => [1.0, 1.0, 1.0, -1.0].map(|sign| one * (sign * FRAC_1_SQRT_2)).to_vec(),
            Self::S => diagonal(one, i),
            Self::Sdg => diagonal(one, -i),
            Self::T => diagonal(one, phase(FRAC_PI_4)),
            Self::Tdg => diagonal(one, phase(-FRAC_PI_4)),
            Self::Sx => [1.0, -1.0, -1.0, 1.0]
                .map(|sign| Complex64::new(0.5, 0.5 * sign))
                .to_vec(),
            Self::Sxdg => [-1.0, 1.0, 1.0, -1.0]
                .map(|sign| Complex64::new(0.5, 0.5 * sign))
                .to_vec(),
            Self::P(a) => diagonal(one, phase(a.number()?)),
            Self::Rx(a) => {
                let (sin, cos) = (a.number()? / 2.0).sin_cos();
                vec![one * cos, -i * sin, -i * sin, one * cos]
            }
            Self::Ry(a) => {
                let (sin, cos) = (a.number()? / 2.0).sin_cos();
                vec![one * cos, -one * sin, one * sin, one * cos]
            }
            Self::Rz(a) => {
                let half = a.number()? / 2.0;
                diagonal(phase(-half), phase(half))
            }
            Self::U(theta, phi, lambda) => {
                let (sin, cos) = (theta.number()? / 2.0).sin_cos();
                let (phi, lambda) = (phi.number()?, lambda.number()?);
                // The sum of large angles is rounded to another angle than their phases have together.
                let both = if phi.abs().max(lambda.abs()) < EXACT_SUM {
                    phase(phi + lambda)
                } else {
                    phase(phi) * phase(lambda)
                };
                vec![one * cos, -phase(lambda) * sin, phase(phi) * sin, both * cos]
            }
            Self::Swap => {
                let mut elements = vec![zero; 16];
                for at in [0, 6, 9, 15] {
                    elements[at] = one;
                }
                elements
            }
            Self::Unitary(matrix) => matrix.elements().to_vec(),
        })
    }

    /// OpenQASM's `u2`.
    pub fn u2(phi: impl Into<Angle>, lambda: impl Into<Angle>) -> Self {
        Self::U(FRAC_PI_2.into(), phi.into(), lambda.into())
    }
}
