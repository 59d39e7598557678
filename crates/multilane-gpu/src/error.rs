//! What can go wrong on the way to a device.

/// A device cannot be used, or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// There is no driver, or no device that it drives.
    #[error("there is no device for `{route}`: {why}")]
    Unavailable {
        /// The way to the device.
        route: &'static str,
        /// What is missing.
        why: String,
    },
    /// The name of no route.
    #[error("there is no route `{name}` to a device; give one of {known}")]
    UnknownRoute {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The name of no kernel, or sizes it cannot have.
    #[error("{0}")]
    Kernel(String),
    /// A run that this device cannot do.
    #[error("`{route}` on {device} {why}")]
    Unsupported {
        /// The way to the device.
        route: &'static str,
        /// The device's name.
        device: String,
        /// What it lacks.
        why: String,
    },
    /// The device or its driver reported an error.
    #[error("`{route}` failed in {what}: {why}")]
    Failed {
        /// The way to the device.
        route: &'static str,
        /// What was being done.
        what: &'static str,
        /// What the driver said.
        why: String,
    },
    /// Somebody stopped the run.
    #[error("the run was stopped")]
    Stopped,
}

impl GpuError {
    /// What the user can do next, when we know.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable { route: "cuda", .. } => {
                Some("install NVIDIA's driver (`nvidia-smi` shows whether it works), or use `vulkan`, `wgpu` or `cpu`")
            }
            Self::Unavailable { .. } => Some(
                "install a Vulkan driver and its loader (Debian: `libvulkan1`, and `mesa-vulkan-drivers` for a \
                 software device), or use `cpu`",
            ),
            Self::Unsupported { .. } => Some("use fewer workers or a smaller window, or another route"),
            _ => None,
        }
    }
}
