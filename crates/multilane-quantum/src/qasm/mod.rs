//! OpenQASM 2.0 and 3: programs into circuits, and circuits into programs.
//!
//! Reading is done in three steps: `lex` cuts the text into tokens, `parse` reads tokens into statements, and `lower`
//! writes statements out as instructions of a [`Circuit`]: gates that a program defines, loops and subroutines are
//! gone afterwards. Only the part of the languages that describes circuits is read; the rest is refused by name.
//! No text, whatever it is, makes a panic, an overflow of the stack or a circuit beyond the limit.
//!
//! Global phases, which matter under `ctrl @`, are those that [`Phases`] says. Version 2 leaves them open; there, every
//! gate is the circuit's gate of that name.

mod ast;
mod error;
mod lex;
mod lower;
mod parse;
mod print;

use crate::Circuit;

pub use error::{Problem, QasmError};
pub use print::{ExportError, to_qasm2, to_qasm3};

/// Instructions and steps of a program, at most, unless the reader is told otherwise.
pub const DEFAULT_LIMIT: u64 = 10_000_000;

/// Qubits or classical bits that a program declares under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The name; `$` for the qubits of the hardware, `_` for bits that the program does not name.
    pub name: String,
    /// The number of its first element in the circuit.
    pub start: usize,
    /// How many elements it has.
    pub size: usize,
}

/// A program that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// What it does.
    pub circuit: Circuit,
    /// Its registers of qubits, in order.
    pub qubits: Vec<Register>,
    /// Its registers of classical bits, in order.
    pub clbits: Vec<Register>,
    /// Its inputs, those that no gate uses too.
    pub inputs: Vec<String>,
}

/// Finds the text of a file that a program includes, or says why it cannot.
pub type Resolver<'r> = &'r dyn Fn(&str) -> Result<String, String>;

/// The global phases of `U`, `u2` and `u3` in version 3.
///
/// The specification changed them once, and programs of both kinds are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phases {
    /// Those of the specification: `U` has a period of `2 pi`, `u2` and `u3` have determinant one.
    #[default]
    Specification,
    /// Those of its first drafts, which Qiskit writes and reads: all three have a real first element, so that
    /// `ctrl @ U(pi, 0, pi)` is the controlled X.
    Traditional,
}

/// How programs are read.
#[derive(Clone, Copy)]
pub struct Reader<'r> {
    resolver: Option<Resolver<'r>>,
    limit: u64,
    phases: Phases,
}

impl Default for Reader<'_> {
    fn default() -> Self {
        Self {
            resolver: None,
            limit: DEFAULT_LIMIT,
            phases: Phases::default(),
        }
    }
}

impl<'r> Reader<'r> {
    /// Reads files that programs include, other than the two libraries, from here.
    #[must_use]
    pub fn resolver(mut self, resolver: Resolver<'r>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Allows so many instructions and steps when loops and gates are written out.
    #[must_use]
    pub fn limit(mut self, instructions: u64) -> Self {
        self.limit = instructions;
        self
    }

    /// Gives `U`, `u2` and `u3` of version 3 these global phases.
    #[must_use]
    pub fn phases(mut self, phases: Phases) -> Self {
        self.phases = phases;
        self
    }

    /// Reads a program of either version.
    ///
    /// ```
    /// use multilane_quantum::qasm::Reader;
    ///
    /// let text = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;";
    /// let program = Reader::default().read(text)?;
    /// assert_eq!(program.circuit.instructions().len(), 4);
    /// # Ok::<(), multilane_quantum::qasm::QasmError>(())
    /// ```
    pub fn read(&self, text: &str) -> Result<Program, QasmError> {
        lower::program(text, self)
    }
}
