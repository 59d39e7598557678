"""`multilane scale`: what it hands over, prints and writes, and how it exits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from multilane import cli
from multilane.scaling.history import History
from sweeps import made_up


class Asked:
    """Stands in for `multilane.scale`: keeps what it was asked and answers with a made-up sweep."""

    def __init__(self, scaling: ml.Scaling) -> None:
        self.scaling = scaling
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __call__(self, *arguments: Any, **options: Any) -> ml.Scaling:
        self.arguments = arguments
        self.options = {name: value for name, value in options.items() if value is not None}
        return self.scaling


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Answer with threads that take turns."""
    asked = Asked(made_up({1: 1.0, 2: 0.95}, interpreter=0.5))
    monkeypatch.setattr(ml, "scale", asked, raising=False)
    return asked


def test_everything_is_handed_over(asked: Asked) -> None:
    line = [
        "scale",
        "math:sqrt",
        "--workers",
        "1,2,4",
        "--sizes",
        "4",
        "[1, 2]",
        "text",
        "--strategies",
        "threads+lock",
    ]
    assert cli.main([*line, "--repeats", "4", "--budget", "9.5", "--run-seconds", "0.2", "--resume", "x"]) == 0
    assert [function.__name__ for function in asked.arguments] == ["sqrt"]
    assert asked.options == {
        "workers": [1, 2, 4],
        "sizes": [4, [1, 2], "text"],
        "strategies": ["threads+lock"],
        "weak": False,
        "repeats": 4,
        "budget": 9.5,
        "run_seconds": 0.2,
        "resume": "x",
    }
    assert cli.main(["scale", "--command", "./prog {workers}", "--weak"]) == 0
    assert asked.arguments == (None,)
    assert asked.options == {"command": "./prog {workers}", "weak": True}


def test_a_sweep_is_printed_and_written(asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: str(tmp_path / name) for name in ("page.html", "raw.csv", "sweep.mlscale", "history.sqlite")}
    line = ["scale", "--html", files["page.html"], "--csv", files["raw.csv"], "--save", files["sweep.mlscale"]]
    assert cli.main([*line, "--history", files["history.sqlite"]]) == 0
    said = capsys.readouterr().out
    assert "take turns with the interpreter lock" in said
    assert all(Path(file).stat().st_size for file in files.values())
    assert ml.Scaling.load(files["sweep.mlscale"]).data == asked.scaling.data
    assert History(files["history.sqlite"]).get(1).data == asked.scaling.data


def test_json_is_one_document(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scale", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (series,) = document["series"]
    assert series["verdict"]["cause"] == "interpreter_lock"
    assert series["points"][1]["speedup"]["median"] == pytest.approx(0.95, abs=0.01)
    assert all("curve" not in fit for fit in series["fits"])


def test_a_sweep_that_decides_nothing_exits_with_3(asked: Asked) -> None:
    asked.scaling = made_up({1: 1.0})
    assert cli.main(["scale"]) == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--workers", "0"], "`workers` holds 0"),
        (["--strategies", "magic"], "there is no strategy `magic`"),
        (["--command", "prog"], "has no `{workers}`"),
        (["math:sqrt", "--budget", "-1"], "`budget` is -1.0"),
    ],
)
def test_a_mistake_is_one_line(line: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scale", *line]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_what_is_no_list_of_counts_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["scale", "--workers", "few"])
    assert "`few` is no list of worker counts" in capsys.readouterr().err


def test_what_the_function_raises_is_told_from_a_bad_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "their_operation.py").write_text("def broken(): raise ValueError('no good')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert cli.main(["scale", "their_operation:broken", "--workers", "1,2", "--strategies", "threads"]) == 2
    assert "the function raised ValueError: no good" in capsys.readouterr().err
