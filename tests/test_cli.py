"""The command line: what it prints, where, and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import multilane as ml
from multilane import _multilane, cli
from multilane.cli import doctor, target

SECOND = 1_000_000_000


def made_up(parallel_seconds: float, *, cores: float, refuted: bool = False, repeats: int = 7) -> ml.Proof:
    machine = dict(_multilane.machine()) | {"cpus_online": 2, "cpus_affinity": 2, "cpus_quota": 0.0}
    data = _multilane.ProofData("made up", "work", 2, 2, machine=machine, versions={"gil": "on"})
    for repeat in range(repeats):
        data.add_run("sequential", repeat, 2, 2, 2 * SECOND, 2 * SECOND)
        wall = round(parallel_seconds * SECOND)
        data.add_run("multilane processes", repeat, 2, 2, wall, round(wall * cores))
    if refuted:
        data.add_check("results equal", False, "call 0")
    return ml.Proof(data)


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "their_module.py").write_text(
        "COUNT = 3\n"
        "def double(number): return 2 * number\n"
        "def inputs(): return [1, 2, 3]\n"
        "def broken(number): raise KeyError(number)\n"
    )
    (tmp_path / "their_import.py").write_text("import surely_not_installed\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "their_module", raising=False)
    return "their_module"


class Asked:
    """Stands in for `multilane.prove`: keeps what it was asked and answers with a made-up proof."""

    def __init__(self, proof: ml.Proof) -> None:
        self.proof = proof
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __call__(self, *arguments: Any, **options: Any) -> ml.Proof:
        self.arguments, self.options = arguments, options
        return self.proof


def answer(monkeypatch: pytest.MonkeyPatch, proof: ml.Proof) -> Asked:
    asked = Asked(proof)
    monkeypatch.setattr(ml, "prove", asked, raising=False)
    return asked


@pytest.mark.parametrize(
    ("proof", "code"),
    [
        (made_up(1.05, cores=1.9), 0),
        (made_up(2.0, cores=1.0), 1),
        (made_up(1.05, cores=1.9, refuted=True), 1),
        (made_up(1.05, cores=1.9, repeats=1), 3),
    ],
    ids=["parallel", "serialised", "wrong results", "too few repeats"],
)
def test_the_exit_code_is_the_verdict(
    proof: ml.Proof, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, proof)
    assert cli.main(["prove"]) == code
    assert proof.headline in " ".join(capsys.readouterr().out.split())


def test_prove_hands_over_what_the_command_line_says(monkeypatch: pytest.MonkeyPatch, user_module: str) -> None:
    asked = answer(monkeypatch, made_up(1.05, cores=1.9))
    line = ["prove", f"{user_module}:double", "--inputs", "1", "'a b'", "text", "--workers", "3", "--repeats", "9"]
    assert cli.main(line) == 0
    function, inputs = asked.arguments
    assert function.__name__ == "double"
    assert inputs == [1, "a b", "text"]
    assert asked.options == {"workers": 3, "repeats": 9, "budget": None}


def test_inputs_come_from_a_function_or_an_iterable(monkeypatch: pytest.MonkeyPatch, user_module: str) -> None:
    asked = answer(monkeypatch, made_up(1.05, cores=1.9))
    assert cli.main(["prove", f"{user_module}:double", "--inputs-from", f"{user_module}:inputs"]) == 0
    assert asked.arguments[1] == [1, 2, 3]


def test_a_file_names_a_module(user_module: str) -> None:
    assert target.load_function(f"{user_module}.py:double")(4) == 8


def test_json_is_one_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answer(monkeypatch, made_up(1.05, cores=1.9))
    assert cli.main(["prove", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "parallel"
    assert document["repeats"] == 7


def test_writes_the_report_and_the_measurements_and_reads_them_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answer(monkeypatch, made_up(1.05, cores=1.9))
    page, saved = tmp_path / "r.html", tmp_path / "p.mlproof"
    assert cli.main(["prove", "--html", str(page), "--save", str(saved)]) == 0
    assert page.read_text().lstrip().lower().startswith("<!doctype html")
    first = capsys.readouterr().out
    again = tmp_path / "again.html"
    assert cli.main(["report", str(saved), "--html", str(again)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == first.splitlines()[0]
    assert again.read_text() == page.read_text()


@pytest.fixture
def trace_file(tmp_path: Path) -> str:
    recorder = _multilane.TraceRecorder("sums", "serial", 1)
    for size in (10, 1000):
        recorder.run(0, "sum", sum, (range(size),))
    file = tmp_path / "t.mltrace"
    recorder.finish().save(file)
    return str(file)


def test_trace_shows_and_exports(trace_file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    exported = tmp_path / "perfetto.json"
    assert cli.main(["trace", trace_file, "--perfetto", str(exported)]) == 0
    assert "2 tasks (0 failed) on 1 workers" in capsys.readouterr().out
    assert "sum" in {event.get("name") for event in json.loads(exported.read_text())["traceEvents"]}


def test_trace_as_json(trace_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["trace", trace_file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["analysis"]["tasks"] == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("prove their_module", "`their_module` names no function"),
        ("prove no_such_module:work", "there is no module `no_such_module`"),
        ("prove their_module:work", "`their_module` has no `work`"),
        ("prove their_module:COUNT", "`their_module:COUNT` is not a function"),
        ("prove their_import:work", "there is no module `surely_not_installed`"),
        ("prove no_file.py:work", "`no_file.py`: no such file"),
        ("prove their_module:double", "`double` needs `number`"),
        ("prove their_module:double --inputs 1 --workers 0", "`workers` is 0"),
        ("prove their_module:double --inputs 1 --inputs-from their_module:inputs", "both"),
        ("prove their_module:double --inputs-from their_module:COUNT", "holds no inputs"),
        ("prove their_module:broken --inputs 1", "`broken` raised KeyError: 1"),
        ("prove --inputs 1", "inputs without a function"),
        ("report nothing.mlproof", "`nothing.mlproof`: no such file or directory"),
        ("report their_module.py", "`their_module.py`: "),
        ("trace their_module.py", "`their_module.py`: "),
    ],
)
@pytest.mark.usefixtures("user_module")
def test_an_error_is_one_line_and_a_hint(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    first, *rest = err.splitlines()
    assert first.startswith("multilane: ")
    assert len(rest) <= 1
    assert all(each.startswith("hint: ") for each in rest)


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["dance"])
    assert caught.value.code == 2
    assert "invalid choice: 'dance'" in capsys.readouterr().err


def test_control_c_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ml, "prove", interrupted, raising=False)
    assert cli.main(["prove"]) == 130
    assert capsys.readouterr() == ("", "stopped\n")


def test_doctor_tries_every_backend(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["backend"]: each["works"] for each in found["backends"]} == dict.fromkeys(doctor.BACKENDS, True)
    assert found["auto"]["reason"]


def test_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "multilane", "--help"], capture_output=True, text=True, check=True)
    assert "exit codes:" in done.stdout
    assert done.stderr == ""
