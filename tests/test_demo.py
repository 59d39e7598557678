"""The demo's work: what it measures in a source file, and that splitting changes nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from multilane import _demo

SOURCE = """\
class Shelf:
    def place(self, book_title, size):
        for slot in range(size):
            if slot and size or not book_title:
                return [letter for letter in book_title if letter]
        return None


async def openShelf():
    try:
        return Shelf()
    except ValueError:
        pass
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for number in range(10):
        (tmp_path / f"module_{number}.py").write_text(SOURCE * (number + 1))
    (tmp_path / "broken.py").write_text("def :")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "skipped.py").write_text(SOURCE)
    return tmp_path


def test_counts_what_a_tree_holds() -> None:
    metrics = _demo.measure_tree(ast.parse(SOURCE), "shelf.py")
    assert (metrics.functions, metrics.classes) == (2, 1)
    # for, if, and, or, the comprehension; then the except clause.
    assert metrics.most_complex == ((6, "shelf.py", 2, "place"), (2, "shelf.py", 9, "openShelf"))
    assert metrics.decisions == 6
    assert metrics.deepest_nesting == 2


def test_splits_identifiers_into_words() -> None:
    words = _demo.measure_identifiers(SOURCE).words
    assert words["shelf"] == 3
    assert words["book"] == words["title"] == 3
    assert "return" not in words


def test_skips_test_suites_and_survives_broken_files(library: Path) -> None:
    files = _demo.library_files(library)
    assert "skipped.py" not in {file.name for file in files}
    metrics = _demo.measure([str(file) for file in files])
    assert (metrics.files, metrics.unreadable) == (10, 1)


@pytest.mark.parametrize("parts", [1, 3, 50])
def test_every_split_gives_the_same_sum(library: Path, parts: int) -> None:
    files = _demo.library_files(library)
    split = _demo.balanced(files, parts)
    assert sorted(name for part in split for name in part) == sorted(map(str, files))
    whole = _demo.measure([str(file) for file in files])
    assert _demo.combine(map(_demo.measure, split)) == whole


def test_parts_are_of_nearly_equal_size(library: Path) -> None:
    files = _demo.library_files(library)
    sizes = [sum(Path(name).stat().st_size for name in part) for part in _demo.balanced(files, 2)]
    assert max(sizes) - min(sizes) <= max(file.stat().st_size for file in files)


def test_finds_the_library_of_this_interpreter() -> None:
    names = {file.name for file in _demo.library_files()}
    assert {"ast.py", "tokenize.py", "argparse.py"} <= names
