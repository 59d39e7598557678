"""One pool per backend, shared by the tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import multilane as ml

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


@pytest.fixture
def pool(backend: str) -> ml.Executor:
    """Two workers of each backend."""
    return _pool(backend)


@pytest.fixture
def workers(concurrent: str) -> ml.Executor:
    """Two workers of each backend whose tasks run beside the caller."""
    return _pool(concurrent)
