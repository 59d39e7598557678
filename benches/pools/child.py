"""Takes one sample in a process of its own: ``python -m pools.child ENGINE TEST WORKERS SCALE OUT``.

Writes one JSON object to OUT. Never measures twice: caches, warm pools and grown heaps of one
sample cannot help or harm the next.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

from pools import machine
from pools.engines import engine_class
from pools.measures import MEASURES, Sample, Scale


def take(engine_name: str, test: str, workers: int, scale: Scale) -> Sample:
    """Return one sample with the state of the machine around it."""
    engine = engine_class(engine_name)(workers)
    try:
        engine.prepare()
    except ImportError as error:
        return {"missing": str(error)}
    before = machine.conditions()
    try:
        sample = MEASURES[test](engine, scale)
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    return sample | {"before": before, "after": machine.conditions()}


def main(arguments: list[str]) -> None:
    """Take the sample that the command line names."""
    engine_name, test, workers, scale, out = arguments
    sample = take(engine_name, test, int(workers), Scale(**json.loads(scale)))
    Path(out).write_text(json.dumps(sample))


if __name__ == "__main__":
    main(sys.argv[1:])
