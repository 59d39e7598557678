"""Whole programs that end in every way: nothing of theirs is left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from eventually import eventually
from faulty import alive, finish, read_pids, start_program

RUNNING = """
    import signal, sys
    import multilane as ml
    from gates import pass_gate

    pool = ml.Executor(2, "processes")
    handles = [pool.submit(pass_gate, sys.argv[0] + ".gate") for _ in range(2)]
    shared = ml.share(b"x" * 1_000_000)
    while not all(handle.running() for handle in handles):
        pass
    print(*pool.worker_pids(), flush=True)
"""


def left_in_shared_memory() -> set[str]:
    return {entry.name for entry in Path("/dev/shm").iterdir()} if Path("/dev/shm").is_dir() else set()


def test_workers_go_when_their_program_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "program.py.gate")
    before = left_in_shared_memory()
    program = start_program(tmp_path, RUNNING + "    signal.pause()\n")
    pids = read_pids(program)
    assert len(pids) == 2
    program.kill()
    finish(program)
    eventually(lambda: not any(map(alive, pids)), "the end of the workers")
    assert left_in_shared_memory() <= before


def test_ctrl_c_ends_a_program_and_its_workers(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "program.py.gate")
    program = start_program(tmp_path, RUNNING + "    handles[0].result()\n")
    pids = read_pids(program)
    os.killpg(program.pid, signal.SIGINT)
    status, _, errors = finish(program)
    assert status == -signal.SIGINT or status == 130 or status == 1
    assert "KeyboardInterrupt" in errors
    eventually(lambda: not any(map(alive, pids)), "the end of the workers")


def test_ctrl_c_inside_with_ends_the_pool(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "program.py.gate")
    program = start_program(
        tmp_path,
        """
        import sys
        import multilane as ml
        from gates import pass_gate

        try:
            with ml.Executor(1, "processes") as pool:
                handle = pool.submit(pass_gate, sys.argv[0] + ".gate")
                while not handle.running():
                    pass
                print(*pool.worker_pids(), flush=True)
                list(pool.map(abs, range(10)))
        except KeyboardInterrupt:
            print("interrupted", handle.done())
        """,
    )
    pids = read_pids(program)
    os.killpg(program.pid, signal.SIGINT)
    status, output, errors = finish(program)
    assert (status, output.strip()) == (0, "interrupted True"), errors
    assert not any(map(alive, pids))


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_a_program_that_ends_with_pending_tasks_runs_them(tmp_path: Path, backend: str) -> None:
    program = start_program(
        tmp_path,
        f"""
        import multilane as ml
        from tasks import append
        pool = ml.Executor(2, {backend!r})
        for n in range(200):
            pool.submit(append, {str(tmp_path / "log")!r}, n)
        print(*pool.worker_pids(), flush=True)
        """,
    )
    pids = read_pids(program)
    status, _, errors = finish(program)
    assert (status, errors) == (0, "")
    assert len((tmp_path / "log").read_text().splitlines()) == 200
    assert not any(map(alive, pids))


@pytest.mark.parametrize("how", ["sys.exit(3)", "os._exit(3)", "raise SystemExit(3)"])
def test_a_program_keeps_its_exit_status(tmp_path: Path, how: str) -> None:
    program = start_program(
        tmp_path,
        f"""
        import os, sys
        import multilane as ml
        pool = ml.Executor(1, "processes")
        pool.submit(abs, -1).result()
        print(*pool.worker_pids(), flush=True)
        {how}
        """,
    )
    pids = read_pids(program)
    assert finish(program)[0] == 3
    eventually(lambda: not any(map(alive, pids)), "the end of the workers")


def test_a_program_that_never_shuts_down_its_default_pool_ends(tmp_path: Path) -> None:
    program = start_program(
        tmp_path,
        """
        import multilane as ml
        print(sum(ml.map(abs, range(-100, 0))), flush=True)
        """,
    )
    assert read_pids(program) == [5050]
    status, _, errors = finish(program)
    assert (status, errors) == (0, "")
