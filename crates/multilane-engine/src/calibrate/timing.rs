//! How long something usually takes.

use crate::clock;

/// How often something is timed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Few {
    /// Something of milliseconds.
    Three,
    /// Something of a fraction of a millisecond.
    Ten,
    /// Something of microseconds.
    Many,
}

impl Few {
    pub(super) fn for_bytes(bytes: usize) -> Self {
        match bytes {
            0..0x10_0000 => Self::Many,
            0x10_0000..0x200_0000 => Self::Ten,
            _ => Self::Three,
        }
    }
}

/// A sample is at least this long, so that reading the clock does not count.
const SAMPLE_NS: u64 = 3_000;

/// The time of one call: a low quartile, since what disturbs a run only makes it longer.
pub(super) fn typical_ns(few: Few, body: impl FnMut()) -> f64 {
    let times = sorted_ns(few, body);
    times[times.len() / 4].max(0.1)
}

/// The time of one call when nothing disturbs it.
pub(super) fn least_ns(few: Few, body: impl FnMut()) -> f64 {
    let times = sorted_ns(few, body);
    times[times.len() / 20].max(0.1)
}

fn sorted_ns(few: Few, mut body: impl FnMut()) -> Vec<f64> {
    let mut time = |calls: u32| {
        let start = clock::now_ns();
        (0..calls).for_each(|_| body());
        (clock::now_ns() - start) as f64 / f64::from(calls)
    };
    // Also brings data into the cache and workers out of their sleep.
    let mut first = time(1).max(1.0);
    if first < 1e6 {
        first = first.min(time(1)).max(1.0);
    }
    let calls = (SAMPLE_NS as f64 / first).ceil().clamp(1.0, 1000.0) as u32;
    let samples = match few {
        Few::Three => 3,
        Few::Ten => 9,
        Few::Many => 100,
    };
    let mut times: Vec<f64> = (0..samples).map(|_| time(calls)).collect();
    times.sort_by(f64::total_cmp);
    times
}
