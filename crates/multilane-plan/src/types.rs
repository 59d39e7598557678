//! Types of values: element types, extents and scalars.
//!
//! A value is a scalar, an array with one axis, or something only its dialect
//! understands (a graph, a quantum register). Arrays with more axes are flattened
//! by the front: element-wise work does not see the difference.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// 32-bit signed integer; arithmetic wraps around.
    I32,
    /// 64-bit signed integer; arithmetic wraps around.
    I64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl DType {
    /// All element types, from the narrowest to the widest in promotion order.
    pub const ALL: [Self; 5] = [Self::Bool, Self::I32, Self::I64, Self::F32, Self::F64];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether it is `f32` or `f64`.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Whether it is `i32` or `i64`.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::I32 | Self::I64)
    }

    /// Its name in the text form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The type with a name of the text form.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One number with its type.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// A 32-bit float.
    F32(
        #[serde(with = "crate::json::float32")]
        #[schemars(with = "crate::json::Float")]
        f32,
    ),
    /// A 64-bit float.
    F64(
        #[serde(with = "crate::json::float64")]
        #[schemars(with = "crate::json::Float")]
        f64,
    ),
}

impl Scalar {
    /// Its element type.
    pub const fn dtype(self) -> DType {
        match self {
            Self::Bool(_) => DType::Bool,
            Self::I32(_) => DType::I32,
            Self::I64(_) => DType::I64,
            Self::F32(_) => DType::F32,
            Self::F64(_) => DType::F64,
        }
    }

    /// Its value as a float; integers round to the nearest.
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Bool(value) => value as u8 as f64,
            Self::I32(value) => value as f64,
            Self::I64(value) => value as f64,
            Self::F32(value) => value as f64,
            Self::F64(value) => value,
        }
    }

    /// Its value as an integer; floats are cut toward zero and saturate, NaN is 0.
    pub const fn as_i64(self) -> i64 {
        match self {
            Self::Bool(value) => value as i64,
            Self::I32(value) => value as i64,
            Self::I64(value) => value,
            Self::F32(value) => value as i64,
            Self::F64(value) => value as i64,
        }
    }

    /// The same number in another type, as `core.cast` converts it: to `bool` by
    /// comparing with 0, between integers by wrapping, from floats as `as_i64`.
    pub const fn cast(self, dtype: DType) -> Self {
        match dtype {
            DType::Bool => Self::Bool(match self {
                Self::Bool(value) => value,
                Self::I32(value) => value != 0,
                Self::I64(value) => value != 0,
                Self::F32(value) => value != 0.0,
                Self::F64(value) => value != 0.0,
            }),
            DType::I32 => Self::I32(match self {
                Self::F32(value) => value as i32,
                Self::F64(value) => value as i32,
                other => other.as_i64() as i32,
            }),
            DType::I64 => Self::I64(self.as_i64()),
            DType::F32 => Self::F32(match self {
                Self::F32(value) => value,
                Self::I32(value) => value as f32,
                Self::I64(value) => value as f32,
                other => other.as_f64() as f32,
            }),
            DType::F64 => Self::F64(self.as_f64()),
        }
    }
}

/// The name of a size that is known when inputs are bound; an index into [`crate::Plan::dims`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct DimId(pub u32);

/// How many elements a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// One, and it meets arrays of every size.
    Scalar,
    /// As many as a named size says.
    Dim(DimId),
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// Numbers.
    Tensor {
        /// What one element is.
        dtype: DType,
        /// How many there are.
        extent: Extent,
    },
    /// Something only its dialect understands, such as `graph<nodes, edges>`.
    Opaque {
        /// The dialect's name for it: `graph`.
        kind: String,
        /// The sizes it brings along.
        dims: Vec<DimId>,
    },
}

impl ValueType {
    /// A scalar type.
    pub const fn scalar(dtype: DType) -> Self {
        Self::Tensor {
            dtype,
            extent: Extent::Scalar,
        }
    }

    /// An array type.
    pub const fn array(dtype: DType, dim: DimId) -> Self {
        Self::Tensor {
            dtype,
            extent: Extent::Dim(dim),
        }
    }

    /// The element type of numbers.
    pub const fn dtype(&self) -> Option<DType> {
        match self {
            Self::Tensor { dtype, .. } => Some(*dtype),
            Self::Opaque { .. } => None,
        }
    }

    /// The extent of numbers.
    pub const fn extent(&self) -> Option<Extent> {
        match self {
            Self::Tensor { extent, .. } => Some(*extent),
            Self::Opaque { .. } => None,
        }
    }
}
