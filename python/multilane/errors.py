"""The exceptions multilane raises."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from queue import Full
from typing import Any

__all__ = [
    "ActorError",
    "ActorStopped",
    "BackendUnavailable",
    "BrokenPool",
    "CircuitError",
    "ConvergenceWarning",
    "DeadlockError",
    "DependencyError",
    "LockAbandonedError",
    "LockOrderWarning",
    "MailboxFull",
    "MultilaneError",
    "PlanError",
    "ProtocolError",
    "RegisterBusy",
    "RemoteError",
    "RemoteTraceback",
    "SerializationError",
    "TaskTimeout",
    "UnknownMessage",
    "WorkerDied",
    "WorkerMemoryExceeded",
]


class MultilaneError(Exception):
    """Base of every error that multilane itself raises."""


class WorkerDied(MultilaneError, BrokenExecutor):
    """The worker that ran the task ended before the task did.

    Only this task is lost; the pool goes on with a fresh worker. Declare the task
    retriable (``retries=``) to have it run again.
    """


class WorkerMemoryExceeded(WorkerDied):
    """The worker was stopped because it used more memory than ``memory_limit``."""


class BrokenPool(MultilaneError, BrokenExecutor):
    """The pool cannot run anything any more, for the reason in the message."""


class TaskTimeout(MultilaneError, TimeoutError):
    """The task ran longer than its ``timeout``."""


class DependencyError(MultilaneError):
    """A task this one was waiting for failed; ``__cause__`` is its error.

    Attributes
    ----------
    chain : tuple of str
        Names of the tasks from this one to the one that failed.
    """

    def __init__(self, message: str, chain: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.chain = chain


class SerializationError(MultilaneError, TypeError):
    """A function, an argument or a result cannot go between processes."""


class BackendUnavailable(MultilaneError, RuntimeError):
    """The backend asked for does not work here."""


class PlanError(MultilaneError, ValueError):
    """A plan, an expression or a graph that cannot be built, read or run as asked.

    Attributes
    ----------
    file, line : str, int or None
        Where in the user's own source the mistake was made, when it was made there.
    """

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message if file is None else f"{file}:{line}: {message}")
        self.file = file
        self.line = line


class CircuitError(MultilaneError, ValueError):
    """A quantum circuit that cannot be built, read or run as asked."""


class RegisterBusy(MultilaneError, RuntimeError):
    """A live quantum register was used by a thread while another one was at work on it."""


class ConvergenceWarning(UserWarning):
    """An algorithm stopped at its bound before it reached the tolerance it was given."""


class ProtocolError(MultilaneError, ValueError):
    """A protocol or a Petri net that cannot be read or checked.

    Attributes
    ----------
    line : int or None
        The line of its text that is wrong, counted from 1.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class DeadlockError(MultilaneError, RuntimeError):
    """The wait would have closed a cycle of threads that wait for each other for ever.

    It is raised in the thread that was about to wait last; the others go on once that
    one has released what it holds.

    Attributes
    ----------
    steps : tuple of WaitStep
        Who waits for what, in the order of the cycle: each waits for something that the
        thread of the next step holds or has to run, the last for something of the first.
    """

    def __init__(self, message: str, steps: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.steps = steps


class LockAbandonedError(MultilaneError, RuntimeError):
    """The thread that holds the lock has ended, or did not come along in a fork."""


class LockOrderWarning(UserWarning):
    """Two locks are taken in both orders: two threads that do so at once may deadlock."""


class ActorError(MultilaneError, RuntimeError):
    """An actor cannot do what it was asked; the message names the actor."""


class ActorStopped(ActorError):
    """The actor has ended, so the message was not delivered; ``__cause__`` is the failure that ended it, if one did."""


class MailboxFull(ActorError, Full):
    """There was no room in the mailbox of an actor for a message from itself."""


class UnknownMessage(ActorError, AttributeError):
    """The state of an actor has no method of that name; it was not touched."""


class RemoteError(MultilaneError):
    """Stands for an exception of a worker that cannot be rebuilt in this process.

    Attributes
    ----------
    type_name : str
        Qualified name of the original exception's type.
    """

    def __init__(self, type_name: str, message: str) -> None:
        super().__init__(f"{type_name}: {message}")
        self.type_name = type_name
        self._message = message

    def __reduce__(self) -> tuple[type[RemoteError], tuple[str, str]]:
        return type(self), (self.type_name, self._message)


class RemoteTraceback(Exception):
    """The traceback of a worker, as the ``__cause__`` of the error it belongs to."""

    def __init__(self, tb: str) -> None:
        super().__init__(tb)
        self.tb = tb

    def __str__(self) -> str:
        return f'\n"""\n{self.tb}"""'
