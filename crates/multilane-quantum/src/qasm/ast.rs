//! What a program says, statement by statement, with places. Pure data.

use super::error::Place;

/// A name and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) place: Place,
}

/// An expression as steps for a stack machine: operands first, then what is applied to them.
///
/// Steps instead of a tree, so that a long expression is no deep one.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) steps: Vec<(Step, Place)>,
    pub(super) place: Place,
}

/// One step of an expression.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Int(u128),
    Float(f64),
    Bool(bool),
    Duration,
    /// `"0110"`.
    Bits(String),
    Name(String),
    Hardware(u32),
    /// A sign in front: `-`, `!`, `~`.
    Unary(&'static str),
    Binary(&'static str),
    /// A function and how many arguments stand before it.
    Call(String, usize),
    Cast(Kind),
    /// Takes a part of the value before it.
    Part(Index),
}

/// A classical type, with its width.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) base: Base,
    pub(super) width: Option<Box<Expression>>,
}

/// The classical types a circuit can be described with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Bit,
    Bool,
    Int,
    Uint,
    Float,
    Angle,
    Duration,
}

impl Base {
    pub(super) fn spelling(self) -> &'static str {
        match self {
            Self::Bit => "bit",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Float => "float",
            Self::Angle => "angle",
            Self::Duration => "duration",
        }
    }
}

/// What stands in brackets after a register.
#[derive(Clone, Debug)]
pub(super) enum Index {
    Item(Box<Expression>),
    Range(Box<Range>),
    Set(Vec<Expression>),
}

/// `start:step:stop`, both ends included.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) start: Option<Expression>,
    pub(super) step: Option<Expression>,
    pub(super) stop: Option<Expression>,
}

/// A register, a part of it or a qubit of the hardware.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) what: Target,
    pub(super) parts: Vec<Index>,
    pub(super) place: Place,
}

#[derive(Clone, Debug)]
pub(super) enum Target {
    Named(String),
    Hardware(u32),
}

/// What stands before a gate's name.
#[derive(Clone, Debug)]
pub(super) enum Modifier {
    Inverse,
    Power(Expression),
    /// Controls, `true` for those that wait for a one.
    Control(bool, Option<Expression>),
}

/// A gate applied to qubits, or a subroutine called as a statement.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) modifiers: Vec<Modifier>,
    pub(super) name: Name,
    pub(super) arguments: Vec<Expression>,
    pub(super) operands: Vec<Operand>,
}

/// What a loop counts through.
#[derive(Clone, Debug)]
pub(super) enum Domain {
    Range(Range),
    Set(Vec<Expression>),
    Named(Expression),
}

/// What is written to a variable.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Value(Expression),
    Measured(Operand),
}

/// A parameter of a subroutine.
#[derive(Clone, Debug)]
pub(super) struct Formal {
    pub(super) name: Name,
    pub(super) kind: FormalKind,
}

#[derive(Clone, Debug)]
pub(super) enum FormalKind {
    Classical(Kind),
    Qubits(Option<Expression>),
}

/// A statement and where it starts.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) what: What,
    pub(super) place: Place,
}

/// The statements.
#[derive(Clone, Debug)]
pub(super) enum What {
    Include(String),
    Qubits(Name, Option<Expression>),
    /// A declaration of a classical variable; bits too.
    Declare {
        constant: bool,
        kind: Kind,
        name: Name,
        value: Option<Source>,
    },
    Input(Kind, Name),
    Output(Kind, Name),
    Alias(Name, Vec<Expression>),
    Gate {
        name: Name,
        parameters: Vec<Name>,
        qubits: Vec<Name>,
        body: Vec<Statement>,
    },
    Opaque {
        name: Name,
        parameters: usize,
        qubits: usize,
    },
    Subroutine {
        name: Name,
        formals: Vec<Formal>,
        body: Vec<Statement>,
    },
    Call(Call),
    Measure(Operand, Option<Operand>),
    Reset(Operand),
    Barrier(Vec<Operand>),
    Delay(Expression, Vec<Operand>),
    /// Nothing, said about these qubits.
    Nop(Vec<Operand>),
    Box(Vec<Statement>),
    Block(Vec<Statement>),
    If {
        condition: Expression,
        then: Vec<Statement>,
        other: Vec<Statement>,
    },
    For {
        kind: Kind,
        name: Name,
        domain: Domain,
        body: Vec<Statement>,
    },
    While(Expression, Vec<Statement>),
    Switch {
        subject: Expression,
        cases: Vec<(Vec<Expression>, Vec<Statement>)>,
        default: Vec<Statement>,
    },
    Assign {
        target: Operand,
        operator: Option<&'static str>,
        value: Source,
    },
    Evaluate(Expression),
    Return(Option<Source>),
    Break,
    Continue,
    End,
}
