# The classes of `multilane.sync`, which the extension module holds: `_multilane.pyi` names them as its own.

import threading
from collections.abc import Callable, Iterator
from types import GenericAlias, TracebackType
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, final

from typing_extensions import disjoint_base

from multilane.sync._report import Holder

T = TypeVar("T")
P = ParamSpec("P")

class _Lock(Protocol):
    def acquire(self, blocking: bool = ..., timeout: float = ...) -> bool: ...
    def release(self) -> None: ...

@final
class Lock:
    """A lock that one thread holds, as `threading.Lock`; only that thread can release it.

    Parameters
    ----------
    fair : bool
        Give the lock to whoever waited longest. Otherwise a running thread may take it before one that
        has to be woken, which is faster.
    name : str, optional
        What errors and warnings call it.
    """

    def __new__(cls, *, fair: bool = False, name: str | None = None) -> Lock: ...
    def acquire(self, blocking: bool | None = None, timeout: float | None = None) -> bool:
        """Take the lock, and wait for it if another thread holds it.

        Parameters
        ----------
        blocking : bool
            Whether to wait at all; so it does by default.
        timeout : float
            Seconds to wait; -1, the default, and infinity wait for ever.

        Returns
        -------
        bool
            False when it was not to be had in time.

        Raises
        ------
        DeadlockError
            The wait could never end.
        LockAbandonedError
            The thread that holds it has ended; see `recover`.
        """

    def release(self) -> None:
        """Give the lock back.

        Raises
        ------
        RuntimeError
            The running thread does not hold it.
        """

    def locked(self) -> bool:
        """Say whether any thread holds it."""

    @property
    def holder(self) -> Holder | None:
        """Who holds it, since when and where it was taken; None when it is free."""

    @property
    def waiting(self) -> int:
        """How many threads wait for it."""

    def recover(self) -> bool:
        """Free the lock of a thread that has ended; False when there was nothing to do.

        What it protects may be half changed: look at that first.
        """

    def __enter__(self) -> bool: ...
    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None: ...
    def _is_owned(self) -> bool: ...
    def _at_fork_reinit(self) -> None: ...

@final
class RLock:
    """A lock that its holder may take again, as `threading.RLock`; the parameters are those of `Lock`."""

    def __new__(cls, *, fair: bool = False, name: str | None = None) -> RLock: ...
    def acquire(self, blocking: bool | None = None, timeout: float | None = None) -> bool:
        """Take the lock, once more if the running thread holds it; see `Lock.acquire`."""

    def release(self) -> None:
        """Give it back once; see `Lock.release`."""

    def locked(self) -> bool:
        """Say whether any thread holds it."""

    @property
    def holder(self) -> Holder | None:
        """Who holds it, since when and where it was taken first; None when it is free."""

    @property
    def waiting(self) -> int:
        """How many threads wait for it."""

    def recover(self) -> bool:
        """Free the lock of a thread that has ended; see `Lock.recover`."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None: ...
    def _is_owned(self) -> bool: ...
    def _recursion_count(self) -> int: ...
    def _release_save(self) -> int: ...
    def _acquire_restore(self, state: int) -> None: ...
    def _at_fork_reinit(self) -> None: ...

@disjoint_base
class RWLock:
    """A lock that many threads hold to read, or one to write.

    Turns come in the order of arrival, so neither readers nor writers starve. A thread that reads may read
    again; one that reads and wants to write would wait for itself, and gets a `DeadlockError`.

    Parameters
    ----------
    name : str, optional
        What errors and warnings call it.
    """

    def __new__(cls, *, name: str | None = None) -> Self: ...
    def read(self) -> RWLockSide:
        """Return a context manager that reads."""

    def write(self) -> RWLockSide:
        """Return a context manager that writes."""

    def acquire_read(self, blocking: bool | None = None, timeout: float | None = None) -> bool:
        """Take the lock to read; see `Lock.acquire`."""

    def acquire_write(self, blocking: bool | None = None, timeout: float | None = None) -> bool:
        """Take the lock to write; see `Lock.acquire`."""

    def release_read(self) -> None:
        """Give back what was taken to read; `RuntimeError` if the running thread does not read."""

    def release_write(self) -> None:
        """Give back what was taken to write; `RuntimeError` if the running thread does not write."""

    @property
    def readers(self) -> int:
        """How often it is held to read."""

    @property
    def waiting(self) -> int:
        """How many threads wait for it."""

    def recover(self) -> bool:
        """Take the lock from threads that have ended; see `Lock.recover`."""

@final
class RWLockSide:
    """One side of an `RWLock`, for `with`."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None: ...

@disjoint_base
class Semaphore:
    """A number of units to take and give back, as `threading.Semaphore`; they go to whoever waited longest.

    Parameters
    ----------
    value : int
        Units at first.
    owned : bool
        Whether a unit belongs to the thread that took it. Then only that thread can give it back, and the
        semaphore is part of the detection of deadlocks. Otherwise any thread may, as a signal to another.
    name : str, optional
        What errors call it.
    """

    def __new__(cls, value: int = 1, *, owned: bool = False, name: str | None = None) -> Self: ...
    def acquire(self, blocking: bool | None = None, timeout: float | None = None) -> bool:
        """Take a unit; False when there was none in time.

        Raises
        ------
        DeadlockError
            The semaphore is ``owned``, and everybody who has a unit waits, in the end, for this thread.
        """

    def release(self, n: int = 1) -> None:
        """Give units back.

        Raises
        ------
        RuntimeError
            The semaphore is ``owned``, and the running thread does not have them.
        """

    @property
    def value(self) -> int:
        """Units that nobody has."""

    @property
    def waiting(self) -> int:
        """How many threads wait for a unit."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None: ...

class BoundedSemaphore(Semaphore):
    """A semaphore that never has more units than at first; a release beyond raises `ValueError`."""

    def __new__(cls, value: int = 1, *, owned: bool = False, name: str | None = None) -> Self: ...

@disjoint_base
class Condition:
    """Threads that wait to be told that something changed, as `threading.Condition`.

    Parameters
    ----------
    lock : Lock, RLock or a lock of `threading`, optional
        What is held while looking and changing; a new `RLock` by default.
    """

    def __new__(cls, lock: Lock | RLock | threading.Lock | threading.RLock | _Lock | None = None) -> Self: ...
    def acquire(self, *arguments: Any, **keywords: Any) -> bool:
        """Take the lock, with its arguments."""

    def release(self) -> None:
        """Give the lock back."""

    def wait(self, timeout: float | None = None) -> bool:
        """Give the lock back, wait to be told, and take the lock again; False after ``timeout`` seconds.

        Raises
        ------
        RuntimeError
            The running thread does not hold the lock.
        """

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Wait until ``predicate()`` is true, and return what it returned last."""

    def notify(self, n: int = 1) -> None:
        """Wake the first ``n`` threads that wait; the lock must be held."""

    def notify_all(self) -> None:
        """Wake all of them."""

    @property
    def waiting(self) -> int:
        """How many threads wait to be told."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    def _is_owned(self) -> bool: ...
    def _at_fork_reinit(self) -> None: ...

@disjoint_base
class Event:
    """A flag to wait for, as `threading.Event`."""

    def __new__(cls) -> Self: ...
    def is_set(self) -> bool:
        """Say whether the flag is set."""

    def set(self) -> None:
        """Set it, and let everybody go who waits."""

    def clear(self) -> None:
        """Take it back; who was let go before goes all the same."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set; False after ``timeout`` seconds."""

@disjoint_base
class Barrier:
    """A point that threads pass together, as `threading.Barrier`.

    Parameters
    ----------
    parties : int
        How many threads.
    action : callable, optional
        Called by the last of them before they go on.
    timeout : float, optional
        Seconds that `wait` waits by default.
    """

    def __new__(
        cls, parties: int, action: Callable[[], object] | None = None, timeout: float | None = None
    ) -> Self: ...
    def wait(self, timeout: float | None = None) -> int:
        """Wait for the others; return the number of this thread, by order of arrival from 0.

        Raises
        ------
        threading.BrokenBarrierError
            Somebody gave up, the action failed, or the barrier was aborted or reset.
        """

    def reset(self) -> None:
        """Make it whole again; who waits finds it broken."""

    def abort(self) -> None:
        """Break it, until it is reset."""

    @property
    def parties(self) -> int:
        """How many threads it waits for in all."""

    @property
    def n_waiting(self) -> int:
        """How many wait."""

    @property
    def broken(self) -> bool:
        """Whether it is broken."""

@disjoint_base
class Latch:
    """Opens once it was counted down to 0, and stays open.

    Parameters
    ----------
    count : int
        Where the count starts.
    """

    def __new__(cls, count: int) -> Self: ...
    @property
    def count(self) -> int:
        """What is left to count."""

    def count_down(self, n: int = 1) -> int:
        """Count down and return what is left; `ValueError` if that would be less than 0."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is open; False after ``timeout`` seconds."""

@disjoint_base
class AtomicInt:
    """A whole number of 64 bits that threads change at once without a lock.

    Parameters
    ----------
    value : int
        Where it starts.
    """

    def __new__(cls, value: int = 0) -> Self: ...
    def load(self) -> int:
        """Return the value."""

    def store(self, value: int) -> None:
        """Set the value."""

    def add(self, n: int = 1) -> int:
        """Add and return the sum; `OverflowError` beyond 64 bits, and the value stays."""

    def exchange(self, value: int) -> int:
        """Set the value and return the one before."""

    def compare_exchange(self, expected: int, value: int) -> bool:
        """Set the value if it is ``expected``; say whether it was."""

    def __int__(self) -> int: ...
    def __index__(self) -> int: ...

@disjoint_base
class Once:
    """Something that one thread does while the others wait for it.

    Parameters
    ----------
    name : str, optional
        What errors call it.
    """

    def __new__(cls, *, name: str | None = None) -> Self: ...
    @property
    def done(self) -> bool:
        """Whether it is done."""

    def call(self, function: Callable[P, T], /, *arguments: P.args, **keywords: P.kwargs) -> T:
        """Call ``function(*arguments, **keywords)`` unless that was done; return what it returned then.

        If it raises, it is not done, and the next call tries again.

        Raises
        ------
        DeadlockError
            The function calls itself this way, or waits for a thread that does.
        """

@disjoint_base
class Channel(Generic[T]):
    """Items on their way from threads to threads, with the methods of `queue.Queue`.

    Iterating over a channel gets items until it is shut down.

    Parameters
    ----------
    maxsize : int
        The most items at a time; with 0, any number.
    """

    maxsize: int

    def __new__(cls, maxsize: int = 0) -> Self: ...
    def put(self, item: T, block: bool | None = None, timeout: float | None = None) -> None:
        """Put an item in, and wait for room.

        Parameters
        ----------
        item : object
        block : bool
            Whether to wait at all; so it does by default.
        timeout : float, optional
            Seconds to wait.

        Raises
        ------
        queue.Full
            There was no room in time.
        ShutDown
            The channel is shut down.
        """

    def get(self, block: bool | None = None, timeout: float | None = None) -> T:
        """Take the oldest item out, and wait for one; `queue.Empty` if there was none in time.

        Raises
        ------
        ShutDown
            The channel is shut down and empty.
        """

    def put_nowait(self, item: T) -> None:
        """Put an item in if there is room; else `queue.Full`."""

    def get_nowait(self) -> T:
        """Take the oldest item out if there is one; else `queue.Empty`."""

    def qsize(self) -> int:
        """Return the number of items."""

    def empty(self) -> bool:
        """Say whether there are none."""

    def full(self) -> bool:
        """Say whether there is no room."""

    def task_done(self) -> None:
        """Say that the work on an item is done; `ValueError` if none is unfinished."""

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the work on every item is done; False after ``timeout`` seconds."""

    def shutdown(self, immediate: bool = False) -> None:
        """Take no more items; with ``immediate``, drop those that are in and count them as done."""

    @property
    def is_shutdown(self) -> bool:
        """Whether it is shut down."""

    @property
    def unfinished_tasks(self) -> int:
        """Items put in whose work is not done."""

    def __iter__(self) -> Iterator[T]: ...
    def __next__(self) -> T: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...

@final
class CheckedNet:
    def json(self) -> str: ...
    def text(self) -> str: ...
    def svg(self, failure: int) -> str: ...
    def dot(self, failure: int | None = None) -> str: ...

def petri_check(text: str, is_protocol: bool, max_states: int, starvation: bool) -> CheckedNet: ...
def petri_dot(text: str, is_protocol: bool) -> str: ...
