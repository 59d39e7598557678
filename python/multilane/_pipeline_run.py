"""Runs of a pipeline: how items go from the source through the stages to whoever iterates.

One thread reads the source, and one for each stage carries items: it waits at several channels at once (the one
before, the one behind, and the one that its workers report to), so it never sleeps while there is something to do.
The functions themselves run on the executors of the stages. Stopping a run shuts its channels down, which ends every
wait; nothing here waits with a timeout or polls.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections import deque
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

    def __init__(self, stages: Sequence[Stage], pools: Sequence[Executor], buffer: int, ordered: bool) -> None:
        self.stages = stages
        self.pools = pools
        self.buffer = buffer
        self.ordered = ordered
        # One before each stage and one behind the last. The channel itself holds a single item: what may wait behind
        # a stage waits at its carrier, which has it in order.
        self.channels: list[sync.Channel[_Parcel | None]] = [sync.Channel(1) for _ in range(len(stages) + 1)]
        self.reports: list[sync.Channel[_Call]] = [sync.Channel() for _ in stages]
        self.inputs: dict[int, Any] = {}
        self.items = [0] * len(stages)
        self.busy = [0.0] * len(stages)
        self.started = time.monotonic()
        self.ended: float | None = None
        self.crash: BaseException | None = None

    def stop(self) -> None:
        """End every wait of the run's threads."""
        if self.ended is None:
            self.ended = time.monotonic()
        for channel in self.channels:
            channel.shutdown(immediate=True)
        for report in self.reports:
            report.shutdown(immediate=True)


class _Call:
    """An item that a stage has begun with."""

    __slots__ = ("handle", "outcome", "parcel")

    def __init__(self, parcel: _Parcel) -> None:
        self.parcel = parcel
        self.handle: Handle[Any] | None = None
        self.outcome: _Parcel | None = None


class ThreadedRun(PipelineRun):
    """A run whose stages have workers."""

    def __init__(
        self,
        name: str,
        stages: Sequence[Stage],
        pools: Sequence[Executor],
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
        self._flow = flow = _Flow(stages, pools, buffer, ordered)
        self._output = flow.channels[-1]
        self._finalizer = weakref.finalize(self, flow.stop)
        jobs: list[tuple[str, Callable[[], None]]] = [("source", lambda: _feed(flow, source))]
        for index, stage in enumerate(stages):
            jobs.append((stage.label, _Carrier(flow, index).run))
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
        # The first one may be in the user's iterator; the others end at once.
        for thread in self._threads[1:]:
            if thread is not threading.current_thread():
                thread.join()

    @property
    def undelivered(self) -> list[Any]:
        inputs = self._flow.inputs.copy()
        return [inputs[number] for number in sorted(inputs)]

    @property
    def stages(self) -> tuple[StageStats, ...]:
        flow = self._flow
        seconds = max((flow.ended or time.monotonic()) - flow.started, 1e-9)
        return tuple(
            StageStats(stage.label, stage.workers, items, busy, min(1.0, busy / seconds / stage.workers))
            for stage, items, busy in zip(flow.stages, flow.items, flow.busy, strict=True)
        )


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


class _Carrier:
    """Carries items to the workers of one stage, and on."""

    def __init__(self, flow: _Flow, index: int) -> None:
        self.flow = flow
        self.index = index
        self.stage = flow.stages[index]
        self.pool = flow.pools[index]
        self.source = flow.channels[index]
        self.target = flow.channels[index + 1]
        self.reports = flow.reports[index]
        # One more than workers, so that none waits while a result is carried away.
        self.at_once = self.stage.workers + 1
        self.running = 0
        #: In the order of arrival; what was done out of order waits here.
        self.calls: deque[_Call] = deque()
        self.ready: deque[_Parcel] = deque()

    def run(self) -> None:
        """Carry until the source has ended and everything is on its way."""
        more = True
        try:
            while more or self.calls or self.ready:
                offers: list[Any] = []
                if self.running:
                    offers.append(self.reports)
                if self.ready:
                    offers.append((self.target, self.ready[0]))
                held = len(self.calls) - self.running + len(self.ready)
                if more and self.running < self.at_once and held < self.flow.buffer:
                    offers.append(self.source)
                selected = sync.select(*offers)
                assert selected is not None, "a select without a timeout returns a channel"
                channel, item = selected
                if channel is self.target:
                    self.ready.popleft()
                elif channel is self.reports:
                    self._take(item)
                elif item is None:
                    more = False
                else:
                    self._begin(item)
            self.target.put(None)
        finally:
            for call in self.calls:
                if call.handle is not None:
                    call.handle.cancel()

    def _begin(self, parcel: _Parcel) -> None:
        call = _Call(parcel)
        self.calls.append(call)
        if isinstance(parcel.value, _Trouble):
            call.outcome = parcel
            self._move_on(call)
            return
        stage = self.stage
        try:
            if stage.timeout is None and stage.retries == 0:
                handle = self.pool.submit(stage.function, parcel.value)
            else:
                handle = self.pool.submit_with(
                    stage.function, (parcel.value,), timeout=stage.timeout, retries=stage.retries
                )
        except Exception as error:
            # It cannot be sent, or the pool is gone: the item has this error like any other.
            call.outcome = _Parcel(parcel.number, _Trouble(stage.label, error))
            self._move_on(call)
            return
        call.handle = handle
        self.running += 1
        reports = self.reports

        def report(_: object) -> None:
            with contextlib.suppress(sync.ShutDown):
                reports.put(call)

        handle.add_done_callback(report)

    def _take(self, call: _Call) -> None:
        """Take the result of a call that has ended."""
        handle = call.handle
        assert handle is not None, "only a call with a handle reports"
        self.running -= 1
        try:
            value: Any = handle.result()
        except BaseException as error:
            value = _Trouble(self.stage.label, error)
        stats = handle.stats
        self.flow.items[self.index] += 1
        if stats is not None:
            self.flow.busy[self.index] += stats.wall
        call.outcome = _Parcel(call.parcel.number, value)
        call.handle = None
        self._move_on(call)

    def _move_on(self, call: _Call) -> None:
        """Make what may go on ready to go."""
        if not self.flow.ordered:
            self.calls.remove(call)
            assert call.outcome is not None, "a call moves on with its outcome"
            self.ready.append(call.outcome)
            return
        while self.calls and self.calls[0].outcome is not None:
            outcome = self.calls.popleft().outcome
            assert outcome is not None, "looked at above"
            self.ready.append(outcome)


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
