"""Bare processes, without any pool: what the cores give to plain work at this moment."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType

from pools import work


class BareProcesses:
    """Forked processes that each run `work.spin` when a pipe says so."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("fork")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def run(self, count: int) -> list[int]:
        """Run `work.spin` in all of them at the same time; return their results."""
        for pipe in self._pipes:
            pipe.send(count)
        return [pipe.recv() for pipe in self._pipes]

    def __enter__(self) -> BareProcesses:
        """Warm every process, so that none is still starting."""
        self.run(10_000)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes."""
        for process in self._processes:
            process.kill()
            process.join()


def _serve(pipe: Connection) -> None:
    while True:
        pipe.send(work.spin(pipe.recv()))
