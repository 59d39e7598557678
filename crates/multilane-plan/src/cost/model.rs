//! The cost model: how fast one machine does each kind of work.
//!
//! Pure data, measured elsewhere and kept as JSON; reads between the measured points.
//! Never measures anything and never looks at the machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::registry::CostClass;

/// The version of the JSON form of a [`CostModel`].
pub const COST_MODEL_VERSION: u32 = 3;

/// Bandwidth of reading and writing in order, for one amount of memory and one number of workers.
///
/// The time of a pass is taken as `bytes read / read + bytes written / write + bytes of one array * lead`:
/// a pass over few arrays does not fill the way to memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Bytes that the pass goes through, all arrays together.
    pub footprint_bytes: f64,
    /// Workers that share the pass.
    pub workers: usize,
    /// Bytes read in a nanosecond, all workers together.
    pub read_bytes_per_ns: f64,
    /// Bytes written in a nanosecond, all workers together.
    pub write_bytes_per_ns: f64,
    /// Nanoseconds for each byte of an array, however many arrays there are.
    #[serde(default)]
    pub lead_ns_per_byte: f64,
}

/// Time of reads at places that data decides, for one size of the area and one number of workers.
///
/// Measured as the kernels do it, with the places read in order beside it, and as data asks for
/// it: not spread evenly, seven of ten reads in a sixteenth of the area.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gather {
    /// Bytes of the area that is read from.
    pub area_bytes: f64,
    /// Workers that share the reads.
    pub workers: usize,
    /// Nanoseconds one worker takes for one read; with `k` workers, `n` reads take `n * ns_per_read / k`.
    pub ns_per_read: f64,
}

/// What a machine needs for each kind of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostModel {
    /// Version of this form; see [`COST_MODEL_VERSION`].
    pub version: u32,
    /// What machine it describes; for people and for telling a stale file.
    pub machine: String,
    /// Workers that can compute at the same time.
    pub cores: usize,
    /// Bytes of each level of cache, from the nearest; for people.
    #[serde(default)]
    pub caches: Vec<f64>,
    /// Nanoseconds for one unit (one element in a fused kernel) on one worker with its data in cache.
    pub ns_per_unit: BTreeMap<CostClass, f64>,
    /// Bandwidths, in any order; at least one for one worker.
    pub streams: Vec<Stream>,
    /// Random reads, in any order; at least one for one worker.
    pub gathers: Vec<Gather>,
    /// Nanoseconds to start one operation on the calling worker.
    pub dispatch_ns: f64,
    /// Nanoseconds to hand pieces to all workers and wait for the last, besides the pieces themselves.
    pub fork_join_ns: f64,
    /// Nanoseconds to start running a plan and to finish it, besides its operations.
    #[serde(default)]
    pub run_ns: f64,
    /// How arithmetic and memory traffic of one pass overlap: its time is `(compute^p + memory^p)^(1/p)`
    /// with this number as `p`. 1 when they follow each other, large when they overlap completely.
    #[serde(default = "usual_overlap")]
    pub overlap: f64,
    /// How many of the numbers are guesses, because other programs kept the processors while they were to be measured.
    #[serde(default)]
    pub assumed: usize,
}

/// What a block interpreter reached where it was first measured.
const fn usual_overlap() -> f64 {
    1.3
}

impl CostModel {
    /// A made-up machine with as many cores: a server of 2024 with AVX-512. For tests, and for where nothing was measured.
    pub fn typical(cores: usize) -> Self {
        let cores = cores.max(1);
        let both = |footprint_bytes: f64, one: f64, all: f64| {
            let stream = |workers: usize, bandwidth: f64| Stream {
                footprint_bytes,
                workers,
                read_bytes_per_ns: bandwidth,
                write_bytes_per_ns: bandwidth,
                lead_ns_per_byte: 0.0,
            };
            [stream(1, one), stream(cores, if cores == 1 { one } else { all })]
        };
        let wide = cores as f64;
        let kib = 1024.0;
        let mib = 1024.0 * kib;
        let gather = |area_bytes: f64, ns_per_read: f64| Gather {
            area_bytes,
            workers: 1,
            ns_per_read,
        };
        Self {
            version: COST_MODEL_VERSION,
            machine: format!("typical, {cores} cores"),
            cores,
            caches: vec![32.0 * kib, mib, 32.0 * mib],
            ns_per_unit: BTreeMap::from([
                (CostClass::Free, 0.0),
                (CostClass::Arithmetic, 0.07),
                (CostClass::Division, 0.5),
                (CostClass::Transcendental, 1.0),
                (CostClass::Reduction, 0.08),
                (CostClass::Gather, 0.3),
                (CostClass::Row, 3.0),
                (CostClass::Count, 2.0),
                (CostClass::Sequential, 2.0),
            ]),
            streams: [
                both(32.0 * kib, 100.0, 100.0 * wide),
                both(mib, 60.0, 60.0 * wide),
                both(16.0 * mib, 30.0, 30.0 * wide),
                both(256.0 * mib, 18.0, (18.0 * wide).min(200.0).min(17.0 * wide)),
            ]
            .concat(),
            gathers: vec![
                gather(32.0 * kib, 0.4),
                gather(mib, 0.9),
                gather(16.0 * mib, 3.0),
                gather(256.0 * mib, 8.0),
            ],
            dispatch_ns: 300.0,
            fork_join_ns: 4_000.0,
            run_ns: 1_000.0,
            overlap: usual_overlap(),
            assumed: 0,
        }
    }

    /// Nanoseconds for one unit of a class on one worker; 0 when the class was not measured.
    pub fn ns_of_unit(&self, class: CostClass) -> f64 {
        self.ns_per_unit.get(&class).copied().unwrap_or(0.0)
    }

    /// Bytes a nanosecond, read and written, for a pass over so many bytes by so many workers.
    ///
    /// Beyond the measured worker counts, memory gives no more than it gave at the
    /// highest of them, and what fits the caches of one worker grows with the workers.
    pub fn bandwidth(&self, footprint_bytes: f64, workers: usize) -> (f64, f64) {
        let read = |stream: &Stream| (stream.footprint_bytes, stream.workers, stream.read_bytes_per_ns);
        let write = |stream: &Stream| (stream.footprint_bytes, stream.workers, stream.write_bytes_per_ns);
        let points_read: Vec<_> = self.streams.iter().map(read).collect();
        let points_write: Vec<_> = self.streams.iter().map(write).collect();
        (
            self.rate(&points_read, footprint_bytes, workers),
            self.rate(&points_write, footprint_bytes, workers),
        )
    }

    /// Nanoseconds for a pass that reads and writes so many bytes, in so many arrays together.
    /// More workers never take longer than one.
    pub fn pass_ns(&self, read_bytes: f64, written_bytes: f64, arrays: f64, workers: usize) -> f64 {
        let bytes = read_bytes + written_bytes;
        let leads: Vec<_> = self
            .streams
            .iter()
            .map(|stream| (stream.footprint_bytes, stream.workers, stream.lead_ns_per_byte))
            .collect();
        let counts = worker_counts(&leads);
        let of = |workers: usize| {
            let (read, write) = self.bandwidth(bytes, workers);
            let lead = between(&counts, workers as f64, |count| at_size(&leads, count, bytes)).unwrap_or(0.0);
            read_bytes / read + written_bytes / write + lead * bytes / arrays.max(1.0)
        };
        if workers > 1 { of(workers).min(of(1)) } else { of(1) }
    }

    /// Nanoseconds one of so many workers takes for one random read in an area of so many bytes.
    pub fn ns_of_random_read(&self, area_bytes: f64, workers: usize) -> f64 {
        let points: Vec<_> = self
            .gathers
            .iter()
            .map(|gather| (gather.area_bytes, gather.workers, gather.ns_per_read))
            .collect();
        let counts = worker_counts(&points);
        between(&counts, workers as f64, |count| at_size(&points, count, area_bytes)).unwrap_or(0.0)
    }

    fn rate(&self, points: &[(f64, usize, f64)], footprint_bytes: f64, workers: usize) -> f64 {
        let counts = worker_counts(points);
        let measured = between(&counts, workers as f64, |count| at_size(points, count, footprint_bytes));
        let Some(measured) = measured else {
            return f64::INFINITY;
        };
        let most = counts.last().copied().unwrap_or(1);
        let near = self.caches.iter().rev().nth(1).copied().unwrap_or(0.0);
        if workers > most && footprint_bytes <= near {
            return measured * workers as f64 / most as f64;
        }
        measured
    }
}

/// The worker counts that were measured, in order.
fn worker_counts(points: &[(f64, usize, f64)]) -> Vec<usize> {
    let mut counts: Vec<usize> = points.iter().map(|point| point.1).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// The value for a size among the points of one worker count, straight between neighbours on a logarithmic axis.
fn at_size(points: &[(f64, usize, f64)], count: usize, size: f64) -> f64 {
    let mut curve: Vec<(f64, f64)> = points
        .iter()
        .filter(|point| point.1 == count)
        .map(|point| (point.0.max(1.0).ln(), point.2))
        .collect();
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    interpolate(&curve, size.max(1.0).ln())
}

/// The value for a number of workers, straight between the measured ones, the nearest outside them.
fn between(counts: &[usize], workers: f64, value: impl Fn(usize) -> f64) -> Option<f64> {
    let curve: Vec<(f64, f64)> = counts.iter().map(|&count| (count as f64, value(count))).collect();
    (!curve.is_empty()).then(|| interpolate(&curve, workers))
}

/// Straight between the neighbours of `x` in a curve sorted by its first numbers; the ends go on flat.
fn interpolate(curve: &[(f64, f64)], x: f64) -> f64 {
    let after = curve.partition_point(|point| point.0 < x);
    match (
        after.checked_sub(1).and_then(|before| curve.get(before)),
        curve.get(after),
    ) {
        (Some(before), Some(next)) if next.0 > before.0 => {
            before.1 + (next.1 - before.1) * (x - before.0) / (next.0 - before.0)
        }
        (Some(only), _) | (None, Some(only)) => only.1,
        (None, None) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_straight_between_measured_points_and_flat_outside() {
        let curve = [(1.0, 10.0), (3.0, 30.0)];
        assert_eq!(interpolate(&curve, 0.0), 10.0);
        assert_eq!(interpolate(&curve, 2.0), 20.0);
        assert_eq!(interpolate(&curve, 3.0), 30.0);
        assert_eq!(interpolate(&curve, 9.0), 30.0);
    }

    #[test]
    fn memory_gives_more_workers_no_more_than_was_measured_but_caches_do() {
        let model = CostModel::typical(4);
        let far = 1e9;
        assert_eq!(model.bandwidth(far, 4), model.bandwidth(far, 64));
        let near = 1e4;
        assert!(model.bandwidth(near, 64).0 > 15.0 * model.bandwidth(near, 4).0);
        assert!(model.bandwidth(far, 2).0 > model.bandwidth(far, 1).0);
    }

    #[test]
    fn few_arrays_take_longer_for_each_byte_and_more_workers_never() {
        let stream = |workers: usize, bandwidth: f64, lead_ns_per_byte: f64| Stream {
            footprint_bytes: 1e8,
            workers,
            read_bytes_per_ns: bandwidth,
            write_bytes_per_ns: bandwidth,
            lead_ns_per_byte,
        };
        let mut model = CostModel::typical(2);
        model.streams = vec![stream(1, 20.0, 0.05), stream(2, 15.0, 0.01)];
        assert_eq!(model.pass_ns(100.0, 100.0, 2.0, 1), 10.0 + 5.0);
        assert_eq!(model.pass_ns(200.0, 0.0, 4.0, 1), 10.0 + 2.5);
        assert_eq!(model.pass_ns(150.0, 0.0, 1.0, 2), 10.0 + 1.5);
        // Many arrays: two workers were not measured to be slower, so they are not taken to be.
        assert_eq!(model.pass_ns(200.0, 0.0, 100.0, 2), model.pass_ns(200.0, 0.0, 100.0, 1));
    }

    #[test]
    fn survives_json() {
        let model = CostModel::typical(2);
        let text = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<CostModel>(&text).unwrap(), model);
    }
}
