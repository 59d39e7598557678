"""`share` and `empty`: arrays that tasks see without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from multilane import _multilane

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["empty", "share"]


def share(array: Any) -> Any:
    """Place an array in shared memory, once for many tasks.

    Parameters
    ----------
    array : array_like or bytes-like
        Copied once, now.

    Returns
    -------
    numpy.ndarray or memoryview
        The same values in shared memory, read-only. Passed to a task in a process, it
        is not copied: the task reads the very same pages. The memory is given back with
        the last reference.

    Raises
    ------
    TypeError
        The dtype holds Python objects, which other processes cannot see.

    Examples
    --------
    >>> import numpy as np, multilane as ml
    >>> table = ml.share(np.arange(1_000_000))
    >>> table.flags.writeable, int(table[-1])
    (False, 999999)
    """
    if isinstance(array, (bytes, bytearray, memoryview)):
        return memoryview(_multilane.SharedBuffer.place(array, True))
    import numpy as np

    source = np.asanyarray(array)
    if source.dtype.hasobject:
        raise TypeError(f"an array of {source.dtype} holds Python objects and cannot be shared")
    order: Literal["C", "F"] = "F" if source.flags.f_contiguous and not source.flags.c_contiguous else "C"
    source = np.asarray(source, order=order)
    buffer = _multilane.SharedBuffer.place(source, True)
    return np.ndarray(source.shape, source.dtype, memoryview(buffer), order=order)


def empty(shape: int | tuple[int, ...], dtype: npt.DTypeLike = float) -> np.ndarray[Any, Any]:
    """Allocate an array in shared memory, to be filled in place.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : data type
        Without Python objects.

    Returns
    -------
    numpy.ndarray
        Zeroed and writable. Passed to a task in a process, it is not copied; the task
        gets a writable view of its own. Do not write it while tasks read it.

    Examples
    --------
    >>> import multilane as ml
    >>> a = ml.empty((2, 3), "f4")
    >>> a[:] = 1
    >>> float(a.sum())
    6.0
    """
    import numpy as np

    kind = np.dtype(dtype)
    if kind.hasobject:
        raise TypeError(f"an array of {kind} holds Python objects and cannot be shared")
    dimensions = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(length < 0 for length in dimensions):
        raise ValueError(f"the shape {dimensions} has a negative dimension")
    length = kind.itemsize
    for dimension in dimensions:
        length *= dimension
    buffer = _multilane.SharedBuffer.allocate(length)
    return np.ndarray(dimensions, kind, memoryview(buffer))
