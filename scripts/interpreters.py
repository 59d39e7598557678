"""List the CPython interpreters on this machine that multilane supports, one per minor version.

Looks on PATH and in the version folders of pyenv, runs each candidate, and prints `3.12 /path/to/python3.12` lines:
first the one that `python3` means, then the others, oldest first. Runs on any Python 3, installs nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SUPPORTED = [(3, 11), (3, 12), (3, 13)]

# A virtual environment answers with the interpreter it was made from; a build without the interpreter lock is another
# product and does not count.
QUESTION = """
import os, platform, sys, sysconfig
if platform.python_implementation() == "CPython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
    print(sys.version_info[0], sys.version_info[1], base if os.access(base, os.X_OK) else sys.executable)
"""


def candidates() -> Iterator[Path]:
    """Yield programs that may be Python interpreters; `python3` as the shell finds it comes first."""
    folders = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    yield from (folder / "python3" for folder in folders)
    # A shim of pyenv refuses every version but the chosen ones; the versions themselves lie beside the shims.
    roots = [folder.parent for folder in folders if folder.name == "shims"]
    roots += [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")), Path.home() / ".pyenv"]
    for major, minor in SUPPORTED:
        name = f"python{major}.{minor}"
        yield from (folder / name for folder in folders)
        for root in roots:
            yield from sorted(root.glob(f"versions/{major}.{minor}.*/bin/{name}"))


def ask(program: Path) -> tuple[tuple[int, int], str] | None:
    """Run a candidate; return its version and its real path, or nothing when it is of no use."""
    try:
        answer = subprocess.run(
            [str(program), "-c", QUESTION], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = answer.stdout.split(maxsplit=2)
    if answer.returncode != 0 or len(words) != 3:
        return None
    return (int(words[0]), int(words[1])), words[2].strip()


def main() -> int:
    """Print one line per interpreter; fail when there is none."""
    found: dict[tuple[int, int], str] = {}
    tried: set[Path] = set()
    for program in candidates():
        named = program.name != "python3" and tuple(map(int, program.name[len("python") :].split(".")))
        if program in tried or named in found or not program.is_file():
            continue
        tried.add(program)
        answer = ask(program)
        if answer and answer[0] in SUPPORTED:
            found.setdefault(*answer)
    for version, path in found.items():
        print(f"{version[0]}.{version[1]} {path}")
    if not found:
        wanted = ", ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
        print(f"no CPython of version {wanted} was found on PATH or in ~/.pyenv/versions", file=sys.stderr)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
