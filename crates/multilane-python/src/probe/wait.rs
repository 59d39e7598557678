//! Recognises what a thread of this process waits for, from the outside.
//!
//! `/proc/self/task/TID/syscall` names the system call that a thread is in. A
//! futex inside the interpreter's own state is the interpreter lock; any other
//! futex is some other lock.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem, ptr,
};

use multilane_trace::sample_kind;

/// Addresses of the interpreter's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Runtime {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// What a line of `syscall` says.
pub(crate) fn classify(line: &str, runtime: Runtime) -> u8 {
    let mut words = line.split_whitespace();
    let call = match words.next() {
        Some("running") => return sample_kind::RUNNING,
        Some(number) => number.parse::<i64>(),
        None => return sample_kind::UNKNOWN,
    };
    let Ok(call) = call else { return sample_kind::UNKNOWN };
    if call == libc::SYS_futex {
        let address = words
            .next()
            .and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
        return match address {
            Some(address) if (runtime.from..runtime.to).contains(&address) => sample_kind::INTERPRETER_LOCK,
            Some(_) => sample_kind::OTHER_LOCK,
            None => sample_kind::UNKNOWN,
        };
    }
    if SLEEPS.contains(&call) {
        sample_kind::SLEEP
    } else {
        sample_kind::OTHER
    }
}

/// Calls that wait for time to pass or for something to read.
const SLEEPS: &[i64] = &[
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_pwait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, kind: u8) {
        assert_eq!(
            classify(
                line,
                Runtime {
                    from: 0x1000,
                    to: 0x2000
                }
            ),
            kind,
            "{line}"
        );
    }

    #[test]
    fn a_futex_in_the_interpreter_is_its_lock() {
        let futex = libc::SYS_futex;
        check(
            &format!("{futex} 0x1000 0x80 0x0 0x0 0x0 0x0 0x7ffc 0x7f00\n"),
            sample_kind::INTERPRETER_LOCK,
        );
        check(&format!("{futex} 0x1fff 0x80"), sample_kind::INTERPRETER_LOCK);
        check(&format!("{futex} 0x2000 0x80"), sample_kind::OTHER_LOCK);
        check(&format!("{futex}"), sample_kind::UNKNOWN);
    }

    #[test]
    fn other_lines() {
        check("running\n", sample_kind::RUNNING);
        check(&format!("{} 0x0", libc::SYS_clock_nanosleep), sample_kind::SLEEP);
        check(&format!("{} 0x0", libc::SYS_read), sample_kind::OTHER);
        check("-1 0x7ffc 0x7f00", sample_kind::OTHER);
        check("", sample_kind::UNKNOWN);
        check("denied", sample_kind::UNKNOWN);
    }
}
