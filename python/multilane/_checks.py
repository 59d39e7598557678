"""Refuses option values that cannot be meant, with an error that names the option."""

from __future__ import annotations

import operator

__all__ = ["positive_count", "positive_seconds", "retry_count", "whole_number"]

#: The engine counts attempts in 16 bits.
MOST_RETRIES = 65534

#: Sizes and counts are kept in 64 bits.
MOST = (1 << 63) - 1


def positive_count(value: object, what: str) -> None:
    """Refuse what is neither a whole number above 0 nor None.

    >>> positive_count(0, "workers")
    Traceback (most recent call last):
    ValueError: `workers` is 0, but must be a positive number or None
    """
    if value is not None and not whole_number(value, 1):
        raise ValueError(f"`{what}` is {value!r}, but must be a positive number or None")


def whole_number(value: object, least: int, most: int = MOST) -> bool:
    """Say whether an object is a whole number from a least to a greatest one, which the extension can hold.

    NumPy's integers are whole numbers.

    >>> whole_number(0, 0), whole_number(0, 1), whole_number(True, 0), whole_number(2.0, 0), whole_number(1 << 64, 0)
    (True, False, False, False, False)
    """
    if isinstance(value, bool):
        return False
    try:
        return least <= operator.index(value) <= most  # type: ignore[arg-type]
    except TypeError:
        return False


def positive_seconds(value: object, what: str) -> None:
    """Refuse what is neither a duration above 0 nor None."""
    if value is not None and not (isinstance(value, (int, float)) and value > 0):
        raise ValueError(f"`{what}` is {value!r}, but must be a positive number of seconds or None")


def retry_count(value: object) -> None:
    """Refuse what is no number of retries.

    >>> retry_count(-1)
    Traceback (most recent call last):
    ValueError: `retries` is -1, but must be a whole number, 0 to 65534
    """
    if not isinstance(value, int) or not 0 <= value <= MOST_RETRIES:
        raise ValueError(f"`retries` is {value!r}, but must be a whole number, 0 to {MOST_RETRIES}")
