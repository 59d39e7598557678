"""`parallel`: a function whose calls run on workers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, ParamSpec, TypeVar, overload

from multilane._checks import positive_count, positive_seconds, retry_count
from multilane._executor import Executor, default_executor
from multilane._handle import Handle

__all__ = ["Parallel", "parallel"]

P = ParamSpec("P")
R = TypeVar("R")


class Parallel(Generic[P, R]):
    """A function whose calls return a `Handle` at once and run on a worker.

    Made by `parallel`. ``function.__wrapped__`` is the plain function.
    """

    __name__: str

    def __init__(self, function: Callable[P, R], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.__wrapped__ = function
        self._options = options
        self._executor: Executor | None = None
        timing = ("timeout", "retries", "backoff", "priority", "name")
        self._task_options = {key: options[key] for key in timing}
        self._plain = self._task_options == _DEFAULTS and options["max_pending"] is None
        self._own = options["max_pending"] is not None
        self._group: Any = None

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Handle[R]: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Handle[R]:
        """Run the function on a worker; its handle. Handles among the arguments stand for their results."""
        executor = self.executor
        if self._plain:
            handle = executor.submit(self.__wrapped__, *args, **kwargs)
        else:
            handle = executor.submit_with(self.__wrapped__, args, kwargs, **self._task_options)
        if self._options["progress"]:
            from multilane._map import watch

            self._group = watch(handle, self._group, self.__name__)
        return handle

    @property
    def executor(self) -> Executor:
        """The executor the calls run on."""
        executor = self._executor
        if executor is None or executor._closed or executor._pool.broken() is not None:
            backend, workers = self._options["backend"], self._options["workers"]
            if self._own:
                limit = self._options["max_pending"]
                executor = Executor(workers, backend, max_pending=limit, name=self.__name__)
            else:
                executor = default_executor(backend, workers)
            self._executor = executor
        return executor

    def map(self, *iterables: Iterable[Any], **options: Any) -> Iterator[R]:
        """Call the function with the items of the iterables side by side; see `multilane.map`."""
        return self.executor.map(self.__wrapped__, *iterables, **options)

    def options(self, **options: Any) -> Parallel[P, R]:
        """Return the same function with other options."""
        unknown = options.keys() - self._options.keys()
        if unknown:
            raise TypeError(f"`parallel` has no option {', '.join(sorted(unknown))}")
        return Parallel(self.__wrapped__, {**self._options, **options})

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        # A decorated method: the instance travels as the first argument.
        call: Callable[..., Any] = self
        return call if instance is None else functools.partial(call, instance)

    def __reduce__(self) -> tuple[Any, ...]:
        from multilane import _functions

        name = _functions._by_name(self.__wrapped__)
        if name is not None:
            module, qualified = self.__wrapped__.__module__, self.__wrapped__.__qualname__
            return _functions.lookup, (module, qualified)
        return Parallel, (self.__wrapped__, self._options)

    def __repr__(self) -> str:
        return f"<parallel {self.__wrapped__!r}>"


_DEFAULTS = {"timeout": None, "retries": 0, "backoff": 0.1, "priority": 0, "name": None}


@overload
def parallel(fn: Callable[P, R], /) -> Parallel[P, R]: ...
@overload
def parallel(
    *,
    workers: int | None = None,
    backend: str = "auto",
    timeout: float | None = None,
    retries: int = 0,
    backoff: float = 0.1,
    priority: int = 0,
    max_pending: int | None = None,
    name: str | None = None,
    progress: bool = False,
) -> Callable[[Callable[P, R]], Parallel[P, R]]: ...
def parallel(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    workers: int | None = None,
    backend: str = "auto",
    timeout: float | None = None,
    retries: int = 0,
    backoff: float = 0.1,
    priority: int = 0,
    max_pending: int | None = None,
    name: str | None = None,
    progress: bool = False,
) -> Any:
    """Make the calls of a function run on workers.

    Parameters
    ----------
    fn
        The function. Left out when options are given.
    workers : int, optional
        Workers that share its calls; by default the usable processors.
    backend : {'auto', 'processes', 'threads', 'serial'}
        Where the workers live; see `Executor`.
    timeout : float, optional
        Seconds one attempt may run.
    retries : int
        Further attempts after a failed one.
    backoff : float
        Seconds before the second attempt; doubles with every further one.
    priority : int
        Higher starts first.
    max_pending : int, optional
        A call waits while this many are unfinished.
    name : str, optional
        Name in metrics, traces and messages.
    progress : bool
        Show a line of live progress for the calls.

    Returns
    -------
    Parallel
        Call it like the function; each call gives a `Handle`.

    Examples
    --------
    >>> import multilane as ml
    >>> @ml.parallel
    ... def square(x):
    ...     return x * x
    >>> handles = [square(n) for n in range(4)]
    >>> ml.gather(*handles)
    [0, 1, 4, 9]
    """
    positive_count(workers, "workers")
    positive_count(max_pending, "max_pending")
    positive_seconds(timeout, "timeout")
    retry_count(retries)
    from multilane._backends import BACKENDS

    if backend not in BACKENDS:
        raise ValueError(f"there is no backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    options = {
        "workers": workers,
        "backend": backend,
        "timeout": timeout,
        "retries": retries,
        "backoff": backoff,
        "priority": priority,
        "max_pending": max_pending,
        "name": name,
        "progress": progress,
    }
    if fn is None:
        return lambda function: Parallel(function, options)
    if not callable(fn):
        raise TypeError(f"`parallel` decorates functions, not {fn!r}")
    return Parallel(fn, options)
