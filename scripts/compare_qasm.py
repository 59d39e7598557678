"""Read OpenQASM files with this package and with Qiskit, and compare what they mean: `compare_qasm.py FOLDER...`.

Needs Qiskit (`make test-partners` sets an environment up). Reads every `*.qasm` file below the folders; prints what
only one of both reads, where states differ, and a count of all. Fails when a state differs.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from multilane.errors import CircuitError
from multilane.quantum import Circuit

#: States of more qubits are not compared.
MOST_QUBITS = 14

#: Nor are circuits of more instructions.
MOST_INSTRUCTIONS = 20_000

#: Of circuits that leave several states.
SHOTS = 500


def read_by_qiskit(text: str, folder: Path) -> Any:
    """Return Qiskit's circuit, or the error."""
    from qiskit import qasm2, qasm3

    def version_2(gates: Any) -> Any:
        return qasm2.loads(text, include_path=(".", folder), custom_instructions=gates)

    # Its own gates beside those of `qelib1.inc` are what most files want, and what some define otherwise.
    readers: list[Callable[[], Any]] = [
        lambda: version_2(qasm2.LEGACY_CUSTOM_INSTRUCTIONS),
        lambda: version_2(()),
    ]
    if not re.search(r"OPENQASM\s+2", text):
        readers = [lambda: qasm3.loads(text), *readers]
    errors: list[Exception] = []
    for reader in readers:
        try:
            return reader()
        except Exception as error:
            errors.append(error)
    return errors[0]


def read_here(text: str) -> Circuit | CircuitError:
    """Return our circuit, or the error."""
    try:
        return Circuit.from_qasm(text)
    except CircuitError as error:
        return error


def state(circuit: Circuit) -> Any:
    """Return the state that a circuit leaves before its measurements, or None where there is not one."""
    if circuit.qubits > MOST_QUBITS or len(circuit) > MOST_INSTRUCTIONS:
        return None
    try:
        return circuit.run().state()
    except CircuitError:
        return None


def compare_shots(ours: Circuit, theirs: Any) -> tuple[str, str]:
    """Compare what two circuits measure that have no single state, the other one read from Qiskit's circuit."""
    if ours.qubits > MOST_QUBITS or len(ours) > MOST_INSTRUCTIONS:
        return "both read, too large", ""
    try:
        other = Circuit.from_qiskit(theirs)
    except CircuitError as error:
        return "both read, not comparable", str(error)
    one, two = (circuit.run(shots=SHOTS, seed=1).counts() for circuit in (ours, other))
    off = sum(abs(one.get(bits, 0) - two.get(bits, 0)) for bits in {*one, *two}) / 2 / SHOTS
    likely = 3 * (len({*one, *two}) / SHOTS) ** 0.5
    return ("equal counts", "") if off <= likely else ("different counts", f"{off:.2f} of {SHOTS} shots")


def compare(path: Path) -> tuple[str, str]:
    """Return in which class a file is, and what there is to say about it."""
    text = path.read_text(errors="replace")
    ours, theirs = read_here(text), read_by_qiskit(text, path.parent)
    match isinstance(ours, Circuit), not isinstance(theirs, Exception):
        case False, False:
            return "neither reads", f"{ours} | {theirs}".replace("\n", " ")[:300]
        case False, True:
            return "only Qiskit reads", str(ours)
        case True, False:
            return "only multilane reads", str(theirs).replace("\n", " ")[:300]
    assert isinstance(ours, Circuit)
    if (ours.qubits, ours.clbits) != (theirs.num_qubits, theirs.num_clbits):
        return "different sizes", f"{ours.qubits, ours.clbits} and {theirs.num_qubits, theirs.num_clbits}"
    one = state(ours)
    if one is None:
        return compare_shots(ours, theirs)
    from qiskit.quantum_info import Statevector

    theirs.remove_final_measurements(inplace=True)
    try:
        two = Statevector(theirs).data
    except Exception as error:
        return "both read, Qiskit has no state", str(error)[:100]
    off = float(np.abs(one - two).max()) if one.shape == two.shape else float("inf")
    return ("equal states", "") if off < 1e-9 else ("different states", f"off by {off:.1e}")


def main(folders: list[str]) -> int:
    """Compare all files of some folders."""
    warnings.simplefilter("ignore")
    found: Counter[str] = Counter()
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.qasm")):
        kind, remark = compare(path)
        found[kind] += 1
        if remark:
            print(f"{kind}: {path}: {remark}")
    for kind, count in found.most_common():
        print(f"{count:5} {kind}")
    return 1 if any(kind.startswith("different") for kind in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
