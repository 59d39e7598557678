"""`multilane scale`: measures how far work scales with workers, and names what stops it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from . import devices, self_test, target
from .failure import Failure
from .output import add_json_to, print_rich
from .prove import HOLDS, UNDECIDED

if TYPE_CHECKING:
    import multilane as ml


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "scale",
        help="measure how far work scales with workers, and name what stops it",
        description="Runs operations on more and more workers, in several sizes and ways, interleaved and repeated, "
        "and "
        "names what stops throughput from growing, with the evidence. Without a function or a command: the built-in "
        "workloads, in four tables.",
        epilog="Exits with 0 when every curve has a verdict, 3 when the measurement decides none; the self-test "
        "with 1 when a cause is named wrongly.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "function", nargs="?", metavar="MODULE:FUNCTION", help="one operation: called with the size, if any"
    )
    what.add_argument("--command", metavar="LINE", help="a program; {workers} and {size} stand where they belong")
    what.add_argument(
        "--tables",
        action="store_true",
        help="the built-in workloads: workload classes, matrix products, a mutex, queues (the default)",
    )
    what.add_argument("--devices", action="store_true", help="show which devices there are, and on which routes")
    what.add_argument("--self-test", action="store_true", help="run workloads of known cause and show what is named")
    what.add_argument(
        "--device", metavar="ROUTE", help="built-in workloads on a device: gpu, or one of cuda, vulkan, wgpu, cpu"
    )
    parser.add_argument("--workers", type=_counts, metavar="N,N,...", help="worker counts; 1,2,4,8,16 by default")
    parser.add_argument("--sizes", nargs="+", metavar="VALUE", help="sizes: Python literals, else texts")
    parser.add_argument(
        "--strategies",
        nargs="+",
        metavar="NAME",
        help="ways of running a function: threads, processes, threads+lock, ...",
    )
    parser.add_argument("--weak", action="store_true", help="each worker of the command brings its own work")
    parser.add_argument("--repeats", type=int, metavar="R", help="repeats; as many as precision needs by default")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="start no repeat after this; 60 by default")
    parser.add_argument(
        "--run-seconds", type=float, metavar="SECONDS", help="how long one run should be; 0.1 by default"
    )
    parser.add_argument(
        "--resume", metavar="FILE", help="keep every sample in FILE, and go on from it when it is there"
    )
    parser.add_argument("--quick", action="store_true", help="with --self-test: short runs, few repeats")
    parser.add_argument(
        "--noise", action="store_true", help="with --self-test: another process makes noise in half of the runs"
    )
    parser.add_argument("--rounds", type=_rounds, default=1, metavar="N", help="with --self-test: run it N times")
    parser.add_argument("--html", metavar="FILE", help="write the report to FILE")
    parser.add_argument("--csv", metavar="FILE", help="write the raw samples to FILE")
    parser.add_argument("--parquet", metavar="FILE", help="the same as a Parquet file; needs pyarrow")
    parser.add_argument(
        "--save", metavar="FILE", help="write the samples to FILE, to be judged again or compared later"
    )
    parser.add_argument(
        "--history", nargs="?", const="", metavar="FILE", help="add the sweep to the history; FILE, or the user's own"
    )
    add_json_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure, print and write."""
    import multilane as ml

    if options.self_test:
        return self_test.run(options)
    if options.devices:
        return devices.run(options)
    if options.noise or options.rounds != 1:
        raise Failure("`--noise` and `--rounds` go with `--self-test`")
    function = None if options.function is None else target.load_function(options.function)
    chosen = {
        "workers": options.workers,
        "budget": options.budget,
        "sizes": target.inputs_of(options.sizes, None),
        "strategies": options.strategies,
    }
    try:
        scaling = ml.scale(
            function,
            command=options.command,
            device=options.device,
            weak=options.weak,
            repeats=options.repeats,
            run_seconds=options.run_seconds,
            resume=options.resume,
            **{name: value for name, value in chosen.items() if value is not None},
        )
    except (TypeError, ValueError) as error:
        # What `scale` says about its own arguments, unless the function itself raised it.
        if error.__traceback__ is not None and _of_function(error, function):
            raise ml.MultilaneError(f"the function raised {type(error).__name__}: {error}") from error
        raise Failure(str(error)) from error
    hand_out(scaling, options)
    return code_of(scaling)


def hand_out(scaling: ml.Scaling, options: argparse.Namespace) -> None:
    """Print a sweep and write the files that the options ask for."""
    written = {}
    if options.html:
        written["report"] = str(scaling.to_html(options.html))
    if options.csv:
        written["samples"] = str(scaling.to_csv(options.csv))
    if options.parquet:
        written["samples as Parquet"] = str(scaling.to_parquet(options.parquet))
    if options.save:
        scaling.save(options.save)
        written["measurements"] = options.save
    if options.history is not None:
        from multilane.scaling.history import History

        written["number in the history"] = str(History(options.history or None).add(scaling))
    if options.json:
        print(json.dumps(as_json(scaling) | {"written": written}, indent=2))
        return
    print_rich(scaling)
    for what, path in written.items():
        print(f"{what}: {path}")


def as_json(scaling: ml.Scaling) -> dict[str, Any]:
    """Everything a program wants to know of a sweep; the curves of the models are left to the report."""
    series = [
        each | {"fits": [{name: fit[name] for name in fit if name != "curve"} for fit in each["fits"]]}
        for each in scaling.judgement["series"]
    ]
    return {
        "name": scaling.name,
        "headline": scaling.headline,
        "series": series,
        "tables": scaling.judgement["tables"],
        "samples": len(scaling.samples),
        "machine": scaling.machine,
        "versions": scaling.versions,
    }


def code_of(scaling: ml.Scaling) -> int:
    """Choose the exit code of a sweep."""
    causes = {curve.verdict.cause for curve in scaling.curves}
    return UNDECIDED if causes <= {"inconclusive"} else HOLDS


def _of_function(error: BaseException, function: Any) -> bool:
    """Whether an error comes from the user's function and not from an option."""
    code = getattr(function, "__code__", None)
    frame = error.__traceback__
    while frame is not None:
        if code is not None and frame.tb_frame.f_code is code:
            return True
        frame = frame.tb_next
    return False


def _counts(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no list of worker counts such as 1,2,4") from None


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of rounds from 1 on")
    return int(text)
