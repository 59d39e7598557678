"""`multilane.scale`: what it runs, keeps, resumes and hands out."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from eventually import eventually
from multilane.scaling.command import Command
from multilane.scaling.sweep import Series, bandwidth_limit, probe, sweep
from multilane.scaling.ways import Operation, Sample, make
from sweeps import made_up

#: From this number of a repeat on, samples are probes.
PROBED = 1000

SHORT: dict[str, Any] = {"repeats": 3, "run_seconds": 0.02, "progress": False}


def add_up() -> int:
    return sum(range(2_000))


def sized(size: int) -> int:
    return sum(range(size))


def test_every_point_is_run_as_often_as_asked() -> None:
    scaling = ml.scale(sized, workers=[2, 1], sizes=[100, 5_000], strategies=["threads", "threads+own"], **SHORT)
    points = {(each["size"], each["strategy"], each["workers"]) for each in scaling.samples}
    assert points == {(size, way, n) for size in ("100", "5000") for way in ("threads", "threads+own") for n in (1, 2)}
    assert len([each for each in scaling.samples if each["repeat"] < PROBED]) == 3 * 8
    assert [curve.size for curve in scaling.curves] == ["100", "100", "5000", "5000"]
    assert all(curve.throughput[1].low > 0 for curve in scaling.curves)


@pytest.mark.parametrize(
    "strategy", ["threads", "threads+own+batch=3", "threads+lock", "processes", "processes+batch=4+window=2"]
)
def test_all_operations_are_run_once_and_the_time_adds_up(strategy: str) -> None:
    way = make(strategy)
    try:
        # As long as runs are: a worker that starts a millisecond late on a busy machine is a small part of it.
        sample = way.run(Operation(sized, (60_000,)), 2, 30)
    finally:
        way.close()
    assert sample["operations"] == 30
    names = (
        "cpu",
        "run_delay",
        "interpreter_wait",
        "lock_wait",
        "sleep",
        "fault_wait",
        "other_wait",
        "dispatch",
        "idle",
    )
    parts = sum(sample.get(f"{name}_ns", 0) for name in names)
    # What was measured by different clocks adds up to the workers' time, or nearly so.
    assert parts == pytest.approx(2 * sample["wall_ns"], rel=0.25)


def test_a_numbered_operation_gets_every_number_once() -> None:
    seen: list[int] = []
    make("threads").run(Operation(seen.append, numbered=True), 3, 20)
    assert sorted(seen) == list(range(20))


def test_lanes_of_their_own_get_neighbouring_operations() -> None:
    seen: dict[int, list[int]] = {}

    def note(number: int) -> None:
        seen.setdefault(threading.get_ident(), []).append(number)

    make("threads+own").run(Operation(note, numbered=True), 2, 10)
    assert sorted(seen.values()) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_what_the_function_raises_comes_out_and_nothing_hangs() -> None:
    def fail() -> None:
        raise KeyError("no such luck")

    for strategy in ("threads", "threads+lock", "processes"):
        with pytest.raises(KeyError, match="no such luck"):
            ml.scale(fail, workers=[1, 2], strategies=[strategy], **SHORT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": []}, "`workers` is empty"),
        ({"workers": [1, 0]}, "`workers` holds 0"),
        ({"workers": [1.5]}, "`workers` holds 1.5"),
        ({"sizes": []}, "`sizes` is empty"),
        ({"repeats": 0}, "`repeats` is 0"),
        ({"budget": -1.0}, "`budget` is -1.0"),
        ({"run_seconds": 0.0}, "`run_seconds` is 0.0"),
        ({"strategies": ["threads+magic"]}, "there is no strategy `threads\\+magic`"),
        ({"strategies": ["threads+window=2"]}, "there is no strategy"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ml.scale(add_up, **options)


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(TypeError, match="both `fn` and `command`"):
        ml.scale(add_up, command="true {workers}")
    with pytest.raises(TypeError, match="`strategies` are ways of calling a function"):
        ml.scale(command="true {workers}", strategies=["threads"])
    with pytest.raises(ValueError, match=r"the command has `\{size\}`; give `sizes`"):
        ml.scale(command="true {workers} {size}")
    with pytest.raises(ValueError, match=r"the command has no `\{size\}`"):
        ml.scale(command="true {workers}", sizes=[1])
    with pytest.raises(TypeError, match="`sizes` needs a function or a command"):
        ml.scale(sizes=[1])
    with pytest.raises(TypeError, match="cannot be called"):
        ml.scale(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("prog --threads 2", r"has no `\{workers\}`"),
        ("prog {workers} {nothing}", r"`\{nothing\}`, which is neither"),
        ("", "is empty"),
        ("prog 'unbalanced {workers}", "cannot be read"),
    ],
)
def test_a_command_that_makes_no_sweep_is_refused(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Command(template)


def test_a_sweep_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    kept = tmp_path / "sweep.mlscale"
    options = SHORT | {"workers": [1, 2], "strategies": ["threads"], "resume": kept}
    first = ml.scale(add_up, **options)
    lines = kept.read_text().splitlines()
    assert len(lines) == 1 + len(first.samples)
    # A crash in the middle of a line, after three samples.
    kept.write_text("\n".join(lines[:4]) + "\n" + lines[4][:20])
    second = ml.scale(add_up, **options)
    assert all(json.loads(line) in second.samples for line in lines[1:4])
    swept = [each for each in second.samples if each["repeat"] < PROBED]
    assert [(each["workers"], each["repeat"]) for each in swept] == [(n, r) for n in (1, 2) for r in range(3)]
    again = ml.scale(add_up, **options)
    assert [each for each in again.samples if each["repeat"] < PROBED] == swept
    assert all(each in ml.Scaling.load(kept).samples for each in swept)


def test_a_sweep_that_was_killed_goes_on(tmp_path: Path) -> None:
    kept = tmp_path / "sweep.mlscale"
    module = tmp_path / "work.py"
    module.write_text("def add_up():\n    return sum(range(20_000))\n")
    line = [sys.executable, "-m", "multilane", "scale", f"{module}:add_up", "--workers", "1,2", "--strategies"]
    line += ["threads", "--repeats", "40", "--run-seconds", "0.02", "--resume", str(kept), "--json"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    eventually(lambda: kept.exists() and len(kept.read_text().splitlines()) > 4, "samples are kept")
    process.kill()
    process.wait()
    had = [json.loads(text) for text in kept.read_text().splitlines()[1:-1]]
    assert 3 <= len(had) < 80
    again = subprocess.run(line, check=True, capture_output=True, text=True)
    assert json.loads(again.stdout)["series"][0]["points"][1]["samples"] == 40
    found = ml.Scaling.load(kept)
    assert all(sample in found.samples for sample in had)
    swept = [(each["workers"], each["repeat"]) for each in found.samples if each["repeat"] < PROBED]
    assert sorted(swept) == [(workers, repeat) for workers in (1, 2) for repeat in range(40)]


def test_another_sweep_is_not_mixed_in(tmp_path: Path) -> None:
    kept = tmp_path / "sweep.mlscale"
    ml.scale(add_up, workers=[1, 2], strategies=["threads"], resume=kept, **SHORT)
    with pytest.raises(ml.MultilaneError, match="holds another sweep: its name"):
        ml.scale(sized, workers=[1, 2], sizes=[9], strategies=["threads"], resume=kept, **SHORT)
    kept.write_text("something else\n")
    with pytest.raises(ml.MultilaneError, match="is no sweep"):
        ml.Scaling.load(kept)


class Counted:
    """A way that takes as long as it says, by its own clock."""

    def __init__(self, seconds_each: float) -> None:
        self.seconds_each = seconds_each
        self.runs: list[tuple[int, int]] = []

    def run(self, operation: Operation, workers: int, count: int, warm_up: bool = False) -> Sample:
        self.runs.append((workers, count))
        return {"workers": workers, "operations": count, "wall_ns": round(1e9 * count * self.seconds_each / workers)}

    def close(self) -> None:
        pass


def test_operations_are_counted_until_a_run_is_long_enough() -> None:
    way = Counted(1e-4)
    series = Series("made up", "", "threads", way, Operation(add_up), (1, 4))
    samples: list[Sample] = []
    sweep([series], samples=samples, budget=60, run_seconds=0.1, seed=1)
    walls = {each["workers"]: each["wall_ns"] / 1e9 for each in samples}
    assert walls == {1: pytest.approx(0.1, rel=0.05), 4: pytest.approx(0.1, rel=0.05)}
    # Nothing varies, so five repeats are precise.
    assert len(samples) == 10
    assert all(each["operations"] % each["workers"] == 0 for each in samples)


def test_a_spent_budget_still_gives_three_repeats() -> None:
    way = Counted(1e-4)
    series = Series("made up", "", "threads", way, Operation(add_up), (1, 2))
    samples: list[Sample] = []
    sweep([series], samples=samples, budget=0, run_seconds=0.1)
    assert sorted(each["workers"] for each in samples) == [1, 1, 1, 2, 2, 2]
    # Which are shorter than they would have been: there is no time for them.
    assert max(each["wall_ns"] for each in samples) < 0.02e9


def test_one_worker_is_probed_alone_and_beside_company() -> None:
    series = Series("made up", "", "threads", make("threads"), Operation(add_up), (1, 2))
    samples = list(probe(series, processors=2, run_seconds=0.01))
    assert {each["workers"] for each in samples} == {1}
    companies = [each["beside"] for each in samples]
    assert {company: companies.count(company) for company in companies} == {"nothing": 5, "compute": 5, "memory": 5}
    assert bandwidth_limit(1, 0.01) > 0


PROGRAM = """
import sys, threading
def work():
    total = 0
    for number in range(60_000): total += number
threads = [threading.Thread(target=work) for _ in range(int(sys.argv[1]))]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_a_program_is_swept(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    scaling = ml.scale(
        command=f"{sys.executable} {program} {{workers}}", weak=True, workers=[1, 2], repeats=3, progress=False
    )
    assert [curve.strategy for curve in scaling.curves] == ["command"]
    assert {(each["workers"], each["operations"]) for each in scaling.samples} == {(1, 1), (2, 2)}
    assert all(0 < each["cpu_ns"] <= each["workers"] * each["wall_ns"] for each in scaling.samples)


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ml.MultilaneError, match="ended with 3: no good"):
        ml.scale(
            command=f"{sys.executable} -c 'import sys; print(\"no good\", file=sys.stderr); sys.exit(3)' {{workers}}",
            **SHORT,
        )
    with pytest.raises(ml.MultilaneError, match="cannot be started"):
        ml.scale(command="/nowhere/at/all {workers}", **SHORT)


def test_a_result_says_what_it_found_in_every_form(tmp_path: Path) -> None:
    scaling = made_up({1: 1.0, 2: 0.95}, interpreter=0.5)
    verdict = scaling.verdict
    assert (verdict.cause, verdict.at_workers) == ("interpreter_lock", 2)
    assert verdict.evidence
    assert verdict.alternative == "lock"
    text = str(scaling)
    assert "take turns with the interpreter lock" in text
    assert verdict.advice in " ".join(text.split())
    assert "interpreter lock" in scaling._repr_html_()
    page = scaling.to_html(tmp_path / "deep" / "page.html").read_text()
    assert "&lt;made up&gt;" in page
    with scaling.to_csv(tmp_path / "raw.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert rows[0]["workload"] == "<made up>"
    scaling.save(tmp_path / "s.mlscale")
    assert ml.Scaling.load(tmp_path / "s.mlscale").data == scaling.data


def test_parquet_has_what_the_table_has(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    scaling = made_up({1: 1.0, 2: 2.0})
    rows = parquet.read_table(scaling.to_parquet(tmp_path / "deep" / "raw.parquet")).to_pylist()
    with scaling.to_csv(tmp_path / "raw.csv").open(newline="") as file:
        wanted = list(csv.DictReader(file))
    assert [{name: str(value) for name, value in row.items()} for row in rows] == wanted
    assert [row["wall_ns"] for row in rows] == [each["wall_ns"] for each in scaling.samples]
    # A size is a text, whatever it looks like.
    sized = ml.Scaling(scaling.data | {"samples": [each | {"size": "007"} for each in scaling.samples]})
    assert parquet.read_table(sized.to_parquet(tmp_path / "s.parquet"))["size"].to_pylist() == ["007"] * 10


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ml.MultilaneError, match=r"install `multilane\[parquet\]`, or write CSV"):
        made_up({1: 1.0}).to_parquet(tmp_path / "raw.parquet")


def test_models_come_with_parameters_and_several_curves_are_chosen_from() -> None:
    scaling = made_up({n: n / (1 + 0.2 * (n - 1)) for n in (1, 2, 4, 8, 16)})
    assert scaling.curve.model == "amdahl"
    assert scaling.curve.parameters["serial_share"].median == pytest.approx(0.2, abs=0.01)
    two = ml.Scaling(scaling.data | {"samples": scaling.samples + [each | {"size": "2"} for each in scaling.samples]})
    with pytest.raises(ValueError, match="2 curves; choose from `curves`"):
        _ = two.curve


def test_judgements_of_nothing_are_refused_or_empty() -> None:
    from multilane import _multilane

    with pytest.raises(ValueError, match="no samples of a sweep"):
        _multilane.scaling_judge("[1")
    assert json.loads(json.dumps(_multilane.scaling_judge("{}")))["headline"] == "nothing was measured"
