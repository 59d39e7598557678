"""The suite of the circuits: tests, requirements, engines."""

from __future__ import annotations

from typing import Any

from measuring.suite import OURS, Check, Form, Metric, Suite, Test
from quantum.cases import CASES
from quantum.engines import ENGINES
from quantum.measures import MOST_QUBITS, QUICK, Scale, take

#: How much faster than every other simulator.
AHEAD = 1.2

#: Of the bandwidth in place.
OF_BANDWIDTH = 0.85

#: Seconds that another Python thread may be kept waiting, and microseconds of a whole small call.
STALL_S, CALL_US = 0.005, 15

#: The share of multilane's speed from Rust that is left from Python.
OF_NATIVE = 1 / 1.05

#: Simulators that need minutes where these need seconds are left out at the greatest size.
LARGE = (OURS, "qsim", "kokkos")

RUN = Metric("seconds", "time", Form.MILLISECONDS, False)
PEAK = Metric("peak", "peak memory of the state", Form.TIMES, False)


def _peers(precision: str) -> tuple[str, ...]:
    return tuple(name for name, engine in ENGINES.items() if precision in engine.precisions)


def _tests() -> dict[str, Test]:
    tests = {}
    for precision in ("f64", "f32"):
        mark = "" if precision == "f64" else "-f32"
        for qubits in (20, 22, 24):
            for name, (title, _) in CASES.items():
                full = f"{title}, {qubits} qubits, {precision}"
                tests[f"{name}-{qubits}{mark}"] = Test(
                    full, full, (RUN,), _peers(precision), "prismq" if not mark else "qsim"
                )
        full = f"10,000 shots of GHZ, 24 qubits, {precision}"
        tests[f"shots-24{mark}"] = Test(full, full, (RUN,), _peers(precision), "prismq" if not mark else "qsim")
    for name, (title, _) in CASES.items():
        full = f"{title}, {MOST_QUBITS} qubits, f32"
        tests[f"{name}-{MOST_QUBITS}-f32"] = Test(full, full, (RUN, PEAK), LARGE, "qsim", twice=False)
    peers = _peers("f64")
    bandwidth = (Metric("gb_per_s", "read and written", Form.BANDWIDTH, True),)
    stall = (Metric("stall_s", "longest stall", Form.MILLISECONDS, False),)
    call = (Metric("call_us", "call", Form.MICROSECONDS, False),)
    return tests | {
        "pass-24": Test(
            "The slowest of gates that need one pass, 24 qubits", "one pass", bandwidth, (OURS, "in-place"), "in-place"
        ),
        "pass-24-f32": Test(
            "The slowest of gates that need one pass, 24 qubits, f32",
            "one pass, f32",
            bandwidth,
            (OURS, "in-place"),
            "in-place",
        ),
        "stall-22": Test("Stall of another Python thread, QFT, 22 qubits", "stall", stall, peers, "prismq"),
        "call-10": Test("One call, GHZ, 10 qubits", "small call", call, peers, "qulacs"),
        "native-20": Test("From Python and from Rust, GHZ, 20 qubits", "Python", (RUN,), (OURS, "native"), "native"),
    }


TESTS = _tests()


def _checks() -> tuple[Check, ...]:
    checks = [
        Check(name, "seconds", AHEAD, peer)
        for name, test in TESTS.items()
        if name.split("-")[0] in (*CASES, "shots")
        for peer in test.engines
        if peer != OURS
    ]
    # A second copy of the state would make it 2.
    checks += [Check(f"{name}-{MOST_QUBITS}-f32", "peak", 1.1) for name in CASES]
    return (
        *checks,
        Check("pass-24", "gb_per_s", OF_BANDWIDTH, "in-place"),
        Check("pass-24-f32", "gb_per_s", OF_BANDWIDTH, "in-place"),
        Check("stall-22", "stall_s", STALL_S),
        Check("call-10", "call_us", CALL_US),
        Check("native-20", "seconds", OF_NATIVE, "native"),
    )


def describe(scale: dict[str, Any]) -> str:
    """Say how much work a sample is."""
    more = f"; {scale['more_qubits']:+} qubits in every test" if scale["more_qubits"] else ""
    return f"{scale['fewest']} calls or more a sample, {scale['shots']:,} shots{more}"


SUITE = Suite(
    name="circuits",
    folder="quantum",
    heading="Circuits on simulators of state vectors, measured side by side",
    tests=TESTS,
    checks=_checks(),
    titles={name: engine.title for name, engine in ENGINES.items()} | {"in-place": "in place, C", "native": "Rust"},
    packages=(OURS, "prism-q", "qulacs", "pennylane-lightning", "pennylane-lightning-kokkos", "qiskit-aer", "qsimcirq"),
    scale=Scale(),
    quick=QUICK,
    repeats=3,
    take=take,
    describe=describe,
    limit_s=240.0,
)
