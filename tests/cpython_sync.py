"""Run CPython's own tests of locks and queues on `multilane.sync`.

Prints, as its last line, one JSON object: how many tests ran, what failed and why, what was skipped, and what does not
apply. Never changes the tests: they name no class but read an attribute of the test case, which is set here.
"""

from __future__ import annotations

import importlib
import io
import json
import queue
import sys
import types
import unittest
from typing import Any

from multilane import sync

#: Test cases of `test.lock_tests`, the attribute that names the class, and that class.
LOCKS = {
    "LockTests": ("locktype", sync.Lock),
    "RLockTests": ("locktype", sync.RLock),
    "EventTests": ("eventtype", sync.Event),
    "ConditionTests": ("condtype", sync.Condition),
    "SemaphoreTests": ("semtype", sync.Semaphore),
    "BoundedSemaphoreTests": ("semtype", sync.BoundedSemaphore),
    "BarrierTests": ("barriertype", sync.Barrier),
}
#: Single tests that do not apply, and why.
NOT_APPLICABLE = {
    "LockTests.test_different_thread": "releases a lock that another thread holds, which is an error here",
    "LockTests.test_reacquire": "releases a lock that another thread holds, which is an error here",
    "EventTests.test_at_fork_reinit": "reads `_cond`, the condition inside of the standard library's class",
    "FailingQueueTest.test_failing_queue": "overrides `_put` and `_get`, the storage of the standard library's class",
}


def cases() -> list[type[unittest.TestCase]]:
    """Build the test cases."""
    lock_tests: Any = importlib.import_module("test.lock_tests")
    found = [
        type(name, (getattr(lock_tests, name),), {attribute: staticmethod(kind), "__module__": __name__})
        for name, (attribute, kind) in LOCKS.items()
    ]
    test_queue: Any = importlib.import_module("test.test_queue")
    module = types.SimpleNamespace(
        Queue=sync.Queue, SimpleQueue=sync.SimpleQueue, Empty=queue.Empty, Full=queue.Full, ShutDown=sync.ShutDown
    )
    for name, kind in {
        "BaseQueueTestMixin": sync.Queue,
        "BaseSimpleQueueTest": sync.SimpleQueue,
        "FailingQueueTest": None,
    }.items():
        body = {"queue": module, "type2test": kind, "__module__": __name__}
        found.append(type(name, (getattr(test_queue, name), unittest.TestCase), body))
    return found


def main() -> None:
    """Run all of them."""
    support: Any = importlib.import_module("test.support")
    support.use_resources = None
    support.verbose = False
    loader = unittest.TestLoader()
    tests = unittest.TestSuite()
    left_out = []
    for case in cases():
        for name in loader.getTestCaseNames(case):
            if f"{case.__name__}.{name}" in NOT_APPLICABLE:
                left_out.append(f"{case.__name__}.{name}")
            else:
                tests.addTest(case(name))
    result = unittest.TextTestRunner(io.StringIO(), verbosity=2).run(tests)
    answer = {
        "ran": result.testsRun,
        "failed": {str(test): text for test, text in (*result.failures, *result.errors)},
        "skipped": {str(test): reason for test, reason in result.skipped},
        "not applicable": {name: NOT_APPLICABLE[name] for name in left_out},
    }
    sys.stdout.write(f"\n{json.dumps(answer)}\n")


if __name__ == "__main__":
    main()
