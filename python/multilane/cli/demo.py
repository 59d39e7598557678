"""`multilane demo`: real work on all cores with live progress, checked, then proved and reported."""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multilane import _demo

from .output import add_json_to, print_rich
from .prove import HOLDS, REFUSED, UNDECIDED, as_json, code_of

if TYPE_CHECKING:
    import multilane as ml

#: Tasks per worker in the live run: enough that the last ones finish together.
TASKS_PER_WORKER = 8

#: Seconds of sequential work to prove on: long against a scheduler's slice, short enough for many repeats.
PROVED_SECONDS = 0.7

#: Seconds the proof may take on a busy machine; on a quiet one it is precise, and ends, after a third of that.
BUDGET = 75.0

STRATEGIES = ("plain threads", "processes")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "demo",
        help="measure Python's own library on all cores, and prove it",
        description="Measures the source files of Python's standard library (complexity, nesting, identifiers) in pure "
        "Python on all cores, checks the results against a sequential run, proves the speed-up and writes a report. "
        "Then runs plans on a graph of this machine (Debian's packages, WordNet or the library's imports), checks "
        "their results and writes a page on them.",
        epilog="Exits with 1 when a result differs or the claim is refused, and with 0 also when the machine is too "
        "busy to tell.",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="workers; the usable processors by default")
    parser.add_argument("--html", metavar="FILE", default="out/report.html", help="the report; %(default)s by default")
    parser.add_argument(
        "--plans", metavar="FILE", default="out/plans.html", help="the page on the graph; %(default)s by default"
    )
    parser.add_argument("--save", metavar="FILE", help="write the measurements to FILE")
    add_json_to(parser)
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class LiveRun:
    """What the live run gave."""

    workers: int
    tasks: list[tuple[str, ...]]
    metrics: _demo.Metrics
    parallel_seconds: float
    sequential_seconds: float
    equal: bool


def run(options: argparse.Namespace) -> int:
    """Work, check, prove, report."""
    import multilane as ml
    from multilane.proofs.evidence import usable_workers

    workers = options.workers or usable_workers()
    files = _demo.library_files()
    live = _run_live(_demo.balanced(files, TASKS_PER_WORKER * workers), workers)
    if not options.json:
        _show(live)
    # Every n-th file, so that the sample is as mixed as the whole.
    every = max(1, round(live.sequential_seconds / PROVED_SECONDS))
    sample = _demo.balanced(files[::every], 2 * workers)
    proof = ml.prove(
        _demo.measure, sample, workers=workers, strategies=STRATEGIES, budget=BUDGET, name="Python's standard library"
    )
    proof.data.add_check(
        "metrics of the whole library equal to the sequential run", live.equal, f"{live.metrics.files:,} files"
    )
    page = proof.to_html(options.html)
    if options.save:
        proof.save(options.save)
    graph = _run_plans(options.plans, workers)
    written = {"report": str(page)} | ({"plans": str(options.plans)} if graph else {})
    if options.json:
        print(json.dumps(as_json(proof) | {"live": _as_json(live), "graph": graph, "written": written}, indent=2))
    else:
        print_rich("", proof, "", *_said_of(graph), "")
        for name, file in written.items():
            print(f"{name}: {file}")
    if graph and not all(check["passed"] for check in graph["checks"]):
        return REFUSED
    code = code_of(proof)
    # The work is done and right; a machine too busy to measure on is no failure of the demo.
    return HOLDS if code == UNDECIDED else code


def _run_live(tasks: list[tuple[str, ...]], workers: int) -> LiveRun:
    import multilane as ml

    with ml.Executor(workers, backend="processes", name="demo") as pool:
        started = time.perf_counter()
        parts = _with_progress(pool, tasks)
        parallel = time.perf_counter() - started
    started = time.perf_counter()
    expected = [_demo.measure(task) for task in tasks]
    sequential = time.perf_counter() - started
    return LiveRun(workers, tasks, _demo.combine(parts), parallel, sequential, parts == expected)


def _with_progress(pool: ml.Executor, tasks: list[tuple[str, ...]]) -> list[Any]:
    """Run the tasks and count files as the workers report them."""
    from multilane._progress import GroupProgress

    done = [0] * len(tasks)
    lock = threading.Lock()
    with GroupProgress("files of the standard library", total=sum(map(len, tasks))) as line:

        def advance(number: int, files: int, _: int | None = None) -> None:
            with lock:
                done[number] = max(done[number], files)
                begun = sum(0 < count < len(task) for count, task in zip(done, tasks, strict=True))
                line.update(sum(done), running=begun)

        def complete(number: int, _: object) -> None:
            advance(number, len(tasks[number]))

        handles = []
        for number, task in enumerate(tasks):
            handle = pool.submit(_demo.measure, task)
            handle.on_progress(functools.partial(advance, number))
            # Reports may be joined, and the last one of a task with them.
            handle.on_complete(functools.partial(complete, number))
            handles.append(handle)
        results = [handle.result() for handle in handles]
        # A result is there before its callback has run; the last line must not miss one.
        for number, task in enumerate(tasks):
            advance(number, len(task))
    return results


def _run_plans(file: str, workers: int) -> dict[str, Any] | None:
    """Run plans on a graph of this machine and write the page on them; None without NumPy."""
    try:
        import numpy  # noqa: F401
    except ImportError:
        return None
    from multilane import _demo_graph, _multilane

    found = _demo_graph.page(workers)
    page = Path(file)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_multilane.plans_html(json.dumps(found)), "utf-8")
    return found


def _said_of(graph: dict[str, Any] | None) -> list[str]:
    """Say in lines what the plans took, predicted and measured."""
    if graph is None:
        return ["no graph: its results are arrays, and NumPy is not installed"]
    (nodes, count), (edges, how_many) = graph["facts"][:2]
    lines = [f"{graph['title']}: {count} {nodes.lower()}, {how_many} {edges.lower()}"]
    for run in graph["runs"]:
        measured, predicted = statistics.median(run["measured_ns"]) / 1e6, run["predicted_ns"] / 1e6
        lines.append(f"  {run['name']:<22} {measured:9.2f} ms measured, {predicted:9.2f} ms predicted")
    failed = [check["name"] for check in graph["checks"] if not check["passed"]]
    lines.append(f"  NOT SO: {'; '.join(failed)}" if failed else f"  {len(graph['checks'])} checks passed")
    return lines


def _show(live: LiveRun) -> None:
    from rich.text import Text

    metrics = live.metrics
    verb = "equal to" if live.equal else "DIFFERENT from"
    most = ", ".join(f"{name} in {file} ({score})" for score, file, _, name in metrics.most_complex[:3])
    words = ", ".join(word for word, _ in metrics.words.most_common(8))
    print_rich(
        Text(f"{metrics.files:,} files, {metrics.lines:,} lines, {metrics.functions:,} functions"),
        Text(f"most complex: {most}"),
        Text(f"words in identifiers: {words}"),
        Text(
            f"{live.parallel_seconds:.2f} s on {live.workers} workers, {live.sequential_seconds:.2f} s one after the "
            f"other; results {verb} the sequential run"
        ),
        Text("measuring a sample of it again and again, in every way, for the proof ..."),
    )


def _as_json(live: LiveRun) -> dict[str, Any]:
    return {
        "files": live.metrics.files,
        "lines": live.metrics.lines,
        "functions": live.metrics.functions,
        "tasks": len(live.tasks),
        "parallel_seconds": live.parallel_seconds,
        "sequential_seconds": live.sequential_seconds,
        "equal": live.equal,
    }
