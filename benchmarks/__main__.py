"""`make bench`: measures the service beside its stand-in, round by round, and prints both and their ratios; then a call
in the middle of a burst, reading with little and with much behind it, and a note on an officer's screen."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import (
    across,
    burst,
    day,
    feeds,
    flooding,
    growth,
    pull,
    rates,
    replay,
    screen,
    setup,
    start,
    storm,
    watching,
)
from benchmarks.figures import Figures, machine
from benchmarks.plan import FULL, QUICK, Plan, Told
from benchmarks.tables import Measured, table
from tests.support import postgres

PARTS: dict[str, Callable[[str, Plan, Told], Measured]] = {
    "rates": rates.measure,
    "feeds": feeds.measure,
    "replay": replay.measure,
    "pull": pull.measure,
    "start": start.measure,
    "burst": lambda engine, plan, told: burst.measure(engine, plan.rounds["burst"], told),
    "growth": lambda engine, plan, told: growth.measure(engine, plan.notes, plan.rounds["growth"], told),
    "screen": lambda engine, plan, told: screen.measure(engine, plan.rounds["screen"], told),
    "across": across.measure,
    "day": day.measure,
    "storm": lambda engine, _plan, told: storm.measure(engine, told),
}
BROKEN = (RuntimeError, SubprocessError, OSError)
"""What ends a part, and not the others: they are worth their time all the same."""
out = Console(record=True, width=None if sys.stdout.isatty() else 140)
err = Console(stderr=True)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", metavar="PART", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--engine", choices=(*setup.ENGINES, "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="a first impression in a few minutes")
    parser.add_argument("--rounds", type=int, help="how many rounds (of each part its own number if left out)")
    parser.add_argument(
        "--notes",
        type=int,
        help=f"notes in the larger store of growth ({FULL.notes:,}), to pull ({FULL.pulled:,}), "
        f"of a day ({FULL.played:,})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's figures there")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write the tables there as an SVG picture")
    parser.add_argument("--check", action="store_true", help="exit with 1 when an aim is missed")
    asked = parser.parse_args()
    parts = tuple(asked.part) or tuple(PARTS)
    if not {*parts} <= {*PARTS}:
        parser.error(f"there is {', '.join(PARTS)}")
    plan = QUICK if asked.quick else FULL
    if asked.rounds is not None:
        plan = replace(plan, rounds=dict.fromkeys(PARTS, max(1, asked.rounds)))
    if asked.notes is not None:
        plan = replace(plan, notes=asked.notes, pulled=asked.notes, played=asked.notes)
    connections = {
        "feeds": max(plan.feeds),
        "replay": plan.terminals,
        "storm": flooding.LINES,
        "day": day.connections(plan),
    }
    if wanting := watching.allow_files(max(connections.get(part, 0) for part in parts)):
        parser.error(wanting)
    # Whoever ends it ends the servers, too: they are children that know nothing of it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    postgres.use_one_that_lasts()
    about, measured, missed = machine(), list[Measured](), list[str]()
    engines = setup.ENGINES if asked.engine == "both" else (asked.engine,)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err, transient=True
    ) as progress:
        for engine in engines:
            for warning in setup.warnings(engine):
                err.print(f"[yellow]{warning}[/]")
            for part in _meant(parts, engine):
                try:
                    measured.append(_part(part, engine, plan, progress))
                except BROKEN as error:
                    missed.append(f"{engine}: {part} came to no end: {error}")
    _print(about, measured)
    missed += [line for one in measured for line in one.missed()]
    for line in missed:
        out.print(f"[bold red]missed[/] {line}")
    if asked.json:
        asked.json.write_text(json.dumps(_told(about, plan, measured), indent=1) + "\n")
    if asked.picture:
        out.save_svg(str(asked.picture), title="handover beside its stand-in")
    return 1 if asked.check and missed else 0


def _meant(parts: Sequence[str], engine: str) -> list[str]:
    """Those of the parts that there are with this engine: one process serves the embedded store."""
    return [part for part in parts if part != "across" or engine == across.ENGINE]


def _part(part: str, engine: str, plan: Plan, progress: Progress) -> Measured:
    task = progress.add_task(f"{engine}: {part}", total=None)
    try:
        return PARTS[part](engine, plan, lambda what: progress.update(task, description=f"{engine}: {part}, {what}"))
    finally:
        progress.remove_task(task)


def _print(about: dict[str, Any], measured: list[Measured]) -> None:
    for one in measured:
        out.print(table(one))
    out.print(
        f"{about['cores']} cores, {about['processor']}, Python {about['python']}, one fsync {about['fsync_ms']} ms.",
        style="dim",
    )
    figures = [one for one in measured if isinstance(one, Figures) and one.load_busy]
    if figures:
        most = max(figures, key=lambda one: one.load_busy)
        out.print(f"The load took at most {most.load_busy:.0%} of a core ({most.part}).", style="dim")
    if about["load_before"] > 0.5:
        out.print("The machine was busy with something else before: trust the ratios only.", style="yellow")


def _told(about: dict[str, Any], plan: Plan, measured: list[Measured]) -> dict[str, Any]:
    engines: dict[str, dict[str, Any]] = {}
    for one in measured:
        name = one.part if isinstance(one, Figures) else type(one).__name__.lower()
        engines.setdefault(one.engine, {})[name] = one.told()
    return {"machine": about, "plan": vars(plan), "engines": engines}


if __name__ == "__main__":
    sys.exit(main())
