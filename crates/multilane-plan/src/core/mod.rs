//! The `core` dialect: constants, element-wise arithmetic, selections, reductions, loops.
//!
//! A table of facts. The rules behind them are beside it: `infer` for types, `cost`
//! for sizes, [`scalar`] for what each operation computes on numbers and [`tree`] for
//! the order in which reductions add up.

mod cost;
mod infer;
pub mod scalar;
pub mod tree;

use crate::registry::{Form, OpDef};

/// The operations of the dialect.
pub fn dialect() -> &'static [OpDef] {
    DIALECT
}

type Infer = fn(&crate::Plan, &crate::Op) -> Result<Vec<crate::ValueType>, String>;
type CostOf = fn(&crate::Plan, &crate::Op, &dyn crate::Sizes) -> crate::Cost;

/// Facts that all element-wise operations share.
const fn elementwise(name: &'static str, summary: &'static str, infer: Infer, cost: CostOf) -> OpDef {
    OpDef {
        name,
        summary,
        form: Form::Elementwise,
        pure_op: true,
        thread_safe: true,
        data_parallel: true,
        heavy: false,
        commutative: false,
        in_place: true,
        infer,
        cost,
        fold: Some(scalar::apply),
    }
}

/// The same for operations whose first two operands may change places.
const fn commutative(name: &'static str, summary: &'static str, infer: Infer, cost: CostOf) -> OpDef {
    OpDef {
        commutative: true,
        ..elementwise(name, summary, infer, cost)
    }
}

/// Facts that all reductions share.
const fn reduction(name: &'static str, summary: &'static str, infer: Infer) -> OpDef {
    OpDef {
        form: Form::Reduction,
        data_parallel: false,
        heavy: true,
        in_place: false,
        fold: None,
        ..elementwise(name, summary, infer, cost::reduction)
    }
}

/// Facts of the operations that run regions.
const fn control(name: &'static str, summary: &'static str, infer: Infer) -> OpDef {
    OpDef {
        form: Form::Control,
        data_parallel: false,
        in_place: false,
        fold: None,
        ..elementwise(name, summary, infer, cost::free)
    }
}

const DIALECT: &[OpDef] = &[
    OpDef {
        form: Form::Constant,
        data_parallel: false,
        in_place: false,
        fold: None,
        ..elementwise("core.constant", "the number `value`", infer::constant, cost::free)
    },
    commutative("core.add", "a + b", infer::arithmetic2, cost::arithmetic),
    elementwise("core.sub", "a - b", infer::arithmetic2, cost::arithmetic),
    commutative("core.mul", "a * b", infer::arithmetic2, cost::arithmetic),
    elementwise("core.div", "a / b, of floats", infer::floats2, cost::division),
    elementwise("core.neg", "-a", infer::arithmetic1, cost::arithmetic),
    elementwise("core.abs", "the size of a", infer::arithmetic1, cost::arithmetic),
    elementwise(
        "core.pow",
        "a to the power of b; a negative power of an integer is cut to an integer",
        infer::arithmetic2,
        cost::transcendental,
    ),
    elementwise("core.sqrt", "the square root", infer::floats1, cost::division),
    elementwise("core.exp", "e to the power of a", infer::floats1, cost::transcendental),
    elementwise(
        "core.log",
        "the natural logarithm",
        infer::floats1,
        cost::transcendental,
    ),
    elementwise("core.sin", "the sine", infer::floats1, cost::transcendental),
    elementwise("core.cos", "the cosine", infer::floats1, cost::transcendental),
    elementwise(
        "core.tanh",
        "the hyperbolic tangent",
        infer::floats1,
        cost::transcendental,
    ),
    // Not commutative to the bit: of 0.0 and -0.0 it may give either.
    elementwise(
        "core.min",
        "the smaller one, NaN if either is",
        infer::arithmetic2,
        cost::arithmetic,
    ),
    // Not commutative to the bit: of 0.0 and -0.0 it may give either.
    elementwise(
        "core.max",
        "the larger one, NaN if either is",
        infer::arithmetic2,
        cost::arithmetic,
    ),
    elementwise("core.recip", "1 / (a + `epsilon`)", infer::recip, cost::division),
    elementwise(
        "core.fma",
        "a * b + c, rounded once for floats",
        infer::arithmetic3,
        cost::arithmetic,
    ),
    commutative("core.eq", "a == b", infer::compare, cost::arithmetic),
    commutative("core.ne", "a != b", infer::compare, cost::arithmetic),
    elementwise("core.lt", "a < b", infer::compare, cost::arithmetic),
    elementwise("core.le", "a <= b", infer::compare, cost::arithmetic),
    elementwise("core.gt", "a > b", infer::compare, cost::arithmetic),
    elementwise("core.ge", "a >= b", infer::compare, cost::arithmetic),
    commutative("core.and", "both are true", infer::logical2, cost::arithmetic),
    commutative("core.or", "one or both are true", infer::logical2, cost::arithmetic),
    commutative("core.xor", "exactly one is true", infer::logical2, cost::arithmetic),
    elementwise("core.not", "it is false", infer::logical1, cost::arithmetic),
    elementwise(
        "core.where",
        "b where a is true, else c",
        infer::select,
        cost::arithmetic,
    ),
    elementwise(
        "core.cast",
        "the number in the type `to`",
        infer::cast,
        cost::arithmetic,
    ),
    OpDef {
        in_place: false,
        fold: None,
        ..elementwise(
            "core.broadcast",
            "an array of one number, as long as the result's type says",
            infer::broadcast,
            cost::arithmetic,
        )
    },
    reduction(
        "core.sum",
        "the sum; of integers and truth values in i64",
        infer::reduce_sum,
    ),
    reduction(
        "core.reduce_min",
        "the smallest element, NaN if one is; an error when there is none",
        infer::reduce_extreme,
    ),
    reduction(
        "core.reduce_max",
        "the largest element, NaN if one is; an error when there is none",
        infer::reduce_extreme,
    ),
    reduction("core.mean", "the mean; of integers in f64", infer::reduce_mean),
    reduction("core.count", "how many elements are not 0", infer::reduce_count),
    reduction(
        "core.norm",
        "the norm `ord`: l1, l2 (when absent) or max",
        infer::reduce_norm,
    ),
    reduction("core.any", "whether one is true", infer::reduce_logical),
    reduction("core.all", "whether all are true", infer::reduce_logical),
    control(
        "core.loop",
        "runs its region at most `count` times, carrying values; with `until` it stops once the region's last yield is true",
        infer::loop_results,
    ),
    control(
        "core.fused",
        "runs its region element by element in one pass over memory",
        infer::fused_results,
    ),
];
