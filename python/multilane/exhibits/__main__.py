"""Runs one program of an exhibit and prints what it showed: `python -m multilane.exhibits NAME broken|cured`."""

from __future__ import annotations

import json
import os
import sys

from multilane.exhibits import BROKEN, load


def main(name: str, version: str) -> None:
    """Run it, print one line, and end without waiting for threads that hang."""
    exhibit = load(name)
    outcome = exhibit.broken() if version == BROKEN else exhibit.cured()
    sys.stdout.write(json.dumps(outcome.to_data()) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
