"""A sweep that was made on an NVIDIA H200 beside 16 processors, judged afresh: each cause follows from how it was made.

One stream carries operations one after the other, and its driver has a lock; the device computes at most 2.0e12 turns
of the element kernel a second and moves 4.1 TB/s. What comes near these is limited by the device, and what is far from
them and comes faster through streams for each worker is limited by the one stream.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import multilane as ml
from multilane.scaling.kernels import device_tables

RECORDED = Path(__file__).parent.parent / "data" / "h200-cuda.mlscale"

CAUSES = {
    # Far from what the device does, and several times as fast through own streams.
    ("no operation", "", "cuda"): "one_queue",
    ("element kernel", "65k x 10", "cuda"): "one_queue",
    ("element kernel", "65k x 100", "cuda"): "one_queue",
    ("element kernel", "1M x 10", "cuda"): "one_queue",
    ("matrix product", "64", "cuda"): "one_queue",
    ("matrix product", "256", "cuda"): "one_queue",
    ("no operation", "", "cuda+window=8"): "one_queue",
    ("element kernel", "65k x 10", "cuda+window=8"): "one_queue",
    # As fast as the device is, whatever the queues.
    ("element kernel", "65k x 500", "cuda"): "device_busy",
    ("element kernel", "1M x 100", "cuda"): "device_busy",
    ("element kernel", "1M x 500", "cuda"): "device_busy",
    ("matrix product", "1024", "cuda"): "device_busy",
    ("matrix product", "4096", "cuda"): "device_busy",
    ("triad", "16M", "cuda"): "device_busy",
    ("element kernel", "65k x 100", "cuda+own"): "device_busy",
    ("element kernel", "65k x 500", "cuda+own"): "device_busy",
    ("element kernel", "1M x 10", "cuda+own"): "device_busy",
    ("element kernel", "1M x 100", "cuda+own"): "device_busy",
    ("element kernel", "1M x 500", "cuda+own"): "device_busy",
    ("matrix product", "1024", "cuda+own"): "device_busy",
    ("matrix product", "4096", "cuda+own"): "device_busy",
    ("triad", "16M", "cuda+own"): "device_busy",
    # Whatever they are, 400 thousand a second are submitted and no more.
    ("no operation", "", "cuda+own"): "submission",
    ("element kernel", "65k x 10", "cuda+own"): "submission",
    ("matrix product", "64", "cuda+own"): "submission",
    ("matrix product", "256", "cuda+own"): "submission",
    ("no operation", "", "cuda+own+window=8"): "submission",
    ("element kernel", "65k x 10", "cuda+own+window=8"): "submission",
    ("no operation", "", "cuda+batch=8"): "submission",
    ("element kernel", "65k x 10", "cuda+batch=8"): "submission",
    # A lock where the driver has one makes no difference, and one around streams that have none does.
    ("no operation", "", "cuda+lock"): "submission",
    ("element kernel", "65k x 10", "cuda+lock"): "submission",
    ("matrix product", "256", "cuda+lock"): "submission",
    ("no operation", "", "cuda+own+lock"): "lock",
    ("element kernel", "65k x 10", "cuda+own+lock"): "lock",
    ("matrix product", "256", "cuda+own+lock"): "lock",
}


@pytest.fixture(scope="module")
def recorded() -> ml.Scaling:
    return ml.Scaling.load(RECORDED)


def test_no_curve_of_the_recorded_sweep_gets_a_wrong_cause(recorded: ml.Scaling) -> None:
    named = {(curve.workload, curve.size, curve.strategy): curve.verdict.cause for curve in recorded.curves}
    assert set(named) == set(CAUSES)
    assert {key: cause for key, cause in named.items() if cause not in (CAUSES[key], "inconclusive")} == {}
    assert list(named.values()).count("inconclusive") <= 1


def test_the_evidence_has_the_device_and_what_was_held_against_it(recorded: ml.Scaling) -> None:
    verdicts = {(curve.workload, curve.size, curve.strategy): curve.verdict for curve in recorded.curves}
    shared = verdicts["no operation", "", "cuda"]
    assert any("through a queue for each worker: 4." in fact for fact in shared.evidence)
    assert "queue of its own" in shared.advice
    locked = verdicts["no operation", "", "cuda+lock"]
    assert any("without the lock: 1" in fact for fact in locked.evidence)
    triad = verdicts["triad", "16M", "cuda"]
    assert any("the device has an operation under way for 98" in fact for fact in triad.evidence)


def test_the_tables_of_a_device_show_what_the_queues_and_the_mutex_did(recorded: ml.Scaling) -> None:
    _, tables = device_tables("cuda", several=True, small=False)
    scaling = ml.Scaling(recorded.data | {"tables": tables})
    assert [len(table["rows"]) for table in scaling.judgement["tables"]] == [8, 4, 12, 30]
    said = {
        found["sentence"].split(" (")[0].split(" 0.")[0]: found["says"]
        for table in scaling.judgement["tables"]
        for found in table["differences"]
    }
    slower = [sentence for sentence, says in said.items() if says == "slower" and "a lock" in sentence]
    assert any("matrix product, 256: a lock around each submission, with a queue for each worker," in s for s in slower)
