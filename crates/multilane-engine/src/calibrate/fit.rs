//! Takes apart what was timed: the time of a pass into arithmetic, reads and writes.
//!
//! Every pass both computes and moves bytes, and the two overlap. What one kind of pass says of
//! the arithmetic is needed to read another one's memory traffic, so the numbers are found
//! together, in turns. Reads times only; never measures.

use multilane_plan::CostClass;
use multilane_plan::cost::{CostModel, Stream, estimate};

use super::exercises::Exercised;

/// What one element took in passes over so much memory, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passes {
    pub(super) footprint_bytes: f64,
    pub(super) workers: usize,
    /// One array read and summed up.
    pub(super) sum_ns: f64,
    /// Two read, multiplied and summed up.
    pub(super) dot_ns: f64,
    /// One read, one written, a multiplication and an addition.
    pub(super) scale_ns: f64,
    /// Two read, one written, a multiplication and an addition.
    pub(super) triad_ns: f64,
}

/// What one element took in a pass of known work on one worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) ns: f64,
    pub(super) footprint_bytes: f64,
    /// Arrays that are read and written.
    pub(super) reads: f64,
    pub(super) writes: f64,
    /// Units of its class for an element.
    pub(super) units: f64,
}

/// Bytes of an element.
const BYTES: f64 = 8.0;

/// More turns change nothing.
const TURNS: usize = 200;

/// Neither part of a pass is taken to hide more of the other than this share of the whole leaves.
const LEAST: f64 = 0.2;

/// No array moves in less than this share of the shortest pass, and no more of it than the second is its lead.
const BOUNDS: (f64, f64) = (0.1, 0.35);

/// Moving an array, what writing one takes more than reading it, and what a pass takes besides, for an element.
type Parts = [f64; 3];

/// Finds bandwidths, the time of a unit of each class, and how far the two overlap; writes them into the model.
///
/// Each of `mixed` computes about as long as it moves: its `units` of arithmetic, and of transcendental work
/// as many as stand beside it.
pub(super) fn fit(model: &mut CostModel, passes: &[Passes], classes: &[(CostClass, Known)], mixed: &[(Known, f64)]) {
    let mut parts: Vec<Parts> = passes.iter().map(|passes| [passes.sum_ns / 2.0; 3]).collect();
    for (class, known) in classes {
        // Too much, to begin with: a pass that does nothing but compute.
        model.ns_per_unit.insert(*class, known.ns / known.units);
    }
    for _ in 0..TURNS {
        let (arithmetic_ns, reduction_ns) = (
            model.ns_of_unit(CostClass::Arithmetic),
            model.ns_of_unit(CostClass::Reduction),
        );
        model.streams.clear();
        for (passes, parts) in passes.iter().zip(&mut parts) {
            approach(parts, &seen(passes, arithmetic_ns, reduction_ns, model.overlap));
            model.streams.push(stream(passes, parts));
        }
        for (class, known) in classes {
            let compute_ns = without(known.ns, moving_ns(model, known), model.overlap);
            model.ns_per_unit.insert(*class, compute_ns / known.units);
        }
        if !mixed.is_empty() {
            let powers = mixed.iter().map(|(known, transcendental)| {
                let compute_ns = model.ns_of_unit(CostClass::Arithmetic) * known.units
                    + model.ns_of_unit(CostClass::Transcendental) * transcendental;
                power_of(compute_ns, moving_ns(model, known), known.ns).ln()
            });
            model.overlap = (powers.sum::<f64>() / mixed.len() as f64).exp();
        }
    }
}

/// Finds what a unit of each exercised class takes, beside what is known of the machine already.
pub(super) fn fit_exercised(model: &mut CostModel, exercised: &[Exercised]) {
    for each in exercised {
        model.ns_per_unit.insert(each.class, 0.0);
    }
    for _ in 0..TURNS {
        for Exercised { class, work, ns } in exercised {
            let found = estimate(work, model, 1);
            let compute_ns = without(*ns, found.memory_ns.max(found.random_ns), model.overlap);
            let units = work.units.get(class).copied().unwrap_or(0.0);
            let others_ns = found.compute_ns - units * model.ns_of_unit(*class);
            if units > 0.0 {
                model
                    .ns_per_unit
                    .insert(*class, (compute_ns - others_ns).max(0.0) / units);
            }
        }
    }
}

fn moving_ns(model: &CostModel, known: &Known) -> f64 {
    // For an element, but at the bandwidth of all of them.
    let elements = known.footprint_bytes / BYTES / (known.reads + known.writes);
    let bytes = BYTES * elements;
    model.pass_ns(known.reads * bytes, known.writes * bytes, known.reads + known.writes, 1) / elements
}

/// What is left of a time when a part that overlaps with the rest is taken off.
fn without(ns: f64, part_ns: f64, power: f64) -> f64 {
    (ns.powf(power) - part_ns.powf(power))
        .max((ns * LEAST).powf(power))
        .powf(1.0 / power)
}

/// Arrays read and written by each pass, and what is left for moving them when its arithmetic is taken off.
fn seen(passes: &Passes, arithmetic_ns: f64, reduction_ns: f64, overlap: f64) -> [(f64, f64, f64); 4] {
    let share = passes.workers as f64;
    let left = |ns: f64, compute_ns: f64| without(ns, compute_ns / share, overlap);
    [
        (1.0, 0.0, left(passes.sum_ns, reduction_ns)),
        (2.0, 0.0, left(passes.dot_ns, arithmetic_ns + reduction_ns)),
        (1.0, 1.0, left(passes.scale_ns, 2.0 * arithmetic_ns)),
        (2.0, 1.0, left(passes.triad_ns, 2.0 * arithmetic_ns)),
    ]
}

fn stream(passes: &Passes, [move_ns, more_ns, lead_ns]: &Parts) -> Stream {
    Stream {
        footprint_bytes: passes.footprint_bytes,
        workers: passes.workers,
        read_bytes_per_ns: BYTES / move_ns,
        write_bytes_per_ns: BYTES / (move_ns + more_ns),
        lead_ns_per_byte: lead_ns / BYTES,
    }
}

/// Brings the parts closer to those that explain all that was seen best, as shares of it, within their bounds.
fn approach(parts: &mut Parts, seen: &[(f64, f64, f64)]) {
    let least = seen.iter().map(|pass| pass.2).fold(f64::INFINITY, f64::min);
    let bounds = [
        (BOUNDS.0 * least, f64::INFINITY),
        (0.0, f64::INFINITY),
        (0.0, BOUNDS.1 * least),
    ];
    // Least squares of `((reads + writes) * move + writes * more + lead) / ns = 1`, one part after the other.
    for _ in 0..20 {
        for part in 0..3 {
            let (mut above, mut below) = (0.0, 0.0);
            for (reads, writes, ns) in seen {
                let shares = [(reads + writes) / ns, writes / ns, 1.0 / ns];
                let others: f64 = (0..3)
                    .filter(|other| *other != part)
                    .map(|other| shares[other] * parts[other])
                    .sum();
                above += shares[part] * (1.0 - others);
                below += shares[part] * shares[part];
            }
            parts[part] = (above / below).clamp(bounds[part].0, bounds[part].1);
        }
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use multilane_plan::cost::Work;

    use super::*;

    #[test]
    fn the_power_of_a_known_sum_comes_back() {
        for power in [1.0, 1.3, 2.5, 7.0_f64] {
            let sum = (3.0_f64.powf(power) + 4.0_f64.powf(power)).powf(1.0 / power);
            assert!((power_of(3.0, 4.0, sum) - power).abs() < 1e-6);
        }
        assert!(power_of(3.0, 4.0, 100.0) < 1.001);
        assert!(power_of(3.0, 4.0, 1.0) > 7.999);
    }

    fn together(a: f64, b: f64, power: f64) -> f64 {
        (a.powf(power) + b.powf(power)).powf(1.0 / power)
    }

    #[test]
    fn a_made_up_machine_is_found_again() {
        for (overlap, arithmetic, sine, reduction) in
            [(1.3, 0.05, 1.9, 0.12), (2.0, 0.1, 1.0, 0.1), (1.1, 0.02, 4.0, 0.05)]
        {
            // Footprint, workers, nanoseconds of an element's read and write, and the lead.
            let memory = [
                (1e5, 1, [0.1, 0.15, 0.0]),
                (5e8, 1, [0.3, 0.4, 0.1]),
                (1e5, 2, [0.05, 0.075, 0.0]),
                (5e8, 2, [0.3, 0.38, 0.02]),
            ];
            let passes = memory.map(|(footprint_bytes, workers, [read, write, lead])| {
                let pass = |reads: f64, writes: f64, units_ns: f64| {
                    let moving_ns = reads * read + writes * write + lead;
                    together(units_ns / workers as f64, moving_ns, overlap)
                };
                Passes {
                    footprint_bytes,
                    workers,
                    sum_ns: pass(1.0, 0.0, reduction),
                    dot_ns: pass(2.0, 0.0, arithmetic + reduction),
                    scale_ns: pass(1.0, 1.0, 2.0 * arithmetic),
                    triad_ns: pass(2.0, 1.0, 2.0 * arithmetic),
                }
            });
            let known = |(_, _, [read, write, lead]): (f64, usize, Parts), units: f64, units_ns: f64| Known {
                ns: together(units_ns, read + write + lead, overlap),
                footprint_bytes: if lead == 0.0 { 1e5 } else { 5e8 },
                reads: 1.0,
                writes: 1.0,
                units,
            };
            let classes = [
                (CostClass::Arithmetic, known(memory[0], 16.0, 16.0 * arithmetic)),
                (CostClass::Transcendental, known(memory[0], 3.0, 3.0 * sine)),
                (
                    CostClass::Reduction,
                    Known {
                        ns: together(reduction, 0.1, overlap),
                        writes: 0.0,
                        ..known(memory[0], 1.0, 0.0)
                    },
                ),
            ];
            let mixed = [
                (known(memory[1], 2.0, 2.0 * arithmetic + sine), 1.0),
                (known(memory[1], 20.0, 20.0 * arithmetic), 0.0),
            ];
            let mut model = CostModel::typical(2);
            fit(&mut model, &passes, &classes, &mixed);
            let close = |found: f64, true_value: f64| (found / true_value - 1.0).abs() < 0.05;
            for (index, (_, workers, [read, write, lead])) in memory.into_iter().enumerate() {
                let footprint = model.streams[index].footprint_bytes;
                for (reads, writes) in [(1.0, 0.0), (1.0, 1.0), (3.0, 1.0)] {
                    let arrays = reads + writes;
                    let each = footprint / arrays;
                    let ns = model.pass_ns(reads * each, writes * each, arrays, workers) * BYTES / each;
                    assert!(
                        close(ns, reads * read + writes * write + lead),
                        "{:?}",
                        model.streams[index]
                    );
                }
            }
            assert!(close(model.ns_of_unit(CostClass::Arithmetic), arithmetic));
            assert!(close(model.ns_of_unit(CostClass::Transcendental), sine));
            assert!(close(model.overlap, overlap), "{} for {overlap}", model.overlap);
        }
    }

    #[test]
    fn classes_that_meet_in_one_operation_are_told_apart() {
        let (gather, row) = (0.9, 3.5);
        let mut model = CostModel::typical(2);
        let work = |rows: f64, entries: f64| Work {
            units: BTreeMap::from([(CostClass::Gather, entries), (CostClass::Row, rows)]),
            read_bytes: 4.0 * entries,
            written_bytes: 8.0 * rows,
            arrays: 2.0,
            random_reads: vec![(entries, 8.0 * rows)],
        };
        let known = CostModel {
            ns_per_unit: BTreeMap::from([(CostClass::Gather, gather), (CostClass::Row, row)]),
            ..model.clone()
        };
        let exercised =
            [(CostClass::Gather, work(8e3, 5e5)), (CostClass::Row, work(8e3, 1.6e4))].map(|(class, work)| {
                let found = estimate(&work, &known, 1);
                let ns = found.ns - found.overhead_ns;
                Exercised { class, work, ns }
            });
        fit_exercised(&mut model, &exercised);
        assert!((model.ns_of_unit(CostClass::Gather) / gather - 1.0).abs() < 0.01);
        assert!((model.ns_of_unit(CostClass::Row) / row - 1.0).abs() < 0.01);
    }

    #[test]
    fn nothing_is_free_whatever_was_timed() {
        for seen in [
            [(1.0, 0.0, 1.0), (2.0, 0.0, 1.0), (1.0, 1.0, 0.9), (2.0, 1.0, 1.7)],
            [(1.0, 0.0, 0.001), (2.0, 0.0, 0.001), (1.0, 1.0, 5.0), (2.0, 1.0, 5.0)],
            [(1.0, 0.0, 9.0), (2.0, 0.0, 3.0), (1.0, 1.0, 1.0), (2.0, 1.0, 1.0)],
        ] {
            let mut parts = [1.0; 3];
            (0..TURNS).for_each(|_| approach(&mut parts, &seen));
            let [each, more, lead] = parts;
            assert!(
                each > 0.0 && more >= 0.0 && lead >= 0.0 && (each + more + lead).is_finite(),
                "{seen:?}: {parts:?}"
            );
        }
    }
}
