"""Finds the function and the inputs that a command line names.

Imports the user's module, from the current folder if need be; calls nothing but a function that makes inputs.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from .failure import Failure

FORM = "name it as MODULE:FUNCTION, such as `package.module:function`, or as path/to/file.py:function"


def add_inputs_to(parser: argparse.ArgumentParser) -> None:
    """Add the options that give a function its inputs."""
    parser.add_argument(
        "--inputs",
        nargs="+",
        metavar="VALUE",
        help="one input for each task: a Python literal, else a text",
    )
    parser.add_argument(
        "--inputs-from",
        metavar="MODULE:NAME",
        help="take the inputs from an iterable, or from a function that returns one",
    )


def load_function(text: str) -> Callable[..., Any]:
    """Import the function that ``text`` names.

    >>> load_function("math:sqrt")(4)
    2.0
    """
    found = load(text)
    if not callable(found):
        raise Failure(f"`{text}` is not a function but of type `{type(found).__name__}`", FORM)
    function: Callable[..., Any] = found
    return function


def load(text: str) -> Any:
    """Import what ``text`` names."""
    module_name, _, name = text.rpartition(":")
    if not module_name or not name:
        raise Failure(f"`{text}` names no function", FORM)
    module = _import(module_name)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            offered = [each for each in vars(module) if not each.startswith("_") and callable(getattr(module, each))]
            raise Failure(
                f"`{module_name}` has no `{name}`",
                f"it has {', '.join(f'`{each}`' for each in offered[:8])}" if offered else None,
            )
        found = getattr(found, part)
    return found


def inputs_of(values: Sequence[str] | None, source: str | None) -> list[Any] | None:
    """Collect the inputs, or return ``None`` when the command line gives none.

    >>> inputs_of(["3", "[1, 2]", "text.txt"], None)
    [3, [1, 2], 'text.txt']
    """
    if values is not None and source is not None:
        raise Failure("both `--inputs` and `--inputs-from` are given", "keep one of them")
    if values is not None:
        return [_literal(value) for value in values]
    if source is None:
        return None
    found = load(source)
    if callable(found):
        found = found()
    if not isinstance(found, Iterable):
        raise Failure(f"`{source}` gives a `{type(found).__name__}`, which holds no inputs", "return a list")
    return list(found)


def _import(name: str) -> Any:
    path = Path(name)
    if path.suffix == ".py" or os.sep in name:
        if not path.is_file():
            raise Failure(f"`{name}`: no such file")
        folder, name = str(path.resolve().parent), path.stem
    else:
        folder = str(Path.cwd())
    # As `python -m` does; the workers are given the same path.
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        hint = None if missing == name else f"`{name}` imports it; install it in this environment"
        raise Failure(
            f"there is no module `{missing}`", hint or "give the module's full name, or run it from its folder"
        ) from error
    except Exception as error:
        raise Failure(f"`{name}` cannot be imported: {type(error).__name__}: {error}") from error


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
