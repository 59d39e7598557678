"""What a command says when it cannot do what it was told: one line and, when one is known, a hint."""

from __future__ import annotations


class Failure(Exception):
    """A clear end of a command; the command line prints it without a traceback."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def as_failure(error: Exception) -> Failure | None:
    """Turn an error into what to print, or return ``None`` for a bug of our own.

    >>> as_failure(FileNotFoundError(2, "No such file or directory", "a.mlproof")).message
    '`a.mlproof`: no such file or directory'
    """
    import multilane as ml

    if isinstance(error, Failure):
        return error
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return Failure(f"`{error.filename}`: {reason}" if error.filename else reason)
    if isinstance(error, ml.MultilaneError):
        hint = getattr(error, "hint", None)
        return Failure(_first_line(error), str(hint) if hint else None)
    return None


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
