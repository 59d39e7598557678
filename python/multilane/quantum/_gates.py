"""`Gates`: one method for each gate, for everything that gates are applied to.

Names and documentation; `Circuit` keeps what is asked for, `Register` does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self, SupportsComplex, SupportsFloat, TypedDict, Unpack

from multilane import _multilane
from multilane._multilane import Angle

__all__ = ["Condition", "Gates", "Where"]

#: A classical bit or several, the least significant first, and the value they must have; with a
#: third part that is true, the value they must not have.
Condition = tuple["int | Iterable[int]", int] | tuple["int | Iterable[int]", int, bool]


class Where(TypedDict, total=False):
    """Where and when a gate acts; every part may be left out."""

    #: Only where these qubits are 1,
    controls: Iterable[int]
    #: and only where these are 0.
    negative_controls: Iterable[int]
    #: Only when classical bits have a value; not on a live register, where `if` does that.
    condition: Condition | None


class Gates:
    """The gates of OpenQASM 3's ``stdgates.inc``, and any other by its matrix.

    Every method applies a gate and returns the object, so that calls chain. Angles are in radians.
    Each takes these keyword arguments, ``**where`` in the signatures:

    controls : iterable of int
        The gate acts only where these qubits are 1.
    negative_controls : iterable of int
        And only where these are 0.
    condition : (int or iterable of int, int) or (int or iterable of int, int, bool)
        Classical bits, the least significant first, and the value they must have when it is the
        gate's turn (with ``True`` as the third part, must not have). For a `Circuit` only.
    """

    __slots__ = ()

    _data: _multilane.CircuitData | _multilane.RegisterData

    def gate(self, name: str, *qubits: int, angles: Sequence[float | Angle] = (), **where: Unpack[Where]) -> Self:
        """Apply the gate of a name: those that have a method here, without their controls.

        >>> from multilane.quantum import Circuit
        >>> Circuit(2).gate("rx", 1, angles=[0.5], controls=[0])
        <Circuit of 2 qubits: 1 instruction>
        """
        self._data.gate(name, angles, qubits, **where)
        return self

    def id(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply `id`: does nothing, for as long as a gate takes."""
        self._data.gate("id", (), (qubit,), **where)
        return self

    def x(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply Pauli X: exchanges 0 and 1."""
        self._data.gate("x", (), (qubit,), **where)
        return self

    def y(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply Pauli Y."""
        self._data.gate("y", (), (qubit,), **where)
        return self

    def z(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply Pauli Z: changes the sign of 1."""
        self._data.gate("z", (), (qubit,), **where)
        return self

    def h(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply the Hadamard gate."""
        self._data.gate("h", (), (qubit,), **where)
        return self

    def s(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply S: the square root of Z."""
        self._data.gate("s", (), (qubit,), **where)
        return self

    def sdg(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply the inverse of `s`."""
        self._data.gate("sdg", (), (qubit,), **where)
        return self

    def t(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply T: the square root of `s`."""
        self._data.gate("t", (), (qubit,), **where)
        return self

    def tdg(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply the inverse of `t`."""
        self._data.gate("tdg", (), (qubit,), **where)
        return self

    def sx(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply the square root of X."""
        self._data.gate("sx", (), (qubit,), **where)
        return self

    def sxdg(self, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply the inverse of `sx`."""
        self._data.gate("sxdg", (), (qubit,), **where)
        return self

    def p(self, angle: float | Angle, qubit: int, **where: Unpack[Where]) -> Self:
        """Multiply 1 by ``exp(i angle)``."""
        self._data.gate("p", (angle,), (qubit,), **where)
        return self

    def rx(self, angle: float | Angle, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply ``exp(-i angle X / 2)``."""
        self._data.gate("rx", (angle,), (qubit,), **where)
        return self

    def ry(self, angle: float | Angle, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply ``exp(-i angle Y / 2)``."""
        self._data.gate("ry", (angle,), (qubit,), **where)
        return self

    def rz(self, angle: float | Angle, qubit: int, **where: Unpack[Where]) -> Self:
        """Apply ``exp(-i angle Z / 2)``."""
        self._data.gate("rz", (angle,), (qubit,), **where)
        return self

    def u(
        self, theta: float | Angle, phi: float | Angle, lam: float | Angle, qubit: int, **where: Unpack[Where]
    ) -> Self:
        """Apply any gate on one qubit, by three angles: OpenQASM 2's ``u3``.

        Its matrix is ``[[cos, -exp(i lam) sin], [exp(i phi) sin, exp(i (phi + lam)) cos]]`` of
        ``theta / 2``.
        """
        self._data.gate("u", (theta, phi, lam), (qubit,), **where)
        return self

    def swap(self, first: int, second: int, **where: Unpack[Where]) -> Self:
        """Exchange two qubits."""
        self._data.gate("swap", (), (first, second), **where)
        return self

    def gphase(self, angle: float | Angle, **where: Unpack[Where]) -> Self:
        """Multiply the state by ``exp(i angle)``; with controls, where they agree."""
        self._data.gate("gphase", (angle,), (), **where)
        return self

    def cx(self, control: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `x` to ``target`` where ``control`` is 1."""
        return self._controlled("x", (), (control,), (target,), where)

    def cy(self, control: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `y` to ``target`` where ``control`` is 1."""
        return self._controlled("y", (), (control,), (target,), where)

    def cz(self, control: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `z` to ``target`` where ``control`` is 1."""
        return self._controlled("z", (), (control,), (target,), where)

    def ch(self, control: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `h` to ``target`` where ``control`` is 1."""
        return self._controlled("h", (), (control,), (target,), where)

    def cp(self, angle: float | Angle, control: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `p` to ``target`` where ``control`` is 1."""
        return self._controlled("p", (angle,), (control,), (target,), where)

    def crx(self, angle: float | Angle, control: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `rx` to ``target`` where ``control`` is 1."""
        return self._controlled("rx", (angle,), (control,), (target,), where)

    def cry(self, angle: float | Angle, control: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `ry` to ``target`` where ``control`` is 1."""
        return self._controlled("ry", (angle,), (control,), (target,), where)

    def crz(self, angle: float | Angle, control: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `rz` to ``target`` where ``control`` is 1."""
        return self._controlled("rz", (angle,), (control,), (target,), where)

    def ccx(self, first: int, second: int, target: int, **where: Unpack[Where]) -> Self:
        """Apply `x` to ``target`` where both controls are 1."""
        return self._controlled("x", (), (first, second), (target,), where)

    def cswap(self, control: int, first: int, second: int, **where: Unpack[Where]) -> Self:
        """Exchange two qubits where ``control`` is 1."""
        return self._controlled("swap", (), (control,), (first, second), where)

    def unitary(
        self,
        matrix: Sequence[Sequence[SupportsComplex | SupportsFloat]] | Any,
        qubits: Iterable[int],
        **where: Unpack[Where],
    ) -> Self:
        """Apply a gate given by its matrix.

        Parameters
        ----------
        matrix : array_like of complex, shape (2**k, 2**k)
            A unitary matrix on 1 to 5 qubits.
        qubits : iterable of int, length k
            The first is the least significant bit of the row's and the column's number.
        **where
            As for every gate.

        >>> from multilane.quantum import Circuit
        >>> Circuit(1).unitary([[0, 1], [1, 0]], [0])
        <Circuit of 1 qubit: 1 instruction>
        """
        elements = [complex(element) for row in matrix for element in row]
        self._data.unitary(elements, qubits, **where)
        return self

    def _controlled(
        self,
        name: str,
        angles: Sequence[float | Angle],
        controls: tuple[int, ...],
        targets: tuple[int, ...],
        where: Where,
    ) -> Self:
        if not where:
            self._data.gate(name, angles, targets, controls)
        else:
            more = where.pop("controls", ())
            # Type checkers take a dictionary without `controls` for one that may have it.
            self._data.gate(name, angles, targets, controls=(*controls, *more), **where)  # type: ignore[misc]
        return self
