"""`Circuit`: what is done to qubits, in order.

Names, documentation and defaults; every instruction is checked and kept by the native half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from multilane import _multilane
from multilane._checks import positive_count
from multilane._multilane import Angle
from multilane.quantum._gates import Condition, Gates
from multilane.quantum._partners import with_package
from multilane.quantum._paulis import Paulis, pauli_terms
from multilane.quantum._questions import Questions
from multilane.quantum._result import Result
from multilane.quantum._seed import chosen_seed

if TYPE_CHECKING:
    from qiskit.circuit import QuantumCircuit

    from multilane._plan import Plan

__all__ = ["Angle", "Circuit", "parameter"]


def parameter(name: str) -> Angle:
    """Name an angle whose value is given later, with `Circuit.bind`.

    Numbers and other angles can be added to it, subtracted, multiplied and divided.

    >>> theta = parameter("theta")
    >>> theta / 2 + 1
    <Angle ((theta / 2.0) + 1.0)>
    """
    return Angle.parameter(name)


class Circuit(Gates, Questions):
    """Gates, measurements, resets and barriers on numbered qubits.

    Methods add an instruction and return the circuit, so that calls chain. Qubit 0 is the least
    significant bit of a basis state's number. The gates, and the ``controls``, ``negative_controls``
    and ``condition`` that each of them takes, are those of `Gates`.

    Parameters
    ----------
    qubits : int
    clbits : int
        Classical bits, which measurements write. `measure_all` adds those it needs.

    Raises
    ------
    CircuitError
        By every method: a qubit or bit that is not there, a qubit named twice, an angle that is no
        finite number, a matrix that is not unitary.

    >>> c = Circuit(3).h(0).cx(0, 1).rz(0.5, 2, controls=[0, 1]).measure_all()
    >>> c.qubits, c.clbits, len(c)
    (3, 3, 6)
    """

    __slots__ = ("_data",)

    _data: _multilane.CircuitData

    def __init__(self, qubits: int, clbits: int = 0) -> None:
        self._data = _multilane.CircuitData(qubits, clbits)

    @classmethod
    def _of(cls, data: _multilane.CircuitData) -> Self:
        circuit = cls.__new__(cls)
        circuit._data = data
        return circuit

    @property
    def qubits(self) -> int:
        """How many qubits there are."""
        return self._data.qubits

    @property
    def clbits(self) -> int:
        """How many classical bits there are."""
        return self._data.clbits

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters without a value, in the order of their first use."""
        return self._data.parameters

    def instructions(self) -> list[dict[str, Any]]:
        """Return every instruction as a dictionary.

        >>> Circuit(2).cx(0, 1).instructions()[0]["controls"]
        [0]
        """
        return self._data.instructions()

    def measure(self, qubit: int, clbit: int, *, condition: Condition | None = None) -> Self:
        """Measure a qubit into a classical bit."""
        self._data.measure(qubit, clbit, condition)
        return self

    def measure_all(self) -> Self:
        """Measure every qubit into the classical bit of its number; adds the bits that are missing."""
        self._data.measure_all()
        return self

    def reset(self, qubit: int, *, condition: Condition | None = None) -> Self:
        """Make a qubit 0, whatever it was."""
        self._data.reset(qubit, condition)
        return self

    def barrier(self, *qubits: int) -> Self:
        """Keep gates from moving past this point; for all qubits when none is named."""
        self._data.barrier(qubits or range(self.qubits))
        return self

    def bind(self, values: Mapping[str, float] | None = None, /, **named: float) -> Self:
        """Return the circuit with numbers for its parameters.

        Raises
        ------
        CircuitError
            A parameter has no value, or a value has no parameter.

        >>> Circuit(1).rx(parameter("a") * 2, 0).bind(a=0.25).instructions()[0]["angles"]
        [0.5]
        """
        return self._of(self._data.bind({**(values or {}), **named}))

    def run(
        self,
        *,
        shots: int | None = None,
        precision: Literal["f64", "f32"] = "f64",
        seed: int | None = None,
        workers: int | None = None,
        optimize: bool = True,
        record: bool = False,
    ) -> Result:
        """Simulate the circuit on qubits that are all 0.

        The interpreter lock is released while it runs. A circuit that measures only at its end runs
        once, and shots are drawn from its state; one that measures, resets or asks for a classical
        bit on its way runs once for each shot. Amplitudes and shots are the same at any number of
        workers.

        Parameters
        ----------
        shots : int, optional
            How often to measure.
        precision : {'f64', 'f32'}
            Of each amplitude's two parts.
        seed : int, optional
            From 0 to ``2**64 - 1``. The same seed gives the same shots.
        workers : int, optional
            At most so many; as many as there are processors when None.
        optimize : bool
            Run the default passes first; see `optimize`.
        record : bool
            Note what every worker does, about a microsecond for each piece of work, so that `Result.trace` has it.
            Each pass over memory is timed in any case.

        Raises
        ------
        CircuitError
            A parameter has no value, or the circuit has no single state and no shots were asked for.
        MemoryError
            The state does not fit: ``16 * 2**qubits`` bytes in f64, ``8 * 2**qubits`` in f32.

        >>> pair = Circuit(2).h(0).cx(0, 1)
        >>> pair.run().state().round(3).tolist()
        [(0.707+0j), 0j, 0j, (0.707+0j)]
        >>> sorted(pair.measure_all().run(shots=100).counts())
        ['00', '11']
        """
        if workers is not None:
            positive_count(workers, "workers")
        if shots is not None:
            positive_count(shots, "shots")
        # Without shots nothing is drawn, and a fresh seed costs as much as a small circuit's gates.
        number = 0 if shots is None and seed is None else chosen_seed(seed)
        ran = self._data.run(precision, shots, number, workers, optimize, record)
        return Result(*ran, self._data.qubits, workers)

    def to_plan(
        self,
        name: str = "circuit",
        *,
        precision: Literal["f64", "f32"] = "f64",
        expectation: Paulis | None = None,
        probabilities: Iterable[int] | None = None,
    ) -> Plan:
        """Return the circuit as a plan of the quantum dialect, to be optimised, predicted and run as any plan.

        Its inputs are the circuit's parameters, and ``seed`` where it measures or resets: a run of a plan is one
        shot. Its outputs are ``state``, the amplitudes that are left; ``c0``, ``c1`` and so on, the classical bits that
        were measured; and the answers to what is asked here, with which `Builder.inline` lets other operations go on.
        `Plan.optimize` runs the passes of `optimize` on it by their names, and `from_plan` reads it back.

        Parameters
        ----------
        name : str
            What the plan is called.
        precision : {'f64', 'f32'}
            Of each amplitude's two parts.
        expectation : str, mapping or iterable, optional
            A sum of products of Pauli matrices as for `expectation`, whose value becomes the output ``expectation``.
        probabilities : iterable of int, optional
            Qubits, the first as the least significant bit; the probabilities of their values become the output
            ``probabilities``.

        Raises
        ------
        CircuitError
            An angle is an arc function of a parameter, which plans do not have; there is no such qubit or Pauli matrix.

        >>> from multilane.quantum import Circuit
        >>> plan = Circuit(2).h(0).h(0).cx(0, 1).to_plan(expectation="ZZ")
        >>> print(plan.optimize(["dce", "fuse_gates"]))
        plan circuit() {
          %0: register<2> = quantum.fused() () {
            %1: register<2> = quantum.zero() {qubits = 2}
            %2: register<2> = quantum.gate(%1) {gate = "h", targets = [0]}
            %3: register<2> = quantum.gate(%2) {gate = "h", targets = [0]}
            %4: register<2> = quantum.gate(%3) {controls = [0], gate = "x", targets = [1]}
            yield %4
          }
          %5: f64 = quantum.expectation(%0) {coefficients = [1.0], paulis = ["Z0 Z1"]}
          return state = %0, expectation = %5
        }
        <BLANKLINE>
        >>> round(float(plan.run().expectation), 6)
        1.0
        """
        from multilane._plan import Plan

        terms = None if expectation is None else pauli_terms(expectation, self.qubits)
        qubits = None if probabilities is None else list(probabilities)
        return Plan(self._data.to_plan(name, precision, terms, qubits))

    @classmethod
    def from_plan(cls, plan: Plan) -> Self:
        """Read a plan of the quantum dialect.

        Raises
        ------
        CircuitError
            The plan says what no circuit can.

        >>> pair = Circuit(2).h(0).cx(0, 1)
        >>> Circuit.from_plan(pair.to_plan()) == pair
        True
        """
        return cls._of(_multilane.CircuitData.from_plan(plan._native))

    @classmethod
    def from_qasm(cls, text: str) -> Self:
        """Read a program in OpenQASM 2 or 3.

        Raises
        ------
        CircuitError
            With line and column: what is no OpenQASM, or no circuit.

        >>> Circuit.from_qasm('OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];')
        <Circuit of 2 qubits: 2 instructions>
        """
        return cls._of(_multilane.quantum_read_qasm(text))

    def to_qasm(self, version: Literal[2, 3] = 3) -> str:
        """Write the circuit in OpenQASM.

        Raises
        ------
        CircuitError
            The language cannot say an instruction.

        >>> print(Circuit(2).h(0).cx(0, 1).to_qasm())
        OPENQASM 3.0;
        include "stdgates.inc";
        qubit[2] q;
        h q[0];
        cx q[0], q[1];
        <BLANKLINE>
        """
        return self._data.to_qasm(version)

    @classmethod
    def from_qiskit(cls, circuit: QuantumCircuit, *, while_turns: int | None = None) -> Self:
        """Read a circuit of Qiskit's; bits keep their numbers.

        Gates of the library keep their names and controls; others are read by their matrix or their
        definition. `if_test`, `switch` and `for_loop` are unrolled. A condition may compare bits, registers and
        numbers in any way, as long as it is about at most 12 bits or asks for one value.

        Parameters
        ----------
        circuit : qiskit.circuit.QuantumCircuit
            With or without open parameters.
        while_turns : int, optional
            How often the body of a `while_loop` is repeated at most: a shot that would go on longer goes on behind
            the loop. Without it, a `while_loop` is refused.

        Raises
        ------
        CircuitError
            The circuit has something that cannot be said here.
        ImportError
            Qiskit is not installed; ``multilane[qiskit]`` brings it.
        """
        if while_turns is not None:
            positive_count(while_turns, "while_turns")
        read: Circuit = with_package("qiskit", "_from_qiskit").from_qiskit(circuit, while_turns)
        return cls._of(read._data)

    def to_qiskit(self) -> QuantumCircuit:
        """Return the circuit as Qiskit's, with a register ``q`` and, for classical bits, ``c``.

        Raises
        ------
        ImportError
            Qiskit is not installed; ``multilane[qiskit]`` brings it.
        """
        return with_package("qiskit", "_to_qiskit").to_qiskit(self)

    def copy(self) -> Self:
        """Return a circuit of its own with the same instructions."""
        return self._of(self._data.copy())

    def __len__(self) -> int:
        """How many instructions there are."""
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same instructions on as many qubits and bits."""
        return self._data.equals(other._data) if isinstance(other, Circuit) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        qubits, count = self.qubits, len(self)
        return f"<Circuit of {qubits} qubit{'s' * (qubits != 1)}: {count} instruction{'s' * (count != 1)}>"
