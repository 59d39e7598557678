"""What can be asked of a circuit before it runs, and instead of running all of it.

Names, documentation and defaults; `Circuit` has these methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self

from multilane import _multilane
from multilane._checks import positive_count
from multilane.quantum._paulis import Paulis, pauli_terms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["PASSES", "Questions"]

#: Names of the passes that `Circuit.optimize` knows.
PASSES: tuple[str, ...] = tuple(_multilane.quantum_passes()[0])


class Questions:
    """The methods of `Circuit` that optimise it, explain it, or answer one question about it."""

    __slots__ = ()

    if TYPE_CHECKING:
        _data: _multilane.CircuitData

        @classmethod
        def _of(cls, data: _multilane.CircuitData) -> Self: ...

    def optimize(self, passes: Sequence[str] | None = None) -> Self:
        """Return a circuit that does the same with less.

        Every pass but ``light_cone`` keeps the state that the circuit makes of qubits that are all 0,
        its global phase included, and the odds of every outcome, but for rounding.

        ``fold_initial_state``
            follows qubits that are known to be 0 or 1: controls on them go, or their gates do.
        ``cancel_inverses``
            removes gates that undo each other when what is between them commutes.
        ``merge_rotations``
            adds up angles around one axis, also those with parameters.
        ``group_diagonals``
            moves diagonal gates next to each other.
        ``light_cone``
            removes what has no influence on what is measured; the state becomes another.

        Parameters
        ----------
        passes : sequence of str, optional
            In the order to run them; those that `run` uses when None.

        Raises
        ------
        CircuitError
            There is no pass of a name.

        >>> from multilane.quantum import Circuit, parameter
        >>> c = Circuit(2).h(0).cx(0, 1).rz(0.25, 1).cx(0, 1).cx(0, 1).rz(parameter("a"), 1)
        >>> c.optimize()
        <Circuit of 2 qubits: 3 instructions>
        >>> print(c.optimize().instructions()[2]["angles"][0])
        (a + 0.25)
        """
        return self._of(_multilane.quantum_optimize(self._data, None if passes is None else list(passes))[0])

    def explain(
        self,
        *,
        precision: Literal["f64", "f32"] = "f64",
        workers: int | None = None,
        optimize: bool = True,
        analyze: bool = False,
    ) -> str:
        """Describe what becomes of the circuit: gates, passes over memory, bytes, and the predicted time.

        The prediction comes from the cost model of this machine, which is measured once and kept.

        Parameters
        ----------
        precision, workers, optimize
            As in `run`.
        analyze : bool
            Run the circuit a few times as well, and say what the quickest run took.

        Raises
        ------
        CircuitError
            A parameter has no value.
        MemoryError
            The state does not fit.

        >>> from multilane.quantum import Circuit
        >>> print(Circuit(3).h(0).h(0).h(1).cx(1, 2).explain())  # doctest: +ELLIPSIS
        3 qubits in f64: a state of 128 B
        <BLANKLINE>
        before: 4 gates (1 cx, 3 h)
          fold_initial_state      0 changed, 4 gates left
          cancel_inverses         2 changed, 2 gates left
        ...
        """
        positive_count(workers, "workers")
        return _multilane.quantum_explain(self._data, precision, optimize, workers, analyze)

    def expectation(
        self, paulis: Paulis, *, precision: Literal["f64", "f32"] = "f64", workers: int | None = None
    ) -> float:
        """Return the expectation value of a sum of products of Pauli matrices.

        Only gates that have influence on it run, and only qubits that these act on need memory. To ask
        one state several things, `run` the circuit and ask the result.

        Parameters
        ----------
        paulis
            As in `Result.expectation`.
        precision, workers
            As in `run`.

        Raises
        ------
        CircuitError
            As in `run` and in `Result.expectation`.
        MemoryError
            The state of the qubits that matter does not fit.

        >>> from multilane.quantum import Circuit
        >>> layer = Circuit(60)
        >>> for qubit in range(0, 60, 2):
        ...     layer = layer.ry(0.5, qubit).cx(qubit, qubit + 1)
        >>> round(layer.expectation([(1, {0: "Z", 1: "Z"})]), 6)
        1.0
        """
        positive_count(workers, "workers")
        terms = pauli_terms(paulis, self._data.qubits)
        return _multilane.quantum_expectation(self._data, terms, precision, workers)

    def probabilities(
        self, qubits: Iterable[int], *, precision: Literal["f64", "f32"] = "f64", workers: int | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the probabilities of the values of some qubits; runs only what has influence on them.

        Returns
        -------
        ndarray of float64, shape (2**k,)
            The first of the qubits is the least significant bit of the value.

        >>> from multilane.quantum import Circuit
        >>> Circuit(60).h(40).cx(40, 7).x(3).probabilities([7, 3]).round(3).tolist()
        [0.0, 0.0, 0.5, 0.5]
        """
        positive_count(workers, "workers")
        found: npt.NDArray[np.float64] = _multilane.quantum_probabilities(self._data, list(qubits), precision, workers)
        return found

    def value_and_gradient(
        self,
        paulis: Paulis,
        values: Mapping[str, float],
        *,
        precision: Literal["f64", "f32"] = "f64",
        workers: int | None = None,
    ) -> tuple[float, dict[str, float]]:
        """Return an expectation value and its slope along every parameter, by the adjoint method.

        All slopes together cost a few runs of the circuit, however many there are; two states are held
        at a time. A parameter may be in any number of angles, and an angle any expression of parameters.

        Parameters
        ----------
        paulis
            As in `Result.expectation`.
        values : mapping of str to float
            A number for each parameter of the circuit.
        precision, workers
            As in `run`.

        Raises
        ------
        CircuitError
            As in `bind`, in `run` and in `Result.expectation`.
        MemoryError
            Two states of the qubits that matter do not fit.

        >>> from multilane.quantum import Circuit, parameter
        >>> theta = parameter("theta")
        >>> value, slopes = Circuit(2).ry(2 * theta, 0).cx(0, 1).value_and_gradient("ZZ", {"theta": 0.3})
        >>> value, slopes
        (1.0, {'theta': 0.0})
        """
        positive_count(workers, "workers")
        given = {name: float(value) for name, value in values.items()}
        terms = pauli_terms(paulis, self._data.qubits)
        value, slopes = _multilane.quantum_gradient(self._data, terms, given, precision, workers)
        return value, dict(zip(self._data.parameters, slopes, strict=True))

    def gradient(
        self,
        paulis: Paulis,
        values: Mapping[str, float],
        *,
        precision: Literal["f64", "f32"] = "f64",
        workers: int | None = None,
    ) -> dict[str, float]:
        """Return the slope of an expectation value along every parameter; see `value_and_gradient`.

        >>> from multilane.quantum import Circuit, parameter
        >>> theta = parameter("theta")
        >>> round(Circuit(1).ry(2 * theta, 0).gradient("Z", {"theta": 0.3})["theta"], 6)
        -1.129285
        """
        return self.value_and_gradient(paulis, values, precision=precision, workers=workers)[1]
