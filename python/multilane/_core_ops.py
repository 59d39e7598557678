"""`Builder.core`: every operation on numbers, by name.

Each method adds one operation to the plan and returns its result. Nothing here computes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilane._dtypes import dtype_name
from multilane._operators import REDUCE_MAX, REDUCE_MIN, norm_name

if TYPE_CHECKING:
    from multilane._builder import Builder
    from multilane._values import Number, Value

__all__ = ["CoreOperations"]


class CoreOperations:
    """The operations on numbers. Operands are values of the plan, or numbers.

    Scalars meet every element of an array. Two arrays must have the same size.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder()
    >>> x = b.input("x")
    >>> b.core.where(x > 0, b.core.sqrt(x), 0.0)
    <Value f64[n]>
    >>> b.core.map("a * sin(b) + 1", a=x, b=2 * x)
    <Value f64[n]>
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def _op(self, name: str, *operands: Any, **attributes: Any) -> Value:
        return self._builder._apply(f"core.{name}", operands, attributes)

    def constant(self, value: Number, dtype: Any = None) -> Value:
        """Make a number a value; by default f64, i64 or bool, as the number is."""
        return self._builder._constant(value, dtype)

    def add(self, a: Value | Number, b: Value | Number) -> Value:
        """Add: ``a + b``."""
        return self._op("add", a, b)

    def sub(self, a: Value | Number, b: Value | Number) -> Value:
        """Subtract: ``a - b``."""
        return self._op("sub", a, b)

    def mul(self, a: Value | Number, b: Value | Number) -> Value:
        """Multiply: ``a * b``."""
        return self._op("mul", a, b)

    def div(self, a: Value | Number, b: Value | Number) -> Value:
        """Divide: ``a / b``; whole numbers become f64 first."""
        return self._op("div", a, b)

    def neg(self, a: Value | Number) -> Value:
        """Negate: ``-a``."""
        return self._op("neg", a)

    def abs(self, a: Value | Number) -> Value:
        """Take the magnitude."""
        return self._op("abs", a)

    def pow(self, a: Value | Number, b: Value | Number) -> Value:
        """Raise to a power: ``a ** b``; whole numbers to whole powers from 0 on."""
        return self._op("pow", a, b)

    def sqrt(self, a: Value | Number) -> Value:
        """Take the square root; NaN below 0."""
        return self._op("sqrt", a)

    def exp(self, a: Value | Number) -> Value:
        """Raise e to a power."""
        return self._op("exp", a)

    def log(self, a: Value | Number) -> Value:
        """Take the natural logarithm; NaN below 0."""
        return self._op("log", a)

    def sin(self, a: Value | Number) -> Value:
        """Take the sine of an angle in radians."""
        return self._op("sin", a)

    def cos(self, a: Value | Number) -> Value:
        """Take the cosine of an angle in radians."""
        return self._op("cos", a)

    def tanh(self, a: Value | Number) -> Value:
        """Take the hyperbolic tangent."""
        return self._op("tanh", a)

    def min(self, a: Value | Number, b: Value | Number | None = None) -> Value:
        """Take the smaller of two, element by element; of one operand, its smallest element. NaN wins."""
        return self._op(REDUCE_MIN.removeprefix("core."), a) if b is None else self._op("min", a, b)

    def max(self, a: Value | Number, b: Value | Number | None = None) -> Value:
        """Take the larger of two, element by element; of one operand, its largest element. NaN wins."""
        return self._op(REDUCE_MAX.removeprefix("core."), a) if b is None else self._op("max", a, b)

    def recip(self, a: Value | Number, epsilon: float = 0.0) -> Value:
        """Take the reciprocal: ``1 / (a + epsilon)``."""
        return self._op("recip", a, epsilon=float(epsilon))

    def eq(self, a: Value | Number, b: Value | Number) -> Value:
        """Compare: ``a == b``."""
        return self._op("eq", a, b)

    def ne(self, a: Value | Number, b: Value | Number) -> Value:
        """Compare: ``a != b``."""
        return self._op("ne", a, b)

    def lt(self, a: Value | Number, b: Value | Number) -> Value:
        """Compare: ``a < b``."""
        return self._op("lt", a, b)

    def le(self, a: Value | Number, b: Value | Number) -> Value:
        """Compare: ``a <= b``."""
        return self._op("le", a, b)

    def gt(self, a: Value | Number, b: Value | Number) -> Value:
        """Compare: ``a > b``."""
        return self._op("gt", a, b)

    def ge(self, a: Value | Number, b: Value | Number) -> Value:
        """Compare: ``a >= b``."""
        return self._op("ge", a, b)

    def logical_and(self, a: Value | Number, b: Value | Number) -> Value:
        """Say where both are true."""
        return self._op("and", a, b)

    def logical_or(self, a: Value | Number, b: Value | Number) -> Value:
        """Say where one is true."""
        return self._op("or", a, b)

    def logical_xor(self, a: Value | Number, b: Value | Number) -> Value:
        """Say where exactly one is true."""
        return self._op("xor", a, b)

    def logical_not(self, a: Value | Number) -> Value:
        """Say where it is false."""
        return self._op("not", a)

    def where(self, condition: Value | Number, a: Value | Number, b: Value | Number) -> Value:
        """Choose ``a`` where the condition is true, ``b`` elsewhere; both are computed."""
        return self._op("where", condition, a, b)

    def cast(self, a: Value | Number, dtype: Any) -> Value:
        """Convert: floats are cut toward zero to whole numbers, anything but 0 is true."""
        return self._op("cast", a, to=dtype_name(dtype))

    def broadcast(self, a: Value | Number, like: Value) -> Value:
        """Make a scalar an array of the size of another value."""
        return self._builder._broadcast(a, like.size)

    def sum(self, a: Value) -> Value:
        """Add all elements; whole numbers and truth values add up to an i64."""
        return self._op("sum", a)

    def mean(self, a: Value) -> Value:
        """Average all elements."""
        return self._op("mean", a)

    def count(self, a: Value) -> Value:
        """Count the elements that are not zero."""
        return self._op("count", a)

    def norm(self, a: Value, ord: float = 2) -> Value:
        """Measure the length of an array: ``ord`` is 1, 2 or ``math.inf``."""
        return self._op("norm", a, ord=norm_name(ord))

    def any(self, a: Value) -> Value:
        """Say whether an element is true."""
        return self._op("any", a)

    def all(self, a: Value) -> Value:
        """Say whether every element is true."""
        return self._op("all", a)

    def map(self, expression: str, /, **operands: Value | Number) -> Value:
        """Compute an expression in the operands' names, such as ``"a * b + sin(c)"``.

        It is read by multilane's own parser, never by Python. The reference of `evaluate` says what it may hold.
        """
        return self._builder._map(expression, operands)
