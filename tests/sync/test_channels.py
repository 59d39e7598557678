"""Channels carry every item once, in order, and can be waited for together."""

from __future__ import annotations

import functools
import gc
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crew import Crew
from multilane import sync


@given(st.integers(0, 4), st.lists(st.one_of(st.integers(), st.just("get")), max_size=30))
def test_like_a_list(maxsize: int, program: list[Any]) -> None:
    channel: sync.Channel[Any] = sync.Channel(maxsize)
    model: list[Any] = []
    for step in program:
        if step == "get":
            if model:
                assert channel.get_nowait() == model.pop(0)
            else:
                with pytest.raises(sync.Empty):
                    channel.get_nowait()
        elif maxsize and len(model) == maxsize:
            with pytest.raises(sync.Full):
                channel.put_nowait(step)
        else:
            channel.put(step)
            model.append(step)
        assert (len(channel), channel.empty()) == (len(model), not model)
        assert channel.full() == (maxsize > 0 and len(model) >= maxsize)


@pytest.mark.parametrize("maxsize", [0, 1, 16])
def test_many_threads(maxsize: int, crew: Crew) -> None:
    channel: sync.Channel[int] = sync.Channel(maxsize)

    def put(part: int) -> None:
        for number in range(500):
            channel.put(part * 500 + number)

    for part in range(3):
        crew.start(f"puts {part}", functools.partial(put, part))
    getters = [crew.start(f"gets {part}", lambda: list(channel)) for part in range(3)]
    for thread in crew.threads[:3]:
        thread.join()
    channel.shutdown()
    for thread in getters:
        thread.join()
    items = [item for part in range(3) for item in crew.results[f"gets {part}"]]
    assert sorted(items) == list(range(1500))


def test_select_gets_and_puts(crew: Crew) -> None:
    numbers: sync.Channel[int] = sync.Channel()
    full: sync.Channel[str] = sync.Channel(1)
    full.put("there")
    assert sync.select(numbers, (full, "more"), timeout=0.01) is None
    crew.start("selects", lambda: sync.select(numbers, (full, "more")))
    assert full.get() == "there"
    crew.join()
    assert crew.results["selects"] == (full, None)
    assert full.get() == "more"
    numbers.put(3)
    assert sync.select(full, numbers) == (numbers, 3)
    numbers.shutdown()
    with pytest.raises(sync.ShutDown):
        sync.select(full, numbers)
    wrongs: list[Any] = [(), (1,), ((numbers,),)]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="select"):
            sync.select(*wrong)


def test_items_are_let_go_and_cycles_are_collected() -> None:
    class Thing:
        pass

    channel: sync.Channel[Any] = sync.Channel()
    thing = Thing()
    gone = weakref.ref(thing)
    channel.put(thing)
    del thing
    channel.get()
    assert gone() is None
    thing = Thing()
    thing.channel = channel  # type: ignore[attr-defined]
    gone = weakref.ref(thing)
    channel.put(thing)
    del thing, channel
    gc.collect()
    assert gone() is None


def test_join_waits_for_the_work(crew: Crew) -> None:
    channel: sync.Channel[int] = sync.Channel()
    done: list[int] = []

    def work() -> None:
        for item in channel:
            done.append(item)
            channel.task_done()

    for item in range(100):
        channel.put(item)
    assert not channel.join(timeout=0)
    crew.start("works", work)
    assert channel.join()
    assert done == list(range(100))
    channel.shutdown()
    assert "shut down" in repr(channel)
