"""Sweeps on devices: what is there without the module, and on the devices that are found where it is built."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

import multilane as ml
from multilane.cli import main
from multilane.scaling import devices, kernels
from multilane.scaling.kernels import kernel
from multilane.scaling.loads import Load
from multilane.scaling.ways import make, parse

BUILT = importlib.util.find_spec("multilane._gpu") is not None
needs_module = pytest.mark.skipif(not BUILT, reason="the module for devices is not built (`make gpu`)")

KERNELS: list[tuple[str, list[int]]] = [
    ("element", [4096, 10]),
    ("matrix", [128]),
    ("triad", [4096]),
    ("nothing", []),
]


@pytest.fixture(params=["cuda", "vulkan", "wgpu", "cpu"])
def route(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    missing = {each["route"]: each["missing"] for each in devices.routes()}[name]
    if missing is not None:
        pytest.skip(missing)
    return name


@pytest.mark.skipif(BUILT, reason="the module for devices is built")
def test_without_the_module_a_sweep_says_how_to_build_it() -> None:
    with pytest.raises(ml.BackendUnavailable, match="make gpu"):
        ml.scale(device="gpu")


def test_routes_are_strategies() -> None:
    assert parse("vulkan+own+lock+window=8+batch=4").kind == "vulkan"
    with pytest.raises(ValueError, match="give `device`"):
        ml.scale(strategies=["cuda"])
    with pytest.raises(TypeError, match="only its `command`"):
        ml.scale(sum, device="gpu")


@needs_module
def test_names_that_are_no_device_are_refused() -> None:
    with pytest.raises(ValueError, match="give `gpu` or one of `cuda`"):
        ml.scale(device="abacus")
    with pytest.raises(ValueError, match="no way to the device at the end of `cpu`"):
        ml.scale(device="cpu", strategies=["threads"])


@needs_module
@pytest.mark.parametrize(("name", "sizes"), KERNELS)
def test_a_device_computes_what_the_processor_computes(route: str, name: str, sizes: list[int]) -> None:
    device = devices.opened(route)
    for options in ({}, {"lock": True}, {"window": 4}, {"batch": 3}):
        loaded = device.load(name, sizes, workers=3, **options)
        assert loaded.run(12)["operations"] >= 12
        report = loaded.run(12, stamped=True)
        assert report["operations"] >= 12
        assert report["largest_error"] <= report["tolerance"], (options, report)
        assert report["median_ns"] > 0


@needs_module
def test_queues_of_their_own_are_as_many_as_the_device_has(route: str) -> None:
    device = devices.opened(route)
    if device.facts["queues"] == 1:
        with pytest.raises(ValueError, match="has one queue"):
            device.load("nothing", [], workers=2, own=True)
    else:
        report = device.load("element", [4096, 10], workers=3, own=True).run(30, stamped=True)
        assert report["queues"] == min(3, device.facts["queues"])
        assert report["largest_error"] <= report["tolerance"]


@needs_module
@pytest.mark.parametrize(
    ("name", "sizes", "options", "words"),
    [
        ("matrix", [100], {}, "multiple of 64"),
        ("magic", [], {}, "there is no kernel `magic`"),
        ("nothing", [], {"window": 0}, "submissions in flight"),
        ("nothing", [], {"workers": 100_000}, "workers"),
    ],
)
def test_what_no_device_does_is_refused(name: str, sizes: list[int], options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        devices.opened("cpu").load(name, sizes, **{"workers": 1, **options})


@needs_module
def test_a_sweep_on_a_device_goes_the_way_of_every_sweep(route: str) -> None:
    way = make(f"{route}+window=2")
    sample = way.run(kernel("element", 4096, 10), 2, 40)
    assert sample["device"]["busy_share"] > 0
    parts = sum(sample[name] for name in ("cpu_ns", "lock_wait_ns", "dispatch_ns", "idle_ns", "run_delay_ns"))
    device = sample["device"]["wait_ns"] + sample["device"]["submission_wait_ns"]
    # The lanes start a little after the common start, and no part is counted twice.
    assert 0.5 < (parts + device) / (2 * sample["wall_ns"]) < 1.01


@needs_module
def test_the_command_line_measures_a_device(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = [Load("no operation", kernel("nothing"), strategy="cpu")]
    monkeypatch.setattr(kernels, "device_tables", lambda route, **facts: (loads, []))
    main(["scale", "--device", "cpu", "--workers", "1,2", "--repeats", "3", "--run-seconds", "0.01", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [each["strategy"] for each in found["series"]] == ["cpu"]
    assert found["name"].startswith("built-in workloads on")
    main(["scale", "--devices", "--json"])
    assert {"cuda", "vulkan", "wgpu", "cpu"} == {each["route"] for each in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("several", [True, False])
def test_the_tables_of_a_device_name_each_curve_that_is_run(several: bool) -> None:
    loads, tables = kernels.device_tables("vulkan", several=several, small=False)
    titles = ["Workload classes", "Matrix products", "What a mutex costs", "Queues"]
    assert [table["title"] for table in tables] == titles
    names = [(load.name, load.size, load.strategy) for load in loads]
    assert len(set(names)) == len(names)
    assert {tuple(curve.values()) for table in tables for curve in table["curves"]} == set(names)
    for table in tables:
        keys = [tuple(curve.values()) for curve in table["curves"]]
        assert len(set(keys)) == len(keys)
        for held in table["comparisons"]:
            assert {tuple(held["usual"].values()), tuple(held["other"].values())} <= set(keys)
    assert any("own" in strategy for _, _, strategy in names) == several
    small, _ = kernels.device_tables("wgpu", several=False, small=True)
    assert max(int(load.size) for load in small if load.name == "matrix product") == 256
