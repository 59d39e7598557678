"""The command `multilane`: reads the command line, calls the module of the command, and turns errors into one line.

Exit codes: 0 when what was asked holds, 1 when a claim is refused or a check fails, 2 when the command cannot do what
it was told, 3 when the measurement does not decide, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from multilane.cli import check, compare, demo, doctor, prove, report, scale, show, trace
from multilane.cli.failure import Failure, as_failure

COMMANDS = (prove, scale, compare, show, check, demo, report, trace, doctor)

EXIT_CODES = """\
exit codes:
  0    what was asked holds
  1    the claim is refused, or a check failed
  2    the command could not do what it was told
  3    the measurement does not decide
  130  stopped with Ctrl-C
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    >>> main(["report", "/nowhere/at-all.mlproof"])
    2
    """
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; writing again at exit would complain a second time.
        sys.stdout = None
        return 0
    except Exception as error:
        failure = as_failure(error)
        if failure is None:
            raise
        _complain(failure)
        return 2


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    root = argparse.ArgumentParser(
        prog="multilane",
        description="Runs Python work on every core, and proves it.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action=_Version, help="print the version and exit")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return root


class _Version(argparse.Action):
    """Prints the version; asks for it only then, as that loads the extension module."""

    def __init__(self, option_strings: Sequence[str], **options: Any) -> None:
        super().__init__(option_strings, **options | {"dest": argparse.SUPPRESS, "nargs": 0})

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"multilane {version('multilane')}")
        parser.exit(0)


def _complain(failure: Failure) -> None:
    print(f"multilane: {failure.message}", file=sys.stderr)
    if failure.hint:
        print(f"hint: {failure.hint}", file=sys.stderr)
