"""Time that a task is ready without a processor is told apart from other waits."""

from __future__ import annotations

import hashlib
import os
import threading
import time

import pytest

import multilane as ml

BLOCK = bytes(1_000_000)
CPU_NS = 50_000_000


def hash_on_one_processor(start: threading.Barrier, processor: int) -> None:
    os.sched_setaffinity(0, {processor})  # of this thread
    start.wait()
    before = time.thread_time_ns()
    while time.thread_time_ns() - before < CPU_NS:
        hashlib.sha256(BLOCK)  # without the interpreter lock


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be pinned here")
@pytest.mark.skipif(not os.path.exists("/proc/thread-self/schedstat"), reason="the kernel keeps no account of it")
def test_threads_that_share_a_processor_wait_for_it() -> None:
    processor = min(os.sched_getaffinity(0))
    start = threading.Barrier(2)
    with ml.Executor(2, "threads") as executor, ml.record() as recording:
        ml.gather(executor.submit(hash_on_one_processor, start, processor) for _ in range(2))
    assert recording.trace is not None
    tasks = recording.trace.tasks()
    # Whatever order they take turns in, one of them waits for nearly all that the other uses.
    assert sum(task["run_queue_ns"] for task in tasks) > CPU_NS / 2
    assert all(task["run_queue_ns"] <= task["ended_ns"] - task["started_ns"] - task["cpu_ns"] for task in tasks)
