//! Buckets of one lane: nodes by their distance, the near ones sorted, the far ones in one heap.
//!
//! Nothing is taken out when a node gets nearer; who empties a bucket leaves out what has moved on.

/// How many buckets are open; what lies beyond waits unsorted.
const OPEN: usize = 256;

/// Nodes by bucket.
pub(super) struct Buckets {
    /// The number of the first open bucket.
    base: u64,
    open: Vec<Vec<u32>>,
    /// Open buckets before this one are empty.
    low: usize,
    far: Vec<u32>,
}

impl Buckets {
    pub(super) fn new() -> Self {
        Self {
            base: 0,
            open: (0..OPEN).map(|_| Vec::new()).collect(),
            low: 0,
            far: Vec::new(),
        }
    }

    /// The number of the first open bucket.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Puts a node into a bucket, which is not before the one that is emptied now.
    #[inline]
    pub(super) fn put(&mut self, bucket: u64, node: u32) {
        let place = (bucket - self.base) as usize;
        match self.open.get_mut(place) {
            Some(open) => {
                open.push(node);
                // Other lanes may have decided on a nearer bucket than this lane's first.
                self.low = self.low.min(place);
            }
            None => self.far.push(node),
        }
    }

    /// The nodes of an open bucket, to be taken out.
    pub(super) fn take(&mut self, bucket: u64) -> &mut Vec<u32> {
        &mut self.open[(bucket - self.base) as usize]
    }

    /// The first open bucket with nodes.
    pub(super) fn first(&mut self) -> Option<u64> {
        self.low += self.open[self.low..].iter().position(|nodes| !nodes.is_empty())?;
        Some(self.base + self.low as u64)
    }

    /// The nearest bucket of the far nodes that did not move to an open one, where `place` says how far each is now.
    pub(super) fn nearest_far(&mut self, place: &impl Fn(u32) -> u64) -> Option<u64> {
        let closed = self.base + OPEN as u64;
        self.far.retain(|&node| place(node) >= closed);
        self.far.iter().map(|&node| place(node)).min()
    }

    /// Opens the buckets from `base` on, when all open ones are empty.
    pub(super) fn reopen(&mut self, base: u64, place: &impl Fn(u32) -> u64) {
        self.base = base;
        self.low = 0;
        for node in std::mem::take(&mut self.far) {
            self.put(place(node), node);
        }
    }
}
