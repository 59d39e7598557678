"""The bandwidth that a pass in place can have: plain C over an array in huge pages, where the system gives them."""

from __future__ import annotations

import ctypes
import os
import statistics
import time
from pathlib import Path

import numpy as np

from measuring import compiled


def bandwidth(size: int, workers: int) -> float:
    """Return GB/s, read and written, over so many bytes."""
    os.environ["OMP_NUM_THREADS"] = str(workers)
    scale = compiled.load(Path(__file__).with_suffix(".c")).scale
    # NumPy asks for huge pages; ones, so that none is the page of zeros.
    values = np.ones(size // 8)
    count, start = ctypes.c_long(values.size), ctypes.c_void_p(values.ctypes.data)
    seconds = []
    for _ in range(30):
        started = time.perf_counter()
        scale(count, start)
        seconds.append(time.perf_counter() - started)
    return 2 * size / statistics.median(seconds) / 1e9
