"""The cases as loops that Numba compiles and runs on all cores.

Compiled once: Numba keeps its result in the folder that `engines` names.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

OPTIONS = {"parallel": True, "fastmath": True, "nogil": True, "cache": True}


@njit(**OPTIONS)
def fma(a, b, c, out):
    for i in prange(a.size):
        out[i] = a[i] * b[i] + c[i]


@njit(**OPTIONS)
def sine(a, b, c, d, out):
    for i in prange(a.size):
        out[i] = a[i] * b[i] + c[i] * np.sin(d[i])


@njit(**OPTIONS)
def eight(a, b, o1, o2, o3, o4, o5, o6, o7, o8):
    for i in prange(a.size):
        x = a[i]
        y = b[i]
        o1[i] = x * 1.0 + y
        o2[i] = x * 2.0 + y
        o3[i] = x * 3.0 + y
        o4[i] = x * 4.0 + y
        o5[i] = x * 5.0 + y
        o6[i] = x * 6.0 + y
        o7[i] = x * 7.0 + y
        o8[i] = x * 8.0 + y


@njit(**OPTIONS)
def chain(a, out):
    for i in prange(a.size):
        x = a[i]
        for _ in range(10):
            x = x * 2.0 + 1.0
        out[i] = x


@njit(**OPTIONS)
def diamond(a, out):
    for i in prange(a.size):
        left = a[i] * 2.0
        right = a[i] + 3.0
        out[i] = left * right + left - right


@njit(**OPTIONS)
def dot(a, b):
    total = 0.0
    for i in prange(a.size):
        total += a[i] * b[i]
    return total
