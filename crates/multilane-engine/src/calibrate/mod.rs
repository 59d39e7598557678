//! Measures a machine for the cost model.
//!
//! Runs the kernels that plans run (or plain loops where there are none) on arrays of
//! several sizes, on one worker and on more, and writes down what they took. Takes about a
//! second, once for a machine: [`save`] and [`load`] keep the result in a file.

mod file;
mod loops;
mod machine;
mod probes;
mod sizes;
#[cfg(test)]
mod tests;
mod timing;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use multilane_plan::cost::{COST_MODEL_VERSION, CostModel, Gather, Stream};
use multilane_plan::{Array, CostClass, DType, Kernels, Lanes, Registry, Serial};

pub use file::{load, save};
pub use machine::{Machine, machine};

use crate::clock::{self, RunDelay};
use crate::lanes::Team;
use crate::plans::BufferPool;
use loops::gather;
use probes::{Probe, Probes};
use sizes::Sizes;
use timing::{Few, least_ns, typical_ns};

/// Measures with plain loops; [`measure_with`] measures what plans will run.
pub fn measure(team: &Team, quick: bool) -> CostModel {
    measure_with(team, &Registry::core(), &Kernels::default(), quick)
}

/// Measures with the kernels that plans will run, as far as they have what is needed.
/// `quick` takes a quarter of a second and knows less of what is larger than a cache.
pub fn measure_with(team: &Team, registry: &Registry, kernels: &Kernels, quick: bool) -> CostModel {
    measure_and_tell(team, registry, kernels, quick).0
}

/// The same, and the share of the time in which the measuring thread had to wait for a
/// processor: with more than a twentieth, the machine was too busy for its numbers to be kept.
pub fn measure_and_tell(team: &Team, registry: &Registry, kernels: &Kernels, quick: bool) -> (CostModel, f64) {
    let (delay, start_ns) = (RunDelay::of_this_thread(), clock::now_ns());
    let before = delay.read();
    let model = measure_all(team, registry, kernels, &machine(), quick);
    let waited = delay.read().saturating_sub(before) as f64;
    (model, waited / (clock::now_ns() - start_ns).max(1) as f64)
}

fn measure_all(team: &Team, registry: &Registry, kernels: &Kernels, machine: &Machine, quick: bool) -> CostModel {
    let sizes = Sizes::new(machine, team.count(), quick);
    let probes = Probes::new(registry, kernels);
    // Not the process's pool: what is measured here is not needed again.
    let pool = BufferPool::new(0);
    let arrays: Vec<Array> = (0..3).filter_map(|_| filled(&pool, sizes.longest, team)).collect();
    let [a, b, c] = &arrays[..] else {
        return CostModel::typical(team.count());
    };
    let arrays = [a.clone(), b.clone(), c.clone()];
    let mut model = CostModel {
        version: COST_MODEL_VERSION,
        machine: machine.fingerprint(),
        cores: team.count(),
        caches: machine.caches.iter().map(|bytes| *bytes as f64).collect(),
        fork_join_ns: fork_join_ns(team),
        ..CostModel::typical(team.count())
    };
    (model.dispatch_ns, model.run_ns) = probes::overheads(registry, kernels, &pool);
    model.streams = streams(&probes, &sizes, &arrays, team, &model);
    level_streams(&mut model.streams);
    model.ns_per_unit = units(&probes, &sizes, &arrays, &model);
    model.gathers = gathers(&sizes, &arrays, team, model.fork_join_ns);
    level_gathers(&mut model.gathers);
    if let Some(overlap) = overlap(&probes, &sizes, &arrays, &model) {
        model.overlap = overlap;
    }
    model
}

/// An array whose pages are there, written by the lanes that will read them.
fn filled(pool: &BufferPool, len: usize, lanes: &dyn Lanes) -> Option<Array> {
    let array = pool.try_take(DType::F64, len)?;
    loops::fill(&array, lanes);
    Some(array)
}

/// Handing pieces to all workers until the last of them has one: the middle between what it
/// takes while they poll, and what it costs the caller to wake them when they sleep.
fn fork_join_ns(team: &Team) -> f64 {
    /// On a busy machine a worker may not come at all.
    const PATIENCE: u32 = 2_000;
    let typical = CostModel::typical(team.count()).fork_join_ns;
    let lanes = team.count();
    if lanes < 2 {
        return typical;
    }
    let awake_ns = least_ns(Few::Many, || {
        let here = AtomicUsize::new(0);
        team.run(lanes, &|_piece, _lane| {
            here.fetch_add(1, Ordering::Relaxed);
            let mut looks = 0;
            while here.load(Ordering::Relaxed) < lanes && looks < PATIENCE {
                std::hint::spin_loop();
                looks += 1;
            }
        });
    });
    let mut asleep: Vec<u64> = (0..7)
        .map(|_| {
            // Longer than anybody polls.
            std::thread::sleep(Duration::from_micros(200));
            let start_ns = clock::now_ns();
            team.run(lanes, &|_piece, _lane| {});
            clock::now_ns() - start_ns
        })
        .collect();
    asleep.sort_unstable();
    // More than that is not the team's doing.
    ((awake_ns + asleep[2] as f64) / 2.0).min(10.0 * typical)
}

/// At most so many lanes of a team.
pub(crate) struct Limited<'a> {
    team: &'a Team,
    lanes: usize,
}

impl Lanes for Limited<'_> {
    fn count(&self) -> usize {
        self.lanes
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        let next = AtomicUsize::new(0);
        self.team.run(self.lanes.min(pieces), &|lane, _| {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    return;
                }
                body(piece, lane);
            }
        });
    }
}

/// Calls `body` with the lanes for each number of workers that is measured.
fn with_workers(team: &Team, quick: bool, mut body: impl FnMut(&dyn Lanes)) {
    body(&Serial);
    let all = team.count();
    if all >= 4 && !quick {
        body(&Limited { team, lanes: all / 2 });
    }
    if all > 1 {
        body(team);
    }
}

/// A pass's own time: without handing it out, but never less than a tenth.
fn own_ns(ns: f64, lanes: &dyn Lanes, fork_join_ns: f64) -> f64 {
    let overhead = if lanes.count() > 1 { fork_join_ns } else { 0.0 };
    (ns - overhead).max(ns / 10.0)
}

fn streams(probes: &Probes, sizes: &Sizes, arrays: &[Array; 3], team: &Team, model: &CostModel) -> Vec<Stream> {
    let mut streams = Vec::new();
    with_workers(team, sizes.quick, |lanes| {
        for bytes in sizes.streams(lanes.count()) {
            let pass =
                |probe: &Probe, len: usize| own_ns(probe.elements_ns(arrays, len, lanes), lanes, model.fork_join_ns);
            // All arrays together are as large as the footprint says.
            let (alone, three) = ((bytes / 8).min(sizes.longest), (bytes / 24).min(sizes.longest));
            let read = 8.0 * alone as f64 / pass(&probes.read, alone);
            let triad_ns = pass(&probes.triad, three);
            let reads_ns = 16.0 * three as f64 / read;
            // A sum also adds up: the reads of a triad may be quicker.
            let writes_ns = (triad_ns - reads_ns).max(triad_ns / 6.0);
            streams.push(Stream {
                footprint_bytes: bytes as f64,
                workers: lanes.count(),
                read_bytes_per_ns: 16.0 * three as f64 / (triad_ns - writes_ns),
                write_bytes_per_ns: 8.0 * three as f64 / writes_ns,
            });
        }
    });
    streams
}

/// More workers move no less than one does; what was measured otherwise, another program caused.
fn level_streams(streams: &mut [Stream]) {
    let ones: Vec<Stream> = streams.iter().filter(|stream| stream.workers == 1).copied().collect();
    for stream in streams {
        if let Some(one) = ones.iter().find(|one| one.footprint_bytes == stream.footprint_bytes) {
            stream.read_bytes_per_ns = stream.read_bytes_per_ns.max(one.read_bytes_per_ns);
            stream.write_bytes_per_ns = stream.write_bytes_per_ns.max(one.write_bytes_per_ns);
        }
    }
}

/// The same for reads at random places.
fn level_gathers(gathers: &mut [Gather]) {
    let ones: Vec<Gather> = gathers.iter().filter(|gather| gather.workers == 1).copied().collect();
    for gather in gathers {
        if let Some(one) = ones.iter().find(|one| one.area_bytes == gather.area_bytes) {
            let slowest = one.ns_per_read * gather.workers as f64;
            gather.ns_per_read = gather.ns_per_read.clamp(one.ns_per_read * 0.5, slowest);
        }
    }
}

/// Time of a unit of each class with the data in the nearest cache.
fn units(probes: &Probes, sizes: &Sizes, arrays: &[Array; 3], model: &CostModel) -> BTreeMap<CostClass, f64> {
    let mut units = CostModel::typical(1).ns_per_unit;
    for (class, probe) in &probes.classes {
        // A reduction has to do with whole chunks to be itself.
        let len = if *class == CostClass::Reduction {
            sizes.middle / 8
        } else {
            sizes.near
        };
        let ns = probe.elements_ns(arrays, len, &Serial);
        let (read, write) = model.bandwidth((probe.arrays * 8 * len) as f64, 1);
        let memory_ns = 8.0 * len as f64 * (probe.reads as f64 / read + probe.writes as f64 / write);
        // What is left when the memory traffic that overlaps with it is taken off.
        let power = model.overlap.max(1.0);
        let compute_ns = (ns.powf(power) - memory_ns.powf(power))
            .max((ns * 0.1).powf(power))
            .powf(1.0 / power);
        units.insert(*class, compute_ns / (probe.units * len as f64));
    }
    // A gather is measured with its additions.
    units.insert(CostClass::Gather, 0.0);
    units.insert(CostClass::Sequential, loops::sequential_ns(&arrays[0], sizes.middle));
    units
}

/// Reads at random places, the places read in order beside them.
fn gathers(sizes: &Sizes, arrays: &[Array; 3], team: &Team, fork_join_ns: f64) -> Vec<Gather> {
    let [area, places, _] = arrays;
    let reads = sizes.gather_reads;
    let mut gathers = Vec::new();
    for bytes in sizes.gathers() {
        let elements = (bytes / 8).min(area.len());
        loops::scatter_places(places, reads, elements, team);
        with_workers(team, sizes.quick, |lanes| {
            let ns = typical_ns(Few::Three, || gather(area, places, reads, lanes));
            gathers.push(Gather {
                area_bytes: bytes as f64,
                workers: lanes.count(),
                ns_per_read: own_ns(ns, lanes, fork_join_ns) * lanes.count() as f64 / reads as f64,
            });
        });
    }
    // The places lie where numbers were; further probes read numbers.
    loops::fill(places, team);
    gathers
}

/// How far arithmetic hides memory traffic: from a pass that has about as much of the one as of the other.
/// On one worker, since what they share tells nothing about that.
fn overlap(probes: &Probes, sizes: &Sizes, arrays: &[Array; 3], model: &CostModel) -> Option<f64> {
    let probe = probes.mixed.as_ref()?;
    let len = sizes.longest.min(sizes.mixed);
    let ns = probe.elements_ns(arrays, len, &Serial);
    let (read, write) = model.bandwidth((probe.arrays * 8 * len) as f64, 1);
    let memory_ns = 8.0 * len as f64 * (probe.reads as f64 / read + probe.writes as f64 / write);
    let arithmetic = model.ns_of_unit(CostClass::Arithmetic) * probe.units;
    let compute_ns = len as f64 * (arithmetic + model.ns_of_unit(CostClass::Transcendental));
    Some(power_of(compute_ns, memory_ns, ns))
}

/// The power `p`, of 1 to 8, for which `(a^p + b^p)^(1/p)` comes closest to `sum`.
fn power_of(a: f64, b: f64, sum: f64) -> f64 {
    let (mut low, mut high) = (1.0_f64, 8.0_f64);
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        let found = (a.powf(middle) + b.powf(middle)).powf(1.0 / middle);
        // The larger the power, the smaller the sum.
        if found > sum { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}
