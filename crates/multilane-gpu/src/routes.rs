//! The ways to a device: which there are on this machine, and opening one.

use std::sync::Arc;

use crate::{Device, Facts, GpuError, cpu::Cpu};

/// A way to a device, and what is at its end.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: &'static str,
    /// The device, or what is missing.
    pub found: Result<Facts, GpuError>,
}

type Open = fn() -> Result<Arc<dyn Device>, GpuError>;

/// Those with most to offer first.
const ROUTES: &[(&str, Open)] = &[
    #[cfg(feature = "cuda")]
    ("cuda", || Ok(Arc::new(crate::cuda::Cuda::open()?))),
    #[cfg(feature = "vulkan")]
    ("vulkan", || Ok(Arc::new(crate::vulkan::Vulkan::open()?))),
    #[cfg(feature = "wgpu")]
    ("wgpu", || Ok(Arc::new(crate::webgpu::WebGpu::open()?))),
    ("cpu", || Ok(Arc::new(Cpu::new()))),
];

/// Opens the device of a route; `gpu` is the first that has one which is no software, else the first that has any.
///
/// # Errors
///
/// There is no such route, or no device at its end.
pub fn open(name: &str) -> Result<Arc<dyn Device>, GpuError> {
    if name == "gpu" {
        return first();
    }
    match ROUTES.iter().find(|(known, _)| *known == name) {
        Some((_, open)) => open(),
        None => Err(GpuError::UnknownRoute {
            name: name.to_owned(),
            known: ROUTES
                .iter()
                .map(|(known, _)| format!("`{known}`"))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// Looks along every route.
pub fn survey() -> Vec<Route> {
    ROUTES
        .iter()
        .map(|(name, open)| Route {
            name,
            found: open().map(|device| device.facts().clone()),
        })
        .collect()
}

fn first() -> Result<Arc<dyn Device>, GpuError> {
    let mut software = None;
    let mut missing = GpuError::Unavailable {
        route: "gpu",
        why: "this build of the module has no way to one".to_owned(),
    };
    for (name, open) in ROUTES.iter().filter(|(name, _)| *name != "cpu") {
        match open() {
            Ok(device) if !device.facts().software => return Ok(device),
            Ok(device) => software = software.or(Some(device)),
            // CUDA comes first, and its absence says the least.
            Err(error) if *name != "cuda" => missing = error,
            Err(_) => {}
        }
    }
    software.ok_or(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_always_there() {
        let routes = survey();
        let last = routes.last().unwrap();
        assert!(last.name == "cpu" && last.found.as_ref().is_ok_and(|facts| facts.software));
        assert_eq!(open("cpu").unwrap().facts().route, "cpu");
    }

    #[test]
    fn a_route_that_is_not_there_names_those_that_are() {
        let error = open("metal").map(drop).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no route `metal` to a device; give one of"),
            "{error}"
        );
        assert!(error.ends_with("`cpu`"), "{error}");
    }
}
