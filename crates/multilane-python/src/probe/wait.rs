//! Where the interpreter keeps its state: a thread that waits for a futex in there waits for the interpreter lock.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem, ptr,
};

use multilane_lab::signals::Runtime;

/// Where this process keeps the interpreter's state; nothing where the C library
/// or the interpreter's build does not say.
pub(crate) fn runtime() -> Option<Runtime> {
    let state = symbol(c"_PyRuntime")?;
    // Not every C library has it, so it is looked up instead of linked.
    let describe = symbol(c"dladdr1")?;
    // SAFETY: glibc declares `dladdr1` with exactly this signature.
    let describe: DescribeAddress = unsafe { mem::transmute::<*mut c_void, DescribeAddress>(describe) };
    // SAFETY: `Dl_info` is plain data for which zero is valid.
    let mut place: libc::Dl_info = unsafe { mem::zeroed() };
    let mut entry: *const Symbol = ptr::null();
    // SAFETY: both out-pointers are valid for the call, and with the flag for
    // symbol entries the second one receives a pointer to the loaded object's
    // symbol table, which stays mapped as long as the interpreter does.
    let found = unsafe { describe(state, &raw mut place, (&raw mut entry).cast(), RTLD_DL_SYMENT) };
    if found == 0 || entry.is_null() {
        return None;
    }
    // SAFETY: `entry` was set by the call above and is not null.
    let size = unsafe { (*entry).st_size };
    let from = state as u64;
    (size > 0).then_some(Runtime { from, to: from + size })
}

type DescribeAddress = unsafe extern "C" fn(*const c_void, *mut libc::Dl_info, *mut *mut c_void, c_int) -> c_int;

#[cfg(target_pointer_width = "64")]
type Symbol = libc::Elf64_Sym;

/// Asks `dladdr1` for the symbol's entry, which holds its size.
const RTLD_DL_SYMENT: c_int = 1;

fn symbol(name: &CStr) -> Option<*mut c_void> {
    let name: *const c_char = name.as_ptr();
    // SAFETY: `name` ends in a zero byte and outlives the call.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name) };
    (!address.is_null()).then_some(address)
}
