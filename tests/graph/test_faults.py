"""What is no graph: a clear error that names the thing, before memory is taken, and never a panic."""

from __future__ import annotations

import gzip
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import multilane as ml
from multilane.graph import Graph

NAN = float("nan")


def heavy(weight: Any) -> Any:
    graph = nx.Graph()
    graph.add_edge("a", "b", weight=weight)
    return graph


def sparse(value: Any, n: int = 2) -> Any:
    return scipy.sparse.coo_array(([value], ([0], [1])), shape=(n, n))


def broken(**parts: Any) -> Any:
    matrix = scipy.sparse.csr_array((np.ones(2), np.array([0, 1]), np.array([0, 1, 2])), shape=(2, 2))
    for name, value in parts.items():
        setattr(matrix, name, value)
    return matrix


def told(make: Callable[[], Graph], name: str) -> Graph | None:
    """Return the graph, or None after an error that names the thing or says what to do."""
    error: Exception
    try:
        return make()
    except (ml.PlanError, MemoryError) as caught:
        error = caught
    assert name in str(error) or "; " in str(error)
    return None


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "negative node": (lambda: Graph.from_edges([-1], [0]), "edge 0 names node -1.*number the nodes from 0"),
    "narrow negative node": (lambda: Graph.from_edges(np.array([-1], "i4"), np.array([0], "i4"), n=4), "node -1"),
    "node beyond n": (lambda: Graph.from_edges([5], [0], n=5), "names node 5.*give at least 6 nodes"),
    "node beyond 63 bits": (
        lambda: Graph.from_edges(np.array([1 << 63], "u8"), [1]),
        "`src` holds 9223372036854775808",
    ),
    "node beyond 64 bits": (lambda: Graph.from_edges([1 << 70], [1]), "`src` holds numbers of more than 64 bits"),
    "negative n": (lambda: Graph.from_edges([0], [1], n=-1), "`n` is -1"),
    "n beyond 64 bits": (lambda: Graph.from_edges([0], [1], n=10**20), "`n` is 10"),
    "half an n": (lambda: Graph.from_edges([0], [1], n=1.5), "`n` is 1.5"),  # type: ignore[arg-type]
    "ragged": (lambda: Graph.from_edges([[0], [1, 2]], [0, 1]), "`src` cannot be made an array"),
    "None": (lambda: Graph.from_edges(None, None), "`src` is object"),  # type: ignore[arg-type]
    "NaN": (lambda: Graph.from_edges([0], [1], weights=[NAN]), "the weight of edge 0 is NaN; replace or drop"),
    "NaN in f32": (lambda: Graph.from_edges([0], [1], weights=np.array([NAN], "f4")), "the weight of edge 0 is NaN"),
    "NaN of SciPy": (lambda: Graph.from_scipy(sparse(NAN)), "the weight of edge 0 is NaN"),
    "NaN of NetworkX": (lambda: Graph.from_networkx(heavy(NAN)), "the weight of edge 0 is NaN"),
    "complex of SciPy": (lambda: Graph.from_scipy(sparse(1j)), "complex128, which is no array of numbers"),
    "no matrix": (lambda: Graph.from_scipy(np.eye(3)), "a ndarray is no sparse matrix.*coo_array"),
    "a vector": (lambda: Graph.from_scipy(scipy.sparse.coo_array(np.ones(3))), "has 1 axes"),
    "a bad column": (lambda: Graph.from_scipy(broken(indices=np.array([0, 9]))), "does not hold together"),
    "a negative column": (lambda: Graph.from_scipy(broken(indices=np.array([0, -9]))), "does not hold together"),
    "too few values": (lambda: Graph.from_scipy(broken(data=np.ones(1))), "does not hold together"),
    "no graph": (lambda: Graph.from_networkx([1, 2]), "a list is no graph of NetworkX; `from_edges`"),
    "a word as weight": (
        lambda: Graph.from_networkx(heavy("much")),
        "the weight of the edge from 'a' to 'b' is 'much'; give a number",
    ),
    "a list as weight": (lambda: Graph.from_networkx(heavy([1, 2])), r"is \[1, 2\]"),
    "no column": (
        lambda: Graph.from_table({"from": [0], "to": [1]}, "from", "too"),
        "no column `too`; did you mean `to`",
    ),
    "no table": (lambda: Graph.from_table(5, "from", "to"), "a int is no table"),
    "negative scale": (lambda: ml.graph.kronecker(-1), "`scale` is -1"),
    "half a scale": (lambda: ml.graph.kronecker(3.5), "`scale` is 3.5"),  # type: ignore[arg-type]
    "a scale beyond sense": (lambda: ml.graph.kronecker(1 << 70), "`scale` is 1180591620717411303424"),
    "negative edge factor": (lambda: ml.graph.kronecker(3, -1), "`edge_factor` is -1"),
    "negative seed": (lambda: ml.graph.kronecker(3, 2, seed=-1), "`seed` is -1"),
    "negative nodes": (lambda: ml.graph.uniform(-1, 3), "`nodes` is -1"),
    "negative edges": (lambda: ml.graph.uniform(3, -1), "`edges` is -1"),
    "edges without nodes": (lambda: ml.graph.uniform(0, 5), "`edges` is 5"),
    "negative rows": (lambda: ml.graph.grid(-1, 3), "`rows` is -1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_graph_is_refused(case: str) -> None:
    make, match = REFUSED[case]
    with pytest.raises(ml.PlanError, match=match):
        make()


HUGE: dict[str, Callable[[], object]] = {
    "kronecker": lambda: ml.graph.kronecker(40, 16),
    "kronecker by its edges": lambda: ml.graph.kronecker(30, 1 << 40),
    "uniform": lambda: ml.graph.uniform(10, 10**16),
    "grid": lambda: ml.graph.grid(10**8, 10**6),
    "from_edges": lambda: Graph.from_edges([0], [1], n=10**13),
    "from_scipy": lambda: Graph.from_scipy(sparse(1.0, 10**13)),
}


@pytest.mark.parametrize("case", HUGE)
def test_a_graph_larger_than_memory_is_refused_before_it_is_made(case: str) -> None:
    with pytest.raises(MemoryError, match=r"no memory for .* of a graph, only .* are free; use fewer nodes or edges"):
        HUGE[case]()


def test_a_file_that_promises_more_than_memory_is_refused(tmp_path: Path) -> None:
    matrix = tmp_path / "huge.mtx"
    matrix.write_text("%%MatrixMarket matrix coordinate pattern general\n10000000000000 10000000000000 1\n1 1\n")
    edges = tmp_path / "edges.txt"
    edges.write_text("0 1\n")
    for file, n in ((matrix, None), (edges, 10**13)):
        with pytest.raises(MemoryError, match=r"only .* are free"):
            ml.graph.read(file, n=n)


def test_a_result_larger_than_memory_is_refused() -> None:
    # Zeros that were never touched take no memory; eight bytes for each of them would.
    found = re.search(r"MemAvailable: *(\d+) kB", Path("/proc/meminfo").read_text())
    assert found is not None
    size = int(found[1]) * 1024 // 4
    x = np.zeros(size, np.bool_)
    b = ml.Builder("wide")
    b.output("y", b.input("x", "bool").astype("f64"))
    with pytest.raises(MemoryError, match=rf"no memory for {8 * size} bytes of `.*`; use smaller inputs"):
        b.build().run(x=x)


FILES: dict[str, tuple[bytes, str]] = {
    "one.txt": (b"0 1\n1\n", "line 2: expected two nodes, found only `1`"),
    "negative.txt": (b"0 1\n-1 2\n", "line 2: expected the number of a node, found `-1`"),
    "large.txt": (b"0 99999999999\n", "line 1: node 99999999999 is larger .* read with `relabel`"),
    "nan.txt": (b"0 1 nan\n", "line 1: the weight is not a number"),
    "binary.txt": (bytes(range(256)) * 10, "line 1"),
    "wide.txt": ("0 1\n".encode("utf-16"), "line 1.*not UTF-8"),
    "less.mtx": (
        b"%%MatrixMarket matrix coordinate real general\n3 3 99999999999999999\n1 1 1\n",
        "promises 99999999999",
    ),
    "nan.mtx": (
        b"%%MatrixMarket matrix coordinate real general\n3 3 1\n1 1 nan\n",
        "line 3: the weight is not a number",
    ),
    "negative.mtx": (
        b"%%MatrixMarket matrix coordinate real general\n-3 3 1\n1 1 1\n",
        "line 2: expected rows, columns",
    ),
    "beyond.mtx": (
        b"%%MatrixMarket matrix coordinate real general\n3 3 1\n4 1 1\n",
        "line 3: node 4 is not one of the 3",
    ),
    "dense.mtx": (b"%%MatrixMarket matrix array real general\n3 3\n", "line 1: expected the format `coordinate`"),
    "matrix.npz": (b"PK", "`npz` is not text"),
}


@pytest.mark.parametrize("name", FILES)
def test_malformed_files_are_refused_at_their_line(tmp_path: Path, name: str) -> None:
    content, match = FILES[name]
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ml.PlanError, match=match) as caught:
        ml.graph.read(file)
    assert str(file) in str(caught.value)


def test_damaged_compression_is_told(tmp_path: Path) -> None:
    file = tmp_path / "edges.txt.gz"
    whole = gzip.compress(b"0 1\n1 2\n" * 1000)
    for content, why in (
        (whole[: len(whole) // 2], "incomplete"),
        (whole[:10] + b"\xff" * 20, "corrupt"),
        (b"\x1f\x8b\x00", ""),
    ):
        file.write_bytes(content)
        with pytest.raises(OSError, match=f"cannot read {file}: .*{why}.*get it again"):
            ml.graph.read(file)
    with pytest.raises(IsADirectoryError):
        ml.graph.read(tmp_path)
    with pytest.raises(ml.PlanError, match="zero byte"):
        ml.graph.read("a\0b")


def test_a_mark_before_the_text_is_no_name(tmp_path: Path) -> None:
    file = tmp_path / "edges.txt"
    file.write_text("0 1\n1 2\n", encoding="utf-8-sig")
    g = ml.graph.read(file)
    assert (g.nodes, g.edges, g.labels) == (3, 2, None)


@given(
    st.lists(
        st.sampled_from(
            [
                b"0",
                b"1",
                b"77",
                b"4294967295",
                b" ",
                b"\t",
                b",",
                b"\n",
                b"\r\n",
                b"nan",
                b"-",
                b"#",
                b"\xff",
                b"\0",
                b"1e3",
            ]
        ),
        max_size=30,
    ),
    st.sampled_from([b"", b"%%MatrixMarket matrix coordinate real general\n3 3 1\n", b"%%MatrixMarket matrix\n"]),
    st.booleans(),
)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], head: bytes, compressed: bool
) -> None:
    content = head + b"".join(parts)
    file = tmp_path_factory.getbasetemp() / ("any.mtx" if head else "any.txt")
    file.write_bytes(gzip.compress(content) if compressed else content)
    g = told(lambda: ml.graph.read(file, relabel=not head), str(file))
    if g is not None:
        assert all(0 <= node < g.nodes for row in range(g.nodes) for node in g.neighbors(row))


numbers = st.one_of(
    st.integers(-2, 8), st.sampled_from([1 << 40, 1 << 63, -(1 << 70)]), st.sampled_from([NAN, 0.5, None, "a", [1]])
)


@given(
    st.lists(numbers, max_size=4),
    st.lists(numbers, max_size=4),
    st.one_of(st.none(), numbers),
    st.lists(numbers, max_size=4) | st.none(),
)
def test_any_arguments_are_a_graph_or_refused(src: Any, dst: Any, n: Any, weights: Any) -> None:
    g = told(lambda: Graph.from_edges(src, dst, n=n, weights=weights), "")
    if g is not None:
        assert (g.nodes, g.edges) == (n if n is not None else max([-1, *src, *dst]) + 1, len(src))


SEARCHES: dict[str, tuple[Callable[[Graph], object], str]] = {
    "damping": (lambda g: ml.graph.pagerank(g, damping=NAN), "`damping` is nan"),
    "damping as text": (lambda g: ml.graph.pagerank(g, damping="a"), "`damping` is 'a'"),  # type: ignore[arg-type]
    "tolerance": (lambda g: ml.graph.pagerank(g, tol=NAN), "`tol` is nan, but must be a number above 0"),
    "turns": (lambda g: ml.graph.pagerank(g, max_iter=-1), "`max_iter` is -1"),
    "turns beyond 64 bits": (lambda g: ml.graph.pagerank(g, max_iter=10**30), "`max_iter` is 1000"),
    "NaN wishes": (lambda g: ml.graph.pagerank(g, personalization=[NAN, 1, 1]), "`personalization` must be finite"),
    "words as wishes": (
        lambda g: ml.graph.pagerank(g, personalization=["a"] * 3),
        "`personalization` holds no numbers",
    ),
    "k": (lambda g: ml.graph.k_core(g, -1), "`k` is -1"),
    "half a k": (lambda g: ml.graph.k_core(g, 1.5), "`k` is 1.5"),  # type: ignore[arg-type]
    "k beyond 64 bits": (lambda g: ml.graph.k_core(g, 1 << 70), "`k` is 1180591620717411303424"),
    "seed": (lambda g: ml.graph.betweenness(g, 1, seed=-1), "`seed` is -1"),
    "samples": (lambda g: ml.graph.betweenness(g, 100), "`samples` is 100"),
    "source": (lambda g: ml.graph.bfs(g, 1 << 70), "there is no node 1180591620717411303424"),
    "negative weights": (lambda g: ml.graph.sssp(g, 0), "an edge of node 0 has -1; shift"),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_algorithms_refuse_what_they_cannot_mean(case: str) -> None:
    call, match = SEARCHES[case]
    with pytest.raises(ml.PlanError, match=match):
        call(Graph.from_edges([0, 1, 2], [1, 2, 0], weights=[-1.0, 2.0, 3.0]))


def test_a_source_where_there_are_no_nodes() -> None:
    with pytest.raises(ml.PlanError, match="the graph has no nodes"):
        ml.graph.bfs(Graph.from_edges([], []), 0)


def test_algorithms_that_do_not_converge_are_bounded_and_say_so() -> None:
    g = ml.graph.kronecker(6, 4, seed=1)
    for call in (
        lambda: ml.graph.pagerank(g, tol=1e-300, max_iter=3),
        lambda: ml.graph.hits(g, tol=1e-300, max_iter=3),
        lambda: ml.graph.katz(g, alpha=1e3, max_iter=3),
    ):
        with pytest.warns(ml.ConvergenceWarning, match="did not reach `tol` = .* in 3 turns; allow more"):
            call()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ml.graph.pagerank(g)
