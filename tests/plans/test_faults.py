"""Plans that are none: written by hand, of a later version, cyclic, ill-typed; loops that never converge."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import multilane as ml


def plan() -> ml.Plan:
    b = ml.Builder("p")
    x = b.input("x")
    b.output("y", (x * 2 + 1).sum())
    with b.iterate(3, until=1e-3, z=x) as loop:
        loop.z = loop.z * 0.5
    b.output("z", loop.z)
    return b.build()


TEXT = plan().to_json()


def op(data: Any, name: str) -> Any:
    return next(op for op in data["plan"]["body"]["ops"] if op["name"] == name)


def loop_of(data: Any) -> Any:
    return op(data, "core.loop")


def body_of(data: Any) -> Any:
    return loop_of(data)["regions"][0]


def tensor(data: Any, value: int) -> Any:
    return data["plan"]["values"][value]["ty"]["tensor"]


def result(data: Any, name: str) -> int:
    return int(op(data, name)["results"][0])


#: What a hand did to the JSON, and what is said about it.
BY_HAND: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a later version": (
        lambda d: d.update(format=2),
        "has format 2, and this version reads format 1; update multilane",
    ),
    "a far later version": (lambda d: d.update(format=1 << 40, plan={"new": 1}), "has format 1099511627776"),
    "no version": (lambda d: d.pop("format"), "missing field `format`.*`to_json`"),
    "version 0": (lambda d: d.update(format=0), "there is no format 0"),
    "a negative version": (lambda d: d.update(format=-1), "integer `-1`"),
    "a field too many": (lambda d: d.update(more=1), "unknown field `more`"),
    "an unknown operation": (lambda d: op(d, "core.mul").update(name="core.mull"), "did you mean `core.mul`"),
    "a cycle of one": (
        lambda d: op(d, "core.mul").update(operands=[result(d, "core.mul")] * 2),
        "is written later only",
    ),
    "a cycle of two": (
        lambda d: op(d, "core.mul").update(operands=[result(d, "core.add")] * 2),
        "is written later only; operations stand after those they read from",
    ),
    "backwards": (lambda d: d["plan"]["body"]["ops"].reverse(), "is written later only"),
    "written twice": (lambda d: op(d, "core.add").update(results=op(d, "core.mul")["results"]), "a second time"),
    "a value that is not there": (lambda d: op(d, "core.mul").update(operands=[0, 99999]), "`%99999`, which is not in"),
    "a negative value": (lambda d: op(d, "core.mul").update(operands=[0, -1]), "integer `-1`, expected u32"),
    "a value beyond 32 bits": (lambda d: op(d, "core.mul").update(operands=[0, 1 << 40]), "1099511627776"),
    "a size that is not there": (lambda d: tensor(d, 0).update(extent={"dim": 7}), "the size number 7"),
    "a negative size": (lambda d: tensor(d, 0).update(extent={"dim": -7}), "integer `-7`"),
    "an element type that is none": (lambda d: tensor(d, 0).update(dtype="f16"), "unknown variant `f16`"),
    "operands of two types": (lambda d: tensor(d, 0).update(dtype="bool"), "`x` is bool where .* is f64; cast one"),
    "a result of another type": (lambda d: tensor(d, result(d, "core.add")).update(dtype="i32"), "is declared as i32"),
    "too few operands": (lambda d: op(d, "core.mul").update(operands=[]), "needs 2 operands, not 0"),
    "no results": (lambda d: op(d, "core.mul").update(results=[]), "makes 1 results, not 0"),
    "no constant": (lambda d: op(d, "core.constant")["attributes"].clear(), "needs a number with its type"),
    "an unknown attribute": (lambda d: op(d, "core.mul")["attributes"].update(x={"int": 1}), "`x` is given"),
    "a negative count": (lambda d: loop_of(d)["attributes"].update(count={"int": -3}), "cannot run -3 times"),
    "no count": (lambda d: loop_of(d)["attributes"].pop("count"), "needs a whole number as `count`"),
    "no body": (lambda d: loop_of(d).update(regions=[]), "needs one region, not 0"),
    "two bodies": (lambda d: loop_of(d).update(regions=loop_of(d)["regions"] * 2), "a second time"),
    "nothing carried on": (lambda d: body_of(d).update(yields=[]), "must yield 2, not 0"),
    "no truth value": (lambda d: body_of(d).update(yields=body_of(d)["yields"][:1] * 2), "needs one truth value"),
    "out of a loop": (
        lambda d: d["plan"]["body"].update(yields=[result(d, "core.sum"), body_of(d)["yields"][0]]),
        "belongs to a region that has ended",
    ),
    "an output without a name": (lambda d: d["plan"].update(outputs=["y"]), "1 names for 2 outputs"),
    "two outputs of a name": (lambda d: d["plan"].update(outputs=["y", "y"]), "two outputs are called `y`"),
    "an input without a name": (lambda d: d["plan"].update(inputs=[]), "0 names for 1 inputs"),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_plans_by_hand_are_refused(case: str) -> None:
    change, match = BY_HAND[case]
    data = json.loads(TEXT)
    change(data)
    with pytest.raises(ml.PlanError, match=match):
        ml.Plan.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("plan p(%x: f64[n]) {\n  %a = core.add(%b, %x)\n  %b = core.add(%a, %x)\n  return y = %b\n}", "line 2.*`%b`"),
        ("plan p() {" * 10_000, "line 1, column 11"),
        ("[" * 100_000, "line 1, column 1"),
        ("plan p(%x: f64[-3]) {\n  return %x\n}", "line 1, column 16"),
        ("plan p(%x: f64[n]) {\n  return %x\n", "line 3|line 2"),
    ],
    ids=["a cycle", "plans in plans", "brackets", "a negative size", "no end"],
)
def test_texts_are_refused_at_their_place(text: str, match: str) -> None:
    with pytest.raises(ml.PlanError, match=match):
        ml.Plan.parse(text)


def test_json_too_deep_to_be_read_is_refused() -> None:
    with pytest.raises(ml.PlanError, match="not a plan in JSON"):
        ml.Plan.from_json("[" * 100_000)
    opened = '{"parameters": [], "yields": [], "ops": [{"name": "core.loop", "regions": ['
    deep = opened * 50_000 + "]}]}" * 50_000
    with pytest.raises(ml.PlanError, match="recursion limit exceeded"):
        ml.Plan.from_json(TEXT[: TEXT.index('"body"')] + f'"body": {deep}}}}}')


@given(st.data())
def test_damaged_json_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        what = data.draw(st.sampled_from([b"", b"-", b"9", b"99999999999", b"null", b'"', b"{", b"]", b",", b"1e400"]))
        content[at : at + data.draw(st.integers(0, 3))] = what
    try:
        read = ml.Plan.from_json(content.decode())
    except ml.PlanError:
        return
    assert ml.Plan.from_json(read.to_json()) == read


def test_long_expressions_are_shown_where_they_are_wrong() -> None:
    with pytest.raises(ml.PlanError, match="more than 200 brackets") as caught:
        ml.evaluate("(" * 100_000 + "a", a=np.ones(2))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("until", [float("nan"), 0, -1.0, "small"])
def test_a_tolerance_that_no_change_can_fall_below(until: Any) -> None:
    b = ml.Builder()
    with pytest.raises(ml.PlanError, match=r"`until` is .*, but must be a number above 0") as caught:
        b.iterate(5, until=until, x=b.input("x"))
    assert caught.value.file == __file__


@pytest.mark.parametrize("count", [-1, 1.5, None, 1 << 70, "many"])
def test_a_loop_has_a_bound(count: Any) -> None:
    b = ml.Builder()
    with pytest.raises(ml.PlanError, match="but a loop needs a number of turns, 0 or more"):
        b.iterate(count, until=1e-6, x=b.input("x"))


def growing(read: bool) -> ml.Builder:
    b = ml.Builder("growing")
    with b.iterate(5, until=1e-9, x=b.input("x")) as loop:
        loop.x = loop.x * 1.5
    b.output("x", loop.x)
    if read:
        b.output("converged", loop.converged)
    return b


def test_a_loop_that_never_converges_is_bounded_and_reported() -> None:
    built = growing(read=False).build()
    line = growing.__code__.co_firstlineno + 2
    for found in (built, ml.Plan.parse(built.text()), built.optimize()):
        with pytest.warns(ml.ConvergenceWarning, match="`growing` made all of its 5 turns.*; allow more") as caught:
            result = found.run(x=np.ones(3))
        assert f"{Path(__file__).name}:{line}: " in str(caught[0].message)
        assert caught[0].filename == __file__
        assert result.x.tolist() == [1.5**5] * 3
        assert list(result) == ["x"]
        assert result.run.unconverged() == [(5, __file__, line)]


def test_a_plan_that_reads_how_its_loop_ended_is_left_alone() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not growing(read=True).build().run(x=np.ones(3)).converged
        assert growing(read=False).build().run(x=np.zeros(3)).run.unconverged() == []


def test_counts_that_no_machine_has() -> None:
    with pytest.raises(ValueError, match="`workers` is 1000"):
        plan().predict(workers=10**30)
    with pytest.raises(ml.PlanError, match="the size `n` is 1000"):
        plan().predict(sizes={"n": 10**30})
