//! Values that are known while a program is read, and those that only a run will know.

use std::rc::Rc;

use super::test::Test;
use crate::Angle;

/// Operations inside one angle that has a late parameter, at most: it is written out wherever it is used.
pub(super) const MAX_ANGLE: usize = 90;

/// The value of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Constant bits, the least significant first.
    Bits(Rc<[bool]>),
    /// Nothing that counts here: delays take no time.
    Duration,
    /// An angle with parameters that are bound late, and how many operations it has.
    Late(Angle, usize),
    /// Qubits: one, or a register.
    Qubits(Group),
    /// Classical bits of the circuit: one, or a register.
    Clbits(Group),
    /// Whether something will hold when the circuit runs.
    Test(Test),
    /// What a subroutine without a result gives back.
    Nothing,
}

/// Qubits or bits of the circuit, in order.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) members: Rc<[usize]>,
    /// Whether it is one element and no register.
    pub(super) single: bool,
    /// How the program calls it.
    pub(super) name: Rc<str>,
    /// Whether it stands for a copy, as a subroutine's parameter of bits does: nothing may write to it.
    pub(super) copied: bool,
}

impl Group {
    pub(super) fn one(member: usize, name: Rc<str>) -> Self {
        Self {
            members: Rc::new([member]),
            single: true,
            name,
            copied: false,
        }
    }

    pub(super) fn register(members: impl Into<Rc<[usize]>>, name: Rc<str>) -> Self {
        Self {
            members: members.into(),
            single: false,
            name,
            copied: false,
        }
    }
}

impl Value {
    /// How an error calls a value of its kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bits(_) => "a string of bits",
            Self::Duration => "a duration",
            Self::Late(..) => "an input",
            Self::Qubits(group) if group.single => "a qubit",
            Self::Qubits(_) => "a register of qubits",
            Self::Clbits(group) if group.single => "a measured bit",
            Self::Clbits(_) => "a register of measured bits",
            Self::Test(_) => "a comparison of measured bits",
            Self::Nothing => "nothing",
        }
    }

    /// Whether only a run can tell it.
    pub(super) fn is_late(&self) -> bool {
        matches!(self, Self::Late(..) | Self::Clbits(_) | Self::Test(_))
    }

    /// The number, for a value that is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Bits(_) => self.integer().map(|value| value as f64),
            _ => None,
        }
    }

    /// The whole number, for a value that is one.
    pub(super) fn integer(&self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(i128::from(*value)),
            Self::Int(value) => Some(*value),
            Self::Bits(bits) if bits.len() < 127 => {
                Some(bits.iter().rev().fold(0, |number, bit| number << 1 | i128::from(*bit)))
            }
            _ => None,
        }
    }

    /// Whether it counts as true, for a value that is known.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Bits(bits) => Some(bits.contains(&true)),
            _ => self.number().map(|number| number != 0.0),
        }
    }

    /// The angle, with how many operations it has.
    pub(super) fn angle(&self) -> Option<(Angle, usize)> {
        match self {
            Self::Late(angle, size) => Some((angle.clone(), *size)),
            _ => self.number().map(|number| (Angle::Number(number), 1)),
        }
    }
}
