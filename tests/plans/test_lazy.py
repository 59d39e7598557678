"""Lazy arrays against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import multilane as ml

RNG = np.random.default_rng(4)
A, B = RNG.normal(size=(30, 20)), RNG.normal(size=(30, 20))


@pytest.mark.parametrize(
    "expression",
    [
        lambda a, b: a * b + 2,
        lambda a, b: np.sqrt(a * a + b * b) / (1 + abs(a)),
        lambda a, b: np.where(a > b, a, -b),
        lambda a, b: (a > 0) & ~(b > 0),
        lambda a, b: np.maximum(a, b) - np.minimum(a, 0.5),
        lambda a, b: 2 ** np.clip(a, -1, 1),
        lambda a, b: np.square(a) + np.negative(b),
        lambda a, b: a - a.mean(),
        lambda a, b: a * np.float32(2),
    ],
    ids=["sum", "roots", "where", "truth", "extremes", "powers", "ufuncs", "mean", "numpy number"],
)
def test_arrays_are_numpys(expression: Any) -> None:
    expected = expression(A, B)
    result = expression(ml.lazy(A), ml.lazy(B))
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.compute(), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    "reduction",
    [np.sum, np.mean, np.min, np.max, np.linalg.norm, np.count_nonzero, np.add.reduce, np.maximum.reduce],
    ids=["sum", "mean", "min", "max", "norm", "count", "add.reduce", "maximum.reduce"],
)
def test_reductions_are_numpys(reduction: Any) -> None:
    row = A[0]
    expected = reduction(row)
    result = reduction(ml.lazy(row))
    assert result.shape == ()
    assert float(result) == pytest.approx(float(expected), rel=1e-13)


def test_arrays_of_numpy_join_in() -> None:
    lazy: Any = ml.lazy(B)
    np.testing.assert_array_equal((A + lazy).compute(), A + B)
    np.testing.assert_array_equal(np.add(A, lazy).compute(), A + B)
    np.testing.assert_array_equal((ml.lazy(A) * B).compute(), A * B)
    np.testing.assert_array_equal(np.asarray(ml.lazy(A) + 1), A + 1)


def test_the_same_array_is_one_input() -> None:
    lazy = ml.lazy(A) * A + ml.lazy(A)
    assert list(lazy.plan().inputs) == ["a0"]
    np.testing.assert_array_equal(lazy.compute(), A * A + A)


def test_plans_of_equal_expressions_are_kept() -> None:
    plans = [(ml.lazy(array) * 2 + 1).plan() for array in (A, B, A)]
    assert plans[0] is plans[1] is plans[2]
    assert (ml.lazy(A) * 3 + 1).plan() is not plans[0]
    assert (ml.lazy(A.ravel()) * 2 + 1).plan() is not plans[0]


def test_shapes_that_do_not_go_together_are_reported_at_once() -> None:
    with pytest.raises(ml.PlanError, match="do not go together") as caught:
        _ = ml.lazy(A) + ml.lazy(B.T)
    assert caught.value.file == __file__


def test_types_that_do_not_go_together_are_reported_where_they_were_written() -> None:
    line = test_types_that_do_not_go_together_are_reported_where_they_were_written.__code__.co_firstlineno + 2
    wrong: Any = np.where(ml.lazy(A), 1.0, 2.0) + 1
    with pytest.raises(ml.PlanError, match="truth values") as caught:
        wrong.compute()
    assert (caught.value.file, caught.value.line) == (__file__, line)


def test_results_go_where_the_caller_wants_them() -> None:
    out = np.empty_like(A)
    assert (ml.lazy(A) + 1).compute(out=out) is out
    np.testing.assert_array_equal(out, A + 1)


def test_deep_expressions() -> None:
    lazy = ml.lazy(np.ones(3))
    for _ in range(3000):
        lazy = lazy + 1
    assert lazy.compute().tolist() == [3001.0] * 3


def test_it_explains_itself() -> None:
    text = (ml.lazy(A) * 2 + 1).explain()
    assert "core.fused" in text
    assert "n = 600" in text
    assert "measured" in (ml.lazy(A) * 2 + 1).explain(True)


def test_sums_along_an_axis_are_refused() -> None:
    with pytest.raises(TypeError, match="no axis"):
        np.sum(ml.lazy(A), axis=0)
    with pytest.raises(TypeError, match=r"numpy\.sort"):
        np.sort(ml.lazy(A))
