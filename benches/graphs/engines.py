"""One adapter for each library: for a test and a graph, a call that does the work, and its answer.

Graphs are built in each library's own form outside the clock. An answer is what libraries must
agree on: how many components, nodes reached or triangles, the sum of all distances. Ranks are
compared with those in the data, as far as a library makes the measured turns.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from graphs.data import DAMPING, TURNS, Kronecker

#: A call, and what turns its result into the answer; no answer is compared where it gives None.
Work = tuple[Callable[[], Any], Callable[[Any], Any]]

#: How far ranks may be from the expected ones, in sum.
RANKS_TOLERANCE = 1e-6


def no_answer(_: Any) -> None:
    """Leave a result alone."""


class Engine:
    """A library of graph algorithms: a method for each test, named as the test is."""

    title: ClassVar[str]
    package: ClassVar[str | None] = None

    def __init__(self, workers: int, data: Kronecker) -> None:
        self.workers = workers
        self.data = data
        self.library: Any = None

    def prepare(self) -> None:
        """Import the library and give it its threads."""
        if self.package:
            self.library = importlib.import_module(self.package)

    def work(self, test: str) -> Work:
        """Return the work of a test."""
        made: Work = getattr(self, test)()
        return made

    def check_ranks(self, ranks: Any) -> None:
        """Raise unless the ranks are those of the data."""
        difference = float(np.abs(np.asarray(ranks) - self.data.ranks).sum())
        if not difference < RANKS_TOLERANCE:
            raise ValueError(f"ranks differ by {difference:.2g} in sum")


class SciPy(Engine):
    title = "SciPy"
    package = "scipy.sparse.csgraph"

    def prepare(self) -> None:
        super().prepare()
        self.sparse = importlib.import_module("scipy.sparse")

    def _symmetric(self) -> Any:
        data = self.data
        values = data.both_weights.astype(np.float64)
        offsets = data.both_offsets.astype(np.int32)
        return self.sparse.csr_array((values, data.both_targets, offsets), shape=(data.nodes, data.nodes))

    def pagerank(self) -> Work:
        data, nodes = self.data, self.data.nodes
        leaving = np.diff(data.out_offsets)
        offsets, targets = data.in_offsets.astype(np.int32), data.in_targets
        arriving = self.sparse.csr_array((np.ones(targets.size), targets, offsets), shape=(nodes, nodes))
        share = np.divide(1.0, leaving, where=leaving > 0, out=np.zeros(nodes))
        dangling = leaving == 0

        def run() -> Any:
            ranks = np.full(nodes, 1 / nodes)
            for _ in range(TURNS):
                lost = ranks[dangling].sum() / nodes
                ranks = DAMPING * (arriving @ (ranks * share) + lost) + (1 - DAMPING) / nodes
            return ranks

        return run, self.check_ranks

    def components(self) -> Work:
        matrix = self._symmetric()
        return lambda: self.library.connected_components(matrix, directed=False), lambda result: int(result[0])

    def bfs(self) -> Work:
        matrix, source = self._symmetric(), self.data.source
        call = self.library.breadth_first_order
        return lambda: call(matrix, source, return_predecessors=False), lambda order: int(order.size)

    def sssp(self) -> Work:
        matrix, source = self._symmetric(), self.data.source
        return lambda: self.library.dijkstra(matrix, indices=source), _sum_of_finite


class GraphBLAS(Engine):
    title = "python-graphblas"
    package = "graphblas"

    def prepare(self) -> None:
        super().prepare()
        self.library.init("suitesparse", blocking=True)
        self.library.ss.config["nthreads"] = self.workers
        for part in ("binary", "monoid", "semiring", "unary", "dtypes"):
            setattr(self, part, importlib.import_module(f"graphblas.{part}"))

    def _matrix(self, offsets: Any, targets: Any, values: Any = None) -> Any:
        nodes, same = self.data.nodes, values is None
        return self.library.Matrix.ss.import_csr(
            nrows=nodes,
            ncols=nodes,
            indptr=offsets.astype(np.uint64),
            col_indices=targets.astype(np.uint64),
            values=np.array([True]) if same else values,
            is_iso=same,
            sorted_cols=True,
        )

    def pagerank(self) -> Work:
        data, nodes, vector = self.data, self.data.nodes, self.library.Vector
        leaving = np.diff(data.out_offsets)
        arriving = self._matrix(data.in_offsets, data.in_targets, np.ones(data.in_targets.size))
        share = vector.from_dense(DAMPING / np.maximum(leaving, 1))
        dangling = vector.from_coo(np.flatnonzero(leaving == 0), True, size=nodes)

        def run() -> Any:
            ranks = vector.from_scalar(1.0 / nodes, nodes, dtype=float)
            for _ in range(TURNS):
                lost = ranks.dup(mask=dangling.S).reduce(self.monoid.plus).get(0.0)
                shared = ranks.ewise_mult(share, self.binary.times).new()
                ranks = vector.from_scalar((1 - DAMPING + DAMPING * lost) / nodes, nodes, dtype=float)
                ranks(accum=self.binary.plus) << arriving.mxv(shared, self.semiring.plus_second)
            return ranks

        return run, lambda ranks: self.check_ranks(ranks.to_dense())

    def components(self) -> Work:
        matrix = self._matrix(self.data.both_offsets, self.data.both_targets)
        vector, nodes = self.library.Vector, self.data.nodes

        def run() -> Any:
            labels = np.arange(nodes, dtype=np.int64)
            while True:
                least = vector.from_dense(labels)
                least(accum=self.binary.min) << matrix.mxv(least, self.semiring.min_second)
                reached = least.to_dense()
                reached = np.minimum(reached, reached[reached])
                reached = reached[reached]
                if np.array_equal(reached, labels):
                    return labels
                labels = reached

        return run, _distinct

    def bfs(self) -> Work:
        matrix, vector = self._matrix(self.data.both_offsets, self.data.both_targets), self.library.Vector

        def run() -> Any:
            levels = vector(self.dtypes.INT32, self.data.nodes)
            frontier = vector(self.dtypes.BOOL, self.data.nodes)
            frontier[self.data.source] = True
            level = 0
            while frontier.nvals:
                levels(frontier.S) << level
                level += 1
                frontier(~levels.S, replace=True) << frontier.vxm(matrix, self.semiring.any_pair)
            return levels

        return run, lambda levels: int(levels.nvals)

    def sssp(self) -> Work:
        data, vector = self.data, self.library.Vector
        matrix = self._matrix(data.both_offsets, data.both_targets, data.both_weights)

        def run() -> Any:
            distances = vector(self.dtypes.INT32, data.nodes)
            distances[data.source] = 0
            changed = distances.dup()
            while changed.nvals:
                offered = changed.vxm(matrix, self.semiring.min_plus).new()
                before = distances.dup()
                distances(accum=self.binary.min) << offered
                shorter = offered.ewise_mult(before, self.binary.lt).new().select("==", True).new()
                first = offered.dup(mask=~before.S)
                changed = offered.dup(mask=shorter.S)
                changed(accum=self.binary.min) << first
            return distances

        return run, lambda distances: int(distances.reduce(self.monoid.plus).get())

    def triangles(self) -> Work:
        upper = self.library.Matrix.from_coo(
            *_by_degree(self.data), 1, nrows=self.data.nodes, ncols=self.data.nodes, dtype=self.dtypes.INT64
        )

        def run() -> Any:
            counted = upper.mxm(upper.T, self.semiring.plus_pair).new(mask=upper.S)
            return counted.reduce_scalar().get()

        return run, int


class NetworKit(Engine):
    title = "NetworKit"
    package = "networkit"

    def prepare(self) -> None:
        super().prepare()
        self.library.setNumberOfThreads(self.workers)

    def _graph(self, directed: bool = False, weighted: bool = False) -> Any:
        if directed:
            sources, targets = self.data.directed_edges()
            values = np.ones(sources.size)
        else:
            sources, targets, weights = self.data.undirected_edges()
            values = weights.astype(np.float64)
        ends = (sources.astype(np.uint64), targets.astype(np.uint64))
        return self.library.GraphFromCoo((values, ends), n=self.data.nodes, weighted=weighted, directed=directed)

    def pagerank(self) -> Work:
        graph, centrality = self._graph(directed=True), self.library.centrality

        def run() -> Any:
            ranks = centrality.PageRank(
                graph, damp=DAMPING, tol=0.0, distributeSinks=centrality.SinkHandling.DistributeSinks
            )
            ranks.maxIterations = TURNS
            return ranks.run()

        return run, no_answer

    def components(self) -> Work:
        graph = self._graph()
        return lambda: self.library.components.ParallelConnectedComponents(graph).run(), lambda found: int(
            found.numberOfComponents()
        )

    def bfs(self) -> Work:
        graph, source = self._graph(), self.data.source
        return lambda: self.library.distance.BFS(graph, source, storePaths=False).run(), no_answer

    def sssp(self) -> Work:
        graph, source = self._graph(weighted=True), self.data.source
        return lambda: self.library.distance.Dijkstra(graph, source, storePaths=False).run(), no_answer

    def triangles(self) -> Work:
        graph = self._graph()
        graph.indexEdges()
        score = self.library.sparsification.TriangleEdgeScore
        return lambda: score(graph).run(), lambda found: int(sum(found.scores())) // 3

    def labels(self) -> Work:
        graph = self._graph()
        return lambda: self.library.community.PLP(graph).run(), no_answer

    def load(self) -> Work:
        reader = self.library.graphio.EdgeListReader(" ", 0, directed=True)
        path = str(self.data.file("edges.el"))
        # It keeps one of several equal edges; the others keep all.
        return lambda: reader.read(path), no_answer


class IGraph(Engine):
    """igraph; its PageRank solves for the ranks instead of making turns."""

    title = "igraph"
    package = "igraph"

    def _graph(self, directed: bool = False) -> Any:
        ends = self.data.directed_edges() if directed else self.data.undirected_edges()[:2]
        return self.library.Graph(n=self.data.nodes, edges=np.stack(ends, axis=1), directed=directed)

    def pagerank(self) -> Work:
        graph = self._graph(directed=True)
        return lambda: graph.pagerank(damping=DAMPING, implementation="prpack"), no_answer

    def components(self) -> Work:
        graph = self._graph()
        return graph.connected_components, len

    def bfs(self) -> Work:
        graph = self._graph()
        return lambda: graph.distances(source=self.data.source), lambda found: int(np.isfinite(found[0]).sum())

    def sssp(self) -> Work:
        graph, weights = self._graph(), self.data.undirected_edges()[2].tolist()
        return lambda: graph.distances(source=self.data.source, weights=weights)[0], _sum_of_finite

    def triangles(self) -> Work:
        graph = self._graph()
        return graph.transitivity_undirected, no_answer

    def labels(self) -> Work:
        return self._graph().community_label_propagation, no_answer

    def load(self) -> Work:
        path = str(self.data.file("edges.el"))
        return lambda: self.library.Graph.Read_Edgelist(path, directed=True), lambda graph: int(graph.ecount())


class PolarsSciPy(Engine):
    """The quickest way to read edges without a graph library: Polars reads, SciPy sorts."""

    title = "Polars and SciPy"
    package = "polars"

    def prepare(self) -> None:
        os.environ["POLARS_MAX_THREADS"] = str(self.workers)
        super().prepare()
        self.sparse = importlib.import_module("scipy.sparse")

    def load(self) -> Work:
        polars, path, nodes = self.library, self.data.file("edges.el"), self.data.nodes

        def run() -> Any:
            kinds = {"from": polars.Int32, "to": polars.Int32}
            table = polars.read_csv(path, has_header=False, separator=" ", schema=kinds)
            ends = (table["from"].to_numpy(), table["to"].to_numpy())
            ones = np.ones(len(table), np.int32)
            return self.sparse.coo_array((ones, ends), shape=(nodes, nodes)).tocsr()

        return run, lambda matrix: int(matrix.sum())


class Multilane(Engine):
    title = "multilane"
    package = "multilane"

    def prepare(self) -> None:
        super().prepare()
        self.graphs = importlib.import_module("multilane.graph")
        #: What the cost model said of runs of a plan, by the number of workers.
        self.predicted_ns: dict[int, float] = {}
        #: Runs the same work with so many workers.
        self.again: Callable[[int], Any] | None = None

    def _graph(self, directed: bool = False, weighted: bool = False) -> Any:
        if directed:
            return self.graphs.Graph.from_edges(*self.data.directed_edges(), n=self.data.nodes)
        sources, targets, weights = self.data.undirected_edges()
        return self.graphs.Graph.from_edges(
            *(sources, targets), n=self.data.nodes, directed=False, weights=weights if weighted else None
        )

    def _with(self, call: Callable[[int], Any], answer: Callable[[Any], Any]) -> Work:
        self.again = call
        return lambda: call(self.workers), answer

    def _apply(self, graph: Any, plan: Any, workers: int, **inputs: Any) -> Any:
        results = graph.apply(plan, workers=workers, **inputs)
        self.predicted_ns[workers] = results.run.predicted_ns
        return results

    def pagerank(self) -> Work:
        graph = self._graph(directed=True)
        plan = self.graphs.plans.pagerank(TURNS, tolerance=False)
        return self._with(lambda workers: self._apply(graph, plan, workers, damping=DAMPING).rank, self.check_ranks)

    def components(self) -> Work:
        graph = self._graph()
        return self._with(lambda workers: self.graphs.connected_components(graph, workers=workers), _distinct)

    def bfs(self) -> Work:
        graph = self._graph()
        return self._with(
            lambda workers: self.graphs.bfs(graph, self.data.source, workers=workers),
            lambda levels: int((levels >= 0).sum()),
        )

    def sssp(self) -> Work:
        graph = self._graph(weighted=True)
        return self._with(lambda workers: self.graphs.sssp(graph, self.data.source, workers=workers), _sum_of_finite)

    def triangles(self) -> Work:
        graph = self._graph()
        return self._with(lambda workers: self.graphs.triangles(graph, workers=workers), int)

    def labels(self) -> Work:
        graph = self._graph()
        plan = self.graphs.plans.label_propagation()
        return self._with(lambda workers: self._apply(graph, plan, workers).label, no_answer)

    def load(self) -> Work:
        path = self.data.file("edges.el")
        return lambda: self.graphs.read(path), lambda graph: int(graph.edges)


def _by_degree(data: Kronecker) -> tuple[Any, Any]:
    """Return the edges from nodes of lower degree to those of higher degree, as ranks by degree."""
    ranks = np.empty(data.nodes, np.int64)
    ranks[np.argsort(np.diff(data.both_offsets), kind="stable")] = np.arange(data.nodes)
    sources, targets, _ = data.undirected_edges()
    sources, targets = ranks[sources], ranks[targets]
    return np.minimum(sources, targets), np.maximum(sources, targets)


def _distinct(labels: Any) -> int:
    return int(np.unique(labels).size)


def _sum_of_finite(distances: Any) -> int:
    found = np.asarray(distances)
    return round(float(found[np.isfinite(found)].sum()))


ENGINES: dict[str, type[Engine]] = {
    "multilane": Multilane,
    "graphblas": GraphBLAS,
    "scipy": SciPy,
    "networkit": NetworKit,
    "igraph": IGraph,
    "polars": PolarsSciPy,
}
