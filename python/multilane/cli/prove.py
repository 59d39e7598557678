"""`multilane prove`: measures whether work runs in parallel, and says so or refuses."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from . import target
from .failure import Failure
from .output import add_json_to, print_rich

if TYPE_CHECKING:
    import multilane as ml

#: Exit codes; `multilane --help` documents them.
HOLDS, REFUSED, UNDECIDED = 0, 1, 3


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "prove",
        help="prove that work runs in parallel, or refuse the claim",
        description="Runs the same work one after the other, on plain threads and on multilane's backends, interleaved "
        "and repeated, and judges what was recorded. Without a function: the built-in proofs.",
        epilog="Exits with 0 when the claim holds, 1 when it is refused, 3 when the measurement does not decide.",
    )
    parser.add_argument("function", nargs="?", metavar="MODULE:FUNCTION", help="the function to run, once per input")
    target.add_inputs_to(parser)
    parser.add_argument("--workers", type=int, metavar="N", help="workers; the usable processors by default")
    parser.add_argument("--repeats", type=int, metavar="R", help="repeats; as many as precision needs by default")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="start no repeat after this; 30 by default")
    parser.add_argument("--html", metavar="FILE", help="write the report to FILE")
    parser.add_argument("--save", metavar="FILE", help="write the measurements to FILE, to be judged again later")
    parser.add_argument(
        "--quantum",
        nargs="?",
        type=int,
        const=20,
        metavar="QUBITS",
        help="say instead where the time of a GHZ circuit goes and what the interpreter lock costs; 20 by default",
    )
    add_json_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure, print, write and judge."""
    import multilane as ml

    if options.quantum is not None:
        return run_quantum(options)
    function = None if options.function is None else target.load_function(options.function)
    inputs = target.inputs_of(options.inputs, options.inputs_from)
    if function is None and inputs is not None:
        raise Failure("inputs without a function", target.FORM)
    try:
        proof = ml.prove(function, inputs, workers=options.workers, repeats=options.repeats, budget=options.budget)
    except (TypeError, ValueError) as error:
        # What `prove` says about its own arguments; errors of the function itself come as a `MultilaneError`.
        raise Failure(str(error)) from error
    hand_out(proof, options)
    return code_of(proof)


def run_quantum(options: argparse.Namespace) -> int:
    """Take a circuit apart; nothing is claimed, so nothing can be refused."""
    from multilane.errors import MultilaneError
    from multilane.quantum import anatomy

    if options.function is not None or options.html or options.save:
        raise Failure(
            "`--quantum` runs a circuit of its own and writes no file", "leave out the function and the files"
        )
    try:
        found = anatomy(
            options.quantum, workers=options.workers, **({"rounds": options.repeats} if options.repeats else {})
        )
    except (MultilaneError, ImportError, ValueError) as error:
        raise Failure(str(error)) from error
    if options.json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        print_rich(found)
    return HOLDS


def hand_out(proof: ml.Proof, options: argparse.Namespace) -> None:
    """Print a proof and write the files that the options ask for."""
    written = {}
    if options.html:
        written["report"] = str(proof.to_html(options.html))
    if getattr(options, "save", None):
        proof.save(options.save)
        written["measurements"] = options.save
    if options.json:
        print(json.dumps(as_json(proof) | {"written": written}, indent=2))
        return
    print_rich(proof)
    for what, path in written.items():
        print(f"{what}: {path}")


def as_json(proof: ml.Proof) -> dict[str, Any]:
    """Everything a program wants to know of a proof."""
    data = proof.data
    return {
        "name": proof.name,
        "function": data.function,
        "verdict": proof.verdict,
        "holds": proof.holds,
        "tasks": data.tasks,
        "workers": data.workers,
        "repeats": 1 + max((run["repeat"] for run in data.runs), default=-1),
        "judgement": proof.judgement,
        "checks": proof.checks,
        "machine": data.machine,
        "versions": data.versions,
    }


def code_of(proof: ml.Proof) -> int:
    """Choose the exit code of a proof."""
    if proof.holds:
        return HOLDS
    return REFUSED if proof.decided else UNDECIDED
