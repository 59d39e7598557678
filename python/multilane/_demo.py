"""Real work on the sources of Python's own standard library.

Reads the `.py` files of the running interpreter's standard library, splits them into tasks of equal size, and measures
every file in pure Python: the syntax tree with `ast` (cyclomatic complexity, nesting, functions, classes) and the
identifiers with `tokenize` (how often, how long, made of which words).
Holds the work only: it starts no workers, prints nothing and never writes a file.
"""

from __future__ import annotations

import ast
import heapq
import io
import keyword
import re
import sysconfig
import tokenize
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import multilane as ml

#: Folders of the standard library that are no library code: test suites, templates and installed packages.
SKIPPED_FOLDERS = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__", "pydoc_data"}
)

#: One function counts one path, and each of these nodes adds one (McCabe, 1976).
DECISIONS = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)
NESTING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True)
class Metrics:
    """What was measured in one or more source files."""

    files: int = 0
    unreadable: int = 0
    lines: int = 0
    functions: int = 0
    classes: int = 0
    decisions: int = 0
    deepest_nesting: int = 0
    identifiers: int = 0
    identifier_letters: int = 0
    words: Counter[str] = field(default_factory=Counter)
    #: (complexity, file, line, name), the most complex functions first
    most_complex: tuple[tuple[int, str, int, str], ...] = ()


def library_files(root: Path | None = None) -> list[Path]:
    """List the standard library's source files, in a fixed order.

    >>> files = library_files()
    >>> any(file.name == "tokenize.py" for file in files)
    True
    """
    top = Path(sysconfig.get_path("stdlib")) if root is None else root
    return sorted(
        path for path in top.rglob("*.py") if SKIPPED_FOLDERS.isdisjoint(path.relative_to(top).parts) and path.is_file()
    )


def balanced(files: Iterable[Path], parts: int) -> list[tuple[str, ...]]:
    """Split files into parts of nearly equal size in bytes: the largest file goes to the lightest part.

    >>> from pathlib import Path
    >>> [len(part) for part in balanced(library_files()[:12], 3)] != []
    True
    """
    by_size = sorted(((path.stat().st_size, str(path)) for path in files), reverse=True)
    lightest: list[tuple[int, int]] = [(0, index) for index in range(max(1, parts))]
    chosen: list[list[str]] = [[] for _ in lightest]
    for size, name in by_size:
        weight, index = heapq.heappop(lightest)
        chosen[index].append(name)
        heapq.heappush(lightest, (weight + size, index))
    return [tuple(part) for part in chosen if part]


def measure(files: Sequence[str]) -> Metrics:
    """Measure the files of one task, reporting progress after each."""
    parts = []
    for done, name in enumerate(files, start=1):
        parts.append(measure_file(name))
        ml.report_progress(done, len(files))
    return combine(parts)


def measure_file(name: str) -> Metrics:
    """Measure one source file.

    >>> measure_file(ast.__file__).unreadable
    0
    """
    try:
        with tokenize.open(name) as source:
            text = source.read()
        tree = ast.parse(text)
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError):
        # The library ships files that are broken on purpose, for its own tests.
        return Metrics(unreadable=1)
    size = Metrics(files=1, lines=text.count("\n"))
    return combine([size, measure_tree(tree, Path(name).name), measure_identifiers(text)])


def measure_tree(tree: ast.AST, file: str) -> Metrics:
    r"""Measure a syntax tree: its functions, its classes, its branches and how deep they nest.

    >>> measure_tree(ast.parse("def f(a):\n if a and not a: return 1"), "example").most_complex
    ((3, 'example', 1, 'f'),)
    """
    functions = classes = decisions = deepest = 0
    #: complexity of each function met, by its position in this list
    complexity: list[list[int | str]] = []
    # (node, index of the enclosing function or -1, nesting)
    stack: list[tuple[ast.AST, int, int]] = [(tree, -1, 0)]
    while stack:
        node, owner, depth = stack.pop()
        if isinstance(node, FUNCTIONS):
            functions += 1
            owner = len(complexity)
            complexity.append([1, node.lineno, node.name])
        elif isinstance(node, ast.ClassDef):
            classes += 1
        added = len(node.values) - 1 if isinstance(node, ast.BoolOp) else int(isinstance(node, DECISIONS))
        decisions += added
        if owner >= 0:
            complexity[owner][0] += added  # type: ignore[operator]
        depth += isinstance(node, NESTING)
        deepest = max(deepest, depth)
        stack.extend((child, owner, depth) for child in ast.iter_child_nodes(node))
    ranked = heapq.nlargest(10, ((int(row[0]), file, int(row[1]), str(row[2])) for row in complexity))
    return Metrics(
        functions=functions,
        classes=classes,
        decisions=decisions,
        deepest_nesting=deepest,
        most_complex=tuple(ranked),
    )


def measure_identifiers(text: str) -> Metrics:
    """Count identifiers and the words they are made of.

    >>> measure_identifiers("file_name = readFile(file)").words.most_common(1)
    [('file', 3)]
    """
    names: Counter[str] = Counter(
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string)
    )
    words: Counter[str] = Counter()
    for name, count in names.items():
        for word in WORD.findall(name):
            words[word.lower()] += count
    return Metrics(
        identifiers=names.total(),
        identifier_letters=sum(len(name) * count for name, count in names.items()),
        words=words,
    )


def combine(parts: Iterable[Metrics]) -> Metrics:
    """Add up metrics; the order of the parts does not matter.

    >>> combine([Metrics(files=1, deepest_nesting=4), Metrics(files=2, deepest_nesting=3)]).files
    3
    """
    rows = list(parts)
    words: Counter[str] = Counter()
    for row in rows:
        words.update(row.words)
    sums = {
        name: sum(getattr(row, name) for row in rows)
        for name in (
            "files",
            "unreadable",
            "lines",
            "functions",
            "classes",
            "decisions",
            "identifiers",
            "identifier_letters",
        )
    }
    return Metrics(
        **sums,
        deepest_nesting=max((row.deepest_nesting for row in rows), default=0),
        words=words,
        most_complex=tuple(heapq.nlargest(10, (entry for row in rows for entry in row.most_complex))),
    )
