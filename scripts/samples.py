"""Write the measured outputs in the documentation anew, from this machine: `scripts/samples.py [NAME...]`.

A page says `<!-- sample NAME -->` before a block; what stands up to `<!-- end -->` is replaced by what `SAMPLES[NAME]`
gives. Run it on a machine with nothing else to do: the numbers are measured.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import multilane as ml
from multilane import _multilane
from multilane.quantum import Circuit

DOCS = Path(__file__).parent.parent / "docs"

MARKED = re.compile(r"(<!-- sample (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

#: Runs before the one that is shown: the first pay for things that later ones have.
WARM = 3


def replaced(page: str, samples: dict[str, Callable[[], str]], names: list[str]) -> str:
    r"""Return a page with its samples of these names made anew; all when there are none.

    >>> replaced("a\n<!-- sample one -->\nold\n<!-- end -->\nb", {"one": lambda: "new\n"}, [])
    'a\n<!-- sample one -->\nnew\n<!-- end -->\nb'
    """

    def anew(found: re.Match[str]) -> str:
        name = found["name"]
        return found[0] if names and name not in names else f"{found[1]}{samples[name]()}{found[3]}"

    return MARKED.sub(anew, page)


def block(text: str) -> str:
    """Write a text as a block of a page, with the machine it is of before it."""
    machine, versions = _multilane.machine(), _multilane.versions()
    where = f"On {machine['cpu_model']}, {machine['cpus_usable']:g} processors, Python {versions['python']}:"
    return f"{where}\n\n```text\n{text.rstrip()}\n```\n"


def ring(qubits: int) -> Circuit:
    """Return a ring of couplings and turns, each of which is written in two halves."""
    circuit = Circuit(qubits)
    for qubit in range(qubits):
        circuit.h(qubit)
    for qubit in range(qubits):
        other = (qubit + 1) % qubits
        for half in (0.2, 0.3):
            circuit.cx(qubit, other).rz(half, other).cx(qubit, other)
        circuit.rx(0.2, qubit).rx(0.3, qubit)
    return circuit


def explained() -> str:
    """Follow a circuit through its passes, and run it."""
    return block(ring(20).explain(analyze=True))


def planned() -> str:
    """Run a circuit's plan, group by group."""
    theta = ml.quantum.parameter("theta")
    circuit = Circuit(20)
    for qubit in range(20):
        circuit.h(qubit)
    for qubit in range(19):
        circuit.cx(qubit, qubit + 1).rz(2 * theta, qubit + 1).cx(qubit, qubit + 1)
    plan = circuit.to_plan("energy", expectation=[(1.0, {qubit: "X"}) for qubit in range(20)])
    for _ in range(WARM):
        plan.run(theta=0.1)
    text = plan.explain(analyze=True, theta=0.1)
    return block(text[text.index("predicted and measured") :])


def anatomy() -> str:
    """Take a call apart, with the command that does so."""
    command = [sys.executable, "-m", "multilane", "prove", "--quantum"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "COLUMNS": "110"})
    return block("\n".join(line.rstrip() for line in said.stdout.splitlines()))


SAMPLES: dict[str, Callable[[], str]] = {"explain": explained, "plan": planned, "anatomy": anatomy}


def main(names: list[str]) -> int:
    """Write the pages."""
    unknown = set(names) - set(SAMPLES)
    if unknown:
        print(f"there is no sample {min(unknown)}; there are {', '.join(SAMPLES)}", file=sys.stderr)
        return 1
    for page in sorted(DOCS.glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = replaced(before, SAMPLES, names)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(page.name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
