//! A program that stores around the caches: in which order it runs, and what it asks for ahead.
//!
//! Results that have nothing in common but what they read are computed one after the other for a block of
//! elements: what they read stays in the first-level cache meanwhile, and only one stream of memory is written at a
//! time. What computes long enough to forget about memory asks for its operands ahead. Never changes what is computed.

use std::ops::Range;

use super::Strips;
use super::code::{Code, Instruction};
use crate::body::{Body, Node, Operation, Source};
use crate::place::PlaceId;

/// Elements of a block. Measured with eight results: 128 beat 512 and 4096 by a tenth, one strip by far.
const BLOCK: usize = 128;

/// The fewest results for which blocks are worth it.
const FEWEST_RESULTS: usize = 3;

/// Operations for each array that is read or written from which on operands are asked for ahead. Below, the processor's
/// own prefetching keeps up, and asking costs a little.
const OPERATIONS_PER_ARRAY: usize = 2;

/// The instructions, in parts that each leave nothing to the next one.
#[derive(Debug)]
pub(super) struct Streaming {
    code: Vec<Instruction>,
    /// Where parts end.
    ends: Vec<usize>,
}

impl Streaming {
    /// From the instructions with ordinary stores.
    pub(super) fn new(code: &[Instruction], body: &Body, temporaries: usize) -> Self {
        let (sources, arrays) = (body.sources.len(), body.arrays.len());
        // Truth values are a byte each: few lines, which the processor finds by itself.
        let is_floats = |index: usize| {
            let of = |node: &Node| node.operation == Operation::Source(index) && node.dtype.is_float();
            matches!(body.sources[index], Source::Operand(_)) && body.nodes.iter().any(of)
        };
        let operands: Vec<PlaceId> = (0..sources)
            .filter(|index| is_floats(*index) && code.iter().any(|instruction| instruction.reads(*index)))
            .collect();
        let operations: usize = code.iter().map(|instruction| instruction.operations()).sum();
        let is_busy = operations >= OPERATIONS_PER_ARRAY * (operands.len() + arrays);
        let asked = operands.iter().filter(|_| is_busy);
        let ahead: Vec<Instruction> = asked.map(|place| Instruction::new(Code::Ahead, &[*place])).collect();
        let mut ends = match arrays {
            FEWEST_RESULTS.. => parts(code, sources + arrays..sources + arrays + temporaries),
            _ => vec![code.len()],
        };
        for end in &mut ends {
            *end += ahead.len();
        }
        let streamed = code.iter().map(|instruction| instruction.streamed());
        Self {
            code: ahead.iter().copied().chain(streamed).collect(),
            ends,
        }
    }

    /// Hands out the instructions and the strips to run them over, in order.
    pub(super) fn run(&self, strip: usize, strips: Strips, execute: impl Fn(&[Instruction], Strips)) {
        if self.ends.len() == 1 {
            return execute(&self.code, strips);
        }
        let mut done = 0;
        while done < strips.count {
            let block = Strips {
                first: strips.first + done * strip,
                count: (strips.count - done).min((BLOCK / strip).max(1)),
                seen: strips.seen,
            };
            let mut start = 0;
            for end in &self.ends {
                execute(&self.code[start..*end], block);
                start = *end;
            }
            done += block.count;
        }
    }
}

/// Where the instructions can be parted: after the store of a result, when what follows reads neither the accumulator nor
/// a temporary strip before it has written it.
fn parts(code: &[Instruction], temporaries: Range<PlaceId>) -> Vec<usize> {
    let mut ends = vec![code.len()];
    let mut wanted = vec![false; temporaries.len()];
    let mut wants_accumulator = false;
    // Backwards, so that what comes later is known.
    for (index, instruction) in code.iter().enumerate().rev() {
        let ends_here = instruction.writes().is_some() && index + 1 < code.len();
        if ends_here && !wants_accumulator && !wanted.contains(&true) {
            ends.push(index + 1);
        }
        for (wanted, place) in wanted.iter_mut().zip(temporaries.clone()) {
            if instruction.reads(place) {
                *wanted = true;
            } else if instruction.code == Code::Store && usize::from(instruction.x) == place {
                *wanted = false;
            }
        }
        // Whatever does not read the accumulator writes it, but for requests, which are not there yet.
        wants_accumulator = instruction.reads_accumulator();
    }
    ends.reverse();
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources are 0 and 1, arrays 2 and 3, temporary strips 4 and 5.
    #[track_caller]
    fn check(code: &[(Code, &[PlaceId])], expected: &[usize]) {
        let code: Vec<Instruction> = code
            .iter()
            .map(|(code, places)| Instruction::new(*code, places))
            .collect();
        assert_eq!(parts(&code, 4..6), expected);
    }

    #[test]
    fn results_that_share_operands_only_are_parted() {
        let code: &[(Code, &[PlaceId])] = &[
            (Code::AddBoth, &[0, 1]),
            (Code::StoreArray, &[2]),
            (Code::MulBoth, &[0, 1]),
            (Code::StoreArray, &[3]),
        ];
        check(code, &[2, 4]);
    }

    #[test]
    fn what_the_accumulator_hands_on_stays_together() {
        let code: &[(Code, &[PlaceId])] = &[
            (Code::AddBoth, &[0, 1]),
            (Code::StoreArray, &[2]),
            (Code::Neg, &[]),
            (Code::StoreArray, &[3]),
        ];
        check(code, &[4]);
    }

    #[test]
    fn what_a_temporary_strip_hands_on_stays_together() {
        let code: &[(Code, &[PlaceId])] = &[
            (Code::AddBoth, &[0, 1]),
            (Code::Store, &[4]),
            (Code::StoreArray, &[2]),
            (Code::Load, &[0]),
            (Code::Mul, &[4]),
            (Code::StoreArray, &[3]),
        ];
        check(code, &[6]);
        // Written again before it is read.
        let code: &[(Code, &[PlaceId])] = &[
            (Code::AddBoth, &[0, 1]),
            (Code::Store, &[4]),
            (Code::Mul, &[4]),
            (Code::StoreArray, &[2]),
            (Code::Load, &[0]),
            (Code::Store, &[4]),
            (Code::Load, &[1]),
            (Code::Mul, &[4]),
            (Code::StoreArray, &[3]),
        ];
        check(code, &[4, 9]);
    }
}
