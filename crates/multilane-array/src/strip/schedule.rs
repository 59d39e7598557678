//! From a body to instructions of the strip machine.
//!
//! Walks back from what goes out and keeps what was just computed in the accumulator. A
//! value that is read more than once, or that cannot wait in the accumulator, gets a temporary
//! strip. Products that are only added become one instruction with the sum (both
//! rounded, as if they were two). Gives up on bodies that the machine cannot run.

use multilane_plan::DType;

use super::code::{Code, Instruction};
use crate::body::{Body, Fold, NodeId, Operation, Source};
use crate::math::Function;
use crate::place::{PlaceId, Slots};

/// The most nodes of a body; the walk recurses.
const MOST_NODES: usize = 400;

/// The most temporary strips; more would not stay in the first-level cache.
const MOST_TEMPORARIES: usize = 32;

/// The most places: sources, arrays and temporaries.
const MOST_PLACES: usize = 120;

/// A scheduled body.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) code: Vec<Instruction>,
    pub(super) float: DType,
    pub(super) temporaries: usize,
}

/// Schedules a body, if the machine can run it.
pub(super) fn schedule(body: &Body) -> Option<Scheduled> {
    let body = &narrowed(body)?;
    let uses = body.uses();
    let float = float_of(body, &uses)?;
    if body.nodes.len() > MOST_NODES {
        return None;
    }
    let mut scheduler = Scheduler {
        body,
        left: uses,
        places: vec![None; body.nodes.len()],
        weights: weights(body),
        acc: None,
        slots: Slots::new(body.sources.len() + body.arrays.len()),
        code: Vec::new(),
    };
    for (id, node) in body.nodes.iter().enumerate() {
        if let Operation::Source(index) = node.operation
            && node.dtype == float
        {
            scheduler.places[id] = Some(index);
        }
    }
    for (index, reduction) in body.reductions.iter().enumerate() {
        scheduler.accumulate(reduction.node);
        let code = match reduction.fold {
            Fold::Sum => Code::FoldSum,
            Fold::Min => Code::FoldMin,
            Fold::Max => Code::FoldMax,
        };
        scheduler.emit(code, &[index]);
        scheduler.consume(reduction.node);
    }
    for (index, node) in body.arrays.iter().enumerate() {
        scheduler.accumulate(*node);
        let code = if body.dtype(*node) == DType::Bool {
            Code::StoreMask
        } else {
            Code::StoreArray
        };
        scheduler.emit(code, &[body.sources.len() + index]);
        scheduler.consume(*node);
    }
    let temporaries = scheduler.slots.most();
    let places = body.sources.len() + body.arrays.len() + temporaries;
    (temporaries <= MOST_TEMPORARIES && places <= MOST_PLACES).then_some(Scheduled {
        code: scheduler.code,
        float,
        temporaries,
    })
}

impl Scheduled {
    /// For every array and source, whether the source is read after the array is stored.
    pub(super) fn late_reads(&self, body: &Body) -> Vec<Vec<bool>> {
        let first_array = body.sources.len();
        (0..body.arrays.len())
            .map(|array| {
                let stored = self
                    .code
                    .iter()
                    .position(|instruction| instruction.writes() == Some(first_array + array))
                    .expect("every array is stored");
                (0..body.sources.len())
                    .map(|source| {
                        let later = &self.code[stored + 1..];
                        later.iter().any(|instruction| instruction.reads(source))
                    })
                    .collect()
            })
            .collect()
    }
}

/// The body with truth values where reductions fold integers made from them: the machine
/// counts in floats, exactly, because a chunk is small.
fn narrowed(body: &Body) -> Option<Body> {
    let mut body = body.clone();
    let float = body
        .nodes
        .iter()
        .map(|node| node.dtype)
        .find(|dtype| dtype.is_float())?;
    for index in 0..body.reductions.len() {
        let node = body.reductions[index].node;
        let truth = match body.nodes[node].operation {
            Operation::Cast if body.dtype(body.nodes[node].args[0]) == DType::Bool => body.nodes[node].args[0],
            _ if body.dtype(node) == DType::Bool => node,
            _ => continue,
        };
        body.reductions[index].node = body.node(Operation::Cast, &[truth], float);
    }
    Some(body)
}

/// The one float type of the nodes that matter, when all others are truth values.
fn float_of(body: &Body, uses: &[usize]) -> Option<DType> {
    let mut float = None;
    for (node, uses) in body.nodes.iter().zip(uses) {
        if *uses == 0 || node.dtype == DType::Bool {
            continue;
        }
        if !node.dtype.is_float() || *float.get_or_insert(node.dtype) != node.dtype {
            return None;
        }
    }
    // Comparisons of truth values are not there.
    let logical = body.nodes.iter().zip(uses).any(|(node, uses)| {
        *uses > 0
            && matches!(
                node.operation,
                Operation::Eq | Operation::Ne | Operation::Lt | Operation::Le
            )
            && body.dtype(node.args[0]) == DType::Bool
    });
    float.filter(|_| !logical)
}

/// How many instructions each node takes, its arguments included.
fn weights(body: &Body) -> Vec<u32> {
    let mut weights: Vec<u32> = vec![0; body.nodes.len()];
    for (id, node) in body.nodes.iter().enumerate() {
        if !matches!(node.operation, Operation::Source(_)) {
            let args: u32 = node.args().iter().map(|arg| weights[*arg]).fold(0, u32::saturating_add);
            weights[id] = args.saturating_add(1);
        }
    }
    weights
}

struct Scheduler<'a> {
    body: &'a Body,
    /// Reads of each node that are still to come.
    left: Vec<usize>,
    /// Where nodes lie that are in memory.
    places: Vec<Option<PlaceId>>,
    weights: Vec<u32>,
    /// The node that the accumulator holds.
    acc: Option<NodeId>,
    slots: Slots,
    code: Vec<Instruction>,
}

impl Scheduler<'_> {
    fn emit(&mut self, code: Code, places: &[PlaceId]) {
        self.code.push(Instruction::new(code, places));
    }

    /// One read of a node is done; its temporary strip is free after the last.
    fn consume(&mut self, node: NodeId) {
        self.left[node] -= 1;
        if self.left[node] == 0
            && let Some(place) = self.places[node]
        {
            self.slots.release(place);
        }
    }

    /// Whether a place holds one number over and over.
    fn is_number(&self, place: PlaceId) -> bool {
        self.body.sources.get(place).copied().is_some_and(Source::is_number)
    }

    /// Brings a node into the accumulator.
    fn accumulate(&mut self, node: NodeId) {
        if self.acc == Some(node) {
            return;
        }
        if let Some(place) = self.places[node] {
            self.emit(Code::Load, &[place]);
        } else {
            self.compute(node);
            if self.left[node] > 1 {
                let place = self.slots.take();
                self.emit(Code::Store, &[place]);
                self.places[node] = Some(place);
            }
        }
        self.acc = Some(node);
    }

    /// Brings a node into memory.
    fn remember(&mut self, node: NodeId) -> PlaceId {
        if let Some(place) = self.places[node] {
            return place;
        }
        self.accumulate(node);
        self.places[node].unwrap_or_else(|| {
            let place = self.slots.take();
            self.emit(Code::Store, &[place]);
            self.places[node] = Some(place);
            place
        })
    }

    /// Brings one of two nodes into the accumulator, the other one into memory; whether it is the first that is
    /// in the accumulator, and the place of the other.
    fn pair(&mut self, a: NodeId, b: NodeId) -> (bool, PlaceId) {
        let first = match (self.places[a], self.places[b]) {
            (_, Some(_)) => true,
            (Some(_), None) => false,
            // What takes longer goes first, so that fewer values wait at the same time.
            (None, None) => self.weights[a] < self.weights[b],
        };
        let (kept, other) = if first { (a, b) } else { (b, a) };
        let place = self.remember(other);
        self.accumulate(kept);
        (first, place)
    }

    /// Computes a node into the accumulator.
    fn compute(&mut self, id: NodeId) {
        let node = self.body.nodes[id];
        let [a, b, c] = node.args;
        match node.operation {
            Operation::Source(index) => self.emit(Code::LoadMask, &[index]),
            Operation::Copy => self.unary(a, None),
            Operation::Neg => self.unary(a, Some(Code::Neg)),
            Operation::Abs => self.unary(a, Some(Code::Abs)),
            Operation::Sqrt => self.unary(a, Some(Code::Sqrt)),
            Operation::Not => self.unary(a, Some(Code::Not)),
            Operation::Function(function) => self.unary(
                a,
                Some(match function {
                    Function::Exp => Code::Exp,
                    Function::Log => Code::Log,
                    Function::Sin => Code::Sin,
                    Function::Cos => Code::Cos,
                    Function::Tanh => Code::Tanh,
                }),
            ),
            Operation::Cast if node.dtype == DType::Bool => self.unary(a, Some(Code::NumberToMask)),
            Operation::Cast => self.unary(a, Some(Code::MaskToNumber)),
            Operation::Add | Operation::Sub => self.sum(node.operation, a, b),
            Operation::Mul if a == b && self.places[a].is_none() && self.left[a] == 2 => {
                // The square of what nothing else reads never leaves the accumulator.
                self.left[a] = 1;
                self.unary(a, Some(Code::Square));
            }
            Operation::Mul => self.binary(a, b, Code::Mul, Code::Mul),
            Operation::Div => self.binary(a, b, Code::Div, Code::DivOf),
            Operation::Pow => self.binary(a, b, Code::Pow, Code::PowOf),
            Operation::Min => self.binary(a, b, Code::Min, Code::MinOf),
            Operation::Max => self.binary(a, b, Code::Max, Code::MaxOf),
            Operation::Eq => self.binary(a, b, Code::Eq, Code::Eq),
            Operation::Ne => self.binary(a, b, Code::Ne, Code::Ne),
            Operation::Lt => self.binary(a, b, Code::Lt, Code::Gt),
            Operation::Le => self.binary(a, b, Code::Le, Code::Ge),
            Operation::And => self.binary(a, b, Code::And, Code::And),
            Operation::Or => self.binary(a, b, Code::Or, Code::Or),
            Operation::Xor => self.binary(a, b, Code::Xor, Code::Xor),
            Operation::Where => self.choose(a, b, c),
            Operation::Fma => self.fused(a, b, c),
        }
        self.acc = Some(id);
    }

    fn unary(&mut self, a: NodeId, code: Option<Code>) {
        self.accumulate(a);
        if let Some(code) = code {
            self.emit(code, &[]);
        }
        self.consume(a);
    }

    /// `code` for the accumulator on the left, `turned` for the accumulator on the right.
    fn binary(&mut self, a: NodeId, b: NodeId, code: Code, turned: Code) {
        if let (Some(x), Some(y), Code::Mul) = (self.places[a], self.places[b], code)
            && !self.is_number(x)
            && !self.is_number(y)
        {
            self.emit(Code::MulBoth, &[x, y]);
        } else {
            let (first, place) = self.pair(a, b);
            let code = match if first { code } else { turned } {
                Code::Mul if self.is_number(place) => Code::MulNumber,
                code => code,
            };
            self.emit(code, &[place]);
        }
        self.consume(a);
        self.consume(b);
    }

    /// A sum or a difference, together with a product that only it reads.
    fn sum(&mut self, operation: Operation, a: NodeId, b: NodeId) {
        let added = operation == Operation::Add;
        let product = |scheduler: &Self, node: NodeId| {
            scheduler.body.nodes[node].operation == Operation::Mul
                && scheduler.left[node] == 1
                && scheduler.places[node].is_none()
        };
        let at_hand = |scheduler: &Self, node: NodeId| {
            let [x, y, _] = scheduler.body.nodes[node].args;
            product(scheduler, node) && scheduler.places[x].is_some() && scheduler.places[y].is_some()
        };
        // Of two products, the one whose factors are in memory is best added to the other.
        let on_left = if product(self, a) && product(self, b) {
            at_hand(self, a)
        } else {
            product(self, a)
        };
        let (node, other) = if on_left { (a, b) } else { (b, a) };
        if a == b || !product(self, node) {
            return self.plain_sum(added, a, b);
        }
        let [x, y, _] = self.body.nodes[node].args;
        if at_hand(self, node) && self.places[other].is_none() {
            let (x, y) = (self.remember(x), self.remember(y));
            self.accumulate(other);
            let code = match (added, on_left) {
                (true, _) => Code::AddMul,
                (false, true) => Code::MulLess,
                (false, false) => Code::LessMul,
            };
            self.emit(code, &[x, y]);
        } else {
            let z = self.remember(other);
            if let (Some(x), Some(y)) = (self.places[x], self.places[y]) {
                self.product_of_places(added, on_left, x, y, z);
            } else {
                let (_, place) = self.pair(x, y);
                let code = match (added, on_left, self.is_number(place), self.is_number(z)) {
                    (true, _, true, true) => Code::MulAddNumbers,
                    (true, _, true, false) => Code::MulNumberAdd,
                    (true, _, false, _) => Code::MulAdd,
                    (false, true, ..) => Code::MulSub,
                    (false, false, ..) => Code::SubMul,
                };
                self.emit(code, &[place, z]);
            }
        }
        for read in [x, y, node, other] {
            self.consume(read);
        }
    }

    fn product_of_places(&mut self, added: bool, on_left: bool, x: PlaceId, y: PlaceId, z: PlaceId) {
        let (x, y) = if self.is_number(x) { (y, x) } else { (x, y) };
        if added && self.is_number(y) && self.is_number(z) {
            self.emit(Code::Load, &[x]);
            return self.emit(Code::MulAddNumbers, &[y, z]);
        }
        let code = match (added, on_left) {
            (true, _) if self.is_number(y) => Code::MulNumberAddAll,
            (true, _) => Code::MulAddAll,
            (false, true) => Code::MulSubAll,
            (false, false) => Code::SubMulAll,
        };
        self.emit(code, &[x, y, z]);
    }

    fn plain_sum(&mut self, added: bool, a: NodeId, b: NodeId) {
        if let (Some(x), Some(y)) = (self.places[a], self.places[b])
            && !self.is_number(x)
            && !self.is_number(y)
        {
            self.emit(if added { Code::AddBoth } else { Code::SubBoth }, &[x, y]);
        } else {
            let (first, place) = self.pair(a, b);
            let code = match (added, first, self.is_number(place)) {
                (true, _, true) => Code::AddNumber,
                (true, _, false) => Code::Add,
                (false, true, _) => Code::Sub,
                (false, false, true) => Code::SubFromNumber,
                (false, false, false) => Code::SubFrom,
            };
            self.emit(code, &[place]);
        }
        self.consume(a);
        self.consume(b);
    }

    fn choose(&mut self, condition: NodeId, yes: NodeId, no: NodeId) {
        // Whatever is not in memory yet and takes longest is computed first; the last one stays in the accumulator.
        let mut waiting: Vec<NodeId> = [condition, yes, no]
            .into_iter()
            .filter(|node| self.places[*node].is_none())
            .collect();
        waiting.sort_by_key(|node| self.weights[*node]);
        let last = waiting.first().copied().unwrap_or(condition);
        for node in waiting.iter().rev().filter(|node| **node != last) {
            self.remember(*node);
        }
        self.accumulate(last);
        let place = |node: NodeId| self.places[node].unwrap_or(0);
        let (c, y, n) = (place(condition), place(yes), place(no));
        if last == condition {
            // What is also chosen lies in memory, because it is read twice.
            self.emit(Code::Choose, &[y, n]);
        } else if last == yes {
            self.emit(Code::ChooseYes, &[c, n]);
        } else {
            self.emit(Code::ChooseNo, &[c, y]);
        }
        for node in [condition, yes, no] {
            self.consume(node);
        }
    }

    fn fused(&mut self, a: NodeId, b: NodeId, c: NodeId) {
        if self.places[c].is_none() && self.places[a].is_some() && self.places[b].is_some() {
            let (x, y) = (self.remember(a), self.remember(b));
            self.accumulate(c);
            self.emit(Code::FmaInto, &[x, y]);
        } else {
            let z = self.remember(c);
            let (_, place) = self.pair(a, b);
            self.emit(Code::Fma, &[place, z]);
        }
        for node in [a, b, c] {
            self.consume(node);
        }
    }
}
