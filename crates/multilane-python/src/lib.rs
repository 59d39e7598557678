//! The extension module `multilane._multilane`.
use pyo3::prelude::*;

#[pymodule]
mod _multilane {
    #[pymodule_export]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
