"""`Ket`: states written as in a textbook, added, multiplied and printed; values that never change.

Names, documentation and text; amplitudes are held and computed by the native half.
"""

from __future__ import annotations

import cmath
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, SupportsComplex

from multilane import _multilane
from multilane._checks import whole_number
from multilane.errors import CircuitError
from multilane.quantum._result import amplitudes_of
from multilane.quantum._seed import chosen_seed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Ket", "ket"]

#: What a ket can be multiplied by.
Number = complex | SupportsComplex

_CHARACTERS = {"0": (), "1": ("x",), "+": ("h",), "-": ("x", "h")}

#: A longer state is printed without its last terms.
_MOST_TERMS = 32


def ket(text: str = "0") -> Ket:
    """Return the state that a text names, a character for each qubit: ``0``, ``1``, ``+`` or ``-``.

    The leftmost character is qubit 0.

    Raises
    ------
    CircuitError
        Another character, or none at all.

    >>> ket("00").H(0).CNOT(0, 1)
    0.707|00> + 0.707|11>
    >>> ket("01").X(0)
    1.000|11>
    >>> ket("-")
    0.707|0> - 0.707|1>
    """
    wrong = next((character for character in text if character not in _CHARACTERS), None)
    if wrong is not None or not text:
        found = "is empty" if wrong is None else f"has {wrong!r} in it"
        raise CircuitError(f"the text of a ket {found}; write a 0, 1, + or - for each qubit")
    data = _multilane.RegisterData(len(text), "f64", 0, None)
    for place, character in enumerate(reversed(text)):
        for name in _CHARACTERS[character]:
            data.gate(name, (), (place,))
    return Ket(data.state(), len(text))


class Ket:
    """A vector of amplitudes over the basis states of some qubits; made by `ket`.

    Qubit 0 is the leftmost character, and so the most significant bit of a basis state's number; in a
    `Circuit` and a `Register` it is the least significant one, and is printed last.

    Gates return a new ket. ``*`` between kets puts them side by side, ``+`` and ``-`` add them as
    vectors, and numbers multiply and divide them. No length is forced on the results: `norm` tells
    it, and what is measured or compared does not depend on it.

    >>> (ket("0") + ket("1")) / 2**0.5
    0.707|0> + 0.707|1>
    >>> ket("0") * ket("+")
    0.707|00> + 0.707|01>
    >>> (ket("100") + ket("010") + ket("001")).isclose(3**-0.5 * (ket("100") + ket("010") + ket("001")))
    True
    """

    __slots__ = ("_qubits", "_state")
    #: NumPy leaves the operators of its numbers to the ket.
    __array_ufunc__ = None

    def __init__(self, state: _multilane.StateData, qubits: int) -> None:
        self._state = state
        self._qubits = qubits

    @property
    def n(self) -> int:
        """How many qubits there are."""
        return self._qubits

    @property
    def amplitudes(self) -> npt.NDArray[np.complexfloating]:
        """The amplitudes of all basis states, read-only and without a copy.

        A basis state's number is its text, read as binary.

        >>> ket("10").amplitudes.real.tolist()
        [0.0, 0.0, 1.0, 0.0]
        """
        return amplitudes_of(self._state)

    @property
    def norm(self) -> float:
        """The length of the vector; 1 for a state.

        >>> round((ket("0") + ket("1")).norm, 3)
        1.414
        """
        return float(_multilane.quantum_weight(self._state, None) ** 0.5)

    def normalized(self) -> Ket:
        """Return it with length 1.

        Raises
        ------
        CircuitError
            It is zero.
        """
        length = self.norm
        if length == 0.0:
            raise CircuitError("a ket that is zero is no state; it cannot be normalized, measured or compared")
        return self / length

    def H(self, qubit: int) -> Ket:
        """Apply the Hadamard gate."""
        return self._applied("h", (), qubit)

    def X(self, qubit: int) -> Ket:
        """Apply Pauli X."""
        return self._applied("x", (), qubit)

    def Y(self, qubit: int) -> Ket:
        """Apply Pauli Y."""
        return self._applied("y", (), qubit)

    def Z(self, qubit: int) -> Ket:
        """Apply Pauli Z."""
        return self._applied("z", (), qubit)

    def S(self, qubit: int) -> Ket:
        """Apply S, the square root of Z."""
        return self._applied("s", (), qubit)

    def T(self, qubit: int) -> Ket:
        """Apply T, the square root of S."""
        return self._applied("t", (), qubit)

    def RX(self, angle: float, qubit: int) -> Ket:
        """Apply ``exp(-i angle X / 2)``."""
        return self._applied("rx", (angle,), qubit)

    def RY(self, angle: float, qubit: int) -> Ket:
        """Apply ``exp(-i angle Y / 2)``."""
        return self._applied("ry", (angle,), qubit)

    def RZ(self, angle: float, qubit: int) -> Ket:
        """Apply ``exp(-i angle Z / 2)``."""
        return self._applied("rz", (angle,), qubit)

    def PHASE(self, angle: float, qubit: int) -> Ket:
        """Multiply 1 by ``exp(i angle)``."""
        return self._applied("p", (angle,), qubit)

    def CNOT(self, control: int, target: int) -> Ket:
        """Apply X to ``target`` where ``control`` is 1."""
        return self._applied("x", (), target, controls=(control,))

    def CZ(self, control: int, target: int) -> Ket:
        """Change the sign where both qubits are 1."""
        return self._applied("z", (), target, controls=(control,))

    CPHASE = CZ

    def SWAP(self, first: int, second: int) -> Ket:
        """Exchange two qubits."""
        return self._applied("swap", (), first, second)

    def TOFFOLI(self, first: int, second: int, target: int) -> Ket:
        """Apply X to ``target`` where both controls are 1."""
        return self._applied("x", (), target, controls=(first, second))

    def gate(self, name: str, *qubits: int, angles: Sequence[float] = (), controls: Iterable[int] = ()) -> Ket:
        """Apply any gate of a `Circuit`, by its name there.

        >>> ket("11").gate("rz", 1, angles=[3.141592653589793], controls=[0])
        1.000j|11>
        """
        return self._applied(name, angles, *qubits, controls=controls)

    def M(self, qubit: int, ntimes: int = 1, *, seed: int | None = None) -> list[int]:
        """Measure a qubit so many times, each time on a fresh copy of the ket.

        Returns
        -------
        list of int
            0 or 1 for each time.

        Raises
        ------
        CircuitError
            There is no such qubit, or the ket is zero.

        >>> ket("01").M(1, 5)
        [1, 1, 1, 1, 1]
        >>> sum(ket("+").M(0, 1000, seed=1)) in range(400, 600)
        True
        """
        if not whole_number(ntimes, 0):
            raise CircuitError(f"`ntimes` is {ntimes!r}, and must be a whole number of at least 0")
        place = self._place(qubit)
        drawn = _multilane.quantum_sample(self.normalized()._state, ntimes, chosen_seed(seed), None)
        return [basis >> place & 1 for basis in drawn.tolist()]

    def isclose(self, other: Ket | Sequence[SupportsComplex] | Any, atol: float = 1e-8) -> bool:
        """Say whether both are the same state: the same amplitudes when both have length 1.

        Parameters
        ----------
        other : Ket, or array_like of complex
        atol : float
            How far two amplitudes may be apart.

        >>> ket("+").isclose(ket("0") + ket("1")), ket("--").isclose([0.5, -0.5, -0.5, 0.5])
        (True, True)
        >>> ket("+").isclose(ket("-")), ket("1").isclose(-ket("1"))
        (False, False)
        """
        if not isinstance(other, Ket):
            data = _multilane.RegisterData.from_amplitudes(other, "f64", 0, None)
            other = Ket(data.state(), data.qubits)
        if other._qubits != self._qubits:
            return False
        one, two = self.normalized(), other.normalized()
        return _multilane.quantum_distance(one._state, two._state) <= atol

    def terms(self, digits: int = 3) -> str:
        """Return it as text: the terms that are not 0, rounded.

        >>> (ket("0") + 1j * ket("1")).terms(1)
        '1.0|0> + 1.0j|1>'
        """
        least = 1e-8 * max(self.norm, 1e-300)
        found: list[str] = []
        for basis, amplitude in enumerate(self.amplitudes.tolist()):
            if abs(amplitude) <= least:
                continue
            if len(found) == _MOST_TERMS:
                return "".join(found) + " + ..."
            sign, factor = _factor(amplitude, digits)
            joint = ("-" if sign else "") if not found else (" - " if sign else " + ")
            found.append(f"{joint}{factor}|{basis:0{self._qubits}b}>")
        return "".join(found) or "0"

    def _place(self, qubit: int) -> int:
        """Return the number that a register has for a qubit."""
        if not whole_number(qubit, 0, self._qubits - 1):
            raise CircuitError(
                f"there is no qubit {qubit!r}: the ket has {self._qubits}, numbered from the left, from 0"
            )
        return self._qubits - 1 - qubit

    def _applied(self, name: str, angles: Sequence[float], *qubits: int, controls: Iterable[int] = ()) -> Ket:
        targets = [self._place(qubit) for qubit in qubits]
        data = _multilane.RegisterData.from_state(self._state, 0, None)
        data.gate(name, angles, targets, [self._place(qubit) for qubit in controls])
        return Ket(data.state(), self._qubits)

    def _sum(self, other: Ket, factor: complex) -> Ket:
        return Ket(_multilane.quantum_sum(1.0, self._state, factor, other._state), self._qubits)

    def _scaled(self, factor: complex) -> Ket:
        if not cmath.isfinite(factor):
            raise CircuitError(f"a ket cannot be multiplied by {factor}; give a finite number")
        return Ket(_multilane.quantum_scaled(factor, self._state), self._qubits)

    # Callers that no type checker has seen add anything; Python then says which types do not fit.
    def __add__(self, other: Ket) -> Ket:
        return self._sum(other, 1.0) if isinstance(other, Ket) else NotImplemented  # type: ignore[redundant-expr]

    def __sub__(self, other: Ket) -> Ket:
        return self._sum(other, -1.0) if isinstance(other, Ket) else NotImplemented  # type: ignore[redundant-expr]

    def __mul__(self, other: Ket | Number) -> Ket:
        if isinstance(other, Ket):
            return Ket(_multilane.quantum_tensor(self._state, other._state), self._qubits + other._qubits)
        return self._scaled(complex(other)) if _is_number(other) else NotImplemented

    def __rmul__(self, other: Number) -> Ket:
        return self._scaled(complex(other)) if _is_number(other) else NotImplemented

    def __truediv__(self, other: Number) -> Ket:
        return self._scaled(1 / complex(other)) if _is_number(other) else NotImplemented

    def __neg__(self) -> Ket:
        return self._scaled(-1.0)

    def __repr__(self) -> str:
        return self.terms()


def _is_number(value: object) -> bool:
    return not isinstance(value, (str, bytes)) and (hasattr(value, "__complex__") or hasattr(value, "__float__"))


def _factor(amplitude: complex, digits: int) -> tuple[bool, str]:
    """Return whether a factor is subtracted, and the rest of it.

    >>> _factor(-0.5 + 0j, 3), _factor(-0.5j, 3), _factor(0.5 - 0.25j, 2)
    ((True, '0.500'), (True, '0.500j'), (False, '(0.50-0.25j)'))
    """
    size = abs(amplitude)
    if abs(amplitude.imag) <= 1e-8 * size:
        return amplitude.real < 0, f"{abs(amplitude.real):.{digits}f}"
    if abs(amplitude.real) <= 1e-8 * size:
        return amplitude.imag < 0, f"{abs(amplitude.imag):.{digits}f}j"
    return False, f"({amplitude.real:.{digits}f}{amplitude.imag:+.{digits}f}j)"
