//! Memory that is reached at random places: in huge pages where the system has them.
//!
//! Only asks the system; whether it agrees changes nothing but the time.

/// Bytes of a huge page.
const HUGE: usize = 2 << 20;

/// A vector with `len` elements, in huge pages when it is large.
pub(crate) fn room<T>(len: usize, element: impl FnMut() -> T) -> Vec<T> {
    let mut room = Vec::with_capacity(len);
    advise(&mut room);
    room.resize_with(len, element);
    room
}

/// Asks for huge pages under the whole ones of a vector's memory, before it is first touched.
pub(crate) fn advise<T>(room: &mut Vec<T>) {
    let start = room.as_mut_ptr() as usize;
    let end = start + room.capacity() * size_of::<T>();
    let first = start.next_multiple_of(HUGE);
    if end < first + HUGE {
        return;
    }
    // SAFETY: the range lies inside the vector's own memory, and advice does not change what is in it.
    let _ = unsafe { rustix::mm::madvise(first as *mut _, end - first, rustix::mm::Advice::LinuxHugepage) };
}
