"""Imports what needs another package only when it is asked for, and says how to get the package."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

__all__ = ["with_package"]


def with_package(package: str, home: str) -> ModuleType:
    """Return the module of this package that needs another one.

    Raises
    ------
    ImportError
        It is not installed.

    >>> with_package("nothing_of_this_name", "_circuit")
    Traceback (most recent call last):
    ImportError: this needs nothing_of_this_name; install multilane[nothing_of_this_name]
    """
    if importlib.util.find_spec(package) is None:
        raise ImportError(f"this needs {package}; install multilane[{package}]")
    return importlib.import_module(f"multilane.quantum.{home}")
