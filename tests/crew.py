"""Threads for tests: joined at the end, their results and errors kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Crew:
    """Threads whose results and errors can be asked for."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.errors: dict[str, BaseException] = {}
        self.results: dict[str, Any] = {}

    def start(self, name: str, function: Callable[[], Any]) -> threading.Thread:
        """Run ``function()`` in a thread of that name."""

        def run() -> None:
            try:
                self.results[name] = function()
            except BaseException as error:
                self.errors[name] = error

        thread = threading.Thread(target=run, name=name, daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def join(self) -> None:
        """Wait for all of them."""
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), f"{thread.name} never ended"
