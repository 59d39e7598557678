//! Lowers gates to actions: diagonal gates to phases, X to flips, the others to matrices.
//!
//! Swaps are no actions: they rename qubits. Names at the end have to be those of the
//! circuit, so the renaming happens at the start, where all qubits are 0 alike.

use num_complex::Complex64;

use super::action::{Action, Controls, Matrix};
use crate::circuit::{Control, Gate};
use crate::error::QuantumError;

/// Diagonals with more negative controls than this flip those controls instead.
const EXPANDED_CONTROLS: usize = 4;

/// Makes actions of gates, in order.
pub(crate) struct Lowering {
    actions: Vec<Action>,
    /// For each qubit the wire it is on.
    wires: Vec<usize>,
    rename: bool,
}

/// Makes actions of `gates` on `qubits` qubits. With `rename`, all qubits are 0 at the
/// start and swaps cost nothing.
pub(crate) fn lower<'a>(
    qubits: usize,
    gates: impl IntoIterator<Item = (&'a Gate, &'a [Control], &'a [usize])>,
    rename: bool,
) -> Result<Vec<Action>, QuantumError> {
    let mut lowering = Lowering {
        actions: Vec::new(),
        wires: (0..qubits).collect(),
        rename,
    };
    for (gate, controls, targets) in gates {
        lowering.gate(gate, controls, targets)?;
    }
    Ok(lowering.finish())
}

impl Lowering {
    fn gate(&mut self, gate: &Gate, controls: &[Control], targets: &[usize]) -> Result<(), QuantumError> {
        if *gate == Gate::Swap {
            self.swap(controls, targets[0], targets[1]);
            return Ok(());
        }
        let controls = self.controls(controls);
        let targets: Vec<usize> = targets.iter().map(|qubit| self.wires[*qubit]).collect();
        if *gate == Gate::X {
            self.actions.push(Action::Flip {
                target: targets[0],
                controls,
            });
            return Ok(());
        }
        let matrix = gate
            .matrix()
            .ok_or_else(|| QuantumError::UnboundParameter { name: unbound(gate) })?;
        let size = 1usize << targets.len();
        let diagonal = (0..size * size).all(|at| at / size == at % size || matrix[at] == Complex64::ZERO);
        if diagonal {
            let elements = (0..size).map(|row| matrix[row * size + row]).collect();
            self.diagonal(elements, controls, &targets);
        } else {
            self.actions.push(Action::Dense {
                targets,
                controls,
                matrix,
            });
        }
        Ok(())
    }

    fn controls(&self, controls: &[Control]) -> Controls {
        controls.iter().fold(Controls::default(), |all, control| {
            let bit = 1 << self.wires[control.qubit];
            Controls {
                mask: all.mask | bit,
                value: all.value | if control.positive { bit } else { 0 },
            }
        })
    }

    fn swap(&mut self, controls: &[Control], first: usize, second: usize) {
        if controls.is_empty() && self.rename {
            return self.wires.swap(first, second);
        }
        let own = self.controls(controls);
        let (first, second) = (self.wires[first], self.wires[second]);
        let outer = Action::Flip {
            target: first,
            controls: Controls {
                mask: 1 << second,
                value: 1 << second,
            },
        };
        let inner = Action::Flip {
            target: second,
            controls: Controls {
                mask: own.mask | 1 << first,
                value: own.value | 1 << first,
            },
        };
        self.actions.extend([outer.clone(), inner, outer]);
    }

    /// A diagonal as phases: the factor of each set of bits is what its subsets leave over.
    fn diagonal(&mut self, mut elements: Matrix, controls: Controls, targets: &[usize]) {
        for bit in 0..targets.len() {
            for row in 0..elements.len() {
                if row >> bit & 1 == 1 {
                    let before = elements[row ^ 1 << bit];
                    elements[row] /= before;
                }
            }
        }
        let negative = controls.mask & !controls.value;
        if negative.count_ones() as usize > EXPANDED_CONTROLS {
            let flips: Vec<Action> = bits(negative)
                .map(|target| Action::Flip {
                    target,
                    controls: Controls::default(),
                })
                .collect();
            self.actions.extend(flips.iter().cloned());
            self.phases(&elements, controls.mask, 0, targets);
            self.actions.extend(flips);
        } else {
            self.phases(&elements, controls.value, negative, targets);
        }
    }

    fn phases(&mut self, factors: &Matrix, positive: u64, negative: u64, targets: &[usize]) {
        for (row, factor) in factors.iter().enumerate() {
            if *factor == Complex64::ONE {
                continue;
            }
            let own = targets.iter().enumerate().filter(|(place, _)| row >> place & 1 == 1);
            let mask = own.fold(positive, |mask, (_, bit)| mask | 1 << bit);
            // A bit that has to be 0 is always, less where it is 1.
            let mut subset = 0u64;
            loop {
                let factor = if subset.count_ones().is_multiple_of(2) {
                    *factor
                } else {
                    factor.inv()
                };
                self.actions.push(Action::Phase {
                    mask: mask | subset,
                    factor,
                });
                subset = subset.wrapping_sub(negative) & negative;
                if subset == 0 {
                    break;
                }
            }
        }
    }

    /// Gives every wire the name of the qubit that ends on it.
    fn finish(self) -> Vec<Action> {
        let mut names = vec![0; self.wires.len()];
        for (qubit, wire) in self.wires.iter().enumerate() {
            names[*wire] = qubit;
        }
        let renamed = |mask: u64| bits(mask).fold(0, |all, wire| all | 1u64 << names[wire]);
        let all = |controls: Controls| Controls {
            mask: renamed(controls.mask),
            value: renamed(controls.value),
        };
        let rename = |action| match action {
            Action::Dense {
                targets,
                controls,
                matrix,
            } => Action::Dense {
                targets: targets.iter().map(|wire| names[*wire]).collect(),
                controls: all(controls),
                matrix,
            },
            Action::Flip { target, controls } => Action::Flip {
                target: names[target],
                controls: all(controls),
            },
            Action::Phase { mask, factor } => Action::Phase {
                mask: renamed(mask),
                factor,
            },
        };
        self.actions.into_iter().map(rename).collect()
    }
}

/// The bits that are 1.
pub(super) fn bits(mask: u64) -> impl Iterator<Item = usize> {
    (0..u64::BITS as usize).filter(move |bit| mask >> bit & 1 == 1)
}

fn unbound(gate: &Gate) -> String {
    let mut names = Vec::new();
    for angle in gate.angles() {
        angle.collect(&mut names);
    }
    names.first().cloned().unwrap_or_default()
}
