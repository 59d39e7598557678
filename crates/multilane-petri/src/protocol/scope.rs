//! The net while it is put together: places by name, and places that turn out to be one.

use std::collections::HashMap;

use crate::error::PetriError;
use crate::net::{Net, Place, Process, Role, Transition, Weighted};

/// More places than this come from repetitions inside of repetitions.
const MOST_PLACES: usize = 20_000;

/// Places, transitions, and which places are the same.
#[derive(Default)]
pub(super) struct Scope {
    places: Vec<Place>,
    by_name: HashMap<String, usize>,
    /// The place each one is, when it turned out to be another.
    same: Vec<usize>,
    pub(super) transitions: Vec<Transition>,
    pub(super) processes: Vec<Process>,
    pub(super) ends: Vec<Weighted>,
}

/// One token of a place.
pub(super) fn one(place: usize) -> Weighted {
    Weighted { place, count: 1 }
}

impl Scope {
    /// The place with that name, made when it is first asked for.
    pub(super) fn shared(&mut self, name: String, tokens: u32, role: Role) -> usize {
        if let Some(place) = self.by_name.get(&name) {
            return *place;
        }
        let place = self.push(Place {
            name: name.clone(),
            tokens,
            at_most: None,
            role,
        });
        self.by_name.insert(name, place);
        place
    }

    /// A new place for where a thread is.
    pub(super) fn location(&mut self, process: usize, line: usize) -> Result<usize, PetriError> {
        if self.places.len() >= MOST_PLACES {
            return Err(PetriError::syntax(
                line,
                format!("the protocol has more than {MOST_PLACES} steps"),
                "repeat less often: a few times show the same",
            ));
        }
        Ok(self.push(Place {
            role: Role::Location(process),
            ..Place::default()
        }))
    }

    fn push(&mut self, place: Place) -> usize {
        self.same.push(self.places.len());
        self.places.push(place);
        self.places.len() - 1
    }

    pub(super) fn place(&mut self, place: usize) -> &mut Place {
        let place = self.resolve(place);
        &mut self.places[place]
    }

    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The first of the places that are the same.
    pub(super) fn resolve(&self, place: usize) -> usize {
        let mut place = place;
        while self.same[place] != place {
            place = self.same[place];
        }
        place
    }

    /// Makes one place of two.
    pub(super) fn unite(&mut self, place: usize, with: usize) {
        let (place, with) = (self.resolve(place), self.resolve(with));
        self.same[place] = with;
    }

    /// Adds a step of processes.
    pub(super) fn step(&mut self, processes: &[usize], transition: Transition) {
        for process in processes {
            self.processes[*process].transitions.push(self.transitions.len());
        }
        self.transitions.push(transition);
    }

    /// The net, without the places that nothing uses.
    pub(super) fn finish(mut self) -> Net {
        let mut used = vec![false; self.places.len()];
        for number in 0..self.transitions.len() {
            let mut transition = std::mem::take(&mut self.transitions[number]);
            for weighted in transition.takes.iter_mut().chain(&mut transition.gives) {
                weighted.place = self.resolve(weighted.place);
                used[weighted.place] = true;
            }
            self.transitions[number] = transition;
        }
        for (number, (place, used)) in self.places.iter().zip(&mut used).enumerate() {
            let kept = place.tokens > 0 || !matches!(place.role, Role::Location(_));
            *used = (*used || kept) && self.same[number] == number;
        }
        // Steps were made from the last to the first.
        let mut numbers = HashMap::<usize, usize>::new();
        for place in (0..self.places.len()).rev().filter(|place| used[*place]) {
            if let Role::Location(process) = self.places[place].role {
                let number = numbers.entry(process).or_default();
                *number += 1;
                self.places[place].name = format!("{}@{number}", self.processes[process].name);
            }
        }
        let mut new = vec![0; self.places.len()];
        let mut places = Vec::new();
        for (place, used) in used.iter().enumerate() {
            if *used {
                new[place] = places.len();
                places.push(std::mem::take(&mut self.places[place]));
            }
        }
        for transition in &mut self.transitions {
            for weighted in transition.takes.iter_mut().chain(&mut transition.gives) {
                weighted.place = new[weighted.place];
            }
        }
        for process in &mut self.processes {
            if let crate::net::Rest::At(at) = &mut process.rest {
                for place in at {
                    *place = new[*place];
                }
            }
        }
        for end in &mut self.ends {
            end.place = new[end.place];
        }
        Net {
            places,
            transitions: self.transitions,
            processes: self.processes,
            ends: self.ends,
        }
    }
}
