"""One adapter for each simulator: a list of gates in, calls that do the work out.

A circuit is built once, outside the clock; what a library translates in each call is inside. Each
runs with as many threads as the others and says two amplitudes or one expectation value, so that none
has to hand out its state. Libraries are imported in `prepare`.
"""

from __future__ import annotations

import cmath
import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from measuring.suite import AGAIN
from quantum.cases import Gate

#: Runs a circuit; gives something small.
Call = Callable[[], Any]


class Engine(ABC):
    """A simulator of state vectors."""

    title: ClassVar[str]
    precisions: ClassVar[tuple[str, ...]] = ("f64",)

    def __init__(self, workers: int, precision: str) -> None:
        self.workers = workers
        self.precision = precision

    @abstractmethod
    def prepare(self) -> None:
        """Import the library and give it its threads."""

    @abstractmethod
    def run(self, gates: Sequence[Gate], qubits: int) -> Call:
        """Return a call that simulates the circuit."""

    @abstractmethod
    def shots(self, gates: Sequence[Gate], qubits: int, count: int) -> Call:
        """Return a call that simulates the circuit and measures all qubits so often; gives how many it drew."""

    @abstractmethod
    def state(self, gates: Sequence[Gate], qubits: int) -> Any:
        """Return all amplitudes of a small circuit."""


class Multilane(Engine):
    title = "multilane"
    precisions = ("f64", "f32")

    def prepare(self) -> None:
        self.quantum = importlib.import_module("multilane.quantum")

    def circuit(self, gates: Sequence[Gate], qubits: int) -> Any:
        """Return the circuit."""
        circuit = self.quantum.Circuit(qubits)
        for name, on, value in gates:
            match name:
                case "cp":
                    circuit.cp(value, *on)
                case "u4":
                    circuit.unitary(value, list(on))
                case _:
                    getattr(circuit, name)(*on)
        return circuit

    def run(self, gates: Sequence[Gate], qubits: int) -> Call:
        circuit = self.circuit(gates, qubits)
        # Known inputs would shorten the QFT to one gate for each qubit; the others simulate all of them.
        chosen = {"precision": self.precision, "workers": self.workers, "optimize": False}

        def run() -> Any:
            state = circuit.run(**chosen).state()
            return complex(state[0]), complex(state[-1])

        return run

    def whole(self, gates: Sequence[Gate], qubits: int) -> Call:
        """Return the bare call: its result is there to be asked."""
        circuit = self.circuit(gates, qubits)
        return lambda: circuit.run()

    def shots(self, gates: Sequence[Gate], qubits: int, count: int) -> Call:
        circuit = self.circuit(gates, qubits).measure_all()
        chosen = {"precision": self.precision, "workers": self.workers, "shots": count, "seed": 1}
        return lambda: sum(circuit.run(**chosen).counts().values())

    def state(self, gates: Sequence[Gate], qubits: int) -> Any:
        return self.circuit(gates, qubits).run(precision=self.precision, workers=self.workers).state()


class PrismQ(Engine):
    title = "PrismQ"

    def prepare(self) -> None:
        os.environ["RAYON_NUM_THREADS"] = str(self.workers)
        self.library = importlib.import_module("prism_q")

    def _circuit(self, gates: Sequence[Gate], qubits: int, measured: bool) -> Any:
        builder = self.library.CircuitBuilder(qubits, qubits)
        for name, on, value in gates:
            match name:
                case "cp":
                    builder.cphase(value, *on)
                case "u4":
                    # Its matrices have the last qubit as the least significant one.
                    builder.gate(self.library.Gate.unitary(np.ascontiguousarray(value)), list(reversed(on)))
                case _:
                    getattr(builder, name)(*on)
        if measured:
            builder.measure_all()
        return builder.build()

    def _simulation(self, circuit: Any) -> Any:
        return self.library.simulate(circuit).seed(1).backend(self.library.BackendKind.statevector())

    def run(self, gates: Sequence[Gate], qubits: int) -> Call:
        circuit, last = self._circuit(gates, qubits, False), [[(qubits - 1, "Z")]]
        return lambda: self._simulation(circuit).expectation_values(last)

    def shots(self, gates: Sequence[Gate], qubits: int, count: int) -> Call:
        circuit = self._circuit(gates, qubits, True)
        return lambda: sum(self._simulation(circuit).sample_counts(count).counts().values())

    def state(self, gates: Sequence[Gate], qubits: int) -> Any:
        return self._simulation(self._circuit(gates, qubits, False)).state_vector()


class Qulacs(Engine):
    title = "Qulacs"

    def prepare(self) -> None:
        os.environ["OMP_NUM_THREADS"] = os.environ["QULACS_NUM_THREADS"] = str(self.workers)
        self.library = importlib.import_module("qulacs")
        self.gates = importlib.import_module("qulacs.gate")

    def _circuit(self, gates: Sequence[Gate], qubits: int) -> Any:
        circuit, known = self.library.QuantumCircuit(qubits), self.gates
        plain = {"h": known.H, "x": known.X, "cx": known.CNOT, "swap": known.SWAP}
        for name, on, value in gates:
            match name:
                case "cp":
                    circuit.add_gate(known.DiagonalMatrix(list(on), [1, 1, 1, cmath.exp(1j * value)]))
                case "u4":
                    circuit.add_gate(known.DenseMatrix(list(on), value))
                case _:
                    circuit.add_gate(plain[name](*on))
        return circuit

    def _ready(self, gates: Sequence[Gate], qubits: int) -> tuple[Any, Call]:
        circuit, state = self._circuit(gates, qubits), self.library.QuantumState(qubits)

        def run() -> Any:
            state.set_zero_state()
            circuit.update_quantum_state(state)
            return state.get_amplitude(0), state.get_amplitude(2**qubits - 1)

        return state, run

    def run(self, gates: Sequence[Gate], qubits: int) -> Call:
        return self._ready(gates, qubits)[1]

    def shots(self, gates: Sequence[Gate], qubits: int, count: int) -> Call:
        state, run = self._ready(gates, qubits)
        return lambda: (run(), len(state.sampling(count)))[1]

    def state(self, gates: Sequence[Gate], qubits: int) -> Any:
        state, run = self._ready(gates, qubits)
        run()
        return state.get_vector()


class Lightning(Engine):
    title = "lightning.qubit"
    device: ClassVar[str] = "lightning.qubit"
    precisions = ("f64", "f32")

    def prepare(self) -> None:
        os.environ["OMP_NUM_THREADS"] = str(self.workers)
        os.environ["OMP_PROC_BIND"] = "false"
        self.library = importlib.import_module("pennylane")

    def _ready(self, gates: Sequence[Gate], qubits: int) -> tuple[Any, list[Any]]:
        qml = self.library
        number = np.complex128 if self.precision == "f64" else np.complex64
        device = qml.device(self.device, wires=qubits, c_dtype=number)
        plain = {"h": qml.Hadamard, "x": qml.PauliX, "cx": qml.CNOT, "swap": qml.SWAP}
        made = []
        for name, on, value in gates:
            # Its wire 0 is the most significant one.
            wires = [qubits - 1 - qubit for qubit in on]
            match name:
                case "cp":
                    made.append(qml.ControlledPhaseShift(value, wires))
                case "u4":
                    made.append(qml.QubitUnitary(value, wires[::-1]))
                case _:
                    made.append(plain[name](wires))
        return device, made

    def _call(self, gates: Sequence[Gate], qubits: int, asked: Any, shots: int | None = None) -> Call:
        device, made = self._ready(gates, qubits)
        script = self.library.tape.QuantumScript
        return lambda: device.execute(script(made, [asked()], shots=shots))

    def run(self, gates: Sequence[Gate], qubits: int) -> Call:
        qml = self.library
        return self._call(gates, qubits, lambda: qml.expval(qml.PauliZ(0)))

    def shots(self, gates: Sequence[Gate], qubits: int, count: int) -> Call:
        call = self._call(gates, qubits, self.library.counts, count)
        return lambda: sum(call().values())

    def state(self, gates: Sequence[Gate], qubits: int) -> Any:
        return np.asarray(self._call(gates, qubits, self.library.state)())


class Kokkos(Lightning):
    title = "lightning.kokkos"
    device = "lightning.kokkos"


class Aer(Engine):
    title = "Aer"
    precisions = ("f64", "f32")

    def prepare(self) -> None:
        os.environ["OMP_NUM_THREADS"] = str(self.workers)
        simulator = importlib.import_module("qiskit_aer").AerSimulator
        self.circuits = importlib.import_module("qiskit").QuantumCircuit
        wide = {"f64": "double", "f32": "single"}[self.precision]
        self.simulator = simulator(method="statevector", precision=wide, max_parallel_threads=self.workers)

    def _circuit(self, gates: Sequence[Gate], qubits: int) -> Any:
        circuit = self.circuits(qubits)
        for name, on, value in gates:
            match name:
                case "cp":
                    circuit.cp(value, *on)
                case "u4":
                    circuit.unitary(value, list(on))
                case _:
                    getattr(circuit, name)(*on)
        return circuit

    def _run(self, circuit: Any, shots: int) -> Any:
        result = self.simulator.run(circuit, shots=shots).result()
        if not result.success:
            raise ValueError(result.status)
        return result

    def run(self, gates: Sequence[Gate], qubits: int) -> Call:
        circuit = self._circuit(gates, qubits)
        circuit.save_amplitudes([0, 2**qubits - 1])
        return lambda: list(map(complex, self._run(circuit, 1).data(0)["amplitudes"]))

    def shots(self, gates: Sequence[Gate], qubits: int, count: int) -> Call:
        circuit = self._circuit(gates, qubits)
        circuit.measure_all()
        return lambda: sum(self._run(circuit, count).get_counts().values())

    def state(self, gates: Sequence[Gate], qubits: int) -> Any:
        circuit = self._circuit(gates, qubits)
        circuit.save_statevector()
        return self._run(circuit, 1).data(0)["statevector"].data


class Qsim(Engine):
    title = "qsim"
    precisions = ("f32",)

    #: Qubits of a fused gate: the quickest of 2, 3 and 4 on the volume circuit of 24 qubits.
    fused: ClassVar[int] = 3

    def prepare(self) -> None:
        os.environ["OMP_NUM_THREADS"] = str(self.workers)
        self.cirq = importlib.import_module("cirq")
        library = importlib.import_module("qsimcirq")
        chosen = library.QSimOptions(max_fused_gate_size=self.fused, cpu_threads=self.workers)
        self.simulator = library.QSimSimulator(chosen)

    def _circuit(self, gates: Sequence[Gate], qubits: int) -> tuple[Any, Any]:
        cirq = self.cirq
        line = cirq.LineQubit.range(qubits)
        plain = {"h": cirq.H, "x": cirq.X, "cx": cirq.CNOT, "swap": cirq.SWAP}
        made = []
        for name, on, value in gates:
            # The first of its qubits is the most significant one.
            where = [line[qubits - 1 - qubit] for qubit in on]
            match name:
                case "cp":
                    made.append(cirq.CZPowGate(exponent=value / np.pi)(*where))
                case "u4":
                    made.append(cirq.MatrixGate(value, unitary_check=False)(*where[::-1]))
                case _:
                    made.append(plain[name](*where))
        return cirq.Circuit(made), line

    def run(self, gates: Sequence[Gate], qubits: int) -> Call:
        circuit, line = self._circuit(gates, qubits)
        ends = [0, 2**qubits - 1]
        return lambda: list(map(complex, self.simulator.compute_amplitudes(circuit, ends, qubit_order=line)))

    def shots(self, gates: Sequence[Gate], qubits: int, count: int) -> Call:
        circuit, line = self._circuit(gates, qubits)
        circuit.append(self.cirq.measure(*line, key="m"))
        return lambda: len(self.simulator.run(circuit, repetitions=count).measurements["m"])

    def state(self, gates: Sequence[Gate], qubits: int) -> Any:
        circuit, line = self._circuit(gates, qubits)
        return self.simulator.simulate(circuit, qubit_order=line).final_state_vector


ENGINES: dict[str, type[Engine]] = {
    "multilane": Multilane,
    "prismq": PrismQ,
    "qulacs": Qulacs,
    "lightning": Lightning,
    "kokkos": Kokkos,
    "aer": Aer,
    "qsim": Qsim,
}


def make(name: str, workers: int, precision: str) -> Engine:
    """Return a prepared engine."""
    engine = ENGINES[name.removesuffix(AGAIN)](workers, precision)
    engine.prepare()
    return engine
