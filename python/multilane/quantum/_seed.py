"""Seeds of random numbers: given by who wants the same again, drawn from the system otherwise."""

from __future__ import annotations

import secrets

from multilane.errors import CircuitError

__all__ = ["chosen_seed"]


def chosen_seed(seed: int | None) -> int:
    """Return the seed given, or a fresh one.

    >>> chosen_seed(7)
    7
    """
    if seed is None:
        return secrets.randbits(64)
    if not 0 <= seed < 1 << 64:
        raise CircuitError(f"`seed` is {seed}, and must be from 0 to 2**64 - 1")
    return seed
