"""Keeps sweeps in an embedded database, each with the fingerprint of its machine, and says what changed.

One SQLite file; the sweep itself is kept whole, so that it can be judged again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import multilane as ml
from multilane import _multilane
from multilane.proofs.proof import Interval

from .result import Scaling

__all__ = ["Change", "Entry", "History", "changes", "fingerprint"]

#: The version of the database's tables.
VERSION = 1

#: What makes two machines the same for a measurement.
IDENTITY = ("cpu_model", "os", "cpus_online", "cpus_affinity", "cpus_quota")


@dataclass(frozen=True)
class Entry:
    """A sweep in the history, without its samples."""

    number: int
    created: datetime
    name: str
    workload: str
    fingerprint: str


@dataclass(frozen=True)
class Change:
    """How throughput changed at a point that two sweeps have.

    Attributes
    ----------
    ratio
        The second throughput over the first, with its 95 % interval.
    says
        ``faster``, ``slower``, ``same``, or ``unknown`` where the interval does not decide.
    """

    workload: str
    size: str
    strategy: str
    workers: int
    ratio: Interval
    says: str


def changes(first: Scaling, second: Scaling) -> list[Change]:
    """Compare two sweeps at every point that both have."""
    found = _multilane.scaling_changes(json.dumps(first.data), json.dumps(second.data))
    return [Change(**each | {"ratio": Interval(**each["ratio"])}) for each in found]


def fingerprint(machine: dict[str, Any]) -> str:
    """Name a machine by what its speed depends on.

    >>> fingerprint({"cpu_model": "a"}) == fingerprint({"cpu_model": "b"})
    False
    """
    facts = json.dumps([machine.get(name) for name in IDENTITY])
    return hashlib.sha256(facts.encode()).hexdigest()[:12]


def default_path() -> Path:
    """Where the history lies when nobody says: in the user's data folder."""
    folder = os.environ.get("XDG_DATA_HOME", "")
    root = Path(folder) if os.path.isabs(folder) else Path.home() / ".local" / "share"
    return root / "multilane" / "history.sqlite"


class History:
    """The sweeps in a file.

    Raises
    ------
    MultilaneError
        The file is no history of this version.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = default_path() if path is None else Path(path)

    def add(self, scaling: Scaling) -> int:
        """Keep a sweep; its number."""
        data = scaling.data
        packed = zlib.compress(json.dumps(data).encode())
        row = (data["created_unix_ns"], data["name"], data["workload"], fingerprint(data["machine"]), packed)
        with self._open() as base:
            cursor = base.execute(
                "INSERT INTO sweep(created, name, workload, machine, data) VALUES(?, ?, ?, ?, ?)", row
            )
            assert cursor.lastrowid is not None, "a row that was inserted has a number"
            return cursor.lastrowid

    def get(self, number: int) -> Scaling:
        """Read a sweep by its number."""
        with self._open() as base:
            row = base.execute("SELECT data FROM sweep WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise ml.MultilaneError(f"`{self.path}` has no sweep {number}; `multilane compare` lists what it has")
        return Scaling(json.loads(zlib.decompress(row[0])))

    def entries(self) -> list[Entry]:
        """List the sweeps, the oldest first."""
        with self._open() as base:
            rows = base.execute("SELECT number, created, name, workload, machine FROM sweep ORDER BY number").fetchall()
        return [
            Entry(number, datetime.fromtimestamp(created / 1e9, UTC), name, workload, machine)
            for number, created, name, workload, machine in rows
        ]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as base, base:
                version = base.execute("PRAGMA user_version").fetchone()[0]
                if version not in (0, VERSION):
                    raise ml.MultilaneError(f"`{self.path}` is of version {version} of the history, not {VERSION}")
                base.execute(
                    "CREATE TABLE IF NOT EXISTS sweep(number INTEGER PRIMARY KEY, created INTEGER NOT NULL, "
                    "name TEXT NOT NULL, workload TEXT NOT NULL, machine TEXT NOT NULL, data BLOB NOT NULL)"
                )
                base.execute(f"PRAGMA user_version = {VERSION}")
                yield base
        except sqlite3.DatabaseError as error:
            raise ml.MultilaneError(f"`{self.path}` cannot be used as a history: {error}") from error
