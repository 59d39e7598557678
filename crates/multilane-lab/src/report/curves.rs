//! A scaling curve: measured points with their intervals, the model through them, and where it only guesses.
//!
//! Lines are an SVG that the page stretches; points and figures are placed beside it, so that nothing is distorted.

use std::fmt::Write as _;

use crate::{Prediction, SeriesJudgement};

use super::text::{count, escape, figure, place, ticks, times};

/// The box of the drawing.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 300.0;

/// Lines are cut where they leave the picture: an ideal line would flatten everything else.
const HEADROOM: f64 = 1.25;

/// The figure of one series.
pub(super) fn curve(series: &SeriesJudgement) -> String {
    let fit = series.fits.first();
    let unit = series
        .points
        .first()
        .map_or(1.0, |point| point.throughput.median / f64::from(point.workers.max(1)));
    let measured = series.points.iter().map(|point| point.workers).max().unwrap_or(1);
    let last = fit
        .and_then(|fit| fit.curve.last())
        .map_or(f64::from(measured), |point| point.workers);
    let top = series.points.iter().map(|point| point.speedup.high).fold(1.0, f64::max) * HEADROOM;
    let axis = Axis {
        last: last.max(f64::from(measured)),
        top,
    };
    let mut lines = path(
        "ideal",
        &axis.line((0..=64).map(|step| {
            let workers = 1.0 + (axis.last - 1.0) * f64::from(step) / 64.0;
            (workers, workers)
        })),
    );
    if let Some(fit) = fit {
        let speedup = |point: &Prediction, value: f64| (point.workers, value / unit);
        let within = fit.curve.iter().filter(|point| !point.extrapolated);
        let past = fit
            .curve
            .iter()
            .filter(|point| point.workers >= f64::from(measured) - 1e-9);
        let band: Vec<(f64, f64)> = fit
            .curve
            .iter()
            .map(|point| speedup(point, point.throughput.high))
            .chain(fit.curve.iter().rev().map(|point| speedup(point, point.throughput.low)))
            .collect();
        lines.insert_str(0, &path("band", &format!("{}z", axis.outline(&band))));
        lines += &path(
            "fit",
            &axis.line(within.map(|point| speedup(point, point.throughput.median))),
        );
        lines += &path(
            "guess",
            &axis.line(past.map(|point| speedup(point, point.throughput.median))),
        );
    }
    let mut marks = String::new();
    for point in &series.points {
        let left = axis.x(f64::from(point.workers)) / WIDTH;
        let [low, middle, high] =
            [point.speedup.low, point.speedup.median, point.speedup.high].map(|value| axis.y(value) / HEIGHT);
        let _ = write!(
            marks,
            "<i class=\"whisker\" style=\"left:{left};top:{top};height:{across}\"></i><i class=\"point\" style=\"left:{left};top:{at}\"></i>",
            left = place(left),
            top = place(high),
            across = place(low - high),
            at = place(middle),
        );
    }
    let rows: String = ticks(top, 4)
        .into_iter()
        .filter(|tick| *tick > 0.0 && *tick <= top * 0.97)
        .map(|tick| {
            format!(
                "<span style=\"top:{}\">{}\u{d7}</span>",
                place(axis.y(tick) / HEIGHT),
                short(tick)
            )
        })
        .collect();
    let columns: String = series
        .points
        .iter()
        .map(|point| {
            format!(
                "<span style=\"left:{}\">{}</span>",
                place(axis.x(f64::from(point.workers)) / WIDTH),
                point.workers
            )
        })
        .collect();
    let spoken: Vec<String> = series
        .points
        .iter()
        .map(|point| {
            format!(
                "{} at {}",
                times(point.speedup.median),
                count(point.workers as usize, "worker")
            )
        })
        .collect();
    let end = if axis.last > f64::from(measured) + 0.5 {
        format!("<span class=\"end\">{}</span>", short(axis.last))
    } else {
        String::new()
    };
    format!(
        "<div class=\"curve\" role=\"img\" aria-label=\"Speed-up {}\"><div class=\"rows\">{rows}</div>\
         <div class=\"track\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">{lines}</svg>{marks}</div>\
         <div class=\"columns\">{columns}{end}<b>workers</b></div></div>",
        escape(&spoken.join(", ")),
    )
}

fn path(class: &str, outline: &str) -> String {
    format!("<path class=\"{class}\" d=\"{outline}\"/>")
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        figure(value)
    }
}

/// Workers to the right by doublings, speed-up upwards.
struct Axis {
    last: f64,
    top: f64,
}

impl Axis {
    fn x(&self, workers: f64) -> f64 {
        let all = self.last.max(2.0).log2();
        (0.03 + 0.94 * workers.max(1.0).log2() / all) * WIDTH
    }

    fn y(&self, speedup: f64) -> f64 {
        HEIGHT * (1.0 - (speedup / self.top).clamp(0.0, 1.0))
    }

    /// A line up to where it leaves the picture.
    fn line(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let kept: Vec<(f64, f64)> = points.take_while(|(_, speedup)| *speedup <= self.top).collect();
        self.outline(&kept)
    }

    fn outline(&self, points: &[(f64, f64)]) -> String {
        let mut out = String::new();
        for (index, (workers, speedup)) in points.iter().filter(|point| point.1.is_finite()).enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            let _ = write!(out, "{letter}{:.1} {:.1}", self.x(*workers), self.y(*speedup));
        }
        if out.is_empty() { "M0 0".to_owned() } else { out }
    }
}
