"""Read OpenQASM files with this package and with Qiskit, and compare what they mean: `compare_qasm.py FOLDER...`.

Needs Qiskit (`make test-partners` sets an environment up). Reads every `*.qasm` file below the folders; prints what
only one of both reads, where states differ, and a count of all. Fails when a state differs.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from multilane.errors import CircuitError
from multilane.quantum import Circuit

#: States of more qubits are not compared.
MOST_QUBITS = 14

#: Nor are circuits of more instructions.
MOST_INSTRUCTIONS = 20_000


def read_by_qiskit(text: str, folder: Path) -> Any:
    """Return Qiskit's circuit, or the error."""
    from qiskit import qasm2, qasm3

    try:
        if re.search(r"^\s*OPENQASM\s+3", text, re.MULTILINE):
            return qasm3.loads(text)
        return qasm2.loads(text, include_path=(".", folder), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    except Exception as error:
        return error


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
        return "both read, too large or with several states", ""
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
    return 1 if found["different states"] or found["different sizes"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
