//! The operations of the `core` dialect as methods of a builder.

use super::{Builder, Operand};
use crate::error::PlanError;
use crate::plan::{Attribute, Attributes, ValueId};

macro_rules! words {
    ($($(#[$doc:meta])* $method:ident($name:literal; $($operand:ident),+);)+) => {
        impl Builder {
            $(
                $(#[$doc])*
                pub fn $method(&mut self, $($operand: impl Into<Operand>),+) -> Result<ValueId, PlanError> {
                    self.apply($name, &[$($operand.into()),+])
                }
            )+
        }
    };
}

words! {
    /// `a + b`.
    add("add"; a, b);
    /// `a - b`.
    sub("sub"; a, b);
    /// `a * b`.
    mul("mul"; a, b);
    /// `a / b`, a float.
    div("div"; a, b);
    /// `a` to the power of `b`.
    pow("pow"; a, b);
    /// `-a`.
    neg("neg"; a);
    /// The size of `a`.
    abs("abs"; a);
    /// The square root.
    sqrt("sqrt"; a);
    /// e to the power of `a`.
    exp("exp"; a);
    /// The natural logarithm.
    log("log"; a);
    /// The sine.
    sin("sin"; a);
    /// The cosine.
    cos("cos"; a);
    /// The hyperbolic tangent.
    tanh("tanh"; a);
    /// The smaller one of each pair.
    min("min"; a, b);
    /// The larger one of each pair.
    max("max"; a, b);
    /// `a == b`.
    eq("eq"; a, b);
    /// `a != b`.
    ne("ne"; a, b);
    /// `a < b`.
    lt("lt"; a, b);
    /// `a <= b`.
    le("le"; a, b);
    /// `a > b`.
    gt("gt"; a, b);
    /// `a >= b`.
    ge("ge"; a, b);
    /// Both are true.
    and("and"; a, b);
    /// One or both are true.
    or("or"; a, b);
    /// Exactly one is true.
    xor("xor"; a, b);
    /// It is false.
    not("not"; a);
    /// `b` where `a` is true, else `c`.
    select("where"; a, b, c);
    /// The sum of all elements.
    sum("sum"; a);
    /// The smallest element.
    reduce_min("reduce_min"; a);
    /// The largest element.
    reduce_max("reduce_max"; a);
    /// The mean of all elements.
    mean("mean"; a);
    /// How many elements are not 0.
    count("count"; a);
    /// Whether an element is true.
    any("any"; a);
    /// Whether all elements are true.
    all("all"; a);
}

impl Builder {
    /// `1 / (a + epsilon)`.
    pub fn recip(&mut self, a: impl Into<Operand>, epsilon: f64) -> Result<ValueId, PlanError> {
        let attributes = Attributes::from([("epsilon".to_owned(), Attribute::Float(epsilon))]);
        self.core("recip", &[a.into()], attributes)
    }

    /// A norm: `l1`, `l2` or `max`.
    pub fn norm(&mut self, a: impl Into<Operand>, ord: &str) -> Result<ValueId, PlanError> {
        let attributes = Attributes::from([("ord".to_owned(), Attribute::Text(ord.to_owned()))]);
        self.core("norm", &[a.into()], attributes)
    }
}
