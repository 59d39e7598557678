"""`Actor`: state that one worker owns, and that others reach by messages only.

Sends messages, bounds the mailbox and supervises; `_actor_cell` keeps the state, in this process or in one of its
own. Every message is a task of an executor with one thread, the actor's: that is the mailbox, the order of the
messages, and the `Handle` of an answer. What follows from a failure is decided in that thread before the next message.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from multilane import _multilane, sync
from multilane._actor_cell import Cell, LocalCell, ProcessCell, StateLost
from multilane._checks import positive_count, positive_seconds, whole_number
from multilane._executor import Executor
from multilane._functions import name_of
from multilane._handle import Handle
from multilane.errors import (
    ActorError,
    ActorStopped,
    BackendUnavailable,
    MailboxFull,
    SerializationError,
    UnknownMessage,
    WorkerDied,
)

__all__ = ["Actor"]

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")

POLICIES = ("restart", "resume", "stop", "escalate")

_log = logging.getLogger("multilane.actor")
_live: weakref.WeakSet[Actor[Any]] = weakref.WeakSet()


class _Here(threading.local):
    """The actor whose message the current thread is in the middle of."""

    actor: Actor[Any] | None = None


_here = _Here()


class Actor(Generic[S]):
    """State with a worker of its own, which takes one message at a time.

    A message is the name of a method of the state, or a function that is called with the state first, and arguments.
    Since nothing else can reach the state, it needs no lock.

    Parameters
    ----------
    factory : callable
        Makes the state; a class, for example. Called in the actor's worker, at the start and for each restart.
    *args
        Its arguments.
    name : str, optional
        For messages and traces; the factory's name by default.
    backend : {'threads', 'processes'}
        Where the state lives: in a thread of this process, or in a worker process of its own, where its Python code
        does not share an interpreter lock. Arguments and answers then have to travel.
    mailbox : int
        Messages that may wait. `ask` and `tell` wait for room while there are more, unless the actor sends to itself.
    on_failure : {'restart', 'resume', 'stop', 'escalate'} or callable
        What happens when a message raises: the state is made anew; it is kept; the actor ends; or it ends and its
        supervisor fails in turn. A callable gets the error and returns one of these. When the worker process dies,
        'resume' makes the state anew too, since it is gone. Messages that wait are kept, unless the actor ends.
    max_restarts : int
        Restarts within ``within`` seconds; the next one escalates instead.
    within : float
        Seconds.
    supervisor : Actor, optional
        The actor that fails when this one escalates, and whose end or restart ends this one; by default the one in
        whose message or factory this one is made. Without any, the next use of the actor raises.

    Raises
    ------
    Exception
        What the factory raises.
    BackendUnavailable
        The backend does not work here.

    Notes
    -----
    A state that has a method ``close`` gets it called before it is let go: at the end, and before a restart.

    Examples
    --------
    >>> import multilane as ml
    >>> class Counter:
    ...     def __init__(self, start):
    ...         self.count = start
    ...     def add(self, number):
    ...         self.count += number
    ...         return self.count
    >>> with ml.Actor(Counter, 10) as counter:
    ...     counter.tell("add", 1)
    ...     counter.ask("add", 2).result()
    13
    """

    def __init__(
        self,
        factory: Callable[..., S],
        *args: Any,
        name: str | None = None,
        backend: str = "threads",
        mailbox: int = 1000,
        on_failure: str | Callable[[BaseException], str] = "restart",
        max_restarts: int = 3,
        within: float = 60.0,
        supervisor: Actor[Any] | None = None,
    ) -> None:
        if not callable(factory):
            raise TypeError(f"`factory` is {factory!r}, but must be callable: it makes the state")
        _check(backend, mailbox, on_failure, max_restarts, within)
        self.name = name or name_of(factory)
        self.backend = backend
        self.supervisor = _here.actor if supervisor is None else supervisor
        self._on_failure = on_failure
        self._max_restarts = max_restarts
        self._within = within
        self._restarts: deque[float] = deque()
        self._restarted = 0
        self._children: weakref.WeakSet[Actor[Any]] = weakref.WeakSet()
        # The message in work has left the mailbox.
        self._room = sync.Semaphore(mailbox + 1)
        self._accepts = True
        #: Why messages that still wait are refused, once they are.
        self._over: str | None = None
        self._cause: BaseException | None = None
        #: A failure that nobody was told of yet.
        self._unseen: BaseException | None = None
        self._messages: dict[tuple[str, bool], _Message] = {}
        self._cell: Cell = LocalCell(factory, args) if backend == "threads" else ProcessCell(factory, args, self.name)
        self._executor = Executor(1, "threads", name=f"actor {self.name}")
        try:
            self._executor.submit(self._start).result()
        except BaseException as error:
            self._accepts, self._over = False, "could not start"
            self._executor.submit(self._cell.end)
            self._executor.shutdown(wait=False)
            error.add_note(f"at the start of the actor `{self.name}`")
            raise
        if self.supervisor is not None:
            self.supervisor._children.add(self)
        _live.add(self)

    @overload
    def ask(self, message: str, /, *args: Any, **kwargs: Any) -> Handle[Any]: ...
    @overload
    def ask(self, message: Callable[Concatenate[S, P], R], /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]: ...
    def ask(self, message: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> Handle[Any]:
        """Send a message and return the handle of its answer.

        Handles among the arguments stand for their results, and the message is sent when they are there.

        Raises
        ------
        ActorStopped
            The actor has ended. The handle raises it for messages that were still waiting then.
        ActorError
            The actor asks itself.
        """
        return self._send(message, False, args, kwargs)

    @overload
    def tell(self, message: str, /, *args: Any, **kwargs: Any) -> None: ...
    @overload
    def tell(self, message: Callable[Concatenate[S, P], object], /, *args: P.args, **kwargs: P.kwargs) -> None: ...
    def tell(self, message: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """Send a message that nobody waits for; see `ask`.

        An error of it is logged by ``multilane.actor``, and handled as ``on_failure`` says.

        Raises
        ------
        ActorStopped
            The actor has ended.
        MailboxFull
            The actor sends to itself, and there is no room.
        """
        self._send(message, True, args, kwargs)

    def _send(
        self, message: str | Callable[..., Any], told: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Handle[Any]:
        if isinstance(message, str):
            call = self._messages.get((message, told))
            if call is None:
                call = self._messages.setdefault((message, told), _Message(self, message, told))
        elif callable(message):
            call = _Message(self, message, told)
        else:
            raise TypeError(f"a message is the name of a method or a function, not {message!r}")
        if not self._accepts:
            raise self._stopped(call.__qualname__)
        itself = _here.actor is self
        if itself and not told:
            raise ActorError(
                f"the actor `{self.name}` asks itself `{call.__qualname__}` and could not answer while it does; "
                "call the method, or use `tell`"
            )
        if not self._room.acquire(not itself):
            raise MailboxFull(f"the mailbox of the actor `{self.name}` is full, and it would wait for itself")
        try:
            # It may have ended while this thread waited for room.
            if not self._accepts:
                raise self._stopped(call.__qualname__)
            handle: Handle[Any] = self._enqueue(call, *args, **kwargs)
        except BaseException:
            self._room.release()
            raise
        handle.add_done_callback(self._make_room)
        return handle

    def _enqueue(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Handle[Any]:
        if _here.actor is not self:
            return self._executor.submit(call, *args, **kwargs)
        # A worker that waits runs the tasks of its own task meanwhile; a message to oneself must wait for its turn, so
        # it is submitted by somebody else.
        outcome: list[Handle[Any] | Exception] = []

        def submit() -> None:
            try:
                outcome.append(self._executor.submit(call, *args, **kwargs))
            except Exception as error:
                outcome.append(error)

        relay = threading.Thread(target=submit)
        relay.start()
        relay.join()
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _make_room(self, _: object) -> None:
        self._room.release()

    def _stopped(self, call: str) -> ActorStopped:
        self._unseen = None
        why = self._over or "is stopped"
        error = ActorStopped(f"the actor `{self.name}` {why}; the message `{call}` was not delivered")
        error.__cause__ = self._cause
        return error

    # From here to `_end_children`: in the actor's thread.

    def _start(self) -> None:
        before, _here.actor = _here.actor, self
        try:
            self._cell.start()
        finally:
            _here.actor = before

    def _deliver(self, call: _Message, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._over is not None:
            raise self._stopped(call.__qualname__)
        before, _here.actor = _here.actor, self
        try:
            try:
                return self._cell.call(call.message, args, kwargs)
            except StateLost:
                # The process died between two messages: this one has not begun.
                self._fail(WorkerDied(f"the process of the actor `{self.name}` died while it waited for messages"))
                if self._over is not None:
                    raise self._stopped(call.__qualname__) from self._cause
                return self._cell.call(call.message, args, kwargs)
        except (SerializationError, UnknownMessage, ActorStopped) as error:
            # The state has not seen the message, or is done with it.
            self._note(call, error, "the state is as it was")
            raise
        except BaseException as error:
            self._note(call, error, self._fail(error))
            raise
        finally:
            _here.actor = before

    def _note(self, call: _Message, error: BaseException, then: str) -> None:
        error.add_note(f"in the actor `{self.name}`, message `{call.__qualname__}`; {then}")
        if call.told:
            _log.error("the message `%s` raised %s: %s; %s", call.__qualname__, type(error).__name__, error, then)

    def _fail(self, error: BaseException) -> str:
        """Do what the policy says; what was done, in words."""
        try:
            policy = self._on_failure if isinstance(self._on_failure, str) else self._on_failure(error)
        except Exception as wrong:
            return self._escalate(wrong, f"failed, and `on_failure` raised {type(wrong).__name__}: {wrong}")
        if policy not in POLICIES:
            return self._escalate(error, f"failed, and `on_failure` returned {policy!r}")
        if policy == "resume" and not isinstance(error, WorkerDied):
            return "the state is kept"
        if policy == "stop":
            return self._finish(error, f"was stopped by {type(error).__name__}: {error}")
        if policy == "escalate":
            return self._escalate(error, f"failed with {type(error).__name__}: {error}")
        now = time.monotonic()
        while self._restarts and self._restarts[0] < now - self._within:
            self._restarts.popleft()
        if len(self._restarts) >= self._max_restarts:
            why = f"failed again after {len(self._restarts)} restarts within {self._within:g} s"
            return self._escalate(error, f"{why}, with {type(error).__name__}: {error}")
        self._restarts.append(now)
        self._end_children(f"ended with its supervisor `{self.name}`, which was restarted")
        try:
            self._cell.restart()
        except BaseException as again:
            return self._escalate(again, f"could not be restarted: {type(again).__name__}: {again}")
        self._restarted += 1
        return "the actor was restarted"

    def _escalate(self, error: BaseException, why: str) -> str:
        self._finish(error, why)
        if self.supervisor is None:
            self._unseen = error
            return "the actor ended"
        failure = ActorStopped(f"the actor `{self.name}` {why}")
        failure.__cause__ = error
        self.supervisor._child_failed(self, failure)
        return f"the actor ended, and its supervisor `{self.supervisor.name}` was told"

    def _finish(self, error: BaseException | None, why: str) -> str:
        """End: what waits is refused from here on."""
        self._accepts, self._over, self._cause = False, why, error
        self._end_children(f"ended with its supervisor `{self.name}`")
        try:
            self._cell.end()
        except Exception:
            _log.exception("the actor `%s` could not be closed", self.name)
        return "the actor ended"

    def _child_failed(self, child: Actor[Any], error: ActorStopped) -> None:
        """Take the failure of a child for one of this actor's own, in its turn and whatever the mailbox holds."""

        def fail() -> None:
            if self._over is None:
                _log.error("the actor `%s` fails with its `%s`: %s", self.name, child.name, self._fail(error))

        try:
            self._enqueue(fail)
        except RuntimeError:
            _log.error("the actor `%s` failed after its supervisor `%s` had ended", child.name, self.name)

    def _end_children(self, why: str) -> None:
        for child in list(self._children):
            self._children.discard(child)
            child._leave(why)

    # Until here.

    def _leave(self, why: str) -> None:
        """End without waiting: what is in work ends, what waits is refused."""
        if self._over is None:
            self._accepts, self._over = False, why
            self._close_soon()

    def _close_soon(self) -> None:
        def finish() -> None:
            if self._over is None or self._cause is None:
                self._finish(None, self._over or "is stopped")

        try:
            self._enqueue(finish)
        except RuntimeError:
            return  # it is closing already
        self._executor.shutdown(wait=False)

    def stop(self, *, drain: bool = True) -> None:
        """End the actor once its messages are done, and wait for that.

        Called by the actor itself it does not wait.

        Parameters
        ----------
        drain : bool
            Whether messages that wait are still delivered; otherwise they fail with `ActorStopped`.

        Raises
        ------
        ActorStopped
            The actor had ended by a failure that nobody was told of.
        """
        self._accepts = False
        if not drain and self._over is None:
            self._over = "is stopped"
        children = list(self._children)
        self._close_soon()
        if _here.actor is self:
            return
        self._executor.shutdown(wait=True)
        for child in children:
            child.stop(drain=False)
        if self._unseen is not None:
            unseen, self._unseen = self._unseen, None
            raise ActorStopped(f"the actor `{self.name}` {self._over}") from unseen

    def kill(self) -> None:
        """End the actor now: its process, if it has one; a message that runs in a thread runs on, and nobody waits."""
        self._leave("was killed")
        self._over = "was killed"
        self._cell.kill(f"the actor `{self.name}` was killed")

    @property
    def alive(self) -> bool:
        """Whether it takes messages."""
        return self._accepts

    @property
    def restarts(self) -> int:
        """How often its state was made anew."""
        return self._restarted

    def __enter__(self) -> Actor[S]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.stop()
            return
        # The error of the block is what its reader wants to see.
        try:
            self.stop(drain=False)
        except ActorStopped:
            return

    def __repr__(self) -> str:
        state = "takes messages" if self._accepts else self._over or "is stopped"
        return f"<Actor `{self.name}` on {self.backend}: {state}>"


class _Message:
    """What the actor's executor calls: its name is what traces, notes and handles show."""

    def __init__(self, actor: Actor[Any], message: str | Callable[..., Any], told: bool) -> None:
        self.actor = actor
        self.message = message
        self.told = told
        self.__qualname__ = f"{actor.name}.{message if isinstance(message, str) else name_of(message)}"
        self.__module__ = "builtins"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.actor._deliver(self, args, kwargs)


def _check(backend: str, mailbox: object, on_failure: object, max_restarts: object, within: object) -> None:
    if backend not in ("threads", "processes"):
        raise ValueError(
            f"an actor needs a worker of its own, so `backend` is 'threads' or 'processes', and not {backend!r}"
        )
    if backend == "processes" and _multilane.in_worker():
        raise BackendUnavailable(
            "inside a task of a worker process, an actor cannot have a process of its own; use backend='threads'"
        )
    if mailbox is None:
        raise ValueError("`mailbox` is None, but must be a positive number: a mailbox is bounded")
    positive_count(mailbox, "mailbox")
    if not callable(on_failure) and on_failure not in POLICIES:
        raise ValueError(f"`on_failure` is {on_failure!r}, but must be callable or one of {', '.join(POLICIES)}")
    if not whole_number(max_restarts, 0):
        raise ValueError(f"`max_restarts` is {max_restarts!r}, but must be a whole number, 0 or more")
    if within is None:
        raise ValueError("`within` is None, but must be a positive number of seconds")
    positive_seconds(within, "within")


def _at_exit() -> None:
    for actor in list(_live):
        try:
            actor.stop()
        except ActorStopped as error:
            _log.error("%s", error)


# Registered after the executors', so called before: an actor's messages need its executor.
threading._register_atexit(_at_exit)  # type: ignore[attr-defined]  # typeshed leaves it out; the executors use it
