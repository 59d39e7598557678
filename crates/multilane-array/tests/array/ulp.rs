//! Functions lie within a unit or two in the last place of the standard library's, with the same bits at every level.

use crate::common::{Random, every_way, run};
use multilane_plan::{Array, DType, Op, Plan, Serial, Value, ValueType};

const MANY: usize = if cfg!(miri) { 200 } else { 20_000 };

/// A plan that is one operation on arrays.
fn plan(name: &str, dtype: DType, operands: usize) -> Plan {
    let mut plan = Plan::new(name);
    let n = plan.dim("n");
    let ty = ValueType::array(dtype, n);
    let values: Vec<_> = (0..=operands).map(|_| plan.value(ty.clone(), None)).collect();
    plan.inputs = (0..operands).map(|index| format!("p{index}")).collect();
    plan.outputs = vec!["r".to_owned()];
    plan.body.parameters = values[..operands].to_vec();
    plan.body.yields = vec![values[operands]];
    plan.body.ops = vec![Op::new(
        format!("core.{name}"),
        values[..operands].to_vec(),
        vec![values[operands]],
    )];
    plan
}

/// How many doubles lie between two.
fn apart(a: f64, b: f64) -> u64 {
    let order = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    if a.is_nan() && b.is_nan() {
        0
    } else {
        order(a).abs_diff(order(b))
    }
}

fn apart_f32(a: f32, b: f32) -> u64 {
    let order = |x: f32| {
        let bits = x.to_bits() as i32;
        if bits < 0 { i32::MIN - bits } else { bits }
    };
    if a.is_nan() && b.is_nan() {
        0
    } else {
        u64::from(order(a).abs_diff(order(b)))
    }
}

/// Holds a function at every level against the standard library's.
#[track_caller]
fn check(name: &str, units: u64, inputs: &[Vec<f64>], oracle: impl Fn(&[f64]) -> f64) {
    let len = inputs[0].len();
    let plan = plan(name, DType::F64, inputs.len());
    let values: Vec<Value> = inputs
        .iter()
        .map(|input| Value::Array(Array::from_vec(input.clone())))
        .collect();
    let mut first: Option<Vec<f64>> = None;
    for (way, compiled) in every_way(&plan) {
        let results = run(&compiled, &plan, &values, len, &Serial);
        let got = doubles(&results[0]);
        for (index, got) in got.iter().enumerate() {
            let arguments: Vec<f64> = inputs.iter().map(|input| input[index]).collect();
            let expected = oracle(&arguments);
            assert!(
                apart(expected, *got) <= units && (expected != 0.0 || expected.to_bits() == got.to_bits()),
                "{way}: {name}{arguments:?} = {got:e}, not {expected:e}, {} units off",
                apart(expected, *got)
            );
        }
        let bits = |numbers: &[f64]| -> Vec<u64> {
            numbers
                .iter()
                .map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() })
                .collect()
        };
        let first = first.get_or_insert_with(|| got.to_vec());
        assert_eq!(bits(first), bits(got), "{way}: {name} has other bits");
    }
}

/// The elements of a result.
fn doubles(value: &Value) -> &[f64] {
    value
        .array()
        .and_then(|array| array.as_slice())
        .expect("an array of doubles")
}

fn spread(seed: u64, low: f64, high: f64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..MANY).map(|_| low + (high - low) * random.unit()).collect()
}

/// Numbers of all magnitudes between two powers of ten, of both signs.
fn magnitudes(seed: u64, low: f64, high: f64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..MANY)
        .map(|_| {
            let size = 10f64.powf(low + (high - low) * random.unit());
            if random.below(2) == 0 { size } else { -size }
        })
        .collect()
}

const SPECIAL: [f64; 24] = [
    0.0,
    -0.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MIN_POSITIVE,
    -f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    1e-310,
    f64::MAX,
    f64::MIN,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    1e16,
    -1e16,
    1.0 + f64::EPSILON,
    1.0 - f64::EPSILON,
];

#[test]
fn sine_and_cosine() {
    for (name, oracle) in [("sin", f64::sin as fn(f64) -> f64), ("cos", f64::cos)] {
        check(name, 0, &[SPECIAL[..5].to_vec()], |x| oracle(x[0]));
        check(name, 2, &[SPECIAL.to_vec()], |x| oracle(x[0]));
        for (seed, bound) in [1.0, 4.0, 50.0, 1e5, 2e6, 1e9].into_iter().enumerate() {
            check(name, 2, &[spread(seed as u64, -bound, bound)], |x| oracle(x[0]));
        }
        check(name, 2, &[magnitudes(6, -300.0, 300.0)], |x| oracle(x[0]));
        // Next to multiples of pi/2, where the reduction has to keep digits that cancel.
        let near: Vec<f64> = (1..MANY)
            .flat_map(|k| {
                let x = k as f64 * 7.0 * std::f64::consts::FRAC_PI_2;
                [x.next_down(), x, x.next_up()]
            })
            .collect();
        check(name, 2, &[near], |x| oracle(x[0]));
    }
}

#[test]
fn sine_of_arguments_that_nearly_vanish() {
    // The double of this size that is nearest to a multiple of pi/2, and others like it.
    let hard = vec![
        6381956970095103.0 * 2f64.powi(797),
        9.424777960769379e8,
        355.0,
        710.0,
        103993.0,
    ];
    for (name, oracle) in [("sin", f64::sin as fn(f64) -> f64), ("cos", f64::cos)] {
        check(name, 2, std::slice::from_ref(&hard), |x| oracle(x[0]));
    }
}

#[test]
fn exponential() {
    check("exp", 0, &[SPECIAL[..5].to_vec()], |x| x[0].exp());
    check("exp", 1, &[SPECIAL.to_vec()], |x| x[0].exp());
    for (seed, bound) in [0.5, 5.0, 100.0, 760.0].into_iter().enumerate() {
        check("exp", 1, &[spread(seed as u64, -bound, bound)], |x| x[0].exp());
    }
    check("exp", 1, &[spread(9, -746.0, -707.0)], |x| x[0].exp());
    check("exp", 1, &[spread(9, 709.0, 710.0)], |x| x[0].exp());
    check("exp", 1, &[magnitudes(8, -320.0, 1.0)], |x| x[0].exp());
}

#[test]
fn logarithm() {
    check("log", 0, &[SPECIAL[..5].to_vec()], |x| x[0].ln());
    check("log", 1, &[SPECIAL.to_vec()], |x| x[0].ln());
    check("log", 1, &[spread(1, 0.0, 2.0)], |x| x[0].ln());
    check("log", 1, &[spread(2, 0.99, 1.01)], |x| x[0].ln());
    check("log", 1, &[magnitudes(3, -323.0, 308.0)], |x| x[0].ln());
}

#[test]
fn hyperbolic_tangent() {
    check("tanh", 0, &[SPECIAL[..5].to_vec()], |x| x[0].tanh());
    let table: Vec<(f64, f64)> = include_str!("tanh.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(' ').unwrap())
        .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
        .collect();
    let arguments: Vec<f64> = table.iter().flat_map(|(x, _)| [*x, -*x]).collect();
    check("tanh", 2, &[arguments], |x| {
        let (_, y) = table.iter().find(|(argument, _)| *argument == x[0].abs()).unwrap();
        y.copysign(x[0])
    });
    // The standard library's is itself off by up to 2 units.
    check("tanh", 4, &[SPECIAL.to_vec()], |x| x[0].tanh());
    for (seed, bound) in [0.1, 1.0, 5.0, 30.0].into_iter().enumerate() {
        check("tanh", 4, &[spread(seed as u64, -bound, bound)], |x| x[0].tanh());
    }
    check("tanh", 4, &[magnitudes(8, -320.0, 3.0)], |x| x[0].tanh());
}

#[test]
fn power() {
    let pairs: Vec<(f64, f64)> = SPECIAL.iter().flat_map(|x| SPECIAL.map(|y| (*x, y))).collect();
    let split = |pairs: &[(f64, f64)]| -> [Vec<f64>; 2] {
        [pairs.iter().map(|p| p.0).collect(), pairs.iter().map(|p| p.1).collect()]
    };
    check("pow", 1, &split(&pairs), |x| x[0].powf(x[1]));
    for (base, exponent) in [(1.0, 1.0), (10.0, 10.0), (2.0, 1000.0), (1e6, 60.0)] {
        check("pow", 1, &[spread(1, 0.0, base), spread(2, -exponent, exponent)], |x| {
            x[0].powf(x[1])
        });
    }
    check("pow", 1, &[spread(1, 0.999, 1.001), spread(2, -7e5, 7e5)], |x| {
        x[0].powf(x[1])
    });
    let whole: Vec<f64> = spread(4, -30.0, 30.0).iter().map(|x| x.round()).collect();
    check("pow", 1, &[spread(3, -20.0, 20.0), whole], |x| x[0].powf(x[1]));
    let exponents = magnitudes(6, -3.0, 3.0);
    check("pow", 1, &[magnitudes(5, -310.0, 308.0), exponents], |x| {
        x[0].powf(x[1])
    });
}

#[test]
fn singles() {
    let numbers: Vec<f32> = spread(1, -20.0, 20.0).iter().map(|x| *x as f32).collect();
    let large: Vec<f32> = magnitudes(2, -40.0, 38.0).iter().map(|x| *x as f32).collect();
    let special: Vec<f32> = SPECIAL.iter().map(|x| *x as f32).collect();
    type Named = (&'static str, fn(f64) -> f64);
    let functions: [Named; 5] = [
        ("sin", f64::sin),
        ("cos", f64::cos),
        ("exp", f64::exp),
        ("log", f64::ln),
        ("tanh", f64::tanh),
    ];
    for (name, oracle) in functions {
        let plan = plan(name, DType::F32, 1);
        for input in [&numbers, &large, &special] {
            let value = Value::Array(Array::from_vec(input.clone()));
            for (way, compiled) in every_way(&plan) {
                let results = run(&compiled, &plan, std::slice::from_ref(&value), input.len(), &Serial);
                for (x, got) in input.iter().zip(results[0].array().unwrap().as_slice::<f32>().unwrap()) {
                    let expected = oracle(f64::from(*x)) as f32;
                    assert!(
                        apart_f32(expected, *got) <= 1,
                        "{way}: {name}({x:e}) = {got:e}, not {expected:e}"
                    );
                }
            }
        }
    }
}
