"""Turns samples into medians, ratios within a run, and a verdict for each requirement."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from measuring.suite import AGAIN, OURS, Check, Form, Suite

# Two measurements of the same pool must agree this well, or a run decides nothing.
AGREEMENT = 0.10

Record = dict[str, Any]


@dataclass(frozen=True)
class Spread:
    """The median of some repeats with the least and the greatest of them."""

    median: float
    least: float
    greatest: float
    repeats: int

    @classmethod
    def of(cls, values: list[float]) -> Spread | None:
        """Summarise values; nothing for none.

        >>> Spread.of([3.0, 1.0, 2.0])
        Spread(median=2.0, least=1.0, greatest=3.0, repeats=3)
        """
        if not values:
            return None
        return cls(statistics.median(values), min(values), max(values), len(values))

    def write(self, form: Form) -> str:
        """Write it as ``median [least, greatest]``."""
        return form.write(self.median, self.least, self.greatest)


@dataclass(frozen=True)
class Verdict:
    """One requirement with what was measured, the noise beside it, and the outcome."""

    check: Check
    measured: Spread | None
    itself: Spread | None
    outcome: str


class Samples:
    """The counted samples of a run: the last attempt of each turn, when it gave a number."""

    def __init__(self, suite: Suite, records: list[Record]) -> None:
        self.suite = suite
        self.by_turn: dict[tuple[str, str, int], Record] = {}
        for record in records:
            self.by_turn[record["test"], record["engine"], record["repeat"]] = record["sample"]
        self.repeats = sorted({record["repeat"] for record in records})

    def values(self, test: str, engine: str, metric: str) -> list[float]:
        """Return one engine's numbers, one a repeat."""
        found = (self.by_turn.get((test, engine, repeat), {}) for repeat in self.repeats)
        return [float(sample[metric]) for sample in found if metric in sample]

    def spread(self, test: str, engine: str, metric: str) -> Spread | None:
        """Summarise one engine's numbers."""
        return Spread.of(self.values(test, engine, metric))

    def ratio(self, test: str, metric: str, ours: str, theirs: str) -> Spread | None:
        """Summarise how many times better one engine is than another, repeat by repeat."""
        better = self.suite.metric(test, metric).more_is_better
        ratios = []
        for repeat in self.repeats:
            one = self.by_turn.get((test, ours, repeat), {}).get(metric)
            other = self.by_turn.get((test, theirs, repeat), {}).get(metric)
            if one and other:
                ratios.append(one / other if better else other / one)
        return Spread.of(ratios)

    def problem(self, test: str, engine: str) -> str | None:
        """Return why an engine has no number, or a note on how it ended."""
        for (its_test, its_engine, _), sample in self.by_turn.items():
            if (its_test, its_engine) == (test, engine):
                if "missing" in sample:
                    return "not installed"
                if "error" in sample:
                    return str(sample["error"])
        return None

    def disturbed(self, test: str, engine: str) -> int:
        """Return how many of an engine's counted samples other programs disturbed."""
        return sum(
            bool(sample.get("disturbed"))
            for (its_test, its_engine, _), sample in self.by_turn.items()
            if (its_test, its_engine) == (test, engine)
        )

    def disagreements(self) -> list[str]:
        """Return the tests whose engines gave different answers, with what each answered.

        Only some measurements have an ``answer``; the others check their results themselves.
        """
        answers: dict[str, dict[str, set[str]]] = {}
        for (test, engine, _), sample in self.by_turn.items():
            if "answer" in sample:
                answers.setdefault(test, {}).setdefault(str(sample["answer"]), set()).add(engine)
        return [
            f"{test}: " + "; ".join(f"{answer} from {', '.join(sorted(engines))}" for answer, engines in given.items())
            for test, given in answers.items()
            if len(given) > 1
        ]


def judge(samples: Samples) -> list[Verdict]:
    """Return a verdict for each requirement that the run measured."""
    tests = {test for test, engine, _ in samples.by_turn if engine == OURS}
    return [judge_one(samples, check) for check in samples.suite.checks if check.test in tests]


def judge_one(samples: Samples, check: Check) -> Verdict:
    """Compare one requirement with the samples."""
    if check.against is None:
        measured = samples.spread(check.test, OURS, check.metric)
        more_is_better = samples.suite.metric(check.test, check.metric).more_is_better
    else:
        measured = samples.ratio(check.test, check.metric, OURS, check.against)
        more_is_better = True
    itself = samples.ratio(check.test, check.metric, OURS, OURS + AGAIN)
    if measured is None:
        problem = samples.problem(check.test, OURS)
        return Verdict(check, None, itself, problem or "not measured")

    def met(value: float) -> bool:
        return value >= check.target if more_is_better else value <= check.target

    outcome = "pass" if met(measured.median) else "fail"
    doubts = []
    if met(measured.least) != met(measured.greatest):
        doubts.append("repeats on both sides")
    if itself is not None and abs(itself.median - 1) > AGREEMENT:
        doubts.append("differs from itself")
    if 2 * samples.disturbed(check.test, OURS) > measured.repeats:
        doubts.append("machine busy")
    return Verdict(check, measured, itself, ", ".join([outcome, *doubts]))


def target(suite: Suite, check: Check) -> str:
    """Write a requirement's limit."""
    if check.against is not None:
        return f"at least {check.target:g} times"
    metric = suite.metric(check.test, check.metric)
    bound = "at least" if metric.more_is_better else "at most"
    return f"{bound} {metric.form.write(check.target)}"


def title(suite: Suite, check: Check) -> str:
    """Write what a requirement is about."""
    return f"{suite.tests[check.test].short}: {suite.metric(check.test, check.metric).label}"
