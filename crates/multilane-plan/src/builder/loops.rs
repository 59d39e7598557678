//! Loops of a builder: open, carry values, close.

use super::{Builder, Frame, Operand};
use crate::error::PlanError;
use crate::plan::{Attribute, Attributes, Op, ValueId};

/// What a loop leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopResults {
    /// The carried values after the last iteration, in the order they were carried.
    pub values: Vec<ValueId>,
    /// How many iterations ran, an i64.
    pub iterations: ValueId,
    /// Whether the loop stopped because its condition held, a bool.
    pub converged: ValueId,
}

impl Builder {
    /// Opens a loop of at most `count` iterations: what follows is written inside, until [`Builder::end_loop`].
    pub fn begin_loop(&mut self, count: i64) -> Result<(), PlanError> {
        if count < 0 {
            let problem = format!("cannot run {count} times; the count must be 0 or more");
            return Err(self.invalid("core.loop", &problem));
        }
        if self.frames.len() > crate::verify::MAX_NESTING {
            return Err(self.invalid("core.loop", "stands inside too many others"));
        }
        let frame = Frame {
            id: self.frames_made,
            count,
            location: self.location().cloned(),
            ..Frame::default()
        };
        self.frames_made += 1;
        self.frames.push(frame);
        Ok(())
    }

    /// Carries a value through the innermost open loop: gives the value that an iteration starts with.
    pub fn carry(&mut self, initial: impl Into<Operand>) -> Result<ValueId, PlanError> {
        let inside = self.frames.pop().expect("the body is always open");
        if self.frames.is_empty() {
            self.frames.push(inside);
            return Err(self.invalid("core.loop", "is not open; carry values between its begin and its end"));
        }
        // The initial value is read, and a number written, outside of the loop.
        let initial = self.literal_or_value(initial.into());
        self.frames.push(inside);
        let initial = initial?;
        let ty = self.ty(initial).clone();
        let parameter = self.write(ty);
        let name = self.plan.info(initial).name.clone();
        self.plan.values[parameter.0 as usize].name = name;
        let frame = self.frame();
        frame.initial.push(initial);
        frame.region.parameters.push(parameter);
        Ok(parameter)
    }

    /// Closes the innermost loop: `next` are the carried values for the following iteration, in
    /// the order of [`Builder::carry`]; the loop ends early after an iteration in which `until` is true.
    pub fn end_loop(&mut self, next: &[ValueId], until: Option<ValueId>) -> Result<LoopResults, PlanError> {
        if self.frames.len() < 2 {
            return Err(self.invalid("core.loop", "is not open; it cannot be closed"));
        }
        for value in next.iter().chain(&until) {
            self.readable("yield", *value)?;
        }
        let frame = self.frames.pop().expect("two frames are open");
        let mut region = frame.region.clone();
        region.yields = next.iter().copied().chain(until).collect();
        let op = Op {
            attributes: Attributes::from([
                ("count".to_owned(), Attribute::Int(frame.count)),
                ("until".to_owned(), Attribute::Bool(until.is_some())),
            ]),
            regions: vec![region],
            location: frame.location.clone(),
            ..Op::new("core.loop", frame.initial.clone(), Vec::new())
        };
        match self.emit(op, None) {
            Ok(mut results) => {
                let converged = results.pop().expect("a loop's last result says whether it converged");
                let iterations = results.pop().expect("a loop's last result but one counts iterations");
                for (result, parameter) in results.iter().zip(&frame.region.parameters) {
                    self.plan.values[result.0 as usize].name = self.plan.info(*parameter).name.clone();
                }
                Ok(LoopResults {
                    values: results,
                    iterations,
                    converged,
                })
            }
            Err(error) => {
                self.frames.push(frame);
                Err(error)
            }
        }
    }

    /// A whole loop: `body` gets the carried values and returns the next ones and, if the loop may end early, the condition.
    pub fn iterate(
        &mut self,
        count: i64,
        initial: &[Operand],
        body: impl FnOnce(&mut Self, &[ValueId]) -> Result<(Vec<ValueId>, Option<ValueId>), PlanError>,
    ) -> Result<LoopResults, PlanError> {
        self.begin_loop(count)?;
        let carried = initial
            .iter()
            .map(|value| self.carry(*value))
            .collect::<Result<Vec<_>, _>>()?;
        let (next, until) = body(self, &carried)?;
        self.end_loop(&next, until)
    }
}
