"""A limit of two that six threads pass, by giving back what they never took; then a limit that holds."""

from __future__ import annotations

import contextlib
import functools
import threading
import time

from multilane import sync

from .frame import Exhibit, Outcome, together
from .timeline import Timeline

LIMIT = 2
THREADS = 6


class Server:
    """Counts how many are inside at once; who is inside stays until all others have tried."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = self.most = self.tried = 0
        self.everybody_tried = threading.Event()
        self.timeline = Timeline([f"client {number}" for number in range(1, THREADS + 1)])

    def visit(self, name: str) -> None:
        """Be inside for a while."""
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            over = self.inside > LIMIT
        with self.timeline.span(name, "bad" if over else "work", "inside"):
            self.note_try()
            self.everybody_tried.wait()
            time.sleep(0.002)
        with self.lock:
            self.inside -= 1

    def note_try(self) -> None:
        """Count a thread that is in or has been refused once."""
        with self.lock:
            self.tried += 1
            if self.tried >= THREADS:
                self.everybody_tried.set()


def ask_twice(server: Server, slots: threading.Semaphore, name: str) -> None:
    """Look for a slot without waiting, and try again; `finally` gives back a slot in either case."""
    for _ in range(2):
        try:
            if slots.acquire(blocking=False):
                server.visit(name)
                return
        finally:
            slots.release()  # also what was never taken


def ask(server: Server, slots: sync.BoundedSemaphore, name: str) -> None:
    """Wait for a slot, and give back that one."""
    if not slots.acquire(blocking=False):
        with server.timeline.span(name, "wait"):
            server.note_try()
            slots.acquire()
    try:
        server.visit(name)
    finally:
        slots.release()


def broken() -> Outcome:
    """Let six threads in with the wrong release."""
    server, slots = Server(), threading.Semaphore(LIMIT)
    # One after the other, so that every slot is taken when the third comes.
    threads = []
    for name in server.timeline.lanes:
        thread = threading.Thread(target=ask_twice, args=(server, slots, name), name=name)
        threads.append(thread)
        before = server.tried
        thread.start()
        while server.tried == before:
            time.sleep(0.0005)
    for thread in threads:
        thread.join()
    return Outcome(
        server.most <= LIMIT,
        f"{server.most} clients were inside at once, where {LIMIT} are allowed",
        {"limit": str(LIMIT), "most inside": str(server.most), "slots left at the end": str(_units(slots))},
        server.timeline,
    )


def cured() -> Outcome:
    """Let six threads in with a semaphore that counts right, and try the wrong release on it."""
    server = Server()
    slots = sync.BoundedSemaphore(LIMIT, owned=True, name="slots")
    together({name: functools.partial(ask, server, slots, name) for name in server.timeline.lanes})
    refused = ""
    try:
        slots.release()
    except (RuntimeError, ValueError) as error:
        refused = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return Outcome(
        server.most == LIMIT and bool(refused) and slots.value == LIMIT,
        f"never more than {server.most} clients were inside, and the wrong release is an error",
        {
            "limit": str(LIMIT),
            "most inside": str(server.most),
            "slots left at the end": str(slots.value),
            "a release too many": refused,
        },
        server.timeline,
    )


def _units(semaphore: threading.Semaphore) -> int:
    count = 0
    with contextlib.suppress(RuntimeError):
        while semaphore.acquire(blocking=False):
            count += 1
    return count


#: What the two programs do, in the words of protocols that can be checked.
PROTOCOLS = (
    """\
semaphore slots = 2
section server at most 2
thread client x 4:
    choose:
        acquire slots
        enter server
        leave server
    or: skip
    release slots
""",
    """\
semaphore slots = 2
section server at most 2
thread client x 4:
    acquire slots
    enter server
    leave server
    release slots
""",
)

EXHIBIT = Exhibit(
    title="A semaphore whose count is wrong",
    broken=broken,
    cured=cured,
    hazard="Two slots for six clients. A client that finds no slot passes through `finally` all the same and gives "
    "back a slot it never had; the next try then finds it. Nothing complains: a plain semaphore takes back any "
    "number.",
    cure="Take and give back in one place, best with `with`. A BoundedSemaphore refuses to have more units than at "
    "first, and with owned=True a semaphore takes back a unit only from the thread that has it.",
    broken_code=ask_twice,
    cured_code=ask,
    protocols=PROTOCOLS,
)
