//! Memory planning against a plain walk through the unrolled plan.

use std::collections::{HashMap, HashSet};

use multilane_plan::memory::{Memory, Place, assign};
use multilane_plan::passes::{fuse, optimize};
use multilane_plan::{Extent, Op, Plan, Region, ValueId, ValueType};
use proptest::prelude::*;

use crate::{dialect, programs, read};

fn sizes() -> Vec<f64> {
    programs::SIZES.iter().map(|size| *size as f64).collect()
}

#[track_caller]
fn memory(text: &str) -> (Plan, Memory) {
    let plan = read(text);
    let memory = assign(&plan, &dialect::registry(), &100.0);
    (plan, memory)
}

#[test]
fn a_chain_lives_in_one_buffer() {
    let (_, memory) = memory(
        "plan p(%x: f64[n]) {
           %a = core.neg(%x)
           %b = core.sqrt(%a)
           %c = core.exp(%b)
           return %c
         }",
    );
    assert_eq!((memory.peak_bytes, memory.live_bytes, memory.in_place), (800, 800, 2));
}

#[test]
fn inputs_are_never_written() {
    let (plan, memory) = memory("plan p(%x: f64[n]) { %a = core.neg(%x) return %a }");
    assert_eq!(memory.places[&plan.body.parameters[0]], Place::Input(0));
    assert_eq!((memory.peak_bytes, memory.in_place), (800, 0));
}

#[test]
fn whole_array_operations_do_not_write_where_they_read() {
    let (_, memory) = memory(
        "plan p(%x: f64[n]) {
           %a = core.neg(%x)
           %b = ring.reverse(%a)
           %c = ring.reverse(%b)
           return %c
         }",
    );
    assert_eq!((memory.peak_bytes, memory.in_place, memory.reused), (1600, 0, 1));
}

#[test]
fn carried_arrays_have_two_buffers_and_no_more() {
    let loops = |step: &str| {
        let text = format!(
            "plan p(%x: f64[n]) {{
               %y, %i, %c = core.loop(%x) {{count = 50}} (%z: f64[n]) {{
                 %next = {step}
                 yield %next
               }}
               return %y
             }}"
        );
        memory(&text).1
    };
    let double = loops("ring.sum(%z)");
    assert_eq!((double.peak_bytes, double.buffers.len()), (1600, 2));
    // The first iteration may not write into the input, the later ones write in place.
    let single = loops("core.neg(%z)");
    assert_eq!((single.peak_bytes, single.in_place), (800, 1));
}

#[test]
fn what_a_loop_reads_from_outside_lives_until_it_ends() {
    let (_, memory) = memory(
        "plan p(%x: f64[n]) {
           %a = core.exp(%x)
           %y, %i, %c = core.loop(%x) {count = 50} (%z: f64[n]) {
             %next = core.add(%z, %a)
             yield %next
           }
           return %y
         }",
    );
    assert_eq!(memory.peak_bytes, 1600);
}

#[test]
fn buffers_of_one_size_and_width_are_shared_by_types() {
    let (_, memory) = memory(
        "plan p(%x: f64[n]) {
           %a = core.cast(%x) {to = i64}
           %b = core.add(%a, %a)
           %c = core.cast(%b) {to = f64}
           %d = ring.reverse(%c)
           return %d
         }",
    );
    assert_eq!(memory.buffers.len(), 2);
}

#[test]
fn fused_operations_write_in_place_only_what_nothing_reads_any_more() {
    let core = dialect::registry();
    let fused = *core.get("core.fused").unwrap();
    let in_place = multilane_plan::OpDef {
        in_place: true,
        ..fused
    };
    let registry = core.with(&[in_place]);
    let pairs = |text: &str| {
        let mut plan = read(text);
        fuse(&mut plan, &registry);
        let memory = assign(&plan, &registry, &100.0);
        let place = plan.body.ops.iter().rposition(|op| op.name == "core.fused").unwrap();
        memory.at(&[place]).unwrap().in_place.clone()
    };
    let with = |arithmetic: &str, results: &str| {
        pairs(&format!(
            "plan p(%x: f64[n]) {{ %a = ring.reverse(%x) {arithmetic} return {results} }}"
        ))
    };
    assert_eq!(with("%b = core.neg(%a) %c = core.mul(%b, %a)", "%c"), [(0, 0)]);
    // The first result is written before the second one has read the operand.
    assert_eq!(with("%b = core.neg(%a) %c = core.mul(%b, %a)", "%b, %c"), [(1, 0)]);
    // Neighbours are read at other places.
    assert_eq!(with("%b = ring.sum(%a) %c = core.neg(%b)", "%c"), []);
}

/// What a walk through the unrolled plan finds.
struct Walk<'a> {
    plan: &'a Plan,
    memory: &'a Memory,
    /// Which array, of those ever made, a value is now; nothing for inputs and scalars.
    arrays: HashMap<ValueId, Option<usize>>,
    /// Bytes of the arrays, the moment they were made, and the last moment they are read.
    made: Vec<(u64, usize, usize)>,
    now: usize,
}

impl Walk<'_> {
    fn read(&mut self, value: ValueId) {
        let array = self
            .arrays
            .get(&value)
            .unwrap_or_else(|| panic!("{value:?} is read after it died\n{}", self.plan));
        if let Some(array) = array {
            self.made[*array].2 = self.now;
        }
    }

    fn region(&mut self, region: &Region, path: &[usize]) {
        for (index, op) in region.ops.iter().enumerate() {
            let path = [path, &[index]].concat();
            let facts = self.memory.at(&path).expect("every operation has its facts");
            self.now += 1;
            op.operands.iter().for_each(|value| self.read(*value));
            if op.name == "core.loop" {
                self.repeat(op, &path, &facts.moved);
            } else {
                for result in &op.results {
                    let array = self.make(*result);
                    self.arrays.insert(*result, array);
                }
            }
            let kept: HashSet<ValueId> = facts.dies.iter().copied().collect();
            for (result, operand) in &facts.in_place {
                assert!(
                    kept.contains(&op.operands[*operand]),
                    "an operand in use is overwritten"
                );
                assert_eq!(self.plan.ty(op.results[*result]), self.plan.ty(op.operands[*operand]));
            }
            for value in &facts.dies {
                assert!(
                    self.arrays.remove(value).is_some(),
                    "{value:?} dies twice\n{}",
                    self.plan
                );
            }
        }
        self.now += 1;
        region.yields.iter().for_each(|value| self.read(*value));
    }

    fn make(&mut self, value: ValueId) -> Option<usize> {
        let ValueType::Tensor {
            dtype,
            extent: Extent::Dim(dim),
        } = self.plan.ty(value)
        else {
            return None;
        };
        let bytes = (programs::SIZES[dim.0 as usize] * dtype.size()) as u64;
        self.made.push((bytes, self.now, self.now));
        Some(self.made.len() - 1)
    }

    fn repeat(&mut self, op: &Op, path: &[usize], moved: &[ValueId]) {
        let region = &op.regions[0];
        let carried = region.parameters.len();
        let mut current: Vec<Option<usize>> = op.operands.iter().map(|value| self.arrays[value]).collect();
        for value in moved {
            self.arrays.remove(value);
        }
        for _ in 0..op.int("count").unwrap() {
            self.now += 1;
            self.arrays
                .extend(region.parameters.iter().copied().zip(current.iter().copied()));
            self.region(region, &[path, &[0]].concat());
            current = region.yields[..carried]
                .iter()
                .map(|value| self.arrays[value])
                .collect();
            // Values of one iteration are not seen by the next.
            for value in region
                .parameters
                .iter()
                .chain(region.ops.iter().flat_map(|op| &op.results))
            {
                self.arrays.remove(value);
            }
        }
        self.now += 1;
        for (number, result) in op.results.iter().enumerate() {
            let array = current.get(number).copied().flatten();
            if let Some(array) = array {
                self.made[array].2 = self.now;
            }
            self.arrays.insert(*result, array);
        }
    }
}

proptest! {
    #![proptest_config(programs::cases(200))]

    #[test]
    fn nothing_is_read_after_it_died_and_the_peak_covers_what_is_alive(
        choices in programs::choices(400),
        optimised in any::<bool>(),
    ) {
        let registry = dialect::registry();
        let mut plan = programs::program(&registry, &choices.0);
        if optimised {
            optimize(&mut plan, &registry, multilane_plan::passes::DEFAULT).unwrap();
        } else {
            fuse(&mut plan, &registry);
        }
        let memory = assign(&plan, &registry, &sizes());
        let arrays = plan.body.parameters.iter().map(|value| (*value, None)).collect();
        let mut walk = Walk { plan: &plan, memory: &memory, arrays, made: Vec::new(), now: 0 };
        walk.region(&plan.body, &[]);
        // Between two moments, whatever was made before and is read after must be somewhere.
        let alive = |moment: usize| -> u64 {
            walk.made.iter().filter(|made| made.1 <= moment && made.2 > moment).map(|made| made.0).sum()
        };
        let most = (0..=walk.now).map(alive).max().unwrap_or(0);
        let all: u64 = walk.made.iter().map(|made| made.0).sum();
        prop_assert!(memory.live_bytes >= most, "{} < {most}\n{}", memory.live_bytes, plan);
        prop_assert!(memory.peak_bytes >= memory.live_bytes);
        prop_assert!(memory.peak_bytes <= all, "{} > {all}\n{}", memory.peak_bytes, plan);
    }
}
