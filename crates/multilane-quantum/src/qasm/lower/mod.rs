//! Turn statements into the instructions of a circuit: names, constants and loops are done with here.
//!
//! Nothing here recurses deeper than [`MAX_LEVELS`], and nothing takes more steps than its caller allows, whatever the
//! program is.

mod apply;
mod arithmetic;
mod classical;
mod define;
mod definition;
mod evaluate;
mod flow;
mod library;
mod modify;
mod operand;
mod power;
mod quantum;
mod scope;
mod statement;
mod test;
mod value;

use std::rc::Rc;

use super::error::{Place, Problem, QasmError};
use super::parse::{Parser, Version};
use super::{Phases, Program, Reader, Register};
use crate::{Circuit, Instruction, MAX_CLBITS, MAX_QUBITS, Operation, QuantumError};
use definition::Definition;
use scope::{Scope, Symbol};
use statement::Flow;
use test::Test;

/// Blocks, gates and subroutines inside each other while a program is written out, at most.
const MAX_LEVELS: usize = 150;

/// Files that include each other, at most.
const MAX_INCLUDES: usize = 20;

/// What a program is so far.
struct Lowering<'r> {
    reader: &'r Reader<'r>,
    version: Version,
    scope: Scope,
    instructions: Vec<Instruction>,
    qubits: Vec<Register>,
    clbits: Vec<Register>,
    qubit_count: usize,
    clbit_count: usize,
    inputs: Vec<String>,
    /// Whether the program speaks of `$0` and the like instead of registers.
    hardware: bool,
    /// Files that were included.
    files: Vec<String>,
    including: usize,
    steps: u64,
    level: usize,
    /// What has to hold for the next instruction to be done.
    condition: Option<Test>,
    /// Bits that were measured since the condition was looked at.
    overwritten: Vec<usize>,
    /// The gates that are being written out or checked, the innermost last.
    gates: Vec<Rc<Definition>>,
    /// Where the innermost gate that is being written out began.
    body_start: usize,
    /// Subroutines that are being written out.
    calls: usize,
}

/// Reads a whole program.
pub(super) fn program(text: &str, reader: &Reader<'_>) -> Result<Program, QasmError> {
    let mut lowering = Lowering {
        reader,
        version: Version::Three,
        scope: Scope::new(),
        instructions: Vec::new(),
        qubits: Vec::new(),
        clbits: Vec::new(),
        qubit_count: 0,
        clbit_count: 0,
        inputs: Vec::new(),
        hardware: false,
        files: Vec::new(),
        including: 0,
        steps: 0,
        level: 0,
        condition: None,
        overwritten: Vec::new(),
        gates: Vec::new(),
        body_start: 0,
        calls: 0,
    };
    match lowering.text(text, 0, None) {
        Ok(_) => lowering.finish(),
        Err(error) => Err(error.in_files(&lowering.files)),
    }
}

impl Lowering<'_> {
    /// Reads one text, statement by statement.
    fn text(&mut self, text: &str, file: u32, includer: Option<Version>) -> Result<Flow, QasmError> {
        let mut parser = Parser::new(text, file, includer)?;
        if includer.is_none() {
            self.version = parser.version();
            for native in library::builtin(self.version, self.reader.phases) {
                let definition = Symbol::Gate(Rc::new(Definition::native(native)));
                self.scope.define_from_library(native.name, definition);
            }
        }
        while let Some(statement) = parser.next_statement()? {
            match self.statement(&statement)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// Reads a library or a file.
    fn include(&mut self, file: &str, place: Place) -> Result<Flow, QasmError> {
        if !self.scope.is_global() {
            return Err(place.error(Problem::Misplaced {
                what: "`include`",
                place: "inside a block",
                advice: "include files at the program's beginning",
            }));
        }
        let refused = |reason: String| {
            place.error(Problem::Include {
                file: file.to_owned(),
                reason,
            })
        };
        match (file, self.version) {
            ("qelib1.inc", _) => self.library(library::qelib1()),
            ("stdgates.inc", Version::Three) => self.library(library::stdgates(self.reader.phases)),
            ("stdgates.inc", Version::Two) => {
                return Err(refused(
                    "its gates are those of OpenQASM 3, and this program says it is of version 2".to_owned(),
                ));
            }
            _ => {
                let Some(resolver) = self.reader.resolver else {
                    return Err(refused("no files are read here".to_owned()));
                };
                if self.including == MAX_INCLUDES {
                    return Err(refused(format!("more than {MAX_INCLUDES} files include each other")));
                }
                self.step(1, place)?;
                let text = resolver(file).map_err(refused)?;
                self.files.push(file.to_owned());
                self.including += 1;
                let flow = self.text(&text, self.files.len() as u32, Some(self.version));
                self.including -= 1;
                return flow;
            }
        }
        Ok(Flow::Next)
    }

    fn library(&mut self, gates: impl Iterator<Item = &'static library::Native>) {
        for native in gates {
            let definition = Symbol::Gate(Rc::new(Definition::native(native)));
            self.scope.define_from_library(native.name, definition);
        }
    }

    /// Counts what is done, so that no small program makes a circuit without end.
    fn step(&mut self, count: u64, place: Place) -> Result<(), QasmError> {
        self.steps = self.steps.saturating_add(count);
        let limit = self.reader.limit;
        if self.steps > limit {
            let what = "instructions and steps";
            return Err(place.error(Problem::TooLong { what, limit }));
        }
        Ok(())
    }

    /// Runs `work` one level deeper.
    fn deeper<T>(
        &mut self,
        place: Place,
        work: impl FnOnce(&mut Self) -> Result<T, QasmError>,
    ) -> Result<T, QasmError> {
        if self.level == MAX_LEVELS {
            return Err(place.error(Problem::TooDeep { limit: MAX_LEVELS }));
        }
        self.level += 1;
        let result = work(self);
        self.level -= 1;
        result
    }

    /// Adds an instruction, under the condition that stands.
    fn emit(&mut self, operation: Operation, place: Place) -> Result<(), QasmError> {
        let mentioned = match &operation {
            Operation::Gate { controls, targets, .. } => controls.len() + targets.len(),
            Operation::Barrier { qubits } => qubits.len(),
            _ => 1,
        };
        self.step(1 + mentioned as u64 / 8, place)?;
        let condition = match &self.condition {
            None => None,
            Some(test) => {
                if self.overwritten.iter().any(|clbit| test.reads(*clbit)) {
                    return Err(place.error(Problem::Unsupported {
                        what: "a statement after its own condition was measured anew".to_owned(),
                        advice: "measure into another bit, or put the statement before the measurement".to_owned(),
                    }));
                }
                Some(test.condition().ok_or_else(|| {
                    place.error(Problem::Unsupported {
                        what: format!("a condition on {} bits", test.width()),
                        advice: "compare at most 64 bits, for instance in a register of their own".to_owned(),
                    })
                })?)
            }
        };
        // In version 2 each measurement of a register looks at the condition by itself.
        if let Operation::Measure { clbit, .. } = &operation
            && condition.is_some()
            && self.version == Version::Three
        {
            self.overwritten.push(*clbit);
        }
        self.instructions.push(Instruction { operation, condition });
        Ok(())
    }

    /// Makes room for a register of qubits.
    fn add_qubits(&mut self, name: &str, size: usize, place: Place) -> Result<std::ops::Range<usize>, QasmError> {
        let start = self.qubit_count;
        let total = start.saturating_add(size);
        if total > MAX_QUBITS {
            return Err(refused(QuantumError::TooManyQubits { qubits: total }, place));
        }
        self.qubit_count = total;
        self.qubits.push(Register {
            name: name.to_owned(),
            start,
            size,
        });
        Ok(start..total)
    }

    /// Makes room for a register of classical bits.
    fn add_clbits(&mut self, name: &str, size: usize, place: Place) -> Result<std::ops::Range<usize>, QasmError> {
        let start = self.clbit_count;
        let total = start.saturating_add(size);
        if total > MAX_CLBITS {
            return Err(refused(QuantumError::TooManyClbits { clbits: total }, place));
        }
        self.step(1 + size as u64 / 64, place)?;
        self.clbit_count = total;
        self.clbits.push(Register {
            name: name.to_owned(),
            start,
            size,
        });
        Ok(start..total)
    }

    fn finish(self) -> Result<Program, QasmError> {
        let whole = Place {
            file: 0,
            line: 1,
            column: 1,
        };
        let mut circuit = Circuit::new(self.qubit_count, self.clbit_count).map_err(|error| refused(error, whole))?;
        for instruction in self.instructions {
            circuit.push(instruction).map_err(|error| refused(error, whole))?;
        }
        Ok(Program {
            circuit,
            qubits: self.qubits,
            clbits: self.clbits,
            inputs: self.inputs,
        })
    }
}

/// What the circuit has against something.
fn refused(error: QuantumError, place: Place) -> QasmError {
    place.error(Problem::Circuit {
        problem: error.to_string(),
        advice: error.hint(),
    })
}

/// Whether a gate of `stdgates.inc` or the language is called so.
pub(super) fn is_library_gate(name: &str) -> bool {
    library::stdgates(Phases::Specification)
        .chain(library::builtin(Version::Three, Phases::Specification))
        .any(|native| native.name == name)
}
