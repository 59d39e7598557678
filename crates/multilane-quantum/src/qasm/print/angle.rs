//! Angles as expressions that read back as the same angles, bit by bit.

use crate::{Angle, Gate, Unary};

/// An expression.
pub(super) fn spelled(angle: &Angle) -> String {
    match angle {
        Angle::Number(number) => format!("{number:?}"),
        _ => inside(angle),
    }
}

/// An expression that can stand in a larger one.
fn inside(angle: &Angle) -> String {
    match angle {
        // A sign binds looser than `**`.
        Angle::Number(number) if number.is_sign_negative() => format!("({number:?})"),
        Angle::Number(number) => format!("{number:?}"),
        Angle::Parameter(name) => name.to_string(),
        Angle::Unary(Unary::Negate, x) => format!("(-{})", inside(x)),
        Angle::Unary(function, x) => format!("{}({})", function.name(), inside(x)),
        Angle::Binary(function, x, y) => format!("({} {} {})", inside(x), function.symbol(), inside(y)),
    }
}

/// `(a, b)` for a gate with angles, else nothing.
pub(super) fn arguments(gate: &Gate) -> String {
    let angles: Vec<String> = gate.angles().into_iter().map(spelled).collect();
    if angles.is_empty() {
        String::new()
    } else {
        format!("({})", angles.join(", "))
    }
}
