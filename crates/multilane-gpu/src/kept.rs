//! What kernels need and runs leave unchanged: inputs, compiled code, what is right.
//!
//! A sweep comes back to each of its kernels many times, in random order. Making the inputs of a large one takes many
//! times as long as a run of it, so they are kept from one load to the next.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{GpuError, Kernel};

/// More kernels than a sweep has; beyond them, that which was used longest ago is made again.
const MOST: usize = 16;

/// Things made once for a kernel.
pub(crate) struct Kept<T>(Mutex<Vec<(Kernel, Arc<T>)>>);

impl<T> Kept<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Gives what was kept for a kernel, or makes it.
    pub(crate) fn of(&self, kernel: Kernel, make: impl FnOnce() -> Result<T, GpuError>) -> Result<Arc<T>, GpuError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match kept.iter().position(|(known, _)| *known == kernel) {
            Some(place) => kept.remove(place).1,
            None => Arc::new(make()?),
        };
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push((kernel, Arc::clone(&found)));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_made_once_until_many_others_were() {
        let kept = Kept::new();
        let of = |elements, made| *kept.of(Kernel::Triad { elements }, || Ok(made)).unwrap();
        assert_eq!((of(1, "first"), of(1, "second")), ("first", "first"));
        for elements in 2..=MOST as u32 {
            of(elements, "another");
        }
        // Used again, it is the latest; the next ones push out others first.
        assert_eq!(of(1, "third"), "first");
        assert_eq!(
            (of(100, "new"), of(1, "fourth"), of(2, "again")),
            ("new", "first", "again")
        );
    }

    #[test]
    fn what_cannot_be_made_is_tried_again() {
        let kept = Kept::new();
        assert_eq!(
            kept.of(Kernel::Nothing, || Err(GpuError::Stopped)),
            Err(GpuError::Stopped)
        );
        assert_eq!(kept.of(Kernel::Nothing, || Ok(1)).as_deref(), Ok(&1));
    }
}
