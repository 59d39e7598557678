"""`Result`: what a run of a circuit gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Result"]


class Result:
    """The state that a circuit leaves."""

    __slots__ = ("_parts", "qubits")

    def __init__(self, parts: Any, qubits: int) -> None:
        self._parts = parts
        #: How many qubits there are.
        self.qubits = qubits

    def state(self) -> npt.NDArray[np.complexfloating]:
        """Return the amplitudes of all basis states, without a copy.

        Returns
        -------
        ndarray of complex128 or complex64, shape (2**qubits,)
            Qubit 0 is the least significant bit of a basis state's number.

        Raises
        ------
        ImportError
            NumPy is not installed.
        """
        import numpy as np

        parts = np.asarray(self._parts)
        return parts.view(np.complex64 if parts.dtype == np.float32 else np.complex128)

    def __repr__(self) -> str:
        return f"<Result: the state of {self.qubits} qubit{'s' * (self.qubits != 1)}>"
