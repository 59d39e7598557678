"""`Builder.iterate`: a loop of a plan, and the values it carries from one turn to the next.

Nothing here computes; the loop runs when the plan does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from multilane._dtypes import nearest
from multilane._values import Value
from multilane._where import user_line
from multilane.errors import PlanError

if TYPE_CHECKING:
    from types import TracebackType

    from multilane._builder import Builder
    from multilane._values import Number

__all__ = ["Loop", "Scope"]

Until = float | Callable[[Any, Any], Value]


class _Carried:
    """One value that goes from turn to turn."""

    __slots__ = ("after", "before", "final", "where")

    def __init__(self, before: Value, where: tuple[str, int]) -> None:
        self.before = before
        self.after: Value = before
        self.final: Value | None = None
        self.where = where


class Scope:
    """The variables of a plan's body or of one loop."""

    def __init__(self, builder: Builder, level: int) -> None:
        self.builder = builder
        self.level = level
        self.variables: dict[str, Value] = {}
        self.carried: list[_Carried] = []
        self.carried_names: dict[str, _Carried] = {}
        self.open = True

    def carry(self, initial: Value | Number, name: str | None, where: tuple[str, int]) -> _Carried:
        """Add a carried value; the loop must be the innermost one."""
        if isinstance(initial, Value):
            self.builder._check(initial, where)
            if initial._scope.level >= self.level:
                hint = "compute it before the loop"
                raise PlanError(f"what a carried value starts with was made inside the loop; {hint}", *where)
        start = self.builder._natives((initial,), where)[0]
        native = self.builder._native.carry(start, name, where)
        carried = _Carried(Value(self.builder, native, self), where)
        self.carried.append(carried)
        if name is not None:
            self.carried_names[name] = carried
            self.variables[name] = carried.before
        return carried


class Loop:
    """An open or finished loop; made by `Builder.iterate`.

    Values named in the call of `iterate` are attributes. Inside the loop they are like local variables of its body:
    read one for the value so far, assign to it for the value from there on. What it holds at the end of the body is
    what the next turn starts with, and after the loop it is the result.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder("square root")
    >>> a = b.input("a")
    >>> with b.iterate(50, x=a) as loop:
    ...     old = loop.x
    ...     loop.x = 0.5 * (old + a / old)
    ...     loop.until(abs(loop.x - old).max() < 1e-12)
    >>> b.output("root", loop.x)
    >>> b.output("turns", loop.iterations)
    >>> result = b.build().run(a=[4.0, 2.0])
    >>> result.root.round(6).tolist(), int(result.turns) < 50
    ([2.0, 1.414214], True)
    """

    def __init__(self, builder: Builder, count: int, until: Until | None, carried: dict[str, Value | Number]) -> None:
        taken = sorted(name for name in carried if hasattr(type(self), name) or name.startswith("_"))
        where = user_line()
        if taken:
            raise PlanError(f"`{taken[0]}` is a name of the loop itself; call the carried value something else", *where)
        state = self.__dict__
        state["_builder"] = builder
        state["_until"] = until
        state["_condition"] = None
        state["_initial"] = carried
        state["_scope"] = None
        state["_count"] = count
        state["_where"] = where
        state["_ended"] = ()

    def __enter__(self) -> Loop:
        state = self.__dict__
        if state["_scope"] is not None:
            raise PlanError("a loop is entered once; call `iterate` again for another one", *user_line())
        builder: Builder = self._builder
        state["_scope"] = scope = builder._open_loop(self._count, self._where)
        for name, initial in self._initial.items():
            scope.carry(initial, name, self._where)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        builder: Builder = self._builder
        scope: Scope = self._scope
        if kind is not None:
            builder._abandon_loop(scope)
            return
        try:
            for name, carried in scope.carried_names.items():
                carried.after = scope.variables[name]
            self._apply_until(scope)
            self.__dict__["_ended"] = builder._close_loop(scope, self._condition, self._where)
        except BaseException:
            builder._abandon_loop(scope)
            raise

    def _apply_until(self, scope: Scope) -> None:
        until = self._until
        if until is None:
            return
        if not scope.carried:
            raise PlanError("`until` looks at carried values, and this loop has none", *self._where)
        if callable(until):
            before = tuple(carried.before for carried in scope.carried)
            after = tuple(carried.after for carried in scope.carried)
            one = len(before) == 1
            self.until(until(before[0], after[0]) if one else until(before, after))
        else:
            changed = [abs(carried.after - carried.before).sum() for carried in scope.carried if carried.after.size]
            if not changed:
                raise PlanError("`until` as a number looks at carried arrays, and this loop has none", *self._where)
            whole = changed[0]
            for change in changed[1:]:
                whole = whole + change
            self.until(whole < until)

    def carry(self, initial: Value | Number) -> Value:
        """Carry a value without a name; returns what a turn starts with.

        Say with `next` what the next turn starts with, and get the end result with `result`.

        >>> import multilane as ml
        >>> b = ml.Builder()
        >>> with b.iterate(10) as loop:
        ...     x = loop.carry(1.0)
        ...     loop.next(x, x * 2)
        >>> b.output("x", loop.result(x))
        >>> float(b.build().run().x)
        1024.0
        """
        scope = self._inside()
        return scope.carry(initial, None, user_line()).before

    def next(self, value: Value, after: Value | Number) -> None:
        """Say what the next turn starts with in the place of a carried value."""
        self._inside()
        self._find(value).after = self._builder._as_value(after, user_line())

    def result(self, value: Value) -> Value:
        """Return what a carried value is after the loop."""
        carried = self._find(value)
        if carried.final is None:
            raise PlanError("the loop has no results before its `with` block has ended", *user_line())
        return carried.final

    def until(self, condition: Value) -> None:
        """Stop after the turn in which the condition, a scalar truth value, holds."""
        self._inside()
        where = user_line()
        thing: object = condition
        if not isinstance(thing, Value) or thing.dtype != "bool" or thing.size is not None:
            what = thing if isinstance(thing, Value) else f"a {type(thing).__name__}"
            hint = "compare a reduction, such as `abs(new - old).sum() < 1e-6`"
            raise PlanError(f"`until` takes a scalar truth value, not {what}; {hint}", *where)
        before = self._condition
        self.__dict__["_condition"] = condition if before is None else before | condition

    @property
    def iterations(self) -> Value:
        """How many turns the loop made: an i64 scalar, known after the loop."""
        return self._fact(0)

    @property
    def converged(self) -> Value:
        """Whether a condition of `until` ended the loop: a scalar truth value, known after the loop."""
        return self._fact(1)

    def _fact(self, index: int) -> Value:
        ended: tuple[Value, ...] = self._ended
        if not ended:
            raise PlanError("the loop has no results before its `with` block has ended", *user_line())
        return ended[index]

    def _inside(self) -> Scope:
        scope: Scope | None = self._scope
        if scope is None or not scope.open:
            raise PlanError("this belongs inside the `with` block of the loop", *user_line())
        return scope

    def _find(self, value: Value) -> _Carried:
        for carried in self._scope.carried if self._scope is not None else ():
            if carried.before is value:
                found: _Carried = carried
                return found
        raise PlanError("this is not a carried value of the loop; `loop.carry(...)` makes one", *user_line())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        scope: Scope | None = self.__dict__.get("_scope")
        carried = scope.carried_names.get(name) if scope is not None else None
        if scope is None or carried is None:
            raise self._unknown(name)
        return scope.variables[name] if scope.open else carried.final

    def __setattr__(self, name: str, value: Any) -> None:
        scope = self._inside()
        if name not in scope.carried_names:
            raise self._unknown(name)
        where = user_line()
        if scope is not self._builder._scopes[-1]:
            raise PlanError(
                f"`{name}` belongs to an outer loop; carry it through the inner one and assign it after that", *where
            )
        scope.variables[name] = self._builder._as_value(value, where)

    def _unknown(self, name: str) -> PlanError:
        known = self.__dict__["_initial"]
        hint = nearest(name, known) if known else f"carry it: `b.iterate(..., {name}=...)`"
        return PlanError(f"the loop carries no `{name}`; {hint}", *user_line())


def check_carried(carried: _Carried, name: str | None) -> None:
    """Refuse a carried value that would change its type from turn to turn."""
    before, after = carried.before, carried.after
    if (before.dtype, before.size) == (after.dtype, after.size):
        return
    called = "a carried value" if name is None else f"`{name}`"
    hint = f'convert it with `.astype("{before.dtype}")`, or start with {after.dtype}'
    if before.size != after.size:
        hint = "start with an array of that size" if after.size is not None else "broadcast it"
    kind, other = str(before._native), str(after._native)
    raise PlanError(f"{called} starts the loop as {kind} and would go on as {other}; {hint}", *carried.where)
