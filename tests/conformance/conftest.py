"""One pool per backend, shared by the tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import multilane as ml
from gates import Gate

BACKENDS = ("serial", "threads", "processes")
#: Backends whose tasks run beside the caller.
CONCURRENT = ("threads", "processes")

_pools: dict[str, ml.Executor] = {}


@pytest.fixture(scope="session", autouse=True)
def _shut_down() -> Iterator[None]:
    yield
    for pool in _pools.values():
        pool.shutdown()
    _pools.clear()


def _pool(backend: str) -> ml.Executor:
    if backend not in _pools:
        _pools[backend] = ml.Executor(2, backend)
    return _pools[backend]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each backend in turn."""
    name: str = request.param
    return name


@pytest.fixture(params=CONCURRENT)
def concurrent(request: pytest.FixtureRequest) -> str:
    """Each backend whose tasks run beside the caller."""
    name: str = request.param
    return name


@pytest.fixture
def pool(backend: str) -> ml.Executor:
    """Two workers of each backend."""
    return _pool(backend)


@pytest.fixture
def workers(concurrent: str) -> ml.Executor:
    """Two workers of each backend whose tasks run beside the caller."""
    return _pool(concurrent)


@pytest.fixture
def make_gate(tmp_path: Path) -> Iterator[Callable[[], Gate]]:
    """Makes gates."""
    gates: list[Gate] = []

    def make() -> Gate:
        gates.append(Gate(tmp_path / f"gate{len(gates)}"))
        return gates[-1]

    yield make
    for gate in gates:
        # A failed test must not leave tasks behind. The gate stays open: a task that was
        # claimed but comes to it only after the test would wait for ever for the other side.
        gate.open(100)


@pytest.fixture
def gate(make_gate: Callable[[], Gate]) -> Gate:
    """A gate."""
    return make_gate()
