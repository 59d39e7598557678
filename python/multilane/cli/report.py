"""`multilane report`: judges saved measurements again and shows the verdict."""

from __future__ import annotations

import argparse

from .failure import Failure
from .output import add_json_to
from .prove import code_of, hand_out


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "report",
        help="judge a saved proof again and show it",
        description="Reads a proof written by `multilane prove --save` and judges it again.",
        epilog="Exits as `multilane prove` does.",
    )
    parser.add_argument("file", metavar="FILE", help="the saved proof, a .mlproof file")
    parser.add_argument("--html", metavar="FILE", help="write the report to FILE")
    add_json_to(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Load, print and write."""
    import multilane as ml

    try:
        proof = ml.Proof.load(options.file)
    except ValueError as error:
        raise Failure(f"`{options.file}`: {error}", "a trace is shown with `multilane trace`") from error
    hand_out(proof, options)
    return code_of(proof)
