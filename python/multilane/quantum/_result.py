"""`Result`: what a run of a circuit gives."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING

from multilane import _multilane
from multilane.errors import CircuitError
from multilane.quantum._paulis import Paulis, pauli_terms
from multilane.quantum._verdict import Verdict, verdict_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Result", "amplitudes_of"]


def amplitudes_of(state: _multilane.StateData) -> npt.NDArray[np.complexfloating]:
    """Return the amplitudes of a state, read-only and without a copy."""
    import numpy as np

    parts = np.asarray(state.amplitudes())
    return parts.view(np.complex64 if parts.dtype == np.float32 else np.complex128)


class Result:
    """The state that a circuit leaves before its last measurements, and what was measured.

    >>> from multilane.quantum import Circuit
    >>> result = Circuit(2).h(0).cx(0, 1).measure_all().run(shots=1000, seed=1)
    >>> sum(result.counts().values())
    1000
    >>> round(result.expectation("ZZ"), 6)
    1.0
    """

    __slots__ = ("_run", "_shots", "_state", "_workers", "qubits")

    def __init__(
        self,
        state: _multilane.StateData | None,
        shots: _multilane.ShotsData | None,
        run: _multilane.CircuitRun | None,
        qubits: int,
        workers: int | None,
    ) -> None:
        self._state = state
        self._shots = shots
        self._run = run
        self._workers = workers
        #: How many qubits there are.
        self.qubits = qubits

    def _single(self) -> _multilane.StateData:
        if self._state is None:
            raise CircuitError(
                "the circuit measures, resets or asks for a classical bit on its way and leaves many states; "
                "ask for `counts()`"
            )
        return self._state

    def state(self) -> npt.NDArray[np.complexfloating]:
        """Return the amplitudes of all basis states, without a copy.

        Returns
        -------
        ndarray of complex128 or complex64, shape (2**qubits,)
            Read-only. Qubit 0 is the least significant bit of a basis state's number.

        Raises
        ------
        CircuitError
            The circuit leaves many states.
        ImportError
            NumPy is not installed.
        """
        return amplitudes_of(self._single())

    def amplitudes(self, states: Iterable[str | int]) -> npt.NDArray[np.complex128]:
        """Return the amplitudes of chosen basis states; nothing else of the state is read.

        Parameters
        ----------
        states : iterable of str or int
            Each as text with a bit for each qubit, qubit 0 last, or as a number.

        Raises
        ------
        CircuitError
            There is no such basis state; the circuit leaves many states.

        >>> from multilane.quantum import Circuit
        >>> Circuit(2).h(0).cx(0, 1).run().amplitudes(["11", "10", 0]).round(3).tolist()
        [(0.707+0j), 0j, (0.707+0j)]
        """
        import numpy as np

        parts = np.asarray(self._single().chosen([self._number(state) for state in states]))
        return parts.view(np.complex128)

    def _number(self, state: str | int) -> int:
        if not isinstance(state, str):
            number = operator.index(state)
            if 0 <= number < 1 << self.qubits:
                return number
            raise CircuitError(
                f"there is no basis state {number}; number those of {self.qubits} qubits from 0 to 2**{self.qubits} - 1"
            )
        if len(state) != self.qubits or set(state) - {"0", "1"}:
            raise CircuitError(f"{state!r} is no basis state of {self.qubits} qubits; write a 0 or a 1 for each")
        return int(state or "0", 2)

    def counts(self) -> dict[str, int]:
        """Return how often each combination of classical bits was measured, bit 0 written last.

        Raises
        ------
        CircuitError
            The circuit ran without shots.
        """
        return self._measured().counts()

    def outcomes(self) -> list[str]:
        """Return the classical bits of every shot in order, bit 0 written last.

        Raises
        ------
        CircuitError
            The circuit ran without shots.

        >>> from multilane.quantum import Circuit
        >>> Circuit(2).x(0).measure_all().run(shots=3).outcomes()
        ['01', '01', '01']
        """
        return self._measured().outcomes()

    def _measured(self) -> _multilane.ShotsData:
        if self._shots is None:
            raise CircuitError("the circuit ran without shots; give `run` a number of `shots`")
        return self._shots

    def expectation(self, paulis: Paulis) -> float:
        """Return the expectation value of a sum of products of Pauli matrices.

        Parameters
        ----------
        paulis : str, mapping, or iterable of (float, mapping)
            One product as text with a letter for each qubit, qubit 0 last; such texts with their
            factors; or factors, each with the letters of the qubits that have one.

        Raises
        ------
        CircuitError
            A text of another length, an unknown letter or qubit; the circuit leaves many states.

        >>> from multilane.quantum import Circuit
        >>> result = Circuit(2).x(0).run()
        >>> result.expectation("IZ"), result.expectation({"ZI": 0.5, "IZ": 2}), result.expectation([(3, {0: "Z"})])
        (-1.0, -1.5, -3.0)
        """
        return self._single().expectation(pauli_terms(paulis, self.qubits), self._workers)

    def probabilities(self, qubits: Iterable[int] | None = None) -> npt.NDArray[np.float64]:
        """Return the probabilities of the values of some qubits, at most 24; all when None.

        Returns
        -------
        ndarray of float64, shape (2**k,)
            The first of the qubits is the least significant bit of the value.

        >>> from multilane.quantum import Circuit
        >>> Circuit(3).h(1).x(2).run().probabilities([2, 1]).round(3).tolist()
        [0.0, 0.5, 0.0, 0.5]
        """
        chosen = list(range(self.qubits) if qubits is None else qubits)
        found: npt.NDArray[np.float64] = self._single().probabilities(chosen, self._workers)
        return found

    def density(self, qubits: Iterable[int]) -> npt.NDArray[np.complex128]:
        """Return the density matrix of some qubits, at most 10, the others traced out.

        Returns
        -------
        ndarray of complex128, shape (2**k, 2**k)
            The first of the qubits is the least significant bit of rows and columns.

        >>> from multilane.quantum import Circuit
        >>> Circuit(2).h(0).cx(0, 1).run().density([0]).real.round(3).tolist()
        [[0.5, 0.0], [0.0, 0.5]]
        """
        import numpy as np

        chosen = list(qubits)
        parts = np.asarray(self._single().density(chosen, self._workers))
        return parts.view(np.complex128).reshape(1 << len(chosen), -1)

    def _ran(self) -> _multilane.CircuitRun:
        if self._run is None:
            raise CircuitError("this is the state of a live register, which no run made; `Circuit.run` has a trace")
        return self._run

    @property
    def trace(self) -> _multilane.Trace:
        """What ran when, as the engine recorded it: a task for each pass over memory.

        With ``run(record=True)`` there is a task for what each worker did in each pass, which is what shares of
        time and cores used need.

        >>> from multilane.quantum import Circuit
        >>> trace = Circuit(12).h(0).cx(0, 11).run(record=True).trace
        >>> trace.backend, len(trace) > 0, trace.tasks()[0]["function"][:7]
        ('circuit', True, 'pass 1:')
        """
        return self._ran().trace()

    @property
    def verdict(self) -> Verdict:
        """What the run took, pass by pass, beside what was predicted, and what bounds it.

        >>> from multilane.quantum import Circuit
        >>> verdict = Circuit(12).h(0).cx(0, 11).run().verdict
        >>> verdict.cause in {"memory", "arithmetic", "overhead"}
        True
        """
        return verdict_of(self._ran())

    def __repr__(self) -> str:
        measured = "" if self._shots is None else f", {len(self._shots)} shots"
        return f"<Result: {self.qubits} qubit{'s' * (self.qubits != 1)}{measured}>"
