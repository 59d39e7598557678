"""`multilane.prove`: what is run, in which order, what is compared, and what is refused."""

from __future__ import annotations

import functools
import math
import operator
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from multilane import _multilane
from multilane.proofs import builtin, collect, evidence, functions, strategies
from multilane.proofs.collect import Collected, Experiment
from multilane.proofs.interpreter import gil_is_on
from multilane.proofs.strategies import Measured
from multilane.proofs.work import Work, work_of

SECOND = 1_000_000_000


# Workers import what they run, and a test module is none of their business: functions of multilane and of the
# standard library only.
busy = functools.partial(functions.edit_distance, letters=400)


class FakeStrategy:
    """Runs the calls in place and writes down what is asked of it."""

    def __init__(self, name: str, log: list[str], wall_ns: int = SECOND) -> None:
        self.name = name
        self.workers = 1
        self.log = log
        self.wall_ns = wall_ns

    def open(self) -> None:
        self.log.append(f"open {self.name}")

    def run(self, work: Work) -> Measured:
        self.log.append(f"run {self.name}")
        recorder = _multilane.TraceRecorder(work.name, self.name, 1)
        results = [recorder.run(0, work.name, work.function, arguments) for arguments in work.calls]
        return Measured(results, self.wall_ns, recorder.finish())

    def close(self) -> None:
        self.log.append(f"close {self.name}")


def experiments(log: list[str], *names: str) -> list[Experiment]:
    work = Work(abs, ((-1,), (-2,)), "abs")
    return [Experiment(name, FakeStrategy(name, log), work) for name in names]


def proof_of(sequential: float, processes: float, threads: float, *, cores: float = 1.9, gil: str = "on") -> ml.Proof:
    """A proof with made-up times in seconds, the same in seven repeats."""
    machine = dict(_multilane.machine()) | {
        "cpus_online": 2,
        "cpus_affinity": 2,
        "cpus_quota": 0.0,
    }
    data = _multilane.ProofData("made up", "busy", 2, 2, machine=machine, versions={"gil": gil})
    for repeat in range(7):
        for strategy, seconds, used in (
            ("sequential", sequential, 1.0),
            ("plain threads", threads, 1.0),
            ("multilane processes", processes, cores),
        ):
            wall = round(seconds * SECOND)
            data.add_run(strategy, repeat, 2, 2, wall, round(wall * used))
    return ml.Proof(data)


class TestCollect:
    def test_prepares_everything_before_the_first_timed_run(self) -> None:
        log: list[str] = []
        collect.collect(experiments(log, "one", "other"), repeats=3, budget=None, precise=lambda _: False)
        # Opened and warmed up once each; then nothing but timed runs.
        assert sorted(log[:4]) == ["open one", "open other", "run one", "run other"]
        assert set(log[4:]) == {"run one", "run other"}

    def test_runs_each_experiment_once_in_every_repeat(self) -> None:
        collected = collect.collect(experiments([], "a", "b", "c"), repeats=5, budget=None, precise=lambda _: False)
        runs = Counter((m.repeat, m.experiment.label) for m in collected.measurements)
        assert set(runs.values()) == {1}
        assert len(runs) == 15

    @pytest.mark.slow
    def test_the_order_is_random(self) -> None:
        names = [str(number) for number in range(8)]
        collected = collect.collect(experiments([], *names), repeats=6, budget=None, precise=lambda _: False)
        orders = {
            tuple(m.experiment.label for m in collected.measurements if m.repeat == repeat) for repeat in range(6)
        }
        assert len(orders) > 1

    def test_precision_ends_it_at_the_seventh_repeat(self) -> None:
        collected = collect.collect(experiments([], "a", "b"), repeats=None, budget=None, precise=lambda _: True)
        assert collected.repeats == 7

    def test_a_spent_budget_still_leaves_three_repeats(self) -> None:
        collected = collect.collect(experiments([], "a", "b"), repeats=None, budget=1e-9, precise=lambda _: False)
        assert collected.repeats == 3

    @pytest.mark.slow
    def test_ends_when_it_never_gets_precise(self) -> None:
        collected = collect.collect(experiments([], "a", "b"), repeats=None, budget=None, precise=lambda _: False)
        assert collected.repeats == collect.MOST_REPEATS

    def test_a_strategy_that_cannot_start_is_left_out_and_named(self) -> None:
        chosen = experiments([], "works", "broken")

        def refuse() -> None:
            raise RuntimeError("no such backend")

        chosen[1].strategy.open = refuse  # type: ignore[method-assign]
        collected = collect.collect(chosen, repeats=3, budget=None, precise=lambda _: False)
        assert collected.failures == {"broken": "RuntimeError: no such backend"}
        assert {m.experiment.label for m in collected.measurements} == {"works"}

    def test_keeps_the_first_trace_of_each_label_when_there_are_many_tasks(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(collect, "KEPT_TASKS", 0)
        collected = collect.collect(experiments([], "a", "b"), repeats=3, budget=None, precise=lambda _: False)
        kept = Counter(m.experiment.label for m in collected.measurements if m.trace is not None)
        assert kept == {"a": 1, "b": 1}


class TestPlainThreads:
    def test_gives_every_result_in_its_place(self) -> None:
        measured = strategies.PlainThreads(3).run(Work(operator.neg, tuple((n,) for n in range(20)), "neg"))
        assert list(measured.results) == [-n for n in range(20)]
        assert len(measured.trace) == 20

    def test_raises_what_a_call_raises_and_leaves_no_thread(self) -> None:
        before = threading.active_count()
        with pytest.raises(ValueError, match="math domain error"):
            strategies.PlainThreads(2).run(Work(math.sqrt, ((-1,),), "sqrt"))
        assert threading.active_count() == before


class TestEvidence:
    def check_names(self, collected: Collected) -> dict[str, bool]:
        proof = _multilane.ProofData("p", "abs", 2, 2)
        evidence.add_checks(proof, collected)
        return {check["name"]: check["passed"] for check in proof.checks}

    def collected(self, *names: str) -> Collected:
        return collect.collect(experiments([], *names), repeats=3, budget=None, precise=lambda _: False)

    def test_equal_results_are_checked_for_every_strategy(self) -> None:
        names = self.check_names(self.collected("sequential", "multilane processes"))
        assert names["results of multilane processes equal to the sequential run"]

    def test_a_different_result_fails_its_check(self) -> None:
        collected = self.collected("sequential", "multilane processes")
        collected.differences["multilane processes"] = "call 1: expected 4, found 5"
        assert not self.check_names(collected)["results of multilane processes equal to the sequential run"]

    def test_a_control_that_breaks_is_not_held_against_multilane(self) -> None:
        collected = self.collected("sequential", "multilane processes")
        collected.failures["plain threads"] = "RuntimeError: not thread-safe"
        assert all(self.check_names(collected).values())

    @pytest.mark.parametrize(("factor", "agrees"), [(1.0, True), (1.05, True), (1.2, False), (0.8, False)])
    def test_the_sequential_run_must_agree_with_itself(self, factor: float, agrees: bool) -> None:
        work = Work(abs, ((-1,), (-2,)), "abs")
        pair = [
            Experiment("sequential", FakeStrategy("sequential", []), work),
            Experiment(evidence.AGAIN, FakeStrategy("sequential", [], round(SECOND * factor)), work),
            Experiment("other", FakeStrategy("other", []), work),
        ]
        collected = collect.collect(pair, repeats=3, budget=None, precise=lambda _: False)
        assert evidence.agreement(collected)[0] is agrees


class TestVerdict:
    """Of made-up times, so that what is tested does not depend on the machine."""

    def test_parallel(self) -> None:
        proof = proof_of(2.0, 1.05, 2.0)
        assert proof.holds
        assert proof.verdict == "parallel"
        assert proof.speedup.median == pytest.approx(2.0 / 1.05)

    def test_serialised(self) -> None:
        proof = proof_of(2.0, 2.0, 2.0, cores=1.0)
        assert not proof.holds
        assert proof.verdict.startswith("serialised")

    def test_a_failed_check_refuses_a_parallel_run(self) -> None:
        proof = proof_of(2.0, 1.05, 2.0)
        proof.data.add_check("results of multilane processes equal to the sequential run", False, "call 0")
        assert not proof.holds
        assert proof.verdict == "refused"

    def test_disagreement_with_itself_is_undecided_and_not_refused(self) -> None:
        proof = proof_of(2.0, 1.05, 2.0)
        proof.data.add_check(evidence.AGAIN_CHECK, False, "ratio 1.3")
        assert proof.verdict == "inconclusive"

    def test_a_saved_proof_gives_the_same_verdict(self, tmp_path: Path) -> None:
        proof = proof_of(2.0, 1.05, 2.0)
        proof.save(tmp_path / "p.mlproof")
        again = ml.Proof.load(tmp_path / "p.mlproof")
        assert again.judgement == proof.judgement

    def test_text_page_and_cell_carry_the_headline(self, tmp_path: Path) -> None:
        proof = proof_of(2.0, 1.05, 2.0)
        words = " ".join(str(proof).split())
        assert proof.headline in words
        assert "multilane processes" in proof._repr_html_()
        assert "<html" in proof.to_html(tmp_path / "new folder" / "r.html").read_text()


class TestProve:
    @pytest.mark.slow
    def test_sleep_is_never_parallel(self) -> None:
        proof = ml.prove(time.sleep, [0.1] * 4, workers=2, repeats=3, strategies=["processes"], progress=False)
        assert not proof.holds
        assert proof.verdict in ("concurrent, not parallel", "inconclusive")
        assert proof.cores_used.high < 0.5

    @pytest.mark.slow
    def test_plain_threads_do_not_run_python_in_parallel(self) -> None:
        if not gil_is_on():
            pytest.skip("this interpreter has no lock on")
        proof = ml.prove(busy, range(4), workers=2, repeats=3, strategies=["plain threads"], progress=False)
        (judged,) = proof.judgement["strategies"]
        assert judged["verdict"]["kind"] in ("serialised", "inconclusive")

    def test_results_of_another_process_are_refused_when_they_differ(self) -> None:
        proof = ml.prove(os.getpid, workers=2, repeats=3, strategies=["processes"], progress=False)
        failed = [check for check in proof.checks if not check["passed"]]
        assert "results of multilane processes equal to the sequential run" in {check["name"] for check in failed}
        assert proof.verdict == "refused"

    def test_results_that_change_by_themselves_are_named(self) -> None:
        proof = ml.prove(os.urandom, [8, 8], workers=2, repeats=3, strategies=["threads"], progress=False)
        failed = [check for check in proof.checks if not check["passed"]]
        assert evidence.DETERMINISTIC_CHECK in {check["name"] for check in failed}

    @pytest.mark.slow
    def test_every_strategy_is_measured_in_every_repeat(self) -> None:
        proof = ml.prove(operator.neg, range(6), workers=2, repeats=3, progress=False)
        runs = Counter((run["strategy"], run["repeat"]) for run in proof.data.runs)
        names = ("sequential", "plain threads", "multilane processes", "multilane threads")
        assert runs == {(name, repeat): 1 for name in names for repeat in range(3)}
        assert {run["tasks"] for run in proof.data.runs} == {6}

    @pytest.mark.slow
    def test_work_too_short_to_measure_is_inconclusive(self) -> None:
        proof = ml.prove(operator.neg, range(6), workers=2, repeats=3, progress=False)
        assert proof.verdict == "inconclusive"
        assert not proof.decided

    def test_an_input_that_cannot_travel_is_named(self) -> None:
        locks: list[Any] = [threading.Lock(), threading.Lock()]
        proof = ml.prove(bool, locks, workers=2, repeats=3, strategies=["processes"], progress=False)
        (failed,) = [check for check in proof.checks if check["name"] == "multilane processes runs the work"]
        assert not failed["passed"]
        assert "lock" in failed["detail"]

    def test_a_function_that_raises_is_the_callers_error(self) -> None:
        with pytest.raises(ml.MultilaneError, match=r"`sqrt` raised ValueError: .*by itself") as caught:
            ml.prove(math.sqrt, [-1], workers=2, repeats=3, progress=False)
        assert isinstance(caught.value.__cause__, ValueError)

    def test_a_parallel_function_is_proved_by_what_it_wraps(self) -> None:
        work = work_of(ml.parallel(operator.neg), [1, 2], workers=2)
        assert work.function is operator.neg

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (lambda: ml.prove(abs, [1], workers=0), "`workers` is 0"),
            (lambda: ml.prove(abs, [1], repeats=0), "`repeats` is 0"),
            (lambda: ml.prove(abs, [1], budget=-1), "`budget` is -1"),
            (lambda: ml.prove(abs, []), "`inputs` is empty"),
            (lambda: ml.prove(functions.wait), "`wait` needs `seconds`"),
            (lambda: ml.prove(3, [1]), "`3` is not a function"),  # type: ignore[arg-type]
            (lambda: ml.prove(inputs=[1]), "need a function"),
            (lambda: ml.prove(abs, [1], strategies=["magic"]), "no strategy `magic`"),
        ],
    )
    def test_wrong_arguments_are_named(self, arguments: Callable[[], object], words: str) -> None:
        with pytest.raises((TypeError, ValueError), match=words):
            arguments()


class TestBuiltin:
    def test_the_work_is_the_same_for_every_way_of_running_it(self) -> None:
        works = builtin.fixed_works(4)
        assert sorted(works) == [1, 2, 4]
        sizes = {letters for work in works.values() for _, letters in work.calls}
        assert len(sizes) == 1
        assert works[4].calls[:2] == works[2].calls

    @pytest.mark.slow
    def test_every_part_fails_when_the_processes_are_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the popular proofs cannot do: fail on threads that take turns."""
        if not gil_is_on():
            pytest.skip("this interpreter has no lock on")
        real = strategies.make

        def threads_only(name: str, workers: int) -> strategies.Strategy:
            if name == strategies.SEQUENTIAL:
                return real(name, workers)
            strategy = strategies.PlainThreads(workers)
            strategy.name = name
            return strategy

        monkeypatch.setattr(builtin, "make", threads_only)
        proof = builtin.prove_builtin(workers=2, repeats=3, budget=None, progress=False)
        assert not proof.holds
        parts = proof.judgement["parts"]
        assert [part["name"] for part in parts] == ["progress", "wall clock", "flat time", "cpu bound"]
        assert [part["holds"] for part in parts] == [False] * 4
