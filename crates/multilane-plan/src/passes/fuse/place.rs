//! Decides which pass over memory each operation of a region belongs to.
//!
//! Typed fusion in the manner of Kennedy and McKinley: passes are numbered in the order
//! they will run, and an operation goes into the first pass of its size that is
//! not before anything it needs. No cycle can arise, because everything a pass reads is
//! written in it or before it. Afterwards operations move to later passes where that saves traffic.

use std::collections::{BTreeSet, HashMap};

use super::{Place, Placement, Role, array_dim, role};
use crate::passes::rewrite::{for_each_value_read, has_effects};
use crate::plan::{Plan, Region, ValueId};
use crate::registry::Registry;
use crate::types::DimId;

/// Places every operation of a region.
pub(super) fn place(plan: &Plan, registry: &Registry, region: &Region) -> Placement {
    let mut writers = HashMap::new();
    for (index, op) in region.ops.iter().enumerate() {
        writers.extend(op.results.iter().map(|result| (*result, index)));
    }
    let mut places: Vec<Place> = Vec::with_capacity(region.ops.len());
    let mut passes: Vec<DimId> = Vec::new();
    // Nothing may go into a pass before this one: an effect came in between.
    let mut barrier = 0;
    // How many effects come before each pass.
    let mut sides: Vec<usize> = Vec::new();
    let mut effects = 0;
    for op in &region.ops {
        let role = role(plan, registry, op);
        let mut earliest = barrier;
        for_each_value_read(op, &mut |value| {
            if let Some(&writer) = writers.get(&value)
                && let Some(written) = places.get(writer)
            {
                earliest = earliest.max(available(*written, role));
            }
        });
        let place = match role {
            Some((role, dim)) => {
                let later = passes.iter().skip(earliest).position(|other| *other == dim);
                let pass = later.map_or(passes.len(), |offset| earliest + offset);
                if pass == passes.len() {
                    passes.push(dim);
                    sides.push(effects);
                }
                Place::In(pass, role, dim)
            }
            None => {
                if has_effects(op, registry) {
                    barrier = passes.len();
                    earliest = barrier;
                    effects += 1;
                }
                Place::Before(earliest)
            }
        };
        places.push(place);
    }
    let placement = Placement {
        places,
        passes: passes.len(),
        writers,
    };
    let places = Mover::new(plan, region, &placement, sides).run();
    Placement { places, ..placement }
}

/// The first pass in which a value can be read, written by an operation at a place and read in a role.
fn available(written: Place, reader: Option<(Role, DimId)>) -> usize {
    match (written, reader) {
        (Place::Before(pass), _) => pass,
        // Element by element, in the same pass.
        (Place::In(pass, Role::Head | Role::Body, dim), Some((Role::Body | Role::Tail, other))) if dim == other => pass,
        (Place::In(pass, ..), _) => pass + 1,
    }
}

/// Moves operations to later passes.
struct Mover<'a> {
    plan: &'a Plan,
    region: &'a Region,
    /// Which operations read what an operation writes.
    readers: Vec<BTreeSet<usize>>,
    /// Which operations read an array.
    array_readers: HashMap<ValueId, Vec<usize>>,
    /// Whether what an operation writes goes out of the region.
    goes_out: Vec<bool>,
    /// The operations of each pass.
    members: Vec<BTreeSet<usize>>,
    /// How many effects come before each pass: nothing moves across one.
    sides: Vec<usize>,
    places: Vec<Place>,
    writers: &'a HashMap<ValueId, usize>,
}

impl<'a> Mover<'a> {
    fn new(plan: &'a Plan, region: &'a Region, placement: &'a Placement, sides: Vec<usize>) -> Self {
        let count = region.ops.len();
        let mut readers = vec![BTreeSet::new(); count];
        let mut array_readers: HashMap<ValueId, Vec<usize>> = HashMap::new();
        let mut members = vec![BTreeSet::new(); placement.passes];
        for (index, op) in region.ops.iter().enumerate() {
            for_each_value_read(op, &mut |value| {
                if let Some(&writer) = placement.writers.get(&value) {
                    readers[writer].insert(index);
                }
            });
            if let Place::In(pass, ..) = placement.places[index] {
                members[pass].insert(index);
                for value in op.operands.iter().filter(|value| array_dim(plan, **value).is_some()) {
                    array_readers.entry(*value).or_default().push(index);
                }
            }
        }
        let mut goes_out = vec![false; count];
        for value in &region.yields {
            if let Some(&writer) = placement.writers.get(value) {
                goes_out[writer] = true;
            }
        }
        Self {
            plan,
            region,
            readers,
            array_readers,
            goes_out,
            members,
            sides,
            places: placement.places.clone(),
            writers: &placement.writers,
        }
    }

    /// The places after all moves.
    fn run(mut self) -> Vec<Place> {
        // Readers first, so that whole chains move.
        for index in (0..self.region.ops.len()).rev() {
            let Place::In(from, role, dim) = self.places[index] else {
                continue;
            };
            let mut best = (0, from);
            for to in self.candidates(index, from, dim) {
                let before = self.traffic(from) + self.traffic(to);
                self.put(index, to, role, dim);
                let gain = before - self.traffic(from) - self.traffic(to);
                self.put(index, from, role, dim);
                if gain > best.0 {
                    best = (gain, to);
                }
            }
            self.put(index, best.1, role, dim);
        }
        self.places
    }

    fn put(&mut self, index: usize, pass: usize, role: Role, dim: DimId) {
        if let Place::In(before, ..) = self.places[index] {
            self.members[before].remove(&index);
        }
        self.members[pass].insert(index);
        self.places[index] = Place::In(pass, role, dim);
    }

    /// Later passes in time for all readers, where something reads the same or what is written here.
    fn candidates(&self, index: usize, from: usize, dim: DimId) -> BTreeSet<usize> {
        let Some(last) = self.last_pass(index) else {
            return BTreeSet::new();
        };
        let op = &self.region.ops[index];
        let of_operands = op
            .operands
            .iter()
            .filter_map(|value| self.array_readers.get(value))
            .flatten();
        of_operands
            .chain(&self.readers[index])
            .filter_map(|other| match self.places[*other] {
                Place::In(pass, _, size) if size == dim && pass > from && pass <= last => Some(pass),
                _ => None,
            })
            .filter(|pass| self.sides[*pass] == self.sides[from])
            .collect()
    }

    /// The last pass in which all that is read of an operation is still written in time.
    fn last_pass(&self, index: usize) -> Option<usize> {
        let Place::In(_, role, dim) = self.places[index] else {
            return None;
        };
        let readers = self.readers[index].iter();
        let limit = readers.map(|reader| match self.places[*reader] {
            Place::In(pass, Role::Body | Role::Tail, other) if other == dim && role != Role::Tail => Some(pass),
            Place::Before(pass) | Place::In(pass, ..) => pass.checked_sub(1),
        });
        limit.fold(self.members.len().checked_sub(1), |least, limit| least.min(limit))
    }

    /// Arrays that a pass reads from memory and writes to it.
    fn traffic(&self, pass: usize) -> isize {
        let members = &self.members[pass];
        let mut arrays: BTreeSet<ValueId> = BTreeSet::new();
        let mut written = 0;
        for index in members {
            let Place::In(_, role, _) = self.places[*index] else {
                continue;
            };
            let read = self.region.ops[*index].operands.iter().filter(|value| {
                let made_here = self.writers.get(value).is_some_and(|writer| members.contains(writer));
                array_dim(self.plan, **value).is_some() && (!made_here || role == Role::Head)
            });
            arrays.extend(read);
            let stored = self.goes_out[*index] || self.readers[*index].iter().any(|reader| !members.contains(reader));
            written += isize::from(role != Role::Tail && stored);
        }
        arrays.len() as isize + written
    }
}
