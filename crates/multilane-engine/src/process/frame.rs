//! How a message names the shared memory it refers to.
//!
//! A message is a count, that many references, and the encoded value. The value
//! refers to its buffers by their position among the references.

/// One piece of shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Region it lies in.
    pub region: u32,
    /// See the associated constants.
    pub flags: u32,
    /// Offset in the region.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

impl Reference {
    /// The receiver sees the very memory and must not write.
    pub const READ_ONLY: u32 = 1;
    /// The memory was filled for this message alone, so all of it will be read.
    pub const FRESH: u32 = 2;
    /// Above this bit stands the edition of a block that many messages refer to: it
    /// changes when the same memory comes to hold something else.
    pub const EDITION_SHIFT: u32 = 8;
    const BYTES: usize = 24;
}

/// Writes the references before a value.
pub fn write(references: &[Reference], into: &mut Vec<u8>) {
    into.extend_from_slice(&(references.len() as u32).to_le_bytes());
    for r in references {
        into.extend_from_slice(&r.region.to_le_bytes());
        into.extend_from_slice(&r.flags.to_le_bytes());
        into.extend_from_slice(&r.offset.to_le_bytes());
        into.extend_from_slice(&r.len.to_le_bytes());
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

/// Splits a message; `None` when it is not one.
pub fn parse(mut bytes: &[u8]) -> Option<(Vec<Reference>, &[u8])> {
    let count = u32::from_le_bytes(take(&mut bytes)?) as usize;
    if count == 0 {
        return Some((Vec::new(), bytes));
    }
    if count > bytes.len() / Reference::BYTES {
        return None;
    }
    let mut references = Vec::with_capacity(count);
    for _ in 0..count {
        references.push(Reference {
            region: u32::from_le_bytes(take(&mut bytes)?),
            flags: u32::from_le_bytes(take(&mut bytes)?),
            offset: u64::from_le_bytes(take(&mut bytes)?),
            len: u64::from_le_bytes(take(&mut bytes)?),
        });
    }
    Some((references, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn survives_a_round_trip(
            pieces in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u64>(), any::<u64>()), 0..8),
            value in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let references: Vec<Reference> = pieces.into_iter()
                .map(|(region, flags, offset, len)| Reference { region, flags, offset, len }).collect();
            let mut bytes = Vec::new();
            write(&references, &mut bytes);
            bytes.extend_from_slice(&value);
            prop_assert_eq!(parse(&bytes), Some((references, &value[..])));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
