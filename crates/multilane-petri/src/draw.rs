//! Pictures: a net in Graphviz' language, a run as lanes of threads in SVG.

mod lanes;

pub use lanes::svg;

use std::fmt::Write as _;

use crate::check::Run;
use crate::net::{Net, Role};

/// The net in Graphviz' DOT language; what a run uses is drawn in red.
pub fn dot(net: &Net, run: Option<&Run>) -> String {
    let mut out = String::from("digraph net {\n  node [fontname=\"sans-serif\", fontsize=11];\n");
    for (number, place) in net.places.iter().enumerate() {
        let label = match place.tokens {
            0 => place.name.clone(),
            1 => format!("{}\n\u{25cf}", place.name),
            tokens => format!("{}\n{tokens}", place.name),
        };
        let shape = match place.role {
            Role::Location(_) | Role::Ended(_) | Role::Waiting(..) => "ellipse",
            _ => "circle",
        };
        let _ = writeln!(out, "  p{number} [shape={shape}, label={}];", quoted(&label));
    }
    let used = |number: usize| run.is_some_and(|run| run.transitions.contains(&number));
    for (number, transition) in net.transitions.iter().enumerate() {
        let colour = if used(number) { ", color=red, fontcolor=red" } else { "" };
        let _ = writeln!(
            out,
            "  t{number} [shape=box, label={}{colour}];",
            quoted(&transition.name)
        );
        let weight = |count: u32| match count {
            1 => String::new(),
            count => format!(" [label={count}]"),
        };
        for weighted in &transition.takes {
            let _ = writeln!(out, "  p{} -> t{number}{};", weighted.place, weight(weighted.count));
        }
        for weighted in &transition.gives {
            let _ = writeln!(out, "  t{number} -> p{}{};", weighted.place, weight(weighted.count));
        }
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
