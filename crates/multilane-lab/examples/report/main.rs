//! Writes the report on a saved or a made-up proof, to look at it.
//!
//! `cargo run -p multilane-lab --example report -- NAME OUT`, where `NAME` is one of the made-up proofs or a saved one
//! (`.mlproof` or `.json`), and `OUT` ends in `.html` for the page, `.mlproof` or `.json` for its data.

use std::{env, error::Error, fs};

use multilane_lab::{Proof, report_html};

mod synthetic;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, out] = arguments.as_slice() else {
        return Err("usage: report NAME OUT".into());
    };
    let proof = match name.as_str() {
        "words" => synthetic::words(),
        "sleep" => synthetic::sleep(),
        "broken" => synthetic::broken(),
        "builtin" => synthetic::builtin(),
        "many" => synthetic::many(100_000),
        "hostile" => synthetic::hostile(),
        "empty" => Proof::default(),
        "small" => synthetic::small(),
        path if path.ends_with(".json") => serde_json::from_str(&fs::read_to_string(path)?)?,
        path => Proof::load(path)?,
    };
    match out.rsplit_once('.') {
        Some((_, "mlproof")) => proof.save(out)?,
        Some((_, "json")) => fs::write(out, serde_json::to_string(&proof)?)?,
        _ => fs::write(out, report_html(&proof))?,
    }
    Ok(())
}
