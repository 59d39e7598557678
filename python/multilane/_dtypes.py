"""Element types by the names that plans use; reads what NumPy and Python call them."""

from __future__ import annotations

import difflib
from typing import Any

__all__ = ["DTYPES", "dtype_name", "nearest"]

#: From the narrowest to the widest in promotion order, with NumPy's names.
DTYPES = {"bool": "bool", "i32": "int32", "i64": "int64", "f32": "float32", "f64": "float64"}

_NAMES = {numpy_name: name for name, numpy_name in DTYPES.items()} | {"int": "i64", "float": "f64", "double": "f64"}


def dtype_name(dtype: Any) -> str:
    """Return a plan's name for an element type.

    >>> [dtype_name(each) for each in ("f32", "float64", float, int, bool)]
    ['f32', 'f64', 'f64', 'i64', 'bool']
    >>> dtype_name("f16")
    Traceback (most recent call last):
    TypeError: `f16` is not an element type of plans; choose one of `bool`, `i32`, `i64`, `f32`, `f64`
    """
    name = dtype if isinstance(dtype, str) else str(getattr(dtype, "__name__", None) or getattr(dtype, "name", dtype))
    found = name if name in DTYPES else _NAMES.get(name)
    if found is None:
        known = "`, `".join(DTYPES)
        raise TypeError(f"`{name}` is not an element type of plans; choose one of `{known}`")
    return found


def nearest(name: str, known: Any) -> str:
    """Return what to try in place of a name that is not known.

    >>> nearest("rnak", ["rank", "degree"])
    'did you mean `rank`?'
    >>> nearest("x", ["rank", "degree"])
    'there is `degree`, `rank`'
    >>> nearest("x", [])
    'there is none yet'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return f"did you mean `{close[0]}`?"
    return "there is `" + "`, `".join(names) + "`" if names else "there is none yet"
