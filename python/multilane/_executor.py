"""`Executor`: a `concurrent.futures.Executor` over multilane's backends."""

from __future__ import annotations

import concurrent.futures
import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from multilane import _multilane
from multilane._backends import choose
from multilane._checks import positive_count, retry_count
from multilane._handle import Handle
from multilane.errors import BackendUnavailable, SerializationError

__all__ = ["Executor", "default_executor"]

T = TypeVar("T")

#: Variables that native libraries read when they start their own threads.
_NATIVE_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)

_live: weakref.WeakSet[Executor] = weakref.WeakSet()


class Executor(concurrent.futures.Executor):
    """Runs calls on workers that are processes, threads, or this very thread.

    Parameters
    ----------
    workers : int, optional
        How many; by default the processors this process may use (affinity and CPU quota
        respected).
    backend : {'auto', 'processes', 'threads', 'serial'}
        'auto' takes threads on a free-threaded build and processes elsewhere;
        ``backend_reason`` says why.
    initializer : callable, optional
        Called in every worker before its first task.
    initargs : tuple
        Its arguments.
    max_pending : int, optional
        ``submit`` waits while this many tasks are unfinished.
    memory_limit : int, optional
        Bytes of private memory a worker process may use.
    max_tasks_per_worker : int, optional
        Tasks after which a worker process makes room for a fresh one.
    native_threads : int, optional
        Threads that libraries such as BLAS may start in each worker process; by default
        the processors divided by the workers. Variables the user has set are kept.
    name : str, optional
        For people.
    trace : bool
        Record every task; the trace is in ``trace`` after shutdown.
    max_workers : int, optional
        The name `concurrent.futures` has for ``workers``.

    Raises
    ------
    ValueError
        A number is out of range.
    BackendUnavailable
        The backend does not work here.

    Examples
    --------
    >>> import multilane as ml
    >>> with ml.Executor(workers=2) as executor:
    ...     list(executor.map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    def __init__(
        self,
        workers: int | None = None,
        backend: str = "auto",
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        max_pending: int | None = None,
        memory_limit: int | None = None,
        max_tasks_per_worker: int | None = None,
        native_threads: int | None = None,
        name: str | None = None,
        trace: bool = False,
        max_workers: int | None = None,
    ) -> None:
        if workers is not None and max_workers is not None:
            raise TypeError("`workers` and `max_workers` are the same; give one of them")
        positive_count(workers, "workers")
        if max_workers is not None and max_workers <= 0:
            raise ValueError(f"max_workers must be greater than 0, and is {max_workers!r}")
        positive_count(max_workers, "max_workers")
        workers = max_workers if workers is None else workers
        positive_count(max_pending, "max_pending")
        positive_count(memory_limit, "memory_limit")
        positive_count(max_tasks_per_worker, "max_tasks_per_worker")
        positive_count(native_threads, "native_threads")
        if initializer is not None and not callable(initializer):
            raise TypeError("`initializer` must be callable")
        self.backend, self.backend_reason = choose(backend)
        self.workers = workers if workers is not None else _multilane.cpus_usable()
        self.name = name
        self.trace: Any = None
        self._max_pending = max_pending
        self._closed = False
        self._recording: Any = None
        if trace:
            from multilane._record import record

            self._recording = record(label=name or "executor")
            self._recording.__enter__()
        if self.backend == "processes" and _multilane.in_worker():
            if initializer is not None:
                raise BackendUnavailable("inside a task, an executor shares the pool that runs it: no initializer")
            self._pool: Any = _multilane.RemotePool()
            self.workers = self._pool.workers
        elif self.backend == "processes":
            setup = _worker_setup(initializer, initargs)
            self._pool = _multilane.ProcessPool(
                self.workers,
                sys.executable,
                _worker_command(),
                _worker_environment(self.workers, native_threads),
                setup,
                memory_limit,
                max_tasks_per_worker,
            )
        else:
            threads = self.workers if self.backend == "threads" else 0
            self._pool = _multilane.ThreadPool(threads, initializer, tuple(initargs))
        self._owner = os.getpid()
        _live.add(self)
        if type(self).submit is Executor.submit and max_pending is None:
            # A call of the native method costs a third of one that passes through Python.
            self.submit = self._pool.submit  # type: ignore[method-assign]

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Handle[T]:
        """Run ``fn(*args, **kwargs)`` on a worker and return its handle at once.

        Handles among the arguments stand for their results: the call starts when they
        are done.
        """
        self._wait_for_room()
        handle: Handle[T] = self._pool.submit(fn, *args, **kwargs)
        return handle

    def submit_with(
        self,
        fn: Callable[..., T],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        timeout: float | None = None,
        retries: int = 0,
        backoff: float = 0.1,
        priority: int = 0,
        name: str | None = None,
    ) -> Handle[T]:
        """Run a call with options of its own.

        Parameters
        ----------
        fn : callable
            The function.
        args : sequence
            Its positional arguments.
        kwargs : dict, optional
            Its keyword arguments.
        timeout : float, optional
            Seconds one attempt may run. A worker process that takes longer is stopped.
        retries : int
            Further attempts after one that raised, timed out or lost its worker.
        backoff : float
            Seconds before the second attempt; doubles with every further one.
        priority : int
            Higher starts first.
        name : str, optional
            Name in metrics, traces and messages.
        """
        retry_count(retries)
        self._wait_for_room()
        options = {
            "timeout": timeout,
            "retries": retries,
            "backoff": backoff,
            "priority": priority,
            "name": name,
        }
        handle: Handle[T] = self._pool.submit_with(fn, tuple(args), kwargs, options)
        return handle

    def _wait_for_room(self) -> None:
        if self._max_pending is not None:
            while not self._pool.wait_for_room(self._max_pending, 0.1):
                continue

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
        ordered: bool = True,
        progress: bool = False,
    ) -> Iterator[T]:
        """Call ``fn`` with the items of the iterables side by side; see `multilane.map`."""
        from multilane._map import run_map

        return run_map(
            self,
            fn,
            iterables,
            star=False,
            timeout=timeout,
            chunksize=chunksize,
            ordered=ordered,
            progress=progress,
        )

    def starmap(
        self,
        fn: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        *,
        timeout: float | None = None,
        chunksize: int | None = None,
        ordered: bool = True,
        progress: bool = False,
    ) -> Iterator[T]:
        """Like `map`, for argument tuples that are already together."""
        from multilane._map import run_map

        return run_map(
            self,
            fn,
            (iterable,),
            star=True,
            timeout=timeout,
            chunksize=chunksize,
            ordered=ordered,
            progress=progress,
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks and end the workers after the last.

        Parameters
        ----------
        wait : bool
            Return only when every worker has ended.
        cancel_futures : bool
            Cancel the tasks that have not started.
        """
        self._closed = True
        if self._owner != os.getpid():
            return  # the child of a fork: the pool is the parent's
        self._pool.close(cancel_futures)
        if wait:
            try:
                while not self._pool.wait_closed(0.2):
                    continue
            except BaseException:
                self.kill("the program was interrupted")
                raise
        if self._recording is not None:
            recording, self._recording = self._recording, None
            recording.__exit__(None, None, None)
            self.trace = recording.trace

    def kill(self, reason: str = "the executor was killed") -> None:
        """End every worker now; unfinished tasks fail with ``reason``.

        A task that runs in a thread cannot be ended: it runs on, and nobody waits for it.
        """
        self._closed = True
        if self._owner != os.getpid():
            return  # the child of a fork: the pool is the parent's
        self._pool.kill(reason)
        while self.backend == "processes" and not self._pool.wait_closed(0.2):
            continue

    def __exit__(self, exc_type: type[BaseException] | None, *rest: object) -> None:
        if exc_type is not None and issubclass(exc_type, KeyboardInterrupt):
            self.kill("the program was interrupted")
            self.shutdown(wait=self.backend == "processes")
        else:
            self.shutdown(wait=True)

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until every worker can take tasks; False when ``timeout`` seconds passed."""
        return bool(self._pool.wait_ready(-1.0 if timeout is None else timeout))

    def worker_pids(self) -> list[int]:
        """Process ids of the workers; empty for backends without processes."""
        pids: list[int] = self._pool.worker_pids()
        return pids

    @property
    def _broken(self) -> str | None:
        """Why nothing can run any more; by this name in `concurrent.futures`."""
        reason: str | None = self._pool.broken()
        return reason

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self._pool.active()} tasks unfinished"
        return f"<Executor: {self.workers} workers, backend {self.backend!r}, {state}>"


def _worker_command() -> list[str]:
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    path = [entry or os.getcwd() for entry in sys.path]
    code = f"import sys; sys.path[:] = {path!r}; from multilane._worker import main; main()"
    return [*flags, "-c", code]


def _worker_environment(workers: int, native_threads: int | None) -> list[tuple[str, str]]:
    if native_threads is None:
        share = max(1, _multilane.cpus_usable() // workers)
        return [(name, str(share)) for name in _NATIVE_THREADS if name not in os.environ]
    return [(name, str(native_threads)) for name in _NATIVE_THREADS]


def _worker_setup(initializer: Callable[..., object] | None, initargs: tuple[Any, ...]) -> bytes:
    encoded = None
    if initializer is not None:
        import cloudpickle

        try:
            encoded = cloudpickle.dumps((initializer, tuple(initargs)))
        except Exception as error:
            raise SerializationError(
                f"the initializer or its arguments cannot be sent to a worker process: {error}"
            ) from error
    return pickle.dumps({"argv": sys.argv or [""], "initializer": encoded})


_defaults: dict[tuple[str, int], Executor] = {}
_defaults_lock = threading.Lock()


def default_executor(backend: str = "auto", workers: int | None = None) -> Executor:
    """Return the executor that `parallel` and `map` share, started when first needed."""
    kind, _ = choose(backend)
    positive_count(workers, "workers")
    count = workers if workers is not None else _multilane.cpus_usable()
    executor = _defaults.get((kind, count))
    if executor is None or executor._closed or executor._pool.broken() is not None:
        with _defaults_lock:
            executor = _defaults.get((kind, count))
            if executor is None or executor._closed or executor._pool.broken() is not None:
                executor = Executor(count, kind, name="default")
                _defaults[kind, count] = executor
    return executor


def _at_exit() -> None:
    interrupted = getattr(sys, "last_type", None)
    for executor in list(_live):
        if isinstance(interrupted, type) and issubclass(interrupted, KeyboardInterrupt):
            executor.kill("the program was interrupted")
        else:
            executor.shutdown(wait=True)
    while not _multilane.wait_pools_closed(0.2):
        continue


def _after_fork_in_child() -> None:
    global _defaults_lock
    _multilane.after_fork()
    _defaults.clear()
    _defaults_lock = threading.Lock()
    for executor in list(_live):
        executor._closed = True
        executor.submit = executor.submit_with = _forked  # type: ignore[method-assign]
    _live.clear()


def _forked(*_: Any, **__: Any) -> Any:
    raise RuntimeError("this executor belongs to the process that forked this one; make a new executor here")


# Runs before the interpreter joins its threads, like the pools of the standard library.
threading._register_atexit(_at_exit)  # type: ignore[attr-defined]
os.register_at_fork(after_in_child=_after_fork_in_child)
