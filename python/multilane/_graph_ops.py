"""`Builder.graph` and `Builder.attr`: operations on a graph that is an input of the plan.

Each method adds one operation to the plan and returns its result. Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from multilane._dtypes import dtype_name, nearest
from multilane._operators import norm_name
from multilane._where import user_line
from multilane.errors import PlanError

if TYPE_CHECKING:
    from multilane._builder import Builder
    from multilane._multilane import PlanValue
    from multilane._values import Number, Value
    from multilane.graph import Graph

__all__ = ["AttributeOperations", "GraphOperations"]

Direction = Literal["in", "out", "both"]
Reduce = Literal["sum", "min", "max", "mean", "count"]


class GraphOperations:
    """The operations on one graph. Arrays of nodes are in the order of the node numbers.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder()
    >>> degree = b.graph.degree("out")
    >>> degree
    <Value i64[nodes]>
    >>> b.graph.aggregate(1.0 / degree, "sum", direction="in")
    <Value f64[nodes]>
    """

    def __init__(self, builder: Builder, native: Callable[[], PlanValue], graph: Graph | None) -> None:
        self._builder = builder
        self._get = native
        self._graph = graph

    def _op(self, name: str, *operands: Any, **attributes: Any) -> Value:
        return self._builder._apply(f"graph.{name}", (self._get(), *operands), attributes)

    @property
    def nodes(self) -> str:
        """Name of the graph's number of nodes, as a size of inputs: ``b.input("x", size=b.graph.nodes)``."""
        return self._builder._node_size(self._get())

    def degree(self, direction: Direction = "out") -> Value:
        """Count the edges of each node: that leave it, that come in, or both."""
        return self._op("degree", direction=_one_of(direction, "direction", DIRECTIONS))

    def aggregate(
        self,
        values: Value | Number,
        reduce: Reduce = "sum",
        direction: Direction = "in",
        weighted: bool = False,
    ) -> Value:
        """Combine the values of each node's neighbours.

        Parameters
        ----------
        values
            One value for each node.
        reduce
            ``sum``, ``min``, ``max``, ``mean`` or ``count``. A node without neighbours gets 0, and for ``min`` and
            ``max`` the largest or smallest number there is.
        direction
            ``in``: from the nodes with an edge to this one; ``out``: from those that this one has an edge to.
        weighted
            Multiply each value by the weight of the edge it comes along; the mean divides by the sum of the weights.
        """
        return self._op(
            "aggregate",
            self._node_values(values),
            reduce=_one_of(reduce, "reduce", REDUCES),
            direction=_one_of(direction, "direction", DIRECTIONS),
            weighted=bool(weighted),
        )

    def label_mode(self, labels: Value, direction: Direction = "both") -> Value:
        """Find the most frequent label among each node's neighbours; of equally frequent ones, the smallest.

        A node without neighbours keeps its own.
        """
        return self._op("label_mode", labels, direction=_one_of(direction, "direction", DIRECTIONS), ties="min")

    def init_nodes(self, value: Value | Number) -> Value:
        """Give every node the same value."""
        return self._builder._broadcast(value, self.nodes)

    def node_ids(self) -> Value:
        """Give every node its own number."""
        return self._op("node_ids")

    def node_count(self) -> Value:
        """Count the nodes: an i64 scalar."""
        return self.init_nodes(True).count()

    def normalize(self, values: Value, ord: float = 1) -> Value:
        """Divide by the norm, so that it becomes 1; zeros stay zeros."""
        length = self._builder._apply("core.norm", (values,), {"ord": norm_name(ord)})
        return values / self._builder.core.where(length == 0, 1.0, length)

    def _node_values(self, values: Value | Number) -> Any:
        from multilane._values import is_number

        return self.init_nodes(values) if is_number(values) else values


class AttributeOperations:
    """Loading and saving the columns of a graph.

    Examples
    --------
    >>> import multilane as ml
    >>> b = ml.Builder()
    >>> age = b.attr.load("age", "f64")
    >>> b.attr.save("age_next_year", age + 1)
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._saved: dict[str, str] = {}

    def load(self, name: str, dtype: Any = None, graph: GraphOperations | None = None) -> Value:
        """Load a column of node values.

        Parameters
        ----------
        name
            The column's name.
        dtype
            Its element type. When the builder knows the graph (``ml.Builder(graph=g)``), or the plan has saved the
            column before, the type is known and a wrong one is refused; otherwise it is f64 by default, and checked
            when the plan runs.
        """
        operations = self._builder.graph if graph is None else graph
        known = dict(operations._graph.attribute_types()) if operations._graph is not None else None
        found = {**(known or {}), **self._saved}.get(name)
        wanted = None if dtype is None else dtype_name(dtype)
        if found is None and known is not None:
            names = {**known, **self._saved}
            raise PlanError(f"the graph has no attribute `{name}`; {nearest(name, names)}", *user_line())
        if found is not None and wanted is not None and found != wanted:
            hint = f'load it as `{found}` and convert it with `.astype("{wanted}")`'
            raise PlanError(f"the attribute `{name}` is {found}, not {wanted}; {hint}", *user_line())
        return operations._op("load", attribute=name, dtype=found or wanted or "f64")

    def save(self, name: str, value: Value | Number, graph: GraphOperations | None = None) -> None:
        """Save a value for each node as a column of the graph, when the plan has run."""
        operations = self._builder.graph if graph is None else graph
        column = operations._node_values(value)
        self._builder._effect("graph.save", (operations._get(), column), {"attribute": name})
        self._saved[name] = column.dtype


DIRECTIONS = ("in", "out", "both")
REDUCES = ("sum", "min", "max", "mean", "count")


def _one_of(value: str, what: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise PlanError(f"`{what}` is {value!r}, but must be one of `{'`, `'.join(known)}`", *user_line())
    return value
