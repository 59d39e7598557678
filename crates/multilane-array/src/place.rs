//! Where the elements of a program's values lie while it runs.

/// A place of a program; an index.
pub(crate) type PlaceId = usize;

/// Memory that elements are read from or written to.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Place {
    /// The first element: of the whole array, or of a block that is used again and again.
    pub(crate) base: *mut u8,
    /// All ones when the place goes along with the elements, 0 when it stays.
    pub(crate) moves: usize,
}

impl Place {
    /// Memory that stays where it is.
    pub(crate) const fn fixed(base: *mut u8) -> Self {
        Self { base, moves: 0 }
    }

    /// Memory of a whole array.
    pub(crate) const fn moving(base: *mut u8) -> Self {
        Self {
            base,
            moves: usize::MAX,
        }
    }

    /// Where the element at an offset in bytes is.
    #[inline(always)]
    pub(crate) fn at(self, offset: usize) -> *mut u8 {
        self.base.wrapping_add(offset & self.moves)
    }
}

/// Gives out temporary places and takes them back.
#[derive(Debug)]
pub(crate) struct Slots {
    start: PlaceId,
    free: Vec<PlaceId>,
    most: usize,
}

impl Slots {
    /// Temporary places start at an index.
    pub(crate) fn new(start: PlaceId) -> Self {
        Self {
            start,
            free: Vec::new(),
            most: 0,
        }
    }

    /// A place that is not in use.
    pub(crate) fn take(&mut self) -> PlaceId {
        self.free.pop().unwrap_or_else(|| {
            self.most += 1;
            self.start + self.most - 1
        })
    }

    /// Takes a place back; places that are not temporary stay as they are.
    pub(crate) fn release(&mut self, place: PlaceId) {
        if place >= self.start {
            self.free.push(place);
        }
    }

    /// How many places there ever were.
    pub(crate) fn most(&self) -> usize {
        self.most
    }
}
