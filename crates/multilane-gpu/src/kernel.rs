//! The kernels: what they compute, on what, and whether a device computed it right.
//!
//! Inputs are made by formula, so that any single element of a result can be computed again, in double precision, without
//! the rest.

use crate::{GpuError, kept::Kept};

/// Threads of a workgroup, on every device.
pub(crate) const GROUP: u32 = 256;

/// Rows and columns of a result that a workgroup of the matrix product computes.
pub(crate) const TILE: u32 = 64;

/// Elements that a thread of the triad computes.
pub(crate) const WIDTH: u32 = 4;

/// One operation on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// `val = sin(val) * cos(val) + val`, so many times over each element.
    Element {
        /// How many there are.
        elements: u32,
        /// How often each is computed.
        iterations: u32,
    },
    /// The product of two square matrices.
    Matrix {
        /// Rows and columns, a multiple of 64.
        size: u32,
    },
    /// `out = left + 3 * right`: nothing but memory.
    Triad {
        /// How many there are, a multiple of 1024.
        elements: u32,
    },
    /// One thread that copies one number: all of it is submission.
    Nothing,
}

/// The most elements of an array: 1 GiB of them.
const MOST_ELEMENTS: u32 = 1 << 28;

/// The most rows of a matrix.
const MOST_ROWS: u32 = 16_384;

impl Kernel {
    /// Finds a kernel by name and sizes.
    ///
    /// ```
    /// use multilane_gpu::Kernel;
    /// assert_eq!(Kernel::named("matrix", &[256]).unwrap(), Kernel::Matrix { size: 256 });
    /// assert_eq!(
    ///     Kernel::named("matrix", &[100]).unwrap_err().to_string(),
    ///     "`matrix` takes rows that are a multiple of 64, up to 16384, not 100"
    /// );
    /// ```
    pub fn named(name: &str, sizes: &[u32]) -> Result<Self, GpuError> {
        let refuse = |why: &str| {
            let given: Vec<String> = sizes.iter().map(u32::to_string).collect();
            let given = if given.is_empty() {
                "nothing".to_owned()
            } else {
                given.join(", ")
            };
            Err(GpuError::Kernel(format!("`{name}` takes {why}, not {given}")))
        };
        match (name, sizes) {
            ("element", &[elements @ 1..=MOST_ELEMENTS, iterations @ 1..=1_000_000]) => {
                Ok(Self::Element { elements, iterations })
            }
            ("element", _) => refuse("elements (up to 268435456) and iterations (up to a million)"),
            ("matrix", &[size @ 1..=MOST_ROWS]) if size % TILE == 0 => Ok(Self::Matrix { size }),
            ("matrix", _) => refuse("rows that are a multiple of 64, up to 16384"),
            ("triad", &[elements @ 1..=MOST_ELEMENTS]) if elements % (GROUP * WIDTH) == 0 => {
                Ok(Self::Triad { elements })
            }
            ("triad", _) => refuse("elements that are a multiple of 1024, up to 268435456"),
            ("nothing", []) => Ok(Self::Nothing),
            ("nothing", _) => refuse("no sizes"),
            _ => Err(GpuError::Kernel(format!(
                "there is no kernel `{name}`; give `element`, `matrix`, `triad` or `nothing`"
            ))),
        }
    }

    /// Numbers in each of its three arrays: left, right, result.
    pub fn lengths(self) -> [usize; 3] {
        match self {
            Self::Element { elements, .. } => [elements as usize, 4, elements as usize],
            Self::Matrix { size } => [size as usize * size as usize; 3],
            Self::Triad { elements } => [elements as usize; 3],
            Self::Nothing => [4; 3],
        }
    }

    /// Workgroups of a dispatch.
    #[cfg(any(test, feature = "cuda", feature = "vulkan", feature = "wgpu"))]
    pub(crate) fn groups(self) -> [u32; 2] {
        match self {
            // A dimension has at most 65535 groups.
            Self::Element { elements, .. } => rectangle(elements.div_ceil(GROUP)),
            Self::Matrix { size } => [size / TILE, size / TILE],
            Self::Triad { elements } => rectangle(elements / (GROUP * WIDTH)),
            Self::Nothing => [1, 1],
        }
    }

    /// Threads of a workgroup.
    #[cfg(feature = "cuda")]
    pub(crate) fn threads(self) -> u32 {
        if self == Self::Nothing { 1 } else { GROUP }
    }

    /// Bytes that an operation moves to and from the device's memory, where that is what it does.
    pub fn bytes_moved(self) -> f64 {
        match self {
            Self::Triad { elements } => 12.0 * f64::from(elements),
            _ => 0.0,
        }
    }

    /// Floating-point operations, sines and cosines counting one each.
    pub fn flops(self) -> f64 {
        match self {
            Self::Element { elements, iterations } => 4.0 * f64::from(elements) * f64::from(iterations),
            Self::Matrix { size } => 2.0 * f64::from(size).powi(3),
            Self::Triad { elements } => 2.0 * f64::from(elements),
            Self::Nothing => 0.0,
        }
    }

    /// Makes the two inputs.
    pub fn inputs(self) -> [Vec<f32>; 2] {
        let [left, right, _] = self.lengths();
        [
            (0..left).map(|index| self.left(index)).collect(),
            (0..right).map(|index| self.right(index)).collect(),
        ]
    }

    fn left(self, index: usize) -> f32 {
        match self {
            // Away from zero, where a sine of a device may have no figure right.
            Self::Element { elements, .. } => 0.25 + index as f32 / elements as f32,
            _ => scattered(index as u32),
        }
    }

    fn right(self, index: usize) -> f32 {
        scattered((index as u32).wrapping_add(0x9e37_79b9))
    }

    /// What an element of the result is, in double precision.
    pub fn expected(self, index: usize) -> f64 {
        let left = |index| f64::from(self.left(index));
        let right = |index| f64::from(self.right(index));
        match self {
            Self::Element { iterations, .. } => {
                (0..iterations).fold(left(index), |value, _| value.sin() * value.cos() + value)
            }
            Self::Matrix { size } => {
                let size = size as usize;
                let (row, column) = (index / size, index % size);
                (0..size).map(|k| left(row * size + k) * right(k * size + column)).sum()
            }
            Self::Triad { .. } => left(index) + 3.0 * right(index),
            Self::Nothing => left(index),
        }
    }

    /// How far an element computed in single precision may be from it.
    pub fn tolerance(self) -> f64 {
        match self {
            // The sine of a device may be wrong by 2^-11; the ones there are give 2^-20 or better, and ten turns of the
            // kernel make sixteen times as much of it. After that its values come together.
            Self::Element { .. } => 1e-4,
            // Half a unit in the last place of each partial sum.
            Self::Matrix { size } => 1e-6 * f64::from(size),
            Self::Triad { .. } => 1e-6,
            Self::Nothing => 0.0,
        }
    }

    /// Computes all of the result on the processor, in single precision.
    pub(crate) fn compute(self, left: &[f32], right: &[f32], out: &mut [f32]) {
        match self {
            Self::Element { iterations, .. } => {
                for (out, value) in out.iter_mut().zip(left) {
                    *out = (0..iterations).fold(*value, |value, _| value.sin() * value.cos() + value);
                }
            }
            Self::Matrix { size } => {
                let size = size as usize;
                out.fill(0.0);
                for (row, left) in out.chunks_exact_mut(size).zip(left.chunks_exact(size)) {
                    for (factor, right) in left.iter().zip(right.chunks_exact(size)) {
                        for (out, right) in row.iter_mut().zip(right) {
                            *out += factor * right;
                        }
                    }
                }
            }
            Self::Triad { .. } => {
                for ((out, left), right) in out.iter_mut().zip(left).zip(right) {
                    *out = left + 3.0 * right;
                }
            }
            Self::Nothing => out[0] = left[0],
        }
    }
}

/// How many elements of a result are computed again.
const LOOKED_AT: usize = 2_048;

/// What a device computed, held against the processor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checked {
    /// Elements that were computed again.
    pub elements: usize,
    /// The largest distance from what is right; infinite where the device gave no number.
    pub largest_error: f64,
    /// How far an element may be off.
    pub tolerance: f64,
}

impl Checked {
    /// Whether all of it is right.
    pub fn holds(&self) -> bool {
        self.largest_error <= self.tolerance
    }
}

/// What is right at the elements that are looked at; computing it takes as long as many a run.
static RIGHT: Kept<Vec<(usize, f64)>> = Kept::new();

/// Holds a result against the same computed again in double precision, at elements spread over all of it.
pub fn check(kernel: Kernel, result: &[f32]) -> Checked {
    let length = match kernel {
        Kernel::Nothing => 1,
        _ => kernel.lengths()[2],
    };
    let looked_at = length.min(LOOKED_AT);
    // The last element is among them.
    let places = (1..=looked_at).map(|number| number * length / looked_at - 1);
    let right = RIGHT
        .of(kernel, || {
            Ok(places.map(|index| (index, kernel.expected(index))).collect())
        })
        .expect("a processor computes every kernel");
    let error = |(index, right): &(usize, f64)| {
        let found = result.get(*index).copied().unwrap_or(f32::NAN);
        let distance = (f64::from(found) - right).abs();
        if distance.is_nan() { f64::INFINITY } else { distance }
    };
    Checked {
        elements: looked_at,
        largest_error: right.iter().map(error).fold(0.0, f64::max),
        tolerance: kernel.tolerance(),
    }
}

/// A number from -0.5 to 0.5 that looks random.
fn scattered(index: u32) -> f32 {
    let mut state = index.wrapping_mul(0x85eb_ca6b) ^ (index >> 15);
    state = (state ^ (state >> 13)).wrapping_mul(0xc2b2_ae35);
    state ^= state >> 16;
    (state >> 8) as f32 / (1u32 << 24) as f32 - 0.5
}

#[cfg(any(test, feature = "cuda", feature = "vulkan", feature = "wgpu"))]
fn rectangle(groups: u32) -> [u32; 2] {
    const MOST: u32 = 32_768;
    if groups <= MOST {
        [groups, 1]
    } else {
        [MOST, groups.div_ceil(MOST)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Kernel; 5] = [
        Kernel::Element {
            elements: 1000,
            iterations: 10,
        },
        Kernel::Element {
            elements: 300,
            iterations: 500,
        },
        Kernel::Matrix { size: 128 },
        Kernel::Triad { elements: 4096 },
        Kernel::Nothing,
    ];

    #[test]
    fn the_processor_computes_what_is_expected() {
        for kernel in ALL {
            let [left, right] = kernel.inputs();
            let mut out = vec![f32::NAN; kernel.lengths()[2]];
            kernel.compute(&left, &right, &mut out);
            let checked = check(kernel, &out);
            assert!(checked.holds(), "{kernel:?}: {checked:?}");
        }
    }

    #[test]
    fn a_wrong_element_is_seen() {
        for kernel in ALL {
            let [left, right] = kernel.inputs();
            let mut out = vec![0.0; kernel.lengths()[2]];
            kernel.compute(&left, &right, &mut out);
            let last = if kernel == Kernel::Nothing { 0 } else { out.len() - 1 };
            out[last] += 0.01;
            assert!(!check(kernel, &out).holds(), "{kernel:?}");
            out[last] = f32::NAN;
            assert!(!check(kernel, &out).holds(), "{kernel:?}");
            assert!(!check(kernel, &[]).holds(), "{kernel:?}");
        }
    }

    #[test]
    fn dispatches_cover_every_element_and_no_dimension_is_too_long() {
        for elements in [1, 255, 256, 257, 1 << 20, MOST_ELEMENTS] {
            let [x, y] = Kernel::Element {
                elements,
                iterations: 1,
            }
            .groups();
            assert!(x <= 65_535 && y <= 65_535, "{elements}: {x} x {y}");
            assert!(
                u64::from(x) * u64::from(y) * u64::from(GROUP) >= u64::from(elements),
                "{elements}"
            );
        }
    }

    #[test]
    fn sizes_that_no_kernel_has_are_refused() {
        for (name, sizes) in [
            ("element", &[0, 1][..]),
            ("element", &[5]),
            ("matrix", &[0]),
            ("matrix", &[64, 64]),
            ("triad", &[1000]),
            ("nothing", &[1]),
            ("anything", &[]),
        ] {
            assert!(Kernel::named(name, sizes).is_err(), "{name} {sizes:?}");
        }
    }
}
