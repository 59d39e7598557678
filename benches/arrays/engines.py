"""One adapter for each library: a case and its arrays in, a call that does the work out.

Libraries that can write into given arrays do; the others allocate, as their users would. Each runs
with as many threads as the others. Libraries are imported in `prepare`.
"""

from __future__ import annotations

import ctypes
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from arrays.cases import CASES, Array
from measuring import compiled
from measuring.suite import AGAIN

#: What a call gives: the arrays, or the sum.
Results = list[Any]
Call = Callable[[], Results]


class Engine:
    """A library that evaluates expressions over arrays."""

    title: ClassVar[str]
    package: ClassVar[str | None] = None

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.library: Any = None

    def prepare(self) -> None:
        """Import the library and give it its threads."""
        if self.package:
            self.library = importlib.import_module(self.package)

    def call(self, name: str, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        """Return a call that evaluates the case called ``name``."""
        raise NotImplementedError


class NumPy(Engine):
    """NumPy as one writes it: an array for each operation, one thread."""

    title = "NumPy"

    def call(self, name: str, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        case, values = CASES[name], list(inputs.values())
        if case.reduces:
            a, b = values
            return lambda: [(a * b).sum()]
        return lambda: list(case.expected(*values))


class NumPyOne(Engine):
    """A single operation of NumPy: what a call costs that does next to nothing."""

    title = "NumPy, one operation"

    def call(self, name: str, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        a, multiply = next(iter(inputs.values())), np.multiply
        if not outputs:
            return lambda: [multiply(a, a)]
        out = outputs[0]
        return lambda: [multiply(a, a, out=out)]


class NumExpr(Engine):
    title = "numexpr"
    package = "numexpr"

    def prepare(self) -> None:
        super().prepare()
        self.library.set_num_threads(self.workers)

    def call(self, name: str, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        case, evaluate = CASES[name], self.library.evaluate
        if case.reduces:
            return lambda: [evaluate(case.expressions[0], local_dict=inputs)]
        pairs = list(zip(case.expressions, outputs, strict=True))
        return lambda: [evaluate(text, local_dict=inputs, out=out) for text, out in pairs]


class Numba(Engine):
    title = "Numba, parallel"
    package = "numba"

    def prepare(self) -> None:
        os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled.BUILT / "numba"))
        super().prepare()
        self.library.set_num_threads(self.workers)
        self.kernels = importlib.import_module("arrays.numba_kernels")

    def call(self, name: str, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        kernel, values = getattr(self.kernels, name), list(inputs.values())
        if CASES[name].reduces:
            return lambda: [kernel(*values)]

        def run() -> Results:
            kernel(*values, *outputs)
            return outputs

        return run


class Polars(Engine):
    title = "Polars"
    package = "polars"

    def prepare(self) -> None:
        os.environ["POLARS_MAX_THREADS"] = str(self.workers)
        super().prepare()

    def call(self, name: str, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        polars, case = self.library, CASES[name]
        frame = polars.DataFrame(inputs).lazy()
        names = {key: polars.col(key) for key in inputs}
        if case.reduces:
            expressions = [(names["a"] * names["b"]).sum().alias("sum")]
        else:
            names["sin"] = lambda column: column.sin()
            # The texts are those of `cases.py`.
            expressions = [
                eval(text, {"__builtins__": {}}, names).alias(f"o{index}")
                for index, text in enumerate(case.expressions)
            ]
        query = frame.select(expressions)
        if case.reduces:
            return lambda: [query.collect().item()]
        return lambda: query.collect().get_columns()


class Reference(Engine):
    """Plain C with OpenMP: what a compiler makes of each case by itself."""

    title = "C, OpenMP"

    def prepare(self) -> None:
        os.environ["OMP_NUM_THREADS"] = str(self.workers)
        self.library = compiled.load(Path(__file__).with_name("reference.c"))
        self.library.dot.restype = ctypes.c_double

    def call(self, name: str, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        kernel = getattr(self.library, "fma_" if name == "fma" else name)
        values = [ctypes.c_void_p(array.ctypes.data) for array in (*inputs.values(), *outputs)]
        size = ctypes.c_long(next(iter(inputs.values())).size)
        if CASES[name].reduces:
            return lambda: [kernel(size, *values)]

        def run() -> Results:
            kernel(size, *values)
            return outputs

        return run


class Triad(Reference):
    """a + 3*b in C, with the better of two kinds of store: the bandwidth of the machine."""

    title = "triad"

    def calls(self, inputs: dict[str, Array], output: Array) -> dict[str, Callable[[], None]]:
        """Return both kinds."""
        size = ctypes.c_long(output.size)
        values = [ctypes.c_void_p(array.ctypes.data) for array in (inputs["a"], inputs["b"], output)]
        kinds = {"plain": self.library.triad, "streaming": self.library.triad_streaming}
        return {kind: lambda kernel=kernel: kernel(size, *values) for kind, kernel in kinds.items()}


class Multilane(Engine):
    """multilane: one expression as text, several of them as a plan that the builder made."""

    title = "multilane"
    package = "multilane"

    def plan(self, name: str) -> Any:
        """Return a case as a plan with outputs ``o0``, ``o1``, ..."""
        case, builder = CASES[name], self.library.Builder(name)
        names = {key: builder.input(key) for key in case.inputs}
        if case.reduces:
            builder.output("o0", (names["a"] * names["b"]).sum())
            return builder.build()
        names["sin"] = builder.core.sin
        for index, text in enumerate(case.expressions):
            builder.output(f"o{index}", eval(text, {"__builtins__": {}}, names))
        return builder.build()

    def run(self, plan: Any, workers: int, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        """Return a call that runs a plan with so many workers."""
        out = {f"o{index}": array for index, array in enumerate(outputs)}
        return lambda: list(plan.run(inputs, out=out, workers=workers).values())

    def call(self, name: str, inputs: dict[str, Array], outputs: list[Array]) -> Call:
        case, evaluate = CASES[name], self.library.evaluate
        if case.reduces:
            return lambda: [evaluate(case.expressions[0], **inputs)]
        if case.outputs > 1:
            return self.run(self.plan(name), self.workers, inputs, outputs)
        (text,), (out,) = case.expressions, outputs
        return lambda: [evaluate(text, out=out, **inputs)]


ENGINES: dict[str, type[Engine]] = {
    "multilane": Multilane,
    "triad": Triad,
    "c": Reference,
    "numba": Numba,
    "numexpr": NumExpr,
    "polars": Polars,
    "numpy": NumPy,
    "numpy-one": NumPyOne,
}


def make(name: str, workers: int) -> Engine:
    """Return a prepared engine."""
    engine = ENGINES[name.removesuffix(AGAIN)](workers)
    engine.prepare()
    return engine


def aligned(elements: int) -> Array:
    """Return an array that begins at a cache line, as streaming stores want it."""
    memory = np.zeros(elements + 8)
    start = -memory.ctypes.data % 64 // 8
    return memory[start : start + elements]
