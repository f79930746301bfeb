"""What was measured, in rows."""

from collections.abc import Callable
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks import across, burst, day, screen, storm
from benchmarks.across import Across
from benchmarks.burst import Burst
from benchmarks.day import Day
from benchmarks.figures import Figures, percentile
from benchmarks.growth import Growth
from benchmarks.screen import Screen
from benchmarks.storm import Storm

Measured = Figures | Across | Burst | Day | Growth | Screen | Storm
STYLES = {True: "green", False: "bold red", None: ""}
MARKS = {True: " kept", False: " missed", None: ""}


def table(measured: Measured) -> Table:
    """The table of a part on an engine."""
    return TABLES[type(measured)](measured)


def _beside(figures: Figures) -> Table:
    shown = Table(
        title=f"{figures.engine}, {figures.part}: medians of interleaved rounds ({figures.rounds})",
        title_justify="left",
    )
    shown.add_column("", no_wrap=True)
    for name in ("stand-in", "handover", "ratio", "of a round", "aim"):
        shown.add_column(name, justify="right")
    for kind in figures.shown:
        values = [f"{value:,.{kind.digits}f}" for value in figures.medians(kind.key)]
        ratio, (least, most), kept = figures.ratio(kind.key), figures.spread(kind.key), figures.keeps(kind)
        told = f"[{STYLES[kept]}]{ratio:.2f}[/]" if STYLES[kept] else f"{ratio:.2f}"
        shown.add_row(kind.title, *values, told, f"{least:.2f}–{most:.2f}", f"{kind.aim(figures.spare)}{MARKS[kept]}")
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


TABLES: dict[type, Callable[[Any], Table]] = {
    Figures: _beside,
    Across: across.table,
    Burst: _burst,
    Day: day.table,
    Growth: _growth,
    Screen: _screen,
    Storm: storm.table,
}
