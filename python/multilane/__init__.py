"""Runs Python work on every core, and proves it.

`parallel` makes a function's calls run on workers, `Executor` is a drop-in
`concurrent.futures.Executor`, `map` spreads many calls, `record` keeps what every
worker did, and `prove` says whether it ran in parallel. `evaluate`, `lazy` and
`Builder` compute with whole arrays, `graph` with graphs, and `quantum` with the states of
quantum circuits, on all cores. `sync` has locks and channels that notice deadlocks.

Names are imported when they are first used: a worker process needs few of them, and not even `typing`, which takes
as long as the rest of its start.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from multilane import graph as graph
    from multilane import quantum as quantum
    from multilane import sync as sync
    from multilane._actor import Actor as Actor
    from multilane._arrays import empty as empty
    from multilane._arrays import share as share
    from multilane._builder import Builder as Builder
    from multilane._evaluate import evaluate as evaluate
    from multilane._executor import Executor as Executor
    from multilane._handle import CancelOutcome as CancelOutcome
    from multilane._handle import Handle as Handle
    from multilane._handle import Progress as Progress
    from multilane._handle import TaskStats as TaskStats
    from multilane._lazy import LazyArray as LazyArray
    from multilane._lazy import lazy as lazy
    from multilane._map import map as map
    from multilane._map import starmap as starmap
    from multilane._metrics import FunctionMetrics as FunctionMetrics
    from multilane._metrics import metrics as metrics
    from multilane._multilane import Trace as Trace
    from multilane._multilane import __version__ as __version__
    from multilane._multilane import report_progress as report_progress
    from multilane._parallel import Parallel as Parallel
    from multilane._parallel import parallel as parallel
    from multilane._pipeline import Pipeline as Pipeline
    from multilane._pipeline import PipelineRun as PipelineRun
    from multilane._pipeline import Stage as Stage
    from multilane._pipeline import StageFailure as StageFailure
    from multilane._pipeline import StageStats as StageStats
    from multilane._pipeline import pipeline as pipeline
    from multilane._plan import Plan as Plan
    from multilane._plan import optimize as optimize
    from multilane._prove import Proof as Proof
    from multilane._prove import prove as prove
    from multilane._record import Recording as Recording
    from multilane._record import record as record
    from multilane._scale import Scaling as Scaling
    from multilane._scale import memory_bandwidth as memory_bandwidth
    from multilane._scale import scale as scale
    from multilane._waiting import as_completed as as_completed
    from multilane._waiting import gather as gather
    from multilane._waiting import wait as wait
    from multilane.errors import ActorError as ActorError
    from multilane.errors import ActorStopped as ActorStopped
    from multilane.errors import BackendUnavailable as BackendUnavailable
    from multilane.errors import BrokenPool as BrokenPool
    from multilane.errors import CircuitError as CircuitError
    from multilane.errors import ConvergenceWarning as ConvergenceWarning
    from multilane.errors import DeadlockError as DeadlockError
    from multilane.errors import DependencyError as DependencyError
    from multilane.errors import LockAbandonedError as LockAbandonedError
    from multilane.errors import LockOrderWarning as LockOrderWarning
    from multilane.errors import MailboxFull as MailboxFull
    from multilane.errors import MultilaneError as MultilaneError
    from multilane.errors import PlanError as PlanError
    from multilane.errors import ProtocolError as ProtocolError
    from multilane.errors import RegisterBusy as RegisterBusy
    from multilane.errors import RemoteError as RemoteError
    from multilane.errors import SerializationError as SerializationError
    from multilane.errors import TaskTimeout as TaskTimeout
    from multilane.errors import UnknownMessage as UnknownMessage
    from multilane.errors import WorkerDied as WorkerDied
    from multilane.errors import WorkerMemoryExceeded as WorkerMemoryExceeded
    from multilane.parallelism import ParallelAnalyzer as ParallelAnalyzer
    from multilane.parallelism import ParallelExecutionPlan as ParallelExecutionPlan
    from multilane.parallelism import ParallelGroup as ParallelGroup
    from multilane.parallelism import analyze_parallelism as analyze_parallelism
    from multilane.parallelism import is_data_parallel_op as is_data_parallel_op
    from multilane.parallelism import is_thread_safe_op as is_thread_safe_op
    from multilane.parallelism import print_parallelism_report as print_parallelism_report

_HOMES = {
    "_actor": ("Actor",),
    "_arrays": ("empty", "share"),
    "_builder": ("Builder",),
    "_evaluate": ("evaluate",),
    "_executor": ("Executor",),
    "_handle": ("CancelOutcome", "Handle", "Progress", "TaskStats"),
    "_lazy": ("LazyArray", "lazy"),
    "_map": ("map", "starmap"),
    "_metrics": ("FunctionMetrics", "metrics"),
    "_multilane": ("Trace", "__version__", "report_progress"),
    "_parallel": ("Parallel", "parallel"),
    "_pipeline": ("Pipeline", "PipelineRun", "Stage", "StageFailure", "StageStats", "pipeline"),
    "_plan": ("Plan", "optimize"),
    "_prove": ("Proof", "prove"),
    "_record": ("Recording", "record"),
    "_scale": ("Scaling", "memory_bandwidth", "scale"),
    "_waiting": ("as_completed", "gather", "wait"),
    "errors": (
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
        "SerializationError",
        "TaskTimeout",
        "UnknownMessage",
        "WorkerDied",
        "WorkerMemoryExceeded",
    ),
    "parallelism": (
        "ParallelAnalyzer",
        "ParallelExecutionPlan",
        "ParallelGroup",
        "analyze_parallelism",
        "is_data_parallel_op",
        "is_thread_safe_op",
        "print_parallelism_report",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

_PACKAGES = {"graph", "quantum", "sync"}

__all__ = sorted({*_HOME_OF, *_PACKAGES})


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"multilane.{name}")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'multilane' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"multilane.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
