"""Run CPython's own tests of executors on multilane: `python cpython_executor.py threads|processes`.

Prints, as its last line, one JSON object: how many tests ran, what failed and why, what was skipped, and what does not
apply. Never changes the tests: they name no class but read `executor_type` of a mix-in, which is set here.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import unittest
from concurrent import futures
from pathlib import Path
from typing import Any

import multilane as ml

#: Classes whose tests read private attributes of the standard library's pools.
NOT_APPLICABLE = {
    "test_thread_pool.ThreadPoolExecutorTest": "reads `_threads`, `_idle_semaphore` and `_work_queue`",
    "test_process_pool.ProcessPoolExecutorTest": "reads `_processes` and the manager thread, wants `mp_context`",
    "test_deadlock.ExecutorDeadlockTest": "replaces `_call_queue` and the manager thread of `ProcessPoolExecutor`",
    "test_shutdown.ThreadPoolShutdownTest": "reads `_threads` and the names of its threads",
    "test_shutdown.ProcessPoolShutdownTest": "reads `_processes` and the manager thread",
    "test_init.FailingInitializerResourcesTest": "asks the resource tracker of `multiprocessing`, which is not used",
}
#: Single tests of classes that apply.
NOT_APPLICABLE_TESTS = {
    "test_cancel_futures": "wants that a task has started when `shutdown` is called at once after `submit`; here every "
    "task that no worker has taken is cancelled, and that may be all of them",
}
MODULES = ("test_as_completed", "test_wait", "test_future", "test_init", "test_shutdown")


class ThreadsExecutor(ml.Executor):
    """multilane's threads, made like an executor of the standard library."""

    def __init__(self, workers: int | None = None, **keywords: Any) -> None:
        super().__init__(workers, "threads", **keywords)


class ProcessesExecutor(ml.Executor):
    """multilane's processes, made like an executor of the standard library."""

    def __init__(self, workers: int | None = None, **keywords: Any) -> None:
        super().__init__(workers, "processes", **keywords)


def suite(kind: type[ml.Executor]) -> tuple[unittest.TestSuite, dict[str, int]]:
    """Build the tests that apply, and count those that do not."""
    package = "test.test_concurrent_futures"
    util: Any = importlib.import_module(f"{package}.util")
    original = util.ExecutorMixin
    mixin = type("MultilaneMixin", (original,), {"executor_type": kind})

    def create(
        namespace: dict[str, Any], tests: type, bases: tuple[type, ...] = (util.BaseTestCase,), **_: Any
    ) -> None:
        if f"{namespace['__name__'].rpartition('.')[2]}.{tests.__name__}" not in NOT_APPLICABLE:
            name = f"Multilane{tests.__name__}"
            namespace[name] = type(name, (tests, mixin, *bases), {"__module__": namespace["__name__"]})

    util.create_executor_tests = create
    loader = unittest.TestLoader()
    found = unittest.TestSuite()
    for name in MODULES:
        module = importlib.import_module(f"{package}.{name}")
        for case in list(vars(module).values()):
            own = isinstance(case, type) and issubclass(case, unittest.TestCase) and case.__module__ == module.__name__
            if own and (case.__name__.startswith("Multilane") or name == "test_future"):
                found.addTests(loader.loadTestsFromTestCase(case))
    executor: Any = importlib.import_module(f"{package}.executor")
    shutdown: Any = importlib.import_module(f"{package}.test_shutdown")
    for tests in (executor.ExecutorTest, shutdown.ExecutorShutdownTest):
        for name in NOT_APPLICABLE_TESTS.keys() & vars(tests).keys():
            delattr(tests, name)
        case = type(f"Multilane{tests.__name__}", (mixin, tests, util.BaseTestCase), {"__module__": __name__})
        found.addTests(loader.loadTestsFromTestCase(case))
    children_import_from_here(shutdown, kind)
    return found, {name: count_of(package, name) for name in NOT_APPLICABLE}


def count_of(package: str, name: str) -> int:
    """Count the tests a class defines itself."""
    module, _, case = name.partition(".")
    return sum(key.startswith("test_") for key in vars(getattr(importlib.import_module(f"{package}.{module}"), case)))


def children_import_from_here(shutdown: Any, kind: type) -> None:
    """Make the programs that the tests start find the executor, which they import from the standard library."""
    run = shutdown.assert_python_ok
    wanted = f"from concurrent.futures import {kind.__name__}"
    folder = str(Path(__file__).parent)
    found = f"import sys; sys.path.append({folder!r}); from {Path(__file__).stem} import {kind.__name__}"

    def run_here(*arguments: str, **options: Any) -> Any:
        return run(*[argument.replace(wanted, found) for argument in arguments], **options)

    shutdown.assert_python_ok = run_here


def main() -> None:
    """Run the tests of one backend."""
    import cpython_executor  # by its name, as workers and children know it

    kind = {"threads": cpython_executor.ThreadsExecutor, "processes": cpython_executor.ProcessesExecutor}[sys.argv[1]]
    setattr(futures, kind.__name__, kind)
    support: Any = importlib.import_module("test.support")
    support.use_resources = None
    support.verbose = False
    tests, not_applicable = suite(kind)
    output = io.StringIO()
    result = unittest.TextTestRunner(output, verbosity=2).run(tests)
    answer = {
        "ran": result.testsRun,
        "failed": {str(test): text for test, text in (*result.failures, *result.errors)},
        "skipped": {str(test): reason for test, reason in result.skipped},
        "not applicable": {
            **{name: [count, NOT_APPLICABLE[name]] for name, count in not_applicable.items()},
            **{name: [1, reason] for name, reason in NOT_APPLICABLE_TESTS.items()},
        },
    }
    sys.__stdout__.write(f"\n{json.dumps(answer)}\n")  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
