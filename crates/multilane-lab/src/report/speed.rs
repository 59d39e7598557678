//! How much faster, and how long: bars per strategy and size with their 95 % intervals.

use std::collections::BTreeMap;

use crate::{BASELINE, Interval, Run, bootstrap};

use super::{
    bars::{Bar, Mark, chart},
    cards::trimmed,
    text::{count, duration, figure, times},
    view::{View, best_cores, meaning},
};

/// Speed-ups against the sequential runs, or nothing when none was measured.
pub(super) fn speedups(view: &View<'_>) -> Option<String> {
    let points = points(view);
    let best = points
        .iter()
        .map(|point| best_cores(&view.proof.machine, point.workers, point.tasks));
    let best = best.filter(|best| best.is_finite()).fold(1.0, f64::max);
    let sized = points
        .iter()
        .any(|point| (point.tasks, point.workers) != (points[0].tasks, points[0].workers));
    let bars: Vec<Bar<'_>> = points
        .iter()
        .map(|point| Bar {
            name: point.strategy,
            size: if sized {
                size(point.tasks, Some(point.workers))
            } else {
                String::new()
            },
            class: class(view, point.strategy),
            value: point.speedup,
            dots: point.repeats.clone(),
            figure: times(point.speedup.median),
            beside: if point.walls.is_empty() {
                String::new()
            } else {
                duration(crate::median(&point.walls))
            },
            spoken: format!(
                "{} times as fast as sequential, 95 percent interval {} to {}",
                figure(point.speedup.median),
                figure(point.speedup.low),
                figure(point.speedup.high)
            ),
        })
        .collect();
    let mut marks = vec![Mark {
        at: 1.0,
        figure: "1\u{d7}".to_owned(),
        name: "sequential",
    }];
    if best > 1.0 {
        marks.push(Mark {
            at: best,
            figure: format!("{}\u{d7}", trimmed(best)),
            name: "at best here",
        });
    }
    (!bars.is_empty()).then(|| chart(&bars, &marks, trimmed))
}

/// The wall clock by number of tasks: where tasks have a core each, the bars of a strategy are equally long.
pub(super) fn times_by_size(view: &View<'_>) -> Option<String> {
    let mut groups: BTreeMap<(usize, u32), Vec<f64>> = BTreeMap::new();
    for (position, strategy) in view.strategies.iter().enumerate() {
        for run in view
            .proof
            .runs
            .iter()
            .filter(|run| run.strategy == strategy.name && run.wall_ns > 0)
        {
            groups
                .entry((position, run.tasks))
                .or_default()
                .push(run.wall_ns as f64);
        }
    }
    let bars: Vec<Bar<'_>> = groups
        .into_iter()
        .map(|((position, tasks), walls)| {
            let name = view.strategies[position].name;
            let value = bootstrap(&walls);
            let [low, median, high] = [value.low, value.median, value.high].map(duration);
            Bar {
                name,
                size: size(tasks, None),
                class: class(view, name),
                value,
                dots: walls,
                spoken: format!(
                    "{} took {median}, 95 percent interval {low} to {high}",
                    count(tasks as usize, "task")
                ),
                figure: median,
                beside: String::new(),
            }
        })
        .collect();
    (!bars.is_empty()).then(|| chart(&bars, &[], duration))
}

/// The speed-up at one size.
struct Point<'a> {
    strategy: &'a str,
    tasks: u32,
    workers: u32,
    speedup: Interval,
    /// The speed-up of each repeat.
    repeats: Vec<f64>,
    walls: Vec<f64>,
}

fn points<'a>(view: &View<'a>) -> Vec<Point<'a>> {
    let proof = view.proof;
    let sequential: BTreeMap<(u32, u32), u64> = proof
        .runs
        .iter()
        .filter(|run| run.strategy == BASELINE && run.wall_ns > 0)
        .map(|run| ((run.repeat, run.tasks), run.wall_ns))
        .collect();
    let point = |strategy: &'a str, tasks: u32, workers: u32, speedup: Interval| {
        let of_size =
            |run: &&Run| run.strategy == strategy && run.tasks == tasks && run.workers == workers && run.wall_ns > 0;
        let runs: Vec<&Run> = proof.runs.iter().filter(of_size).collect();
        let ratio = |run: &&Run| Some(*sequential.get(&(run.repeat, run.tasks))? as f64 / run.wall_ns as f64);
        Point {
            strategy,
            tasks,
            workers,
            speedup,
            repeats: runs.iter().filter_map(ratio).collect(),
            walls: runs.iter().map(|run| run.wall_ns as f64).collect(),
        }
    };
    let scaling = view.judgement.scaling.iter().filter(|scale| scale.strategy != BASELINE);
    let mut points: Vec<Point<'_>> = scaling
        .map(|scale| point(&scale.strategy, scale.tasks, scale.workers, scale.speedup))
        .collect();
    if points.is_empty() {
        let verdicts = view.judgement.strategies.iter();
        points = verdicts
            .map(|verdict| point(&verdict.strategy, proof.tasks, proof.workers, verdict.speedup))
            .collect();
    }
    points.retain(|point| point.speedup.median.is_finite() && point.speedup.median > 0.0);
    let position = |name: &str| view.strategies.iter().position(|strategy| strategy.name == name);
    points.sort_by_key(|point| (position(point.strategy), point.workers, point.tasks));
    points
}

fn size(tasks: u32, workers: Option<u32>) -> String {
    let tasks = count(tasks as usize, "task");
    match workers {
        Some(workers) => format!("{tasks} on {}", count(workers as usize, "worker")),
        None => tasks,
    }
}

fn class(view: &View<'_>, name: &str) -> &'static str {
    let verdict = view
        .judgement
        .strategies
        .iter()
        .find(|verdict| verdict.strategy == name);
    verdict.map_or("baseline", |verdict| meaning(&verdict.verdict))
}
