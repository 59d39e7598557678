"""`Circuit`: what is done to qubits, in order.

Names, documentation and defaults; every instruction is checked and kept by the native half.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self, SupportsComplex, SupportsFloat

from multilane import _multilane
from multilane._checks import positive_count
from multilane._multilane import Angle
from multilane.errors import CircuitError
from multilane.quantum._questions import Questions
from multilane.quantum._result import Result

__all__ = ["Angle", "Circuit", "parameter"]

Condition = tuple["int | Iterable[int]", int]


def parameter(name: str) -> Angle:
    """Name an angle whose value is given later, with `Circuit.bind`.

    Numbers and other angles can be added to it, subtracted, multiplied and divided.

    >>> theta = parameter("theta")
    >>> theta / 2 + 1
    <Angle ((theta / 2.0) + 1.0)>
    """
    return Angle.parameter(name)


class Circuit(Questions):
    """Gates, measurements, resets and barriers on numbered qubits.

    Methods add an instruction and return the circuit, so that calls chain. Qubit 0 is the least
    significant bit of a basis state's number. Every gate takes ``controls`` (acts where these
    qubits are 1), ``negative_controls`` (where these are 0) and ``condition`` (a classical bit or
    several, the least significant first, and the value they must have when it is its turn).

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

    def gate(
        self,
        name: str,
        *qubits: int,
        angles: Sequence[float | Angle] = (),
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add the gate of a name: those that have a method here, without their controls.

        >>> Circuit(2).gate("rx", 1, angles=[0.5], controls=[0])
        <Circuit of 2 qubits: 1 instruction>
        """
        self._data.gate(name, angles, qubits, list(controls), list(negative_controls), _bits(condition))
        return self

    def id(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `id`: does nothing, for as long as a gate takes."""
        self._data.gate("id", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def x(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add X: Pauli X: exchanges 0 and 1."""
        self._data.gate("x", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def y(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add Y: Pauli Y."""
        self._data.gate("y", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def z(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add Z: Pauli Z: changes the sign of 1."""
        self._data.gate("z", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def h(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add H: Hadamard."""
        self._data.gate("h", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def s(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add S: the square root of Z."""
        self._data.gate("s", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def sdg(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `sdg`: the inverse of `s`."""
        self._data.gate("sdg", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def t(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add T: the square root of `s`."""
        self._data.gate("t", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def tdg(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `tdg`: the inverse of `t`."""
        self._data.gate("tdg", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def sx(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `sx`: the square root of X."""
        self._data.gate("sx", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def sxdg(
        self,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `sxdg`: the inverse of `sx`."""
        self._data.gate("sxdg", (), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def p(
        self,
        angle: float | Angle,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `p`: multiplies 1 by ``exp(i angle)``, with the angle in radians."""
        self._data.gate("p", (angle,), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def rx(
        self,
        angle: float | Angle,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `rx`: ``exp(-i angle X / 2)``, with the angle in radians."""
        self._data.gate("rx", (angle,), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def ry(
        self,
        angle: float | Angle,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `ry`: ``exp(-i angle Y / 2)``, with the angle in radians."""
        self._data.gate("ry", (angle,), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def rz(
        self,
        angle: float | Angle,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add `rz`: ``exp(-i angle Z / 2)``, with the angle in radians."""
        self._data.gate("rz", (angle,), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def u(
        self,
        theta: float | Angle,
        phi: float | Angle,
        lam: float | Angle,
        qubit: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add any gate on one qubit, by three angles in radians: OpenQASM 2's ``u3``.

        Its matrix is ``[[cos, -exp(i lam) sin], [exp(i phi) sin, exp(i (phi + lam)) cos]]`` of
        ``theta / 2``.
        """
        self._data.gate("u", (theta, phi, lam), (qubit,), list(controls), list(negative_controls), _bits(condition))
        return self

    def swap(
        self,
        first: int,
        second: int,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Exchange two qubits."""
        self._data.gate("swap", (), (first, second), list(controls), list(negative_controls), _bits(condition))
        return self

    def gphase(
        self,
        angle: float | Angle,
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Multiply the state by ``exp(i angle)``; with controls, where they agree."""
        self._data.gate("gphase", (angle,), (), list(controls), list(negative_controls), _bits(condition))
        return self

    def cx(self, control: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `x` on ``target`` where ``control`` is 1."""
        return self.x(target, controls=(control,), condition=condition)

    def cy(self, control: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `y` on ``target`` where ``control`` is 1."""
        return self.y(target, controls=(control,), condition=condition)

    def cz(self, control: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `z` on ``target`` where ``control`` is 1."""
        return self.z(target, controls=(control,), condition=condition)

    def ch(self, control: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `h` on ``target`` where ``control`` is 1."""
        return self.h(target, controls=(control,), condition=condition)

    def cp(self, angle: float | Angle, control: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `p` on ``target`` where ``control`` is 1."""
        return self.p(angle, target, controls=(control,), condition=condition)

    def crx(self, angle: float | Angle, control: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `rx` on ``target`` where ``control`` is 1."""
        return self.rx(angle, target, controls=(control,), condition=condition)

    def cry(self, angle: float | Angle, control: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `ry` on ``target`` where ``control`` is 1."""
        return self.ry(angle, target, controls=(control,), condition=condition)

    def crz(self, angle: float | Angle, control: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `rz` on ``target`` where ``control`` is 1."""
        return self.rz(angle, target, controls=(control,), condition=condition)

    def ccx(self, first: int, second: int, target: int, *, condition: Condition | None = None) -> Self:
        """Add `x` on ``target`` where both controls are 1."""
        return self.x(target, controls=(first, second), condition=condition)

    def cswap(self, control: int, first: int, second: int, *, condition: Condition | None = None) -> Self:
        """Exchange two qubits where ``control`` is 1."""
        return self.swap(first, second, controls=(control,), condition=condition)

    def unitary(
        self,
        matrix: Sequence[Sequence[SupportsComplex | SupportsFloat]] | Any,
        qubits: Iterable[int],
        *,
        controls: Iterable[int] = (),
        negative_controls: Iterable[int] = (),
        condition: Condition | None = None,
    ) -> Self:
        """Add a gate given by its matrix.

        Parameters
        ----------
        matrix : array_like of complex, shape (2**k, 2**k)
            A unitary matrix on 1 to 5 qubits.
        qubits : iterable of int, length k
            The first is the least significant bit of the row's and the column's number.

        >>> Circuit(1).unitary([[0, 1], [1, 0]], [0])
        <Circuit of 1 qubit: 1 instruction>
        """
        elements = [complex(element) for row in matrix for element in row]
        self._data.unitary(elements, list(qubits), list(controls), list(negative_controls), _bits(condition))
        return self

    def measure(self, qubit: int, clbit: int, *, condition: Condition | None = None) -> Self:
        """Measure a qubit into a classical bit."""
        self._data.measure(qubit, clbit, _bits(condition))
        return self

    def measure_all(self) -> Self:
        """Measure every qubit into the classical bit of its number; adds the bits that are missing."""
        self._data.measure_all()
        return self

    def reset(self, qubit: int, *, condition: Condition | None = None) -> Self:
        """Make a qubit 0, whatever it was."""
        self._data.reset(qubit, _bits(condition))
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
        positive_count(workers, "workers")
        positive_count(shots, "shots")
        if seed is None:
            seed = secrets.randbits(64)
        elif not 0 <= seed < 1 << 64:
            raise CircuitError(f"`seed` is {seed}, and must be from 0 to 2**64 - 1")
        return Result(*self._data.run(precision, shots, seed, workers, optimize), self.qubits, workers)

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


def _bits(condition: Condition | None) -> tuple[list[int], int] | None:
    if condition is None:
        return None
    bits, value = condition
    return ([bits] if isinstance(bits, int) else list(bits)), value
