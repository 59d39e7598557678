"""Sweeps that nobody made, for tests of what is said about them."""

from __future__ import annotations

import multilane as ml


def made_up(speedups: dict[int, float], interpreter: float = 0.0) -> ml.Scaling:
    second = 1_000_000_000
    samples = [
        {
            "workload": "<made up>",
            "size": "",
            "strategy": "threads",
            "workers": workers,
            "repeat": repeat,
            "beside": "nothing",
            "operations": round(1000 * speedup),
            "wall_ns": second + repeat,
            "cpu_ns": round((1 - interpreter * (workers > 1)) * workers * second),
            "interpreter_wait_ns": round(interpreter * (workers > 1) * workers * second),
        }
        for workers, speedup in speedups.items()
        for repeat in range(5)
    ]
    machine = {
        "cpu_model": "m",
        "os": "o",
        "hostname": "",
        "cpus_online": 2,
        "cpus_affinity": 2,
        "cpus_quota": 0.0,
        "memory_bytes": 1,
    }
    header = {
        "name": "made up",
        "workload": "w",
        "machine": machine,
        "versions": {"python": "3"},
        "bandwidth_limit": 0.0,
    }
    return ml.Scaling(header | {"created_unix_ns": 0, "samples": samples})
