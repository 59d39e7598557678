"""Takes one sample in a process of its own: ``python -m measuring.child PACKAGE ENGINE TEST WORKERS SCALE OUT``.

Writes one JSON object to OUT. Never measures twice: caches, warm pools and grown heaps of one
sample cannot help or harm the next.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from pathlib import Path

from measuring import machine
from measuring.suite import Sample, Suite


def take(suite: Suite, engine: str, test: str, workers: int, scale: str) -> Sample:
    """Return one sample with the state of the machine around it."""
    before = machine.conditions()
    try:
        sample = suite.take(engine, test, workers, json.loads(scale))
    except ImportError as error:
        return {"missing": str(error)}
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    return sample | {"before": before, "after": machine.conditions()}


def main(arguments: list[str]) -> None:
    """Take the sample that the command line names."""
    package, engine, test, workers, scale, out = arguments
    suite: Suite = importlib.import_module(f"{package}.suite").SUITE
    sample = take(suite, engine, test, int(workers), scale)
    Path(out).write_text(json.dumps(sample))


if __name__ == "__main__":
    main(sys.argv[1:])
