//! The cost model of this machine: measured once, kept in a file, handed to whoever predicts.
//!
//! The file lies in the user's cache folder and is measured again when it is of another
//! version, of another machine, or cannot be read. Where it cannot be written, each
//! process measures for itself.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use multilane_engine::{calibrate, lanes};
use multilane_plan::cost::CostModel;
use pyo3::prelude::*;

static MODEL: OnceLock<Arc<CostModel>> = OnceLock::new();

/// This machine's cost model; the first call in a process reads it, the first on a machine measures it.
pub(crate) fn model(py: Python<'_>) -> Arc<CostModel> {
    match MODEL.get() {
        Some(model) => model.clone(),
        None => py.detach(|| MODEL.get_or_init(|| Arc::new(read_or_measure())).clone()),
    }
}

fn read_or_measure() -> CostModel {
    kept("cost-model.json", || {
        calibrate::measure_with(lanes::shared(None), super::registry(), super::run::kernels(), false)
    })
}

/// The model that is kept under a name, or else a measured one, which then is.
pub(crate) fn kept(name: &str, measure: impl FnOnce() -> CostModel) -> CostModel {
    let file = folder().map(|folder| folder.join(name));
    if let Some(Ok(Some(model))) = file.as_deref().map(calibrate::load) {
        return model;
    }
    let model = measure();
    if let Some(file) = file {
        // A folder that cannot be written costs the next process a second, and nothing else.
        let made = file.parent().map(std::fs::create_dir_all);
        if matches!(made, Some(Ok(()))) {
            let _ = calibrate::save(&file, &model);
        }
    }
    model
}

/// Where the measurements of this machine are kept; None for a user without a home.
fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let folder = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(folder.join("multilane"))
}
