"""Leaves out what needs Qiskit or PennyLane where they are not installed; `make test-partners` has both."""

from __future__ import annotations

import importlib.util
from pathlib import Path

MISSING = [name for name in ("qiskit", "pennylane") if importlib.util.find_spec(name) is None]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Ignore what is named after one of them, and what is about both."""
    names = [*MISSING, "partners"] if MISSING else []
    return True if any(name in collection_path.name for name in names) else None
