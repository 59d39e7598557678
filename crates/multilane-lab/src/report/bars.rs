//! Horizontal bars with an interval and a dot for each repeat, over one scale that starts at zero.

use crate::Interval;

use super::text::{escape, place, ticks};

/// One bar.
pub(super) struct Bar<'a> {
    pub(super) name: &'a str,
    /// What tells it from other bars of the same name; may be empty.
    pub(super) size: String,
    /// The style class of its colour.
    pub(super) class: &'static str,
    pub(super) value: Interval,
    pub(super) dots: Vec<f64>,
    /// The value as the reader sees it.
    pub(super) figure: String,
    /// A second value below it; may be empty.
    pub(super) beside: String,
    /// The bar in words, for those who do not see it.
    pub(super) spoken: String,
}

/// A value that the bars are held against.
pub(super) struct Mark {
    pub(super) at: f64,
    pub(super) figure: String,
    pub(super) name: &'static str,
}

/// The chart; marks are in ascending order.
pub(super) fn chart(bars: &[Bar<'_>], marks: &[Mark], tick: fn(f64) -> String) -> String {
    let values = bars
        .iter()
        .flat_map(|bar| bar.dots.iter().copied().chain([bar.value.high, bar.value.median]));
    let reach = values
        .chain(marks.iter().map(|mark| mark.at))
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max);
    let reach = if reach > 0.0 { reach * 1.04 } else { 1.0 };
    let lines: String = marks
        .iter()
        .map(|mark| format!("<i class=\"line\" style=\"left:{}\"></i>", place(mark.at / reach)))
        .collect();
    let rows: String = bars.iter().map(|bar| row(bar, reach, &lines)).collect();
    format!(
        "<div class=\"bars\">{rows}<div class=\"scale\" aria-hidden=\"true\">{}</div></div>",
        scale(reach, marks, tick)
    )
}

fn row(bar: &Bar<'_>, reach: f64, lines: &str) -> String {
    let Interval { low, median, high } = bar.value;
    let dots: String = bar
        .dots
        .iter()
        .map(|dot| format!("<i class=\"dot\" style=\"left:{}\"></i>", place(dot / reach)))
        .collect();
    let small = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!(" <small>{text}</small>")
        }
    };
    format!(
        "<p class=\"label\">{name}{size}</p>\
         <div class=\"plot {class}\" role=\"img\" aria-label=\"{spoken}\">{lines}<i class=\"bar\" style=\"width:{to}\"></i>\
         <i class=\"whisker\" style=\"left:{from};width:{across}\"></i>{dots}</div>\
         <p class=\"value\">{figure}{beside}</p>",
        name = escape(bar.name),
        size = small(&bar.size),
        class = bar.class,
        spoken = escape(&bar.spoken),
        to = place(median / reach),
        from = place(low / reach),
        across = place((high - low) / reach),
        figure = bar.figure,
        beside = small(&bar.beside),
    )
}

fn scale(reach: f64, marks: &[Mark], tick: fn(f64) -> String) -> String {
    let crowded = |at: f64| marks.iter().any(|mark| (at - mark.at).abs() < reach * 0.08);
    let number =
        |class: &str, at: f64, text: &str| format!("<span{class} style=\"left:{}\">{text}</span>", place(at / reach));
    let numbers: String = ticks(reach, 4)
        .into_iter()
        .filter(|at| !crowded(*at))
        .map(|at| number("", at, &tick(at)))
        .collect();
    let named: String = marks
        .iter()
        .map(|mark| {
            let class = if mark.at > reach * 0.8 {
                " class=\"named end\""
            } else {
                " class=\"named\""
            };
            number("", mark.at, &mark.figure) + &number(class, mark.at, mark.name)
        })
        .collect();
    numbers + &named
}
