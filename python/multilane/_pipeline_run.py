"""Runs of a pipeline: how items go from the source through the stages to whoever iterates.

One thread reads the source, and each stage has threads that take an item, have it worked on, and hand it on in its
turn. The work is done by the thread itself or by a pool, of which it waits for the result. Stopping a run shuts its
channels down and cancels what is in pools, which ends every wait; nothing here waits with a timeout or polls.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, NamedTuple

from multilane import sync

if TYPE_CHECKING:
    from multilane._executor import Executor
    from multilane._handle import Handle
    from multilane._pipeline import Stage

__all__ = ["PipelineRun", "SerialRun", "StageFailure", "StageStats", "ThreadedRun"]


class StageFailure(NamedTuple):
    """Stands where the result of an item would, when a stage raised and ``errors='keep'``.

    Attributes
    ----------
    item : object
        What the source gave.
    stage : str
        The stage that raised.
    error : BaseException
        What it raised.
    """

    item: Any
    stage: str
    error: BaseException


class StageStats(NamedTuple):
    """What one stage did so far.

    Attributes
    ----------
    name : str
    workers : int
    items : int
        Calls that have ended.
    busy : float
        Seconds in those calls, over all workers.
    utilisation : float
        Share of the run that its workers were in calls, 0 to 1; the stage where it is largest limits the pipeline.
    """

    name: str
    workers: int
    items: int
    busy: float
    utilisation: float


class PipelineRun(ABC):
    """The results of a pipeline, as an iterator.

    ``with`` or `close` ends it early; so does letting go of it.

    Examples
    --------
    >>> import multilane as ml
    >>> run = ml.pipeline(abs, backend="serial")([-1, -2])
    >>> next(run), run.undelivered
    (1, [])
    """

    def __iter__(self) -> Iterator[Any]:
        return self

    @abstractmethod
    def __next__(self) -> Any: ...

    @abstractmethod
    def close(self) -> None:
        """Stop: no stage begins with another item.

        Calls in worker processes are stopped. A call in a thread runs to its end, and nobody waits for it.
        """

    @property
    @abstractmethod
    def undelivered(self) -> list[Any]:
        """What was read of the source without its result, or its error, having been handed out, in order."""

    @property
    @abstractmethod
    def stages(self) -> tuple[StageStats, ...]:
        """What each stage did so far."""

    def __enter__(self) -> PipelineRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Trouble(NamedTuple):
    """An error on its way to whoever iterates, with the stage it comes from; None for the source."""

    stage: str | None
    error: BaseException


class _Parcel(NamedTuple):
    """An item on its way; ``value`` is a `_Trouble` once something went wrong with it."""

    number: int
    value: Any


def _raised(name: str, number: int, trouble: _Trouble) -> BaseException:
    """Name pipeline, stage and item in an error."""
    error = trouble.error
    where = f"the stage `{trouble.stage}`" if trouble.stage else "the source"
    if isinstance(error, StopIteration):
        # Raised by `__next__` it would pass for the end of the results.
        error = RuntimeError(f"{where} raised StopIteration")
    # The call was submitted by a thread of the run, which says nothing to anybody.
    notes = [note for note in getattr(error, "__notes__", ()) if not note.startswith("submitted at ")]
    error.__notes__ = notes
    error.add_note(f"in {where} of the pipeline `{name}`, for item {number} of the source")
    return error


class _Flow:
    """What the threads of a run share; knows nothing of the iterator, so that letting go of that one ends the run."""

    def __init__(self, stages: Sequence[Stage], buffer: int) -> None:
        # One before each stage and one behind the last.
        self.channels: list[sync.Channel[_Parcel | None]] = [sync.Channel(buffer) for _ in range(len(stages) + 1)]
        #: Channels that only the workers of one stage use.
        self.others: list[sync.Channel[None]] = []
        self.inputs: dict[int, Any] = {}
        #: Calls in pools that would have to be stopped.
        self.handles: set[Handle[Any]] = set()
        self.started = time.monotonic()
        self.ended: float | None = None
        self.crash: BaseException | None = None

    def stop(self) -> None:
        """End every wait of the run's threads."""
        if self.ended is None:
            self.ended = time.monotonic()
        for channel in self.channels:
            channel.shutdown(immediate=True)
        for other in self.others:
            other.shutdown(immediate=True)
        for handle in self.handles.copy():
            handle.cancel()


class ThreadedRun(PipelineRun):
    """A run whose stages have workers.

    Parameters
    ----------
    name : str
    stages : sequence of Stage
    pools : sequence of Executor or None
        Where the functions run; None for the threads of the run itself.
    source : iterator
    buffer : int
    ordered : bool
    keep : bool
        Whether errors are handed out instead of raised.
    """

    def __init__(
        self,
        name: str,
        stages: Sequence[Stage],
        pools: Sequence[Executor | None],
        source: Iterator[Any],
        *,
        buffer: int,
        ordered: bool,
        keep: bool,
    ) -> None:
        self.name = name
        self._keep = keep
        self._over = False
        self._owner = os.getpid()
        self._flow = flow = _Flow(stages, buffer)
        self._output = flow.channels[-1]
        self._finalizer = weakref.finalize(self, flow.stop)
        self._crews = [
            Crew(flow, stage, pool, before, behind, buffer if ordered else None)
            for stage, pool, before, behind in zip(stages, pools, flow.channels, flow.channels[1:], strict=False)
        ]
        jobs: list[tuple[str, Callable[[], None]]] = [("source", lambda: _feed(flow, source))]
        jobs += [(crew.stage.label, lane.run) for crew in self._crews for lane in crew.lanes]
        # Whoever reads the source may be in the user's code for ever, and must not keep the program from ending.
        self._threads = [
            threading.Thread(target=_guarded, args=(flow, job), name=f"{name}: {what}", daemon=True)
            for what, job in jobs
        ]
        for thread in self._threads:
            thread.start()

    def __next__(self) -> Any:
        if self._over:
            raise StopIteration
        if self._owner != os.getpid():
            raise RuntimeError(f"this run of `{self.name}` belongs to the process that forked this one; start one here")
        try:
            parcel = self._output.get()
        except sync.ShutDown:
            if self._flow.crash is not None:
                raise self._flow.crash from None
            raise CancelledError(f"the pipeline `{self.name}` was closed before its end") from None
        if parcel is None:
            self._end()
            raise StopIteration
        number, value = parcel
        item = self._flow.inputs.pop(number, None)
        if not isinstance(value, _Trouble):
            return value
        if self._keep and value.stage is not None:
            return StageFailure(item, value.stage, value.error)
        self._end()
        raise _raised(self.name, number, value)

    def _end(self) -> None:
        self._over = True
        self._finalizer()

    def close(self) -> None:
        self._finalizer()

    def join(self) -> None:
        """Wait until the calls that run have ended; whoever reads the source may be in the user's iterator."""
        for thread in self._threads[1:]:
            if thread is not threading.current_thread():
                thread.join()

    @property
    def undelivered(self) -> list[Any]:
        inputs = self._flow.inputs.copy()
        return [inputs[number] for number in sorted(inputs)]

    @property
    def stages(self) -> tuple[StageStats, ...]:
        seconds = max((self._flow.ended or time.monotonic()) - self._flow.started, 1e-9)
        found = []
        for crew in self._crews:
            items, busy = sum(lane.items for lane in crew.lanes), sum(lane.busy for lane in crew.lanes)
            workers = crew.stage.workers
            found.append(StageStats(crew.stage.label, workers, items, busy, min(1.0, busy / seconds / workers)))
        return tuple(found)


def _guarded(flow: _Flow, job: Callable[[], None]) -> None:
    """Run a thread of a run; an error of our own ends the run instead of leaving it waiting."""
    try:
        job()
    except sync.ShutDown:
        pass
    except BaseException as error:
        flow.crash = error
        flow.stop()


def _feed(flow: _Flow, source: Iterator[Any]) -> None:
    """Carry the items of the source to the first stage."""
    first = flow.channels[0]
    number = 0
    while not first.is_shutdown:
        try:
            value = next(source)
        except StopIteration:
            break
        except BaseException as error:
            first.put(_Parcel(number, _Trouble(None, error)))
            break
        flow.inputs[number] = value
        first.put(_Parcel(number, value))
        number += 1
    first.put(None)


class Crew:
    """The threads of one stage, and the order of what they hand on.

    Results that are done before their turn wait in ``early``; a token for each item that is in work or waits there
    bounds how many that are. Whoever brings the result whose turn it is hands on that one and all that follow it.
    """

    def __init__(
        self,
        flow: _Flow,
        stage: Stage,
        pool: Executor | None,
        before: sync.Channel[_Parcel | None],
        behind: sync.Channel[_Parcel | None],
        buffer: int | None,
    ) -> None:
        self.flow = flow
        self.stage = stage
        self.pool = pool
        self.before = before
        self.behind = behind
        # A worker process has the next item before the result of the last is taken.
        count = stage.workers if pool is None else stage.workers + 1
        self.lanes = [Lane(self) for _ in range(count)]
        self.working = count
        self.lock = sync.Lock()
        self.ordered = buffer is not None and count > 1
        self.tokens: sync.Channel[None] = sync.Channel()
        self.early: dict[int, _Parcel] = {}
        self.turn = 0
        self.handing_on = False
        if buffer is not None and self.ordered:
            flow.others.append(self.tokens)
            for _ in range(count + buffer):
                self.tokens.put(None)

    def hand_on(self, parcel: _Parcel) -> None:
        """Pass a result on in its turn."""
        if not self.ordered:
            self.behind.put(parcel)
            return
        with self.lock:
            self.early[parcel.number] = parcel
            if self.handing_on:
                return
            self.handing_on = True
        while True:
            with self.lock:
                found = self.early.pop(self.turn, None)
                if found is None:
                    self.handing_on = False
                    return
                self.turn += 1
            self.behind.put(found)
            self.tokens.put(None)

    def leave(self) -> None:
        """End one lane; the last one ends the stage behind."""
        with self.lock:
            self.working -= 1
            last = self.working == 0
        (self.behind if last else self.before).put(None)


class Lane:
    """One thread of a stage: takes an item, has it worked on, hands it on."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.items = 0
        self.busy = 0.0

    def run(self) -> None:
        """Work until the items have ended."""
        crew = self.crew
        call = self._call if crew.pool is None else self._submit
        while True:
            if crew.ordered:
                crew.tokens.get()
            parcel = crew.before.get()
            if parcel is None:
                crew.leave()
                return
            if not isinstance(parcel.value, _Trouble):
                try:
                    value = call(parcel.value)
                except BaseException as error:
                    value = _Trouble(crew.stage.label, error)
                self.items += 1
                parcel = _Parcel(parcel.number, value)
            crew.hand_on(parcel)

    def _call(self, value: Any) -> Any:
        began = time.monotonic()
        try:
            return self.crew.stage.function(value)
        except BaseException as error:
            from multilane._errors_codec import note_call

            note_call(error, self.crew.stage.function, (value,), None)
            raise
        finally:
            self.busy += time.monotonic() - began

    def _submit(self, value: Any) -> Any:
        crew, stage = self.crew, self.crew.stage
        assert crew.pool is not None, "only a crew with a pool submits"
        if stage.timeout is None and stage.retries == 0:
            handle = crew.pool.submit(stage.function, value)
        else:
            handle = crew.pool.submit_with(stage.function, (value,), timeout=stage.timeout, retries=stage.retries)
        handles = crew.flow.handles
        handles.add(handle)
        if crew.before.is_shutdown:
            # The run was stopped before it could know of this call.
            handle.cancel()
        try:
            return handle.result()
        finally:
            handles.discard(handle)
            stats = handle.stats
            if stats is not None:
                self.busy += stats.wall


class SerialRun(PipelineRun):
    """A run in the thread that iterates: one item goes through all stages, then the next."""

    def __init__(self, name: str, stages: Sequence[Stage], source: Iterator[Any], *, keep: bool) -> None:
        self.name = name
        self._stages = stages
        self._source = source
        self._keep = keep
        self._number = 0
        self._over = self._closed = False
        self._items = [0] * len(stages)
        self._busy = [0.0] * len(stages)
        self._started = time.monotonic()
        for stage in stages:
            if stage.initializer is not None:
                stage.initializer(*stage.initargs)

    def __next__(self) -> Any:
        if self._closed and not self._over:
            raise CancelledError(f"the pipeline `{self.name}` was closed before its end")
        if self._over:
            raise StopIteration
        number = self._number
        try:
            item = value = next(self._source)
        except StopIteration:
            self._over = True
            raise
        except BaseException as error:
            self._over = True
            raise _raised(self.name, number, _Trouble(None, error)) from error.__cause__
        self._number += 1
        for index, stage in enumerate(self._stages):
            try:
                value = self._call(index, value)
            except Exception as error:
                if self._keep:
                    return StageFailure(item, stage.label, error)
                self._over = True
                raise _raised(self.name, number, _Trouble(stage.label, error)) from error.__cause__
        return value

    def _call(self, index: int, value: Any) -> Any:
        stage = self._stages[index]
        for attempt in range(stage.retries + 1):
            began = time.monotonic()
            try:
                return stage.function(value)
            except Exception:
                if attempt == stage.retries:
                    raise
            finally:
                self._items[index] += 1
                self._busy[index] += time.monotonic() - began
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        self._closed = True

    @property
    def undelivered(self) -> list[Any]:
        return []

    @property
    def stages(self) -> tuple[StageStats, ...]:
        seconds = max(time.monotonic() - self._started, 1e-9)
        return tuple(
            StageStats(stage.label, 1, items, busy, min(1.0, busy / seconds))
            for stage, items, busy in zip(self._stages, self._items, self._busy, strict=True)
        )
