"""A proof in short, for a terminal and a notebook: headline, table, parts, checks.

Turns the judgement into what rich draws. Adds no words of its own to a verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .proof import COLOURS, Interval, verdict_words
from .strategies import PLAIN_THREADS

if TYPE_CHECKING:
    from .proof import Proof


def show(proof: Proof) -> RenderableType:
    """Draw a proof in short."""
    judgement = proof.judgement
    rows: list[RenderableType] = [Text(proof.headline, style="bold green" if proof.holds else "bold red"), Text()]
    if judgement["strategies"]:
        rows += [_strategies(judgement["strategies"]), Text()]
    for judged in judgement["strategies"]:
        rows.append(_line(judged["strategy"], judged["sentence"]))
        if judged["advice"]:
            rows.append(Text(f"  next: {judged['advice']}", style="dim"))
    if judgement["parts"]:
        rows += [
            Text(),
            *[_verdict_line(part["holds"], part["claim"], _seen(part)) for part in judgement["parts"]],
        ]
    if proof.checks:
        rows += [Text(), *[_verdict_line(check["passed"], check["name"], check["detail"]) for check in proof.checks]]
    if judgement["refusals"]:
        rows += [Text(), *[_line("refused because", reason) for reason in judgement["refusals"]]]
    return Group(*rows)


def _strategies(judged: list[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("strategy", "speed-up (95 %)", "cores used (95 %)", "verdict"):
        table.add_column(heading, style=None, header_style="dim", no_wrap=heading != "verdict")
    for each in judged:
        table.add_row(
            each["strategy"],
            str(Interval(**each["speedup"])),
            str(Interval(**each["cores_used"])),
            Text(verdict_words(each["verdict"]), style=COLOURS[each["verdict"]["kind"]]),
        )
    return table


def _seen(part: dict[str, Any]) -> str:
    own = [each for each in part["judgement"]["strategies"] if each["strategy"] != PLAIN_THREADS]
    if part["holds"] and part["evidence"]:
        return "; ".join(part["evidence"])
    if part["holds"] or any(each["verdict"]["kind"] == "parallel" for each in own):
        return str(part["sentence"])
    # The sentences stand above, by strategy.
    return "; ".join(f"{each['strategy']} {verdict_words(each['verdict'])}" for each in own)


def _line(label: str, words: str) -> Text:
    return Text.assemble((f"{label}: ", "bold"), words)


def _verdict_line(holds: bool, claim: str, seen: str) -> Text:
    mark = ("yes ", "green") if holds else ("NO  ", "bold red")
    return Text.assemble(mark, (claim, "bold"), f": {seen}" if seen else "")
