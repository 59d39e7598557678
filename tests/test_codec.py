"""Values survive the way to a worker and back, whatever they are made of."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import multilane as ml
from tasks import echo

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**63) - 2, -(2**63) + 2)
    | st.integers(2**63 - 2, 2**63 + 2)
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.text(st.characters(categories=("Cs", "Lu")))
    | st.text(min_size=150, max_size=300)
    | st.binary(max_size=1000)
)
HASHABLE = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(HASHABLE, inner)
        | st.frozensets(HASHABLE)
        | st.builds(bytearray, st.binary())
    ),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def pool() -> Iterator[ml.Executor]:
    with ml.Executor(1, "processes") as pool:
        yield pool


def same(left: Any, right: Any) -> bool:
    """Equal in type and value, with not-a-number equal to itself and zeros told apart."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or (left == right and math.copysign(1, left) == math.copysign(1, right))
    if isinstance(left, complex):
        return same(left.real, right.real) and same(left.imag, right.imag)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


@given(arguments=st.lists(VALUES, max_size=20), keywords=st.dictionaries(st.text(), VALUES, max_size=3))
def test_calls_arrive_as_they_were_made(pool: ml.Executor, arguments: list[Any], keywords: dict[str, Any]) -> None:
    positional, named = pool.submit(echo, *arguments, **keywords).result()
    assert same(positional, tuple(arguments))
    assert same(named, keywords)


def first(value: Any) -> Any:
    return value


@given(value=VALUES)
def test_results_arrive_as_they_were_returned(pool: ml.Executor, value: Any) -> None:
    assert same(pool.submit(first, value).result(), value)


@pytest.mark.parametrize("length", [0, 1, 199, 200, 201, 255, 256, 383, 384, 385, 16383, 16384, 16385, 300_000])
@pytest.mark.parametrize("kind", [bytes, bytearray, str])
def test_sizes_around_the_limits_of_each_form(pool: ml.Executor, length: int, kind: Any) -> None:
    value: Any = "é" * (length // 2) if kind is str else kind(b"x" * length)
    assert same(pool.submit(first, value).result(), value)
    assert same(pool.submit(first, [value, value]).result(), [value, value])


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 40])
def test_any_number_of_arguments(pool: ml.Executor, count: int) -> None:
    arguments = tuple(range(count))
    assert pool.submit(echo, *arguments).result() == (arguments, {})


def test_objects_that_are_one_stay_one(pool: ml.Executor) -> None:
    shared: list[Any] = [1]
    shared.append(shared)
    result = pool.submit(first, [shared, shared]).result()
    assert result[0] is result[1]
    assert result[0][1] is result[0]


def test_booleans_and_numbers_of_other_types_keep_them(pool: ml.Executor) -> None:
    import decimal
    import enum

    class Colour(enum.IntEnum):
        RED = 1

    for value in (True, 1, 1.0, decimal.Decimal("1.10"), Colour.RED, 2**70, -(2**63), 2**63 - 1):
        result = pool.submit(first, value).result()
        assert result == value
        assert type(result).__name__ == type(value).__name__


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_buffers_in_objects_that_pickle_them_in_any_way(pool: ml.Executor, protocol: int) -> None:
    data = pickle.dumps(bytes(100_000), protocol)
    assert pool.submit(pickle.loads, data).result() == bytes(100_000)
