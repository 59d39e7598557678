"""What is measured, on which pools, and what multilane must reach."""

from __future__ import annotations

from measuring.suite import OURS, Check, Form, Metric, Test

SUBMITTING = (
    *(OURS, "pool", "process-executor", "thread-executor", "loky", "pebble", "mpire"),
    *("joblib", "makeparallel"),
)

TESTS: dict[str, Test] = {
    "cpu": Test(
        "CPU-bound pure Python, as many tasks as workers",
        "CPU-bound tasks",
        (
            Metric("speedup", "speed-up", Form.TIMES, True),
            Metric("bare", "bare processes", Form.TIMES, True),
            Metric("of_bare", "of bare processes", Form.PERCENT, True),
            Metric("cores", "cores used", Form.TIMES, True),
        ),
        SUBMITTING,
        None,
    ),
    "throughput": Test(
        "No-op tasks, submit to result",
        "no-op tasks",
        (Metric("tasks_per_s", "tasks", Form.PER_SECOND, True),),
        SUBMITTING,
        "pool",
    ),
    "latency": Test(
        "Round trip of one no-op",
        "round trip",
        (
            Metric("median_us", "median", Form.MICROSECONDS, False),
            Metric("mean_us", "mean", Form.MICROSECONDS, False),
            Metric("p99_us", "99th percentile", Form.MICROSECONDS, False),
        ),
        SUBMITTING,
        "pool",
    ),
    "array": Test(
        "Large float64 array to a worker and its sum back",
        "large array",
        (
            Metric("first_s", "first call", Form.SECONDS, False),
            Metric("later_s", "later calls", Form.SECONDS, False),
            Metric("local_s", "sum alone", Form.SECONDS, False),
        ),
        (OURS, "pool", "process-executor", "joblib"),
        "process-executor",
    ),
    "share": Test(
        "The same array, shared once (the executor: by hand)",
        "shared array",
        (
            Metric("first_s", "first call", Form.SECONDS, False),
            Metric("later_s", "later calls", Form.SECONDS, False),
            Metric("share_s", "sharing it", Form.SECONDS, False),
            Metric("copied_fraction", "copied after that", Form.PERCENT, False),
        ),
        (OURS, "process-executor"),
        "process-executor",
    ),
    "map": Test(
        "Many tiny calls through map, best chunk",
        "map of tiny calls",
        (Metric("calls_per_s", "calls", Form.PER_SECOND, True),),
        (OURS, "pool", "process-executor", "loky", "joblib"),
        "pool",
    ),
    "startup": Test(
        "Start of a pool, all workers running a task",
        "start of a pool",
        (
            Metric("ready_s", "ready", Form.MILLISECONDS, False),
            Metric("stop_s", "stop", Form.MILLISECONDS, False),
        ),
        (
            *(OURS, "pool", "pool-spawn", "process-executor", "process-executor-spawn"),
            *("loky", "pebble", "mpire", "joblib"),
        ),
        "pool-spawn",
    ),
    "recording": Test(
        "What a recording adds to a task of 100 µs",
        "recording",
        (
            Metric("cost", "cost", Form.PERCENT, False),
            Metric("noise", "the same without a recording", Form.PERCENT, False),
        ),
        (OURS,),
        None,
        # A recording is compared with itself inside each of its samples.
        twice=False,
    ),
}

CHECKS: tuple[Check, ...] = (
    Check("cpu", "speedup", 1.9),
    Check("throughput", "tasks_per_s", 150_000),
    Check("throughput", "tasks_per_s", 3, "pool"),
    Check("throughput", "tasks_per_s", 10, "process-executor"),
    Check("latency", "median_us", 30),
    Check("latency", "median_us", 5, "pool"),
    Check("array", "first_s", 10, "process-executor"),
    Check("array", "later_s", 10, "process-executor"),
    Check("share", "copied_fraction", 0.01),
    Check("map", "calls_per_s", 1, "pool"),
    Check("startup", "ready_s", 0.1),
    Check("recording", "cost", 0.01),
)
