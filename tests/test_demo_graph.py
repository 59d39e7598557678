"""The demo's graph: what is read from apt's lists, WordNet and sources, and that the page's checks can fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from multilane import _demo, _demo_graph

LISTS = """\
Package: gimp
Depends: libgimp (>= 2.10), libc6, python3 | python2
Recommends: mail-reader
Suggests: nothing-of-this

Package: libgimp
Pre-Depends: libc6 (>= 2.34)

Package: libc6

Package: python3
Depends: libc6

Package: mutt
Provides: mail-reader, imap-client
Depends: libc6, gone-for-ever
"""

NOUNS = """\
  1 This line is licence.
00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | that which exists
00001930 03 n 02 physical_entity 0 thing 0 002 @ 00001740 n 0000 + 00002137 a 0000 | solid
"""


def small() -> _demo_graph.Source:
    names, edges = _demo_graph.packages(LISTS.splitlines())
    return _demo_graph._source("Packages & more", "From a test.", "Packages", "Dependencies", names, edges)


def test_reads_what_is_installed_with_a_package() -> None:
    names, edges = _demo_graph.packages(LISTS.splitlines())
    assert names == ["gimp", "libgimp", "libc6", "python3", "mutt"]
    assert sorted(edges) == [
        ("gimp", "libc6"),
        ("gimp", "libgimp"),
        ("gimp", "mutt"),
        ("gimp", "python3"),
        ("libgimp", "libc6"),
        ("mutt", "libc6"),
        ("python3", "libc6"),
    ]


def test_reads_meanings_and_their_pointers(tmp_path: Path) -> None:
    assert _demo_graph.wordnet(tmp_path) is None
    for name in _demo_graph.WORDNET_FILES:
        (tmp_path / name).write_text("")
    (tmp_path / "data.noun").write_text(NOUNS)
    (tmp_path / "data.adj").write_text("00002137 00 s 01 solid 0 000 | firm\n")
    found = _demo_graph.wordnet(tmp_path)
    assert found is not None
    assert found.names == ["entity (n)", "physical entity (n)", "solid (a)"]
    assert found.ends == [(0, 1), (1, 0), (1, 2)]


def test_reads_imports(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("import low\nimport absent")
    (tmp_path / "pack" / "inner.py").write_text("from pack import low\nfrom . import other\nimport pack.inner")
    (tmp_path / "low.py").write_text("import pack.inner")
    (tmp_path / "broken.py").write_text("import low import pack")
    found = _demo_graph.modules(sorted(tmp_path.rglob("*.py")))
    named = {(found.names[one], found.names[other]) for one, other in found.ends}
    assert named == {("pack", "low"), ("pack.inner", "pack"), ("low", "pack.inner")}
    assert "broken" in found.names


def test_there_is_a_graph_without_lists_and_wordnet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_demo_graph, "debian", lambda: None)
    monkeypatch.setattr(_demo_graph, "wordnet", lambda: None)
    monkeypatch.setattr(_demo, "library_files", lambda: sorted(Path(_demo.__file__).parent.glob("*.py")))
    assert _demo_graph.source().title == "The modules of the standard library"


def test_a_page_holds_every_plan_and_its_checks() -> None:
    page = _demo_graph.page(2, small())
    assert [run["name"] for run in page["runs"]] == [
        "PageRank",
        "Hubs and authorities",
        "Connected components",
        "Core numbers",
        "Label propagation",
    ]
    for run in page["runs"]:
        assert len(run["measured_ns"]) == _demo_graph.REPEATS
        assert run["predicted_ns"] == pytest.approx(sum(group["predicted_ns"] for group in run["groups"]))
        assert run["turns"] > 0
    assert all(check["passed"] for check in page["checks"])
    assert page["findings"][0]["rows"][0][0] == "libc6"


def test_wrong_results_fail_their_checks() -> None:
    found = small()
    graph, undirected = _demo_graph.build(found)
    n = graph.nodes
    rank = np.full(n, 1 / n)
    wrong: dict[str, Any] = {
        "rank": rank,
        "component": np.arange(n),
        "core": np.zeros(n, int),
        "label": np.arange(n)[::-1],
    }
    checks = _demo_graph._checks(found, graph, undirected, **wrong)
    assert [check["passed"] for check in checks] == [False] * 4
