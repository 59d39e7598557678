"""Protocols and nets are checked in every state: against an explorer of our own, and against what is known."""

from __future__ import annotations

import itertools
import json
import signal
import xml.etree.ElementTree as ElementTree
from collections import deque
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import multilane as ml
from multilane import sync
from multilane.cli import main

Side = dict[int, int]
Marking = tuple[int, ...]

PLACES = 3
#: What each of the known protocols does in its broken version.
HAZARDS = {
    "two-locks": "deadlock",
    "dining-philosophers": "deadlock",
    "race": "exceeded",
    "mutex": "starvation",
    "readers-writers": "starvation",
    "producer-consumer": "unbounded",
    "pipeline": "deadlock",
    "semaphore-handshake": "deadlock",
    "lost-wake-up": "deadlock",
    "actors": "deadlock",
}


class Explorer:
    """A net searched with nothing but its definition; fails when it has too many states."""

    def __init__(self, start: Marking, transitions: list[tuple[bool, Side, Side]], most: int) -> None:
        self.transitions = transitions
        self.depth = {start: 0}
        self.graph = nx.MultiDiGraph()
        self.graph.add_node(start)
        queue = deque([start])
        self.finished = True
        while queue:
            now = queue.popleft()
            for number, (_, takes, gives) in enumerate(transitions):
                if any(now[place] < count for place, count in takes.items()):
                    continue
                after = tuple(now[p] - takes.get(p, 0) + gives.get(p, 0) for p in range(len(now)))
                self.graph.add_edge(now, after, by=number)
                if after not in self.depth:
                    if len(self.depth) >= most:
                        self.finished = False
                        return
                    self.depth[after] = self.depth[now] + 1
                    queue.append(after)

    def possible(self, state: Marking) -> set[int]:
        return {data["by"] for _, _, data in self.graph.out_edges(state, data=True)}

    def nearest(self, states: list[Marking]) -> int | None:
        return min((self.depth[state] for state in states), default=None)

    def starves(self, transition: int) -> bool:
        """Try every set of states as the one a fair run stays in."""
        wanted = {state for state in self.graph if transition in self.possible(state)}
        for size in range(1, len(self.graph) + 1):
            for states in itertools.combinations(self.graph, size):
                part = nx.MultiDiGraph()
                part.add_nodes_from(states)
                for before, after, data in self.graph.subgraph(states).edges(data=True):
                    if data["by"] != transition:
                        part.add_edge(before, after, by=data["by"])
                happens = {data["by"] for _, _, data in part.edges(data=True)}
                if not happens or not nx.is_strongly_connected(part):
                    continue
                always = set.intersection(*(self.possible(state) for state in states))
                sometimes = set.union(*(self.possible(state) for state in states))
                skipped = {number for number in sometimes - happens if self.transitions[number][0]}
                could = wanted & (nx.descendants(self.graph, states[0]) | {states[0]})
                if always <= happens and not skipped and could:
                    return True
        return False


def side() -> st.SearchStrategy[Side]:
    return st.dictionaries(st.integers(0, PLACES - 1), st.integers(1, 2), max_size=2)


NETS = st.tuples(
    st.tuples(*[st.integers(0, 2)] * PLACES),
    st.lists(st.tuples(st.booleans(), side(), side()).filter(lambda t: bool(t[1] or t[2])), min_size=1, max_size=4),
)


def written(start: Marking, transitions: list[tuple[bool, Side, Side]]) -> str:
    def arcs(side: Side) -> str:
        return " + ".join(f"{count} p{place}" for place, count in side.items())

    lines = [f"place p{place} = {count} at most 3" for place, count in enumerate(start)]
    for number, (fair, takes, gives) in enumerate(transitions):
        lines.append(f"{'fair ' if fair else ''}t{number}: {arcs(takes)} -> {arcs(gives)}")
    return "\n".join(lines)


@settings(max_examples=200, deadline=None)
@given(NETS)
def test_as_a_naive_explorer(net: tuple[Marking, list[tuple[bool, Side, Side]]]) -> None:
    naive = Explorer(*net, most=600)
    verdict = sync.Net(written(*net)).check()
    if not naive.finished:
        # Such small nets are unbounded where they have that many states, but for some that only grow for long.
        assert verdict.unbounded is not None or verdict.states > 600
        return
    assert verdict.unbounded is None
    assert (verdict.states, verdict.steps) == (len(naive.depth), naive.graph.number_of_edges())
    stops = naive.nearest([state for state in naive.graph if not naive.possible(state)])
    assert (len(verdict.deadlock.moves) if verdict.deadlock else None) == stops
    over = naive.nearest([state for state in naive.graph if max(state) > 3])
    assert (len(verdict.exceeded.moves) if verdict.exceeded else None) == over
    happens = {f"t{data['by']}" for _, _, data in naive.graph.edges(data=True)}
    assert set(verdict.never) == {f"t{number}" for number in range(len(net[1]))} - happens


@settings(max_examples=150, deadline=None)
@given(NETS)
def test_starvation_as_by_trying_every_set_of_states(net: tuple[Marking, list[tuple[bool, Side, Side]]]) -> None:
    naive = Explorer(*net, most=9)
    assume(naive.finished)
    starved = {failure.what[0] for failure in sync.Net(written(*net)).check().starved}
    assert starved == {f"t{number}" for number in range(len(net[1])) if naive.starves(number)}


def test_the_shortest_way_to_grow() -> None:
    net = sync.Net("place a = 1, b, c\nslow: a -> b\nback: b -> a + c")
    growth = net.check().unbounded
    assert growth is not None
    assert [move.who for move in growth.moves] == ["slow", "back"]
    assert (growth.repeats_from, growth.what) == (0, ("c",))


@pytest.mark.parametrize("name", sync.Protocol.names())
def test_the_broken_fail_and_the_cured_hold(name: str) -> None:
    broken = sync.Protocol.named(name).check()
    assert broken.holds is False
    assert {failure.kind for failure in broken.failures} == {HAZARDS[name]}
    for failure in broken.failures:
        ElementTree.fromstring(failure.to_svg())
        assert failure.to_dot().startswith("digraph")
    cured = sync.Protocol.named(name, cured=True).check()
    assert cured.holds is True, str(cured)
    assert cured.never == ()


def test_a_protocol_put_together() -> None:
    made = sync.Protocol().share("channel", "jobs[1]").thread("puts", "repeat 2: send jobs", copies=2)
    made.thread("gets", "loop:", "    receive jobs", "    do work", daemon=True)
    assert made.text == sync.Protocol(made.text).text
    assert made.check().holds
    assert "4 lines" not in repr(made)
    with pytest.raises(ValueError, match="skip"):
        made.thread("idle")
    with pytest.raises(ValueError, match="two-locks"):
        sync.Protocol.named("three-locks")


def test_what_cannot_be_read_names_its_line() -> None:
    with pytest.raises(ml.ProtocolError, match="did you mean `accounts`") as raised:
        sync.Protocol("lock accounts\nthread one: acquire acounts")
    assert raised.value.line == 2
    with pytest.raises(ml.ProtocolError, match="no thread"):
        sync.Protocol().check()
    with pytest.raises(ValueError, match="max_states"):
        sync.Protocol.named("mutex").check(max_states=0)


def test_an_early_stop_is_no_answer() -> None:
    protocol = sync.Protocol("fair lock a\nthread t x 3: loop: with a: do work")
    verdict = protocol.check(max_states=5)
    assert (verdict.holds, verdict.complete, verdict.states) == (None, False, 5)
    assert "max_states" in str(verdict)
    assert "undecided" in repr(verdict)
    assert protocol.check().holds
    unfair = sync.Protocol.named("mutex")
    assert unfair.check(starvation=False).holds


def test_a_signal_ends_a_check() -> None:
    class Enough(Exception):
        pass

    def stop(*_: object) -> None:
        raise Enough

    # A few million states: the signal comes before the search is done.
    net = sync.Net("place a = 1000, b, c, d\none: a -> b\ntwo: b -> c\nthree: c -> d\nfour: d -> a")
    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(Enough):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            net.check(max_states=2**31)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, picture, graph = tmp_path / "transfer.txt", tmp_path / "run.svg", tmp_path / "net.dot"
    file.write_text(sync.Protocol.named("two-locks").text)
    assert main(["check", str(file), "--svg", str(picture), "--dot", str(graph)]) == 1
    assert capsys.readouterr().out.startswith("deadlock: after 2 steps nobody can go on\n")
    ElementTree.parse(picture)
    assert graph.read_text().startswith("digraph")
    assert main(["check", "--known", "two-locks", "--cured", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True
    assert main(["check", "--known", "mutex", "--no-starvation"]) == 0
    assert main(["check", "--known", "two-locks", "--cured", "--max-states", "3"]) == 3
    assert main(["check", "--known", "list"]) == 0
    assert "dining-philosophers" in capsys.readouterr().out
    assert main(["check", "--known", "nothing"]) == 2
    assert "two-locks" in capsys.readouterr().err
    file.write_text("place a = 1\ngo: a -> 2 a\n")
    assert main(["check", "--net", str(file)]) == 1
    assert "unbounded: a can grow for ever" in capsys.readouterr().out
    assert main(["check", str(file)]) == 2
    assert "line 1" in capsys.readouterr().err
