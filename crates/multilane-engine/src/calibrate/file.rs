//! A measured cost model as a file.
//!
//! JSON with the machine it was measured on and the version that measured it. A file that
//! does not fit either, or is damaged, counts as none: measuring again is cheap. So does,
//! after ten minutes, one that was measured while the machine was too busy.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use multilane_plan::cost::{COST_MODEL_VERSION, CostModel};
use serde::{Deserialize, Serialize};

use super::machine::machine;
use crate::error::EngineError;

/// The form of the file.
const FORMAT: u32 = 1;

/// How long a model with guesses counts: other programs do not keep the processors for ever.
const GUESSES_LAST: Duration = Duration::from_secs(600);

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    /// The version of multilane: kernels change.
    version: String,
    machine: String,
    model: CostModel,
}

/// Reads the model of this machine; `None` when there is none, or one of another machine or version.
pub fn load(path: &Path) -> Result<Option<CostModel>, EngineError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => return Ok(None),
        Err(source) => {
            let what = "reading the calibration";
            return Err(EngineError::System { what, source });
        }
    };
    let file: Option<File> = serde_json::from_str(&text).ok();
    let age = || {
        SystemTime::now()
            .duration_since(fs::metadata(path).ok()?.modified().ok()?)
            .ok()
    };
    let fits = |file: &File| {
        file.format == FORMAT
            && file.version == env!("CARGO_PKG_VERSION")
            && file.machine == machine().fingerprint()
            && is_sound(&file.model)
            && (file.model.assumed == 0 || age().is_some_and(|age| age < GUESSES_LAST))
    };
    Ok(file.filter(fits).map(|file| file.model))
}

/// Writes the model of this machine. Whoever reads at the same time sees the old file or the new one.
pub fn save(path: &Path, model: &CostModel) -> Result<(), EngineError> {
    let system = |what| move |source| EngineError::System { what, source };
    let file = File {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: machine().fingerprint(),
        model: model.clone(),
    };
    let text = serde_json::to_string_pretty(&file).expect("numbers and names have a JSON form");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(system("making the calibration's folder"))?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    fs::write(&unfinished, text).map_err(system("writing the calibration"))?;
    fs::rename(&unfinished, path).map_err(system("writing the calibration"))
}

/// Whether every number can be reckoned with.
fn is_sound(model: &CostModel) -> bool {
    let positive = |number: f64| number.is_finite() && number > 0.0;
    let not_negative = |number: f64| number.is_finite() && number >= 0.0;
    model.version == COST_MODEL_VERSION
        && model.cores > 0
        && model.streams.iter().any(|stream| stream.workers == 1)
        && model.gathers.iter().any(|gather| gather.workers == 1)
        && model.streams.iter().all(|stream| {
            positive(stream.read_bytes_per_ns)
                && positive(stream.write_bytes_per_ns)
                && not_negative(stream.lead_ns_per_byte)
        })
        && model.gathers.iter().all(|gather| positive(gather.ns_per_read))
        && model.ns_per_unit.values().all(|ns| not_negative(*ns))
        && [model.dispatch_ns, model.fork_join_ns, model.run_ns, model.overlap]
            .into_iter()
            .all(not_negative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_on_this_machine_and_counts_as_none_elsewhere() {
        let folder = std::env::temp_dir().join(format!("multilane-calibration-{}", std::process::id()));
        let path = folder.join("a/calibration.json");
        assert_eq!(load(&path).unwrap(), None);
        let model = CostModel::typical(2);
        save(&path, &model).unwrap();
        assert_eq!(load(&path).unwrap(), Some(model.clone()));
        let guessed = CostModel {
            assumed: 3,
            ..model.clone()
        };
        save(&path, &guessed).unwrap();
        assert_eq!(load(&path).unwrap(), Some(guessed.clone()));
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - GUESSES_LAST).unwrap();
        assert_eq!(load(&path).unwrap(), None);
        save(&path, &model).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("\"format\": 1", "\"format\": 2"),
            (env!("CARGO_PKG_VERSION"), "0.0.0-other"),
            ("cpus, caches", "dice, caches"),
            ("{", ""),
        ] {
            fs::write(&path, text.replacen(from, to, 1)).unwrap();
            assert_eq!(load(&path).unwrap(), None, "{from}");
        }
        for bad in [0.0, -1.0, f64::NAN] {
            let mut model = model.clone();
            model.streams[0].read_bytes_per_ns = bad;
            save(&path, &model).unwrap();
            assert_eq!(load(&path).unwrap(), None);
        }
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(load(&path).unwrap(), None);
        assert!(load(&folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
