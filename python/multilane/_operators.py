"""Python's operators, NumPy's functions and reductions for things that stand for numbers.

A class that mixes `Operators` in says what an operation makes of its operands; plan values and lazy arrays do.
Nothing here computes.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NoReturn, Self

from multilane._dtypes import dtype_name
from multilane._where import user_line
from multilane.errors import PlanError

__all__ = ["NUMPY_FUNCTIONS", "Operators"]

#: Operations by the names of NumPy's universal functions.
UFUNCS = {
    "absolute": "core.abs",
    "add": "core.add",
    "bitwise_and": "core.and",
    "bitwise_or": "core.or",
    "bitwise_xor": "core.xor",
    "cos": "core.cos",
    "divide": "core.div",
    "equal": "core.eq",
    "exp": "core.exp",
    "fabs": "core.abs",
    "greater": "core.gt",
    "greater_equal": "core.ge",
    "invert": "core.not",
    "less": "core.lt",
    "less_equal": "core.le",
    "log": "core.log",
    "logical_and": "core.and",
    "logical_not": "core.not",
    "logical_or": "core.or",
    "logical_xor": "core.xor",
    "maximum": "core.max",
    "minimum": "core.min",
    "multiply": "core.mul",
    "negative": "core.neg",
    "not_equal": "core.ne",
    "power": "core.pow",
    "sin": "core.sin",
    "sqrt": "core.sqrt",
    "subtract": "core.sub",
    "tanh": "core.tanh",
}

#: The names of the two reductions that have an element-wise namesake.
REDUCE_MIN = "core.reduce_min"
REDUCE_MAX = "core.reduce_max"

#: Reductions by the names of the universal functions that NumPy reduces with.
REDUCTIONS = {
    "add": "sum",
    "logical_and": "all",
    "logical_or": "any",
    "maximum": "max",
    "minimum": "min",
}


class Operators:
    """Operators, NumPy's universal functions and reductions, each handed to `_apply`."""

    __slots__ = ()

    # NumPy's arrays and scalars leave operators to this class.
    __array_priority__ = 1000.0

    @abstractmethod
    def _apply(self, op: str, *operands: Any, **attributes: Any) -> Self:
        """Make the result of an operation."""

    @abstractmethod
    def _takes(self, other: object) -> bool:
        """Say whether an object can stand beside this one in an operation."""

    def _binary(self, op: str, left: Any, right: Any) -> Self:
        other = right if left is self else left
        return self._apply(op, left, right) if self._takes(other) else NotImplemented

    def __add__(self, other: Any) -> Self:
        return self._binary("core.add", self, other)

    def __radd__(self, other: Any) -> Self:
        return self._binary("core.add", other, self)

    def __sub__(self, other: Any) -> Self:
        return self._binary("core.sub", self, other)

    def __rsub__(self, other: Any) -> Self:
        return self._binary("core.sub", other, self)

    def __mul__(self, other: Any) -> Self:
        return self._binary("core.mul", self, other)

    def __rmul__(self, other: Any) -> Self:
        return self._binary("core.mul", other, self)

    def __truediv__(self, other: Any) -> Self:
        return self._binary("core.div", self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._binary("core.div", other, self)

    def __pow__(self, other: Any) -> Self:
        return self._binary("core.pow", self, other)

    def __rpow__(self, other: Any) -> Self:
        return self._binary("core.pow", other, self)

    def __and__(self, other: Any) -> Self:
        return self._binary("core.and", self, other)

    def __rand__(self, other: Any) -> Self:
        return self._binary("core.and", other, self)

    def __or__(self, other: Any) -> Self:
        return self._binary("core.or", self, other)

    def __ror__(self, other: Any) -> Self:
        return self._binary("core.or", other, self)

    def __xor__(self, other: Any) -> Self:
        return self._binary("core.xor", self, other)

    def __rxor__(self, other: Any) -> Self:
        return self._binary("core.xor", other, self)

    def __eq__(self, other: Any) -> Self:  # type: ignore[override]
        return self._binary("core.eq", self, other)

    def __ne__(self, other: Any) -> Self:  # type: ignore[override]
        return self._binary("core.ne", self, other)

    def __lt__(self, other: Any) -> Self:
        return self._binary("core.lt", self, other)

    def __le__(self, other: Any) -> Self:
        return self._binary("core.le", self, other)

    def __gt__(self, other: Any) -> Self:
        return self._binary("core.gt", self, other)

    def __ge__(self, other: Any) -> Self:
        return self._binary("core.ge", self, other)

    # Compared element by element, found by identity.
    __hash__ = object.__hash__

    def __neg__(self) -> Self:
        return self._apply("core.neg", self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._apply("core.abs", self)

    def __invert__(self) -> Self:
        return self._apply("core.not", self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} is not known yet and is neither true nor false; "
            "write `&`, `|`, `~` for `and`, `or`, `not`, and `where(condition, a, b)` for `a if condition else b`"
        )

    def __iter__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} stands for all of its elements and cannot be iterated")

    def sum(self) -> Self:
        """Add all elements; whole numbers and truth values add up to an i64."""
        return self._apply("core.sum", self)

    def min(self) -> Self:
        """Find the smallest element; NaN when one is NaN."""
        return self._apply(REDUCE_MIN, self)

    def max(self) -> Self:
        """Find the largest element; NaN when one is NaN."""
        return self._apply(REDUCE_MAX, self)

    def mean(self) -> Self:
        """Average all elements."""
        return self._apply("core.mean", self)

    def count(self) -> Self:
        """Count the elements that are not zero."""
        return self._apply("core.count", self)

    def any(self) -> Self:
        """Say whether an element is true."""
        return self._apply("core.any", self)

    def all(self) -> Self:
        """Say whether every element is true."""
        return self._apply("core.all", self)

    def norm(self, ord: float = 2) -> Self:
        """Measure the length of the array: ``ord`` is 1, 2 or ``math.inf``."""
        return self._apply("core.norm", self, ord=norm_name(ord))

    def astype(self, dtype: Any) -> Self:
        """Convert every element."""
        return self._apply("core.cast", self, to=dtype_name(dtype))

    def clip(self, low: Any, high: Any) -> Self:
        """Bring every element between two bounds."""
        return self._apply("core.min", self._apply("core.max", self, low), high)

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **options: Any) -> Any:
        """Take NumPy's universal functions and their reductions."""
        name = ufunc.__name__
        options = {key: value for key, value in options.items() if value is not None}
        if method == "reduce" and name in REDUCTIONS:
            _refuse_options(f"{name}.reduce", {key: value for key, value in options.items() if key != "axis"})
            return getattr(operands[0], REDUCTIONS[name])()
        if method != "__call__":
            raise TypeError(f"`numpy.{name}.{method}` is not an operation of plans")
        _refuse_options(name, options)
        # Operators of NumPy arrays and scalars arrive here as well.
        if not all(self._takes(operand) for operand in operands):
            return NotImplemented
        if name == "square":
            return self._apply("core.mul", operands[0], operands[0])
        if name == "reciprocal":
            return self._apply("core.recip", operands[0], epsilon=0.0)
        if name == "positive":
            return operands[0]
        op = UFUNCS.get(name)
        if op is None:
            raise TypeError(f"`numpy.{name}` is not an operation of plans; the reference lists those of `Builder.core`")
        return self._apply(op, *operands)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Take the functions of NumPy that are operations or reductions."""
        taken = NUMPY_FUNCTIONS.get(f"{function.__module__}.{function.__name__}")
        if taken is None:
            raise TypeError(f"`{function.__module__}.{function.__name__}` is not an operation of plans")
        return taken(self, *args, **kwargs)


def norm_name(ord: float | str) -> str:
    """Return the name of a norm.

    >>> [norm_name(each) for each in (1, 2, float("inf"))]
    ['l1', 'l2', 'max']
    """
    names: dict[Any, str] = {1: "l1", 2: "l2", math.inf: "max"}
    found = names.get(ord, ord if ord in names.values() else None)
    if not isinstance(found, str):
        raise PlanError(f"`ord` is {ord!r}, but must be 1, 2 or math.inf", *user_line())
    return found


def _refuse_options(name: str, options: dict[str, Any]) -> None:
    if options:
        raise TypeError(f"`numpy.{name}` takes no `{next(iter(options))}` here: operations see whole arrays")


def _reduction(method: str) -> Callable[..., Any]:
    def reduce(_: Operators, array: Any, *args: Any, **options: Any) -> Any:
        if args or any(value is not None for value in options.values()):
            raise TypeError(f"`numpy.{method}` takes no axis here: it reduces the whole array to one number")
        return getattr(array, method)()

    return reduce


def _where(self: Operators, condition: Any, *choices: Any) -> Any:
    return self._apply("core.where", condition, *choices)


def _clip(_: Operators, array: Any, a_min: Any, a_max: Any) -> Any:
    return array.clip(a_min, a_max)


def _norm(_: Operators, array: Any, ord: Any = None) -> Any:
    return array.norm(2 if ord is None else ord)


#: What stands in for functions of NumPy that are no universal functions.
NUMPY_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "numpy.sum": _reduction("sum"),
    "numpy.mean": _reduction("mean"),
    "numpy.min": _reduction("min"),
    "numpy.amin": _reduction("min"),
    "numpy.max": _reduction("max"),
    "numpy.amax": _reduction("max"),
    "numpy.any": _reduction("any"),
    "numpy.all": _reduction("all"),
    "numpy.count_nonzero": _reduction("count"),
    "numpy.where": _where,
    "numpy.clip": _clip,
    "numpy.linalg.norm": _norm,
    "numpy.linalg._linalg.norm": _norm,
}
