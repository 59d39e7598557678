"""`Register`: qubits with a state, changed by each gate when it is asked for.

Names, documentation and defaults; the native half holds the state and refuses a second thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, SupportsComplex

from multilane import _multilane
from multilane._checks import positive_count
from multilane.errors import CircuitError
from multilane.quantum._circuit import Circuit
from multilane.quantum._gates import Gates
from multilane.quantum._result import Result
from multilane.quantum._seed import chosen_seed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Register"]


class Register(Gates):
    """Qubits that are all 0 at first, with gates and measurements on demand, one at a time.

    Gates are those of a `Circuit`, with the same names, and are applied at once. Qubit 0 is the least
    significant bit of a basis state's number. Large states are changed on all cores with the
    interpreter lock released.

    A register belongs to one thread at a time: a thread that uses it while another one is at work
    gets `RegisterBusy`, and nothing of either is lost.

    Parameters
    ----------
    qubits : int
    precision : {'f64', 'f32'}
        Of each amplitude's two parts.
    seed : int, optional
        From 0 to ``2**64 - 1``. The same seed and the same calls give the same measurements.
    workers : int, optional
        At most so many; as many as there are processors when None.

    Raises
    ------
    CircuitError
        By every method: a qubit that is not there, a qubit named twice, a matrix that is not unitary.
    MemoryError
        The state does not fit: ``16 * 2**qubits`` bytes in f64, ``8 * 2**qubits`` in f32.
    RegisterBusy
        By every method: another thread is using the register.

    >>> pair = Register(2, seed=1).h(0).cx(0, 1)
    >>> pair.probabilities().round(3).tolist()
    [0.5, 0.0, 0.0, 0.5]
    >>> pair.measure(0) == pair.measure(1)
    True
    """

    __slots__ = ("_data", "_workers")

    _data: _multilane.RegisterData

    def __init__(
        self,
        qubits: int,
        *,
        precision: Literal["f64", "f32"] = "f64",
        seed: int | None = None,
        workers: int | None = None,
    ) -> None:
        positive_count(workers, "workers")
        self._data = _multilane.RegisterData(qubits, precision, chosen_seed(seed), workers)
        self._workers = workers

    @classmethod
    def from_state(
        cls,
        state: Result | Sequence[SupportsComplex] | Any,
        *,
        precision: Literal["f64", "f32"] = "f64",
        seed: int | None = None,
        workers: int | None = None,
    ) -> Self:
        """Return a register in a given state.

        Parameters
        ----------
        state : Result, or array_like of complex, shape (2**qubits,)
            The result of a run, whose precision is kept and whose memory is shared until the register
            changes; or amplitudes, which are copied and need not have length 1.
        precision, seed, workers
            As for a new register.

        >>> Register.from_state([0, 1]).h(0).state().real.round(3).tolist()
        [0.707, -0.707]
        """
        positive_count(workers, "workers")
        register = cls.__new__(cls)
        register._workers = workers
        if isinstance(state, Result):
            register._data = _multilane.RegisterData.from_state(state._single(), chosen_seed(seed), workers)
        else:
            try:
                register._data = _multilane.RegisterData.from_amplitudes(state, precision, chosen_seed(seed), workers)
            except TypeError as error:
                raise CircuitError("a state is given by its amplitudes, a number for each basis state") from error
        return register

    @property
    def qubits(self) -> int:
        """How many qubits there are."""
        return self._data.qubits

    @property
    def precision(self) -> Literal["f64", "f32"]:
        """Of each amplitude's two parts."""
        return self._data.precision

    def measure(self, qubit: int) -> int:
        """Measure a qubit: return 0 or 1, which it is from now on.

        >>> Register(1).x(0).measure(0)
        1
        """
        return self._data.measure(qubit)

    def measure_all(self) -> list[int]:
        """Measure every qubit, qubit 0 first.

        >>> Register(3).x(1).measure_all()
        [0, 1, 0]
        """
        return [self._data.measure(qubit) for qubit in range(self.qubits)]

    def reset(self, qubit: int) -> Self:
        """Make a qubit 0, whatever it was; what it is entangled with is as if it had been measured."""
        self._data.reset(qubit)
        return self

    def apply(self, circuit: Circuit) -> list[int]:
        """Apply a circuit to the first qubits: all of its gates at once, merged and ordered as a run does.

        Parameters
        ----------
        circuit : Circuit
            On at most as many qubits. Measurements and resets are done on the way.

        Returns
        -------
        list of int
            The circuit's classical bits, which are 0 before.

        Raises
        ------
        CircuitError
            A parameter has no value; or an earlier circuit was interrupted, which leaves no state.

        >>> register = Register(3)
        >>> register.apply(Circuit(2, 1).x(1).measure(1, 0))
        [1]
        """
        return self._data.apply(circuit._data)

    def state(self) -> npt.NDArray[np.complexfloating]:
        """Return the amplitudes of all basis states as they are now, without a copy.

        Returns
        -------
        ndarray of complex128 or complex64, shape (2**qubits,)
            Read-only, and never changed: while the array is alive, the register's next change is made
            in memory of its own.

        Raises
        ------
        ImportError
            NumPy is not installed.

        >>> register = Register(1)
        >>> before = register.state()
        >>> register.x(0).state().real.tolist(), before.real.tolist()
        ([0.0, 1.0], [1.0, 0.0])
        """
        return self._now().state()

    def sample(self, shots: int, *, seed: int | None = None) -> dict[str, int]:
        """Return how often all qubits would be measured as what, qubit 0 written last; changes nothing.

        >>> Register(2).x(0).sample(100)
        {'01': 100}
        """
        drawn, width = Counter(self.draw(shots, seed=seed).tolist()), self.qubits
        return {format(basis, f"0{width}b"): count for basis, count in sorted(drawn.items())}

    def draw(self, shots: int, *, seed: int | None = None) -> npt.NDArray[np.int64]:
        """Return the number of the basis state that each of some measurements would find; changes nothing.

        >>> Register(2).x(1).draw(3).tolist()
        [2, 2, 2]
        """
        positive_count(shots, "shots")
        drawn: npt.NDArray[np.int64] = _multilane.quantum_sample(
            self._data.state(), shots, chosen_seed(seed), self._workers
        )
        return drawn

    def expectation(self, paulis: str | Mapping[str, float] | Iterable[tuple[float, Mapping[int, str]]]) -> float:
        """Return the expectation value of a sum of products of Pauli matrices, as `Result.expectation` does."""
        return self._now().expectation(paulis)

    def probabilities(self, qubits: Iterable[int] | None = None) -> npt.NDArray[np.float64]:
        """Return the probabilities of the values of some qubits, as `Result.probabilities` does."""
        return self._now().probabilities(qubits)

    def density(self, qubits: Iterable[int]) -> npt.NDArray[np.complex128]:
        """Return the density matrix of some qubits, as `Result.density` does."""
        return self._now().density(qubits)

    def copy(self) -> Self:
        """Return a register of its own in the same state; its measurements are drawn anew.

        Both share their memory until one of them changes.
        """
        register = type(self).__new__(type(self))
        register._data = self._data.copy()
        register._workers = self._workers
        return register

    def _now(self) -> Result:
        return Result(self._data.state(), None, None, self.qubits, self._workers)

    def __repr__(self) -> str:
        qubits = self.qubits
        return f"<Register of {qubits} qubit{'s' * (qubits != 1)} in {self.precision}>"
