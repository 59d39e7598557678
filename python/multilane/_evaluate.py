"""`evaluate`: an expression over arrays, given as text.

Everything is done by the extension, from reading the text to the result, so that a call costs little. Here is only what
it asks for when an operand is not simply an array.
"""

from __future__ import annotations

from typing import Any

from multilane._dtypes import DTYPES
from multilane._inputs import as_array
from multilane._multilane import evaluate as evaluate

__all__ = ["evaluate"]


def operands(given: dict[str, Any]) -> dict[str, Any]:
    """Make NumPy arrays of one shape, in order and of types of plans; numbers become arrays without axes.

    >>> import numpy as np
    >>> made = operands({"a": np.ones((2, 3), "u1"), "b": [1, 2, 3]})
    >>> made["a"].dtype, made["b"].shape
    (dtype('int32'), (2, 3))
    """
    import numpy as np

    arrays = {name: _array(thing, name) for name, thing in given.items()}
    shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    return {
        name: array if array.ndim == 0 else np.ascontiguousarray(np.broadcast_to(array, shape))
        for name, array in arrays.items()
    }


def _array(thing: Any, name: str) -> Any:
    import numpy as np

    if isinstance(thing, np.ndarray) and thing.dtype.name in DTYPES.values() and thing.dtype.isnative:
        return thing
    return as_array(thing, None, name)
