"""Running plans: what goes in and comes out, where it lies, and how a run is stopped."""

from __future__ import annotations

import array
import gc
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import multilane as ml


def twice(dtype: str = "f64") -> ml.Plan:
    b = ml.Builder("twice")
    b.output("y", b.input("x", dtype) * 2)
    return b.build()


@pytest.mark.parametrize(
    "given",
    [
        [1.0, 2.0, 3.0],
        (1, 2, 3),
        np.array([1.0, 2.0, 3.0]),
        np.arange(1.0, 7.0)[:3],
        np.arange(1.0, 7.0)[::-1][3:][::-1].copy()[::1],
        np.arange(1.0, 7.0, 1.0).reshape(3, 2)[:, 0].cumsum() * 0 + [1, 2, 3],
        np.array([1.0, 2.0, 3.0], ">f8"),
        np.array([1, 2, 3], "i4"),
        np.array([1, 2, 3], "u1"),
        array.array("d", [1.0, 2.0, 3.0]),
        memoryview(array.array("d", [1.0, 2.0, 3.0])),
        np.frombuffer(b"\0" + np.array([1.0, 2.0, 3.0]).tobytes(), np.uint8)[1:].view("f8"),
    ],
    ids=[
        "list",
        "tuple",
        "array",
        "part",
        "copy",
        "sum",
        "big endian",
        "i4",
        "u1",
        "array.array",
        "memoryview",
        "unaligned",
    ],
)
def test_inputs_of_many_kinds(given: Any) -> None:
    assert twice().run(x=given).y.tolist() == [2.0, 4.0, 6.0]


def test_views_with_gaps_are_copied() -> None:
    x = np.arange(10.0)
    np.testing.assert_array_equal(twice().run(x=x[::2]).y, x[::2] * 2)
    np.testing.assert_array_equal(twice().run(x=x[::-1]).y, x[::-1] * 2)


@pytest.mark.parametrize("shape", [(2, 3), (2, 0, 3), (1, 1, 1), (2, 3, 4, 5)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_results_have_the_shape_of_the_inputs(shape: tuple[int, ...], order: Any) -> None:
    x = np.asarray(np.random.default_rng(0).random(shape), order=order)
    result = twice().run(x=x).y
    assert result.shape == shape
    np.testing.assert_array_equal(result, x * 2)


def test_results_need_no_other_object_to_live() -> None:
    result = twice().run(x=np.arange(100_000.0)).y
    gc.collect()
    assert result.flags.writeable
    result += 1
    np.testing.assert_array_equal(result, np.arange(100_000.0) * 2 + 1)
    others = [twice().run(x=np.full(100_000, float(k))).y for k in range(5)]
    np.testing.assert_array_equal(result, np.arange(100_000.0) * 2 + 1)
    assert [float(other[0]) for other in others] == [0, 2, 4, 6, 8]


def test_results_are_written_where_the_caller_wants_them() -> None:
    plan, out = twice(), np.empty(3)
    assert plan.run(x=[1.0, 2.0, 3.0], out={"y": out}).y is out
    assert out.tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("out", "match"),
    [
        (np.empty(4), "has 4 elements"),
        (np.empty(3, "f4"), "is f32"),
        (np.empty(6)[::2], "must be contiguous"),
        (np.frombuffer(bytes(24)), "is read-only"),
        (np.empty(3, ">f8"), "byte order"),
    ],
    ids=["long", "narrow", "gaps", "read-only", "big endian"],
)
def test_arrays_that_cannot_hold_a_result(out: Any, match: str) -> None:
    with pytest.raises(ml.PlanError, match=match):
        twice().run(x=[1.0, 2.0, 3.0], out={"y": out})


def test_a_result_must_not_overwrite_an_input() -> None:
    x = np.arange(4.0)
    with pytest.raises(ml.PlanError, match="shares memory with the input `x`"):
        twice().run(x=x, out={"y": x})


def test_a_plan_that_returns_its_input_returns_a_copy() -> None:
    b = ml.Builder()
    x = b.input("x")
    b.output("y", x)
    b.output("z", x)
    given = np.arange(3.0)
    result = b.build().run(x=given)
    result.y[0] = 100
    assert (given[0], result.z[0]) == (0, 0)


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        ({}, r"the input `x` \(f64\[n\]\) is missing"),
        ({"x": [1.0], "z": 1}, "no input `z`"),
        ({"x": 1.0}, "is one number, but must be an array"),
        ({"x": np.array([1j])}, "complex128"),
        ({"x": "abc"}, "a str"),
        ({"x": [[1.0], [2.0, 3.0]]}, "cannot be made an array"),
        ({"x": np.array(["a"])}, "no array of numbers"),
    ],
    ids=["missing", "unknown", "scalar", "complex", "text", "ragged", "texts"],
)
def test_inputs_that_do_not_fit(inputs: dict[str, Any], match: str) -> None:
    with pytest.raises(ml.PlanError, match=match):
        twice().run(inputs)


def test_types_that_would_lose_values_are_refused() -> None:
    with pytest.raises(ml.PlanError, match="float64, and int32 cannot hold"):
        twice("i32").run(x=np.array([1.5]))
    with pytest.raises(ml.PlanError, match="cannot hold"):
        twice("f32").run(x=np.array([1.5]))
    assert twice("f32").run(x=[1.5]).y.tolist() == [3.0]
    b = ml.Builder()
    b.output("y", b.parameter("k", "i32") + 0)
    with pytest.raises(ml.PlanError, match="cannot hold 3000000000"):
        b.build().run(k=3_000_000_000)
    with pytest.raises(ml.PlanError, match=r"cannot hold 1\.5"):
        b.build().run(k=1.5)
    with pytest.raises(ml.PlanError, match="was given 2"):
        b.build().run(k=[1, 2])


def test_inputs_of_one_size_must_agree() -> None:
    b = ml.Builder()
    b.output("y", b.input("x") + b.input("z"))
    with pytest.raises(ml.PlanError, match="have 2 and 3 elements"):
        b.build().run(x=[1.0, 2.0], z=[1.0, 2.0, 3.0])
    with pytest.raises(ml.PlanError, match=r"shapes \[2, 3\] and \[3, 2\]"):
        b.build().run(x=np.ones((2, 3)), z=np.ones((3, 2)))


def test_scalars_come_as_numpys() -> None:
    b = ml.Builder()
    x = b.input("x", "f32")
    b.output("sum", x.sum())
    b.output("count", x.count())
    b.output("any", (x > 0).any())
    result = b.build().run(x=[1.0, 2.0])
    assert [type(value) for value in result.values()] == [np.float32, np.int64, np.bool]
    assert dict(result) == {"sum": 3.0, "count": 2, "any": True}
    assert list(result) == ["sum", "count", "any"]
    with pytest.raises(AttributeError, match="did you mean `sum`"):
        _ = result.sun


def test_empty_arrays() -> None:
    b = ml.Builder()
    x = b.input("x")
    b.output("y", x * 2)
    b.output("sum", x.sum())
    result = b.build().run(x=[])
    assert result.y.shape == (0,)
    assert result.sum == 0
    b = ml.Builder()
    b.output("max", b.input("x").max())
    with pytest.raises(ml.PlanError):
        b.build().run(x=[])


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_any_number_of_workers_gives_the_same_bits(workers: int) -> None:
    b = ml.Builder()
    x = b.input("x")
    b.output("y", np.sin(x) * x + 1)
    b.output("sum", (np.exp(x) * x).sum())
    plan, given = b.build(), np.random.default_rng(3).random(300_000)
    one, many = plan.run(x=given, workers=1), plan.run(x=given, workers=workers)
    assert one.y.tobytes() == many.y.tobytes()
    assert one.sum.tobytes() == many.sum.tobytes()


def test_wrong_numbers_of_workers() -> None:
    for workers in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="`workers` is"):
            twice().run(x=[1.0], workers=workers)  # type: ignore[arg-type]


def endless() -> ml.Plan:
    b = ml.Builder("endless")
    with b.iterate(1 << 40, x=b.input("x")) as loop:
        loop.x = np.cos(loop.x)
    b.output("x", loop.x)
    return b.build()


def test_a_run_ends_at_its_timeout() -> None:
    with pytest.raises(ml.TaskTimeout, match=r"longer than its timeout of 0\.1 s"):
        endless().run(x=np.ones(1000), timeout=0.1)


@contextmanager
def alarm_raises(error: BaseException) -> Iterator[None]:
    """Raise from a signal's handler, as Ctrl-C does."""

    def handler(*_: object) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_signal_interrupts_a_run(size: int) -> None:
    with pytest.raises(KeyboardInterrupt), alarm_raises(KeyboardInterrupt()):
        endless().run(x=np.ones(size))


def test_progress_is_told_and_may_stop_the_run() -> None:
    seen: list[tuple[int, int]] = []
    b = ml.Builder()
    with b.iterate(50, x=b.input("x")) as loop:
        loop.x = loop.x + 1
    b.output("x", loop.x)
    b.build().run(x=[1.0], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (50, 50)

    def enough(done: int, total: int) -> None:
        raise StopIteration(total)

    with pytest.raises(StopIteration):
        endless().run(x=np.ones(10), progress=enough)


def test_plans_are_pickled_by_their_json() -> None:
    plan = twice()
    again = pickle.loads(pickle.dumps(plan))
    assert again == plan
    assert again.run(x=[1.0]).y.tolist() == [2.0]


def test_what_ran_is_told() -> None:
    result = twice().run(x=np.arange(1000.0))
    (group,) = result.run.groups()
    assert group["label"].startswith("core.mul")
    assert group["bytes"] == 16_000
    assert result.run.end_ns >= result.run.start_ns
    assert len(result.run.trace()) == 1


class Arrow:
    """An Arrow array in the C data interface, made with ctypes."""

    def __init__(self, values: list[float], nulls: int = 0, offset: int = 0, format: bytes = b"g") -> None:
        import ctypes

        class Schema(ctypes.Structure):
            _fields_ = [
                ("format", ctypes.c_char_p),
                ("name", ctypes.c_char_p),
                ("metadata", ctypes.c_char_p),
                ("flags", ctypes.c_int64),
                ("n_children", ctypes.c_int64),
                ("children", ctypes.c_void_p),
                ("dictionary", ctypes.c_void_p),
                ("release", ctypes.c_void_p),
                ("private_data", ctypes.c_void_p),
            ]

        class Data(ctypes.Structure):
            _fields_ = [
                ("length", ctypes.c_int64),
                ("null_count", ctypes.c_int64),
                ("offset", ctypes.c_int64),
                ("n_buffers", ctypes.c_int64),
                ("n_children", ctypes.c_int64),
                ("buffers", ctypes.POINTER(ctypes.c_void_p)),
                ("children", ctypes.c_void_p),
                ("dictionary", ctypes.c_void_p),
                ("release", ctypes.c_void_p),
                ("private_data", ctypes.c_void_p),
            ]

        self.numbers = (ctypes.c_double * len(values))(*values)
        self.buffers = (ctypes.c_void_p * 2)(None, ctypes.addressof(self.numbers))
        self.schema = Schema(format=format, release=1)
        self.data = Data(
            length=len(values) - offset,
            null_count=nulls,
            offset=offset,
            n_buffers=2,
            buffers=ctypes.cast(self.buffers, ctypes.POINTER(ctypes.c_void_p)),
            release=1,
        )
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self.capsules = (
            new(ctypes.addressof(self.schema), b"arrow_schema", None),
            new(ctypes.addressof(self.data), b"arrow_array", None),
        )

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return self.capsules


def test_arrow_arrays_are_read() -> None:
    assert twice().run(x=Arrow([1.0, 2.0, 3.0])).y.tolist() == [2.0, 4.0, 6.0]
    assert twice().run(x=Arrow([1.0, 2.0, 3.0], offset=1)).y.tolist() == [4.0, 6.0]
    with pytest.raises(ml.PlanError, match="has nulls"):
        twice().run(x=Arrow([1.0], nulls=1))
