//! Which values share memory: buffer reuse by liveness, results in place of operands, and the peak.
//!
//! Goes through a plan as a run does, with buffers that have a size and an element width
//! but no address. Loops are followed until their carried values have settled, so that
//! double buffering comes out by itself. Never allocates anything.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::passes::{FUSED, LOOP, for_each_value_read};
use crate::plan::{Op, Plan, Region, ValueId};
use crate::registry::{Form, Registry, Sizes};
use crate::types::{DimId, Extent, ValueType};

/// Memory for one array at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buffer {
    /// How many elements it has.
    pub dim: DimId,
    /// Bytes of one element.
    pub element_bytes: usize,
    /// Bytes in all, for the sizes that were given.
    pub bytes: u64,
}

/// Where an array lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the memory of the caller's input of this number.
    Input(usize),
    /// In buffers: one, or several that a loop's iterations take turns with.
    Buffers(BTreeSet<usize>),
}

/// What happens to memory at one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpMemory {
    /// Which operation: its place in the body, then region and place there, and so on.
    pub path: Vec<usize>,
    /// Values nobody reads after it. Of a loop: after its last iteration.
    pub dies: Vec<ValueId>,
    /// Of a loop: initial values nobody else reads, so that their memory is free after the first iteration that reads them.
    pub moved: Vec<ValueId>,
    /// Results and operands, by number, that may share memory, provided that at that moment
    /// the memory is a buffer and no other value lies in it.
    pub in_place: Vec<(usize, usize)>,
}

/// The memory a plan needs, besides its inputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The buffers.
    pub buffers: Vec<Buffer>,
    /// Where the arrays are; values inside fused operations are nowhere.
    pub places: BTreeMap<ValueId, Place>,
    /// What happens at each operation, in the order of the plan.
    pub operations: Vec<OpMemory>,
    /// How many results lie in place of an operand.
    pub in_place: usize,
    /// How many results lie in memory that another value had before, in place included.
    pub reused: usize,
    /// Most bytes of arrays that are alive at one moment.
    pub live_bytes: u64,
    /// Bytes of all buffers together: what a run holds when it gives nothing back before its end.
    pub peak_bytes: u64,
}

impl Memory {
    /// What happens at an operation.
    pub fn at(&self, path: &[usize]) -> Option<&OpMemory> {
        // The order of the plan is the order of the paths.
        let found = self.operations.binary_search_by(|op| op.path.as_slice().cmp(path));
        found.ok().map(|index| &self.operations[index])
    }
}

/// Assigns buffers to the arrays of a verified plan.
pub fn assign(plan: &Plan, registry: &Registry, sizes: &dyn Sizes) -> Memory {
    let mut run = Run {
        plan,
        sizes,
        facts: HashMap::new(),
        memory: Memory::default(),
        holders: HashMap::new(),
        readers: Vec::new(),
        free: HashMap::new(),
        live_bytes: 0,
        in_place: HashSet::new(),
        reused: HashSet::new(),
    };
    note_region(plan, registry, &plan.body, &[], &mut run.memory.operations);
    let facts = run.memory.operations.iter().map(|op| (op.path.clone(), op.clone()));
    run.facts = facts.collect();
    for (index, parameter) in plan.body.parameters.iter().enumerate() {
        run.holders.insert(*parameter, Holder::Caller);
        if is_array(plan.ty(*parameter)) {
            run.memory.places.insert(*parameter, Place::Input(index));
        }
    }
    run.region(&plan.body, &[]);
    run.memory.in_place = run.in_place.len();
    run.memory.reused = run.reused.len();
    run.memory.peak_bytes = run.memory.buffers.iter().map(|buffer| buffer.bytes).sum();
    run.memory
}

fn is_array(ty: &ValueType) -> bool {
    matches!(ty.extent(), Some(Extent::Dim(_)))
}

/// Notes for every operation which values die at it and which results may lie in place.
fn note_region(plan: &Plan, registry: &Registry, region: &Region, path: &[usize], notes: &mut Vec<OpMemory>) {
    let mut last: HashMap<ValueId, usize> = region.parameters.iter().map(|value| (*value, 0)).collect();
    for (index, op) in region.ops.iter().enumerate() {
        last.extend(op.results.iter().map(|result| (*result, index)));
        for_each_value_read(op, &mut |value| {
            // Values from outside live on: the next iteration may read them.
            if let Some(last) = last.get_mut(&value) {
                *last = index;
            }
        });
    }
    for value in &region.yields {
        last.remove(value);
    }
    let mut dying: Vec<Vec<ValueId>> = vec![Vec::new(); region.ops.len()];
    for (value, index) in last {
        if let Some(dying) = dying.get_mut(index) {
            dying.push(value);
        }
    }
    for (index, op) in region.ops.iter().enumerate() {
        let path = [path, &[index]].concat();
        let mut dies = std::mem::take(&mut dying[index]);
        dies.sort_unstable();
        let mut moved = Vec::new();
        if op.name == LOOP {
            let mut inside = HashSet::new();
            for region in &op.regions {
                region.ops.iter().for_each(|op| {
                    for_each_value_read(op, &mut |value| {
                        inside.insert(value);
                    });
                });
                inside.extend(region.yields.iter().copied());
            }
            let given = |value: &ValueId| op.operands.contains(value) && !inside.contains(value);
            (moved, dies) = dies.into_iter().partition(given);
        }
        let in_place = pairs(plan, registry, op, &dies);
        notes.push(OpMemory {
            path: path.clone(),
            dies,
            moved,
            in_place,
        });
        if op.name == LOOP {
            for (number, inner) in op.regions.iter().enumerate() {
                note_region(plan, registry, inner, &[&path[..], &[number]].concat(), notes);
            }
        }
    }
}

/// Results and operands that may share memory.
fn pairs(plan: &Plan, registry: &Registry, op: &Op, dies: &[ValueId]) -> Vec<(usize, usize)> {
    let Some(def) = registry.get(&op.name) else {
        return Vec::new();
    };
    let elementwise = def.form == Form::Elementwise || op.name == FUSED;
    if !def.in_place || !elementwise {
        return Vec::new();
    }
    let mut taken = HashSet::new();
    let mut pairs = Vec::new();
    for (number, result) in op.results.iter().enumerate() {
        let ty = plan.ty(*result);
        let fits = |operand: usize| {
            let value = op.operands[operand];
            is_array(ty) && plan.ty(value) == ty && dies.contains(&value)
        };
        let chosen = (0..op.operands.len()).find(|operand| {
            let value = op.operands[*operand];
            // The same value at two places is the same memory.
            fits(*operand) && !taken.contains(&value) && read_in_time(registry, op, number, value)
        });
        if let Some(operand) = chosen {
            taken.insert(op.operands[operand]);
            pairs.push((number, operand));
        }
    }
    pairs
}

/// Whether a fused operation has read an operand's element before it writes that of a result.
///
/// Blocks go through the operations in order, so nothing after the writer may read
/// the operand, and nothing may read it at other places.
fn read_in_time(registry: &Registry, op: &Op, result: usize, operand: ValueId) -> bool {
    let Some(region) = op.regions.first() else { return true };
    let parameters = op.operands.iter().zip(&region.parameters);
    let same: HashSet<ValueId> = parameters
        .filter(|(value, _)| **value == operand)
        .map(|(_, inner)| *inner)
        .collect();
    let Some(written) = region.yields.get(result) else {
        return false;
    };
    let Some(writer) = region.ops.iter().position(|inner| inner.results.contains(written)) else {
        return false;
    };
    // A value may go out twice, and a parameter may go out as it is.
    if region.yields.iter().any(|value| same.contains(value)) {
        return false;
    }
    region.ops.iter().enumerate().all(|(index, inner)| {
        let reads = inner.operands.iter().any(|value| same.contains(value));
        let blockwise = registry.get(&inner.name).is_none_or(|def| def.form == Form::Blockwise);
        !reads || (index <= writer && !blockwise)
    })
}

/// Who has a value's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The caller: an input.
    Caller,
    /// A buffer.
    Buffer(usize),
    /// Nobody: a scalar, or something opaque.
    Nobody,
}

/// A run without numbers.
struct Run<'a> {
    plan: &'a Plan,
    sizes: &'a dyn Sizes,
    facts: HashMap<Vec<usize>, OpMemory>,
    memory: Memory,
    holders: HashMap<ValueId, Holder>,
    /// How many values lie in each buffer.
    readers: Vec<usize>,
    free: HashMap<(DimId, usize), Vec<usize>>,
    live_bytes: u64,
    in_place: HashSet<ValueId>,
    reused: HashSet<ValueId>,
}

impl Run<'_> {
    fn region(&mut self, region: &Region, path: &[usize]) {
        for (index, op) in region.ops.iter().enumerate() {
            let path = [path, &[index]].concat();
            let facts = self.facts.get(&path).cloned().unwrap_or_default();
            if op.name == LOOP {
                self.repeat(op, &path, &facts);
            } else {
                self.operation(op, &facts);
            }
            facts.dies.iter().for_each(|value| self.drop_value(*value));
        }
    }

    fn operation(&mut self, op: &Op, facts: &OpMemory) {
        for (number, result) in op.results.iter().enumerate() {
            if !is_array(self.plan.ty(*result)) {
                self.holders.insert(*result, Holder::Nobody);
                continue;
            }
            let operand = facts
                .in_place
                .iter()
                .find(|pair| pair.0 == number)
                .map(|pair| op.operands[pair.1]);
            let holder = operand.and_then(|operand| self.holders.get(&operand).copied());
            let buffer = match holder {
                Some(Holder::Buffer(buffer)) if self.readers[buffer] == 1 => {
                    self.in_place.insert(*result);
                    self.reused.insert(*result);
                    self.readers[buffer] += 1;
                    buffer
                }
                _ => self.take(*result),
            };
            self.hold(*result, Holder::Buffer(buffer));
        }
    }

    fn repeat(&mut self, op: &Op, path: &[usize], facts: &OpMemory) {
        let Some(region) = op.regions.first() else { return };
        let carried = region.parameters.len();
        let mut current: Vec<Holder> = op.operands.iter().map(|value| self.share(*value)).collect();
        facts.moved.iter().for_each(|value| self.drop_value(*value));
        // After so many iterations everything carried has moved to its last place.
        let count = op.int("count").unwrap_or(0).clamp(0, carried as i64 + 2);
        let inner = [path, &[0]].concat();
        for _ in 0..count {
            for (parameter, holder) in region.parameters.iter().zip(&current) {
                self.hold(*parameter, *holder);
            }
            self.region(region, &inner);
            current = region
                .yields
                .iter()
                .take(carried)
                .map(|value| self.share(*value))
                .collect();
            let made = region.ops.iter().flat_map(|op| &op.results);
            let left: Vec<ValueId> = region.parameters.iter().chain(made).copied().collect();
            left.into_iter().for_each(|value| self.drop_value(value));
        }
        for (number, result) in op.results.iter().enumerate() {
            let holder = current.get(number).copied().unwrap_or(Holder::Nobody);
            self.hold(*result, holder);
        }
    }

    /// A buffer for a result, with one value in it.
    fn take(&mut self, result: ValueId) -> usize {
        let (dim, element_bytes) = match self.plan.ty(result) {
            ValueType::Tensor {
                dtype,
                extent: Extent::Dim(dim),
            } => (*dim, dtype.size()),
            _ => (DimId(0), 0),
        };
        let bytes = (self.sizes.size(dim).max(0.0) * element_bytes as f64) as u64;
        self.live_bytes += bytes;
        self.memory.live_bytes = self.memory.live_bytes.max(self.live_bytes);
        let free = self.free.get_mut(&(dim, element_bytes)).and_then(Vec::pop);
        if let Some(buffer) = free {
            self.reused.insert(result);
            self.readers[buffer] = 1;
            return buffer;
        }
        self.memory.buffers.push(Buffer {
            dim,
            element_bytes,
            bytes,
        });
        self.readers.push(1);
        self.readers.len() - 1
    }

    /// Lays a value in memory that was already counted for it.
    fn hold(&mut self, value: ValueId, holder: Holder) {
        self.holders.insert(value, holder);
        if let Holder::Buffer(buffer) = holder {
            let place = self.memory.places.entry(value);
            if let Place::Buffers(buffers) = place.or_insert_with(|| Place::Buffers(BTreeSet::new())) {
                buffers.insert(buffer);
            }
        }
    }

    /// Counts one more value in the memory of this one.
    fn share(&mut self, value: ValueId) -> Holder {
        let holder = self.holders.get(&value).copied().unwrap_or(Holder::Nobody);
        if let Holder::Buffer(buffer) = holder {
            self.readers[buffer] += 1;
        }
        holder
    }

    /// A value is not read any more.
    fn drop_value(&mut self, value: ValueId) {
        let Some(Holder::Buffer(buffer)) = self.holders.remove(&value) else {
            return;
        };
        self.readers[buffer] -= 1;
        if self.readers[buffer] == 0 {
            let Buffer {
                dim,
                element_bytes,
                bytes,
            } = self.memory.buffers[buffer];
            self.live_bytes -= bytes;
            self.free.entry((dim, element_bytes)).or_default().push(buffer);
        }
    }
}
