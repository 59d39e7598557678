"""Columns of tables as arrays of edges: of Arrow, Polars, pandas and dictionaries, of Parquet and Arrow files.

Files are read by pyarrow or Polars, whichever is there; nothing is imported before it is needed. Only the columns that
hold the edges are read, with pyarrow batch after batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from multilane._dtypes import nearest
from multilane.errors import PlanError

if TYPE_CHECKING:
    import numpy as np

    Column = np.ndarray[Any, Any]

__all__ = ["column_of", "read_columns"]

#: Rows that are held beside the columns while a Parquet file is read.
BATCH = 1 << 20


def column_of(table: Any, name: str) -> Any:
    """Return a column by its name, as an array.

    Examples
    --------
    >>> column_of({"from": [0, 1], "to": [1, 2]}, "to")
    [1, 2]
    >>> column_of({"from": [0, 1], "to": [1, 2]}, "too")
    Traceback (most recent call last):
    multilane.errors.PlanError: the table has no column `too`; did you mean `to`?
    """
    names = table if isinstance(table, Mapping) else getattr(table, "column_names", getattr(table, "columns", None))
    if names is None or not hasattr(table, "__getitem__"):
        hint = "give one of Arrow, Polars or pandas, or a dictionary of arrays"
        raise PlanError(f"a {type(table).__name__} is no table; {hint}")
    if name not in list(names):
        raise PlanError(f"the table has no column `{name}`; {nearest(name, [str(each) for each in names])}")
    column = table[name]
    missing = getattr(column, "null_count", 0)
    _refuse_missing(name, int(missing() if callable(missing) else missing))
    return column.to_numpy() if hasattr(column, "to_numpy") else column


def read_columns(path: str, format: str, weighted: bool | None) -> tuple[Column, Column, Column | None]:
    """Read sources, targets and perhaps weights: the first columns of a file of the format ``parquet`` or ``arrow``."""
    # What is not there, or not to be opened, is told as of any other file.
    with open(path, "rb"):
        pass
    try:
        import pyarrow
    except ImportError:
        return _read_with_polars(path, format, weighted)
    try:
        return _read_with_pyarrow(path, format, weighted)
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _damaged(path, format, error) from None


def _read_with_pyarrow(path: str, format: str, weighted: bool | None) -> tuple[Column, Column, Column | None]:
    import pyarrow

    if format == "parquet":
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            chosen = _chosen(path, schema.names, weighted)
            batches = file.iter_batches(batch_size=BATCH, columns=[schema.names[place] for place in range(chosen)])
            return _gathered(path, schema, chosen, file.metadata.num_rows, batches)
    with pyarrow.memory_map(path) as source:
        file = pyarrow.ipc.open_file(source)
        chosen = _chosen(path, file.schema.names, weighted)
        only = pyarrow.ipc.IpcReadOptions(included_fields=list(range(chosen)))
        table = pyarrow.ipc.open_file(source, options=only).read_all()
        return _gathered(path, file.schema, chosen, table.num_rows, table.to_batches())


def _gathered(
    path: str, schema: Any, chosen: int, rows: int, batches: Iterable[Any]
) -> tuple[Column, Column, Column | None]:
    """Copy batches into one array for each column."""
    import numpy as np
    import pyarrow.types

    columns: list[Any] = []
    for place in range(chosen):
        kind, name = schema.types[place], schema.names[place]
        if place < 2 and not pyarrow.types.is_integer(kind):
            raise PlanError(f"{path}: the column `{name}` holds {kind}, and node numbers are whole")
        if place == 2 and not (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)):
            raise PlanError(f"{path}: the column `{name}` holds {kind}, which is no weight; read with `weighted=False`")
        wide = pyarrow.types.is_int64(kind) or pyarrow.types.is_uint64(kind) or pyarrow.types.is_uint32(kind)
        dtype = np.float64 if place == 2 else np.int64 if wide else np.int32
        columns.append(np.empty(rows, dtype))
    at = 0
    for batch in batches:
        for place, column in enumerate(columns):
            found = batch.column(place)
            _refuse_missing(schema.names[place], found.null_count, f"{path}: ")
            column[at : at + len(found)] = found.to_numpy(zero_copy_only=False)
        at += batch.num_rows
    if at != rows:
        raise PlanError(f"{path}: the file promises {rows} rows, but there are {at}")
    source, target, *weights = columns
    return source, target, weights[0] if weights else None


def _read_with_polars(path: str, format: str, weighted: bool | None) -> tuple[Column, Column, Column | None]:
    try:
        import polars
    except ImportError:
        raise ImportError(f"reading {format} files needs `pyarrow` or `polars`; install one of them") from None
    scan = polars.scan_parquet if format == "parquet" else polars.scan_ipc
    try:
        table = scan(path)
        names = table.collect_schema().names()
        kept = names[: _chosen(path, names, weighted)]
        frame = table.select(kept).collect()
    except polars.exceptions.PolarsError as error:
        raise _damaged(path, format, error) from None
    source, target, *weights = (column_of(frame, name) for name in kept)
    return source, target, weights[0] if weights else None


def _chosen(path: str, names: list[str], weighted: bool | None) -> int:
    """Return how many of the first columns hold edges: two, or three with weights."""
    if len(names) < 2:
        raise PlanError(f"{path}: has {len(names)} columns, and a graph needs two, sources and targets")
    if weighted and len(names) < 3:
        raise PlanError(f"{path}: has no third column with weights; read with `weighted=False`")
    return 2 if weighted is False else min(len(names), 3)


def _refuse_missing(name: str, missing: int, where: str = "") -> None:
    if missing:
        raise PlanError(f"{where}the column `{name}` has no value in {missing} rows; drop or fill them first")


def _damaged(path: str, format: str, error: Exception) -> PlanError:
    why = " ".join(str(error).split())
    return PlanError(f"{path}: cannot be read as {format}: {why}; the file is damaged, or of another format")
