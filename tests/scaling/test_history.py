"""Sweeps in the history, and what changed between two of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import multilane as ml
from multilane import cli
from multilane.scaling.history import History, fingerprint


def sweep(milliseconds: float, name: str = "made up") -> ml.Scaling:
    samples = [
        {
            "workload": "w",
            "size": "",
            "strategy": "threads",
            "workers": workers,
            "repeat": repeat,
            "beside": "nothing",
            "operations": 100 * workers,
            "wall_ns": round(1e6 * milliseconds) + repeat,
            "cpu_ns": round(1e6 * milliseconds * workers),
        }
        for workers in (1, 2)
        for repeat in range(5)
    ]
    machine = {"cpu_model": "m", "cpus_online": 2, "cpus_affinity": 2}
    return ml.Scaling(
        {"name": name, "workload": "w", "machine": machine, "versions": {}, "bandwidth_limit": 0.0}
        | {"created_unix_ns": 1_700_000_000_000_000_000, "samples": samples}
    )


def test_a_sweep_comes_back_from_the_history(tmp_path: Path) -> None:
    history = History(tmp_path / "deep" / "history.sqlite")
    numbers = [history.add(sweep(100)), history.add(sweep(200, "other"))]
    assert numbers == [1, 2]
    assert history.get(2).data == sweep(200, "other").data
    assert [(entry.number, entry.name, entry.created.year) for entry in history.entries()] == [
        (1, "made up", 2023),
        (2, "other", 2023),
    ]
    assert history.entries()[0].fingerprint == fingerprint(sweep(1).machine)
    with pytest.raises(ml.MultilaneError, match="has no sweep 3"):
        history.get(3)


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    file.write_text("no database at all, and long enough to be sure of it" * 10)
    with pytest.raises(ml.MultilaneError, match="cannot be used as a history"):
        History(file).entries()


@pytest.mark.parametrize(("after", "says", "code"), [(130, "slower", 1), (70, "faster", 0), (100.1, "same", 0)])
def test_a_change_is_named_and_is_the_exit_code(
    after: float, says: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "h.sqlite"
    History(history).add(sweep(100))
    sweep(after).save(tmp_path / "after.mlscale")
    line = ["compare", "1", str(tmp_path / "after.mlscale"), "--history", str(history)]
    assert cli.main(line) == code
    assert says in capsys.readouterr().out
    assert cli.main([*line, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert [each["says"] for each in found["changes"]] == [says, says]
    assert found["changes"][0]["ratio"]["median"] == pytest.approx(100 / after, rel=0.01)
    assert found["same_machine"]


def test_the_history_is_listed_and_mistakes_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = str(tmp_path / "h.sqlite")
    assert cli.main(["compare", "--history", history]) == 0
    assert "is empty" in capsys.readouterr().out
    History(history).add(sweep(100))
    assert cli.main(["compare", "--history", history]) == 0
    assert "made up: w" in capsys.readouterr().out
    assert cli.main(["compare", "1", "--history", history]) == 2
    assert cli.main(["compare", "1", "7", "--history", history]) == 2
    assert "no sweep 7" in capsys.readouterr().err
