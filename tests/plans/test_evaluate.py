"""`evaluate` against NumPy: values, types, shapes, where names come from, and what is refused."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import multilane as ml

RNG = np.random.default_rng(2)
DTYPES = ["bool", "i4", "i8", "f4", "f8"]
GLOBAL = np.arange(3.0)


def array_of(dtype: str, shape: Any = 20) -> np.ndarray[Any, Any]:
    return np.asarray(RNG.integers(-9, 9, shape), dtype)


@pytest.mark.parametrize("left", DTYPES[1:])
@pytest.mark.parametrize("right", DTYPES[1:])
@pytest.mark.parametrize("op", ["+", "-", "*", "/", "<", "==", ">="])
def test_types_meet_as_numpys_do(left: str, right: str, op: str) -> None:
    a, b = array_of(left), array_of(right)
    with np.errstate(all="ignore"):
        expected = eval(f"a {op} b")
    result = ml.evaluate(f"a {op} b", a=a, b=b)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", DTYPES[1:])
@pytest.mark.parametrize("number", [2, 2.5, True, np.float32(2.5), np.int64(3)], ids=repr)
def test_numbers_meet_arrays_as_numpys_do(dtype: str, number: Any) -> None:
    a = array_of(dtype)
    expected = a * number + number
    result = ml.evaluate("a * k + k", a=a, k=number)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


names = st.sampled_from(["a", "b", "c"])
leaves = names | st.floats(-4, 4, allow_nan=False).map(lambda x: repr(round(x, 3))) | st.integers(0, 9).map(str)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["sin", "cos", "tanh", "sqrt", "abs", "exp"]), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        inner.map(lambda x: f"(-{x})"),
        st.tuples(inner, inner, inner).map(lambda t: f"where({t[0]} < {t[1]}, {t[2]}, {t[0]})"),
    ),
    max_leaves=12,
)
NUMPY = {name: getattr(np, name) for name in ("sin", "cos", "tanh", "sqrt", "abs", "exp", "where")}


@given(expressions, st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 17, 1000]))
def test_any_expression_is_computed_as_by_numpy(text: str, seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    operands = {name: rng.normal(size=size) for name in "abc"}
    used = {name: array for name, array in operands.items() if name in text.replace("abs", "").replace("tanh", "")}
    used = {name: array for name, array in used.items() if _reads(text, name)}
    try:
        with np.errstate(all="ignore"):
            expected = eval(text, NUMPY, operands)
    except ZeroDivisionError:
        # Python divides plain numbers itself, and refuses 0.0 / 0.0.
        reject()
    result = ml.evaluate(text, used)
    # Where huge numbers cancel or overflow, another rounding is another number.
    with np.errstate(all="ignore"):
        exact = np.isfinite(expected) & (np.abs(expected) < 1e15)
    np.testing.assert_allclose(
        np.broadcast_to(result, np.shape(expected))[exact], np.asarray(expected)[exact], rtol=1e-9, atol=1e-9
    )


def _reads(text: str, name: str) -> bool:
    import ast

    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(ast.parse(text)))


def test_names_come_from_arguments_mapping_and_caller() -> None:
    a = np.arange(3.0)
    assert ml.evaluate("a + 1").tolist() == [1.0, 2.0, 3.0]
    assert ml.evaluate("GLOBAL + 1").tolist() == [1.0, 2.0, 3.0]
    assert ml.evaluate("a + 1", a=a * 2).tolist() == [1.0, 3.0, 5.0]
    assert ml.evaluate("a + 1", {"a": a * 3}).tolist() == [1.0, 4.0, 7.0]
    assert ml.evaluate("a + b", {"a": a}, b=a).tolist() == [0.0, 2.0, 4.0]
    assert (lambda: ml.evaluate("a + 1", a=a))().tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ml.PlanError, match="reads `nowhere`"):
        ml.evaluate("a + nowhere")
    with pytest.raises(ml.PlanError, match="has no name `b`"):
        ml.evaluate("a + 1", b=a)
    with pytest.raises(ml.PlanError, match="reads `b`"):
        ml.evaluate("a + b", {"a": a})


def test_one_place_in_a_program_sees_other_types() -> None:
    def add(a: Any, b: Any) -> Any:
        return ml.evaluate("a + b", a=a, b=b)

    for left, right in itertools.product(DTYPES[1:], DTYPES[1:]):
        a, b = array_of(left), array_of(right)
        np.testing.assert_array_equal(add(a, b), a + b)
        np.testing.assert_array_equal(add(a[0], b), a[0] + b)
    assert add(1, 2) == 3
    assert add(1.5, np.ones(2)).tolist() == [2.5, 2.5]


@pytest.mark.parametrize(
    "shapes", [((3,), (2, 3)), ((2, 1), (1, 3)), ((), (4,)), ((2, 3), ()), ((1,), (5,)), ((0,), (0,)), ((2, 0), (1,))]
)
def test_shapes_go_together_as_numpys_do(shapes: Any) -> None:
    a, b = (RNG.random(shape) for shape in shapes)
    np.testing.assert_array_equal(ml.evaluate("a + b", a=a, b=b), a + b)


def test_shapes_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="shape"):
        ml.evaluate("a + b", a=np.ones(3), b=np.ones(4))


@pytest.mark.parametrize(
    "array",
    [
        RNG.random((4, 6))[::2, ::3],
        np.asarray(RNG.random((4, 6)), order="F"),
        RNG.random(6).astype(">f8"),
        np.arange(6, dtype="u1"),
        np.arange(6, dtype="f2"),
        [1, 2, 3],
        [[1.5, 2], [3, 4]],
        3,
        np.float64(3),
        np.array(3.0),
    ],
    ids=["gaps", "fortran", "big endian", "u1", "f2", "list", "lists", "int", "float64", "no axes"],
)
def test_operands_of_many_kinds(array: Any) -> None:
    np.testing.assert_allclose(ml.evaluate("x * 2 + 1", x=array), np.asarray(array) * 2 + 1, rtol=1e-6)


def test_reductions() -> None:
    a = RNG.random((30, 40))
    assert ml.evaluate("sum(a)", a=a) == pytest.approx(a.sum(), rel=1e-14)
    assert ml.evaluate("max(a) - min(a)", a=a) == a.max() - a.min()
    assert ml.evaluate("sqrt(sum(a * a))", a=a) == pytest.approx(np.linalg.norm(a), rel=1e-14)
    assert isinstance(ml.evaluate("sum(a)", a=a), np.float64)
    np.testing.assert_allclose(ml.evaluate("a - mean(a)", a=a), a - a.mean(), atol=1e-15)


def test_results_go_where_the_caller_wants_them() -> None:
    a, out = np.arange(3.0), np.empty(3)
    assert ml.evaluate("a * 2", a=a, out=out) is out
    assert out.tolist() == [0.0, 2.0, 4.0]
    # As NumPy does it: the operand may be the result.
    assert ml.evaluate("a * 2", a=a, out=a) is a
    assert a.tolist() == [0.0, 2.0, 4.0]
    for wrong, match in (
        (np.empty(4), r"the shape \[4\]"),
        (np.empty(3, "f4"), "is f32"),
        (np.empty(6)[::2], "contiguous"),
        (np.frombuffer(bytes(24)), "read-only"),
        ([0, 0, 0], "is a list"),
    ):
        with pytest.raises(ml.PlanError, match=match):
            ml.evaluate("a * 2", a=np.arange(3.0), out=wrong)
    with pytest.raises(ml.PlanError, match="one number"):
        ml.evaluate("sum(a)", a=a, out=out)


def test_a_result_that_overlaps_an_operand_is_refused_or_right() -> None:
    base = np.arange(10.0)
    with pytest.raises(ml.PlanError, match="shares part of its memory"):
        ml.evaluate("a * 2", a=base[:9], out=base[1:])


@pytest.mark.parametrize("size", [1, 1000, 300_000])
def test_large_and_small_results_are_the_callers_own(size: int) -> None:
    a = np.ones(size)
    first, second = (ml.evaluate("a + 1", a=a) for _ in range(2))
    first[:] = 7
    assert second[0] == 2
    assert a[0] == 1


@pytest.mark.parametrize(
    "text",
    [
        "a +",
        "__import__('os')",
        "a.real",
        "a[0]",
        "lambda: a",
        "a if a else a",
        "nofunction(a)",
        "sin()",
        "sin(a, a)",
        "a;a",
        "",
        "(" * 10_000,
        "a @ a",
        "'text'",
        "1e999999 + a $",
        "a\x00",
    ],
    ids=lambda text: text[:12].replace("\x00", "nul") or "empty",
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ml.PlanError):
        ml.evaluate(text, a=np.ones(2))


def test_wrong_calls() -> None:
    with pytest.raises(TypeError, match="needs an expression"):
        ml.evaluate()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="must be a str"):
        ml.evaluate(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="mapping"):
        ml.evaluate("a", {}, 1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="`workers` is 0"):
        ml.evaluate("a", a=np.ones(2), workers=0)


def test_many_operands() -> None:
    operands = {f"x{k}": np.full(5, float(k)) for k in range(40)}
    assert ml.evaluate(" + ".join(operands), operands).tolist() == [sum(range(40))] * 5


def test_many_expressions_from_many_threads() -> None:
    a = np.arange(50_000.0)
    wrong: list[str] = []

    def work(thread: int) -> None:
        for turn in range(60):
            k = thread * 100 + turn
            if not np.array_equal(ml.evaluate(f"a * {k} + 1", a=a), a * k + 1):
                wrong.append(f"{thread} {turn}")

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
