//! What tells one machine from another: processor, caches, memory.
//!
//! Reads /proc and /sys; what is not there is left out.

use std::fs;
use std::path::Path;

use crate::cpus;

/// The facts a calibration depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name for itself.
    pub processor: String,
    /// Processors this process may use.
    pub cpus: u32,
    /// Bytes of each level of data cache, from the nearest.
    pub caches: Vec<u64>,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

impl Machine {
    /// One line that is another one on another machine.
    pub fn fingerprint(&self) -> String {
        let caches: Vec<String> = self.caches.iter().map(|bytes| format!("{}", bytes >> 10)).collect();
        format!(
            "{}, {} cpus, caches of {} KiB, {} GiB",
            self.processor,
            self.cpus,
            caches.join("/"),
            // Kernels keep a changing little for themselves.
            (self.memory_bytes as f64 / f64::from(1 << 30)).round()
        )
    }
}

/// This machine.
pub fn machine() -> Machine {
    let memory = rustix::system::sysinfo();
    Machine {
        processor: processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
        cpus: cpus::usable(),
        caches: caches(Path::new("/sys/devices/system/cpu/cpu0/cache")),
        memory_bytes: (memory.totalram as u64).saturating_mul(u64::from(memory.mem_unit.max(1))),
    }
}

fn processor(cpuinfo: &str) -> String {
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    // Virtual machines give different processors the same name; their numbers differ.
    let numbers: Vec<String> = ["cpu family", "model\t", "stepping"]
        .into_iter()
        .filter_map(field)
        .collect();
    let name = field("model name").unwrap_or_else(|| "unknown processor".to_owned());
    if numbers.is_empty() {
        name
    } else {
        format!("{name} {}", numbers.join("."))
    }
}

fn caches(folder: &Path) -> Vec<u64> {
    let mut found: Vec<(u32, u64)> = Vec::new();
    for index in 0..16 {
        let read = |name: &str| fs::read_to_string(folder.join(format!("index{index}/{name}"))).ok();
        let (Some(level), Some(kind), Some(size)) = (read("level"), read("type"), read("size")) else {
            continue;
        };
        let (Ok(level), Some(bytes)) = (level.trim().parse(), bytes(size.trim())) else {
            continue;
        };
        if kind.trim() != "Instruction" {
            found.push((level, bytes));
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|(level, _)| *level);
    found.into_iter().map(|(_, bytes)| bytes).collect()
}

/// `48K`, `2M` or a plain number.
fn bytes(size: &str) -> Option<u64> {
    let (digits, unit) = match size.strip_suffix('K') {
        Some(digits) => (digits, 1 << 10),
        None => match size.strip_suffix('M') {
            Some(digits) => (digits, 1 << 20),
            None => (size, 1),
        },
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes_and_names() {
        assert_eq!(bytes("48K"), Some(48 << 10));
        assert_eq!(bytes("2M"), Some(2 << 20));
        assert_eq!(bytes("64"), Some(64));
        assert_eq!(bytes("x"), None);
        let text = "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: A Processor\nstepping\t: 8\n";
        assert_eq!(processor(text), "A Processor 6.143.8");
        assert_eq!(processor(""), "unknown processor");
    }

    #[test]
    fn this_machine_has_a_name() {
        let machine = machine();
        assert!(machine.cpus >= 1 && machine.memory_bytes > 0);
        assert!(machine.caches.is_sorted());
        assert_eq!(machine.fingerprint(), super::machine().fingerprint());
    }
}
