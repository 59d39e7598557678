"""The causes named for workloads whose cause is known by construction, and the command that shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from multilane import _multilane, cli
from multilane.scaling.loads import KNOWN, Load
from multilane.scaling.noise import KINDS, Noise
from multilane.scaling.selftest import self_test
from multilane.scaling.ways import Operation


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


def test_noise_comes_in_a_random_half_of_the_runs_of_each_point() -> None:
    kinds: dict[str, list[str]] = {"a": [], "b": []}
    with Noise(seed=3) as noise:
        for _ in range(6):
            for point, had in kinds.items():
                with noise.during(point) as kind:
                    had.append(kind)
        process = noise._process
        assert process is not None
        assert process.poll() is None
    assert process.poll() == 0
    for had in kinds.values():
        # One of every two runs, and not always the same one.
        assert all((one == "") != (two == "") for one, two in zip(had[::2], had[1::2], strict=True))
        assert set(had) <= {"", *KINDS.values()}
    assert {had[0] == "" for had in kinds.values()} | {had[2] == "" for had in kinds.values()} == {True, False}


def test_a_noisy_self_test_says_how_many_runs_were_noisy() -> None:
    load = Load("made up", Operation(_multilane.load_compute, (20_000,)), "cores")
    rows, scaling = self_test(
        workers=(1, 2), run_seconds=0.02, repeats=4, loads=[load], noise=True, seed=1, progress=False
    )
    assert [(row["runs"], row["noisy_runs"]) for row in rows] == [(8, 4)]
    assert [sample["noise"] != "" for sample in scaling.samples].count(True) == 4


def test_noise_and_rounds_belong_to_the_self_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scale", "math:sqrt", "--noise"]) == 2
    assert "go with `--self-test`" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["scale", "--self-test", "--rounds", "0"])
    assert "no number of rounds" in capsys.readouterr().err
