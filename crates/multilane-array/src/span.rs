//! Runs a program over a span of elements: places, tails, chunks, blocks of other dialects.
//!
//! Reads and writes through the pointers of a [`Bound`] run. Keeps everything else in scratch memory of its
//! own, so that spans can run side by side.

use std::ops::Range;

use multilane_plan::core::scalar::{larger, smaller};
use multilane_plan::core::tree::{CHUNK, LANES, combine_lanes};
use multilane_plan::{BoundBlocks, DType, Scalar};

use crate::block::{self, BLOCK};
use crate::body::{Body, Fold};
use crate::place::Place;
use crate::scratch::with_scratch;
use crate::simd::{Level, fence_streams};
use crate::strip::{self, Stores, Strips};

/// A body that is ready to run.
#[derive(Debug)]
pub(crate) struct Main {
    pub(crate) body: Body,
    pub(crate) array_types: Vec<DType>,
    source_types: Vec<DType>,
    engine: Engine,
    /// Element types of the blocks that other dialects fill.
    producers: Vec<DType>,
}

#[derive(Debug)]
enum Engine {
    Strips(strip::Program),
    Blocks(block::Program),
}

/// What a source is in one run.
#[derive(Clone, Copy)]
pub(crate) enum Input {
    Array(*mut u8),
    Number(Scalar),
    /// Blocks of a producer, by its index.
    Blocks(usize),
}

/// A body with the memory of one run.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'a> {
    pub(crate) inputs: &'a [Input],
    pub(crate) arrays: &'a [*mut u8],
    /// Whether an array lies in the memory of a source.
    pub(crate) aliased: bool,
    /// Arrays that must not be written before their block is done, by bits.
    pub(crate) detoured: u64,
    pub(crate) stores: Stores,
    /// For every reduction, the results of the chunks.
    pub(crate) partials: *mut u64,
    pub(crate) chunks: usize,
    pub(crate) blocks: &'a [Box<dyn BoundBlocks>],
}

// SAFETY: pieces of a run touch different elements and different chunks; the memory is that of the
// run's values, of which the caller says that nobody else writes them.
unsafe impl Sync for Bound<'_> {}

impl Main {
    pub(crate) fn new(body: Body, producers: Vec<DType>, level: Level, strips: bool) -> Self {
        let program = if strips {
            strip::Program::new(&body, level)
        } else {
            None
        };
        let engine = match program {
            Some(program) => Engine::Strips(program),
            None => Engine::Blocks(block::Program::new(&body, level)),
        };
        let mut source_types = vec![DType::F64; body.sources.len()];
        for node in &body.nodes {
            if let crate::body::Operation::Source(index) = node.operation {
                source_types[index] = node.dtype;
            }
        }
        Self {
            array_types: body.arrays.iter().map(|node| body.dtype(*node)).collect(),
            source_types,
            engine,
            producers,
            body,
        }
    }

    /// Whether the strip machine runs it.
    pub(crate) fn in_registers(&self) -> bool {
        matches!(self.engine, Engine::Strips(_))
    }

    /// Element types of the sources.
    pub(crate) fn source_types(&self) -> &[DType] {
        &self.source_types
    }

    /// Elements that are worked on at a time.
    fn unit(&self) -> usize {
        match &self.engine {
            Engine::Strips(program) => program.strip,
            Engine::Blocks(_) => BLOCK,
        }
    }

    /// Bytes of a temporary: a unit of the widest element it can hold.
    fn unit_bytes(&self) -> usize {
        match &self.engine {
            Engine::Strips(program) => program.strip * program.float.size(),
            Engine::Blocks(_) => BLOCK * 8,
        }
    }

    fn temporaries(&self) -> usize {
        match &self.engine {
            Engine::Strips(program) => program.temporaries,
            Engine::Blocks(program) => program.temporaries,
        }
    }

    /// Whether an array that lies exactly where a source lies must take a detour.
    pub(crate) fn detours(&self, array: usize, source: usize) -> bool {
        match &self.engine {
            Engine::Strips(program) => program.late_read(array, source),
            Engine::Blocks(_) => true,
        }
    }

    /// Whether stores around the caches are possible at all, and on how many bytes elements must be aligned.
    pub(crate) fn streams(&self) -> bool {
        self.in_registers()
            && self.body.reductions.is_empty()
            && self.producers.is_empty()
            && self.array_types.iter().all(|dtype| dtype.is_float())
    }

    /// Runs over a span. Spans of bodies with reductions start at a chunk.
    ///
    /// # Safety
    /// The run's memory is valid for the span, and nobody else writes it or reads what is written. For streamed stores,
    /// arrays are aligned for a vector at the span's start.
    pub(crate) unsafe fn run(&self, bound: &Bound<'_>, span: Range<usize>) {
        if span.is_empty() {
            return;
        }
        let (sources, arrays) = (self.body.sources.len(), self.body.arrays.len());
        let places = sources + arrays + self.temporaries();
        let unit = self.unit_bytes();
        let table = (2 * places * size_of::<Place>()).next_multiple_of(64);
        let lanes = self.body.reductions.len() * LANES * 8;
        let strips = (places + sources + arrays) * unit;
        let filled = self.producers.len() * CHUNK * 8;
        with_scratch(table + lanes + strips + filled, |scratch| {
            // SAFETY: the scratch memory has room for all of these, in this order.
            let work = unsafe {
                Work {
                    main: self,
                    bound,
                    places: scratch.cast(),
                    tail_places: scratch.cast::<Place>().add(places),
                    lanes: scratch.add(table).cast(),
                    strips: scratch.add(table + lanes),
                    filled: scratch.add(table + lanes + strips),
                }
            };
            // SAFETY: the caller's promise.
            unsafe { work.run(span) }
        });
        if bound.stores == Stores::Streamed {
            fence_streams();
        }
    }
}

/// One span with its scratch memory.
struct Work<'a> {
    main: &'a Main,
    bound: &'a Bound<'a>,
    places: *mut Place,
    /// The same places for a unit that is not full.
    tail_places: *mut Place,
    lanes: *mut u64,
    /// Unit-sized pieces: one for every place, then one more for every source and array.
    strips: *mut u8,
    /// Blocks that producers fill.
    filled: *mut u8,
}

impl Work<'_> {
    unsafe fn run(&self, span: Range<usize>) {
        // SAFETY: all parts rely on the promise of `Main::run`.
        unsafe {
            self.place(span.len());
            if self.main.body.reductions.is_empty() && self.bound.blocks.is_empty() {
                return self.section(span);
            }
            let mut start = span.start;
            while start < span.end {
                // Up to the next chunk, so that sections are those of the reduction tree.
                let end = ((start / CHUNK + 1) * CHUNK).min(span.end);
                self.fill(start..end);
                self.reset();
                self.section(start..end);
                self.finish(start / CHUNK);
                start = end;
            }
        }
    }

    unsafe fn strip(&self, index: usize) -> *mut u8 {
        // SAFETY: there is a strip for the index.
        unsafe { self.strips.add(index * self.main.unit_bytes()) }
    }

    /// Fills the tables of places.
    unsafe fn place(&self, length: usize) {
        let (sources, arrays) = (self.bound.inputs.len(), self.bound.arrays.len());
        let places = sources + arrays + self.main.temporaries();
        // SAFETY: the tables have room for all places.
        unsafe {
            for (index, input) in self.bound.inputs.iter().enumerate() {
                let (place, tail) = match *input {
                    Input::Array(start) => (Place::moving(start), Place::fixed(self.strip(places + index))),
                    Input::Number(number) => {
                        let strip = self.strip(index);
                        // Programs on short spans read no more of a number than the span is long.
                        let unit = self.main.unit();
                        let count = if self.main.in_registers() {
                            unit
                        } else {
                            unit.min(length)
                        };
                        spread(number, strip, count);
                        (Place::fixed(strip), Place::fixed(strip))
                    }
                    Input::Blocks(_) => (Place::fixed(self.filled), Place::fixed(self.strip(places + index))),
                };
                self.places.add(index).write(place);
                self.tail_places.add(index).write(tail);
            }
            for index in 0..arrays {
                let spare = Place::fixed(self.strip(places + sources + index));
                let detoured = self.bound.detoured >> index & 1 == 1;
                let place = if detoured {
                    spare
                } else {
                    Place::moving(self.bound.arrays[index])
                };
                self.places.add(sources + index).write(place);
                self.tail_places.add(sources + index).write(spare);
            }
            for index in sources + arrays..places {
                let place = Place::fixed(self.strip(index));
                self.places.add(index).write(place);
                self.tail_places.add(index).write(place);
            }
        }
    }

    /// Lets producers fill their blocks.
    unsafe fn fill(&self, section: Range<usize>) {
        for (index, input) in self.bound.inputs.iter().enumerate() {
            if let Input::Blocks(producer) = *input {
                let dtype = self.main.producers[producer];
                // SAFETY: there is room for a chunk per producer; the place is based so that the
                // section's elements fall on the block.
                unsafe {
                    let block = self.filled.add(producer * CHUNK * 8);
                    self.bound.blocks[producer].fill(section.clone(), block);
                    let base = block.wrapping_sub(section.start * dtype.size());
                    self.places.add(index).write(Place::moving(base));
                }
            }
        }
    }

    /// Sets the lanes of all reductions to their neutral elements.
    unsafe fn reset(&self) {
        for (index, reduction) in self.main.body.reductions.iter().enumerate() {
            // SAFETY: there are 16 words for every reduction.
            unsafe {
                let lanes = self.lanes.add(index * LANES);
                spread(neutral(reduction.fold, self.lane_type(index)), lanes.cast(), LANES);
            }
        }
    }

    /// The type of a reduction's lanes: the machine counts and compares truth in floats.
    fn lane_type(&self, reduction: usize) -> DType {
        match &self.main.engine {
            Engine::Strips(program) => program.float,
            Engine::Blocks(_) => self.main.body.dtype(self.main.body.reductions[reduction].node),
        }
    }

    /// Joins the lanes of all reductions to the result of a chunk.
    unsafe fn finish(&self, chunk: usize) {
        for (index, reduction) in self.main.body.reductions.iter().enumerate() {
            // SAFETY: there are 16 words for every reduction, and a partial for every chunk.
            unsafe {
                let lanes = self.lanes.add(index * LANES);
                let joined = join_lanes(reduction.fold, self.lane_type(index), lanes);
                let partial = joined.cast(self.main.body.dtype(reduction.node));
                self.bound
                    .partials
                    .add(index * self.bound.chunks + chunk)
                    .write(bits(partial));
            }
        }
    }

    /// Runs the program over a section.
    unsafe fn section(&self, section: Range<usize>) {
        // SAFETY: the promise of `Main::run`.
        unsafe {
            match &self.main.engine {
                Engine::Blocks(program) => {
                    if self.bound.detoured == 0 {
                        return program.run(self.places, section.start, section.len(), self.lanes);
                    }
                    let mut start = section.start;
                    while start < section.end {
                        let length = BLOCK.min(section.end - start);
                        program.run(self.places, start, length, self.lanes);
                        self.bring(start, length, self.bound.detoured);
                        start += length;
                    }
                }
                Engine::Strips(program) => {
                    let whole = section.len() / program.strip;
                    if self.bound.detoured == 0 {
                        if whole > 0 {
                            let strips = Strips {
                                first: section.start,
                                count: whole,
                                seen: (0, program.strip),
                            };
                            program.run(self.bound.stores, self.places, strips, self.lanes);
                        }
                    } else {
                        for index in 0..whole {
                            let strips = Strips {
                                first: section.start + index * program.strip,
                                count: 1,
                                seen: (0, program.strip),
                            };
                            program.run(Stores::Cached, self.places, strips, self.lanes);
                            self.bring(strips.first, program.strip, self.bound.detoured);
                        }
                    }
                    let rest = section.len() % program.strip;
                    if rest == 0 {
                    } else if whole > 0 && !self.bound.aliased {
                        // The last strip once more, as far back as it takes: the same results again.
                        let strips = Strips {
                            first: section.end - program.strip,
                            count: 1,
                            seen: (program.strip - rest, program.strip),
                        };
                        program.run(Stores::Cached, self.places, strips, self.lanes);
                    } else {
                        self.tail(program, section.end - rest, section.end);
                    }
                }
            }
        }
    }

    /// Runs a strip that is not full on copies of its operands.
    unsafe fn tail(&self, program: &strip::Program, start: usize, end: usize) {
        let length = end - start;
        // SAFETY: the copies have room for a whole strip.
        unsafe {
            for (index, input) in self.bound.inputs.iter().enumerate() {
                if !matches!(input, Input::Number(_)) {
                    let size = self.main.source_types[index].size();
                    let from = (*self.places.add(index)).at(start * size);
                    let to = (*self.tail_places.add(index)).base;
                    std::ptr::copy_nonoverlapping(from, to, length * size);
                    // The rest repeats an element, which costs no more than that element did.
                    let (to, rest) = (to.add(length * size), program.strip - length);
                    match size {
                        8 => std::slice::from_raw_parts_mut(to.cast(), rest).fill(from.cast::<u64>().read()),
                        4 => std::slice::from_raw_parts_mut(to.cast(), rest).fill(from.cast::<u32>().read()),
                        _ => std::slice::from_raw_parts_mut(to, rest).fill(from.read()),
                    }
                }
            }
            let strips = Strips {
                first: 0,
                count: 1,
                seen: (0, length),
            };
            program.run(Stores::Cached, self.tail_places, strips, self.lanes);
            self.bring(start, length, u64::MAX);
        }
    }

    /// Copies arrays from their detour to where they belong.
    unsafe fn bring(&self, start: usize, length: usize, which: u64) {
        let sources = self.bound.inputs.len();
        for (index, array) in self.bound.arrays.iter().enumerate() {
            if which >> index & 1 == 1 {
                let size = self.main.array_types[index].size();
                // SAFETY: detours have room for a unit, arrays for the span.
                unsafe {
                    let from = (*self.tail_places.add(sources + index)).base;
                    std::ptr::copy_nonoverlapping(from, array.add(start * size), length * size);
                }
            }
        }
    }
}

/// Writes a number over and over.
unsafe fn spread(number: Scalar, to: *mut u8, count: usize) {
    // SAFETY: the caller has room for `count` elements of the number's type.
    unsafe {
        match number {
            Scalar::Bool(value) => std::slice::from_raw_parts_mut(to, count).fill(u8::from(value)),
            Scalar::I32(value) => std::slice::from_raw_parts_mut(to.cast(), count).fill(value),
            Scalar::I64(value) => std::slice::from_raw_parts_mut(to.cast(), count).fill(value),
            Scalar::F32(value) => std::slice::from_raw_parts_mut(to.cast(), count).fill(value),
            Scalar::F64(value) => std::slice::from_raw_parts_mut(to.cast(), count).fill(value),
        }
    }
}

/// What a fold starts with.
pub(crate) fn neutral(fold: Fold, dtype: DType) -> Scalar {
    match (fold, dtype) {
        (Fold::Sum, dtype) => Scalar::Bool(false).cast(dtype),
        (Fold::Min, DType::F64) => Scalar::F64(f64::INFINITY),
        (Fold::Min, DType::F32) => Scalar::F32(f32::INFINITY),
        (Fold::Min, DType::I64) => Scalar::I64(i64::MAX),
        (Fold::Min, DType::I32) => Scalar::I32(i32::MAX),
        (Fold::Min, DType::Bool) => Scalar::Bool(true),
        (Fold::Max, DType::F64) => Scalar::F64(f64::NEG_INFINITY),
        (Fold::Max, DType::F32) => Scalar::F32(f32::NEG_INFINITY),
        (Fold::Max, DType::I64) => Scalar::I64(i64::MIN),
        (Fold::Max, DType::I32) => Scalar::I32(i32::MIN),
        (Fold::Max, DType::Bool) => Scalar::Bool(false),
    }
}

/// Joins two numbers of one type.
pub(crate) fn join(fold: Fold, a: Scalar, b: Scalar) -> Scalar {
    use Scalar::{Bool, F32, F64, I32, I64};
    match (a, b) {
        (F64(a), F64(b)) => F64(match fold {
            Fold::Sum => a + b,
            Fold::Min => smaller(a, b),
            Fold::Max => larger(a, b),
        }),
        (F32(a), F32(b)) => F32(match fold {
            Fold::Sum => a + b,
            Fold::Min => smaller(a, b),
            Fold::Max => larger(a, b),
        }),
        (I64(a), I64(b)) => I64(match fold {
            Fold::Sum => a.wrapping_add(b),
            Fold::Min => a.min(b),
            Fold::Max => a.max(b),
        }),
        (I32(a), I32(b)) => I32(match fold {
            Fold::Sum => a.wrapping_add(b),
            Fold::Min => a.min(b),
            Fold::Max => a.max(b),
        }),
        (Bool(a), Bool(b)) => Bool(if fold == Fold::Min { a & b } else { a | b }),
        _ => unreachable!("lanes and partials of a reduction are of one type"),
    }
}

unsafe fn join_lanes(fold: Fold, dtype: DType, lanes: *const u64) -> Scalar {
    // SAFETY: the lanes are 16 elements of the type.
    let lane = |index: usize| unsafe {
        match dtype {
            DType::Bool => Scalar::Bool(*lanes.cast::<u8>().add(index) != 0),
            DType::I32 => Scalar::I32(*lanes.cast::<i32>().add(index)),
            DType::I64 => Scalar::I64(*lanes.cast::<i64>().add(index)),
            DType::F32 => Scalar::F32(*lanes.cast::<f32>().add(index)),
            DType::F64 => Scalar::F64(*lanes.cast::<f64>().add(index)),
        }
    };
    combine_lanes(std::array::from_fn(lane), |a, b| join(fold, a, b))
}

/// The bits of a number, as partials keep them.
pub(crate) fn bits(number: Scalar) -> u64 {
    match number {
        Scalar::Bool(value) => u64::from(value),
        Scalar::I32(value) => value as u32 as u64,
        Scalar::I64(value) => value as u64,
        Scalar::F32(value) => u64::from(value.to_bits()),
        Scalar::F64(value) => value.to_bits(),
    }
}

/// The number with some bits.
pub(crate) fn from_bits(dtype: DType, bits: u64) -> Scalar {
    match dtype {
        DType::Bool => Scalar::Bool(bits != 0),
        DType::I32 => Scalar::I32(bits as i32),
        DType::I64 => Scalar::I64(bits as i64),
        DType::F32 => Scalar::F32(f32::from_bits(bits as u32)),
        DType::F64 => Scalar::F64(f64::from_bits(bits)),
    }
}
