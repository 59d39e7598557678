"""`Plan`: a program over arrays and graphs, as data, with everything that can be asked of it.

Plans never change; `optimize` makes another one. What computes is the extension.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import TYPE_CHECKING, Any

from multilane import _multilane
from multilane._checks import whole_number
from multilane._dtypes import nearest
from multilane._where import caller_line
from multilane.errors import ConvergenceWarning, PlanError

if TYPE_CHECKING:
    from multilane.parallelism import ParallelExecutionPlan

__all__ = ["Passes", "Plan", "Prediction", "Results", "Text", "optimize"]


class Text(str):
    """Text that an interactive session shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Results(Mapping[str, Any]):
    """What a plan computed: a mapping of outputs by name, which are attributes too.

    Arrays are NumPy arrays over the engine's own memory, without a copy; the memory is given back with the last of
    them. Scalars are NumPy scalars.
    """

    __slots__ = ("_run", "_values")

    def __init__(self, values: dict[str, Any], run: _multilane.PlanRun) -> None:
        self._values = values
        self._run = run

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    # Those of `Mapping` look up every name anew.
    def keys(self) -> KeysView[str]:
        return self._values.keys()

    def values(self) -> ValuesView[Any]:
        return self._values.values()

    def items(self) -> ItemsView[str, Any]:
        return self._values.items()

    def __getattr__(self, name: str) -> Any:
        if name in Results.__slots__:
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"the plan has no output `{name}`; {nearest(name, self._values)}") from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._values})

    @property
    def run(self) -> _multilane.PlanRun:
        """What was measured of the run: ``groups()``, ``trace()``, ``start_ns``, ``end_ns``, ``peak_bytes``."""
        return self._run

    def __repr__(self) -> str:
        return f"Results({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"


class Prediction:
    """How long a plan would take; made by `Plan.predict`.

    Every number is a prediction by the cost model of the machine it was measured on, for the workers and sizes given.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    @property
    def seconds(self) -> float:
        """Seconds in all."""
        return float(self._data["total_ns"]) / 1e9

    @property
    def sequential_seconds(self) -> float:
        """Seconds with one worker."""
        return float(self._data["sequential_ns"]) / 1e9

    @property
    def speedup(self) -> float:
        """Sequential time over time."""
        return float(self._data["speedup"])

    @property
    def workers(self) -> int:
        """The number of workers it is for."""
        return int(self._data["workers"])

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes it is for."""
        return dict(self._data["sizes"])

    @property
    def groups(self) -> list[dict[str, Any]]:
        """For each group of operations: ``operations``, ``ns``, ``bytes`` and what bounds it (``bound``)."""
        return list(self._data["groups"])

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return dict(self._data)

    def __repr__(self) -> str:
        return (
            f"<Prediction {_seconds(self.seconds)} on {self.workers} workers, "
            f"{self.speedup:.2f} times as fast as on one>"
        )


class Passes(Sequence[dict[str, Any]]):
    """What the passes did to a plan: for each ``name``, operations ``changed``, and ``operations`` afterwards."""

    def __init__(self, report: dict[str, Any] | None = None, words: str = "no passes ran") -> None:
        self._entries: list[dict[str, Any]] = report["passes"] if report is not None else []
        self._words = words

    def __getitem__(self, index: Any) -> Any:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return self._words.rstrip()


class Plan:
    """A program over arrays and graphs.

    Made by `Builder.build`, `Plan.parse` or `Plan.from_json`; verified, and never changed afterwards.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder("mean square")
    >>> x = b.input("x")
    >>> b.output("y", (x * x).mean())
    >>> plan = b.build()
    >>> plan.inputs, plan.outputs
    ({'x': 'f64[n]'}, {'y': 'f64'})
    >>> float(plan.run(x=[1.0, 2.0, 3.0]).y.round(3))
    4.667
    """

    def __init__(self, native: _multilane.Plan) -> None:
        self._native = native
        self._optimized: Plan | None = None
        self._passes: Passes | None = None
        self._sizes: dict[str, int] = {}

    @staticmethod
    def parse(text: str) -> Plan:
        """Read a plan from its text form.

        Raises
        ------
        PlanError
            Every mistake in the text, with its line.

        Examples
        --------
        >>> import multilane as ml
        >>> b = ml.Builder("twice")
        >>> b.output("y", b.input("x") * 2)
        >>> plan = b.build()
        >>> ml.Plan.parse(plan.text()) == plan
        True
        """
        return Plan(_multilane.Plan.parse(text))

    @staticmethod
    def from_json(text: str) -> Plan:
        """Read a plan from JSON; one of a later format version is refused."""
        return Plan(_multilane.Plan.from_json(text))

    @property
    def name(self) -> str:
        """What it is called."""
        return self._native.name

    @property
    def inputs(self) -> dict[str, str]:
        """The inputs with their types."""
        return self._native.inputs()

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs with their types."""
        return self._native.outputs()

    @property
    def sizes(self) -> list[str]:
        """The names of its sizes."""
        return self._native.sizes()

    def text(self) -> Text:
        """Return the readable form, which `parse` reads."""
        return Text(self._native.text())

    def __str__(self) -> str:
        return self._native.text()

    def __repr__(self) -> str:
        return f"<Plan {self.name!r}: {self._native.operations()} operations>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self._native.same(other._native)

    def __hash__(self) -> int:
        return hash(self._native.text())

    def __reduce__(self) -> tuple[Callable[[str], Plan], tuple[str]]:
        return Plan.from_json, (self.to_json(),)

    def to_json(self) -> str:
        """Return the plan as JSON; `Plan.schema` describes it."""
        return self._native.to_json()

    @staticmethod
    def schema() -> str:
        """Return the JSON schema of `to_json`."""
        return _multilane.Plan.schema()

    def to_dot(self) -> str:
        """Return the plan as a picture in Graphviz's DOT language."""
        return self._native.to_dot()

    def _repr_svg_(self) -> str | None:
        """Draw the plan in a notebook, where the `graphviz` library and its program are there."""
        try:
            import graphviz
        except ImportError:
            return None
        if shutil.which("dot") is None:
            return None
        return str(graphviz.Source(self.to_dot()).pipe("svg", encoding="utf-8"))

    def optimize(self, passes: Sequence[str] | None = None) -> Plan:
        """Return a plan that computes the same with less work.

        Parameters
        ----------
        passes
            Names of passes, in the order to run them; by default the pipeline that `run` uses. `passes` of the
            result says what each one did.

        Examples
        --------
        >>> import multilane as ml
        >>> b = ml.Builder("sum of squares")
        >>> x = b.input("x")
        >>> b.output("y", (x * x + x * x).sum())
        >>> plan = b.build().optimize(["cse", "dce"])
        >>> plan.text().count("core.mul")
        1
        """
        native, report, words = self._native.optimize(None if passes is None else list(passes))
        plan = Plan(native)
        plan._passes = Passes(report, words)
        plan._sizes = dict(self._sizes)
        if passes is None:
            plan._optimized = plan
        return plan

    @property
    def passes(self) -> Passes:
        """What the passes did that made this plan; empty when none did."""
        return self._passes or Passes()

    def _ready(self, optimized: bool) -> Plan:
        if not optimized:
            return self
        if self._optimized is None:
            self._optimized = self.optimize()
        return self._optimized

    def analyze(
        self,
        *,
        estimator: str = "calibrated",
        threshold: float = 1.2,
        workers: int | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> ParallelExecutionPlan:
        """Find what can run in parallel, and what that would gain; `analyze_parallelism` explains the parameters."""
        from multilane.parallelism import analyze_parallelism

        return analyze_parallelism(self, estimator=estimator, threshold=threshold, workers=workers, sizes=sizes)

    def _sizes_for(self, sizes: Mapping[str, int] | None) -> dict[str, int]:
        unknown = set(sizes or ()) - set(self.sizes)
        if unknown:
            name = min(unknown)
            raise PlanError(f"the plan has no size `{name}`; {nearest(name, self.sizes)}")
        known = dict.fromkeys(self.sizes, DEFAULT_SIZE) | self._sizes | dict(sizes or {})
        for name, size in known.items():
            if not whole_number(size, 0):
                raise PlanError(f"the size `{name}` is {size!r}, but must be a number of elements, 0 or more")
        return known

    def predict(
        self,
        workers: int | None = None,
        *,
        sizes: Mapping[str, int] | None = None,
        optimized: bool = True,
    ) -> Prediction:
        """Predict how long the plan takes, from a cost model that is measured once on each machine.

        Parameters
        ----------
        workers
            For how many workers, there or not; by default those that `run` uses.
        sizes
            Numbers of elements by the name of the size. By default those of the last run of this plan, and one
            million where there was none.
        optimized
            Predict the optimised plan, which is the one that runs.

        Examples
        --------
        >>> import multilane as ml
        >>> b = ml.Builder("sines")
        >>> b.output("y", b.core.sin(b.input("x")))
        >>> prediction = b.build().predict(workers=4, sizes={"n": 10_000_000})
        >>> prediction.workers, prediction.sizes, prediction.seconds > 0
        (4, {'n': 10000000}, True)
        """
        _check_workers(workers)
        plan = self._ready(optimized)
        return Prediction(plan._native.predict(workers, self._sizes_for(sizes)))

    def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        out: Mapping[str, Any] | None = None,
        workers: int | None = None,
        timeout: float | None = None,
        progress: bool | Callable[[int, int], object] | None = False,
        optimized: bool = True,
        **more: Any,
    ) -> Results:
        """Run the plan on all cores.

        Parameters
        ----------
        inputs, **more
            The inputs by name: arrays, numbers, graphs. An array that is contiguous, aligned and of the input's type is
            read where it is; another one is copied once. Objects with a buffer, ``__array__`` or Arrow's
            ``__arrow_c_array__`` are arrays. Arrays with several axes are computed element by element, and results of
            their size have their shape.
        out
            Arrays to write results to, by the outputs' names. They must be writable and contiguous, and have the
            output's type and size.
        workers
            How many workers at most; by default as many as there are processors to use. The plan decides with its cost
            model, and a small one runs on the calling thread.
        timeout
            Seconds after which it stops and raises `TaskTimeout`.
        progress
            Show the turns of the outermost loop: True draws a line, None does in a terminal or a notebook, a function
            is called with turns done and turns at most.
        optimized
            Run the plan as the passes left it, and not as it is written here.

        Returns
        -------
        Results
            The outputs by name.

        Raises
        ------
        PlanError
            An input is missing, unknown or does not fit.
        TaskTimeout
            It took longer than ``timeout``.

        Warns
        -----
        ConvergenceWarning
            A loop made its last turn before its condition held, and the plan does not read `Loop.converged` of it.
        """
        # Nobody changes a dictionary that comes as it is needed, so that small calls make no copy of it.
        given = inputs if type(inputs) is dict and not more else {**(inputs or {}), **more}
        return self._run(given, out, workers, timeout, progress, optimized)

    def _run(
        self,
        given: dict[str, Any],
        out: Mapping[str, Any] | None = None,
        workers: int | None = None,
        timeout: float | None = None,
        progress: bool | Callable[[int, int], object] | None = False,
        optimized: bool = True,
        lanes_recorded: bool = False,
    ) -> Results:
        if timeout is not None and not timeout > 0:
            raise ValueError(f"`timeout` is {timeout!r}, but must be a positive number of seconds or None")
        # The usual kinds of argument cost a small run no call.
        if type(workers) is not int or workers < 1:
            _check_workers(workers)
        plan = (self._optimized or self._ready(optimized=True)) if optimized else self
        if type(out) is not dict:
            out = dict(out or {})
        if progress is False:
            values, run, sizes = plan._native.run(given, out, workers, timeout, None, lanes_recorded)
        else:
            with _shown(self.name, progress) as report:
                values, run, sizes = plan._native.run(given, out, workers, timeout, report, lanes_recorded)
        self._sizes = plan._sizes = sizes
        for loop in run.unconverged():
            _warn_of(self.name, *loop)
        return Results(values, run)

    def explain(
        self,
        analyze: bool = False,
        *,
        inputs: Mapping[str, Any] | None = None,
        workers: int | None = None,
        sizes: Mapping[str, int] | None = None,
        **more: Any,
    ) -> Text:
        """Describe the plan before and after the passes, and what each part of it is predicted to take.

        Parameters
        ----------
        analyze
            Run the plan as well, and put what was measured beside what was predicted.
        inputs, **more
            The inputs, for ``analyze=True``.
        workers, sizes
            As for `predict`.

        Returns
        -------
        str
            For people to read.
        """
        from multilane._explain import explain

        given = {**(inputs or {}), **more}
        if given and not analyze:
            raise TypeError("inputs are for `explain(analyze=True)`, which runs the plan")
        _check_workers(workers)
        return Text(explain(self, analyze, given, workers, sizes))


#: The size a prediction is made for when none is given and the plan has not run.
DEFAULT_SIZE = 1_000_000


def optimize(plan: Plan, passes: Sequence[str] | None = None) -> Plan:
    """Return a plan that computes the same with less work: `Plan.optimize`."""
    return plan.optimize(passes)


def _warn_of(plan: str, turns: int, file: str | None, line: int | None) -> None:
    """Warn that a loop did not converge, at the call that ran it."""
    place = "" if file is None else f"{file}:{line}: "
    text = (
        f"{place}a loop of the plan `{plan}` made all of its {turns} turns and its condition never held; allow more "
        "turns, or read `loop.converged` in the plan"
    )
    warnings.warn_explicit(text, ConvergenceWarning, *caller_line())


def _check_workers(workers: int | None) -> None:
    if workers is not None and not whole_number(workers, 1):
        raise ValueError(f"`workers` is {workers!r}, but must be a positive number or None")


class _shown:
    """Draws progress, or calls the user's function, while a plan runs."""

    def __init__(self, name: str, progress: bool | Callable[[int, int], object] | None) -> None:
        self._name = name
        self._progress = progress
        self._line: Any = None

    def __enter__(self) -> Callable[[int, int], object] | None:
        progress = self._progress
        if progress is False or (progress is None and not _watched()):
            return None
        if callable(progress):
            return progress
        from multilane._progress import GroupProgress

        line = self._line = GroupProgress(self._name, enabled=progress or None)

        def report(done: int, total: int) -> None:
            line.total = total
            line.update(done)

        return report

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.close()


def _watched() -> bool:
    from multilane._progress import _somebody_watches

    return _somebody_watches()


def _seconds(seconds: float) -> str:
    """Write a duration with three digits.

    >>> [_seconds(each) for each in (4000, 1.5, 0.0234, 3.2e-5, 2.62e-7)]
    ['4000 s', '1.50 s', '23.4 ms', '32.0 us', '262 ns']
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{_three(seconds / size)} {unit}"
    return f"{_three(seconds * 1e9)} ns"


def _three(number: float) -> str:
    return f"{number:#.3g}".removesuffix(".") if number < 1000 else f"{number:.0f}"
