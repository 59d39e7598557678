//! An aggregation with its operands: values gathered, any rows of the result on demand.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use multilane_plan::{Array, BoundBlocks, DType, Lanes};

use super::numbers::{Least, Most, Number, Plain, Reduce, Sum, Weigh};
use super::scratch::{Pool, Scratch};
use super::window::reduce_window;
use super::{Aggregate, Way};
use crate::error::GraphError;
use crate::graph::{Direction, Graph};
use crate::kernels::element::{Source, Truth};
use crate::layout::{Layout, WINDOW};
use crate::shared::{Shared, part, pieces};
use crate::weights::{WeightSlice, Weights};

/// How a reduced number becomes an element of the result.
trait Finish<A>: Send + Sync + 'static {
    type Out: Copy;
    fn finish(value: A, node: usize, graph: &Graph, direction: Direction, weighted: bool) -> Self::Out;
}

/// As it is.
struct Same;
/// A truth value from 0 or 1.
struct AsTruth;
/// Divided by the number of neighbours, or by the sum of their weights.
struct Divided;

impl<A: Number> Finish<A> for Same {
    type Out = A;

    #[inline(always)]
    fn finish(value: A, _: usize, _: &Graph, _: Direction, _: bool) -> A {
        value
    }
}

impl Finish<i32> for AsTruth {
    type Out = Truth;

    #[inline(always)]
    fn finish(value: i32, _: usize, _: &Graph, _: Direction, _: bool) -> Truth {
        // What no neighbour reduces to is far outside 0 and 1, and keeps its side.
        Truth(u8::from(value > 0))
    }
}

impl<A: Number + Into<f64>> Finish<A> for Divided {
    type Out = A;

    fn finish(value: A, node: usize, graph: &Graph, direction: Direction, weighted: bool) -> A {
        let rows = graph.made_rows(direction);
        let share = if weighted {
            rows.range(node).map(|entry| rows.weights().get(entry)).sum()
        } else {
            rows.degree(node) as f64
        };
        if rows.degree(node) == 0 {
            return A::ZERO;
        }
        A::from_f64(value.into() / share)
    }
}

/// An aggregation with its operands.
struct Bound<A, R, W, F> {
    graph: Arc<Graph>,
    direction: Direction,
    weighted: bool,
    values: Option<Scratch>,
    pool: Pool,
    kind: PhantomData<(A, R, W, F)>,
}

impl<A, R, W, F> Drop for Bound<A, R, W, F> {
    fn drop(&mut self) {
        if let Some(values) = self.values.take() {
            self.pool.give(values);
        }
    }
}

impl<A: Number, R: Reduce, W: Weigh, F: Finish<A>> BoundBlocks for Bound<A, R, W, F> {
    unsafe fn fill(&self, range: Range<usize>, out: *mut u8) {
        let layout = self.graph.made_layout(self.direction);
        let values = self
            .values
            .as_ref()
            .expect("given back only when dropped")
            .as_ptr()
            .cast::<A>();
        let weights = W::of(layout).expect("bound for weights of this kind");
        let out = out.cast::<F::Out>();
        let mut reduced = [A::ZERO; WINDOW];
        let mut at = range.start;
        while at < range.end {
            let window = at / WINDOW;
            let end = ((window + 1) * WINDOW).min(range.end);
            // SAFETY: the values were gathered for this layout, and the weights are its own.
            unsafe { reduce_window::<A, R, W>(layout, window, values, weights, &mut reduced) };
            for node in at..end {
                let value = reduced[node % WINDOW];
                let value = F::finish(value, node, &self.graph, self.direction, self.weighted);
                // SAFETY: the caller's promise: `out` has room for the range.
                unsafe { out.add(node - range.start).write(value) };
            }
            at = end;
        }
    }

    fn grain(&self) -> usize {
        WINDOW
    }

    fn bounds(&self, pieces: usize) -> Option<Vec<usize>> {
        let layout = self.graph.made_layout(self.direction);
        let nodes = self.graph.num_nodes();
        Some(
            (0..=pieces)
                .map(|piece| (layout.window_at(piece, pieces) * WINDOW).min(nodes))
                .collect(),
        )
    }
}

/// Gathers the values and makes ready to compute rows.
pub(super) fn bind(
    aggregate: &Aggregate,
    graph: &Arc<Graph>,
    values: &Array,
    pool: &Pool,
    lanes: &dyn Lanes,
) -> Result<Box<dyn BoundBlocks>, GraphError> {
    let layout = graph.layout(aggregate.direction, lanes)?;
    if aggregate.way == Way::Mean {
        graph.rows(aggregate.direction, lanes)?;
    }
    let place = Place {
        aggregate,
        graph,
        layout,
        values,
        pool,
        lanes,
    };
    let weighted = if aggregate.weighted {
        layout.weights.as_slice()
    } else {
        WeightSlice::None
    };
    Ok(match (aggregate.way, values.dtype(), weighted) {
        (Way::Sum, DType::F64, WeightSlice::None) => place.by::<f64, f64, Sum, Plain, Same>(|x| x),
        (Way::Sum, DType::F64, WeightSlice::F32(_)) => place.by::<f64, f64, Sum, f32, Same>(|x| x),
        (Way::Sum, DType::F64, WeightSlice::F64(_)) => place.by::<f64, f64, Sum, f64, Same>(|x| x),
        (Way::Sum, DType::F32, WeightSlice::None) => place.by::<f32, f32, Sum, Plain, Same>(|x| x),
        (Way::Sum, DType::F32, WeightSlice::F32(_)) => place.by::<f32, f32, Sum, f32, Same>(|x| x),
        (Way::Sum, DType::F32, WeightSlice::F64(_)) => place.by::<f32, f32, Sum, f64, Same>(|x| x),
        (Way::Sum, DType::I64, _) => place.by::<i64, i64, Sum, Plain, Same>(|x| x),
        (Way::Sum, DType::I32, _) => place.by::<i32, i64, Sum, Plain, Same>(i64::from),
        (Way::Sum, DType::Bool, _) => place.by::<Truth, i64, Sum, Plain, Same>(|x| i64::from(x.0)),
        (Way::Mean, DType::F64, WeightSlice::None) => place.by::<f64, f64, Sum, Plain, Divided>(|x| x),
        (Way::Mean, DType::F64, WeightSlice::F32(_)) => place.by::<f64, f64, Sum, f32, Divided>(|x| x),
        (Way::Mean, DType::F64, WeightSlice::F64(_)) => place.by::<f64, f64, Sum, f64, Divided>(|x| x),
        (Way::Mean, DType::F32, WeightSlice::None) => place.by::<f32, f32, Sum, Plain, Divided>(|x| x),
        (Way::Mean, DType::F32, WeightSlice::F32(_)) => place.by::<f32, f32, Sum, f32, Divided>(|x| x),
        (Way::Mean, DType::F32, WeightSlice::F64(_)) => place.by::<f32, f32, Sum, f64, Divided>(|x| x),
        (Way::Mean, DType::I64, _) => place.by::<i64, f64, Sum, Plain, Divided>(|x| x as f64),
        (Way::Mean, DType::I32, _) => place.by::<i32, f64, Sum, Plain, Divided>(f64::from),
        (Way::Mean, DType::Bool, _) => place.by::<Truth, f64, Sum, Plain, Divided>(|x| f64::from(x.0)),
        (Way::Min, _, _) => place.extreme::<Least>(),
        (Way::Max, _, _) => place.extreme::<Most>(),
        (Way::Count, DType::F64, _) => place.by::<f64, i64, Sum, Plain, Same>(|x| i64::from(x != 0.0)),
        (Way::Count, DType::F32, _) => place.by::<f32, i64, Sum, Plain, Same>(|x| i64::from(x != 0.0)),
        (Way::Count, DType::I64, _) => place.by::<i64, i64, Sum, Plain, Same>(|x| i64::from(x != 0)),
        (Way::Count, DType::I32, _) => place.by::<i32, i64, Sum, Plain, Same>(|x| i64::from(x != 0)),
        (Way::Count, DType::Bool, _) => place.by::<Truth, i64, Sum, Plain, Same>(|x| i64::from(x.0)),
    })
}

/// What there is to bind with.
struct Place<'a> {
    aggregate: &'a Aggregate,
    graph: &'a Arc<Graph>,
    layout: &'a Layout,
    values: &'a Array,
    pool: &'a Pool,
    lanes: &'a dyn Lanes,
}

impl Place<'_> {
    fn extreme<R: Reduce>(&self) -> Box<dyn BoundBlocks> {
        let weights = if self.aggregate.weighted {
            &self.layout.weights
        } else {
            &Weights::None
        };
        match (self.values.dtype(), weights) {
            (DType::F64, Weights::None) => self.by::<f64, f64, R, Plain, Same>(|x| x),
            (DType::F64, Weights::F32(_)) => self.by::<f64, f64, R, f32, Same>(|x| x),
            (DType::F64, Weights::F64(_)) => self.by::<f64, f64, R, f64, Same>(|x| x),
            (DType::F32, Weights::None) => self.by::<f32, f32, R, Plain, Same>(|x| x),
            (DType::F32, Weights::F32(_)) => self.by::<f32, f32, R, f32, Same>(|x| x),
            (DType::F32, Weights::F64(_)) => self.by::<f32, f32, R, f64, Same>(|x| x),
            (DType::I64, _) => self.by::<i64, i64, R, Plain, Same>(|x| x),
            (DType::I32, _) => self.by::<i32, i32, R, Plain, Same>(|x| x),
            (DType::Bool, _) => self.by::<Truth, i32, R, Plain, AsTruth>(|x| i32::from(x.0)),
        }
    }

    /// Gathers values of type `S` as numbers `A`.
    fn by<S: Source, A: Number, R: Reduce, W: Weigh, F: Finish<A>>(
        &self,
        number: impl Fn(S) -> A + Sync,
    ) -> Box<dyn BoundBlocks> {
        let places = self.layout.places;
        let scratch = self.pool.take((places + 1) * size_of::<A>());
        let from = Shared::new(self.values.as_mut_ptr().cast::<S>());
        let to = Shared::new(scratch.as_ptr().cast::<A>());
        // SAFETY: one more than the places was asked for.
        unsafe { to.write(places, R::neutral()) };
        let cuts = pieces(places, 1 << 14, self.lanes);
        self.lanes.run(cuts, &|piece, _| {
            let range = part(places, cuts, piece);
            // SAFETY: there is a value for each node, which nobody writes while the operation runs;
            // the pieces write disjoint places.
            unsafe {
                let out = to.slice(range.clone());
                match &self.layout.order {
                    Some(order) => {
                        for (out, &node) in out.iter_mut().zip(&order[range]) {
                            *out = number(from.read(node as usize));
                        }
                    }
                    None => {
                        for (out, node) in out.iter_mut().zip(range) {
                            *out = number(from.read(node));
                        }
                    }
                }
            }
        });
        Box::new(Bound::<A, R, W, F> {
            graph: Arc::clone(self.graph),
            direction: self.aggregate.direction,
            weighted: self.aggregate.weighted && self.graph.is_weighted(),
            values: Some(scratch),
            pool: self.pool.clone(),
            kind: PhantomData,
        })
    }
}
