//! Merges actions: inverses cancel, and what lies within the bits of a matrix joins it.
//!
//! An action joins another when it is the next, or the last, on all of its bits. Matrices
//! never grow by this: wide ones cost more arithmetic than they save.

use num_complex::Complex64;

use super::action::{Action, Controls, is_identity, product};
use super::lower::bits;

/// Merges actions on `qubits` bits; returns those that are left, in order.
pub(crate) fn fuse(qubits: usize, actions: Vec<Action>) -> Vec<Action> {
    let mut merged = Merged {
        actions: Vec::with_capacity(actions.len()),
        on: vec![Vec::new(); qubits],
        global: Complex64::ONE,
    };
    for action in actions {
        merged.add(action);
    }
    merged.finish()
}

struct Merged {
    actions: Vec<Option<Action>>,
    /// For each bit the actions on it that are left, in order.
    on: Vec<Vec<usize>>,
    /// The product of phases without bits.
    global: Complex64,
}

impl Merged {
    fn add(&mut self, action: Action) {
        if let Action::Phase { mask: 0, factor } = action {
            self.global *= factor;
            return;
        }
        if let Some(before) = self.last(action.mask())
            && let Some(joined) = join(self.at(before), &action)
        {
            match joined {
                Some(joined) => self.actions[before] = Some(joined),
                None => self.remove(before),
            }
            return;
        }
        let Some(action) = self.take_predecessors(action) else {
            return;
        };
        let number = self.actions.len();
        for bit in bits(action.mask()) {
            self.on[bit].push(number);
        }
        self.actions.push(Some(action));
    }

    /// The last action on all of these bits, if it is the same one.
    fn last(&self, mask: u64) -> Option<usize> {
        let mut found = None;
        for bit in bits(mask) {
            let last = *self.on[bit].last()?;
            if *found.get_or_insert(last) != last {
                return None;
            }
        }
        found
    }

    /// Joins to a matrix the actions right before it that lie within its bits.
    fn take_predecessors(&mut self, action: Action) -> Option<Action> {
        let mask = action.mask();
        let Action::Dense {
            targets,
            controls: Controls { mask: 0, .. },
            mut matrix,
        } = action
        else {
            return Some(action);
        };
        for bit in &targets {
            while let Some(before) = self.on[*bit].last().copied() {
                let own = self.at(before).mask();
                if own & !mask != 0 || self.last(own) != Some(before) {
                    break;
                }
                matrix = product(&matrix, &self.at(before).matrix_on(&targets));
                self.remove(before);
            }
        }
        dense(&targets, matrix)
    }

    fn at(&self, number: usize) -> &Action {
        self.actions[number]
            .as_ref()
            .expect("only actions that are left are on a bit")
    }

    fn remove(&mut self, number: usize) {
        if let Some(action) = self.actions[number].take() {
            for bit in bits(action.mask()) {
                self.on[bit].retain(|other| *other != number);
            }
        }
    }

    fn finish(self) -> Vec<Action> {
        let mut actions: Vec<Action> = self.actions.into_iter().flatten().collect();
        if self.global != Complex64::ONE {
            let free = actions.iter_mut().find_map(|action| match action {
                Action::Dense {
                    controls: Controls { mask: 0, .. },
                    matrix,
                    ..
                } => Some(matrix),
                _ => None,
            });
            match free {
                Some(matrix) => matrix.iter_mut().for_each(|element| *element *= self.global),
                None => actions.push(Action::Phase {
                    mask: 0,
                    factor: self.global,
                }),
            }
        }
        actions
    }
}

/// What `first` and then `second` are together, when that is one action (or none at all).
fn join(first: &Action, second: &Action) -> Option<Option<Action>> {
    match (first, second) {
        (Action::Flip { .. }, Action::Flip { .. }) if first == second => Some(None),
        (
            Action::Phase { mask, factor },
            Action::Phase {
                mask: other,
                factor: by,
            },
        ) if mask == other => {
            let factor = factor * by;
            let left = (factor - 1.0).l1_norm() > 4.0 * f64::EPSILON;
            Some(left.then_some(Action::Phase { mask: *mask, factor }))
        }
        (
            Action::Dense {
                targets,
                controls: Controls { mask: 0, .. },
                matrix,
            },
            second,
        ) if second.mask() & !first.mask() == 0 => {
            let matrix = product(&second.matrix_on(targets), matrix);
            Some(dense(targets, matrix))
        }
        _ => None,
    }
}

/// A matrix as an action, unless it does nothing.
fn dense(targets: &[usize], matrix: Vec<Complex64>) -> Option<Action> {
    (!is_identity(&matrix)).then(|| Action::Dense {
        targets: targets.to_vec(),
        controls: Controls::default(),
        matrix,
    })
}
