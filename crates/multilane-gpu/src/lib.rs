//! Kernels on devices, submitted by many workers through one queue or several.
//!
//! A [`Device`] loads a [`Kernel`] into a [`Session`], whose operations go to queues and end in slots. [`load`] lets workers
//! submit operations in one of several ways and says where their time went; [`busy`] reads from the device's own time
//! stamps how much of the time it worked. Nothing here knows Python, or judges what it measures.
//!
//! The device of processor threads is always there. The others are features, and are found at run time:
//!
//! | route | queues | kernels |
//! |---|---|---|
//! | `cpu` | as many as asked for, each a thread | Rust |
//! | `wgpu` | one | WGSL |
//! | `vulkan` | those of a queue family | the same WGSL, translated to SPIR-V |
//! | `cuda` | streams, as many as asked for | CUDA C, compiled to PTX |

pub mod busy;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod device;
mod error;
mod kept;
mod kernel;
mod lane;
mod routes;
mod run;
#[cfg(feature = "vulkan")]
mod vulkan;
#[cfg(feature = "wgpu")]
mod webgpu;
#[cfg(any(feature = "wgpu", feature = "vulkan"))]
mod wgsl;

pub use device::{Device, Facts, Session, Setup};
pub use error::GpuError;
pub use kernel::{Checked, Kernel, check};
pub use routes::{Route, open, survey};
pub use run::{Loaded, Plan, Report, load};
