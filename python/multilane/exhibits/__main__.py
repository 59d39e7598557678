"""Runs one program of an exhibit and prints what it showed, as one line of JSON.

`python -m multilane.exhibits NAME broken|cured`, or `threads PLAN` for one placement of the table of threads.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from multilane.exhibits import BROKEN, load


def main(name: str, version: str) -> None:
    """Run it, print, and end without waiting for threads that hang."""
    found: Any
    if name == "threads":
        from multilane.exhibits import threads

        found = threads.place(json.loads(version))
    else:
        exhibit = load(name)
        found = (exhibit.broken() if version == BROKEN else exhibit.cured()).to_data()
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
