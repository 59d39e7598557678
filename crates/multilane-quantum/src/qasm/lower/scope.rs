//! What names mean, and where.

use std::collections::HashMap;
use std::rc::Rc;

use super::definition::{Definition, Subroutine};
use super::value::{Group, Value};
use crate::qasm::ast::{Base, Name};
use crate::qasm::error::{Problem, QasmError, closest};

/// A type with its width computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) base: Base,
    pub(super) width: Option<usize>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Symbol {
    /// Never changes: constants, inputs, loop variables, registers.
    Fixed(Value),
    /// A variable that changes while the program is read; no value before its first assignment.
    Variable(Type, Option<Value>),
    Gate(Rc<Definition>),
    Subroutine(Rc<Subroutine>),
}

impl Symbol {
    /// How an error calls it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Fixed(value) | Self::Variable(_, Some(value)) => value.kind(),
            Self::Variable(_, None) => "a variable without a value",
            Self::Gate(_) => "a gate",
            Self::Subroutine(_) => "a subroutine",
        }
    }

    /// Whether gates and subroutines see it when it is global.
    fn is_visible_everywhere(&self) -> bool {
        match self {
            Self::Fixed(value) => !matches!(value, Value::Qubits(_) | Value::Clbits(_)),
            Self::Variable(..) => false,
            Self::Gate(_) | Self::Subroutine(_) => true,
        }
    }
}

#[derive(Debug)]
struct Entry {
    symbol: Symbol,
    /// Where it was defined; `None` for what the language or a library defines.
    line: Option<u32>,
}

#[derive(Debug, Default)]
struct Frame {
    names: HashMap<String, Entry>,
    /// Hides everything outside of it but global constants, gates and subroutines.
    wall: bool,
}

/// Blocks inside each other, the global one first.
#[derive(Debug)]
pub(super) struct Scope {
    frames: Vec<Frame>,
}

impl Scope {
    pub(super) fn new() -> Self {
        Self {
            frames: vec![Frame::default()],
        }
    }

    /// Opens a block; behind a wall, the body of a gate or a subroutine.
    pub(super) fn open(&mut self, wall: bool) {
        self.frames.push(Frame {
            names: HashMap::new(),
            wall,
        });
    }

    pub(super) fn close(&mut self) {
        self.frames.pop();
    }

    pub(super) fn is_global(&self) -> bool {
        self.frames.len() == 1
    }

    /// The visible meaning of a name.
    pub(super) fn find(&self, name: &str) -> Option<&Symbol> {
        let (global, locals) = self.frames.split_first()?;
        let mut walled = false;
        for frame in locals.iter().rev() {
            if let Some(entry) = frame.names.get(name) {
                return Some(&entry.symbol);
            }
            if frame.wall {
                walled = true;
                break;
            }
        }
        let symbol = &global.names.get(name)?.symbol;
        (!walled || symbol.is_visible_everywhere()).then_some(symbol)
    }

    /// The variable of a name, to be changed.
    pub(super) fn find_variable(&mut self, name: &str) -> Option<(Type, &mut Option<Value>)> {
        self.find(name)?;
        // Found above, so the innermost frame that has it is not behind a wall.
        let frame = (self.frames.iter_mut().rev()).find(|frame| frame.names.contains_key(name))?;
        match &mut frame.names.get_mut(name)?.symbol {
            Symbol::Variable(kind, value) => Some((*kind, value)),
            _ => None,
        }
    }

    /// Gives a name a meaning in the innermost block.
    pub(super) fn define(&mut self, name: &Name, symbol: Symbol) -> Result<(), QasmError> {
        let Some(frame) = self.frames.last_mut() else {
            return Ok(());
        };
        if let Some(old) = frame.names.get(&name.text) {
            return Err(name.place.error(Problem::Defined {
                name: name.text.clone(),
                line: old.line,
            }));
        }
        frame.names.insert(
            name.text.clone(),
            Entry {
                symbol,
                line: Some(name.place.line),
            },
        );
        Ok(())
    }

    /// Gives a name a meaning that a program of version 2 may replace.
    pub(super) fn define_from_library(&mut self, name: &str, symbol: Symbol) {
        if let Some(global) = self.frames.first_mut() {
            let entry = Entry { symbol, line: None };
            global.names.entry(name.to_owned()).or_insert(entry);
        }
    }

    /// Forgets what a library says of a name.
    pub(super) fn forget_from_library(&mut self, name: &str) {
        if let Some(global) = self.frames.first_mut()
            && global.names.get(name).is_some_and(|entry| entry.line.is_none())
        {
            global.names.remove(name);
        }
    }

    /// Gives a name a meaning in the innermost block, whatever it meant there.
    pub(super) fn bind(&mut self, name: &str, value: Value) {
        if let Some(frame) = self.frames.last_mut() {
            let entry = Entry {
                symbol: Symbol::Fixed(value),
                line: None,
            };
            frame.names.insert(name.to_owned(), entry);
        }
    }

    /// The known name nearest to one that is not known.
    pub(super) fn similar(&self, name: &str) -> Option<String> {
        let known = self.frames.iter().flat_map(|frame| frame.names.keys());
        closest(name, known.map(String::as_str).take(2000))
    }
}

/// The qubits or bits of a value that is some.
pub(super) fn group_of(value: &Value) -> Option<&Group> {
    match value {
        Value::Qubits(group) | Value::Clbits(group) => Some(group),
        _ => None,
    }
}
