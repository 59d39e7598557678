"""`lazy`: arrays that remember what was done with them, and compute all of it at once.

An expression is kept as it is written, turned into a plan when its result is asked for, and run on all cores. Plans of
equal expressions are kept. Nothing here computes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from multilane import _multilane
from multilane._builder import Builder
from multilane._operators import Operators
from multilane._plan import Plan, Text
from multilane._values import Value, is_number
from multilane._where import user_line
from multilane.errors import PlanError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LazyArray", "lazy"]

Shape = tuple[int, ...]

#: Operations that make one number of an array; all others go element by element.
_REDUCTIONS = frozenset(
    f"core.{name}" for name in ("all", "any", "count", "mean", "norm", "reduce_max", "reduce_min", "sum")
)


class LazyArray(Operators):
    """An array that is not computed yet; made by `lazy`.

    Python's operators, NumPy's functions (``numpy.sqrt``, ``numpy.where``, ``numpy.sum``, ...) and the methods below
    give further lazy arrays. Arrays of the same shape, and numbers, go together. ``numpy.asarray`` and ``float``
    compute.
    """

    __slots__ = ("_array", "_attributes", "_op", "_operands", "_shape", "_where")

    def __init__(
        self,
        array: Any,
        op: str | None,
        operands: tuple[Any, ...],
        attributes: dict[str, Any],
        shape: Shape,
        where: tuple[str, int],
    ) -> None:
        self._array = array
        self._op = op
        self._operands = operands
        self._attributes = attributes
        self._shape = shape
        self._where = where

    @property
    def shape(self) -> Shape:
        """The shape it will have."""
        return self._shape

    @property
    def ndim(self) -> int:
        """The number of axes it will have."""
        return len(self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type it will have."""
        import numpy

        from multilane._dtypes import DTYPES

        kind = self.plan().outputs["result"].split("[")[0]
        return numpy.dtype(DTYPES[kind])

    def _takes(self, other: object) -> bool:
        return isinstance(other, LazyArray) or is_number(other) or _is_array(other)

    def _apply(self, op: str, *operands: Any, **attributes: Any) -> LazyArray:
        where = user_line()
        taken = tuple(
            each if isinstance(each, LazyArray) or is_number(each) else _leaf(each, where) for each in operands
        )
        shape: Shape = ()
        for each in taken:
            other = each._shape if isinstance(each, LazyArray) else ()
            if shape and other and shape != other:
                hint = "make them one shape with `numpy.broadcast_to`"
                raise PlanError(f"lazy arrays of the shapes {shape} and {other} do not go together; {hint}", *where)
            shape = shape or other
        if op in _REDUCTIONS:
            shape = ()
        return LazyArray(None, op, taken, attributes, shape, where)

    def plan(self) -> Plan:
        """Return the plan that computes it; its inputs are the arrays, ``a0``, ``a1``, ..."""
        return _plan_of(self)[0]

    def compute(self, out: Any = None, workers: int | None = None) -> Any:
        """Compute it on all cores.

        Parameters
        ----------
        out
            An array to write the result to.
        workers
            How many workers at most.

        Returns
        -------
        numpy.ndarray or numpy scalar
            The result.

        Examples
        --------
        >>> import numpy as np, multilane as ml
        >>> x = ml.lazy(np.arange(5.0))
        >>> (np.sqrt(x) * 2 + 1).compute().round(2).tolist()
        [1.0, 3.0, 3.83, 4.46, 5.0]
        >>> float((x**2).sum())
        30.0
        """
        plan, inputs = _plan_of(self)
        return plan.run(inputs, out=None if out is None else {"result": out}, workers=workers)["result"]

    def explain(self, analyze: bool = False, *, workers: int | None = None) -> Text:
        """Describe its plan before and after the passes; with ``analyze``, run it and measure."""
        plan, inputs = _plan_of(self)
        sizes = dict(zip(plan.sizes, _lengths(inputs.values()), strict=False))
        return plan.explain(analyze, inputs=inputs if analyze else None, workers=workers, sizes=sizes)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy

        return numpy.asarray(self.compute(), dtype=dtype)

    def __float__(self) -> float:
        return float(self.compute())

    def __int__(self) -> int:
        return int(self.compute())

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("a scalar has no length")
        return self._shape[0]

    def __repr__(self) -> str:
        what = "array" if self._op is None else self._op
        return f"<LazyArray {what} of shape {self._shape}>"


def lazy(array: Any) -> LazyArray:
    """Make an array lazy: what is done with it is computed later, all at once, on all cores.

    Parameters
    ----------
    array
        Anything with a buffer, ``__array__`` or Arrow's ``__arrow_c_array__``; it is read when the result is computed.

    Returns
    -------
    LazyArray
        Stands for the array.

    Examples
    --------
    >>> import numpy as np, multilane as ml
    >>> a, b = ml.lazy(np.array([3.0, 6.0])), ml.lazy(np.array([4.0, 8.0]))
    >>> np.sqrt(a * a + b * b).compute().tolist()
    [5.0, 10.0]
    """
    return array if isinstance(array, LazyArray) else _leaf(array, user_line())


def _is_array(thing: object) -> bool:
    return any(hasattr(thing, name) for name in ("__array_interface__", "__array__", "__arrow_c_array__"))


def _leaf(array: Any, where: tuple[str, int]) -> LazyArray:
    shape = _multilane.plan_array_type(array)[1]
    return LazyArray(array, None, (), {}, shape, where)


def _lengths(arrays: Any) -> list[int]:
    found: dict[Shape, int] = {}
    for array in arrays:
        shape = _multilane.plan_array_type(array)[1]
        length = 1
        for axis in shape:
            length *= axis
        if shape:
            found.setdefault(shape, length)
    return list(found.values())


_plans: OrderedDict[Any, Plan] = OrderedDict()
_PLANS_KEPT = 256


def _plan_of(result: LazyArray) -> tuple[Plan, Mapping[str, Any]]:
    """Return the plan of an expression, kept from the last equal one, and its inputs."""
    order = _in_order(result)
    index = {id(node): number for number, node in enumerate(order)}
    leaves = [node for node in order if node._op is None]
    arrays = {id(node._array): node._array for node in leaves}
    names = {key: f"a{number}" for number, key in enumerate(arrays)}
    key = tuple(
        (
            node._op,
            tuple(
                index[id(each)] if isinstance(each, LazyArray) else (type(each), repr(each)) for each in node._operands
            ),
            tuple(node._attributes.items()),
        )
        if node._op is not None
        else (names[id(node._array)], *_multilane.plan_array_type(node._array))
        for node in order
    )
    inputs = {names[key]: array for key, array in arrays.items()}
    plan = _plans.get(key)
    if plan is None:
        plan = _plans[key] = _build(order, names)
        while len(_plans) > _PLANS_KEPT:
            _plans.popitem(last=False)
    else:
        _plans.move_to_end(key)
    return plan, inputs


def _in_order(result: LazyArray) -> list[LazyArray]:
    """Return everything a result is made of, each after what it is made of. Expressions may be deep."""
    order: list[LazyArray] = []
    seen: set[int] = set()
    waiting = [(result, False)]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting.extend((each, False) for each in reversed(node._operands) if isinstance(each, LazyArray))
    return order


def _build(order: list[LazyArray], names: dict[int, str]) -> Plan:
    builder = Builder("lazy")
    values: dict[int, Any] = {}
    inputs: dict[int, Value] = {}
    sizes: dict[Shape, str] = {}
    for node in order:
        if node._op is not None:
            operands = tuple(values[id(each)] if isinstance(each, LazyArray) else each for each in node._operands)
            values[id(node)] = builder._apply(node._op, operands, node._attributes, node._where)
            continue
        made = inputs.get(id(node._array))
        if made is None:
            name = names[id(node._array)]
            dtype, shape = _multilane.plan_array_type(node._array)
            size = sizes.setdefault(shape, f"n{len(sizes)}" if sizes else "n")
            made = builder.input(name, dtype, size=size) if shape else builder.parameter(name, dtype)
            inputs[id(node._array)] = made
        values[id(node)] = made
    builder.output("result", values[id(order[-1])])
    return builder.build()
