//! Gates and subroutines as they are known while a program is read.

use std::collections::HashMap;
use std::rc::Rc;

use super::library::Native;
use crate::qasm::ast::{Formal, Statement};

/// A gate that has been defined.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) parameters: usize,
    pub(super) qubits: usize,
    pub(super) meaning: Meaning,
    /// How many definitions stand inside each other in it, itself included.
    pub(super) level: usize,
}

/// What a gate does.
#[derive(Debug)]
pub(super) enum Meaning {
    Native(&'static Native),
    /// Nobody knows.
    Opaque,
    Body(Body),
}

/// A gate made of others.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) parameters: Vec<String>,
    pub(super) qubits: Vec<String>,
    pub(super) statements: Rc<[Statement]>,
    /// What the gates in it meant where it was defined, so that none can come to mean the gate itself.
    pub(super) callees: HashMap<String, Rc<Definition>>,
}

impl Definition {
    pub(super) fn native(native: &'static Native) -> Self {
        Self {
            name: native.name.to_owned(),
            parameters: native.parameters,
            qubits: native.qubits,
            meaning: Meaning::Native(native),
            level: 1,
        }
    }
}

/// A subroutine, written out wherever it is called.
#[derive(Debug)]
pub(super) struct Subroutine {
    pub(super) name: String,
    pub(super) formals: Vec<Formal>,
    pub(super) body: Rc<[Statement]>,
}
