"""Check the workspace against its rules: who may depend on whom, what a crate must not know, and licences.

Reads `cargo metadata` and the crates' sources; prints each breach and fails when there is one. A new crate has to be
entered in `RULES` first: that is where its place in the architecture is decided.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "multilane-"
THREADS = ("std::thread", "std::sync::mpsc", "crossbeam", "rayon", "tokio")
CLOCKS = ("Instant::now", "SystemTime::now", "clock_gettime", "UNIX_EPOCH")
INPUT_AND_OUTPUT = ("std::fs", "std::net", "std::process", "std::env")
PYTHON = ("pyo3",)


@dataclass(frozen=True)
class Rule:
    """What one crate may depend on, and the names its sources must not contain outside tests."""

    may_use: frozenset[str]
    must_not_name: tuple[str, ...] = PYTHON


def rule(*may_use: str, must_not_name: tuple[str, ...] = ()) -> Rule:
    """Write a rule with the short names of crates; only one crate knows Python."""
    return Rule(frozenset(may_use), PYTHON + must_not_name)


RULES = {
    "plan": rule(must_not_name=THREADS + CLOCKS + INPUT_AND_OUTPUT),
    "trace": rule(must_not_name=THREADS),
    "engine": rule("plan", "trace"),
    "array": rule("plan", "trace"),
    "graph": rule("plan", "trace"),
    "quantum": rule("plan", "trace"),
    "sync": rule("trace"),
    "petri": rule(must_not_name=THREADS + CLOCKS + INPUT_AND_OUTPUT),
    "lab": rule("plan", "trace", must_not_name=THREADS + CLOCKS),
    "gpu": rule("engine", "plan", "trace"),
    "gpu-python": Rule(frozenset({"gpu"}), must_not_name=()),
    "python": Rule(
        frozenset({"plan", "trace", "engine", "array", "graph", "quantum", "sync", "petri", "lab"}),
        must_not_name=(),
    ),
}

# Licences that ask for no more than their text beside the program.
LICENCES = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}


def edges(packages: list[dict[str, Any]], members: set[str]) -> Iterator[str]:
    """Yield the breaches of who may depend on whom; what only tests use does not count.

    >>> package = {"id": "1", "name": "multilane-engine", "dependencies": [{"name": "pyo3"}, {"name": "multilane-lab"}]}
    >>> for breach in edges([package], {"1"}):
    ...     print(breach)
    multilane-engine must not depend on pyo3
    multilane-engine must not depend on multilane-lab
    """
    for package in packages:
        if package["id"] not in members:
            continue
        short = package["name"].removeprefix(PREFIX)
        known = RULES.get(short)
        if known is None:
            yield f"{package['name']}: has no rule in scripts/check_crates.py"
            continue
        for dependency in package["dependencies"]:
            if dependency.get("kind") == "dev":
                continue
            name, used = dependency["name"], dependency["name"].removeprefix(PREFIX)
            if name.startswith(PREFIX) and used != short and used not in known.may_use:
                yield f"{package['name']} must not depend on {name}"
            if any(name.replace("-", "_").startswith(word) for word in known.must_not_name):
                yield f"{package['name']} must not depend on {name}"


def names(short: str, source: str) -> Iterator[str]:
    r"""Yield the names in a source file that its crate must not know; comments and tests at its end do not count.

    >>> list(names("lab", "// not std::thread\nuse std::thread;"))
    ['std::thread']
    >>> list(names("lab", "#[cfg(test)]\nmod tests { use std::thread; }"))
    []
    """
    code = re.split(r"^#\[cfg\(test\)\]\nmod ", source, maxsplit=1, flags=re.MULTILINE)[0]
    code = re.sub(r"//.*", "", code)
    for word in RULES[short].must_not_name:
        if re.search(rf"\b{re.escape(word)}", code):
            yield word


def sources(packages: list[dict[str, Any]], members: set[str]) -> Iterator[str]:
    """Yield the breaches of what a crate must not know."""
    for package in packages:
        short = package["name"].removeprefix(PREFIX)
        if package["id"] not in members or short not in RULES:
            continue
        for file in sorted(Path(package["manifest_path"]).parent.glob("src/**/*.rs")):
            if file.name == "tests.rs":
                continue
            for word in names(short, file.read_text(encoding="utf-8")):
                yield f"{file.relative_to(Path.cwd())}: {package['name']} must not know `{word}`"


def accepted(expression: str) -> bool:
    """Say whether a licence expression leaves a choice that `LICENCES` has.

    >>> accepted("MIT OR Apache-2.0"), accepted("(MIT OR GPL-3.0) AND Unicode-3.0"), accepted("MIT AND GPL-3.0")
    (True, True, False)
    """
    parts = expression.replace("/", " OR ").split(" AND ")
    return all(any(choice.strip(" ()") in LICENCES for choice in part.split(" OR ")) for part in parts)


def licences(packages: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the packages whose licence was not accepted yet."""
    for package in packages:
        if not accepted(package["license"] or "none"):
            yield f"{package['name']} {package['version']}: licence {package['license']} is not among the accepted"


def version(packages: list[dict[str, Any]], members: set[str], project: str) -> Iterator[str]:
    """Yield the crates whose version is not the Python package's."""
    for package in packages:
        if package["id"] in members and package["version"] != project:
            yield f"{package['name']} has version {package['version']}, pyproject.toml has {project}"


def main() -> int:
    """Check the workspace in the current folder."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform=x86_64-unknown-linux-gnu"]
    answer = subprocess.run(command, stdout=subprocess.PIPE)
    if answer.returncode != 0:
        return answer.returncode
    metadata = json.loads(answer.stdout)
    packages, members = metadata["packages"], set(metadata["workspace_members"])
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    breaches = [
        *edges(packages, members),
        *sources(packages, members),
        *licences(packages),
        *version(packages, members, project),
    ]
    print(*breaches, sep="\n", end="\n" if breaches else "", file=sys.stderr)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
