"""Builds and loads a C file, where there is a C compiler.

Writes the library under ``out/bench``; without a compiler the import of it fails, and the table
says so.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

BUILT = Path(__file__).resolve().parents[2] / "out" / "bench"
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]


def load(source: Path) -> ctypes.CDLL:
    """Return the compiled file; compiled once for each text of it."""
    compiler = next(filter(None, map(shutil.which, ("gcc", "clang", "cc"))), None)
    if compiler is None:
        raise ImportError("no C compiler")
    mark = hashlib.sha256(source.read_bytes() + " ".join([compiler, *FLAGS]).encode()).hexdigest()[:12]
    library = BUILT / f"{source.stem}-{mark}.so"
    if not library.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        own = library.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, *FLAGS, str(source), "-o", str(own), "-lm"], check=True)
        own.replace(library)
    return ctypes.CDLL(str(library))
