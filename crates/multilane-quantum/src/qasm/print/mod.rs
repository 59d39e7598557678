//! Circuits as OpenQASM programs that read back as the same circuits.

mod angle;
mod matrix;
mod version_2;
mod version_3;

pub use version_2::to_qasm2;
pub use version_3::to_qasm3;

/// Why a circuit cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The language has no words for an instruction.
    #[error("instruction {index}: OpenQASM {version} cannot say {what}")]
    Unsayable {
        /// The instruction, from 0.
        index: usize,
        /// `2.0` or `3.0`.
        version: &'static str,
        /// What it cannot say.
        what: String,
    },
    /// A parameter's name is none that the language takes.
    #[error("`{name}` is not a name in OpenQASM {version}")]
    Name {
        /// The parameter.
        name: String,
        /// `2.0` or `3.0`.
        version: &'static str,
    },
}

impl ExportError {
    /// What the user can do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unsayable { version: "2.0", .. } => {
                "write OpenQASM 3, or replace the instruction by gates of `qelib1.inc`".to_owned()
            }
            Self::Unsayable { .. } => "replace the instruction by gates of `stdgates.inc`".to_owned(),
            Self::Name { .. } => {
                "rename the parameter: letters, digits and `_`, no digit first, and no word or gate of the language"
                    .to_owned()
            }
        }
    }
}

/// `q[1], q[0]`.
fn qubits(numbers: impl IntoIterator<Item = usize>) -> String {
    let names: Vec<String> = numbers.into_iter().map(|qubit| format!("q[{qubit}]")).collect();
    names.join(", ")
}
