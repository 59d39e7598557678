"""What a builder hands out: values of a plan, and the graph it works on.

Values stand for numbers that are known when the plan runs. Nothing here computes.
"""

from __future__ import annotations

import numbers
import sys
from typing import TYPE_CHECKING, Any

from multilane._operators import Operators

if TYPE_CHECKING:
    from multilane._builder import Builder
    from multilane._loop import Scope
    from multilane._multilane import PlanValue

__all__ = ["Number", "Value", "is_number"]

#: What stands for a constant wherever a value is asked for.
Number = bool | int | float


def is_number(thing: object) -> bool:
    """Say whether a thing is one number, Python's or NumPy's.

    >>> is_number(True), is_number(2.5), is_number("2"), is_number([1])
    (True, True, False, False)
    """
    if isinstance(thing, (bool, int, float)):
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(thing, numpy.generic) and isinstance(thing, (numbers.Real, numpy.bool_))


class Value(Operators):
    """A value of a plan: a scalar, or one array.

    Made by a `Builder`, and used with Python's operators, NumPy's functions and the operations of `Builder.core` and
    `Builder.graph`. Arithmetic converts as NumPy does: whole numbers meet ``f64`` as ``f64``, Python's own numbers take
    the type of the array. Comparisons give truth values, which ``&``, ``|``, ``^`` and ``~`` combine.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder()
    >>> x = b.input("x", "f32")
    >>> x * 2 + 1
    <Value f32[n]>
    >>> (x > 0).sum()
    <Value i64>
    """

    __slots__ = ("_builder", "_native", "_scope")

    def __init__(self, builder: Builder, native: PlanValue, scope: Scope) -> None:
        self._builder = builder
        self._native = native
        self._scope = scope

    @property
    def dtype(self) -> str:
        """Name of the element type: ``bool``, ``i32``, ``i64``, ``f32`` or ``f64``."""
        return self._native.dtype

    @property
    def size(self) -> str | None:
        """Name of the size, which is known when the plan runs; None for a scalar."""
        return self._native.size

    def __repr__(self) -> str:
        return f"<Value {self._native}>"

    def _takes(self, other: object) -> bool:
        return isinstance(other, Value) or is_number(other)

    def _apply(self, op: str, *operands: Any, **attributes: Any) -> Value:
        return self._builder._apply(op, operands, attributes)

    def __setattr__(self, name: str, value: object) -> None:
        if name in Value.__slots__:
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(f"a plan's value has no `{name}` to set")
