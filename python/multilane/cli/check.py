"""`multilane check`: checks a protocol of threads, or a Petri net, in every state it can reach."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from .failure import Failure
from .output import add_json_to
from .prove import HOLDS, REFUSED, UNDECIDED

if TYPE_CHECKING:
    from multilane.sync import Net, Verdict


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "check",
        help="check a protocol of locks and channels, or a Petri net, exhaustively",
        description="Visits every state that a protocol of threads can reach, and shows a run to a deadlock, to a "
        "queue that grows for ever, to a section with too many threads in it, and how a thread starves.",
        epilog="Exits with 0 when nothing can go wrong, 1 when something can, 3 when the check stopped early.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="FILE", help="the protocol, as text")
    what.add_argument("--known", metavar="NAME", help="a protocol that the package knows; `list` lists them")
    parser.add_argument("--cured", action="store_true", help="with --known: the version that holds")
    parser.add_argument("--net", action="store_true", help="FILE has a Petri net")
    parser.add_argument("--max-states", type=int, metavar="N", help="stop after N states; 1,000,000 by default")
    parser.add_argument("--no-starvation", action="store_true", help="do not look for threads that starve")
    parser.add_argument("--svg", metavar="OUT", help="draw the run of the first failure to OUT")
    parser.add_argument("--dot", metavar="OUT", help="write the net for Graphviz to OUT")
    add_json_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, check, print and draw."""
    from multilane import sync

    if options.known == "list":
        print(*sync.Protocol.names(), sep="\n")
        return HOLDS
    try:
        described = _described(options)
        limits = {} if options.max_states is None else {"max_states": options.max_states}
        verdict = described.check(starvation=not options.no_starvation, **limits)
    except sync.ProtocolError:
        raise
    except ValueError as error:
        raise Failure(str(error)) from error
    first = verdict.failures[0] if verdict.failures else None
    if options.svg and first is not None:
        first.to_svg(options.svg)
    if options.dot:
        (first or described).to_dot(options.dot)
    if options.json:
        print(json.dumps(as_json(verdict), indent=2))
    else:
        print(verdict)
        if options.svg:
            print(f"picture: {options.svg}" if first is not None else "picture: none, as nothing fails")
    return {True: HOLDS, False: REFUSED, None: UNDECIDED}[verdict.holds]


def _described(options: argparse.Namespace) -> Net:
    from multilane import sync

    if options.known is not None:
        return sync.Protocol.named(options.known, cured=options.cured)
    return (sync.Net if options.net else sync.Protocol).read(options.file)


def as_json(verdict: Verdict) -> dict[str, object]:
    """Everything a program wants to know of a verdict."""
    return {
        "holds": verdict.holds,
        "complete": verdict.complete,
        "states": verdict.states,
        "steps": verdict.steps,
        "never": list(verdict.never),
        "failures": [
            {
                "kind": failure.kind,
                "what": list(failure.what),
                "headline": failure.headline,
                "moves": [{"who": move.who, "what": move.what, "line": move.line} for move in failure.moves],
                "repeats_from": failure.repeats_from,
                "waits": [
                    {"who": waits.who, "wants": waits.wants, "because": waits.because} for waits in failure.waits
                ],
            }
            for failure in verdict.failures
        ],
    }
