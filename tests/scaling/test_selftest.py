"""The causes named for workloads whose cause is known by construction, and the command that shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from multilane import _multilane, cli
from multilane.scaling.loads import KNOWN, documented, matrix_products


def test_no_cause_is_named_wrongly(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code = cli.main(["scale", "--self-test", "--quick", "--json", "--html", str(page)])
    found = json.loads(capsys.readouterr().out)
    wrong = [row for row in found["matrix"] if row["outcome"] == "wrong"]
    assert not wrong, json.dumps(wrong, indent=2)
    assert code == 0
    assert [row["workload"] for row in found["matrix"]] == [load.name for load in KNOWN]
    assert all(row["evidence"] for row in found["matrix"])
    assert "How far it scales" in page.read_text()


def test_loads_do_what_they_say() -> None:
    assert _multilane.load_triad(1000) == 24_000
    assert _multilane.load_pages(40_960) == 10
    assert _multilane.load_lines(10) >= 9
    assert _multilane.load_compute(100) == _multilane.load_compute_held(100)
    assert _multilane.load_lock(10) != _multilane.load_lock(10)
    with pytest.raises(MemoryError, match="no 4611686018427387904 bytes"):
        _multilane.load_pages(1 << 62)


def test_company_is_of_a_known_kind_and_leaves() -> None:
    with pytest.raises(ValueError, match="neither `compute` nor `memory`"):
        _multilane.Beside("noise", 1)
    assert _multilane.Beside("compute", 1).stop() == 0.0


def test_the_workloads_of_the_investigation_are_there() -> None:
    loads = documented()
    sizes = [load.size for load in loads if (load.name, load.strategy) == ("element kernel", "threads")]
    assert sizes == ["65k x 10", "65k x 100", "65k x 500", "1M x 10", "1M x 100", "1M x 500"]
    strategies = {load.strategy for load in loads}
    assert strategies >= {"threads", "threads+lock", "threads+own", "processes", "processes+window=16"}
    # A curve is found by its workload, its size and its strategy.
    assert len({(load.name, load.size, load.strategy) for load in loads}) == len(loads)
    assert [load.size for load in matrix_products((64, 256))] == ["64", "256"]
