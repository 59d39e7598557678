"""Say whether two results of the same call are equal, also where `==` alone does not tell.

Reads the two values and changes neither.
"""

from __future__ import annotations

import dataclasses
import math
import pickle
import sys
from collections.abc import Sequence
from typing import Any


def first_difference(expected: Sequence[Any], found: Sequence[Any]) -> str | None:
    """Name the first result that differs, or return ``None``.

    >>> first_difference([1, 2.0], [1, 2.5])
    'call 1: expected 2.0, found 2.5'
    >>> first_difference([float("nan")], [float("nan")]) is None
    True
    """
    if len(expected) != len(found):
        return f"expected {len(expected)} results, found {len(found)}"
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        if not equal(one, other):
            return f"call {number}: expected {_short(one)}, found {_short(other)}"
    return None


def equal(one: Any, other: Any) -> bool:
    """Compare two values by content.

    >>> equal({"a": [1, (2, float("nan"))]}, {"a": [1, (2, float("nan"))]})
    True
    >>> equal(1, 1.0)
    False
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(equal, one, other))
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(one, numpy.ndarray):
        return _equal_arrays(numpy, one, other)
    # Without an `__eq__` of its own, `==` asks whether it is the same object.
    if not any("__eq__" in vars(kind) for kind in type(one).__mro__[:-1]):
        return _equal_contents(one, other)
    if dataclasses.is_dataclass(one):
        return all(equal(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one) if f.compare)
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        # Data frames and their like compare element by element and refuse one answer.
        return _equal_contents(one, other)


def _equal_arrays(numpy: Any, one: Any, other: Any) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind in "fcmM":
        return bool(numpy.array_equal(one, other, equal_nan=True))
    return bool(numpy.array_equal(one, other))


def _equal_contents(one: Any, other: Any) -> bool:
    try:
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:
        return False


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
