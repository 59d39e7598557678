//! Every raw sample of a sweep as a table of comma-separated values (RFC 4180).

use std::fmt::Write as _;

use super::{Beside, DeviceUse, Sample, Scaling};

type Column = (&'static str, fn(&Sample) -> u64);

const COLUMNS: [Column; 24] = [
    ("operations", |sample| sample.operations),
    ("wall_ns", |sample| sample.wall_ns),
    ("cpu_ns", |sample| sample.cpu_ns),
    ("system_ns", |sample| sample.system_ns),
    ("process_cpu_ns", |sample| sample.process_cpu_ns),
    ("run_delay_ns", |sample| sample.run_delay_ns),
    ("throttled_ns", |sample| sample.throttled_ns),
    ("interpreter_wait_ns", |sample| sample.interpreter_wait_ns),
    ("lock_wait_ns", |sample| sample.lock_wait_ns),
    ("allocator_wait_ns", |sample| sample.allocator_wait_ns),
    ("sleep_ns", |sample| sample.sleep_ns),
    ("fault_wait_ns", |sample| sample.fault_wait_ns),
    ("other_wait_ns", |sample| sample.other_wait_ns),
    ("dispatch_ns", |sample| sample.dispatch_ns),
    ("idle_ns", |sample| sample.idle_ns),
    ("serial_ns", |sample| sample.serial_ns),
    ("longest_ns", |sample| sample.longest_ns),
    ("faults", |sample| sample.faults),
    ("switches", |sample| sample.switches),
    ("foreign_ns", |sample| sample.foreign_ns),
    ("bytes_per_operation", |sample| {
        sample.bytes_per_operation.round() as u64
    }),
    ("device_wait_ns", |sample| of_device(sample, |device| device.wait_ns)),
    ("submission_wait_ns", |sample| {
        of_device(sample, |device| device.submission_wait_ns)
    }),
    ("device_busy_ns", |sample| {
        of_device(sample, |device| (device.busy_share * sample.wall_ns as f64) as u64)
    }),
];

fn of_device(sample: &Sample, of: impl Fn(&DeviceUse) -> u64) -> u64 {
    sample.device.as_ref().map_or(0, of)
}

/// Writes one line for each sample, under a line of names.
///
/// ```
/// use multilane_lab::{Sample, Scaling, scaling_csv};
/// let sample = Sample { strategy: "a, b".into(), workers: 2, ..Sample::default() };
/// let table = scaling_csv(&Scaling { samples: vec![sample], ..Scaling::default() });
/// assert!(table.lines().nth(1).unwrap().starts_with(",,\"a, b\",2,0,nothing,"));
/// ```
pub fn scaling_csv(scaling: &Scaling) -> String {
    let names = COLUMNS.map(|column| column.0).join(",");
    let mut out = format!("workload,size,strategy,workers,repeat,beside,{names}\r\n");
    for sample in &scaling.samples {
        let beside = match sample.beside {
            Beside::Nothing => "nothing",
            Beside::Compute => "compute",
            Beside::Memory => "memory",
        };
        let [workload, size, strategy] = [&sample.workload, &sample.size, &sample.strategy].map(|text| field(text));
        let _ = write!(
            out,
            "{workload},{size},{strategy},{},{},{beside}",
            sample.workers, sample.repeat
        );
        for (_, value) in COLUMNS {
            let _ = write!(out, ",{}", value(sample));
        }
        out.push_str("\r\n");
    }
    out
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
