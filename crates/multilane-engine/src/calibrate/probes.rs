//! What is run to measure: operations with their kernels, or plain loops in their place.

use multilane_plan::cost::CostModel;
use multilane_plan::passes::optimize;
use multilane_plan::text::parse;
use multilane_plan::{
    Array, Call, CostClass, DType, Form, Kernels, Lanes, Plan, Prepared, Registry, Scalar, Serial, Value, ValueType,
};

use super::loops::{Dot, Map};
use super::timing::{Few, Timer};
use crate::plans::{BufferPool, Control, Program};

/// Passes over less than this take so little that the call counts.
const SHORT_BYTES: usize = 512 << 10;

/// One operation on arrays of any length.
pub(super) struct Probe {
    kernel: Box<dyn Prepared>,
    /// An array by its number, or a number that stands in the plan.
    operands: Vec<Source>,
    has_array: bool,
    /// Arrays it reads and writes.
    pub(super) arrays: usize,
    pub(super) reads: usize,
    pub(super) writes: usize,
    /// Units of its class for an element.
    pub(super) units: f64,
}

enum Source {
    Array(usize),
    Number(Scalar),
}

/// All of them.
pub(super) struct Probes {
    pub(super) sum: Probe,
    pub(super) dot: Probe,
    pub(super) scale: Probe,
    pub(super) triad: Probe,
    /// One for each class, with how many units it has an element.
    pub(super) classes: Vec<(CostClass, Probe)>,
    /// Compute about as long as they move; with how many transcendental units they have besides their arithmetic ones.
    pub(super) mixed: Vec<(Probe, f64)>,
}

impl Probes {
    pub(super) fn new(registry: &Registry, kernels: &Kernels) -> Self {
        let probe = |inputs: &str, body: &str, units: f64, plain: Box<dyn Prepared>| {
            let probe = Probe::of_plan(registry, kernels, inputs, body, units);
            let reads = inputs.matches('%').count();
            probe.unwrap_or_else(|| Probe::plain(plain, units, reads, body.contains("core.sum")))
        };
        let one = "%a: f64[n]";
        let two = "%a: f64[n], %b: f64[n]";
        let times_and_plus = |times: usize| {
            let mut text = "%k: f64 = core.constant 0.5\n%l: f64 = core.constant 1.0\n".to_owned();
            for step in 0..times {
                let before = if step == 0 {
                    "a".to_owned()
                } else {
                    format!("s{}", step - 1)
                };
                text += &format!("%m{step} = core.mul(%{before}, %k)\n%s{step} = core.add(%m{step}, %l)\n");
            }
            text + &format!("return %s{}", times - 1)
        };
        let quotients = "%p = core.div(%a, %b)\n%q = core.div(%p, %b)\n%r = core.sqrt(%q)\nreturn %r";
        // The sine is the unit; what other functions cost beside it, the dialect says.
        let functions = "%p = core.sin(%a)\n%q = core.sin(%p)\n%r = core.sin(%q)\nreturn %r";
        let triad = "%k: f64 = core.constant 3.0\n%m = core.mul(%b, %k)\n%c = core.add(%a, %m)\nreturn %c";
        let mixed = "%s = core.sin(%b)\n%m = core.mul(%a, %s)\n%c = core.add(%a, %m)\nreturn %c";
        Self {
            sum: probe(one, "%s = core.sum(%a)\nreturn %s", 1.0, Box::new(Dot)),
            dot: probe(
                two,
                "%m = core.mul(%a, %b)\n%s = core.sum(%m)\nreturn %s",
                2.0,
                Box::new(Dot),
            ),
            scale: probe(one, &times_and_plus(1), 2.0, Box::new(Map(|a, _| a * 0.5 + 1.0))),
            triad: probe(two, triad, 2.0, Box::new(Map(|a, b| a + b * 3.0))),
            classes: vec![
                (
                    CostClass::Arithmetic,
                    probe(one, &times_and_plus(8), 16.0, Box::new(Map(sixteen_steps))),
                ),
                (
                    CostClass::Division,
                    probe(two, quotients, 3.0, Box::new(Map(|a, b| (a / b / b).sqrt()))),
                ),
                (
                    CostClass::Transcendental,
                    probe(one, functions, 3.0, Box::new(Map(|a, _| a.sin().sin().sin()))),
                ),
                (
                    CostClass::Reduction,
                    probe(one, "%s = core.sum(%a)\nreturn %s", 1.0, Box::new(Dot)),
                ),
            ],
            mixed: [
                Probe::of_plan(registry, kernels, two, mixed, 2.0).map(|probe| (probe, 1.0)),
                Probe::of_plan(registry, kernels, one, &times_and_plus(10), 20.0).map(|probe| (probe, 0.0)),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }
}

fn sixteen_steps(a: f64, _b: f64) -> f64 {
    (0..8).fold(a, |a, _| a * 0.5 + 1.0)
}

/// A plan of one operation, fused when there were several; nothing when it does not become one.
fn one_operation(registry: &Registry, inputs: &str, body: &str) -> Option<Plan> {
    let mut plan = parse(&format!("plan probe({inputs}) {{\n{body}\n}}"), registry).ok()?;
    optimize(&mut plan, registry, &["fuse", "dce"]).ok()?;
    let is_constant = |name: &str| registry.get(name).is_some_and(|def| def.form == Form::Constant);
    let mut others = plan.body.ops.iter().filter(|op| !is_constant(&op.name));
    (others.next().is_some() && others.next().is_none()).then_some(plan)
}

impl Probe {
    fn of_plan(registry: &Registry, kernels: &Kernels, inputs: &str, body: &str, units: f64) -> Option<Self> {
        let plan = one_operation(registry, inputs, body)?;
        let op = plan.body.ops.iter().find(|op| op.constant().is_none())?;
        let kernel = kernels.get(&op.name).ok()?.prepare(&plan, op, kernels).ok()?;
        let source = |value| {
            let input = plan.body.parameters.iter().position(|parameter| parameter == value);
            let constant = || plan.body.ops.iter().find(|op| op.results.contains(value))?.constant();
            input.map(Source::Array).or_else(|| constant().map(Source::Number))
        };
        let [result] = op.results[..] else { return None };
        let has_array = *plan.ty(result) != ValueType::scalar(DType::F64);
        let probe = Self {
            kernel,
            operands: op.operands.iter().map(source).collect::<Option<_>>()?,
            has_array,
            arrays: plan.inputs.len() + usize::from(has_array),
            reads: plan.inputs.len(),
            writes: usize::from(has_array),
            units,
        };
        probe.runs().then_some(probe)
    }

    fn plain(kernel: Box<dyn Prepared>, units: f64, reads: usize, is_sum: bool) -> Self {
        let writes = usize::from(!is_sum);
        Self {
            kernel,
            operands: (0..reads).map(Source::Array).collect(),
            has_array: !is_sum,
            arrays: reads + writes,
            reads,
            writes,
            units,
        }
    }

    /// Whether the kernel takes what it is given.
    fn runs(&self) -> bool {
        let arrays = [0; 3].map(|_| Array::from_vec(vec![1.5_f64; 8]));
        self.call(&arrays, 8, &Serial).is_some()
    }

    /// The time its elements take, without that of the call; `None` when the lanes were never all
    /// at work. Of short passes two lengths are timed: what a call takes is the same for both.
    pub(super) fn elements_ns(&self, timer: &Timer, arrays: &[Array; 3], len: usize, lanes: &dyn Lanes) -> Option<f64> {
        let few = Few::for_bytes(len * 8 * self.arrays);
        if lanes.count() > 1 {
            return timer.shared_ns(few, lanes, |lanes| self.run(arrays, len, lanes));
        }
        let time = |len: usize| timer.typical_ns(few, || self.run(arrays, len, &Serial));
        let whole = time(len);
        if len < 64 || len * 8 * self.arrays > SHORT_BYTES {
            return Some(whole);
        }
        Some(((whole - time(len / 4)) * 4.0 / 3.0).clamp(whole * 0.1, whole))
    }

    /// Runs it on the first `len` elements of two arrays; the third gets the result.
    pub(super) fn run(&self, arrays: &[Array; 3], len: usize, lanes: &dyn Lanes) {
        // That it runs was tried.
        let _ = self.call(arrays, len, lanes);
    }

    fn call(&self, arrays: &[Array; 3], len: usize, lanes: &dyn Lanes) -> Option<()> {
        let part = |array: &Array| {
            let start = std::ptr::NonNull::new(array.as_mut_ptr())?;
            let len = len.min(array.len());
            // SAFETY: the beginning of an array that lives as long, written by this call alone.
            let part = unsafe { Array::from_raw(DType::F64, len, start, true, array.owner().clone()) };
            Some(Value::Array(part))
        };
        let operand = |source: &Source| match source {
            Source::Array(number) => part(&arrays[*number]),
            Source::Number(number) => Some(Value::Scalar(*number)),
        };
        let operands: Vec<Value> = self.operands.iter().map(operand).collect::<Option<_>>()?;
        let result = if self.has_array {
            part(&arrays[2])?
        } else {
            Value::Scalar(Scalar::F64(0.0))
        };
        let mut call = Call {
            operands: &operands,
            results: &mut [result],
            lanes,
        };
        self.kernel.run(&mut call).ok()
    }
}

/// What starting an operation takes, and starting a plan: from plans of one and of seventeen
/// operations on arrays that are too small to count.
pub(super) fn overheads(timer: &Timer, registry: &Registry, kernels: &Kernels, pool: &BufferPool) -> (f64, f64) {
    let typical = CostModel::typical(1);
    let time = |operations: usize| {
        let mut text = "plan probe(%v0: f64[n]) {\n".to_owned();
        for step in 1..=operations {
            text += &format!("%v{step} = core.neg(%v{})\n", step - 1);
        }
        text += &format!("return %v{operations}\n}}");
        let plan = parse(&text, registry).ok()?;
        let mut kernels = kernels.clone();
        if kernels.get("core.neg").is_err() {
            kernels.insert("core.neg", std::sync::Arc::new(Negation));
        }
        let program = Program::prepare(&plan, registry, &kernels)
            .ok()?
            .with_pool(pool.clone());
        let inputs = [Value::Array(Array::from_vec(vec![1.0_f64; 4]))];
        let control = Control::new();
        program.run(&inputs, &[], &Serial, &control).ok()?;
        Some(timer.typical_ns(Few::Many, || {
            // That it runs was tried.
            let _ = program.run(&inputs, &[], &Serial, &control);
        }))
    };
    let (Some(one), Some(many)) = (time(1), time(17)) else {
        return (typical.dispatch_ns, typical.run_ns);
    };
    let dispatch_ns = ((many - one) / 16.0).max(1.0);
    (dispatch_ns, (one - dispatch_ns).max(1.0))
}

/// `-a`, where there is no kernel for it.
struct Negation;

impl multilane_plan::Kernel for Negation {
    fn prepare(
        &self,
        _plan: &Plan,
        _op: &multilane_plan::Op,
        _kernels: &Kernels,
    ) -> Result<Box<dyn Prepared>, multilane_plan::KernelError> {
        Ok(Box::new(Map(|a, _| -a)))
    }
}
