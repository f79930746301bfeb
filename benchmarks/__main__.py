"""`make bench`: measures the service beside its stand-in, round by round, and prints both and their ratios; then a call
in the middle of a burst, reading with little and with much behind it, and a note on an officer's screen."""

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import burst, growth, processes, screen, setup
from benchmarks.burst import Burst
from benchmarks.figures import KINDS, Figures, machine, percentile
from benchmarks.growth import Growth
from benchmarks.load import Job, Result
from benchmarks.processes import Server
from benchmarks.screen import Screen

FEEDS, RATE, POSTERS = 200, 20.0, 8
SETTLE_S = 0.3
"""After a job, for its feeds to be seen off before the next one is measured."""
out = Console()
err = Console(stderr=True)


@dataclass(frozen=True)
class Plan:
    """How much of it."""

    rounds: int
    post_s: float
    feed_s: float
    bursts: int = 0
    readings: int = 0
    notes: int = 0
    screens: int = 0


FULL = Plan(rounds=7, post_s=1.5, feed_s=5.0, bursts=3, readings=40, notes=growth.MANY, screens=3)
QUICK = Plan(rounds=2, post_s=0.7, feed_s=1.5, bursts=1, readings=15, notes=growth.MANY // 4, screens=1)
PARTS = ("rates", "burst", "growth", "screen")
Measured = Figures | Burst | Growth | Screen


def measure(engine: str, plan: Plan, progress: Progress) -> Figures:
    """Every round measures both, one right after the other, in turns first: whatever else this machine does hits
    both."""
    task = progress.add_task(f"{engine}: setting up", total=plan.rounds * 6)
    with setup.stores(engine) as stores:
        setup.found_prison(stores.handover)
        with processes.standin(stores) as standin, processes.handover(stores) as service:
            tokens = setup.log_in(service.port, FEEDS)
            figures = Figures(engine)
            for round_ in range(plan.rounds + 1):
                warming = round_ == 0
                told: dict[str, dict[str, float]] = {"standin": {}, "handover": {}}
                for key in ("rate_1", "rate_32", "feeds"):
                    for server in (standin, service) if round_ % 2 else (service, standin):
                        progress.update(task, description=f"{engine}: {'warming up' if warming else f'round {round_}'}")
                        result, seen = _one(key, server, tokens, Plan(1, 0.3, 0.5) if warming else plan)
                        told[server.name] |= seen
                        figures.missing += result.missing
                        figures.load_busy = max(figures.load_busy, result.busy)
                        progress.advance(task, 0 if warming else 1)
                if not warming:
                    figures.add(told["standin"], told["handover"])
    return figures


def _one(key: str, server: Server, tokens: list[str], plan: Plan) -> tuple[Result, dict[str, float]]:
    if key == "feeds":
        result = processes.run(Job(server.port, server.pid, tokens, plan.feed_s, POSTERS, FEEDS, RATE))
        seen = {"p50": percentile(result.latencies, 0.5), "p99": percentile(result.latencies, 0.99)}
        seen["cpu_note"] = result.server_cpu / result.done * 1000
    else:
        clients = int(key.rpartition("_")[2])
        result = processes.run(Job(server.port, server.pid, tokens, plan.post_s, clients))
        seen = {key: result.done / result.seconds}
        if clients > 1:
            seen[f"post_p99_{clients}"] = percentile(result.latencies, 0.99)
            seen["cpu_post"] = result.server_cpu / result.done * 1e6
    time.sleep(SETTLE_S)
    return result, seen


def table(measured: Measured) -> Table:
    """What was measured, in rows."""
    if isinstance(measured, Figures):
        return _beside(measured)
    if isinstance(measured, Screen):
        return _screen(measured)
    return _burst(measured) if isinstance(measured, Burst) else _growth(measured)


def _beside(figures: Figures) -> Table:
    shown = Table(
        title=f"{figures.engine}: medians of {len(figures.pairs['p99'])} interleaved rounds", title_justify="left"
    )
    shown.add_column("")
    for name in ("stand-in", "handover", "ratio", "of a round", "aim"):
        shown.add_column(name, justify="right")
    for kind in KINDS:
        standin, service = figures.medians(kind.key)
        ratio, (least, most), kept = (
            figures.ratio(kind.key),
            figures.spread(kind.key),
            kind.keeps(figures.ratio(kind.key)),
        )
        style = {True: "green", False: "bold red", None: ""}[kept]
        mark = {True: " kept", False: " missed", None: ""}[kept]
        shown.add_row(
            kind.title,
            f"{standin:,.{kind.digits}f}",
            f"{service:,.{kind.digits}f}",
            f"[{style}]{ratio:.2f}[/]" if style else f"{ratio:.2f}",
            f"{least:.2f}–{most:.2f}",
            f"{kind.aim}{mark}",
        )
    return shown


def _burst(found: Burst) -> Table:
    shown = Table(
        title=f"{found.engine}: {burst.NOTES} notes of an incident, {burst.RATE:.0f} a second, {burst.FEEDS} feeds; "
        f"medians of {len(found.pages)} bursts, ms",
        title_justify="left",
    )
    shown.add_column("")
    for name in ("p50", "p99", "aim"):
        shown.add_column(name, justify="right")
    kept = found.of("pages", 0.99) < burst.MOST_P99
    aim = f"p99 < {burst.MOST_P99:,.0f} {'kept' if kept else 'missed'}"
    for what, title, told in (("pages", "a call, POST to every feed", aim), ("notes", "the other notes", "")):
        shown.add_row(title, f"{found.of(what, 0.5):,.1f}", f"{found.of(what, 0.99):,.1f}", told)
    return shown


def _screen(found: Screen) -> Table:
    shown = Table(
        title=f"{found.engine}: a note on a screen; medians of {len(found.rounds)} rounds of {screen.NOTES}, ms",
        title_justify="left",
    )
    shown.add_column("")
    for name in ("p50", "p95", "aim"):
        shown.add_column(name, justify="right")
    for place, words in screen.PLACES.items():
        late = found.of(place, 0.95)
        kept = "missed" if late > screen.MOST_P95 else "kept"
        aim = f"p95 ≤ {screen.MOST_P95:.0f} {kept}" if place == screen.AIMED else ""
        shown.add_row(f"POST until it is {words}", f"{found.of(place, 0.5):,.1f}", f"{late:,.1f}", aim)
    return shown


def _growth(found: Growth) -> Table:
    few, many = found.notes
    shown = Table(
        title=f"{found.engine}: reading with few notes in the store ({few:,}) and with many ({many:,}), ms",
        title_justify="left",
    )
    shown.add_column("", no_wrap=True)
    for name in ("few: p50", "p95", "many: p50", "p95", "ratio"):
        shown.add_column(name, justify="right")
    for name, figure in found.figures.items():
        cells = [
            f"{value:,.1f}" for some in (figure.few, figure.many) for value in (median(some), percentile(some, 0.95))
        ]
        shown.add_row(name, *cells, f"[{'green' if figure.kept else 'bold red'}]{figure.ratio:.2f}[/]")
    return shown


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", metavar="PART", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--engine", choices=(*setup.ENGINES, "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="a first impression in two minutes")
    parser.add_argument("--rounds", type=int, help="how many rounds (of each part its own number if left out)")
    parser.add_argument("--notes", type=int, help=f"growth: notes in the larger store ({growth.MANY:,})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's figures there")
    parser.add_argument("--check", action="store_true", help="exit with 1 when an aim is missed")
    asked = parser.parse_args()
    parts = tuple(asked.part) or PARTS
    if not {*parts} <= {*PARTS}:
        parser.error(f"there is {', '.join(PARTS)}")
    plan = QUICK if asked.quick else FULL
    if asked.rounds is not None:
        rounds = max(1, asked.rounds)
        plan = replace(plan, rounds=rounds, bursts=rounds, readings=rounds, screens=rounds)
    if asked.notes is not None:
        plan = replace(plan, notes=asked.notes)
    about, measured = machine(), list[Measured]()
    engines = setup.ENGINES if asked.engine == "both" else (asked.engine,)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err, transient=True
    ) as progress:
        for engine in engines:
            for warning in setup.warnings(engine):
                err.print(f"[yellow]{warning}[/]")
            for part in parts:
                measured.append(_part(part, engine, plan, progress))
    _print(about, measured)
    missed = [line for one in measured for line in one.missed()]
    for line in missed:
        out.print(f"[bold red]missed[/] {line}")
    if asked.json:
        asked.json.write_text(json.dumps(_told(about, plan, measured), indent=1) + "\n")
    return 1 if asked.check and missed else 0


def _part(part: str, engine: str, plan: Plan, progress: Progress) -> Measured:
    if part == "rates":
        return measure(engine, plan, progress)
    task = progress.add_task(f"{engine}: {part}", total=None)

    def told(what: str) -> None:
        progress.update(task, description=f"{engine}: {part}, {what}")

    try:
        if part == "burst":
            return burst.measure(engine, plan.bursts, told)
        if part == "screen":
            return screen.measure(engine, plan.screens, told)
        return growth.measure(engine, plan.notes, plan.readings, told)
    finally:
        progress.remove_task(task)


def _print(about: dict[str, Any], measured: list[Measured]) -> None:
    for one in measured:
        out.print(table(one))
    out.print(
        f"{about['cores']} cores, {about['processor']}, Python {about['python']}, one fsync {about['fsync_ms']} ms.",
        style="dim",
    )
    figures = [one for one in measured if isinstance(one, Figures)]
    if figures:
        most = max(one.load_busy for one in figures)
        out.print(f"{FEEDS} feeds, {RATE:.0f} notes/s; the load took at most {most:.0%} of a core.", style="dim")
    if about["load_before"] > 0.5:
        out.print("The machine was busy with something else before: trust the ratios only.", style="yellow")


def _told(about: dict[str, Any], plan: Plan, measured: list[Measured]) -> dict[str, Any]:
    engines: dict[str, dict[str, Any]] = {}
    for one in measured:
        told = engines.setdefault(one.engine, {})
        if isinstance(one, Figures):
            told |= {"load_busy": one.load_busy, **one.told()}
        else:
            told[type(one).__name__.lower()] = one.told()
    return {"machine": about, "plan": vars(plan), "engines": engines}


if __name__ == "__main__":
    sys.exit(main())
