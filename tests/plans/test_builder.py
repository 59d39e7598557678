"""Plans written with the builder: operators, loops, variables, and mistakes at the user's own line."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import multilane as ml

DTYPES = {"f64": np.float64, "f32": np.float32, "i64": np.int64, "i32": np.int32}
RNG = np.random.default_rng(1)
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


def here() -> int:
    """Return the line of the caller."""
    return sys._getframe(1).f_lineno


def run(build: Callable[..., Any], **inputs: Any) -> Any:
    """Build a plan over inputs of the arrays' types, and run it."""
    b = ml.Builder("test")
    values = {
        name: b.input(name, array.dtype, size=f"n{array.size}") if np.ndim(array) else b.parameter(name, array.dtype)
        for name, array in ((name, np.asarray(array)) for name, array in inputs.items())
    }
    b.output("y", build(b, **values))
    plan = b.build()
    plain = plan.run(inputs, optimized=False).y
    result = plan.run(inputs).y
    np.testing.assert_array_equal(result, plain)
    return result


def array_of(dtype: str, size: int = 100) -> np.ndarray[Any, Any]:
    return np.asarray(RNG.integers(1, 100, size) * RNG.choice([-1, 1], size), DTYPES[dtype])


@pytest.mark.parametrize("op", ARITHMETIC + COMPARISONS)
@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_operators_are_numpys(op: Callable[..., Any], left: str, right: str) -> None:
    a, b = array_of(left), array_of(right)
    expected = op(a, b)
    result = run(lambda _, a, b: op(a, b), a=a, b=b)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("op", ARITHMETIC + COMPARISONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [3, 2.5, -1, True])
def test_numbers_of_python_take_the_arrays_type(op: Callable[..., Any], dtype: str, number: Any) -> None:
    a = array_of(dtype)
    for ours, expected in (
        (run(lambda _, a: op(a, number), a=a), op(a, number)),
        (run(lambda _, a: op(number, a), a=a), op(number, a)),
    ):
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)


def test_numbers_of_numpy_keep_their_type() -> None:
    a = array_of("f32")
    assert run(lambda _, a: a * np.float64(2), a=a).dtype == np.float64
    assert run(lambda _, a: a * np.float32(2), a=a).dtype == np.float32


@pytest.mark.parametrize("name", ["sqrt", "exp", "log", "sin", "cos", "tanh", "abs"])
@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_functions_are_numpys(name: str, dtype: str) -> None:
    a = abs(array_of(dtype)) / 30
    expected = getattr(np, name)(a)
    by_name = run(lambda b, a: getattr(b.core, name)(a), a=a)
    by_numpy = run(lambda b, a: getattr(np, name)(a), a=a)
    assert by_name.dtype == expected.dtype
    np.testing.assert_allclose(by_name, expected, rtol=4e-16 if dtype == "f64" else 4e-7)
    np.testing.assert_array_equal(by_name, by_numpy)


def test_reductions_are_numpys() -> None:
    a = array_of("f64")
    assert run(lambda b, a: a.sum(), a=a) == a.sum()
    assert run(lambda b, a: np.max(a), a=a) == a.max()
    assert run(lambda b, a: b.core.min(a), a=a) == a.min()
    assert run(lambda b, a: a.mean(), a=a) == pytest.approx(a.mean(), rel=1e-15)
    assert run(lambda b, a: (a > 0).sum(), a=a) == (a > 0).sum()
    assert run(lambda b, a: a.count(), a=a) == 100
    assert run(lambda b, a: (a > 1000).any(), a=a) == np.False_
    assert run(lambda b, a: (a < 1000).all(), a=a) == np.True_
    for ord in (1, 2, math.inf):
        assert run(lambda b, a, ord=ord: a.norm(ord), a=a) == pytest.approx(np.linalg.norm(a, ord), rel=1e-15)


def test_selecting_clipping_and_truth() -> None:
    a, c = array_of("f64"), array_of("i64")
    np.testing.assert_array_equal(run(lambda b, a: b.where(a > 0, a, 0), a=a), np.where(a > 0, a, 0))
    np.testing.assert_array_equal(run(lambda b, a: np.where(a > 0, a, 0), a=a), np.where(a > 0, a, 0))
    np.testing.assert_array_equal(run(lambda b, a: a.clip(-10, 10), a=a), a.clip(-10, 10))
    expected = ((a > 0) & (c > 0)) | ~(a < 5) ^ (c == 3)
    np.testing.assert_array_equal(run(lambda b, a, c: ((a > 0) & (c > 0)) | ~(a < 5) ^ (c == 3), a=a, c=c), expected)


def test_core_has_every_operation_of_the_dialect() -> None:
    methods = {name for name in dir(ml.Builder().core) if not name.startswith("_")}
    spelled = {"logical_and", "logical_or", "logical_xor", "logical_not"}
    ops = (
        "abs add any all broadcast cast constant cos count div eq exp ge gt le log lt map max mean min mul ne neg norm"
    )
    assert methods == {*ops.split(), "pow", "recip", "sin", "sqrt", "sub", "sum", "tanh", "where", *spelled}


def test_map_reads_an_expression() -> None:
    a, c = array_of("f64"), array_of("f64")
    result = run(lambda b, a, c: b.core.map("x * 2 + sin(y) * k", x=a, y=c, k=3), a=a, c=c)
    np.testing.assert_allclose(result, a * 2 + np.sin(c) * 3, rtol=1e-15, atol=1e-13)


def test_recip_adds_its_epsilon() -> None:
    a = np.array([0.0, 1.0, 4.0])
    np.testing.assert_array_equal(run(lambda b, a: b.core.recip(a, 0.25), a=a), 1 / (a + 0.25))


def test_a_loop_carries_values_by_name() -> None:
    b = ml.Builder("fibonacci")
    with b.iterate(10, low=0, high=1) as loop:
        loop.low, loop.high = loop.high, loop.low + loop.high
    b.output("low", loop.low)
    b.output("turns", loop.iterations)
    b.output("converged", loop.converged)
    result = b.build().run()
    assert (int(result.low), int(result.turns), bool(result.converged)) == (55, 10, False)


def test_what_is_read_after_an_assignment_is_the_new_value() -> None:
    b = ml.Builder()
    with b.iterate(3, x=1.0) as loop:
        before = loop.x
        loop.x = loop.x * 2
        loop.x = loop.x + before
    b.output("x", loop.x)
    assert b.build().run().x == 27.0


def test_loops_in_loops() -> None:
    b = ml.Builder()
    with b.iterate(3, total=0) as outer:
        with b.iterate(4, part=0) as inner:
            inner.part = inner.part + 1
        outer.total = outer.total + inner.part
    b.output("total", outer.total)
    assert b.build().run().total == 12


def test_variables_go_through_loops_in_loops() -> None:
    b = ml.Builder()
    b.var("x", 0)
    with b.iterate(3), b.iterate(4):
        b.var("x", b.var("x") + 1)
    b.output("x", b.var("x"))
    assert b.build().run().x == 12


@pytest.mark.parametrize(
    "until", [1e-10, lambda before, after: abs(after - before).max() < 1e-10], ids=["number", "function"]
)
def test_a_loop_stops_when_it_has_converged(until: Any) -> None:
    b = ml.Builder("cosine")
    with b.iterate(10_000, until=until, x=b.input("x")) as loop:
        loop.x = np.cos(loop.x)
    b.output("x", loop.x)
    b.output("converged", loop.converged)
    b.output("turns", loop.iterations)
    result = b.build().run(x=np.linspace(0, 1, 7))
    np.testing.assert_allclose(result.x, 0.7390851332151607, rtol=1e-9)
    assert result.converged
    assert result.turns < 100


def test_a_function_decides_over_several_carried_values() -> None:
    b = ml.Builder()
    with b.iterate(100, until=lambda before, after: after[0] > 10, x=1, y=0) as loop:
        loop.x = loop.x + 3
        loop.y = loop.y + loop.x
    b.output("x", loop.x)
    b.output("y", loop.y)
    result = b.build().run()
    assert (result.x, result.y) == (13, 4 + 7 + 10 + 13)


def test_a_loop_that_an_error_left_is_forgotten() -> None:
    b = ml.Builder()
    x = b.input("x")
    with pytest.raises(ZeroDivisionError), b.iterate(3, y=x) as loop:
        loop.y = loop.y * 2
        _ = 1 / 0
    b.output("x", x + 1)
    assert "loop" not in b.build().text()


def error_at(line: int, match: str, action: Callable[[], Any]) -> None:
    with pytest.raises(ml.PlanError, match=match) as caught:
        action()
    assert caught.value.file == __file__
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{__file__}:{line}: ")


def mistakes() -> list[tuple[str, Callable[[ml.Builder, Any], Any]]]:
    return [
        ("unknown variable `rnak`; did you mean `rank`", lambda b, x: b.var("rnak")),
        ("`x` has `n` elements where `z` has `m`", lambda b, x: x + b.input("z", size="m")),
        ("no element type|is not an element type", lambda b, x: b.input("z", "f16")),
        ("needs truth values", lambda b, x: b.where(x, 1, 2)),
        ("an input `x` already", lambda b, x: b.input("x")),
        ("cannot be a name", lambda b, x: b.input("a b")),
        ("belongs to the builder `other`", lambda b, x: x + ml.Builder("other").input("x")),
        ("a ndarray is neither a value of the plan nor a number", lambda b, x: b.core.add(x, np.ones(3))),
        ("turns, 0 or more", lambda b, x: b.iterate(-1)),
        ("must be a number above 0", lambda b, x: b.iterate(3, until="never")),
        ("a name of the loop itself", lambda b, x: b.iterate(3, converged=x)),
        ("`direction` is 'up'", lambda b, x: b.graph.degree("up")),
        (
            "has the name `y` no value|no variable is called `y`|no name is called",
            lambda b, x: b.core.map("x + y", x=x),
        ),
        ("`ord` is 3", lambda b, x: x.norm(3)),
        ("cast to i64 first", lambda b, x: (x > 0) + (x < 0)),
    ]


@pytest.mark.parametrize(("match", "mistake"), mistakes(), ids=[match[:20] for match, _ in mistakes()])
def test_a_mistake_is_reported_at_its_line(match: str, mistake: Callable[[ml.Builder, Any], Any]) -> None:
    b = ml.Builder()
    x = b.input("x")
    b.var("rank", x)
    with pytest.raises(ml.PlanError, match=match) as caught:
        mistake(b, x)
    assert caught.value.file == __file__
    assert caught.value.line == mistake.__code__.co_firstlineno


def test_mistakes_in_loops_are_reported_where_they_are() -> None:
    b = ml.Builder()
    x = b.input("x")
    with pytest.raises(ml.PlanError, match=r"`y` starts the loop as f64 and would go on as f64\[n\]") as caught:
        line = here() + 1
        with b.iterate(3, y=1.0) as loop:
            loop.y = loop.y * x
    assert caught.value.line == line
    with b.iterate(3, y=x) as loop:
        inside = loop.y * 2
        error_at(here(), "carries no `z`", lambda: loop.z)
        error_at(here(), "scalar truth value", lambda: loop.until(loop.y > 0))
        error_at(here(), "not inside it", lambda: b.output("y", x))
        error_at(here(), "no results before", lambda: loop.iterations)
        error_at(here(), "was made inside the loop", lambda: loop.carry(inside))
    error_at(here(), "inside a loop that has ended", lambda: inside + 1)
    error_at(here(), "inside the `with` block", lambda: loop.until(x.sum() > 0))


def test_a_plan_needs_something_to_compute() -> None:
    b = ml.Builder()
    b.input("x")
    error_at(here(), "no outputs", lambda: b.build())


def test_values_have_no_truth_and_no_elements() -> None:
    x: Any = ml.Builder().input("x")
    with pytest.raises(TypeError, match="write `&`"):
        bool(x > 0)
    with pytest.raises(TypeError, match="cannot be iterated"):
        list(x)
    with pytest.raises(TypeError, match=r"numpy\.arctan"):
        np.arctan(x)
    with pytest.raises(TypeError, match="takes no axis"):
        np.sum(x, axis=0)
    with pytest.raises(TypeError):
        _ = x + "1"


def test_the_plan_shows_the_users_line() -> None:
    b = ml.Builder()
    x = b.input("x")
    line = here() + 1
    b.output("y", x * 2)
    assert f'"{__file__}":{line}' in b.build().text()
