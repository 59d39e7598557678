"""Each exhibit's broken program really fails, and its cured one holds."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from multilane import cli, exhibits, sync
from multilane.exhibits import gallery, threads
from multilane.exhibits.frame import BROKEN, CURED, Outcome, run
from multilane.exhibits.timeline import Timeline


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "gil" else name for name in exhibits.NAMES]
)
def test_the_broken_one_fails_and_the_cured_one_holds(name: str) -> None:
    broken, cured = run(name, BROKEN), run(name, CURED)
    if broken.holds is None or cured.holds is None:
        pytest.skip(f"a busy machine shows nothing of {name}: {broken.seen}; {cured.seen}")
    assert broken.holds is False, broken
    assert cured.holds is True, cured
    assert broken.timeline.spans
    assert cured.timeline.spans
    assert broken.facts
    assert cured.facts


@pytest.mark.parametrize("name", [name for name in exhibits.NAMES if exhibits.load(name).protocols])
def test_the_protocol_of_the_broken_one_fails_in_every_check_and_of_the_cured_one_in_none(name: str) -> None:
    protocol = getattr(sync, "Protocol", None)
    if protocol is None:
        pytest.skip("this build has no checker of protocols")
    protocols = exhibits.load(name).protocols
    assert protocols is not None
    assert [protocol(text).check().holds for text in protocols] == [False, True]


def test_a_program_that_hangs_is_ended() -> None:
    outcome = run("race", BROKEN, deadline=0.001)
    assert (outcome.holds, outcome.seen) == (False, "it never ended, and was stopped after 0.001 s")


def made_up() -> gallery.Shown:
    timeline = Timeline(["one", "two <&>"])
    timeline.add("one", 100, 1_000, "work")
    timeline.add("two <&>", 500, 2_000, "bad", "a <label>")
    outcome = Outcome(False, "it <fails>", {"lost": "1 & 2"}, timeline)
    return gallery.Shown("race", exhibits.load("race"), outcome, Outcome(True, "it holds", {}, timeline))


def test_pictures_are_well_formed() -> None:
    for picture in made_up().pictures().values():
        root = ET.fromstring(picture)
        names = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
        assert {"one", "two <&>", "works", "goes wrong", "1.9 µs"} <= set(names)


def test_outcomes_travel() -> None:
    shown = made_up()
    again = Outcome.of_data(json.loads(json.dumps(shown.broken.to_data())))
    assert again.seen == shown.broken.seen
    assert again.timeline.to_text() == shown.broken.timeline.to_text()


@pytest.mark.parametrize(
    ("broken", "cured", "code"), [(False, True, 0), (False, False, 1), (True, True, 3), (None, True, 3)]
)
def test_the_command_shows_writes_and_exits(
    broken: bool | None,
    cured: bool,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    shown = made_up()
    shown.broken.holds, shown.cured.holds = broken, cured
    monkeypatch.setattr(gallery, "show", lambda _: shown)
    line = ["show", "race", "--html", str(tmp_path / "page.html"), "--svg", str(tmp_path / "pictures")]
    assert cli.main(line) == code
    out = capsys.readouterr().out
    assert "it <fails>" in out
    assert "def deposit(account: Account) -> int:" in out
    assert "it &lt;fails&gt;" in (tmp_path / "page.html").read_text()
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["race-broken.svg", "race-cured.svg"]


def test_the_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in (*exhibits.NAMES, "threads"))
    assert cli.main(["show", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {*exhibits.NAMES, "threads"}


def test_an_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "chaos"]) == 2
    assert capsys.readouterr().err.startswith("multilane: there is no exhibit `chaos`\nhint: choose from race, mutex")


@pytest.mark.slow
def test_threads_are_judged_in_every_cell() -> None:
    cells = {(cell.kind, cell.place, cell.load): cell for cell in threads.measure()}
    assert len(cells) == 16
    for (_, place, load), cell in cells.items():
        if cell.cores is None:
            assert "not measured" in cell.verdict
        elif load == threads.WAITS:
            assert cell.cores < 0.5
            assert cell.verdict.startswith(("concurrent, not parallel", "inconclusive"))
        elif place == threads.ONE_CORE:
            assert cell.cores < 1.2
            assert "parallel" not in cell.verdict
