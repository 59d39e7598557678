"""Products of square matrices by the libraries that are installed: NumPy, and PyTorch on the device that it has.

The libraries are kept to one thread of their own, so that the workers of a sweep are what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from .loads import Load
from .ways import Operation

__all__ = ["matrix_products", "single_threaded"]

#: The sizes of the investigation.
SIZES = (64, 256, 1024, 4096)


def matrix_products(sizes: tuple[int, ...] = SIZES) -> list[Load]:
    """Give products of single-precision matrices, those of NumPy first; none without NumPy and PyTorch."""
    return [*_numpy_products(sizes), *_torch_products(sizes)]


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep the libraries that are loaded to one thread for each caller."""
    threadpool_limits = import_module("threadpoolctl").threadpool_limits
    torch = _torch()
    before = None if torch is None else torch.get_num_threads()
    with threadpool_limits(1):
        if torch is not None:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch is not None:
                torch.set_num_threads(before)


def _numpy_products(sizes: tuple[int, ...]) -> list[Load]:
    try:
        import numpy
    except ImportError:
        return []
    loads = []
    for size in sizes:
        matrix = numpy.random.default_rng(0).random((size, size), dtype=numpy.float32)
        operation = Operation(numpy.matmul, (matrix, matrix))
        loads.append(Load("matrix product, NumPy", operation, size=str(size), single_threaded=True))
    return loads


def _torch_products(sizes: tuple[int, ...]) -> list[Load]:
    torch = _torch()
    if torch is None:
        return []
    device, wait = _device(torch)
    loads = []
    for size in sizes:
        matrix = torch.rand(size, size, device=device)

        def product(matrix: Any = matrix) -> None:
            torch.matmul(matrix, matrix)
            # A device works behind the caller's back; an operation is done when its result is there.
            wait()

        name = f"matrix product, PyTorch on {device}"
        loads.append(Load(name, Operation(product), size=str(size), single_threaded=True))
    return loads


def _torch() -> Any:
    """PyTorch, where it is installed and can be loaded."""
    try:
        return import_module("torch")
    except (ImportError, OSError):
        return None


def _device(torch: Any) -> tuple[str, Callable[[], object]]:
    """Choose the device that PyTorch has, and what waits for it."""
    if torch.cuda.is_available():
        return "cuda", torch.cuda.synchronize
    if torch.backends.mps.is_available():
        return "mps", torch.mps.synchronize
    return "cpu", lambda: None
