"""Makes arrays of what cannot be read in place; called by the extension, which reads the rest itself."""

from __future__ import annotations

from typing import Any

from multilane._dtypes import DTYPES
from multilane.errors import PlanError

__all__ = ["as_array", "as_nodes"]


def as_array(thing: Any, dtype: str | None, name: str) -> Any:
    """Return a contiguous NumPy array of an element type, copied once where it must be.

    Parameters
    ----------
    thing
        An array in another order or type, a list, or anything NumPy makes an array of.
    dtype
        The element type that is wanted; by default the one it has.
    name
        What the user calls it, for messages.

    Examples
    --------
    >>> as_array([1, 2], "f64", "x")
    array([1., 2.])
    >>> as_array("abc", None, "x")
    Traceback (most recent call last):
    multilane.errors.PlanError: `x` is a str, which is no array of numbers
    """
    import numpy as np

    literal = isinstance(thing, (list, tuple))
    try:
        array = np.asarray(thing)
    except ValueError as error:
        raise PlanError(f"`{name}` cannot be made an array: {error}") from None
    if array.dtype.kind not in "biuf":
        what = f"an array of {array.dtype}" if isinstance(thing, np.ndarray) else f"a {type(thing).__name__}"
        raise PlanError(f"`{name}` is {what}, which is no array of numbers")
    wanted = np.dtype(DTYPES[dtype]) if dtype is not None else _nearest(array.dtype)
    # Numbers of Python's have no type of their own yet, so that a list takes the one that is wanted.
    casting: Any = "same_kind" if literal else "safe"
    if not np.can_cast(array.dtype, wanted, casting):
        hint = f"convert it with `.astype({wanted.name!r})`"
        raise PlanError(f"`{name}` is {array.dtype}, and {wanted.name} cannot hold all of its values; {hint}")
    return np.require(array, wanted.newbyteorder("="), ["C", "A"]).reshape(array.shape)


def _nearest(dtype: Any) -> Any:
    """Return the smallest element type of plans that holds all values of another one."""
    import numpy as np

    for each in DTYPES.values():
        if np.can_cast(dtype, each, "safe") and (dtype.kind == "f") == (np.dtype(each).kind == "f"):
            return np.dtype(each)
    return np.dtype("float64")


def as_nodes(thing: Any, name: str) -> Any:
    """Return a contiguous array of node numbers in 64 bits.

    Examples
    --------
    >>> as_nodes([0, 2], "src")
    array([0, 2])
    >>> as_nodes([0.5], "src")
    Traceback (most recent call last):
    multilane.errors.PlanError: `src` is float64, and node numbers are whole; number the nodes from 0
    """
    import numpy as np

    try:
        array = np.asarray(thing)
    except ValueError as error:
        raise PlanError(f"`{name}` cannot be made an array: {error}") from None
    if array.size == 0 and array.dtype.kind != "M":
        array = array.astype(np.int64)
    if array.dtype == object and all(isinstance(each, int) for each in array.flat):
        hint = "number the nodes from 0, as `numpy.unique(..., return_inverse=True)` does"
        raise PlanError(f"`{name}` holds numbers of more than 64 bits; {hint}")
    if array.dtype.kind not in "iu":
        raise PlanError(f"`{name}` is {array.dtype}, and node numbers are whole; number the nodes from 0")
    if array.dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise PlanError(f"`{name}` holds {array.max()}, which is no node number")
    return np.ascontiguousarray(array, np.int64).reshape(array.shape)
