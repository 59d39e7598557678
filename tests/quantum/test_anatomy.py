"""Where the time of a circuit goes: what is measured is what the circuit does."""

from __future__ import annotations

import json

import numpy as np
import pytest

from multilane.cli import main
from multilane.errors import CircuitError
from multilane.quantum import anatomy
from multilane.quantum._anatomy import ghz, numpy_ghz


@pytest.mark.parametrize("precision", ["f64", "f32"])
@pytest.mark.parametrize("qubits", [2, 3, 9])
def test_numpy_computes_the_state_that_the_circuit_gives(qubits: int, precision: str) -> None:
    expected = ghz(qubits).run().state()
    np.testing.assert_allclose(numpy_ghz(qubits, precision), expected, atol=1e-6)


def test_the_parts_of_a_call_fit_into_it() -> None:
    found = anatomy(16, workers=2, rounds=3)
    assert found.python_s + found.kernel_s == pytest.approx(found.call_s)
    assert 0 < found.memory_s <= found.kernel_s
    assert 0 <= found.idle_s <= 2 * found.kernel_s
    assert found.gates == 16
    assert 1 <= found.passes <= 16
    # The state is written once at least.
    assert found.moved_bytes >= 16 << 16
    assert found.workers == 2


def test_a_held_lock_is_taken_from_other_threads() -> None:
    found = anatomy(20, workers=1, rounds=3)
    # It cannot count before a run has ended.
    assert found.stall_held_s > found.kernel_s / 2


@pytest.mark.parametrize("qubits", [1, 27])
def test_qubits_are_limited(qubits: int) -> None:
    with pytest.raises(CircuitError, match="from 2 to 26"):
        anatomy(qubits)


def test_the_command_prints_it_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--quantum", "10", "--repeats", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["qubits"] == 10
    assert found["ways"][0]["name"] == "NumPy"
    assert "interpreter lock" in found["sentence"]


def test_the_command_shows_it_to_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--quantum", "10", "--repeats", "2"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for words in ("where the time of one call goes", "cores used", "Rust alone", "another Python thread gets"):
        assert words in printed


def test_the_command_refuses_a_function_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "time:sleep", "--quantum"]) == 2
    assert "--quantum" in capsys.readouterr().err
