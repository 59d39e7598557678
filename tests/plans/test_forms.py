"""Texts, JSON, pictures, passes, analyses and predictions of plans."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import multilane as ml
from multilane.parallelism import SequentialPlan

PASSES = ["constant_fold", "simplify", "cse", "hoist", "fuse", "dce", "reuse"]


def diamond() -> ml.Plan:
    b = ml.Builder("diamond")
    a = b.init_nodes(1.0)
    b.output("d", (a * 2.0) + (a + 1.0))
    return b.build()


def chain(length: int) -> ml.Plan:
    b = ml.Builder("chain")
    x = b.input("x")
    for _ in range(length):
        x = x * 2.0 + 1.0
    b.output("y", x)
    return b.build()


def independent(count: int) -> ml.Plan:
    b = ml.Builder("independent")
    x = b.input("x")
    for k in range(count):
        b.output(f"y{k}", x * float(k + 2))
    return b.build()


def iterated() -> ml.Plan:
    b = ml.Builder("iterated")
    with b.iterate(7, until=1e-3, x=b.input("x", "f32"), k=0) as loop:
        loop.x = np.sqrt(abs(loop.x)) / 2
        loop.k = loop.k + 1
    b.output("x", loop.x)
    b.output("k", loop.k)
    return b.build()


PLANS = [diamond(), chain(3), independent(8), iterated(), chain(5).optimize(), iterated().optimize()]


@pytest.mark.parametrize("plan", PLANS, ids=[f"{plan.name} {number}" for number, plan in enumerate(PLANS)])
def test_text_and_json_are_read_back(plan: ml.Plan) -> None:
    assert ml.Plan.parse(plan.text()) == plan
    assert ml.Plan.from_json(plan.to_json()) == plan
    assert plan.to_dot().startswith("digraph")


def test_every_mistake_of_a_text_is_told() -> None:
    text = "plan p(%x: f64[n]) {\n  %0: i64[n] = core.add(%x, %x)\n  %1: f64 = core.max(%0, %x)\n  return y = %1\n}\n"
    with pytest.raises(ml.PlanError) as caught:
        ml.Plan.parse(text)
    assert "`core.add` makes f64[n]" in str(caught.value)
    assert "`core.max`" in str(caught.value)


def test_json_of_a_later_version_is_refused() -> None:
    data = json.loads(chain(1).to_json())
    key = next(key for key in data if "format" in key or "version" in key)
    data[key] += 1
    with pytest.raises(ml.PlanError, match=r"format|version"):
        ml.Plan.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": 1}', "{" * 1000], ids=lambda text: text[:15])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ml.PlanError):
        ml.Plan.from_json(text)
    with pytest.raises(ml.PlanError):
        ml.Plan.parse(text)


def test_the_schema_describes_the_json() -> None:
    schema = json.loads(ml.Plan.schema())
    data = json.loads(chain(1).to_json())
    assert set(data) <= set(schema["properties"])


def test_passes_by_name() -> None:
    plan = chain(10)
    assert ml.optimize(plan, ["fuse"]).text().count("core.fused") == 1
    optimized = plan.optimize()
    assert [entry["name"] for entry in optimized.passes][-1] == "dce"
    assert "=== After" in repr(optimized.passes)
    assert len(plan.passes) == 0
    with pytest.raises(ml.PlanError, match="no pass is called `fuze`; did you mean `fuse`"):
        plan.optimize(["fuze"])


def test_the_diamond_under_the_published_formulas() -> None:
    found = diamond().analyze(estimator="static")
    assert (len(found.levels), found.estimated_speedup, found.use_parallel) == (3, 1.5, True)
    assert [len(group) for group in found.groups] == [1, 2, 1]
    middle = found.groups[1]
    assert middle.depends_on == [found.groups[0].id]
    assert len(middle.shared_inputs) == 1
    assert len(set(middle.outputs)) == 2
    assert len(found.critical_path) == 3


def test_a_chain_is_sequential_under_the_published_formulas() -> None:
    found = chain(5).analyze(estimator="static")
    assert (found.estimated_speedup, found.use_parallel, len(found.levels)) == (1.0, False, 10)
    assert isinstance(found.sequential_plan, SequentialPlan)
    assert len(found.sequential_plan) == 10
    assert json.loads(found.sequential_plan.to_json())["names"] == ["core.mul", "core.add"] * 5


def test_eight_operations_are_parallel_under_the_published_formulas() -> None:
    found = independent(8).analyze(estimator="static")
    assert found.estimated_speedup > 1.2
    assert found.use_parallel
    assert not independent(8).analyze(estimator="static", threshold=100.0).use_parallel


def test_every_analysis_names_its_estimator() -> None:
    for estimator in ("static", "calibrated"):
        found = ml.analyze_parallelism(diamond(), estimator=estimator)
        assert found.estimator == estimator
        assert estimator in found.report()
        assert json.loads(found.to_json())["estimator"] == estimator
        assert estimator in repr(found)
    with pytest.raises(ml.PlanError, match="must be one of"):
        diamond().analyze(estimator="guess")


def test_the_names_of_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    b = ml.Builder("pagerank")
    ranks = b.init_nodes(1.0)
    b.attr.save("ranks", ranks * b.core.recip(b.graph.degree(), epsilon=1e-9))
    plan = ml.analyze_parallelism(b)
    assert isinstance(plan, ml.ParallelExecutionPlan)
    assert all(isinstance(group, ml.ParallelGroup) for group in plan.groups)
    assert plan.estimated_speedup >= 1.0
    ml.ParallelAnalyzer(b, estimator="static").print_parallelism_report()
    ml.print_parallelism_report(b, estimator="static")
    first, second = capsys.readouterr().out.split("=== Parallel Execution Analysis ===")[1:]
    assert first.strip() == second.strip()
    published = "add sub mul div neg abs pow sqrt exp log compare eq ne lt le gt ge where select map transform"
    assert all(ml.is_data_parallel_op(op) for op in [*published.split(), "element_wise"])
    assert not ml.is_data_parallel_op("core.sum")
    assert ml.is_thread_safe_op("core.add")
    assert not ml.is_thread_safe_op("no.such")


def test_predictions_name_what_they_are_for() -> None:
    plan = independent(2)
    prediction = plan.predict(workers=16, sizes={"n": 1 << 24})
    assert (prediction.workers, prediction.sizes) == (16, {"n": 1 << 24})
    assert prediction.seconds > 0
    assert prediction.speedup >= 1 or prediction.seconds >= prediction.sequential_seconds
    plan.run(x=np.ones(1234))
    assert plan.predict().sizes == {"n": 1234}
    with pytest.raises(ml.PlanError, match="no size `m`"):
        plan.predict(sizes={"m": 1})
    with pytest.raises(ml.PlanError, match="must be a number of elements"):
        plan.predict(sizes={"n": -1})


def test_explain_shows_predicted_beside_measured() -> None:
    text = chain(10).explain(True, x=np.ones(100_000))
    assert "=== Before" in text
    assert "predicted  measured" in text
    assert "calibrated" in text
    assert "core.fused" in text
    with pytest.raises(TypeError, match="analyze=True"):
        chain(1).explain(x=np.ones(3))


def test_explain_says_for_how_many_turns_it_predicts() -> None:
    b = ml.Builder("halves")
    with b.iterate(50, x=b.input("x")) as loop:
        loop.x = loop.x / 2
        loop.until(loop.x.max() < 1)
    b.output("x", loop.x)
    b.output("turns", loop.iterations)
    plan = b.build()
    before = plan.explain(sizes={"n": 1000})
    assert "counts as going round to its bound" in before
    assert re.search(r"core\.fused +50 ", before)
    after = plan.explain(True, x=np.full(1000, 100.0))
    assert "predicted for the turns that they took" in after
    assert re.search(r"core\.fused.* 7 ", after)
    assert "turns that they took" not in chain(3).explain(True, x=np.ones(10))


def test_a_prediction_for_a_graph_counts_its_edges_from_both_ends() -> None:
    for directed, ends in ((True, 6), (False, 6)):
        graph = ml.graph.Graph.from_edges([0, 1, 2], [1, 2, 3], n=5, directed=directed)
        plan = ml.graph.plans.connected_components(10 + directed)
        plan.run(graph=graph)
        assert plan.predict().sizes == {"nodes": 5, "edges": 3 if directed else 6, "ends": ends}


def test_results_are_a_mapping() -> None:
    results = chain(1).run(x=np.ones(2))
    assert list(results.keys()) == list(results) == ["y"]
    assert [values.tolist() for values in results.values()] == [results["y"].tolist()]
    assert list(results.items()) == [("y", results.y)]


Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "sub", "mul", "min", "max", "where", "sin", "neg", "loop", "mean", "constant"]),
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=15,
)


def program(steps: list[Step]) -> ml.Plan:
    """Write a program whose operations read earlier results."""
    b = ml.Builder("random")
    values: list[Any] = [b.input("x"), b.input("y")]
    for op, i, j in steps:
        left, right = values[i % len(values)], values[j % len(values)]
        if op == "where":
            values.append(b.where(left > right, left, right * 0.5))
        elif op == "sin":
            values.append(np.sin(left))
        elif op == "neg":
            values.append(-left)
        elif op == "mean":
            values.append(left - right.mean())
        elif op == "constant":
            values.append(left + (i - 15) * 0.25)
        elif op == "loop":
            with b.iterate(i % 4, z=left) as loop:
                loop.z = loop.z * 0.5 + right
            values.append(loop.z)
        else:
            values.append(getattr(b.core, op)(left, right))
    for k, value in enumerate(values[2:]):
        if k % 3 == 0 or k == len(values) - 3:
            b.output(f"out{k}", value)
    return b.build()


@given(steps, st.permutations(PASSES), st.sampled_from([1, 5, 5000, 20_000]), st.integers(1, 5))
def test_passes_and_workers_change_no_bit(steps: list[Step], passes: list[str], size: int, workers: int) -> None:
    plan = program(steps)
    rng = np.random.default_rng(size)
    inputs = {"x": rng.normal(size=size), "y": rng.normal(size=size)}
    expected = plan.run(inputs, optimized=False, workers=1)
    for other in (
        plan.run(inputs, workers=workers),
        plan.optimize(passes).run(inputs, optimized=False, workers=workers),
    ):
        for name, array in expected.items():
            assert other[name].tobytes() == array.tobytes(), name
