//! What lanes that started together left unused: those that were done before the last one.

/// A lane of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneTimes {
    /// When its last operation ended.
    pub ended_ns: u64,
    /// How long it was ready to run without a processor.
    pub run_delay_ns: u64,
}

/// Time that lanes had nothing left to do: while the last one worked more than they had, and while it was only held up.
///
/// A lane that waited for a processor ends late without having had more to do; that others wait for it then is the doing
/// of whoever had the processor.
pub fn idle_lanes(lanes: &[LaneTimes], started_ns: u64) -> (u64, u64) {
    let Some(last) = lanes.iter().max_by_key(|lane| lane.ended_ns) else {
        return (0, 0);
    };
    let worked_ns = |lane: &LaneTimes| {
        lane.ended_ns
            .saturating_sub(started_ns)
            .saturating_sub(lane.run_delay_ns)
    };
    lanes.iter().fold((0, 0), |(uneven, held_up), lane| {
        let idle_ns = last.ended_ns - lane.ended_ns;
        let more_ns = worked_ns(last).saturating_sub(worked_ns(lane)).min(idle_ns);
        (uneven + more_ns, held_up + idle_ns - more_ns)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(ended_ns: u64, run_delay_ns: u64) -> LaneTimes {
        LaneTimes { ended_ns, run_delay_ns }
    }

    #[test]
    fn a_lane_that_was_held_up_had_not_more_to_do() {
        assert_eq!(idle_lanes(&[lane(200, 0), lane(150, 0)], 100), (50, 0));
        assert_eq!(idle_lanes(&[lane(200, 50), lane(150, 0)], 100), (0, 50));
        assert_eq!(idle_lanes(&[lane(200, 20), lane(150, 0)], 100), (30, 20));
        assert_eq!(idle_lanes(&[lane(200, 90), lane(200, 0), lane(180, 0)], 100), (20, 0));
        assert_eq!(idle_lanes(&[], 0), (0, 0));
    }
}
