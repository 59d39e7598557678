"""Writes a run's results: tables for the terminal, and the same as Markdown."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from measuring.judge import Samples, Spread, Verdict, target, title
from measuring.suite import AGAIN, Form, Suite

Grid = tuple[str, list[str], list[list[str]]]


def grids(samples: Samples, verdicts: list[Verdict]) -> list[Grid]:
    """Return every table of a run as its title, its header and its lines of cells."""
    return [
        *([_requirements(samples.suite, verdicts)] if verdicts else []),
        *(_details(samples, test) for test in samples.suite.tests if any(t == test for t, _, _ in samples.by_turn)),
    ]


def show(console: Console, tables: list[Grid]) -> None:
    """Print tables to a terminal."""
    for name, header, lines in tables:
        table = Table(title=name, title_justify="left", title_style="bold", header_style="dim")
        for column, label in enumerate(header):
            table.add_column(label, justify="left" if column == 0 else "right")
        for line in lines:
            table.add_row(*line, style=_style(line[-1]))
        console.print(table)


def markdown(suite: Suite, tables: list[Grid], run: dict[str, Any]) -> str:
    """Return tables as a Markdown page under the facts of the run."""
    lines = [f"# {suite.heading}", "", *_facts(suite, run), ""]
    for name, header, rows in tables:
        lines += [f"## {name}", "", _line(header), _line(["---"] + ["---:"] * (len(header) - 1))]
        lines += [*map(_line, rows), ""]
    return "\n".join(lines[:-1]) + "\n"


def _facts(suite: Suite, run: dict[str, Any]) -> list[str]:
    machine, state, loop = run["machine"], run["conditions"], run["conditions"]["calibration_ms"]
    quota = f"{machine['cpus_quota']:g} allowed" if machine["cpus_quota"] else "no quota"
    memory = f"{machine['memory_bytes'] / 2**30:.0f} GiB"
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    span = f"{loop['median']:.1f} ms [{loop['least']:.1f}, {loop['greatest']:.1f}]"
    disturbed = f"{state['disturbed']} of {state['samples']}"
    scale = suite.describe(run["scale"])
    noise = "`itself` is multilane against a second measurement of multilane: the noise"
    return [
        f"{run['date']}, commit {run['revision']}, `{run['command']}`.",
        "",
        f"- Machine: {machine['cpu_model']}, {machine['cpus_affinity']} CPUs, {quota}, {memory}, {machine['system']}.",
        f"- Versions: {versions}.",
        f"- {run['repeats']} repeats with {run['workers']} workers, seed {run['seed']}; {scale}.",
        f"- A fixed loop around each sample took {span}; the load was at most {state['load']:.1f}.",
        f"- {disturbed} counted samples were taken while others used the machine.",
        f"- Medians; in brackets the least and the greatest. A ratio of 2 means twice as good. {noise}.",
    ]


def _requirements(suite: Suite, verdicts: list[Verdict]) -> Grid:
    header = ["what", "against", "must reach", "measured", "itself", "verdict"]
    lines = []
    for verdict in verdicts:
        check = verdict.check
        metric = suite.metric(check.test, check.metric)
        form = metric.form if check.against is None else Form.TIMES
        against = suite.title(check.against) if check.against else ""
        lines.append(
            [
                *(title(suite, check), against, target(suite, check)),
                *(_cell(verdict.measured, form), _cell(verdict.itself, Form.TIMES)),
                verdict.outcome,
            ]
        )
    return "Requirements", header, lines


def _details(samples: Samples, test: str) -> Grid:
    """Return one test's engines, best first, each against the test's reference."""
    suite = samples.suite
    row = suite.tests[test]
    first = row.metrics[0]
    header = ["engine", *(metric.label for metric in row.metrics)]
    if row.reference:
        header.append(f"against {suite.title(row.reference)}")
    ranked: list[tuple[float, list[str]]] = []
    for engine in dict.fromkeys(name for its, name, _ in samples.by_turn if its == test):
        name = suite.title(engine) + (" (again)" if engine.endswith(AGAIN) else "")
        spread = samples.spread(test, engine, first.name)
        problem = samples.problem(test, engine)
        if spread is None:
            cells = [name, problem or "", *[""] * (len(header) - 2)]
            ranked.append((float("inf"), cells))
            continue
        cells = [name]
        cells += [_cell(samples.spread(test, engine, m.name), m.form) for m in row.metrics]
        if row.reference:
            cells.append(_cell(samples.ratio(test, first.name, engine, row.reference), Form.TIMES))
        ranked.append((-spread.median if first.more_is_better else spread.median, cells))
    return row.title, header, [cells for _, cells in sorted(ranked, key=lambda item: item[0])]


def _cell(spread: Spread | None, form: Form) -> str:
    return "" if spread is None else spread.write(form)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _style(outcome: str) -> str:
    if outcome.startswith("pass"):
        return "green"
    return "red" if outcome.startswith("fail") else ""
