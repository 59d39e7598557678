"""Check what no other tool looks at: no file of source or text grows past one idea.

Reads the files that git tracks or would track; prints each offender and fails when there is one.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LIMIT = 1000
CHECKED = {".css", ".html", ".js", ".md", ".py", ".pyi", ".rs", ".sh", ".toml"}


def too_long(files: list[Path], limit: int = LIMIT) -> list[str]:
    """Name the files with more lines than the limit.

    >>> too_long([Path(__file__)], limit=3)[0].endswith("the limit is 3")
    True
    """
    found = []
    for file in files:
        lines = len(file.read_bytes().splitlines())
        if lines > limit:
            found.append(f"{file}: {lines} lines, the limit is {limit}")
    return found


def main() -> int:
    """Check every file of the repository."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    )
    files = [Path(name) for name in listing.stdout.split("\0") if Path(name).suffix in CHECKED]
    offenders = too_long([file for file in files if file.is_file()])
    print(*offenders, sep="\n", end="\n" if offenders else "", file=sys.stderr)
    return 1 if offenders else 0


if __name__ == "__main__":
    sys.exit(main())
