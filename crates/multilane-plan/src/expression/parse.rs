//! Read a formula into steps for a stack machine: operands first, then what is applied to them.
//!
//! Steps instead of a tree, so that a long formula is no deep one.

use super::Fault;
use super::functions::FUNCTIONS;
use super::lex::{Token, tokens};
use crate::builder::Operand;
use crate::error::closest;

/// One step and the byte of the text that it comes from.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) what: What<'a>,
    pub(super) at: usize,
}

#[derive(Debug)]
pub(super) enum What<'a> {
    Name(&'a str),
    Number(Operand),
    /// An operation of the `core` dialect on the last so many values.
    Apply(&'static str, usize),
}

/// Brackets and signs inside each other, at most.
const MAX_DEPTH: usize = 200;

/// Binary operators: how tight they bind, and the operation. All but `**` group to the left.
const OPERATORS: &[(&str, u8, &str)] = &[
    ("<", 1, "lt"),
    ("<=", 1, "le"),
    (">", 1, "gt"),
    (">=", 1, "ge"),
    ("==", 1, "eq"),
    ("!=", 1, "ne"),
    ("|", 2, "or"),
    ("^", 3, "xor"),
    ("&", 4, "and"),
    ("+", 5, "add"),
    ("-", 5, "sub"),
    ("*", 6, "mul"),
    ("/", 6, "div"),
    ("**", 8, "pow"),
];
const COMPARISON: u8 = 1;
/// A sign in front binds tighter than `*` and looser than `**`.
const UNARY: u8 = 7;
const POWER: u8 = 8;

/// Reads a formula.
pub(super) fn steps(text: &str) -> Result<Vec<Step<'_>>, Fault> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        steps: Vec::new(),
        depth: 0,
    };
    parser.formula(0)?;
    match parser.peek() {
        Token::End => Ok(parser.steps),
        _ => Err(parser.unexpected("an operator")),
    }
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, usize)>,
    next: usize,
    steps: Vec<Step<'a>>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens[self.next.min(self.tokens.len() - 1)].0
    }

    fn at(&self) -> usize {
        self.tokens[self.next.min(self.tokens.len() - 1)].1
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(next) if next == sign);
        self.next += usize::from(found);
        found
    }

    fn push(&mut self, what: What<'a>, at: usize) {
        self.steps.push(Step { what, at });
    }

    /// Everything that binds at least as tight as `tightness`.
    fn formula(&mut self, tightness: u8) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(
                self.at(),
                format!("more than {MAX_DEPTH} brackets or signs inside each other"),
            ));
        }
        self.operand()?;
        let mut compared = false;
        while let Token::Sign(sign) = self.peek() {
            let at = self.at();
            let Some((_, binds, name)) = OPERATORS.iter().find(|(operator, ..)| *operator == sign) else {
                break;
            };
            if *binds < tightness {
                break;
            }
            if *binds == COMPARISON && std::mem::replace(&mut compared, true) {
                return Err(Fault::new(at, "comparisons cannot be chained").with("write `(a < b) & (b < c)`"));
            }
            self.next += 1;
            // What stands right of `**` may have a sign and another `**`; right of others, only what binds tighter.
            self.formula(if *binds == POWER { UNARY } else { binds + 1 })?;
            self.push(What::Apply(name, 2), at);
        }
        self.depth -= 1;
        Ok(())
    }

    fn operand(&mut self) -> Result<(), Fault> {
        let at = self.at();
        match self.peek() {
            Token::Number(number) => {
                self.next += 1;
                self.push(What::Number(number), at);
            }
            Token::Name(name) => {
                self.next += 1;
                if self.take("(") {
                    return self.call(name, at);
                }
                let constant = match name {
                    "True" => Operand::Bool(true),
                    "False" => Operand::Bool(false),
                    "pi" => Operand::Float(std::f64::consts::PI),
                    "inf" => Operand::Float(f64::INFINITY),
                    "nan" => Operand::Float(f64::NAN),
                    "and" | "or" | "not" | "if" | "else" | "lambda" | "in" | "is" => {
                        return Err(Fault::new(at, format!("`{name}` does not work on arrays")).with(word_advice(name)));
                    }
                    name => {
                        self.push(What::Name(name), at);
                        return Ok(());
                    }
                };
                self.push(What::Number(constant), at);
            }
            Token::Sign("(") => {
                self.next += 1;
                self.formula(0)?;
                if !self.take(")") {
                    return Err(self.unexpected("`)`"));
                }
            }
            Token::Sign(sign @ ("-" | "~" | "+")) => {
                self.next += 1;
                self.formula(UNARY)?;
                match sign {
                    "-" => self.push(What::Apply("neg", 1), at),
                    "~" => self.push(What::Apply("not", 1), at),
                    _ => {}
                }
            }
            _ => return Err(self.unexpected("a value")),
        }
        Ok(())
    }

    /// The operands of a function, its bracket behind us.
    fn call(&mut self, name: &str, at: usize) -> Result<(), Fault> {
        let Some((_, fewest, most, operation)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let fault = Fault::new(at, format!("no function is called `{name}`"));
            return Err(match closest(name, FUNCTIONS.iter().map(|(known, ..)| *known)) {
                Some(similar) => fault.with(format!("did you mean `{similar}`?")),
                None => {
                    let names: Vec<&str> = FUNCTIONS.iter().map(|(known, ..)| *known).collect();
                    fault.with(format!("there are {}", names.join(", ")))
                }
            });
        };
        let mut count = 0;
        if !self.take(")") {
            loop {
                self.formula(0)?;
                count += 1;
                if !self.take(",") {
                    break;
                }
            }
            if !self.take(")") {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        if count < *fewest || count > *most {
            let wanted = match (*fewest, *most) {
                (fewest, most) if fewest == most => fewest.to_string(),
                (fewest, usize::MAX) => format!("{fewest} or more"),
                (fewest, most) => format!("{fewest} to {most}"),
            };
            return Err(Fault::new(at, format!("`{name}` takes {wanted} operands, not {count}")));
        }
        self.push(What::Apply(operation, count), at);
        Ok(())
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let fault = |found: &str| Fault::new(self.at(), format!("expected {wanted}, found {found}"));
        match self.peek() {
            Token::End => fault("the end"),
            Token::Number(_) => fault("a number"),
            Token::Name(name @ ("and" | "or" | "not" | "if" | "else")) => {
                Fault::new(self.at(), format!("`{name}` does not work on arrays")).with(word_advice(name))
            }
            Token::Name(name) => fault(&format!("`{name}`")),
            Token::Sign(sign @ ("//" | "%" | "<<" | ">>" | "@")) => {
                Fault::new(self.at(), format!("there is no operator `{sign}`"))
            }
            Token::Sign("&&") => fault("`&&`").with("write `&`"),
            Token::Sign("||") => fault("`||`").with("write `|`"),
            Token::Sign("=") => fault("`=`").with("a formula only computes; comparisons are written `==`"),
            Token::Sign(sign) => fault(&format!("`{sign}`")),
        }
    }
}

fn word_advice(word: &str) -> &'static str {
    match word {
        "and" => "write `(a) & (b)`",
        "or" => "write `(a) | (b)`",
        "not" => "write `~(a)`",
        "if" | "else" => "write `where(condition, a, b)`",
        _ => "formulas have operators, functions, numbers and names",
    }
}
