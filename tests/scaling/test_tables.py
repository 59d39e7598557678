"""The four tables of the investigation, and the libraries that multiply matrices."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

import multilane as ml
from multilane.scaling import products
from multilane.scaling.products import matrix_products, single_threaded
from multilane.scaling.tables import four_tables
from sweeps import made_up


def test_the_tables_of_the_investigation_are_there() -> None:
    loads, tables = four_tables()
    assert [table["title"] for table in tables] == [
        "Workload classes",
        "Matrix products",
        "What a mutex costs",
        "Queues",
    ]
    sizes = [curve["size"] for curve in tables[0]["curves"]]
    assert sizes == ["65k x 10", "65k x 100", "65k x 500", "1M x 10", "1M x 100", "1M x 500"]
    assert [curve["size"] for curve in tables[1]["curves"]][:4] == ["64", "256", "1024", "4096"]
    # A curve is found by its workload, its size and its strategy, and each is run once.
    names = [(load.name, load.size, load.strategy) for load in loads]
    assert len(set(names)) == len(names)
    wanted = {(c["workload"], c["size"], c["strategy"]) for table in tables for c in table["curves"]}
    assert wanted == set(names)
    for table in tables:
        keys = [tuple(curve.values()) for curve in table["curves"]]
        for comparison in table["comparisons"]:
            assert tuple(comparison["usual"].values()) in keys
            assert tuple(comparison["other"].values()) in keys


def test_a_sweep_with_tables_shows_them_with_what_differs() -> None:
    usual = made_up({1: 1.0, 2: 2.0}).data
    other = [each | {"strategy": "threads+lock", "operations": 1000} for each in usual["samples"]]
    names = {"workload": "<made up>", "size": ""}
    tables = [
        {
            "title": "What a mutex costs",
            "note": "With and without.",
            "curves": [names | {"strategy": "threads"}, names | {"strategy": "threads+lock"}],
            "comparisons": [
                {
                    "what": "a lock around each operation",
                    "usual": names | {"strategy": "threads"},
                    "other": names | {"strategy": "threads+lock"},
                    "same_at_one": False,
                }
            ],
        }
    ]
    scaling = ml.Scaling(usual | {"samples": usual["samples"] + other, "tables": tables})
    text = " ".join(str(scaling).split())
    assert "What a mutex costs With and without." in text
    assert "<made up>: a lock around each operation costs 50" in text
    assert scaling.judgement["tables"][0]["differences"][0]["says"] == "slower"


def test_products_need_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(load.name, load.size) for load in matrix_products((8, 16)) if "NumPy" in load.name] == [
        ("matrix product, NumPy", "8"),
        ("matrix product, NumPy", "16"),
    ]
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert matrix_products((8,)) == []
    _, tables = four_tables()
    assert [table["title"] for table in tables] == ["Workload classes", "What a mutex costs", "Queues"]
    with single_threaded():
        pass


class FakeTorch(types.ModuleType):
    """As much of PyTorch as is used."""

    def __init__(self, cuda: bool, mps: bool) -> None:
        super().__init__("torch")
        self.calls: list[Any] = []
        self.threads = 5
        note = self.calls.append
        self.cuda = types.SimpleNamespace(is_available=lambda: cuda, synchronize=lambda: note("cuda waited"))
        self.mps = types.SimpleNamespace(synchronize=lambda: note("mps waited"))
        self.backends = types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: mps))

    def rand(self, rows: int, columns: int, device: str) -> tuple[int, int, str]:
        return rows, columns, device

    def matmul(self, one: Any, two: Any) -> None:
        self.calls.append((one, two))

    def get_num_threads(self) -> int:
        return self.threads

    def set_num_threads(self, count: int) -> None:
        self.threads = count


@pytest.mark.parametrize(("cuda", "mps", "device"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_pytorch_multiplies_on_the_device_that_it_has(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, device: str
) -> None:
    torch = FakeTorch(cuda, mps)
    monkeypatch.setitem(sys.modules, "torch", torch)
    loads = [load for load in matrix_products((8,)) if "PyTorch" in load.name]
    assert [load.name for load in loads] == [f"matrix product, PyTorch on {device}"]
    loads[0].operation.function()
    matrix = (8, 8, device)
    # The operation is done when the device is.
    assert torch.calls == [(matrix, matrix), *([] if device == "cpu" else [f"{device} waited"])]
    with single_threaded():
        assert torch.threads == 1
    assert torch.threads == 5


def test_a_pytorch_that_cannot_be_loaded_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise OSError("libtorch.so: cannot open shared object file")

    monkeypatch.setattr(products, "import_module", broken)
    assert all("NumPy" in load.name for load in matrix_products((8,)))
