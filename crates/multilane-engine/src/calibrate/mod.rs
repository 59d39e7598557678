//! Measures a machine for the cost model.
//!
//! Runs the kernels that plans run (or plain loops where there are none) on arrays of
//! several sizes, on one worker and on more, and writes down what they took. Takes about a
//! second, once for a machine: [`save`] and [`load`] keep the result in a file. What other
//! programs disturb is timed again; what they never leave in peace is assumed, and counted.

mod exercises;
mod file;
mod fit;
mod loops;
mod machine;
mod probes;
mod sizes;
#[cfg(test)]
mod tests;
mod timing;

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use multilane_plan::cost::{COST_MODEL_VERSION, CostModel, Gather};
use multilane_plan::{Array, CostClass, DType, Kernels, Lanes, Registry, Serial};

pub use file::{load, save};
pub use machine::{Machine, machine};

use crate::clock;
use crate::lanes::Team;
use crate::plans::BufferPool;
use fit::{Known, Passes, fit, fit_exercised};
use loops::{Places, gather};
use probes::{Probe, Probes};
use sizes::Sizes;
use timing::{Few, Timer};

/// Measures with plain loops; [`measure_with`] measures what plans will run.
pub fn measure(team: &Team, quick: bool) -> CostModel {
    measure_with(team, &Registry::core(), &Kernels::default(), quick)
}

/// Measures with the kernels that plans will run, as far as they have what is needed.
/// `quick` takes a quarter of a second and knows less of what is larger than a cache.
pub fn measure_with(team: &Team, registry: &Registry, kernels: &Kernels, quick: bool) -> CostModel {
    measure_all(team, registry, kernels, &machine(), quick)
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
    let timer = Timer::new();
    let mut model = CostModel {
        version: COST_MODEL_VERSION,
        machine: machine.fingerprint(),
        cores: team.count(),
        caches: machine.caches.iter().map(|bytes| *bytes as f64).collect(),
        fork_join_ns: fork_join_ns(&timer, team),
        ..CostModel::typical(team.count())
    };
    (model.dispatch_ns, model.run_ns) = probes::overheads(&timer, registry, kernels, &pool);
    let bench = Bench {
        timer: &timer,
        sizes: &sizes,
        arrays: &arrays,
        fork_join_ns: model.fork_join_ns,
    };
    let passes = bench.passes(&probes, team);
    let classes: Vec<(CostClass, Known)> = probes
        .classes
        .iter()
        .map(|(class, probe)| (*class, bench.known(probe, sizes.middle)))
        .collect();
    let mixed: Vec<(Known, f64)> = probes
        .mixed
        .iter()
        .map(|(probe, transcendental)| (bench.known(probe, sizes.mixed), *transcendental))
        .collect();
    fit(&mut model, &passes, &classes, &mixed);
    let sequential_ns = loops::sequential_ns(&timer, &arrays[0], sizes.middle);
    model.ns_per_unit.insert(CostClass::Sequential, sequential_ns);
    model.gathers = bench.gathers(team);
    level_gathers(&mut model.gathers);
    let exercised = exercises::exercised(&timer, registry, kernels, &pool, &model, team);
    fit_exercised(&mut model, &exercised);
    model.assumed = timer.spoiled();
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
fn fork_join_ns(timer: &Timer, team: &Team) -> f64 {
    /// On a busy machine a worker may not come at all.
    const PATIENCE: u32 = 2_000;
    let typical = CostModel::typical(team.count()).fork_join_ns;
    let lanes = team.count();
    if lanes < 2 {
        return typical;
    }
    let (calls, alone) = (Cell::new(0_u32), AtomicU32::new(0));
    let awake_ns = timer.shared_ns(Few::Many, team, |team| {
        calls.set(calls.get() + 1);
        let here = AtomicUsize::new(0);
        team.run(lanes, &|_piece, _lane| {
            here.fetch_add(1, Ordering::Relaxed);
            let mut looks = 0;
            while here.load(Ordering::Relaxed) < lanes {
                if looks == PATIENCE {
                    alone.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                std::hint::spin_loop();
                looks += 1;
            }
        });
    });
    let Some(awake_ns) = awake_ns.filter(|_| alone.into_inner() <= calls.get() / 4) else {
        timer.spoil();
        return typical;
    };
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

/// A pass's own time: without handing it out, but never less than half.
fn own_ns(ns: f64, lanes: &dyn Lanes, fork_join_ns: f64) -> f64 {
    let overhead = if lanes.count() > 1 { fork_join_ns } else { 0.0 };
    (ns - overhead).max(ns / 2.0)
}

/// What is measured with.
struct Bench<'a> {
    timer: &'a Timer,
    sizes: &'a Sizes,
    arrays: &'a [Array; 3],
    fork_join_ns: f64,
}

impl Bench<'_> {
    /// The passes that tell bandwidths, for each size and number of workers.
    fn passes(&self, probes: &Probes, team: &Team) -> Vec<Passes> {
        let mut all: Vec<Passes> = Vec::new();
        with_workers(team, self.sizes.quick, |lanes| {
            for bytes in self.sizes.streams(lanes.count()) {
                // All arrays together are as large as the footprint says.
                let pass = |probe: &Probe| {
                    let len = (bytes / 8 / probe.arrays).min(self.sizes.longest);
                    let ns = probe.elements_ns(self.timer, self.arrays, len, lanes)?;
                    Some(own_ns(ns, lanes, self.fork_join_ns) / len as f64)
                };
                let timed = (|| {
                    Some(Passes {
                        footprint_bytes: bytes as f64,
                        workers: lanes.count(),
                        sum_ns: pass(&probes.sum)?,
                        dot_ns: pass(&probes.dot)?,
                        scale_ns: pass(&probes.scale)?,
                        triad_ns: pass(&probes.triad)?,
                    })
                })();
                let assumed = || nearest(&all, bytes as f64).map(|one| shared(one, bytes as f64, lanes.count()));
                let timed = timed.or_else(assumed);
                all.extend(timed);
            }
        });
        all
    }

    /// What is known of a pass over so much memory on one worker.
    fn known(&self, probe: &Probe, bytes: usize) -> Known {
        let len = (bytes / 8 / probe.arrays).clamp(1, self.sizes.longest);
        let ns = probe.elements_ns(self.timer, self.arrays, len, &Serial);
        Known {
            ns: ns.unwrap_or(0.0) / len as f64,
            footprint_bytes: (len * 8 * probe.arrays) as f64,
            reads: probe.reads as f64,
            writes: probe.writes as f64,
            units: probe.units,
        }
    }

    /// Reads at random places, the places read in order beside them.
    fn gathers(&self, team: &Team) -> Vec<Gather> {
        let [area, places, _] = self.arrays;
        let mut gathers: Vec<Gather> = Vec::new();
        for bytes in self.sizes.gathers() {
            let elements = (bytes / 8).min(area.len());
            let places = Places::write(places, self.sizes.gather_reads, elements, team);
            places.warm(area, team);
            let reads = places.reads() as f64;
            let alone_ns = self.timer.typical_ns(Few::Ten, || gather(area, &places, &Serial)) / reads;
            with_workers(team, self.sizes.quick, |lanes| {
                let count = lanes.count();
                let shared_ns = (count > 1)
                    .then(|| {
                        self.timer
                            .shared_ns(Few::Ten, lanes, |lanes| gather(area, &places, lanes))
                    })
                    .flatten();
                let ns_per_read = match shared_ns {
                    Some(ns) => own_ns(ns, lanes, self.fork_join_ns) * count as f64 / reads,
                    None => alone_ns,
                };
                gathers.push(Gather {
                    area_bytes: bytes as f64,
                    workers: lanes.count(),
                    ns_per_read,
                });
            });
        }
        // The places lie where numbers were; further probes read numbers.
        loops::fill(places, team);
        gathers
    }
}

/// The passes of one worker over the amount of memory that comes closest.
fn nearest(all: &[Passes], footprint_bytes: f64) -> Option<&Passes> {
    let apart = |passes: &&Passes| (passes.footprint_bytes / footprint_bytes).ln().abs();
    let ones = all.iter().filter(|passes| passes.workers == 1);
    ones.min_by(|a, b| apart(a).total_cmp(&apart(b)))
}

/// What several workers are taken to need where other programs never let them be measured:
/// the middle between gaining nothing and gaining all.
fn shared(one: &Passes, footprint_bytes: f64, workers: usize) -> Passes {
    let gain = (1.0 + workers as f64) / 2.0;
    Passes {
        footprint_bytes,
        workers,
        sum_ns: one.sum_ns / gain,
        dot_ns: one.dot_ns / gain,
        scale_ns: one.scale_ns / gain,
        triad_ns: one.triad_ns / gain,
    }
}

/// More workers read no more slowly at random places than one does, all together, and none of
/// them twice as fast as one alone.
fn level_gathers(gathers: &mut [Gather]) {
    let ones: Vec<Gather> = gathers.iter().filter(|gather| gather.workers == 1).copied().collect();
    for gather in gathers {
        if let Some(one) = ones.iter().find(|one| one.area_bytes == gather.area_bytes) {
            let slowest = one.ns_per_read * gather.workers as f64;
            gather.ns_per_read = gather.ns_per_read.clamp(one.ns_per_read * 0.5, slowest);
        }
    }
}
