//! One operation or fused region, compiled for a level.
//!
//! Compile once, run as often as wanted, from several threads if wanted. Results have the same
//! bits at every level and however many lanes run it. Never keeps a pointer.

use multilane_plan::core::tree::{CHUNK, combine_chunks};
use multilane_plan::{BoundBlocks, DType, Lanes, Op, Plan, Scalar};

use crate::body::{Body, Finish, Operation, Reduction, Source};
use crate::drive;
use crate::error::ArrayError;
use crate::lower::{Producer, ResultFrom, lower};
use crate::math::Function;
use crate::simd::Level;
use crate::span::{Bound, Input, Main, bits, from_bits, join, neutral};
use crate::strip::Stores;

/// An operand of a run.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// The first element of an array.
    Array(*const u8),
    /// One number.
    Scalar(Scalar),
    /// What only its dialect understands.
    Opaque,
}

/// A result of a run.
#[derive(Clone, Copy, Debug)]
pub enum Output {
    /// Where the first element of an array goes.
    Array(*mut u8),
    /// One number, to be replaced.
    Scalar(Scalar),
}

/// An operation that is ready to run.
#[derive(Debug)]
pub struct Compiled {
    op: String,
    level: Level,
    /// Scalars from scalars.
    prologue: Option<Main>,
    main: Option<Main>,
    results: Vec<ResultFrom>,
    producers: Vec<Producer>,
    /// Nanoseconds for an element on one lane, by a rough estimate.
    element_ns: f64,
    /// Results together at least this large go around the caches.
    streamed_from: usize,
}

/// Values that are usually few, without allocation when they are.
macro_rules! few {
    ($name:ident: [$value:expr; $count:expr], $most:literal) => {
        let mut on_stack = [$value; $most];
        let mut on_heap;
        let $name = if $count <= $most {
            &mut on_stack[..$count]
        } else {
            on_heap = vec![$value; $count];
            &mut on_heap[..]
        };
    };
}

impl Compiled {
    /// Compiles an element-wise operation, a reduction or a `core.fused` of a verified plan for this processor.
    pub fn new(plan: &Plan, op: &Op) -> Result<Self, ArrayError> {
        Self::at_level(plan, op, Level::detect())
    }

    /// The same for a level, which the processor must have.
    ///
    /// # Panics
    /// When the processor does not have the level.
    pub fn at_level(plan: &Plan, op: &Op, level: Level) -> Result<Self, ArrayError> {
        Self::with_engine(plan, op, level, true)
    }

    /// The same without the strip machine: everything runs block by block. For tests and measurements.
    #[doc(hidden)]
    pub fn in_blocks(plan: &Plan, op: &Op, level: Level) -> Result<Self, ArrayError> {
        Self::with_engine(plan, op, level, false)
    }

    fn with_engine(plan: &Plan, op: &Op, level: Level, strips: bool) -> Result<Self, ArrayError> {
        assert!(
            level <= Level::detect(),
            "this processor does not have {}",
            level.name()
        );
        let lowered = lower(plan, op)?;
        let element_ns = element_ns(&lowered.main);
        let main = Some(lowered.main).filter(|body| !(body.arrays.is_empty() && body.reductions.is_empty()));
        let prologue = Some(lowered.prologue).filter(|body| !body.arrays.is_empty());
        let producer_types: Vec<DType> = lowered.producers.iter().map(|producer| producer.dtype).collect();
        if main.as_ref().is_some_and(|body| body.arrays.len() > 64) {
            return Err(ArrayError::Malformed {
                op: op.name.clone(),
                problem: "writes more than 64 arrays at once".to_owned(),
            });
        }
        Ok(Self {
            op: op.name.clone(),
            level,
            prologue: prologue.map(|body| Main::new(body, Vec::new(), level, false)),
            main: main.map(|body| Main::new(body, producer_types, level, strips)),
            results: lowered.results,
            producers: lowered.producers,
            element_ns,
            streamed_from: drive::MIN_STREAMED_BYTES,
        })
    }

    /// Hands every run to its lanes, however small. For tests and measurements.
    #[doc(hidden)]
    #[must_use]
    pub fn always_shared(mut self) -> Self {
        self.element_ns = f64::INFINITY;
        self
    }

    /// Lets all results that can go around the caches, however small. For tests and measurements.
    #[doc(hidden)]
    #[must_use]
    pub fn always_streamed(mut self) -> Self {
        self.streamed_from = 0;
        self
    }

    /// The instruction set it was compiled for.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The operation's name.
    pub fn op(&self) -> &str {
        &self.op
    }

    /// Whether intermediate values stay in registers (otherwise in blocks in cache).
    pub fn in_registers(&self) -> bool {
        self.main.as_ref().is_some_and(Main::in_registers)
    }

    /// Operations of other dialects whose blocks it computes with.
    pub(crate) fn producers(&self) -> &[Producer] {
        &self.producers
    }

    /// Runs on the calling thread.
    ///
    /// # Safety
    /// As of [`Compiled::run`].
    pub unsafe fn run_small(&self, operands: &[Operand], outputs: &mut [Output], len: usize) -> Result<(), ArrayError> {
        // SAFETY: the caller's promise.
        unsafe { self.run_with(operands, outputs, len, &multilane_plan::Serial, &[]) }
    }

    /// Runs on lanes, when there is enough to do for more than one.
    ///
    /// # Safety
    /// Operands and outputs are as many as the operation's, in order, of its kinds and types. Arrays have `len` elements,
    /// aligned for their type, that nobody else writes meanwhile, nor reads where they are written; truth values are bytes
    /// 0 and 1. An output may be the memory of an operand, or have nothing in common with it.
    pub unsafe fn run(
        &self,
        operands: &[Operand],
        outputs: &mut [Output],
        len: usize,
        lanes: &dyn Lanes,
    ) -> Result<(), ArrayError> {
        // SAFETY: the caller's promise.
        unsafe { self.run_with(operands, outputs, len, lanes, &[]) }
    }

    /// The same with the blocks of other dialects, one for each of the producers.
    ///
    /// # Safety
    /// As of [`Compiled::run`]; the blocks have `len` elements.
    pub(crate) unsafe fn run_with(
        &self,
        operands: &[Operand],
        outputs: &mut [Output],
        len: usize,
        lanes: &dyn Lanes,
        blocks: &[Box<dyn BoundBlocks>],
    ) -> Result<(), ArrayError> {
        debug_assert_eq!(blocks.len(), self.producers.len(), "every producer is bound");
        let count = self.prologue.as_ref().map_or(0, |prologue| prologue.body.arrays.len());
        few!(computed: [Scalar::Bool(false); count], 8);
        // SAFETY: the caller's promise.
        unsafe { self.compute_scalars(operands, computed) };
        for (output, from) in outputs.iter_mut().zip(&self.results) {
            if let ResultFrom::Computed(index) = from {
                *output = Output::Scalar(computed[*index]);
            }
        }
        match &self.main {
            // SAFETY: the caller's promise.
            Some(main) => unsafe { self.run_main(main, operands, computed, outputs, len, lanes, blocks) },
            None => Ok(()),
        }
    }

    unsafe fn compute_scalars(&self, operands: &[Operand], computed: &mut [Scalar]) {
        let Some(prologue) = &self.prologue else { return };
        few!(inputs: [Input::Blocks(0); prologue.body.sources.len()], 16);
        for (input, source) in inputs.iter_mut().zip(&prologue.body.sources) {
            *input = bind(*source, operands, &[]);
        }
        few!(words: [0_u64; computed.len()], 8);
        few!(arrays: [std::ptr::null_mut(); computed.len()], 8);
        for (array, word) in arrays.iter_mut().zip(words.iter_mut()) {
            *array = (word as *mut u64).cast();
        }
        let bound = Bound {
            inputs,
            arrays,
            aliased: false,
            detoured: 0,
            stores: Stores::Cached,
            partials: std::ptr::null_mut(),
            chunks: 0,
            blocks: &[],
        };
        // SAFETY: every scalar has a word to be written to.
        unsafe { prologue.run(&bound, 0..1) };
        for ((scalar, word), dtype) in computed.iter_mut().zip(words.iter()).zip(&prologue.array_types) {
            *scalar = from_bits(*dtype, *word);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one run")]
    unsafe fn run_main(
        &self,
        main: &Main,
        operands: &[Operand],
        computed: &[Scalar],
        outputs: &mut [Output],
        len: usize,
        lanes: &dyn Lanes,
        blocks: &[Box<dyn BoundBlocks>],
    ) -> Result<(), ArrayError> {
        let body = &main.body;
        few!(inputs: [Input::Blocks(0); body.sources.len()], 24);
        for (input, source) in inputs.iter_mut().zip(&body.sources) {
            *input = bind(*source, operands, computed);
        }
        few!(arrays: [std::ptr::null_mut(); body.arrays.len()], 16);
        for (output, from) in outputs.iter().zip(&self.results) {
            if let (Output::Array(start), ResultFrom::Array(index)) = (output, from) {
                arrays[*index] = *start;
            }
        }
        let chunks = len.div_ceil(CHUNK);
        few!(partials: [0_u64; chunks * body.reductions.len()], 32);
        let (aliased, detoured) = self.aliases(main, inputs, arrays, len)?;
        let mut bound = Bound {
            inputs,
            arrays,
            aliased,
            detoured,
            stores: Stores::Cached,
            partials: partials.as_mut_ptr(),
            chunks,
            blocks,
        };
        let ns = self.element_ns * len as f64;
        // SAFETY: the caller's promise.
        unsafe { drive::drive(main, &mut bound, len, ns, self.streamed_from, lanes)? };
        // Joining the partial results of chunks uses them up, and several results may want them.
        let mut joined: Vec<Option<Scalar>> = vec![None; body.reductions.len()];
        for (output, from) in outputs.iter_mut().zip(&self.results) {
            if let ResultFrom::Reduced(index) = from {
                let scalar = match joined[*index] {
                    Some(scalar) => scalar,
                    None => {
                        let partials = &mut partials[index * chunks..][..chunks];
                        self.reduced(body, &body.reductions[*index], partials, len)?
                    }
                };
                joined[*index] = Some(scalar);
                *output = Output::Scalar(scalar);
            }
        }
        Ok(())
    }

    /// Whether an array lies in the memory of an operand, and which ones must take a detour then.
    fn aliases(
        &self,
        main: &Main,
        inputs: &[Input],
        arrays: &[*mut u8],
        len: usize,
    ) -> Result<(bool, u64), ArrayError> {
        let (mut aliased, mut detoured) = (false, 0);
        for (array, start) in arrays.iter().enumerate() {
            let size = main.array_types[array].size();
            for (source, input) in inputs.iter().enumerate() {
                let Input::Array(from) = *input else { continue };
                let from_size = main.source_types()[source].size();
                let (a, b) = (*start as usize, from as usize);
                if a == b && size == from_size {
                    aliased = true;
                    if main.detours(array, source) {
                        detoured |= 1 << array;
                    }
                } else if a < b + len * from_size && b < a + len * size {
                    return Err(ArrayError::Misfit {
                        op: self.op.clone(),
                        what: format!("result {array}"),
                        problem: "shares part of its memory with an operand".to_owned(),
                    });
                }
            }
        }
        Ok((aliased, detoured))
    }

    /// The result of a reduction from those of the chunks.
    fn reduced(
        &self,
        body: &Body,
        reduction: &Reduction,
        partials: &mut [u64],
        len: usize,
    ) -> Result<Scalar, ArrayError> {
        if len == 0 && reduction.needs_elements {
            return Err(ArrayError::Empty { op: self.op.clone() });
        }
        let (fold, dtype) = (reduction.fold, body.dtype(reduction.node));
        let joined = combine_chunks(partials, |a, b| {
            bits(join(fold, from_bits(dtype, a), from_bits(dtype, b)))
        });
        let all = match joined {
            Some(bits) => from_bits(dtype, bits),
            None if reduction.zero_if_empty => Scalar::Bool(false).cast(dtype),
            None => neutral(fold, dtype),
        };
        Ok(match (reduction.finish, all) {
            (Finish::Sqrt, Scalar::F64(x)) => Scalar::F64(x.sqrt()),
            (Finish::Sqrt, Scalar::F32(x)) => Scalar::F32(x.sqrt()),
            (Finish::Mean, Scalar::F64(x)) => Scalar::F64(x / len as f64),
            (Finish::Mean, Scalar::F32(x)) => Scalar::F32(x / len as f32),
            (_, all) => all,
        })
    }
}

/// A source in one run.
fn bind(source: Source, operands: &[Operand], computed: &[Scalar]) -> Input {
    match source {
        Source::Constant(number) => Input::Number(number),
        Source::Computed(index) => Input::Number(computed[index]),
        Source::Blocks(index) => Input::Blocks(index),
        Source::Operand(index) | Source::Number(index) => match operands[index] {
            Operand::Array(start) => Input::Array(start.cast_mut()),
            Operand::Scalar(number) => Input::Number(number),
            Operand::Opaque => unreachable!("lowering computes with numbers only"),
        },
    }
}

/// A rough estimate, good enough to tell microseconds from milliseconds.
fn element_ns(body: &Body) -> f64 {
    let arrays = |bytes: usize| bytes as f64 * 0.05;
    let mut bytes = 0;
    let mut ns = 0.0_f64;
    let uses = body.uses();
    for (node, uses) in body.nodes.iter().zip(&uses) {
        ns += match node.operation {
            _ if *uses == 0 => 0.0,
            Operation::Source(index) if body.sources[index].is_number() => 0.0,
            Operation::Source(index) if matches!(body.sources[index], Source::Blocks(_)) => 5.0,
            Operation::Source(_) => {
                bytes += node.dtype.size();
                0.0
            }
            Operation::Pow => 3.0,
            Operation::Function(Function::Tanh | Function::Log) => 1.0,
            Operation::Function(_) => 0.6,
            Operation::Div | Operation::Sqrt => 0.5,
            _ => 0.06,
        };
    }
    bytes += body.arrays.iter().map(|node| body.dtype(*node).size()).sum::<usize>();
    ns.max(arrays(bytes))
}
