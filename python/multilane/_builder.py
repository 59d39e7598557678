"""`Builder`: writes a plan down with Python's own operators.

Each call adds an operation to the plan, at the caller's file and line; mistakes are reported there. Nothing here
computes: types are found by the extension, and the plan runs later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from multilane import _multilane
from multilane._checks import whole_number
from multilane._core_ops import CoreOperations
from multilane._dtypes import dtype_name, nearest
from multilane._graph_ops import AttributeOperations, GraphOperations
from multilane._loop import Loop, Scope, Until, check_carried
from multilane._plan import Plan
from multilane._values import Number, Value, is_number
from multilane._where import user_line
from multilane.errors import PlanError

if TYPE_CHECKING:
    from multilane.graph import Graph

__all__ = ["Builder"]

Where = tuple[str, int]

#: What the extension takes as it is. NumPy's numbers keep their own type, and one of them is a `float` as well.
PLAIN = frozenset({_multilane.PlanValue, bool, int, float})


class Builder:
    """Writes a plan: inputs, operations on values, loops, outputs.

    Parameters
    ----------
    name
        What the plan is called.
    graph
        A graph that the plan will be applied to. The builder then knows its attributes, and reports one that is missing
        or has another type where it is loaded. The plan can still be applied to any graph that has them.

    Attributes
    ----------
    core : CoreOperations
        Every operation on numbers, by name.
    attr : AttributeOperations
        Loading and saving the graph's columns.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder("distance")
    >>> x, y = b.input("x"), b.input("y")
    >>> b.output("distance", ((x - y) ** 2).sum() ** 0.5)
    >>> plan = b.build()
    >>> float(plan.run(x=[0.0, 3.0], y=[4.0, 0.0]).distance)
    5.0
    """

    def __init__(self, name: str = "plan", graph: Graph | None = None) -> None:
        self.name = name
        self._native = _multilane.PlanBuilder(name)
        self._scopes = [Scope(self, 0)]
        self._graph = graph
        self._default_graph: GraphOperations | None = None
        self._inputs: set[str] = set()
        self._outputs: set[str] = set()
        self._effects = 0
        self.core = CoreOperations(self)
        self.attr = AttributeOperations(self)

    @property
    def graph(self) -> GraphOperations:
        """The operations on the plan's graph, which becomes the input ``graph`` when it is first used."""
        if self._default_graph is None:
            self._default_graph = self._declare_graph("graph", user_line(), self._graph)
        return self._default_graph

    def input(self, name: str, dtype: Any = "f64", *, size: str = "n", like: Value | None = None) -> Value:
        """Declare an input array.

        Parameters
        ----------
        name
            The name it is given by when the plan runs.
        dtype
            Element type: ``bool``, ``i32``, ``i64``, ``f32``, ``f64``, or what NumPy calls them.
        size
            Name of its size. Arrays with the same name have the same size, whatever it is when the plan runs; the
            default makes all inputs of one size.
        like
            Take the size of another value.
        """
        where = self._new_input(name)
        if like is not None:
            if like.size is None:
                raise PlanError("`like` is a scalar; use `parameter` for scalar inputs", *where)
            size = like.size
        if not size:
            raise PlanError("`size` is the name of a size, and it is empty", *where)
        return self._value(self._native.input(name, _dtype(dtype, where), size, where))

    def parameter(self, name: str, dtype: Any = "f64") -> Value:
        """Declare an input that is one number."""
        where = self._new_input(name)
        return self._value(self._native.input(name, _dtype(dtype, where), None, where))

    def graph_input(self, name: str = "graph") -> GraphOperations:
        """Declare an input that is a graph; the first one is also `Builder.graph`."""
        operations = self._declare_graph(name, user_line(), self._graph if self._default_graph is None else None)
        if self._default_graph is None:
            self._default_graph = operations
        return operations

    def init_nodes(self, value: Value | Number) -> Value:
        """Give every node of the graph the same value."""
        return self.graph.init_nodes(value)

    def where(self, condition: Value | Number, a: Value | Number, b: Value | Number) -> Value:
        """Choose ``a`` where the condition is true, ``b`` elsewhere."""
        return self.core.where(condition, a, b)

    def var(self, name: str, value: Value | Number | None = None) -> Value:
        """Set a variable of the plan, or read it.

        In a loop, a variable from outside that is read or set becomes a carried value: the next turn sees what this one
        set. After the loop the variable is what the last turn left.

        Examples
        --------
        >>> import multilane as ml
        >>> b = ml.Builder("powers")
        >>> x = b.var("x", b.input("start"))
        >>> with b.iterate(3):
        ...     x = b.var("x", b.var("x") * 2)
        >>> b.output("x", b.var("x"))
        >>> b.build().run(start=[1.0, 5.0]).x.tolist()
        [8.0, 40.0]
        """
        where = user_line()
        scope = self._scopes[-1]
        self._bring(name)
        if value is not None:
            scope.variables[name] = self._as_value(value, where)
        elif name not in scope.variables:
            known = {each for scope in self._scopes for each in scope.variables}
            raise PlanError(f"unknown variable `{name}`; {nearest(name, known)}", *where)
        return scope.variables[name]

    def iterate(self, count: int, until: Until | None = None, **carried: Value | Number) -> Loop:
        """Open a loop: ``with b.iterate(20, rank=start) as loop:``.

        Parameters
        ----------
        count
            How many turns at most. Without a condition, exactly as many.
        until
            When to stop earlier. A number stops when the carried arrays change by less in sum of magnitudes; a function
            is called with the carried values before and after a turn (as tuples when there are several) and returns the
            condition. Inside the loop, `Loop.until` does the same for any scalar truth value.
        **carried
            Values that go from turn to turn, by name, with what they start as. They are attributes of the loop.

        Returns
        -------
        Loop
            The loop, to be entered with ``with``.
        """
        if not whole_number(count, 0):
            raise PlanError(f"`count` is {count!r}, but a loop needs a number of turns, 0 or more", *user_line())
        if until is not None and not callable(until) and not (is_number(until) and until > 0):
            what = "a number above 0, which the change of a turn can fall below, or a function"
            raise PlanError(f"`until` is {until!r}, but must be {what}", *user_line())
        return Loop(self, count, until, carried)

    def inline(
        self, plan: Plan, inputs: Mapping[str, Value | Number] | None = None, /, **more: Value | Number
    ) -> dict[str, Value]:
        """Write the operations of another plan here, such as that of a circuit.

        Parameters
        ----------
        plan
            Without loops. A size of it is the one of that name here.
        inputs, **more
            What its inputs are here, by name: values of this builder, or numbers.

        Returns
        -------
        dict of Value
            What its outputs are here, by name.

        Raises
        ------
        PlanError
            An input is missing, unknown or of another type; the plan has a loop.

        Examples
        --------
        >>> import multilane as ml
        >>> theta = ml.quantum.parameter("theta")
        >>> turn = ml.quantum.Circuit(2).ry(theta, 0).cx(0, 1)
        >>> b = ml.Builder("cost")
        >>> found = b.inline(turn.to_plan(probabilities=[0, 1]), theta=b.parameter("half") * 2)
        >>> b.output("cost", (found["probabilities"] * b.input("prices", size="4")).sum())
        >>> round(float(b.build().run(half=0.25, prices=[1.0, 0.0, 0.0, 5.0]).cost), 6)
        1.244835
        """
        where = user_line()
        given = {**(inputs or {}), **more}
        natives = dict(zip(given, self._natives(tuple(given.values()), where), strict=True))
        return {name: self._value(native) for name, native in self._native.inline(plan._native, natives, where)}

    def output(self, name: str, value: Value | Number) -> None:
        """Make a value a result of the plan."""
        where = user_line()
        if name in self._outputs:
            raise PlanError(f"there is an output `{name}` already", *where)
        if len(self._scopes) > 1:
            raise PlanError("an output is declared after the loop, not inside it", *where)
        self._native.output(name, self._as_value(value, where)._native, where)
        self._outputs.add(name)

    def build(self) -> Plan:
        """Finish the plan and verify it.

        Raises
        ------
        PlanError
            The plan has no outputs and saves nothing, or a loop is still open.
        """
        if len(self._scopes) > 1:
            raise PlanError("a loop is still open; build the plan after its `with` block", *user_line())
        if not self._outputs and not self._effects:
            raise PlanError("the plan has no outputs; declare one with `b.output(name, value)`", *user_line())
        return Plan(self._native.build())

    def __repr__(self) -> str:
        return f"<Builder {self.name!r}>"

    def _new_input(self, name: str) -> Where:
        where = user_line()
        if name in self._inputs:
            raise PlanError(f"there is an input `{name}` already", *where)
        if not str(name).isidentifier():
            raise PlanError(f"the input's name {name!r} cannot be a name in Python", *where)
        if len(self._scopes) > 1:
            raise PlanError("an input is declared before the loop, not inside it", *where)
        self._inputs.add(name)
        return where

    def _declare_graph(self, name: str, where: Where, graph: Graph | None) -> GraphOperations:
        if name in self._inputs:
            raise PlanError(f"there is an input `{name}` already", *where)
        self._inputs.add(name)
        native = self._native.graph_input(name, where)
        return GraphOperations(self, lambda: native, graph)

    def _node_size(self, graph: _multilane.PlanValue) -> str:
        return self._native.node_size(graph)

    def _value(self, native: _multilane.PlanValue) -> Value:
        return Value(self, native, self._scopes[-1])

    def _bring(self, name: str) -> None:
        """Carry a variable of the scope around the innermost loop into that loop."""
        if len(self._scopes) < 2:
            return
        outer, inner = self._scopes[-2:]
        if name in outer.variables and name not in inner.variables:
            inner.carry(outer.variables[name], name, user_line())

    def _as_value(self, thing: Value | Number, where: Where) -> Value:
        if isinstance(thing, Value):
            self._check(thing, where)
            return thing
        return self._constant(thing, None, where)

    def _operand(self, thing: Value | Number, where: Where) -> _multilane.PlanValue:
        return self._as_value(thing, where)._native

    def _check(self, value: Value, where: Where) -> None:
        if value._builder is not self:
            raise PlanError(f"this value belongs to the builder `{value._builder.name}`, not to `{self.name}`", *where)
        if not value._scope.open:
            hint = "carry it through the loop and use the loop's result"
            raise PlanError(f"this value was made inside a loop that has ended; {hint}", *where)

    def _constant(self, value: Number, dtype: Any, where: Where | None = None) -> Value:
        where = where or user_line()
        if not is_number(value):
            self._refuse(value, where)
        if dtype is None and hasattr(value, "dtype"):
            dtype = value.dtype
        plain = value.item() if hasattr(value, "item") else value
        return self._value(self._native.constant(plain, None if dtype is None else _dtype(dtype, where), where))

    def _refuse(self, thing: object, where: Where) -> NoReturn:
        what = f"a {type(thing).__name__} is neither a value of the plan nor a number"
        hint = "declare an input with `b.input(name, dtype)` and give the array when the plan runs"
        raise PlanError(f"{what}; {hint}", *where)

    def _natives(self, operands: tuple[Any, ...], where: Where) -> list[_multilane.PlanValue | Number]:
        natives: list[_multilane.PlanValue | Number] = []
        for operand in operands:
            if isinstance(operand, Value):
                self._check(operand, where)
                natives.append(operand._native)
            elif type(operand) in PLAIN:
                natives.append(operand)
            elif is_number(operand):
                natives.append(self._constant(operand, None, where)._native)
            else:
                self._refuse(operand, where)
        return natives

    def _apply(
        self, op: str, operands: tuple[Any, ...], attributes: dict[str, Any], where: Where | None = None
    ) -> Value:
        where = where or user_line()
        return self._value(self._native.apply(op, self._natives(operands, where), attributes, where))

    def _effect(self, op: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> None:
        where = user_line()
        self._native.effect(op, self._natives(operands, where), attributes, where)
        self._effects += 1

    def _broadcast(self, value: Value | Number, size: str | None) -> Value:
        where = user_line()
        native = self._operand(value, where)
        if size is None or native.size == size:
            return self._value(native)
        return self._value(self._native.broadcast(native, size, where))

    def _map(self, expression: str, operands: dict[str, Value | Number]) -> Value:
        where = user_line()
        names = dict(zip(operands, self._natives(tuple(operands.values()), where), strict=True))
        return self._value(self._native.map(expression, names, where))

    def _open_loop(self, count: int, where: Where) -> Scope:
        # Only the innermost loop can be given carried values: what the next one may touch comes along now.
        for scope in self._scopes[:-1]:
            for name in scope.variables:
                self._bring(name)
        self._native.open_loop(count, where)
        scope = Scope(self, len(self._scopes))
        self._scopes.append(scope)
        return scope

    def _abandon_loop(self, scope: Scope) -> None:
        if scope.open:
            scope.open = False
            # The loops inside have ended before this one.
            del self._scopes[scope.level :]
            self._native.abandon_loop(scope.level)

    def _close_loop(self, scope: Scope, condition: Value | None, where: Where) -> tuple[Value, Value]:
        names = {id(carried): name for name, carried in scope.carried_names.items()}
        for carried in scope.carried:
            check_carried(carried, names.get(id(carried)))
        results = self._native.close_loop(
            [carried.after._native for carried in scope.carried],
            None if condition is None else condition._native,
            where,
        )
        scope.open = False
        self._scopes.pop()
        outer = self._scopes[-1]
        for carried, native in zip(scope.carried, results, strict=False):
            carried.final = Value(self, native, outer)
        for name, carried in scope.carried_names.items():
            if name in outer.variables and carried.final is not None:
                outer.variables[name] = carried.final
        iterations, converged = results[-2:]
        return Value(self, iterations, outer), Value(self, converged, outer)


def _dtype(dtype: Any, where: Where) -> str:
    try:
        return dtype_name(dtype)
    except TypeError as error:
        raise PlanError(str(error), *where) from None
