//! Read a plan from its text form; collect every line that cannot be read.
//!
//! A line that fails is left out and its results count as written, so that one mistake
//! is reported once. What could be read is verified only when all of it could.

use std::collections::BTreeMap;

use super::attributes::{self, read_number};
use super::lex::{Failure, Position, Token, Tokens, quoted};
use crate::error::{PlanError, closest};
use crate::plan::{Attribute, Location, Op, Plan, Region, ValueId};
use crate::registry::Registry;
use crate::types::{DType, ValueType};
use crate::verify::{MAX_NESTING, verify};

/// The file that errors of operations name, when the operation itself knows no line of a user's source.
const TEXT: &str = "<text>";

/// Reads and verifies a plan.
pub fn parse(text: &str, registry: &Registry) -> Result<Plan, Vec<PlanError>> {
    let (plan, lines) = read(text, registry)?;
    match verify(&plan, registry) {
        Ok(()) => Ok(plan),
        Err(mut errors) => {
            for site in errors.iter_mut().filter_map(PlanError::site_mut) {
                if site.location.is_none() {
                    site.location = lines.get(&site.path).map(|line| Location {
                        file: TEXT.to_owned(),
                        line: *line as u32,
                    });
                }
            }
            Err(errors)
        }
    }
}

/// Reads a plan without verifying it: for tests of verifiers and tools that show broken plans.
pub fn parse_unverified(text: &str, registry: &Registry) -> Result<Plan, Vec<PlanError>> {
    read(text, registry).map(|(plan, _)| plan)
}

/// Lines of the operations, by their places as in [`crate::Place::path`].
type Lines = BTreeMap<Vec<usize>, usize>;

fn read(text: &str, registry: &Registry) -> Result<(Plan, Lines), Vec<PlanError>> {
    let mut failures = Vec::new();
    let tokens = Tokens::of(text, &mut failures);
    let mut parser = Parser {
        tokens,
        registry,
        plan: Plan::default(),
        values: BTreeMap::new(),
        lines: Lines::new(),
        path: Vec::new(),
        failures,
        incomplete: false,
    };
    if let Err(failure) = parser.plan() {
        parser.failures.push(failure);
    }
    if parser.failures.is_empty() {
        Ok((parser.plan, parser.lines))
    } else {
        let mut failures: Vec<PlanError> = parser.failures.into_iter().map(PlanError::from).collect();
        failures.sort_by_key(|error| match error {
            PlanError::Syntax { line, column, .. } => (*line, *column),
            _ => (0, 0),
        });
        Err(failures)
    }
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    registry: &'a Registry,
    plan: Plan,
    values: BTreeMap<&'a str, ValueId>,
    lines: Lines,
    path: Vec<usize>,
    failures: Vec<Failure>,
    /// A line was left out: types can no longer be relied on.
    incomplete: bool,
}

/// A value to be written: how it is spelled, where, and its type when one is given.
struct Declared<'a> {
    label: &'a str,
    at: Position,
    ty: Option<ValueType>,
}

impl<'a> Parser<'a> {
    fn plan(&mut self) -> Result<(), Failure> {
        if !self.tokens.take_word("plan") {
            return Err(self.tokens.unexpected("`plan`"));
        }
        self.plan.name = self.tokens.name("the plan's name")?;
        self.tokens.expect("(")?;
        if !self.tokens.take(")") {
            loop {
                let name = self.given_name()?;
                let declared = self.declared(true)?;
                let value = self.define(&declared, None)?;
                let name = name.or_else(|| self.plan.info(value).name.clone());
                let Some(name) = name else {
                    return Err(Failure::new(
                        declared.at,
                        format!("`%{}` needs a name: `name = %{}`", declared.label, declared.label),
                    ));
                };
                self.plan.inputs.push(name);
                self.plan.body.parameters.push(value);
                if !self.tokens.take(",") {
                    break;
                }
            }
            self.tokens.expect(")")?;
        }
        self.tokens.expect("{")?;
        if self.tokens.take_word("sizes") {
            self.sizes()?;
        }
        let body = self.region_body("return", 0)?;
        self.plan.body.ops = body.ops;
        self.plan.body.yields = body.yields;
        match self.tokens.peek() {
            None => Ok(()),
            Some(_) => Err(self.tokens.unexpected("the end")),
        }
    }

    /// The sizes in the order of the plan, when it is not the one in which they are met.
    fn sizes(&mut self) -> Result<(), Failure> {
        let met = std::mem::take(&mut self.plan.dims);
        loop {
            let name = self.tokens.size()?;
            self.plan.dims.push(name);
            if !self.tokens.take(",") {
                break;
            }
        }
        // Types of inputs were read before: their sizes move to the places given here.
        let places: Vec<u32> = met.iter().map(|name| self.plan.dim(name).0).collect();
        for info in &mut self.plan.values {
            match &mut info.ty {
                ValueType::Tensor {
                    extent: crate::Extent::Dim(dim),
                    ..
                } => dim.0 = places[dim.0 as usize],
                ValueType::Tensor { .. } => {}
                ValueType::Opaque { dims, .. } => {
                    for dim in dims {
                        dim.0 = places[dim.0 as usize];
                    }
                }
            }
        }
        Ok(())
    }

    /// Operations and the last line, up to the closing brace.
    fn region_body(&mut self, last: &str, depth: usize) -> Result<Region, Failure> {
        let mut region = Region::default();
        loop {
            if self.tokens.take("}") {
                return Ok(region);
            }
            if self.tokens.peek().is_none() {
                return Err(self.tokens.unexpected("`}`"));
            }
            if self.tokens.take_word(last) {
                let start = self.tokens.place();
                if let Err(failure) = self.last_line(last, &mut region) {
                    self.failures.push(failure);
                    self.incomplete = true;
                    self.tokens.skip_from(start);
                }
                self.tokens.expect("}")?;
                return Ok(region);
            }
            self.path.push(region.ops.len());
            let (line, start) = (self.tokens.position().line, self.tokens.place());
            match self.op(depth) {
                Ok(op) => {
                    self.lines.insert(self.path.clone(), line);
                    region.ops.push(op);
                }
                Err(failure) => {
                    self.failures.push(failure);
                    self.incomplete = true;
                    self.tokens.skip_from(start);
                }
            }
            self.path.pop();
        }
    }

    fn last_line(&mut self, last: &str, region: &mut Region) -> Result<(), Failure> {
        if matches!(self.tokens.peek(), Some(Token::Sign("}"))) {
            return Ok(());
        }
        loop {
            let name = if last == "return" { self.given_name()? } else { None };
            let at = self.tokens.position();
            let value = self.reference()?;
            if last == "return" {
                let name = name.or_else(|| self.plan.info(value).name.clone());
                let problem = || "the output needs a name: `name = %…`".to_owned();
                self.plan.outputs.push(name.ok_or_else(|| Failure::new(at, problem()))?);
            }
            region.yields.push(value);
            if !self.tokens.take(",") {
                return Ok(());
            }
        }
    }

    fn op(&mut self, depth: usize) -> Result<Op, Failure> {
        let mut declared = Vec::new();
        if matches!(self.tokens.peek(), Some(Token::Label(_))) {
            loop {
                declared.push(self.declared_result()?);
                if !self.tokens.take(",") {
                    break;
                }
            }
        }
        let op = self.rest_of_op(&declared, depth);
        match op {
            Ok(op) => Ok(op),
            Err(failure) => {
                // Later lines may read what this one would have written.
                for result in &declared {
                    let _ = self.define(result, Some(ValueType::scalar(DType::Bool)));
                }
                Err(failure)
            }
        }
    }

    /// A result; when its type cannot be read, the value counts as written.
    fn declared_result(&mut self) -> Result<Declared<'a>, Failure> {
        let at = self.tokens.position();
        let label = match self.tokens.peek() {
            Some(Token::Label(label)) => Some(*label),
            _ => None,
        };
        self.declared(false).inspect_err(|_| {
            if let Some(label) = label {
                let _ = self.define(&Declared { label, at, ty: None }, Some(ValueType::scalar(DType::Bool)));
            }
        })
    }

    fn rest_of_op(&mut self, declared: &[Declared<'a>], depth: usize) -> Result<Op, Failure> {
        if !declared.is_empty() {
            self.tokens.expect("=")?;
        }
        let at = self.tokens.position();
        let name = match self.tokens.peek() {
            Some(Token::Word(word)) if word.contains('.') => (*word).to_owned(),
            Some(Token::Text(text)) => text.clone(),
            _ => return Err(self.tokens.unexpected("an operation")),
        };
        self.tokens.next();
        let mut op = Op::new(name, Vec::new(), Vec::new());
        let has_operands = matches!(self.tokens.peek(), Some(Token::Sign("(")));
        if op.name == "core.constant" && !has_operands {
            let dtype = declared
                .first()
                .and_then(|result| result.ty.as_ref())
                .and_then(ValueType::dtype);
            let value = read_number(&mut self.tokens, dtype)?;
            op.attributes.insert("value".to_owned(), Attribute::Scalar(value));
        } else {
            self.tokens.expect("(")?;
            if !self.tokens.take(")") {
                loop {
                    let operand = self.reference()?;
                    op.operands.push(operand);
                    if !self.tokens.take(",") {
                        break;
                    }
                }
                self.tokens.expect(")")?;
            }
            if matches!(self.tokens.peek(), Some(Token::Sign("{"))) {
                op.attributes = attributes::read(&mut self.tokens)?;
            }
        }
        // The text numbers results before what stands in the regions; their types may follow from it.
        let first_result = self.plan.values.len();
        for _ in declared {
            self.plan.value(ValueType::scalar(DType::Bool), None);
        }
        while matches!(self.tokens.peek(), Some(Token::Sign("("))) {
            self.path.push(op.regions.len());
            let region = self.region(depth);
            self.path.pop();
            op.regions.push(region?);
        }
        if self.tokens.take_word("at") {
            op.location = Some(self.location()?);
        }
        self.results(&mut op, declared, first_result, at)?;
        Ok(op)
    }

    /// Gives the results their types, inferred where none is written.
    fn results(
        &mut self,
        op: &mut Op,
        declared: &[Declared<'a>],
        first_result: usize,
        at: Position,
    ) -> Result<(), Failure> {
        let missing = declared.iter().any(|result| result.ty.is_none());
        let mut inferred = Vec::new();
        if missing {
            let Some(def) = self.registry.get(&op.name) else {
                let similar = closest(&op.name, self.registry.iter().map(|def| def.name));
                let hint = similar
                    .map(|name| format!("; did you mean `{name}`?"))
                    .unwrap_or_default();
                return Err(Failure::new(at, format!("no operation is called `{}`{hint}", op.name)));
            };
            inferred =
                (def.infer)(&self.plan, op).map_err(|problem| Failure::new(at, format!("`{}` {problem}", op.name)))?;
        }
        for (index, result) in declared.iter().enumerate() {
            let ty = match (&result.ty, inferred.get(index)) {
                (Some(ty), _) | (None, Some(ty)) => ty.clone(),
                (None, None) if self.incomplete => ValueType::scalar(DType::Bool),
                (None, None) => {
                    let problem = format!("`{}` makes {} results", op.name, inferred.len());
                    return Err(Failure::new(result.at, problem));
                }
            };
            let value = ValueId((first_result + index) as u32);
            self.plan.values[value.0 as usize].ty = ty;
            self.enter(result, value)?;
            op.results.push(value);
        }
        Ok(())
    }

    fn region(&mut self, depth: usize) -> Result<Region, Failure> {
        if depth >= MAX_NESTING {
            let problem = format!("regions go {MAX_NESTING} deep and no deeper");
            return Err(Failure::new(self.tokens.position(), problem));
        }
        self.tokens.expect("(")?;
        let mut parameters = Vec::new();
        if !self.tokens.take(")") {
            loop {
                let declared = self.declared(true)?;
                parameters.push(self.define(&declared, None)?);
                if !self.tokens.take(",") {
                    break;
                }
            }
            self.tokens.expect(")")?;
        }
        self.tokens.expect("{")?;
        let body = self.region_body("yield", depth + 1)?;
        Ok(Region { parameters, ..body })
    }

    /// `name =` before a label, if it stands there.
    fn given_name(&mut self) -> Result<Option<String>, Failure> {
        if matches!(self.tokens.peek(), Some(Token::Label(_))) {
            return Ok(None);
        }
        let name = self.tokens.name("a value such as `%x`")?;
        self.tokens.expect("=")?;
        Ok(Some(name))
    }

    /// `%x: f64[n]`.
    fn declared(&mut self, typed: bool) -> Result<Declared<'a>, Failure> {
        let at = self.tokens.position();
        let Some(Token::Label(label)) = self.tokens.peek() else {
            return Err(self.tokens.unexpected("a value such as `%x`"));
        };
        let label = *label;
        self.tokens.next();
        let ty = if typed {
            self.tokens.expect(":")?;
            Some(self.ty()?)
        } else if self.tokens.take(":") {
            Some(self.ty()?)
        } else {
            None
        };
        Ok(Declared { label, at, ty })
    }

    /// Adds a value; `fallback` stands in for a type that is not written.
    fn define(&mut self, declared: &Declared<'a>, fallback: Option<ValueType>) -> Result<ValueId, Failure> {
        let ty = declared.ty.clone().or(fallback);
        let ty = ty.ok_or_else(|| Failure::new(declared.at, format!("`%{}` needs a type", declared.label)))?;
        let value = self.plan.value(ty, None);
        self.enter(declared, value)?;
        Ok(value)
    }

    /// Makes a value known by its label.
    fn enter(&mut self, declared: &Declared<'a>, value: ValueId) -> Result<(), Failure> {
        if self.values.insert(declared.label, value).is_some() {
            let problem = format!("`%{}` is written a second time", declared.label);
            return Err(Failure::new(declared.at, problem));
        }
        self.plan.values[value.0 as usize].name = name_of(declared.label);
        Ok(())
    }

    fn reference(&mut self) -> Result<ValueId, Failure> {
        let at = self.tokens.position();
        let Some(Token::Label(label)) = self.tokens.peek() else {
            return Err(self.tokens.unexpected("a value such as `%x`"));
        };
        let Some(value) = self.values.get(label).copied() else {
            let similar = closest(label, self.values.keys().copied());
            let hint = similar
                .map(|name| format!("; did you mean `%{name}`?"))
                .unwrap_or_default();
            return Err(Failure::new(at, format!("nothing above writes `%{label}`{hint}")));
        };
        self.tokens.next();
        Ok(value)
    }

    fn ty(&mut self) -> Result<ValueType, Failure> {
        let at = self.tokens.position();
        let quoted = matches!(self.tokens.peek(), Some(Token::Text(_)));
        let kind = self.tokens.name("a type")?;
        if self.tokens.take("<") {
            let mut dims = Vec::new();
            if !self.tokens.take(">") {
                loop {
                    let name = self.tokens.size()?;
                    dims.push(self.plan.dim(&name));
                    if !self.tokens.take(",") {
                        break;
                    }
                }
                self.tokens.expect(">")?;
            }
            return Ok(ValueType::Opaque { kind, dims });
        }
        let Some(dtype) = DType::from_name(&kind).filter(|_| !quoted) else {
            let problem = format!("`{kind}` is no element type; there are bool, i32, i64, f32 and f64");
            return Err(Failure::new(at, problem));
        };
        if !self.tokens.take("[") {
            return Ok(ValueType::scalar(dtype));
        }
        let name = self.tokens.size()?;
        let dim = self.plan.dim(&name);
        self.tokens.expect("]")?;
        Ok(ValueType::array(dtype, dim))
    }

    /// `"app.py":12`, the word before it gone.
    fn location(&mut self) -> Result<Location, Failure> {
        let Some(Token::Text(file)) = self.tokens.peek() else {
            return Err(self.tokens.unexpected("a file in quotes"));
        };
        let file = file.clone();
        self.tokens.next();
        self.tokens.expect(":")?;
        let line = match self.tokens.peek() {
            Some(Token::Number(digits)) => digits.parse().ok(),
            _ => None,
        };
        let Some(line) = line else {
            return Err(self.tokens.unexpected("a line number"));
        };
        self.tokens.next();
        Ok(Location { file, line })
    }
}

/// The name in a label: none in `%3`, `x` in `%x.1`.
fn name_of(label: &str) -> Option<String> {
    if label.starts_with('"') {
        return quoted(label).ok().map(|(name, _)| name);
    }
    let name = label.split('.').next().unwrap_or(label);
    (!name.starts_with(|first: char| first.is_ascii_digit())).then(|| name.to_owned())
}
