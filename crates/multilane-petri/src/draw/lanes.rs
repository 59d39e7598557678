//! A run as a picture: a lane for each thread, time downwards, bars for what each holds.
//!
//! A plain net has no threads: its lanes are the places, with their tokens after each step.

use std::fmt::Write as _;

use crate::check::{Failure, Kind};
use crate::explain::{headline, moves, waits};
use crate::net::{Net, Rest, Role};

/// Pixels.
const LANE: usize = 190;
const ROW: usize = 34;
const TOP: usize = 76;
const LEFT: usize = 56;
const BAR: usize = 6;

/// Told apart by people who see colours differently, on white and on black (Okabe and Ito).
const COLOURS: [&str; 6] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

const STYLE: &str = "text{font:13px sans-serif;fill:#222}.head{font-weight:600}.quiet{fill:#777}\
    .lane{stroke:#ccc}.box{fill:#f4f4f4;stroke:#999}.bad{fill:#fbe3e0;stroke:#c0392b}.red{fill:#c0392b}\
    .wait{stroke:#c0392b;fill:none}.again{stroke:#777;fill:none}\
    @media(prefers-color-scheme:dark){text{fill:#ddd}.quiet{fill:#999}.lane{stroke:#444}\
    .box{fill:#2a2a2a;stroke:#777}.bad{fill:#40211e;stroke:#e57368}.red{fill:#e57368}.wait{stroke:#e57368}}";

/// A failure's run as an SVG document.
pub fn svg(net: &Net, failure: &Failure) -> String {
    let plain = net.processes.iter().any(|process| process.rest == Rest::WhenDead);
    let lanes = if plain { net.places.len() } else { net.processes.len() };
    let steps = failure.run.transitions.len();
    let (width, height) = (LEFT + lanes.max(2) * LANE, TOP + (steps + 2) * ROW);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\"><style>{STYLE}</style>"
    );
    let title = escape(&headline(net, failure));
    let _ = write!(
        out,
        "<title>{title}</title><text class=\"head red\" x=\"16\" y=\"24\">{title}</text>"
    );
    for lane in 0..lanes {
        let name = if plain {
            &net.places[lane].name
        } else {
            &net.processes[lane].name
        };
        let _ = write!(
            out,
            "<text class=\"head\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <line class=\"lane\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\"/>",
            TOP - 18,
            escape(name),
            TOP - 10,
            height - ROW / 2,
            x = middle(lane),
        );
    }
    if plain {
        tokens(&mut out, net, failure);
    } else {
        bars(&mut out, net, failure);
        boxes(&mut out, net, failure);
    }
    for number in 0..steps {
        let _ = write!(
            out,
            "<text class=\"quiet\" x=\"16\" y=\"{}\">{}</text>",
            row(number) + 5,
            number + 1
        );
    }
    if let Some(first) = failure.run.repeats_from {
        let (top, bottom) = (row(first), row(steps.saturating_sub(1)));
        let _ = write!(
            out,
            "<path class=\"again\" d=\"M44 {bottom}h8V{top}h-8m4 -4l-4 4l4 4\"/>\
             <text class=\"quiet\" x=\"16\" y=\"{}\">again and again</text>",
            bottom + ROW
        );
    }
    out.push_str("</svg>\n");
    out
}

fn middle(lane: usize) -> usize {
    LEFT + lane * LANE + LANE / 2
}

fn row(number: usize) -> usize {
    TOP + number * ROW + ROW / 2
}

/// A bar beside a lane while its thread holds a lock.
fn bars(out: &mut String, net: &Net, failure: &Failure) {
    let steps = failure.run.transitions.len();
    let mut names: Vec<&str> = Vec::new();
    for (place, described) in net.places.iter().enumerate() {
        let Role::Held(lock, process) = &described.role else {
            continue;
        };
        let colour = names.iter().position(|name| name == lock).unwrap_or_else(|| {
            names.push(lock);
            names.len() - 1
        });
        let x = middle(*process) - LANE / 2 + 4 + (colour % COLOURS.len()) * (BAR + 2);
        let mut from = None;
        for (moment, marking) in failure.run.markings.iter().enumerate() {
            let held = marking[place] > 0;
            match (from, held) {
                (None, true) => from = Some(moment),
                (Some(start), false) => {
                    bar(out, x, (start, moment), COLOURS[colour % COLOURS.len()], lock);
                    from = None;
                }
                _ => {}
            }
        }
        if let Some(start) = from {
            bar(out, x, (start, steps + 1), COLOURS[colour % COLOURS.len()], lock);
        }
    }
}

fn bar(out: &mut String, x: usize, (from, to): (usize, usize), colour: &str, lock: &str) {
    let top = row(from.saturating_sub(1));
    let _ = write!(
        out,
        "<rect x=\"{x}\" y=\"{top}\" width=\"{BAR}\" height=\"{}\" rx=\"2\" fill=\"{colour}\"><title>holds {}</title></rect>",
        (row(to.saturating_sub(1)).saturating_sub(top)).max(BAR),
        escape(lock)
    );
}

/// What each thread does, and what it waits for in the end.
fn boxes(out: &mut String, net: &Net, failure: &Failure) {
    let lane = |who: &str| net.processes.iter().position(|process| process.name == who);
    for (number, moved) in moves(net, &failure.run).iter().enumerate() {
        if let Some(lane) = lane(&moved.who) {
            boxed(out, lane, row(number), &moved.what, "box");
        }
    }
    let only = match &failure.kind {
        Kind::Deadlock => None,
        Kind::Starvation(process) => Some(net.processes[*process].name.as_str()),
        Kind::Unbounded(_) | Kind::Exceeded(_) => return,
    };
    let Some(end) = failure.run.markings.last() else {
        return;
    };
    let y = row(failure.run.transitions.len());
    for waits in waits(net, end) {
        let Some(from) = lane(&waits.who).filter(|_| only.is_none_or(|only| only == waits.who)) else {
            continue;
        };
        boxed(out, from, y, &format!("{}?", waits.wants), "bad");
        let _ = write!(
            out,
            "<text class=\"red\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            middle(from),
            y + ROW - 6,
            escape(&shortened(&waits.because))
        );
    }
}

fn boxed(out: &mut String, lane: usize, y: usize, text: &str, class: &str) {
    let _ = write!(
        out,
        "<g><title>{}</title><rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"24\" rx=\"4\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text></g>",
        escape(text),
        middle(lane) - LANE / 2 + 26,
        y - 12,
        LANE - 40,
        middle(lane) + 6,
        y + 4,
        escape(&shortened(text))
    );
}

/// Tokens of each place before the first step and after each.
fn tokens(out: &mut String, net: &Net, failure: &Failure) {
    let names = moves(net, &failure.run);
    for (moment, marking) in failure.run.markings.iter().enumerate() {
        let y = row(moment);
        for (place, tokens) in marking.iter().enumerate() {
            let over = net.places[place].at_most.is_some_and(|most| *tokens > u64::from(most));
            let class = if over { "bad" } else { "box" };
            let _ = write!(
                out,
                "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"12\"/>\
                 <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{tokens}</text>",
                y + 4,
                x = middle(place),
            );
        }
        if let Some(moved) = names.get(moment) {
            let _ = write!(
                out,
                "<text class=\"quiet\" x=\"{}\" y=\"{}\">{}</text>",
                LEFT + 4,
                y + ROW / 2 + 4,
                escape(&shortened(&moved.what))
            );
        }
    }
}

/// At most as many letters as fit into a box.
fn shortened(text: &str) -> String {
    const MOST: usize = 24;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MOST - 1).collect();
    short.push('\u{2026}');
    short
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
