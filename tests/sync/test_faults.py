"""Deaths, forks, Ctrl-C and the end of the interpreter while a thread waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest

import multilane as ml
from crew import Crew
from eventually import eventually
from multilane import sync


def test_waiters_learn_that_the_holder_has_ended(crew: Crew) -> None:
    lock, waiting = sync.Lock(), 3

    def hold() -> None:
        lock.acquire()
        eventually(lambda: lock.waiting == waiting)

    crew.start("holds", hold)
    eventually(lambda: lock.locked())
    for number in range(waiting):
        crew.start(str(number), lock.acquire)
    crew.join()
    assert len(crew.errors) == waiting
    for error in crew.errors.values():
        assert isinstance(error, ml.LockAbandonedError)
        assert "recover" in str(error)
    crew.errors.clear()
    with pytest.raises(ml.LockAbandonedError):
        lock.acquire()
    holder = lock.holder
    assert holder is not None
    assert holder.thread == "a thread that has ended"
    assert lock.recover()
    assert lock.acquire(blocking=False)
    lock.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_while_locks_are_held(crew: Crew) -> None:
    others, mine, reentrant, done = sync.Lock(), sync.Lock(), sync.RLock(), sync.Event()
    channel: sync.Channel[int] = sync.Channel()

    def hold() -> None:
        with others:
            done.wait()

    def wait() -> None:
        with others:
            pass

    def answer() -> None:
        channel.put(7)
        done.set()

    crew.start("holds", hold)
    eventually(others.locked)
    crew.start("waits", wait)
    crew.start("gets", channel.get)
    eventually(lambda: others.waiting == 1)
    with mine, reentrant:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                assert others.locked()
                assert not others.acquire(blocking=False)
                try:
                    others.acquire()
                except ml.LockAbandonedError:
                    code = 2
                assert others.recover()
                assert others.waiting == 0
                with others:
                    pass
                mine.release()
                assert mine.acquire(timeout=60)
                assert reentrant._recursion_count() == 1
                worker = threading.Thread(target=answer)
                worker.start()
                assert channel.get(timeout=60) == 7
                assert done.wait(60)
                worker.join()
                code = 0 if code == 2 else code
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    done.set()
    channel.put(1)


WAITS = {
    "lock": "lock = sync.Lock(); hold(lock.acquire); wait(lock.acquire)",
    "fair": "lock = sync.Lock(fair=True); hold(lock.acquire); wait(lock.acquire)",
    "rlock": "lock = sync.RLock(); hold(lock.acquire); wait(lock.acquire)",
    "rwlock": "lock = sync.RWLock(); hold(lock.acquire_write); wait(lock.acquire_read)",
    "semaphore": "wait(sync.Semaphore(0).acquire)",
    "event": "wait(sync.Event().wait)",
    "condition": "c = sync.Condition(); c.acquire(); wait(c.wait); assert c._is_owned()",
    "barrier": "wait(sync.Barrier(2).wait)",
    "latch": "wait(sync.Latch(1).wait)",
    "get": "wait(sync.Channel().get)",
    "put": "c = sync.Channel(1); c.put(1); wait(lambda: c.put(2))",
    "select": "wait(lambda: sync.select(sync.Channel(), sync.Channel()))",
    "channel join": "c = sync.Channel(); c.put(1); wait(c.join)",
}


def program(body: str) -> subprocess.Popen[str]:
    """Start a program that says `ready` when it is about to wait."""
    head = """
        import os, signal, threading
        from multilane import sync

        def hold(acquire):
            started = threading.Event()
            def run():
                acquire()
                started.set()
                threading.Event().wait()
            threading.Thread(target=run, daemon=True).start()
            started.wait()

        def wait(call):
            try:
                print("ready", flush=True)
                call()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
    """
    code = textwrap.dedent(head) + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_ctrl_c_ends_every_wait() -> None:
    programs = {name: program(body) for name, body in WAITS.items()}
    for running in programs.values():
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGINT)
    for name, running in programs.items():
        output, errors = running.communicate(timeout=60)
        assert (output, running.returncode) == ("interrupted\n", 0), f"{name}: {errors}"


def test_a_signal_handler_may_wait_during_a_wait() -> None:
    running = program(
        """
        event, lock, inner = sync.Event(), sync.Lock(), sync.Event()

        def handle(number, frame):
            inner.wait(0.01)
            lock.acquire()
            lock.release()
            event.set()

        signal.signal(signal.SIGUSR1, handle)
        lock.acquire()
        lock.release()
        print("ready", flush=True)
        print(event.wait())
        """
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.send_signal(signal.SIGUSR1)
    assert running.communicate(timeout=60)[0] == "True\n"


def test_the_interpreter_ends_while_threads_wait() -> None:
    running = program(
        """
        lock, channel, event, size = sync.Lock(), sync.Channel(), sync.Event(), 40
        hold(lock.acquire)

        def impatient():
            while True:
                event.wait(0.0001)

        for number in range(size):
            for call in (lock.acquire, channel.get, event.wait, impatient):
                threading.Thread(target=call, daemon=True).start()
        while lock.waiting < size:
            pass
        print("ready", flush=True)
        """
    )
    output, errors = running.communicate(timeout=60)
    assert (output, errors, running.returncode) == ("ready\n", "", 0)


def test_waiting_holds_no_interpreter_lock(crew: Crew) -> None:
    event = sync.Event()
    crew.start("waits", event.wait)
    total = sum(range(100_000))  # needs the interpreter while the other waits
    event.set()
    crew.join()
    assert total == 4_999_950_000
    assert crew.results["waits"] is True


def test_a_lock_held_by_a_thread_that_forked_is_still_its_own() -> None:
    lock: Any = sync.Lock()
    lock.acquire()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            lock.release()
            lock.acquire()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    lock.release()
