//! Gates made ready once, to change registers in any state.

use super::program::{applied, ready};
use super::{Options, Precision};
use crate::circuit::Circuit;
use crate::error::QuantumError;
use crate::passes;
use crate::schedule::{Compiled, Sweep};

/// Gates that are always done, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Block(pub(super) Form);

#[derive(Clone, Debug)]
pub(super) enum Form {
    F32(Compiled<f32>),
    F64(Compiled<f64>),
}

impl Block {
    /// Makes the gates of a circuit ready; what else it holds is left out.
    pub(crate) fn new(circuit: &Circuit, options: &Options) -> Result<Self, QuantumError> {
        let mut circuit = circuit.clone();
        if options.optimize {
            passes::prepare_anywhere(&mut circuit);
        }
        let qubits = circuit.qubits();
        let gates = circuit.instructions().iter().filter_map(applied).collect();
        Ok(Self(match options.precision {
            Precision::F32 => Form::F32(ready(qubits, gates, options, false)?),
            Precision::F64 => Form::F64(ready(qubits, gates, options, false)?),
        }))
    }

    /// How exact the amplitudes of its registers are.
    pub(crate) fn precision(&self) -> Precision {
        match &self.0 {
            Form::F32(_) => Precision::F32,
            Form::F64(_) => Precision::F64,
        }
    }

    /// What each of its passes over memory does.
    pub(crate) fn sweeps(&self) -> Vec<Sweep> {
        match &self.0 {
            Form::F32(compiled) => compiled.sweeps(),
            Form::F64(compiled) => compiled.sweeps(),
        }
    }
}
