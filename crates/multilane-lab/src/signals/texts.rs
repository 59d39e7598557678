//! Numbers from the system's tables.

/// Ready to run, without a processor: the second number of `schedstat`.
pub fn run_delay_ns(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().nth(1)?.parse().ok()
}

/// Ticks that all processors were busy since boot, from `/proc/stat`: user, nice, system, both interrupts and the host's
/// share; idle and waiting for disks are left out.
pub fn busy_ticks(stat: &str) -> u64 {
    let Some(line) = stat.lines().find_map(|line| line.strip_prefix("cpu ")) else {
        return 0;
    };
    let fields: Vec<u64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7];
    busy.into_iter().filter_map(|index| fields.get(index)).sum()
}

/// Time that a CPU limit has stopped a control group, from its `cpu.stat`: `throttled_time` in nanoseconds of version 1,
/// `throttled_usec` of version 2.
pub fn throttled_ns(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| match line.split_once(' ')? {
        ("throttled_time", value) => value.trim().parse().ok(),
        ("throttled_usec", value) => value.trim().parse::<u64>().ok().map(|time| time.saturating_mul(1000)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_time_that_a_limit_took() {
        assert_eq!(
            throttled_ns("nr_periods 5\nnr_throttled 2\nthrottled_time 1234\n"),
            Some(1234)
        );
        assert_eq!(throttled_ns("usage_usec 9\nthrottled_usec 7\n"), Some(7000));
        assert_eq!(throttled_ns(""), None);
    }

    #[test]
    fn counts_what_was_busy() {
        assert_eq!(busy_ticks("cpu  1 2 3 100 200 4 5 6 0 0\ncpu0 9\n"), 21);
        assert_eq!(busy_ticks("cpu 1\n"), 1);
        assert_eq!(busy_ticks(""), 0);
    }

    #[test]
    fn reads_the_delay_of_a_thread() {
        assert_eq!(run_delay_ns("262964 2126591 2\n"), Some(2_126_591));
        assert_eq!(run_delay_ns(""), None);
    }
}
