//! Passes: each rewrites a verified plan in place, keeps its results bit for bit, and says how much it changed.
//!
//! A pass is a function over a plan and the facts of the registry. None of them looks
//! at the machine, and none relies on arithmetic that is only nearly equal: sums are
//! not reordered, and multiplications and additions are not joined into one rounding.

mod constant_fold;
mod cse;
mod dce;
mod explain;
mod fuse;
mod hoist;
mod identities;
mod reuse;
mod rewrite;
mod simplify;

use serde::{Deserialize, Serialize};

pub use constant_fold::constant_fold;
pub use cse::cse;
pub use dce::dce;
pub use explain::{Summary, explain, summary};
pub use fuse::fuse;
pub use hoist::hoist;
pub use reuse::reuse;
pub(crate) use rewrite::{FUSED, LOOP, for_each_value_read, has_effects};
pub use simplify::simplify;

use crate::error::{PlanError, Site};
use crate::plan::Plan;
use crate::registry::Registry;

/// A pass: rewrites a plan and returns how many operations it changed.
pub type Pass = fn(&mut Plan, &Registry) -> usize;

/// The passes that [`optimize`] runs unless told otherwise.
pub const DEFAULT: &[&str] = &["constant_fold", "simplify", "cse", "hoist", "cse", "fuse", "dce"];

/// Every pass by its name.
pub const fn all() -> &'static [(&'static str, Pass)] {
    &[
        ("constant_fold", constant_fold),
        ("simplify", simplify),
        ("cse", cse),
        ("hoist", hoist),
        ("fuse", fuse),
        ("dce", dce),
        ("reuse", reuse),
    ]
}

/// What one pass did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassReport {
    /// The pass.
    pub name: String,
    /// How many operations it changed.
    pub changed: usize,
    /// How many operations the plan had afterwards, nested ones included.
    pub operations: usize,
}

/// What an optimisation did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The passes, in the order they ran.
    pub passes: Vec<PassReport>,
    /// The plan before.
    pub before: Summary,
    /// The plan after.
    pub after: Summary,
}

/// Runs passes by their names, in the order given, and verifies the plan after each.
///
/// The plan is left as it was when a name is unknown. A pass that breaks the plan is an
/// error of the pass: it is reported, and the plan is left as it was before that pass.
pub fn optimize(plan: &mut Plan, registry: &Registry, names: &[&str]) -> Result<Report, PlanError> {
    let mut chosen = Vec::new();
    for name in names {
        let known = all().iter().find(|(known, _)| known == name);
        let names = all().iter().map(|(name, _)| *name);
        chosen.push(known.ok_or_else(|| PlanError::unknown_name("pass", name, names, Site::default()))?);
    }
    let before = summary(plan, registry);
    let mut passes = Vec::new();
    for (name, pass) in chosen {
        let earlier = plan.clone();
        let changed = pass(plan, registry);
        if changed > 0
            && let Err(problems) = crate::verify(plan, registry)
        {
            *plan = earlier;
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            return Err(PlanError::Malformed {
                plan: plan.name.clone(),
                problem: format!("pass `{name}` broke it: {first}"),
            });
        }
        passes.push(PassReport {
            name: (*name).to_owned(),
            changed,
            operations: summary(plan, registry).operations,
        });
    }
    Ok(Report {
        passes,
        before,
        after: summary(plan, registry),
    })
}
