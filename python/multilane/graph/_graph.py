"""`Graph`: edges, and columns of node attributes. Built, kept and read by the extension."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from multilane import Builder, Plan, _multilane
from multilane._checks import MOST, whole_number
from multilane._plan import Results
from multilane.errors import PlanError
from multilane.graph._tables import column_of, read_columns

if TYPE_CHECKING:
    import networkx
    import numpy as np
    import numpy.typing as npt
    import scipy.sparse

__all__ = ["Attributes", "Graph", "grid", "kronecker", "read", "uniform"]

TABLES = ("parquet", "arrow")
TABLE_ENDINGS = {".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"}
#: A larger exponent is a slip, whatever the memory.
MOST_SCALE = 63
FORMATS = ("edges", "matrix-market", *TABLES)


class Attributes(MutableMapping[str, Any]):
    """Columns of node attributes by name: arrays with one element for each node.

    An array that is set is copied; one that is read shows the graph's own memory, read-only.
    """

    def __init__(self, native: _multilane.GraphData) -> None:
        self._native = native

    def __getitem__(self, name: str) -> Any:
        if name not in self._native.attribute_types():
            raise KeyError(name)
        return self._native.attribute(name)

    def __setitem__(self, name: str, values: Any) -> None:
        self._native.set_attribute(name, values)

    def __delitem__(self, name: str) -> None:
        if not self._native.remove_attribute(name):
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._native.attribute_types())

    def __len__(self) -> int:
        return len(self._native.attribute_types())

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}: {dtype}" for name, dtype in self._native.attribute_types().items())
        return f"<Attributes {listed or 'none'}>"


class Graph:
    """A graph with nodes numbered from 0, whose edges never change.

    Made by `from_edges`, `from_scipy`, `from_networkx`, `read` or a generator.

    Attributes
    ----------
    attributes : Attributes
        Columns of node attributes, for `Builder.attr`.
    labels : list or None
        What the nodes are called in the graph this one was made from, in the order of the node numbers.

    Examples
    --------
    >>> import multilane as ml
    >>> g = ml.graph.Graph.from_edges([0, 0, 1], [1, 2, 2])
    >>> g
    <Graph of 3 nodes and 3 edges, directed>
    >>> g.neighbors(0).tolist()
    [1, 2]
    """

    def __init__(self, native: _multilane.GraphData, labels: Sequence[Any] | None = None) -> None:
        self._native = native
        self.attributes = Attributes(native)
        self.labels = None if labels is None else list(labels)

    @staticmethod
    def from_edges(
        src: npt.ArrayLike,
        dst: npt.ArrayLike,
        n: int | None = None,
        directed: bool = True,
        weights: npt.ArrayLike | None = None,
    ) -> Graph:
        """Build a graph from arrays of the edges' two ends.

        Parameters
        ----------
        src, dst
            Node numbers, from 0.
        n
            How many nodes there are; by default one more than the largest number among the ends.
        directed
            Whether an edge leads from ``src`` to ``dst`` only.
        weights
            One number for each edge; not NaN.

        Returns
        -------
        Graph
            The graph. Parallel edges and edges from a node to itself stay.

        Raises
        ------
        PlanError
            The arrays differ in length, a number is negative or not below ``n``, or a weight is NaN.
        MemoryError
            There is no memory for a graph of that size; nothing was taken.
        """
        _count_of_nodes(n)
        return Graph(_multilane.GraphData.from_edges(src, dst, n, directed, weights))

    @staticmethod
    def from_scipy(matrix: scipy.sparse.sparray | scipy.sparse.spmatrix, directed: bool = True) -> Graph:
        """Build a graph from a sparse matrix: entry (i, j) is an edge from i to j with that weight.

        For ``directed=False`` the matrix must be symmetric; each pair of entries is one edge. Matrices of truth values
        give a graph without weights.

        Examples
        --------
        >>> import scipy.sparse, multilane as ml
        >>> m = scipy.sparse.coo_array(([2.0, 3.0], ([0, 1], [1, 2])), shape=(4, 4))
        >>> ml.graph.Graph.from_scipy(m)
        <Graph of 4 nodes and 2 edges, directed, weighted>
        """
        if not hasattr(matrix, "tocoo"):
            hint = "make it one with `scipy.sparse.coo_array(...)`"
            raise PlanError(f"a {type(matrix).__name__} is no sparse matrix; {hint}")
        if len(matrix.shape) != 2:
            raise PlanError(f"the matrix has {len(matrix.shape)} axes; a graph needs two, its sources and its targets")
        rows, columns = matrix.shape
        if rows != columns:
            raise PlanError(f"the matrix has {rows} rows and {columns} columns; a graph needs as many of both")
        try:
            coo: Any = matrix.tocoo()
        except ValueError as error:
            raise PlanError(f"the matrix does not hold together: {error}; build it anew") from None
        src, dst, weights = coo.coords[0] if hasattr(coo, "coords") else coo.row, coo.col, coo.data
        if not directed:
            if abs(matrix - matrix.T).nnz:
                hint = "give `directed=True`, or add its transpose"
                raise PlanError(f"the matrix is not symmetric, so that its graph is directed; {hint}")
            half = src <= dst
            src, dst, weights = src[half], dst[half], weights[half]
        return Graph.from_edges(src, dst, int(rows), directed, None if weights.dtype == bool else weights)

    @staticmethod
    def from_networkx(graph: networkx.Graph[Any], weight: str | None = "weight") -> Graph:
        """Build a graph from one of NetworkX's; `labels` has its nodes in the order of their numbers.

        Parameters
        ----------
        graph
            Any of its four classes.
        weight
            The edge attribute with the weight. Edges without it weigh 1; where no edge has it, the graph has no
            weights.

        Examples
        --------
        >>> import networkx, multilane as ml
        >>> g = ml.graph.Graph.from_networkx(networkx.path_graph(["a", "b", "c"]))
        >>> g, g.labels
        (<Graph of 3 nodes and 2 edges, undirected>, ['a', 'b', 'c'])
        """
        import numpy as np

        if not (hasattr(graph, "edges") and hasattr(graph, "is_directed")):
            hint = "`from_edges` takes arrays, `from_table` columns"
            raise PlanError(f"a {type(graph).__name__} is no graph of NetworkX; {hint}")
        labels = list(graph)
        number = {label: index for index, label in enumerate(labels)}
        edges = (
            list(graph.edges(data=weight, default=None))
            if weight is not None
            else [(*edge, None) for edge in graph.edges()]
        )
        src = np.fromiter((number[edge[0]] for edge in edges), np.int64, len(edges))
        dst = np.fromiter((number[edge[1]] for edge in edges), np.int64, len(edges))
        weighted = any(edge[2] is not None for edge in edges)
        weights = np.fromiter((_weight(edge, weight) for edge in edges), np.float64, len(edges)) if weighted else None
        made = Graph.from_edges(src, dst, len(labels), graph.is_directed(), weights)
        made.labels = labels
        return made

    @staticmethod
    def from_table(
        table: Any, source: str, target: str, weight: str | None = None, n: int | None = None, directed: bool = True
    ) -> Graph:
        """Build a graph from the columns of a table: of Arrow, Polars, pandas, or a dictionary of arrays.

        Parameters
        ----------
        table
            Has its columns by name: ``table[source]``.
        source, target
            Names of the columns with the edges' two ends.
        weight
            Name of the column with the weights.
        n, directed
            As for `from_edges`.
        """
        src, dst = column_of(table, source), column_of(table, target)
        return Graph.from_edges(src, dst, n, directed, None if weight is None else column_of(table, weight))

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return self._native.nodes

    @property
    def edges(self) -> int:
        """How many edges there are; in an undirected graph each counts once."""
        return self._native.edges

    @property
    def directed(self) -> bool:
        """Whether edges lead one way only."""
        return self._native.directed

    @property
    def weighted(self) -> bool:
        """Whether edges have weights."""
        return self._native.weighted

    @property
    def nbytes(self) -> int:
        """Bytes that the edges take, in all forms that were needed so far."""
        return self._native.nbytes

    def attribute_types(self) -> dict[str, str]:
        """Return the element type of each attribute by name."""
        return self._native.attribute_types()

    def neighbors(self, node: int) -> np.ndarray[Any, Any]:
        """Return the nodes that edges of a node lead to, in order."""
        found: np.ndarray[Any, Any] = self._native.neighbors(node)
        return found

    def to_scipy(self) -> scipy.sparse.csr_array:
        """Return the graph as a sparse matrix; an undirected edge is two entries, no weight is 1.

        >>> import multilane as ml
        >>> ml.graph.Graph.from_edges([0, 1], [1, 2], weights=[5.0, 6.0]).to_scipy().toarray().tolist()
        [[0.0, 5.0, 0.0], [0.0, 0.0, 6.0], [0.0, 0.0, 0.0]]
        """
        import numpy as np
        import scipy.sparse

        offsets, targets, weights = self._native.to_csr()
        data = np.ones(len(targets)) if weights is None else weights
        return scipy.sparse.csr_array((data, targets, offsets), shape=(self.nodes, self.nodes))

    def apply(
        self,
        algorithm: Plan | Builder | Callable[[Builder], object],
        /,
        *,
        workers: int | None = None,
        timeout: float | None = None,
        progress: bool | Callable[[int, int], object] | None = False,
        **inputs: Any,
    ) -> Results:
        """Run a plan on this graph.

        Parameters
        ----------
        algorithm
            A plan with one graph among its inputs; a builder; or a function that is given a builder which knows this
            graph, so that a missing attribute is reported where the function loads it.
        workers, timeout, progress
            As for `Plan.run`.
        **inputs
            The plan's other inputs.

        Returns
        -------
        Results
            The plan's outputs. Columns that the plan saves are among `attributes` afterwards.

        Examples
        --------
        >>> import multilane as ml
        >>> def friends_of_friends(b):
        ...     b.attr.save("reach", b.graph.aggregate(b.graph.degree("out"), "sum", "out"))
        >>> g = ml.graph.Graph.from_edges([0, 1, 1], [1, 2, 3])
        >>> _ = g.apply(friends_of_friends)
        >>> g.attributes["reach"].tolist()
        [2, 0, 0, 0]
        """
        if isinstance(algorithm, Plan):
            plan = algorithm
        elif isinstance(algorithm, Builder):
            plan = algorithm.build()
        else:
            builder = Builder(getattr(algorithm, "__name__", "plan"), graph=self)
            made = algorithm(builder)
            plan = made if isinstance(made, Plan) else builder.build()
        graphs = [name for name, kind in plan.inputs.items() if kind.startswith("graph") and name not in inputs]
        if len(graphs) != 1:
            what = "takes no graph" if not graphs else f"takes several graphs: `{'`, `'.join(graphs)}`"
            raise PlanError(f"the plan `{plan.name}` {what}; give them by name to `plan.run`")
        return plan.run({graphs[0]: self, **inputs}, workers=workers, timeout=timeout, progress=progress)

    def __repr__(self) -> str:
        kind = "directed" if self.directed else "undirected"
        weighted = ", weighted" if self.weighted else ""
        return f"<Graph of {self.nodes} nodes and {self.edges} edges, {kind}{weighted}>"


def read(
    path: str | os.PathLike[str],
    format: str | None = None,
    *,
    directed: bool | None = None,
    weighted: bool | None = None,
    n: int | None = None,
    relabel: bool = False,
    skip_lines: int = 0,
) -> Graph:
    """Read a graph from a file, in parallel.

    Parameters
    ----------
    path
        The file.
    format
        ``edges`` (text, one edge a line: two nodes and perhaps a weight, split by blanks, tabs or commas; lines that
        start with ``#`` or ``%`` are skipped), ``matrix-market``, both plain or compressed by gzip, or ``parquet``
        or ``arrow`` (the first columns of a table; needs pyarrow or polars). By default what the name's ending says,
        and ``edges`` when it says nothing.
    directed
        By default what the file says, and True where it says nothing.
    weighted
        Whether to read weights; by default when the file has them.
    n
        How many nodes there are; by default what the file says, or one more than the largest number in it.
    relabel
        Number the nodes in the order they occur, for files whose numbers have large gaps; `Graph.labels` has theirs.
    skip_lines
        Lines at the start of an edge list that are no edges, such as names of columns.

    Returns
    -------
    Graph
        The graph. Nodes that are not numbers in the file are numbered in the order they occur, and `Graph.labels` has
        their names.

    Raises
    ------
    PlanError
        The file is not of the format; with the line.
    MemoryError
        There is no memory for the graph; nothing is read beyond the place where that is known.
    OSError
        It cannot be read.
    """
    if format not in (None, *FORMATS):
        raise PlanError(f"`format` is {format!r}, but must be one of `{'`, `'.join(FORMATS)}`")
    name = os.fsdecode(path)
    if "\0" in name:
        raise PlanError(f"`path` is {name!r}, and the name of a file has no zero byte in it")
    _count_of_nodes(n)
    columns = format if format in TABLES else TABLE_ENDINGS.get(os.path.splitext(name)[1].lower())
    if columns is not None and format in (None, *TABLES):
        return _read_table(name, columns, directed, weighted, n)
    if not whole_number(skip_lines, 0):
        raise PlanError(f"`skip_lines` is {skip_lines!r}, but must be a number of lines, 0 or more")
    return Graph(*_multilane.GraphData.read(name, format, directed, weighted, n, relabel, skip_lines))


def _read_table(path: str, format: str, directed: bool | None, weighted: bool | None, n: int | None) -> Graph:
    src, dst, weights = read_columns(path, format, weighted)
    try:
        return Graph.from_edges(src, dst, n, directed is not False, weights)
    except PlanError as error:
        raise PlanError(f"{path}: {error}") from None


def kronecker(scale: int, edge_factor: int = 16, seed: int = 0, directed: bool = True) -> Graph:
    """Generate a graph with few nodes of many edges, as the Graph 500 benchmark does (R-MAT).

    Parameters
    ----------
    scale
        There are 2 to the ``scale`` nodes.
    edge_factor
        Edges drawn for each node; doubles and edges from a node to itself are left out afterwards.
    seed
        The same seed gives the same graph, on any machine and with any number of workers.
    directed
        Whether edges have a direction.

    Examples
    --------
    >>> import multilane as ml
    >>> g = ml.graph.kronecker(8, 4, seed=1)
    >>> g.nodes, 500 < g.edges <= 1024
    (256, True)
    """
    _sizes(scale=(scale, MOST_SCALE), edge_factor=edge_factor, seed=seed)
    return Graph(_multilane.GraphData.kronecker(scale, edge_factor, seed, directed))


def uniform(nodes: int, edges: int, seed: int = 0, directed: bool = True) -> Graph:
    """Generate a graph whose edges have ends drawn evenly.

    Parameters
    ----------
    nodes, edges
        How many of each.
    seed
        The same seed gives the same graph.
    directed
        Whether edges have a direction.
    """
    _sizes(nodes=nodes, edges=edges, seed=seed)
    return Graph(_multilane.GraphData.uniform(nodes, edges, seed, directed))


def grid(rows: int, columns: int) -> Graph:
    """Generate an undirected grid; node ``r * columns + c`` is in row r and column c.

    >>> import multilane as ml
    >>> ml.graph.grid(2, 3)
    <Graph of 6 nodes and 7 edges, undirected>
    """
    _sizes(rows=rows, columns=columns)
    return Graph(_multilane.GraphData.grid(rows, columns, False))


def _sizes(**values: int | tuple[int, int]) -> None:
    """Refuse numbers that are negative, not whole, or larger than any machine could mean."""
    for name, given in values.items():
        value, most = given if isinstance(given, tuple) else (given, MOST)
        if not whole_number(value, 0, most):
            raise PlanError(f"`{name}` is {value!r}, but must be a whole number from 0 to {most}")


def _count_of_nodes(n: int | None) -> None:
    if n is not None and not whole_number(n, 0):
        raise PlanError(f"`n` is {n!r}, but must be a number of nodes, 0 or more, or None")


def _weight(edge: tuple[Any, Any, Any], name: str | None) -> float:
    source, target, weight = edge
    if weight is None:
        return 1.0
    try:
        return float(weight)
    except (TypeError, ValueError):
        hint = f"give a number, or another attribute than `{name}` with `weight=`"
        raise PlanError(f"the weight of the edge from {source!r} to {target!r} is {weight!r}; {hint}") from None
