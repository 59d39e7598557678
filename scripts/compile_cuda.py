"""Compile the kernels for CUDA to PTX: `compile_cuda.py LIBRARY`, where LIBRARY is an NVRTC (`libnvrtc.so.12`).

Reads `crates/multilane-gpu/src/cuda/kernels.cu` and writes `kernels.ptx` beside it. Needs no GPU and no driver; NVRTC
comes with CUDA, or in the package `nvidia-cuda-nvrtc-cu12`.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "crates/multilane-gpu/src/cuda/kernels.cu"

#: Volta and everything later: the driver compiles it for what is there.
OPTIONS = (b"--gpu-architecture=compute_70", b"--std=c++17")


def compile_to_ptx(library: str, source: str) -> str:
    """Return the PTX of a source, or raise with the compiler's complaints."""
    nvrtc = ctypes.CDLL(library)
    program = ctypes.c_void_p()

    def call(name: str, *arguments: object) -> int:
        return int(getattr(nvrtc, name)(*arguments))

    if call("nvrtcCreateProgram", ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None):
        raise SystemExit("NVRTC does not start")
    failed = call("nvrtcCompileProgram", program, len(OPTIONS), (ctypes.c_char_p * len(OPTIONS))(*OPTIONS))
    if failed:
        raise SystemExit(_text(nvrtc, program, "ProgramLog"))
    return _text(nvrtc, program, "PTX")


def _text(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, what: str) -> str:
    size = ctypes.c_size_t()
    getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    getattr(nvrtc, f"nvrtcGet{what}")(program, buffer)
    return buffer.value.decode()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    SOURCE.with_suffix(".ptx").write_text(compile_to_ptx(sys.argv[1], SOURCE.read_text(encoding="utf-8")))
