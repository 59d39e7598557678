"""Which functions and objects go to a worker: from `__main__`, from notebooks, closures, methods, decorated ones."""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from tasks import Counter, add


@pytest.fixture(scope="module")
def pool() -> Iterator[ml.Executor]:
    with ml.Executor(1, "processes") as pool:
        yield pool


def run_program(folder: Path, source: str, *options: str) -> str:
    """Run a program in a file of its own; its output."""
    program = folder / "program.py"
    program.write_text(textwrap.dedent(source))
    command = [sys.executable, *options, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lambdas_closures_and_defaults(pool: ml.Executor) -> None:
    offset = 10
    assert pool.submit(lambda x: x + offset, 1).result() == 11

    def with_default(x: int, step: int = offset, *, scale: int = 2) -> int:
        return (x + step) * scale

    assert pool.submit(with_default, 1).result() == 22
    assert pool.submit(with_default, 1, scale=3).result() == 33


def test_a_changed_closure_is_seen(pool: ml.Executor) -> None:
    count = 0

    def current() -> int:
        return count

    for count in range(5):
        assert pool.submit(current).result() == count


def test_a_changed_list_in_a_closure_is_seen(pool: ml.Executor) -> None:
    items: list[int] = []

    def size() -> int:
        return len(items)

    for expected in range(4):
        assert pool.submit(size).result() == expected
        items.append(expected)


def test_recursive_and_mutually_recursive_functions(pool: ml.Executor) -> None:
    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    def odd(n: int) -> bool:
        return n != 0 and even(n - 1)

    assert pool.submit(even, 10).result() is True
    assert pool.submit(odd, 10).result() is False


def test_bound_methods_take_the_state_at_the_call(pool: ml.Executor) -> None:
    counter = Counter(5)
    assert pool.submit(counter.add, 1).result() == 6
    counter.value = 50
    assert pool.submit(counter.add, 1).result() == 51


def test_class_and_static_methods_and_classes(pool: ml.Executor) -> None:
    assert pool.submit(Counter.make, 4).result() == 4
    assert pool.submit(Counter.double, 4).result() == 8
    assert pool.submit(Counter, 7).result().value == 7


def test_callable_instances_and_partials(pool: ml.Executor) -> None:
    assert pool.submit(Counter(3), 5).result() == 15
    assert pool.submit(functools.partial(add, 1), 2).result() == 3
    assert pool.submit(functools.partial(Counter(3).add, number=4)).result() == 7
    assert pool.submit(functools.partial(functools.partial(pow, 2), 5)).result() == 32


def test_methods_of_builtin_objects(pool: ml.Executor) -> None:
    assert pool.submit("a,b".split, ",").result() == ["a", "b"]
    assert pool.submit([3, 1, 2].index, 2).result() == 2
    assert pool.submit(str.upper, "abc").result() == "ABC"


def test_a_decorated_function_and_its_plain_form(pool: ml.Executor) -> None:
    def twice(function: Any) -> Any:
        @functools.wraps(function)
        def call(*arguments: Any) -> Any:
            return 2 * function(*arguments)

        return call

    @twice
    def plus_one(x: int) -> int:
        return x + 1

    assert pool.submit(plus_one, 3).result() == 8
    assert pool.submit(plus_one.__wrapped__, 3).result() == 4


def test_a_decorated_method_gets_its_instance() -> None:
    class Account:
        def __init__(self, balance: int) -> None:
            self.balance = balance

        @ml.parallel(workers=1, backend="processes")
        def after(self, amount: int) -> int:
            return self.balance + amount

    assert Account(10).after(5).result() == 15
    assert Account(20).after(amount=5).result() == 25


def test_parallel_keeps_name_and_documentation() -> None:
    @ml.parallel
    def documented() -> None:
        """Say something."""

    assert documented.__name__ == "documented"
    assert documented.__doc__ == "Say something."
    assert "documented" in repr(documented)


def test_a_function_with_state_in_its_attributes(pool: ml.Executor) -> None:
    def labelled() -> str:
        return str(labelled.label)  # type: ignore[attr-defined]

    for label in ("one", "two"):
        labelled.label = label  # type: ignore[attr-defined]
        assert pool.submit(labelled).result() == label


def test_redefining_a_function_is_seen(pool: ml.Executor) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for version in range(4):
        exec(f"def helper():\n    return {version}\ndef call():\n    return helper()", namespace)
        assert pool.submit(namespace["call"]).result() == version


def test_redefining_only_the_helper_is_seen(pool: ml.Executor) -> None:
    # As in a notebook, where one cell is run again.
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec("factor = 2\ndef helper(x):\n    return factor * x\ndef call(x):\n    return helper(x)", namespace)
    call = namespace["call"]
    assert pool.submit(call, 5).result() == 10
    exec("factor = 3", namespace)
    assert pool.submit(call, 5).result() == 15
    exec("def helper(x):\n    return -x", namespace)
    assert pool.submit(call, 5).result() == -5
    exec("import math\ndef helper(x):\n    return math.sqrt(x)", namespace)
    assert pool.submit(call, 49).result() == 7.0


def test_a_class_of_a_notebook_travels_both_ways(pool: ml.Executor) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(
        "class Point:\n"
        "    def __init__(self, x): self.x = x\n"
        "    def moved(self, by): return Point(self.x + by)\n"
        "def move(point, by): return point.moved(by)\n",
        namespace,
    )
    moved = pool.submit(namespace["move"], namespace["Point"](1), 2).result()
    assert moved.x == 3
    assert type(moved).__name__ == "Point"


def test_a_function_of_main_runs_from_a_file_without_a_guard(tmp_path: Path) -> None:
    output = run_program(
        tmp_path,
        """
        import multilane as ml
        print("started")
        LIMIT = 10

        class Pair:
            def __init__(self, a, b): self.a, self.b = a, b
            def __eq__(self, other): return (self.a, self.b) == (other.a, other.b)

        class Trouble(Exception):
            def __init__(self, code, text):
                super().__init__(code, text)
                self.code = code

        def swap(pair):
            return Pair(pair.b, pair.a + LIMIT)

        @ml.parallel(workers=1, backend="processes")
        def decorated(x):
            return helper(x) + LIMIT

        def helper(x):
            return x * x

        def trouble():
            raise Trouble(7, "seven")

        with ml.Executor(1, "processes") as pool:
            result = pool.submit(swap, Pair(1, 2)).result()
            assert type(result) is Pair and result == Pair(2, 11), result
            assert decorated(3).result() == 19
            LIMIT = 20
            assert decorated(3).result() == 29
            assert list(pool.map(lambda x: x + LIMIT, range(3))) == [20, 21, 22]
            try:
                pool.submit(trouble).result()
            except Trouble as error:
                assert error.code == 7
            else:
                raise AssertionError("no error")
        print("done")
        """,
    )
    assert output.split() == ["started", "done"]


def test_a_program_from_standard_input_runs(tmp_path: Path) -> None:
    source = (
        "import multilane as ml\ndef double(x): return 2 * x\n"
        "print(list(ml.map(double, range(3), workers=1, backend='processes')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=source, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path
    )
    assert done.stdout.strip() == "[0, 2, 4]", done.stderr


def test_modules_beside_the_program_are_found(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def triple(x): return 3 * x\n")
    output = run_program(
        tmp_path,
        """
        import multilane as ml, beside
        print(list(ml.map(beside.triple, range(3), workers=1, backend="processes")))
        """,
    )
    assert output.strip() == "[0, 3, 6]"


def test_what_a_task_prints_is_seen(tmp_path: Path) -> None:
    output = run_program(
        tmp_path,
        """
        import multilane as ml
        with ml.Executor(1, "processes") as pool:
            pool.submit(print, "from the worker").result()
        """,
    )
    assert output.strip() == "from the worker"
