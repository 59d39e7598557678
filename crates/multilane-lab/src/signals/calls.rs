//! What a thread does, from the system call that it is in.
//!
//! `/proc/PID/task/TID/syscall` names the call and its arguments. A futex inside the interpreter's own state is the
//! interpreter lock; one at the head of a heap of the C library is the allocator's lock; any other is some other lock.

use multilane_trace::sample_kind;

/// Addresses of the interpreter's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runtime {
    /// The first.
    pub from: u64,
    /// One past the last.
    pub to: u64,
}

impl Runtime {
    fn holds(self, address: u64) -> bool {
        (self.from..self.to).contains(&address)
    }
}

/// One thing that a thread can be seen to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// On a processor, or ready to be.
    Running,
    /// Waiting for the interpreter lock.
    Interpreter,
    /// Waiting for the lock of a heap of the C library.
    Allocator,
    /// Waiting for another lock.
    Lock,
    /// Asleep, or waiting for something to read.
    Sleep,
    /// In the kernel's memory management: a page fault, or a change of the memory map.
    Memory,
    /// In another call.
    Other,
}

/// What a line of `syscall` says; nothing where it may not be read.
pub fn doing(line: &str, runtime: Option<Runtime>) -> Option<Doing> {
    let mut words = line.split_whitespace();
    let call = match words.next()? {
        "running" => return Some(Doing::Running),
        call => call.parse::<i64>().ok()?,
    };
    // Blocked, but in no call: a page fault that waits for the process's memory map.
    if call == -1 || MEMORY_CALLS.contains(&call) {
        return Some(Doing::Memory);
    }
    if call == libc::SYS_futex {
        let address = words
            .next()
            .and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok())?;
        return Some(match runtime {
            Some(runtime) if runtime.holds(address) => Doing::Interpreter,
            _ if is_heap_lock(address) => Doing::Allocator,
            _ => Doing::Lock,
        });
    }
    Some(if SLEEPS.contains(&call) {
        Doing::Sleep
    } else {
        Doing::Other
    })
}

/// The same as a kind of sample of a trace, which knows fewer.
pub fn kind_of(line: &str, runtime: Runtime) -> u8 {
    match doing(line, Some(runtime)) {
        Some(Doing::Running) => sample_kind::RUNNING,
        Some(Doing::Interpreter) => sample_kind::INTERPRETER_LOCK,
        Some(Doing::Allocator | Doing::Lock) => sample_kind::OTHER_LOCK,
        Some(Doing::Sleep) => sample_kind::SLEEP,
        Some(Doing::Memory | Doing::Other) => sample_kind::OTHER,
        None => sample_kind::UNKNOWN,
    }
}

/// The C library aligns the heaps of its arenas to this size (`HEAP_MAX_SIZE`), and the first heap of an arena begins
/// with a header of 48 bytes at most, then the arena, whose first word is its lock.
const HEAP: u64 = 64 << 20;
const HEAP_HEADER: u64 = 48;

/// Whether a futex is the lock of an arena of the C library. That of the first arena, which lies among the library's own
/// data, is not recognised.
fn is_heap_lock(address: u64) -> bool {
    let offset = address % HEAP;
    address >= HEAP && offset > 0 && offset <= HEAP_HEADER
}

/// Calls that change the process's memory map and wait for its lock.
const MEMORY_CALLS: &[i64] = &[
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
];

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

#[cfg(test)]
mod tests {
    use super::*;

    const RUNTIME: Runtime = Runtime {
        from: 0x1000,
        to: 0x2000,
    };

    #[track_caller]
    fn check(line: &str, expected: Option<Doing>, kind: u8) {
        assert_eq!(doing(line, Some(RUNTIME)), expected, "{line}");
        assert_eq!(kind_of(line, RUNTIME), kind, "{line}");
    }

    #[test]
    fn a_futex_in_the_interpreter_is_its_lock() {
        let futex = libc::SYS_futex;
        let tail = "0x80 0x0 0x0 0x0 0x0 0x7ffc 0x7f00\n";
        let interpreter = (Some(Doing::Interpreter), sample_kind::INTERPRETER_LOCK);
        check(&format!("{futex} 0x1000 {tail}"), interpreter.0, interpreter.1);
        check(&format!("{futex} 0x1fff {tail}"), interpreter.0, interpreter.1);
        check(
            &format!("{futex} 0x2000 {tail}"),
            Some(Doing::Lock),
            sample_kind::OTHER_LOCK,
        );
        check(&format!("{futex}"), None, sample_kind::UNKNOWN);
        assert_eq!(doing(&format!("{futex} 0x1000 {tail}"), None), Some(Doing::Lock));
    }

    #[test]
    fn a_futex_at_the_head_of_a_heap_is_the_allocators() {
        let line = |address: u64| format!("{} {address:#x} 0x80", libc::SYS_futex);
        check(&line(0x7f12_3400_0030), Some(Doing::Allocator), sample_kind::OTHER_LOCK);
        check(&line(0x7f12_3400_0020), Some(Doing::Allocator), sample_kind::OTHER_LOCK);
        check(&line(0x7f12_3400_0130), Some(Doing::Lock), sample_kind::OTHER_LOCK);
        check(&line(0x7f12_3512_0030), Some(Doing::Lock), sample_kind::OTHER_LOCK);
    }

    #[test]
    fn memory_waits_are_told_from_others() {
        check("-1 0x7ffc 0x7f00", Some(Doing::Memory), sample_kind::OTHER);
        for call in MEMORY_CALLS {
            check(&format!("{call} 0x1000 0x0"), Some(Doing::Memory), sample_kind::OTHER);
        }
    }

    #[test]
    fn other_lines() {
        check("running\n", Some(Doing::Running), sample_kind::RUNNING);
        let sleep = format!("{} 0x0", libc::SYS_clock_nanosleep);
        check(&sleep, Some(Doing::Sleep), sample_kind::SLEEP);
        check(
            &format!("{} 0x0", libc::SYS_read),
            Some(Doing::Other),
            sample_kind::OTHER,
        );
        check("", None, sample_kind::UNKNOWN);
        check("denied", None, sample_kind::UNKNOWN);
    }
}
