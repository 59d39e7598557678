//! Bandwidth of fused operations against a hand-written triad in the same run, and the cost of small calls.
//!
//! `cargo bench -p multilane-array --bench kernels -- [elements] [threads] [filter]`
//!
//! Counts compulsory traffic only: every input read once, every output written once. Repeats are interleaved and
//! the best of each is shown, because what disturbs a run only ever makes it slower.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use multilane_array::{Compiled, Level, Operand, Output};
use multilane_plan::{Builder, DType, Lanes, Op, Plan, Region, Registry, Scalar, Serial, ValueId, ValueType};

struct Threads(usize);

impl Lanes for Threads {
    fn count(&self) -> usize {
        self.0
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = |lane: usize| {
            loop {
                let piece = next.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    return;
                }
                body(piece, lane);
            }
        };
        std::thread::scope(|scope| {
            for lane in 1..self.0 {
                scope.spawn(move || work(lane));
            }
            work(0);
        });
    }
}

/// An array in huge pages where there are such.
struct Memory {
    start: *mut f64,
    len: usize,
}

impl Memory {
    fn new(len: usize, fill: impl Fn(usize) -> f64) -> Self {
        // Arrays of a program do not all begin at the same place of a page, where they would get into each other's way in
        // the caches.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let offset = COUNT.fetch_add(1, Ordering::Relaxed) * 4416 % (1 << 20);
        let bytes = (len * 8 + offset).max(1).next_multiple_of(2 << 20);
        let layout = std::alloc::Layout::from_size_align(bytes, 2 << 20).expect("a sensible size");
        // SAFETY: the layout is not empty; the memory is kept until the program ends.
        let start = unsafe { std::alloc::alloc(layout) };
        assert!(!start.is_null(), "out of memory");
        // SAFETY: the range was just allocated.
        unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) };
        // SAFETY: the block is larger by the offset.
        let start = unsafe { start.add(offset) }.cast::<f64>();
        for index in 0..len {
            // SAFETY: within the allocation.
            unsafe { start.add(index).write(fill(index)) };
        }
        Self { start, len }
    }
}

/// A body that is one fused operation over arrays `a`, `b`, `c`, `d`, in the builder's words.
fn fused(inputs: usize, build: impl Fn(&mut Builder, &[ValueId]) -> Vec<ValueId>) -> Plan {
    let mut builder = Builder::new("bench", Registry::core());
    let names = ["a", "b", "c", "d"];
    let arrays: Vec<ValueId> = names[..inputs]
        .iter()
        .map(|name| builder.array(name, DType::F64, "n").expect("a new name"))
        .collect();
    let outputs = build(&mut builder, &arrays);
    for (index, output) in outputs.iter().enumerate() {
        builder.output(&format!("o{index}"), *output).expect("a new name");
    }
    let mut plan = builder.finish().expect("a valid plan");
    // The whole body becomes one fused operation.
    let body = std::mem::take(&mut plan.body);
    let copy = |plan: &mut Plan, value: &ValueId| {
        let ty = plan.ty(*value).clone();
        plan.value(ty, None)
    };
    let parameters: Vec<ValueId> = body.parameters.iter().map(|value| copy(&mut plan, value)).collect();
    let results: Vec<ValueId> = body.yields.iter().map(|value| copy(&mut plan, value)).collect();
    let mut op = Op::new("core.fused", parameters.clone(), results.clone());
    op.regions.push(body);
    plan.body = Region {
        parameters,
        ops: vec![op],
        yields: results,
    };
    plan
}

fn core(builder: &mut Builder, name: &str, operands: &[ValueId]) -> ValueId {
    let operands: Vec<_> = operands.iter().map(|value| (*value).into()).collect();
    builder
        .core(name, &operands, Default::default())
        .expect("a valid operation")
}

fn number(builder: &mut Builder, value: f64) -> ValueId {
    builder.constant(Scalar::F64(value))
}

fn cases() -> Vec<(&'static str, usize, Plan)> {
    let chain = |times: usize| {
        fused(1, move |b, v| {
            let (two, one) = (number(b, 2.0), number(b, 1.0));
            let mut x = v[0];
            for _ in 0..times {
                x = core(b, "mul", &[x, two]);
                x = core(b, "add", &[x, one]);
            }
            vec![x]
        })
    };
    let of = |name: &'static str| {
        fused(4, move |b, v| {
            let ab = core(b, "mul", &[v[0], v[1]]);
            let s = core(b, name, &[v[3]]);
            let cs = core(b, "mul", &[v[2], s]);
            vec![core(b, "add", &[ab, cs])]
        })
    };
    vec![
        (
            "a*b+c",
            3,
            fused(3, |b, v| {
                let ab = core(b, "mul", &[v[0], v[1]]);
                vec![core(b, "add", &[ab, v[2]])]
            }),
        ),
        (
            "a*b+c*d",
            4,
            fused(4, |b, v| {
                let ab = core(b, "mul", &[v[0], v[1]]);
                let cd = core(b, "mul", &[v[2], v[3]]);
                vec![core(b, "add", &[ab, cd])]
            }),
        ),
        ("a*b+c*sin(d)", 4, of("sin")),
        ("a*b+c*exp(d)", 4, of("exp")),
        ("a*b+c*log(d)", 4, of("log")),
        ("a*b+c*tanh(d)", 4, of("tanh")),
        ("pow(a,b)", 2, fused(2, |b, v| vec![core(b, "pow", &[v[0], v[1]])])),
        ("x*2+1 once", 1, chain(1)),
        ("x*2+1 ten times", 1, chain(10)),
        (
            "eight a*k+b",
            2,
            fused(2, |b, v| {
                (1..=8)
                    .map(|k| {
                        let k = number(b, f64::from(k));
                        let product = core(b, "mul", &[v[0], k]);
                        core(b, "add", &[product, v[1]])
                    })
                    .collect()
            }),
        ),
        (
            "diamond",
            1,
            fused(1, |b, v| {
                let (two, three) = (number(b, 2.0), number(b, 3.0));
                let left = core(b, "mul", &[v[0], two]);
                let right = core(b, "add", &[v[0], three]);
                let product = core(b, "mul", &[left, right]);
                let sum = core(b, "add", &[product, left]);
                vec![core(b, "sub", &[sum, right])]
            }),
        ),
        (
            "sum(a*b)",
            2,
            fused(2, |b, v| {
                let product = core(b, "mul", &[v[0], v[1]]);
                vec![core(b, "sum", &[product])]
            }),
        ),
        ("sum(a)", 1, fused(1, |b, v| vec![core(b, "sum", &[v[0]])])),
        (
            "where(a<b,a,b)",
            2,
            fused(2, |b, v| {
                let less = core(b, "lt", &[v[0], v[1]]);
                vec![core(b, "where", &[less, v[0], v[1]])]
            }),
        ),
    ]
}

/// The triad that everything is held against: `o = a + 3 * b`, by hand.
fn triad(threads: usize, streamed: bool, a: &Memory, b: &Memory, o: &Memory) {
    let (from, with, to, len) = (a.start as usize, b.start as usize, o.start as usize, a.len);
    Threads(threads).run(len.div_ceil(32768), &|piece, _| {
        let start = piece * 32768;
        let end = (start + 32768).min(len);
        // SAFETY: pieces do not overlap, and the arrays are equally long.
        unsafe {
            triad_piece(
                from as *const f64,
                with as *const f64,
                to as *mut f64,
                start,
                end,
                streamed,
            )
        };
    });
}

unsafe fn triad_piece(a: *const f64, b: *const f64, o: *mut f64, start: usize, end: usize, streamed: bool) {
    // SAFETY: the caller's arrays cover the piece; the level is looked at.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if Level::detect() == Level::Avx512 {
            return triad_avx512(a, b, o, start, end, streamed);
        }
        for i in start..end {
            o.add(i).write(*a.add(i) + 3.0 * *b.add(i));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn triad_avx512(a: *const f64, b: *const f64, o: *mut f64, start: usize, end: usize, streamed: bool) {
    use std::arch::x86_64::*;
    // SAFETY: the caller's arrays cover the piece, whose ends are whole vectors in these runs.
    unsafe {
        let three = _mm512_set1_pd(3.0);
        let mut i = start;
        while i + 8 <= end {
            let value = _mm512_add_pd(
                _mm512_loadu_pd(a.add(i)),
                _mm512_mul_pd(three, _mm512_loadu_pd(b.add(i))),
            );
            if streamed {
                _mm512_stream_pd(o.add(i), value);
            } else {
                _mm512_storeu_pd(o.add(i), value);
            }
            i += 8;
        }
        _mm_sfence();
    }
}

struct Bench {
    name: String,
    bytes: usize,
    run: Box<dyn Fn()>,
    best: f64,
    all: Vec<f64>,
}

fn outputs(plan: &Plan, memory: &[Memory]) -> Vec<Output> {
    let mut next = memory.iter();
    let results = &plan.body.ops[0].results;
    let output = |value: &ValueId| match plan.ty(*value) {
        ValueType::Tensor {
            extent: multilane_plan::Extent::Dim(_),
            ..
        } => Output::Array(next.next().expect("enough arrays").start.cast()),
        _ => Output::Scalar(Scalar::F64(0.0)),
    };
    results.iter().map(output).collect()
}

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let elements: usize = words
        .first()
        .map_or(10_000_000, |word| word.parse().expect("a number of elements"));
    let threads: usize = words
        .get(1)
        .map_or(2, |word| word.parse().expect("a number of threads"));
    let filter = words.get(2).cloned().unwrap_or_default();
    let elements = elements / 8 * 8;

    let inputs: Vec<Memory> = (1..5)
        .map(|k| Memory::new(elements, move |i| (i % 1000) as f64 * 0.001 * f64::from(k) + 0.1))
        .collect();
    let results: Vec<Memory> = (0..8).map(|_| Memory::new(elements, |_| 0.0)).collect();
    let inputs: &'static [Memory] = Box::leak(inputs.into_boxed_slice());
    let results: &'static [Memory] = Box::leak(results.into_boxed_slice());

    let mut benches: Vec<Bench> = [("triad, streamed", true), ("triad, cached", false)]
        .into_iter()
        .map(|(name, streamed)| Bench {
            name: name.to_owned(),
            bytes: 24 * elements,
            run: Box::new(move || triad(threads, streamed, &inputs[0], &inputs[1], &results[0])),
            best: f64::INFINITY,
            all: Vec::new(),
        })
        .collect();
    for (name, count, plan) in cases() {
        if !name.contains(&filter) {
            continue;
        }
        let compiled = Compiled::new(&plan, &plan.body.ops[0]).expect("compiles");
        let operands: Vec<Operand> = inputs[..count]
            .iter()
            .map(|memory| Operand::Array(memory.start.cast_const().cast()))
            .collect();
        let written = outputs(&plan, results)
            .iter()
            .filter(|output| matches!(output, Output::Array(_)))
            .count();
        let place = if compiled.in_registers() { "" } else { " (blocks)" };
        benches.push(Bench {
            name: format!("{name}{place}"),
            bytes: (count + written) * 8 * elements,
            run: Box::new(move || {
                let mut outputs = outputs(&plan, results);
                // SAFETY: all arrays have `elements` doubles, and results are not operands.
                unsafe {
                    compiled
                        .run(&operands, &mut outputs, elements, &Threads(threads))
                        .expect("a valid run");
                }
                std::hint::black_box(outputs);
            }),
            best: f64::INFINITY,
            all: Vec::new(),
        });
    }

    let repeats = (60_000_000 / elements).clamp(5, 200_000);
    for _ in 0..repeats {
        for bench in &mut benches {
            let start = Instant::now();
            (bench.run)();
            let seconds = start.elapsed().as_secs_f64();
            bench.best = bench.best.min(seconds);
            bench.all.push(seconds);
        }
    }
    println!("{} elements, {threads} threads, {}", elements, Level::detect().name());
    let base = benches[0].best.min(benches[1].best);
    let triad = 24.0 * elements as f64 / base;
    for bench in &mut benches {
        bench.all.sort_by(f64::total_cmp);
        let median = bench.all[bench.all.len() / 2];
        println!(
            "{:32} best {:7.1} GB/s {:4.0} % of triad | median {:7.1} GB/s | {:9.3} us | {:6.3} ns/element",
            bench.name,
            bench.bytes as f64 / bench.best / 1e9,
            100.0 * bench.bytes as f64 / bench.best / triad,
            bench.bytes as f64 / median / 1e9,
            bench.best * 1e6,
            bench.best * 1e9 / elements as f64,
        );
    }
    small();
}

/// Calls on few elements, on one thread, as the front makes them.
fn small() {
    for elements in [0, 8, 1000, 10_000] {
        let inputs: Vec<Memory> = (1..5)
            .map(|k| Memory::new(elements, move |i| (i + k) as f64 * 0.1))
            .collect();
        let results: Vec<Memory> = (0..8).map(|_| Memory::new(elements, |_| 0.0)).collect();
        let mut line = format!("{elements:6} elements:");
        for (name, count, plan) in cases() {
            let compiled = Compiled::new(&plan, &plan.body.ops[0]).expect("compiles");
            let operands: Vec<Operand> = inputs[..count]
                .iter()
                .map(|memory| Operand::Array(memory.start.cast_const().cast()))
                .collect();
            let mut outputs = outputs(&plan, &results);
            let mut best = f64::INFINITY;
            for _ in 0..20 {
                let start = Instant::now();
                for _ in 0..100 {
                    // SAFETY: as above.
                    unsafe {
                        compiled
                            .run_small(&operands, &mut outputs, elements)
                            .expect("a valid run")
                    };
                }
                best = best.min(start.elapsed().as_secs_f64() / 100.0);
            }
            line.push_str(&format!(" {name} {:.0} ns,", best * 1e9));
        }
        println!("{line}");
    }
    let _ = Serial;
}
