"""Describes the machine and its state: what a reader needs to judge or repeat a number."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import mmap
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

# Long enough to time (about 15 ms), short enough to run around every sample.
CALIBRATION_ROUNDS = 300_000


def describe() -> dict[str, Any]:
    """Return the machine's lasting facts; nothing that names its owner."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu_model": _cpu_model(),
        "cpus_online": os.cpu_count(),
        "cpus_affinity": len(os.sched_getaffinity(0)),
        "cpus_quota": _quota(),
        "memory_bytes": memory,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def versions(packages: list[str]) -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed."""
    found = {"python": f"{platform.python_implementation()} {platform.python_version()}"}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    # The module that was just built may be on the path without having been installed.
    with contextlib.suppress(ImportError, AttributeError):
        found["multilane"] = importlib.import_module("multilane").__version__
    return found


def revision() -> str:
    """Return the commit that is checked out, marked when files differ from it."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def conditions() -> dict[str, float]:
    """Return what a disturbance shows in: the speed of a fixed loop, and the load."""
    return {"calibration_ms": calibrate() * 1e3, "load": os.getloadavg()[0]}


def busy_s() -> tuple[float, float]:
    """Return the CPU seconds that all processes used since boot, and those stolen by the host.

    >>> used, stolen = busy_s()
    >>> used > 0 and stolen >= 0
    True
    """
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _idle, _iowait, interrupt, soft_interrupt, steal = fields[:8]
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + interrupt + soft_interrupt) / ticks, steal / ticks


def touch_memory() -> None:
    """Touch half of the free memory once and give it back.

    A virtual machine's host gives it memory at the first touch, several times slower than the
    machine's own kernel later on: whichever pool came first would pay for the others.
    """
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") // 2
    with mmap.mmap(-1, size) as memory:
        for start in range(0, size, mmap.PAGESIZE):
            memory[start] = 1


def calibrate() -> float:
    """Return the seconds of a fixed serial loop, the best of three."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        _spin(CALIBRATION_ROUNDS)
        best = min(best, time.perf_counter() - started)
    return best


def _spin(count: int) -> int:
    total = 0
    for index in range(count):
        total += index * index % 7
    return total


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or "unknown"


def _quota() -> float:
    """Return the CPUs that the control group allows; 0 when it sets no limit."""
    unified = Path("/sys/fs/cgroup/cpu.max")
    if unified.exists():
        quota, period = unified.read_text().split()
        return 0.0 if quota == "max" else int(quota) / int(period)
    old = Path("/sys/fs/cgroup/cpu")
    if (old / "cpu.cfs_quota_us").exists():
        limit = int((old / "cpu.cfs_quota_us").read_text())
        return 0.0 if limit < 0 else limit / int((old / "cpu.cfs_period_us").read_text())
    return 0.0
