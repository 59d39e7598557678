//! Names of nodes that are not their numbers.
//!
//! A node's number is the place at which its name first stands in the file: every block numbers its own names,
//! and blocks are joined in order, so that the numbers are the same at any number of lanes.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::MAX_NODES;

/// Names by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: Vec<u8>,
    /// Where each name ends in the text.
    ends: Vec<usize>,
}

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The name of a node.
    pub fn get(&self, node: usize) -> Option<&str> {
        let end = *self.ends.get(node)?;
        str::from_utf8(&self.text[self.start(node)..end]).ok()
    }

    /// All names, by number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|node| self.get(node).expect("names are checked when they are read"))
    }

    /// All names as integers, when every one is one.
    pub fn integers(&self) -> Option<Vec<i64>> {
        self.iter().map(|name| name.parse().ok()).collect()
    }

    fn start(&self, node: usize) -> usize {
        if node == 0 { 0 } else { self.ends[node - 1] }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> u64 {
        (self.text.capacity() + self.ends.capacity() * size_of::<usize>()) as u64
    }

    fn raw(&self, node: usize) -> &[u8] {
        &self.text[self.start(node)..self.ends[node]]
    }
}

/// Names with a way back to their numbers.
pub(super) struct Interner {
    names: Names,
    /// Numbers plus one, at the places that hashes of names say or the next free ones; 0 is free.
    slots: Vec<u32>,
    hasher: RandomState,
}

impl Interner {
    pub(super) fn new() -> Self {
        Self {
            names: Names::default(),
            slots: vec![0; 64],
            hasher: RandomState::new(),
        }
    }

    /// The number of a name, and whether the name is new; none when there are more than a graph has nodes.
    pub(super) fn number(&mut self, name: &[u8]) -> Option<(u32, bool)> {
        if self.names.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mut place = self.place(name);
        loop {
            match self.slots[place] {
                0 => {
                    let number = u32::try_from(self.names.len())
                        .ok()
                        .filter(|&number| (number as usize) < MAX_NODES)?;
                    self.names.text.extend_from_slice(name);
                    self.names.ends.push(self.names.text.len());
                    self.slots[place] = number + 1;
                    return Some((number, true));
                }
                known if self.names.raw(known as usize - 1) == name => return Some((known - 1, false)),
                _ => place = (place + 1) & (self.slots.len() - 1),
            }
        }
    }

    pub(super) fn into_names(self) -> Names {
        self.names
    }

    fn place(&self, name: &[u8]) -> usize {
        self.hasher.hash_one(name) as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 4];
        for number in 0..self.names.len() {
            let mut place = self.place(self.names.raw(number));
            while self.slots[place] != 0 {
                place = (place + 1) & (self.slots.len() - 1);
            }
            self.slots[place] = number as u32 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_first_mention() {
        let mut interner = Interner::new();
        let words: Vec<String> = (0..1000).map(|i| format!("w{}", i * i % 271)).collect();
        let mut known: Vec<&str> = Vec::new();
        for word in &words {
            let expect = known.iter().position(|other| other == word);
            let new = expect.is_none();
            if new {
                known.push(word);
            }
            assert_eq!(
                interner.number(word.as_bytes()),
                Some((expect.unwrap_or(known.len() - 1) as u32, new))
            );
        }
        let names = interner.into_names();
        assert!(names.iter().eq(known));
        assert_eq!(names.get(names.len()), None);
    }
}
