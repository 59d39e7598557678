"""Graphs from tables: of pyarrow in memory, from Parquet and Arrow files, and tables that hold none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

import multilane as ml
from multilane.graph import Graph, _tables


def matrix_of(g: Graph) -> Any:
    return g.to_scipy().toarray().tolist()


def write(path: Path, table: Any, format: str) -> Path:
    if format == "parquet":
        pa.parquet.write_table(table, path, row_group_size=2)
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table, max_chunksize=2)
    return path


EDGES = {"from": [0, 1, 2], "to": [1, 2, 0], "weight": [0.5, 1.5, 2.5], "note": ["a", "b", "c"]}
EXPECTED = [[0, 0.5, 0], [0, 0, 1.5], [2.5, 0, 0]]


@pytest.mark.parametrize("format", ["parquet", "arrow"])
@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.uint8(), pa.uint32()])
def test_the_first_columns_of_a_file_are_edges(tmp_path: Path, format: str, kind: Any) -> None:
    table = pa.table(EDGES | {"from": pa.array(EDGES["from"], kind), "to": pa.array(EDGES["to"], kind)})
    file = write(tmp_path / f"edges.{format}", table, format)
    assert matrix_of(ml.graph.read(file)) == EXPECTED
    assert not ml.graph.read(file, weighted=False).weighted
    g = ml.graph.read(file, directed=False, n=5)
    assert (g.nodes, g.edges, g.directed) == (5, 3, False)
    assert matrix_of(ml.graph.read(file, format)) == EXPECTED


def test_feather_is_arrow(tmp_path: Path) -> None:
    pa.feather.write_feather(pa.table(EDGES), str(tmp_path / "edges.feather"))
    assert matrix_of(ml.graph.read(tmp_path / "edges.feather")) == EXPECTED


def test_a_table_in_memory() -> None:
    assert matrix_of(Graph.from_table(pa.table(EDGES), "from", "to", "weight")) == EXPECTED
    missing = pa.table({"from": [0, None], "to": [1, 2]})
    with pytest.raises(ml.PlanError, match="`from` has no value in 1 rows; drop or fill"):
        Graph.from_table(missing, "from", "to")
    with pytest.raises(ml.PlanError, match="no column `form`; did you mean `from`"):
        Graph.from_table(missing, "form", "to")


@pytest.mark.parametrize("format", ["parquet", "arrow"])
@pytest.mark.parametrize(
    ("columns", "options", "match"),
    [
        ({"from": [0]}, {}, "has 1 columns, and a graph needs two"),
        ({"from": [0], "to": [1]}, {"weighted": True}, "no third column"),
        ({"from": [0.5], "to": [1]}, {}, "`from` holds double, and node numbers are whole"),
        ({"from": ["a"], "to": [1]}, {}, "`from` holds string"),
        ({"from": [0, 1], "to": [1, None]}, {}, "`to` has no value in 1 rows"),
        ({"from": [0], "to": [1], "weight": ["much"]}, {}, "`weight` holds string, which is no weight"),
        ({"from": [0], "to": [1], "weight": [float("nan")]}, {}, "the weight of edge 0 is NaN"),
        ({"from": [0], "to": [-1]}, {}, "names node -1"),
        ({"from": [0], "to": [7]}, {"n": 3}, "names node 7"),
    ],
    ids=["one column", "no weights", "floats", "texts", "nothing", "words", "nan", "negative", "beyond"],
)
def test_tables_that_hold_no_graph(tmp_path: Path, format: str, columns: Any, options: Any, match: str) -> None:
    file = write(tmp_path / f"edges.{format}", pa.table(columns), format)
    with pytest.raises(ml.PlanError, match=match) as caught:
        ml.graph.read(file, **options)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("format", ["parquet", "arrow"])
@pytest.mark.slow
def test_damaged_files_are_refused(tmp_path: Path, format: str) -> None:
    whole = write(tmp_path / f"edges.{format}", pa.table(EDGES), format).read_bytes()
    file = tmp_path / f"damaged.{format}"
    rng = np.random.default_rng(1)
    problems: list[str] = []
    for number in range(30):
        content = bytearray(whole)
        if number % 2:
            del content[rng.integers(len(content)) :]
        else:
            content[rng.integers(len(content))] = rng.integers(256)
        file.write_bytes(content)
        try:
            assert ml.graph.read(file).edges == 3
        except ml.PlanError as error:
            problems.append(str(error))
        except MemoryError:
            continue
    assert len(problems) > 10
    assert all(str(file) in problem for problem in problems)
    file.write_bytes(b"no table at all")
    with pytest.raises(
        ml.PlanError, match=f"cannot be read as {format}: .*; the file is damaged, or of another format"
    ):
        ml.graph.read(file)
    with pytest.raises(FileNotFoundError):
        ml.graph.read(tmp_path / f"absent.{format}")


def test_without_a_library_it_says_which_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "edges.parquet", pa.table(EDGES), "parquet")
    for name in ("pyarrow", "polars"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(ImportError, match="reading parquet files needs `pyarrow` or `polars`; install one"):
        _tables.read_columns(str(file), "parquet", None)
