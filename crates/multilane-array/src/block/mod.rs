//! The block interpreter: one operation at a time over a few hundred elements in cache.
//!
//! Runs every body of every element type; what the strip machine can do, it does faster. Operands
//! that are arrays are read where they lie, results are written where they belong;
//! only what is neither goes through temporary blocks. Never allocates while it runs.

mod apply;
mod cast;
mod fold;

use multilane_plan::DType;

use crate::body::{Body, Fold, Operation};
use crate::place::{Place, PlaceId, Slots};
use crate::simd::{Doubles, Level, Vector, portable};

/// Elements of a block; divides a chunk of the reduction tree.
pub(crate) const BLOCK: usize = 256;

/// One operation on blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    pub(crate) what: What,
    /// The element type of the operands; of `Where`, that of the second.
    pub(crate) from: DType,
    /// The element type of the result.
    pub(crate) to: DType,
    pub(crate) result: PlaceId,
    pub(crate) args: [PlaceId; 3],
}

/// What an instruction does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// Computes elements.
    Map(Operation),
    /// Joins elements to the lanes of a reduction, by its index.
    Fold(Fold, usize),
}

/// A body as instructions.
#[derive(Debug)]
pub(crate) struct Program {
    code: Vec<Instruction>,
    /// Temporary blocks, each as wide as the widest element.
    pub(crate) temporaries: usize,
    execute: Execute,
}

type Execute = unsafe fn(&[Instruction], *const Place, usize, usize, *mut u64);

impl Program {
    /// Orders a body: sources have the first places, arrays the next ones, temporaries the rest.
    pub(crate) fn new(body: &Body, level: Level) -> Self {
        let mut uses = body.uses();
        let mut slots = Slots::new(body.sources.len() + body.arrays.len());
        let mut places: Vec<Option<PlaceId>> = vec![None; body.nodes.len()];
        let mut code = Vec::new();
        for (id, node) in body.nodes.iter().enumerate() {
            if let Operation::Source(index) = node.operation {
                places[id] = Some(index);
            } else if uses[id] > 0 {
                let mut args = [0; 3];
                for (place, arg) in args.iter_mut().zip(node.args()) {
                    *place = places[*arg].expect("arguments come first");
                }
                // The result is placed before its arguments are let go: it never lies on one.
                let array = body.arrays.iter().position(|array| *array == id);
                let result = array.map_or_else(|| slots.take(), |array| body.sources.len() + array);
                let typed = *node.args().last().expect("only sources have no arguments");
                code.push(Instruction {
                    what: What::Map(node.operation),
                    from: body.dtype(typed),
                    to: node.dtype,
                    result,
                    args,
                });
                places[id] = Some(result);
                for arg in node.args() {
                    uses[*arg] -= 1;
                    if uses[*arg] == 0 {
                        slots.release(places[*arg].expect("arguments come first"));
                    }
                }
            }
            let place = places[id].unwrap_or(0);
            for (index, reduction) in body.reductions.iter().enumerate() {
                if reduction.node == id {
                    code.push(Instruction {
                        what: What::Fold(reduction.fold, index),
                        from: node.dtype,
                        to: node.dtype,
                        result: 0,
                        args: [place, 0, 0],
                    });
                }
            }
        }
        // Arrays that are sources, or the same as another array, are copied.
        for (array, node) in body.arrays.iter().enumerate() {
            let own = body.sources.len() + array;
            let place = places[*node].expect("arrays are computed");
            if place != own {
                let dtype = body.dtype(*node);
                code.push(Instruction {
                    what: What::Map(Operation::Copy),
                    from: dtype,
                    to: dtype,
                    result: own,
                    args: [place, 0, 0],
                });
            }
        }
        Self {
            code,
            temporaries: slots.most(),
            execute: execute_at(level),
        }
    }

    /// Runs over `count` elements from `first`, block by block.
    ///
    /// # Safety
    /// The processor has the program's level. Places are valid for the elements, results do not
    /// overlap arguments, and `lanes` has 16 words for every reduction.
    pub(crate) unsafe fn run(&self, places: *const Place, first: usize, count: usize, lanes: *mut u64) {
        let end = first + count;
        let mut start = first;
        while start < end {
            let length = BLOCK.min(end - start);
            // SAFETY: the caller's promise.
            unsafe { (self.execute)(&self.code, places, start, length, lanes) };
            start += length;
        }
    }
}

/// The vectors of one level.
pub(crate) trait Family {
    type F64: Doubles;
    type F32: Vector<Element = f32, Wide = Self::F64>;
}

struct Portable;

impl Family for Portable {
    type F64 = portable::F64;
    type F32 = portable::F32;
}

unsafe fn execute_portable(code: &[Instruction], places: *const Place, first: usize, length: usize, lanes: *mut u64) {
    // SAFETY: the caller's promise.
    unsafe { apply::execute::<Portable>(code, places, first, length, lanes) }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Family, Instruction, apply};
    use crate::place::Place;
    use crate::simd::{avx2, avx512};

    struct Avx2;

    impl Family for Avx2 {
        type F64 = avx2::F64;
        type F32 = avx2::F32;
    }

    struct Avx512;

    impl Family for Avx512 {
        type F64 = avx512::F64;
        type F32 = avx512::F32;
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn execute_avx2(
        code: &[Instruction],
        places: *const Place,
        first: usize,
        length: usize,
        lanes: *mut u64,
    ) {
        // SAFETY: the caller's promise.
        unsafe { apply::execute::<Avx2>(code, places, first, length, lanes) }
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
    pub(super) unsafe fn execute_avx512(
        code: &[Instruction],
        places: *const Place,
        first: usize,
        length: usize,
        lanes: *mut u64,
    ) {
        // SAFETY: the caller's promise.
        unsafe { apply::execute::<Avx512>(code, places, first, length, lanes) }
    }
}

fn execute_at(level: Level) -> Execute {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => x86::execute_avx512,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2Fma => x86::execute_avx2,
        _ => execute_portable,
    }
}
