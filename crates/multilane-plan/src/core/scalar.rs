//! What element-wise operations compute, on one number each.
//!
//! The definition that kernels are held against: NumPy's results, integers wrapping.
//! Constant folding and the plain evaluator call it. Reads no plan and no memory.

use crate::plan::{Attribute, Op};
use crate::types::Scalar;

/// The result of an element-wise operation on numbers of the types that it takes;
/// nothing when it is another operation or the types do not fit.
pub fn apply(op: &Op, operands: &[Scalar]) -> Option<Scalar> {
    let name = op.name.strip_prefix("core.")?;
    match *operands {
        [a] => unary(op, name, a),
        [a, b] => binary(name, a, b),
        [a, b, c] => ternary(name, a, b, c),
        _ => None,
    }
}

fn unary(op: &Op, name: &str, a: Scalar) -> Option<Scalar> {
    use Scalar::{Bool, F32, F64, I32, I64};
    if name == "cast" {
        return match op.attribute("to") {
            Some(Attribute::DType(to)) => Some(a.cast(*to)),
            _ => None,
        };
    }
    if name == "recip" {
        let epsilon = op.float("epsilon")?;
        return match a {
            F32(x) => Some(F32(1.0 / (x + epsilon as f32))),
            F64(x) => Some(F64(1.0 / (x + epsilon))),
            _ => None,
        };
    }
    Some(match (name, a) {
        ("not", Bool(x)) => Bool(!x),
        ("neg", I32(x)) => I32(x.wrapping_neg()),
        ("neg", I64(x)) => I64(x.wrapping_neg()),
        ("neg", F32(x)) => F32(-x),
        ("neg", F64(x)) => F64(-x),
        ("abs", I32(x)) => I32(x.wrapping_abs()),
        ("abs", I64(x)) => I64(x.wrapping_abs()),
        ("abs", F32(x)) => F32(x.abs()),
        ("abs", F64(x)) => F64(x.abs()),
        ("sqrt", F32(x)) => F32(x.sqrt()),
        ("sqrt", F64(x)) => F64(x.sqrt()),
        ("exp", F32(x)) => F32(x.exp()),
        ("exp", F64(x)) => F64(x.exp()),
        ("log", F32(x)) => F32(x.ln()),
        ("log", F64(x)) => F64(x.ln()),
        ("sin", F32(x)) => F32(x.sin()),
        ("sin", F64(x)) => F64(x.sin()),
        ("cos", F32(x)) => F32(x.cos()),
        ("cos", F64(x)) => F64(x.cos()),
        ("tanh", F32(x)) => F32(x.tanh()),
        ("tanh", F64(x)) => F64(x.tanh()),
        _ => return None,
    })
}

fn binary(name: &str, a: Scalar, b: Scalar) -> Option<Scalar> {
    use Scalar::{Bool, F32, F64, I32, I64};
    if let Some(result) = compare(name, a, b) {
        return Some(Bool(result));
    }
    Some(match (a, b) {
        (Bool(x), Bool(y)) => Bool(match name {
            "and" => x & y,
            "or" => x | y,
            "xor" => x ^ y,
            _ => return None,
        }),
        (I32(x), I32(y)) => I32(match name {
            "add" => x.wrapping_add(y),
            "sub" => x.wrapping_sub(y),
            "mul" => x.wrapping_mul(y),
            "min" => x.min(y),
            "max" => x.max(y),
            "pow" => integer_power(i64::from(x), i64::from(y)) as i32,
            _ => return None,
        }),
        (I64(x), I64(y)) => I64(match name {
            "add" => x.wrapping_add(y),
            "sub" => x.wrapping_sub(y),
            "mul" => x.wrapping_mul(y),
            "min" => x.min(y),
            "max" => x.max(y),
            "pow" => integer_power(x, y),
            _ => return None,
        }),
        (F32(x), F32(y)) => F32(match name {
            "add" => x + y,
            "sub" => x - y,
            "mul" => x * y,
            "div" => x / y,
            "min" => smaller(x, y),
            "max" => larger(x, y),
            // A square is a product, as in NumPy: `simplify` relies on it.
            "pow" if y == 2.0 => x * x,
            "pow" => x.powf(y),
            _ => return None,
        }),
        (F64(x), F64(y)) => F64(match name {
            "add" => x + y,
            "sub" => x - y,
            "mul" => x * y,
            "div" => x / y,
            "min" => smaller(x, y),
            "max" => larger(x, y),
            // A square is a product, as in NumPy: `simplify` relies on it.
            "pow" if y == 2.0 => x * x,
            "pow" => x.powf(y),
            _ => return None,
        }),
        _ => return None,
    })
}

fn ternary(name: &str, a: Scalar, b: Scalar, c: Scalar) -> Option<Scalar> {
    use Scalar::{Bool, F32, F64, I32, I64};
    Some(match (name, a, b, c) {
        ("where", Bool(condition), b, c) if b.dtype() == c.dtype() => {
            if condition {
                b
            } else {
                c
            }
        }
        ("fma", I32(a), I32(b), I32(c)) => I32(a.wrapping_mul(b).wrapping_add(c)),
        ("fma", I64(a), I64(b), I64(c)) => I64(a.wrapping_mul(b).wrapping_add(c)),
        ("fma", F32(a), F32(b), F32(c)) => F32(a.mul_add(b, c)),
        ("fma", F64(a), F64(b), F64(c)) => F64(a.mul_add(b, c)),
        _ => return None,
    })
}

fn compare(name: &str, a: Scalar, b: Scalar) -> Option<bool> {
    fn by<T: PartialOrd>(name: &str, a: T, b: T) -> Option<bool> {
        Some(match name {
            "eq" => a == b,
            "ne" => a != b,
            "lt" => a < b,
            "le" => a <= b,
            "gt" => a > b,
            "ge" => a >= b,
            _ => return None,
        })
    }
    match (a, b) {
        (Scalar::Bool(x), Scalar::Bool(y)) => by(name, x, y),
        (Scalar::I32(x), Scalar::I32(y)) => by(name, x, y),
        (Scalar::I64(x), Scalar::I64(y)) => by(name, x, y),
        (Scalar::F32(x), Scalar::F32(y)) => by(name, x, y),
        (Scalar::F64(x), Scalar::F64(y)) => by(name, x, y),
        _ => None,
    }
}

/// The smaller one; NaN if either is, the second one if they are equal.
pub fn smaller<T: PartialOrd + Copy>(a: T, b: T) -> T {
    // A NaN differs from itself, so `a` is taken when it is one; a NaN in `b` fails
    // both comparisons and is taken too.
    if a < b || !is_itself(a) { a } else { b }
}

/// The larger one; NaN if either is, the second one if they are equal.
pub fn larger<T: PartialOrd + Copy>(a: T, b: T) -> T {
    if a > b || !is_itself(a) { a } else { b }
}

#[expect(clippy::eq_op, reason = "false for NaN only")]
fn is_itself<T: PartialOrd>(a: T) -> bool {
    a == a
}

/// `base` to the power of `exponent`, wrapping; negative powers are cut toward zero, and
/// those of 0 are 0.
pub fn integer_power(base: i64, exponent: i64) -> i64 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 if exponent % 2 == 0 => 1,
            -1 => -1,
            _ => 0,
        };
    }
    let (mut result, mut square, mut left) = (1_i64, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = result.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        left >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, operands: &[Scalar], expected: Scalar) {
        let op = Op::new(format!("core.{name}"), vec![], vec![]);
        assert_eq!(apply(&op, operands), Some(expected), "{name} {operands:?}");
    }

    #[test]
    fn wraps_integers_as_numpy_does() {
        use Scalar::{I32, I64};
        check("add", &[I32(i32::MAX), I32(1)], I32(i32::MIN));
        check("abs", &[I64(i64::MIN)], I64(i64::MIN));
        check("neg", &[I32(i32::MIN)], I32(i32::MIN));
        check("mul", &[I64(1 << 62), I64(4)], I64(0));
        check("pow", &[I32(3), I32(21)], I32(1_870_418_611));
        check("pow", &[I64(-2), I64(3)], I64(-8));
        check("pow", &[I64(-1), I64(-3)], I64(-1));
        check("pow", &[I64(5), I64(-1)], I64(0));
    }

    #[test]
    fn nan_wins_in_min_and_max_whichever_side_it_is_on() {
        use Scalar::F64;
        for name in ["min", "max"] {
            let op = Op::new(format!("core.{name}"), vec![], vec![]);
            for operands in [[F64(f64::NAN), F64(1.0)], [F64(1.0), F64(f64::NAN)]] {
                assert!(matches!(apply(&op, &operands), Some(F64(x)) if x.is_nan()));
            }
        }
        check("min", &[F64(2.0), F64(1.0)], F64(1.0));
        check("max", &[F64(2.0), F64(1.0)], F64(2.0));
    }

    #[test]
    fn refuses_types_that_do_not_fit() {
        let op = Op::new("core.div", vec![], vec![]);
        assert_eq!(apply(&op, &[Scalar::I64(1), Scalar::I64(2)]), None);
        assert_eq!(apply(&op, &[Scalar::F64(1.0), Scalar::F32(2.0)]), None);
    }
}
