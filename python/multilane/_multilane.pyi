# What the extension module holds; `make types` compares every name and signature with the built module.
#
# Private to the package, but for `Trace`, `evaluate`, `report_progress` and `__version__`, which `multilane` hands on.

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType
from typing import Any, Literal, NoReturn, final

from typing_extensions import disjoint_base

from multilane._locks import AtomicInt as AtomicInt
from multilane._locks import Barrier as Barrier
from multilane._locks import BoundedSemaphore as BoundedSemaphore
from multilane._locks import Channel as Channel
from multilane._locks import CheckedNet as CheckedNet
from multilane._locks import Condition as Condition
from multilane._locks import Event as Event
from multilane._locks import Latch as Latch
from multilane._locks import Lock as Lock
from multilane._locks import Once as Once
from multilane._locks import RLock as RLock
from multilane._locks import RWLock as RWLock
from multilane._locks import RWLockSide as RWLockSide
from multilane._locks import Semaphore as Semaphore
from multilane._locks import petri_check as petri_check
from multilane._locks import petri_dot as petri_dot
from multilane._native_quantum import Angle as Angle
from multilane._native_quantum import CircuitData as CircuitData
from multilane._native_quantum import CircuitRun as CircuitRun
from multilane._native_quantum import RegisterData as RegisterData
from multilane._native_quantum import ShotsData as ShotsData
from multilane._native_quantum import StateData as StateData
from multilane._native_quantum import quantum_anatomy as quantum_anatomy
from multilane._native_quantum import quantum_distance as quantum_distance
from multilane._native_quantum import quantum_expectation as quantum_expectation
from multilane._native_quantum import quantum_explain as quantum_explain
from multilane._native_quantum import quantum_gradient as quantum_gradient
from multilane._native_quantum import quantum_in_place_bandwidth as quantum_in_place_bandwidth
from multilane._native_quantum import quantum_most_qubits as quantum_most_qubits
from multilane._native_quantum import quantum_native_runs as quantum_native_runs
from multilane._native_quantum import quantum_optimize as quantum_optimize
from multilane._native_quantum import quantum_passes as quantum_passes
from multilane._native_quantum import quantum_probabilities as quantum_probabilities
from multilane._native_quantum import quantum_read_qasm as quantum_read_qasm
from multilane._native_quantum import quantum_sample as quantum_sample
from multilane._native_quantum import quantum_scaled as quantum_scaled
from multilane._native_quantum import quantum_sum as quantum_sum
from multilane._native_quantum import quantum_tensor as quantum_tensor
from multilane._native_quantum import quantum_weight as quantum_weight
from multilane._native_scaling import Beside as Beside
from multilane._native_scaling import LaneRun as LaneRun
from multilane._native_scaling import Watch as Watch
from multilane._native_scaling import load_compute as load_compute
from multilane._native_scaling import load_compute_held as load_compute_held
from multilane._native_scaling import load_element as load_element
from multilane._native_scaling import load_lines as load_lines
from multilane._native_scaling import load_lock as load_lock
from multilane._native_scaling import load_pages as load_pages
from multilane._native_scaling import load_triad as load_triad
from multilane._native_scaling import scaling_changes as scaling_changes
from multilane._native_scaling import scaling_judge as scaling_judge
from multilane._native_scaling import scaling_page as scaling_page
from multilane._native_scaling import scaling_table as scaling_table
from multilane._native_scaling import system_use as system_use
from multilane._native_scaling import threads_doing as threads_doing

__version__: str

@disjoint_base
class Handle:
    """What `multilane.Handle` is made of: a reference to a task, whose result stays encoded until it is asked for."""

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the task and return its result, or raise its error.

        Raises
        ------
        TimeoutError
            It has not ended after ``timeout`` seconds.
        concurrent.futures.CancelledError
            It was cancelled.
        DeadlockError
            It is for threads of this process to run that wait, in the end, for this one.
        """

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the task and return the error it ended with, or None."""

    def done(self) -> bool:
        """Say whether the task has ended, in whatever way."""

    def running(self) -> bool:
        """Say whether a worker runs it now."""

    def cancelled(self) -> bool:
        """Say whether it was cancelled."""

    def add_done_callback(self, function: Callable[[Any], object]) -> None:
        """Call ``function(handle)`` once the task has ended, at once when it has."""

    @property
    def elapsed(self) -> float:
        """Seconds from submission to the end, or to now."""

    @property
    def task_id(self) -> int:
        """Unique number of the task in this process."""

    @property
    def _name(self) -> str: ...
    @property
    def _state(self) -> str: ...
    def _cancel(self, running: bool) -> Literal["removed", "stopped", "no"]: ...
    def _help(self) -> None: ...
    def _is_mine(self) -> bool: ...
    def _on_progress(self, function: Callable[[int, int | None], object]) -> None: ...
    def _progress(self) -> tuple[int, int | None] | None: ...
    def _stats(self) -> tuple[int, int, float, float, float, int, int] | None: ...
    def __reduce__(self) -> NoReturn: ...

@final
class ProcessPool:
    """Worker processes fed through shared memory."""

    def __new__(
        cls,
        workers: int,
        program: str,
        arguments: list[str],
        environment: list[tuple[str, str]],
        setup: bytes,
        memory_limit: int | None,
        recycle_after: int | None,
    ) -> ProcessPool: ...
    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
        """Run ``function(*arguments, **keywords)`` on a worker; its handle."""

    def submit_with(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
        options: dict[str, Any],
    ) -> Any:
        """Do the same with `timeout`, `retries`, `backoff`, `priority` and `name`."""

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""

    def wait_ready(self, seconds: float) -> bool:
        """Wait until every worker is up, endlessly when ``seconds`` is negative; False when they are not."""

    def look_again(self) -> None:
        """Add the workers to open recordings."""

    def active(self) -> int:
        """Count the unfinished tasks."""

    def broken(self) -> str | None:
        """Say why nothing can run any more."""

    def wait_for_room(self, limit: int, seconds: float) -> bool:
        """Wait until fewer than ``limit`` tasks are unfinished; False after ``seconds``."""

    def close(self, cancel_pending: bool) -> None:
        """Take no more tasks; workers end after the last."""

    def kill(self, reason: str) -> None:
        """End every worker now where that is possible; unfinished tasks fail with ``reason``."""

    def wait_closed(self, seconds: float) -> bool:
        """Wait until every worker has ended; False after ``seconds``."""

@final
class ThreadPool:
    """Threads of this process; with no workers, tasks run where they are submitted."""

    def __new__(
        cls, workers: int, initializer: Callable[..., object] | None, initargs: tuple[Any, ...]
    ) -> ThreadPool: ...
    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
        """Run ``function(*arguments, **keywords)`` on a worker; its handle."""

    def submit_with(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
        options: dict[str, Any],
    ) -> Any:
        """Do the same with `timeout`, `retries`, `backoff`, `priority` and `name`."""

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""

    def wait_ready(self, seconds: float) -> bool:
        """Wait until every worker is up, endlessly when ``seconds`` is negative; False when they are not."""

    def look_again(self) -> None:
        """Add the workers to open recordings."""

    def active(self) -> int:
        """Count the unfinished tasks."""

    def broken(self) -> str | None:
        """Say why nothing can run any more."""

    def wait_for_room(self, limit: int, seconds: float) -> bool:
        """Wait until fewer than ``limit`` tasks are unfinished; False after ``seconds``."""

    def close(self, cancel_pending: bool) -> None:
        """Take no more tasks; workers end after the last."""

    def kill(self, reason: str) -> None:
        """End every worker now where that is possible; unfinished tasks fail with ``reason``."""

    def wait_closed(self, seconds: float) -> bool:
        """Wait until every worker has ended; False after ``seconds``."""

@final
class RemotePool:
    """The pool of a worker process, for the tasks of its tasks."""

    def __new__(cls) -> RemotePool: ...
    @property
    def workers(self) -> int:
        """How many workers the pool has."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Any:
        """Run ``function(*arguments, **keywords)`` on a worker; its handle."""

    def submit_with(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None,
        options: dict[str, Any],
    ) -> Any:
        """Do the same with `timeout`, `retries`, `backoff`, `priority` and `name`."""

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""

    def wait_ready(self, seconds: float) -> bool:
        """Wait until every worker is up, endlessly when ``seconds`` is negative; False when they are not."""

    def look_again(self) -> None:
        """Add the workers to open recordings."""

    def active(self) -> int:
        """Count the unfinished tasks."""

    def broken(self) -> str | None:
        """Say why nothing can run any more."""

    def wait_for_room(self, limit: int, seconds: float) -> bool:
        """Wait until fewer than ``limit`` tasks are unfinished; False after ``seconds``."""

    def close(self, cancel_pending: bool) -> None:
        """Take no more tasks; workers end after the last."""

    def kill(self, reason: str) -> None:
        """End every worker now where that is possible; unfinished tasks fail with ``reason``."""

    def wait_closed(self, seconds: float) -> bool:
        """Wait until every worker has ended; False after ``seconds``."""

@final
class SharedBuffer:
    """Bytes a task received, or that `share` and `empty` placed."""

    @staticmethod
    def allocate(length: int) -> SharedBuffer:
        """Allocate zeroed bytes that tasks see without a copy."""

    @staticmethod
    def place(source: Any, read_only: bool) -> SharedBuffer:
        """Copy an object that has a buffer into shared memory, once for all tasks."""

    @property
    def is_shared(self) -> bool:
        """Whether the bytes are the very memory that other processes see."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Recording:
    """An open recording of every task of this process."""

    def __new__(cls) -> Recording: ...
    def finish(self, label: str, versions: dict[str, str], backend_reason: str, pools: Iterable[object]) -> Trace:
        """Close the recording and return its trace."""

@final
class Trace:
    """What every worker did in one run. Made by `multilane.record`, or read from a file.

    Times are nanoseconds of one monotonic clock, comparable between the processes of one boot. The length of a trace
    is the number of attempts in it.
    """

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Trace:
        """Read a trace from a file.

        Raises
        ------
        ValueError
            The file is damaged, no trace, or of a later version.
        OSError
            It cannot be read.
        """

    @staticmethod
    def from_json(text: str) -> Trace:
        """Read a trace from the text that `to_json` gave."""

    @staticmethod
    def merge(traces: Sequence[Trace], label: str | None = None) -> Trace:
        """Put traces that were recorded during the same boot into one."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace to a file; ``.mltrace`` is the usual ending."""

    def to_json(self) -> str:
        """Return the trace as JSON, events as columns."""

    def to_perfetto(self) -> str:
        """Return the trace as Chrome JSON, which Perfetto opens."""

    def analyse(self) -> dict[str, Any]:
        """Read from the trace how many cores were used, where the time went, and the critical path.

        The parts of ``decomposition`` are shares of workers times makespan and add up to 1.
        """

    def simulate(
        self,
        workers: int,
        processors: float | None = None,
        *,
        bytes_per_task: dict[str, float] | None = None,
        bandwidth: float | None = None,
    ) -> dict[str, Any]:
        """Replay the tasks on so many workers: what the run would have taken, and what bounds it.

        Tasks keep their costs, their dependencies and the moments they were submitted; ``processors`` is what the
        machine of the trace offers, unless it is given. ``bytes_per_task`` says by the function's name what a task
        moves to and from memory, and ``bandwidth`` how many GB/s the machine moves. What tasks do to each other's
        caches is not in the answer.
        """

    def tasks(self) -> list[dict[str, Any]]:
        """Return one dictionary per attempt at a task."""

    def worker_list(self) -> list[dict[str, Any]]:
        """Return one dictionary per worker."""

    def progress_events(self) -> list[tuple[int, int, int, int]]:
        """Return what tasks said about their progress: task, time, done, total."""

    @property
    def label(self) -> str:
        """What the trace is called."""

    @property
    def backend(self) -> str:
        """The backends that ran the tasks."""

    @property
    def backend_reason(self) -> str:
        """Why that backend was chosen."""

    @property
    def workers(self) -> int:
        """How many workers there were."""

    @property
    def start_ns(self) -> int:
        """When the recording began."""

    @property
    def end_ns(self) -> int:
        """When it ended."""

    @property
    def created_unix_ns(self) -> int:
        """When it was made, since 1970."""

    @property
    def machine(self) -> dict[str, Any]:
        """The machine it was recorded on."""

    @property
    def versions(self) -> dict[str, str]:
        """Versions and build facts of Python and multilane."""

    @property
    def makespan_ns(self) -> int:
        """From the first task's arrival in the queue to the last task's end."""

    @property
    def cpu_ns(self) -> int:
        """CPU time of all tasks."""

    @property
    def efficiency(self) -> float:
        """Share of the workers' cores that tasks used, 0 to 1."""

    @property
    def decomposition(self) -> dict[str, float]:
        """Where the worker time went, as shares that sum to 1."""

    @property
    def critical_path(self) -> list[int]:
        """Ids of the tasks that decided when the run ended, in order."""

    def __rich__(self) -> Any: ...
    def _repr_html_(self) -> str: ...
    @property
    def cores_used(self) -> float:
        """CPU time of all tasks over the makespan."""

    def __len__(self) -> int: ...

@final
class TraceRecorder:
    """Records calls from any number of threads, without a lock while they run."""

    def __new__(
        cls,
        label: str,
        backend: str,
        workers: int,
        *,
        backend_reason: str = ...,
        versions: dict[str, str] | None = None,
    ) -> TraceRecorder: ...
    def task(self, function: str) -> int:
        """Note that a call of ``function`` was queued now; `run` takes the number."""

    def run(
        self,
        worker: int,
        function: str,
        callable: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        *,
        task: int = 0,
    ) -> Any:
        """Call ``callable`` in this thread, record the call and return what it returns."""

    def report_progress(self, done: int, total: int = 0) -> None:
        """Note how far the call is that this thread is in; do nothing outside one."""

    def start_sampler(self, interval_ms: float = 1.0) -> bool:
        """Start to look at the recorded threads from outside; False where that is not possible."""

    def finish(self) -> Trace:
        """End the recording and return the trace."""

@final
class ProofData:
    """The same work, run in several ways, several times."""

    def __new__(
        cls,
        name: str,
        function: str,
        tasks: int,
        workers: int,
        *,
        machine: dict[str, Any] | None = None,
        versions: dict[str, str] | None = None,
        control_must_fail: bool = False,
    ) -> ProofData: ...
    @staticmethod
    def load(path: str | os.PathLike[str]) -> ProofData:
        """Read a proof from a file."""

    @staticmethod
    def from_json(text: str) -> ProofData:
        """Read a proof from the text that `to_json` gave."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the proof to a file; ``.mlproof`` is the usual ending."""

    def to_json(self) -> str:
        """Return the proof as JSON, traces included."""

    def report_html(self) -> str:
        """Return the report as one HTML page."""

    def judge(self) -> dict[str, Any]:
        """Return the verdict and all that led to it."""

    def trace(self, strategy: str, repeat: int) -> Trace | None:
        """Return the trace of a run, when it has one."""

    def add_run(
        self,
        strategy: str,
        repeat: int,
        tasks: int,
        workers: int,
        wall_ns: int,
        cpu_ns: int,
        trace: Trace | None = None,
        *,
        steal_ns: int = 0,
    ) -> None:
        """Add a run of all tasks by one strategy."""

    def add_check(self, name: str, passed: bool, detail: str = ...) -> None:
        """Add something that was checked beside the time."""

    def add_part(self, kind: str, claim: str, proof: ProofData) -> None:
        """Add a proof that this one is made of."""

    @property
    def name(self) -> str: ...
    @property
    def function(self) -> str: ...
    @property
    def tasks(self) -> int: ...
    @property
    def workers(self) -> int: ...
    @property
    def control_must_fail(self) -> bool: ...
    @property
    def machine(self) -> dict[str, Any]: ...
    @property
    def versions(self) -> dict[str, str]: ...
    @property
    def runs(self) -> list[dict[str, Any]]:
        """One dictionary per run, without its trace."""

    @property
    def checks(self) -> list[dict[str, Any]]:
        """One dictionary per check."""

    @property
    def parts(self) -> list[tuple[str, str, ProofData]]:
        """Kind, claim and measurements of every part."""

@final
class PlanValue:
    """A value of a plan that is being written."""

    @property
    def dtype(self) -> str: ...
    @property
    def size(self) -> str | None: ...

@final
class PlanBuilder:
    """Writes one plan; `multilane.Builder` keeps names, scopes and lines. ``place`` is the user's file and line."""

    def __new__(cls, name: str) -> PlanBuilder: ...
    def input(self, name: str, dtype: str, size: str | None, place: tuple[str, int]) -> PlanValue:
        """Declare an input: an array as long as a size, or one number."""

    def graph_input(self, name: str, place: tuple[str, int]) -> PlanValue:
        """Declare an input that is a graph."""

    def node_size(self, graph: PlanValue) -> str:
        """Return the name of a graph's number of nodes."""

    def constant(self, value: complex, dtype: str | None, place: tuple[str, int]) -> PlanValue:
        """Make a number a value."""

    def apply(
        self, op: str, operands: Sequence[PlanValue | float], attributes: dict[str, Any], place: tuple[str, int]
    ) -> PlanValue:
        """Add an operation with one result."""

    def effect(
        self, op: str, operands: Sequence[PlanValue | float], attributes: dict[str, Any], place: tuple[str, int]
    ) -> None:
        """Add an operation without results."""

    def broadcast(self, value: PlanValue, size: str, place: tuple[str, int]) -> PlanValue:
        """Make one number an array."""

    def map(self, text: str, operands: dict[str, PlanValue | float], place: tuple[str, int]) -> PlanValue:
        """Compute an expression in the names of values."""

    def inline(
        self, plan: Plan, inputs: dict[str, PlanValue | float], place: tuple[str, int]
    ) -> list[tuple[str, PlanValue]]:
        """Write the operations of another plan, its inputs given by name; return its outputs by name."""

    def open_loop(self, count: int, place: tuple[str, int]) -> None:
        """Open a loop."""

    def carry(self, initial: PlanValue | float, name: str | None, place: tuple[str, int]) -> PlanValue:
        """Carry a value through the innermost loop; return what a turn starts with."""

    def close_loop(self, next: Sequence[PlanValue], until: PlanValue | None, place: tuple[str, int]) -> list[PlanValue]:
        """Close the innermost loop; return its results, how many turns it made and whether it converged."""

    def abandon_loop(self, depth: int) -> None:
        """Forget everything since the loop at a depth was opened."""

    def output(self, name: str, value: PlanValue, place: tuple[str, int]) -> None:
        """Make a value a result of the plan."""

    def name(self, value: PlanValue, name: str) -> None:
        """Give a value a name, for people who read the plan."""

    def build(self) -> Plan:
        """Return the plan, verified."""

@final
class Plan:
    """A program over arrays and graphs; what `multilane.Plan` is made of."""

    @staticmethod
    def parse(text: str) -> Plan:
        """Read a plan from its text form."""

    @staticmethod
    def from_json(text: str) -> Plan:
        """Read a plan from JSON."""

    @staticmethod
    def schema() -> str:
        """Return the schema of the JSON form."""

    @property
    def name(self) -> str: ...
    def inputs(self) -> dict[str, str]:
        """Return the types of the inputs by name."""

    def outputs(self) -> dict[str, str]:
        """Return the types of the outputs by name."""

    def sizes(self) -> list[str]:
        """Return the names of the sizes."""

    def text(self) -> str:
        """Return the text form."""

    def to_json(self) -> str:
        """Return the JSON form."""

    def to_dot(self) -> str:
        """Return the plan in Graphviz's DOT language."""

    def operations(self) -> int:
        """Count the operations, those inside of loops and fused ones included."""

    def same(self, other: Plan) -> bool:
        """Say whether another plan has the same text."""

    def optimize(self, passes: Sequence[str] | None) -> tuple[Plan, dict[str, Any], str]:
        """Return the plan after passes, what each of them did, and all of it in words."""

    def analyze(
        self, estimator: str, threshold: float, workers: int | None, sizes: dict[str, int]
    ) -> tuple[dict[str, Any], str]:
        """Return what can run in parallel, as data and as a report."""

    def predict(self, workers: int | None, sizes: dict[str, int]) -> dict[str, Any]:
        """Return how long the plan would take."""

    def peak_bytes(self, sizes: dict[str, int]) -> int:
        """Return the bytes of buffers that a run takes at most, beside its inputs."""

    def run(
        self,
        inputs: dict[str, Any],
        out: dict[str, Any],
        workers: int | None,
        timeout: float | None,
        report: Callable[[int, int], object] | None,
        lanes_recorded: bool,
    ) -> tuple[dict[str, Any], PlanRun, dict[str, int]]:
        """Run the plan; return outputs by name, what they took, and the sizes there were."""

@final
class PlanRun:
    """What was measured of one run of a plan."""

    def groups(self) -> list[dict[str, Any]]:
        """Return what ran, in the order of the plan: label, turns, bytes, predicted and measured time."""

    def trace(self) -> Trace:
        """Return the run as a trace."""

    def unconverged(self) -> list[tuple[int, str | None, int | None]]:
        """Return turns, file and line of each loop that its bound ended and whose `converged` nothing reads."""

    @property
    def start_ns(self) -> int:
        """When it started."""

    @property
    def end_ns(self) -> int:
        """When it ended."""

    @property
    def peak_bytes(self) -> int:
        """The most bytes of values it held at one time, beside its inputs."""

    @property
    def predicted_ns(self) -> float:
        """What the cost model says of such a run, with loops counted as often as they went round."""

@final
class PlanBuffer:
    """Memory of the engine, for readers of the buffer protocol."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class GraphData:
    """Edges that never change, and columns of node attributes; what `multilane.graph.Graph` is made of."""

    @staticmethod
    def from_edges(src: Any, dst: Any, n: int | None, directed: bool, weights: Any) -> GraphData:
        """Build a graph from arrays of the edges' two ends."""

    @staticmethod
    def read(
        path: str | os.PathLike[str],
        format: str | None,
        directed: bool | None,
        weighted: bool | None,
        n: int | None,
        relabel: bool,
        skip_lines: int,
    ) -> tuple[GraphData, list[Any] | None]:
        """Read a graph from a file; return it and what its nodes are called there, unless that is their numbers."""

    @staticmethod
    def kronecker(scale: int, edge_factor: int, seed: int, directed: bool) -> GraphData:
        """Generate an R-MAT graph."""

    @staticmethod
    def uniform(nodes: int, edges: int, seed: int, directed: bool) -> GraphData:
        """Generate a graph with edges at random."""

    @staticmethod
    def grid(rows: int, columns: int, periodic: bool) -> GraphData:
        """Generate a grid."""

    @property
    def nodes(self) -> int: ...
    @property
    def edges(self) -> int: ...
    @property
    def directed(self) -> bool: ...
    @property
    def weighted(self) -> bool: ...
    @property
    def nbytes(self) -> int: ...
    def attribute_types(self) -> dict[str, str]:
        """Return the element types of the attributes by name."""

    def attribute(self, name: str) -> Any:
        """Return an attribute, read-only and not copied."""

    def set_attribute(self, name: str, values: Any) -> None:
        """Copy an array into an attribute."""

    def remove_attribute(self, name: str) -> bool:
        """Take an attribute away; False when there was none."""

    def neighbors(self, node: int) -> Any:
        """Return the nodes that edges of a node lead to."""

    def to_csr(self) -> tuple[Any, Any, Any]:
        """Return offsets, targets and weights of the rows; None for no weights."""

    def connected_components(self, workers: int | None) -> Any:
        """Return the smallest node of each node's component."""

    def bfs(self, source: int, workers: int | None) -> Any:
        """Return the edges on a shortest path from a node; -1 where none leads."""

    def sssp(self, source: int, workers: int | None) -> Any:
        """Return the length of a shortest path from a node; infinite where none leads."""

    def triangles(self, workers: int | None) -> int:
        """Count the triangles."""

    def triangles_of_nodes(self, workers: int | None) -> Any:
        """Count at how many triangles each node is a corner."""

    def core_number(self, workers: int | None) -> Any:
        """Return the largest k for which each node is in the k-core."""

    def betweenness(self, samples: int | None, seed: int, normalized: bool, workers: int | None) -> Any:
        """Return the share of shortest paths that lead through each node."""

def evaluate(
    expression: str,
    names: Mapping[str, Any] | None = None,
    /,
    *,
    out: Any = None,
    workers: int | None = None,
    **more: Any,
) -> Any:
    """Compute an expression over arrays, all at once and on all cores.

    The expression is read by multilane's own parser, never by Python, and kept ready for the next call with the same
    types.

    Parameters
    ----------
    expression
        Python's operators ``+ - * / ** < <= > >= == != & | ^ ~``, numbers, ``True``, ``False``, ``pi``, ``inf``,
        ``nan``, names, and the functions of `Builder.core`: ``sqrt``, ``sin``, ``where``, ``sum``, ...
    names
        Where names are looked up that are not among ``more``: a mapping. Without one, they are variables of the caller,
        first local, then global.
    out
        An array to write the result to: contiguous, and of the result's type and shape.
    workers
        How many workers at most; by default as many as there are processors to use. Small work is done by the caller.
    **more
        Operands by name: arrays and numbers, whose shapes go together as NumPy's do. Contiguous arrays of ``bool``,
        ``int32``, ``int64``, ``float32`` and ``float64`` are read where they are; others are copied.

    Returns
    -------
    numpy.ndarray or numpy scalar
        The result; ``out`` where it was given.

    Raises
    ------
    PlanError
        The expression cannot be read, or an operand does not fit.

    Examples
    --------
    >>> import numpy as np, multilane as ml
    >>> ml.evaluate("a * b + 1", a=np.arange(4.0), b=2.0)
    array([1., 3., 5., 7.])
    >>> x = np.array([3.0, 4.0])
    >>> float(ml.evaluate("sqrt(sum(x * x))"))
    5.0
    """

def plan_operation(name: str) -> dict[str, bool] | None:
    """Return the facts of an operation by its name, with or without the dialect's."""

def plan_array_type(array: Any) -> tuple[str, tuple[int, ...]]:
    """Return the element type and the shape that an array has for plans."""

def report_progress(done: int, total: int | None = None) -> bool:
    """Report how far the task is that runs now.

    Parameters
    ----------
    done : int
        Units done.
    total : int, optional
        Units in all, where that is known.

    Returns
    -------
    bool
        False outside of a task, where nobody listens.
    """

def metrics() -> dict[str, tuple[int, int, float, float, float, float, float, float]]:
    """Return count, failures, total, cpu, p50, p90, p99 and max of each function; times in seconds."""

def plans_html(data: str) -> str:
    """Return the page on plans that ran, from its data as JSON."""

def machine() -> dict[str, Any]:
    """Return the facts of this machine by name."""

def versions() -> dict[str, str]:
    """Return the versions and build facts that traces and proofs carry."""

def cpus_usable() -> int:
    """Return the worker count that fills this process's share of the machine."""

def monotonic_ns() -> int:
    """Read the clock of traces."""

def thread_cpu_ns() -> int:
    """Read the CPU time of the calling thread."""

def steal_ns() -> int:
    """Read the CPU time that the host took from this machine since boot, over all processors."""

def after_fork() -> None:
    """Forget what belongs to the parent, in the child of a fork."""

def set_handle_type(class_: type[Handle]) -> None:
    """Name the Python class that handles are instances of."""

def wait_pools_closed(seconds: float) -> bool:
    """Wait until the workers of every pool have ended; False after ``seconds``."""

def in_worker() -> bool:
    """Say whether this process is a worker of a pool."""

def worker_join(arguments: list[str]) -> bytes:
    """Join the pool that started this process and return its start-up message."""

def worker_fail(message: bytes) -> None:
    """Tell the parent why this worker can never work."""

def worker_run(encode_error: Callable[..., bytes], idle: Callable[[], object]) -> None:
    """Run tasks until the pool is closed."""

def sync_select(
    offers: tuple[Channel[Any] | tuple[Channel[Any], Any], ...], timeout: float | None = None
) -> tuple[Channel[Any], Any] | None:
    """Do the first of several gets and puts that can be done."""

def sync_join(ident: int, endless: bool, wait: Callable[[], object]) -> None:
    """Call ``wait``, which returns when the thread ``ident`` has ended, unless it never can."""

def sync_waits() -> list[tuple[int, str, list[int], tuple[CodeType, int] | None]]:
    """Return every thread that waits for something with a holder: what for, who holds it, where that was taken."""

def sync_settings(deadlocks: bool | None = None, order: bool | None = None) -> tuple[bool, bool]:
    """Set what is watched, and return what was."""

def sync_calibrate() -> bool:
    """Find out whether the place where a lock was taken can be read here. Call it from Python code."""

def sync_after_fork() -> None:
    """Note that this is the child of a fork: what other threads held is held by nobody."""

def sync_closing() -> None:
    """Note that the interpreter is about to end: a thread that wakes must not touch it."""
