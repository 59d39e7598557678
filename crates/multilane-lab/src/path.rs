//! The critical path: the chain of dependent tasks that took longest.

use std::collections::HashMap;

use multilane_trace::Task;

/// The chain, first task first, and the sum of its durations.
///
/// Without dependencies it is the longest task. Tasks in a cycle, which only a
/// damaged trace holds, are left out.
pub(crate) fn critical_path(tasks: &[&Task], edges: &[(u64, u64)]) -> (Vec<u64>, u64) {
    // Of several attempts the last one is what dependents waited for.
    let mut position_of: HashMap<u64, usize> = HashMap::with_capacity(tasks.len());
    for (position, task) in tasks.iter().enumerate() {
        let known = position_of.entry(task.id).or_insert(position);
        if tasks[*known].attempt <= task.attempt {
            *known = position;
        }
    }
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    let mut missing = vec![0usize; tasks.len()];
    for (task, dependency) in edges {
        if let (Some(task), Some(dependency)) = (position_of.get(task), position_of.get(dependency)) {
            dependents[*dependency].push(*task);
            missing[*task] += 1;
        }
    }
    let mut before: Vec<Option<usize>> = vec![None; tasks.len()];
    let mut arrives = vec![0u64; tasks.len()];
    let mut best: Option<(u64, usize)> = None;
    let mut open: Vec<usize> = position_of
        .values()
        .copied()
        .filter(|position| missing[*position] == 0)
        .collect();
    // Of equal paths the one whose tasks come first in the trace, on every run.
    open.sort_unstable_by(|left, right| right.cmp(left));
    while let Some(position) = open.pop() {
        let leaves = arrives[position].saturating_add(tasks[position].wall_ns());
        if best.is_none_or(|(longest, _)| leaves > longest) {
            best = Some((leaves, position));
        }
        for dependent in dependents[position].iter().copied() {
            if before[dependent].is_none() || leaves > arrives[dependent] {
                arrives[dependent] = leaves;
                before[dependent] = Some(position);
            }
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                open.push(dependent);
            }
        }
    }
    let Some((length_ns, last)) = best else {
        return (Vec::new(), 0);
    };
    let mut path: Vec<u64> = std::iter::successors(Some(last), |position| before[*position])
        .map(|position| tasks[position].id)
        .collect();
    path.reverse();
    (path, length_ns)
}
