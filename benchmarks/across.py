"""Several processes on one PostgreSQL: how long a note that is posted to one takes to the feeds of another, and what a
burst in one prison costs the notes of another."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks import day, filling, processes, setup
from benchmarks.figures import percentile
from benchmarks.load import Job
from benchmarks.plan import Plan, Told
from benchmarks.processes import Server
from handover.clock import now

ENGINE = "postgresql"
FEEDS, RATE, POSTERS = 200, 20.0, 8
BURST_RATE, BURST_POSTERS = 100.0, 24
MOST_P99 = 50.0
SAME, OTHER, BUSY, ALONE, BESIDE = "same", "other", "busy", "alone", "beside"
TITLES = {
    SAME: f"POST to received, {FEEDS} feeds of the process that it is posted to",
    OTHER: f"POST to received, {FEEDS} feeds of another process",
    BUSY: f"that, while {BURST_RATE:.0f} notes a second of another prison are posted to the process of the feeds",
    ALONE: f"the same in another prison, {FEEDS // 10} feeds, while nothing else happens",
    BESIDE: f"that, while {BURST_RATE:.0f} notes a second are posted in the first",
}
AIMED = (OTHER, BUSY)


@dataclass
class Across:
    """Milliseconds of every arrival, by what was measured, a list a round."""

    engine: str
    rounds: dict[str, list[list[float]]] = field(default_factory=lambda: {what: [] for what in TITLES})
    missing: int = 0

    def of(self, what: str, share: float) -> float:
        """What this share arrived within: the median over the rounds."""
        return median(percentile(one, share) for one in self.rounds[what])

    def missed(self) -> list[str]:
        """The aims it misses, in words."""
        late = ((TITLES[what], ms) for what in AIMED if (ms := self.of(what, 0.99)) > MOST_P99)
        out = [f"{self.engine}: {title}: {ms:.0f} ms (p99); it must be ≤ {MOST_P99:.0f}." for title, ms in late]
        return out + ([f"{self.engine}: {self.missing} notes did not reach a feed."] if self.missing else [])

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {what: {"p50": self.of(what, 0.5), "p99": self.of(what, 0.99)} for what in TITLES}


def measure(engine: str, plan: Plan, told: Told) -> Across:
    """Each round measures all of it, one after the other."""
    found = Across(engine)
    with setup.stores(engine) as stores:
        wings = day.wings_of(2)
        day.found(stores.handover, wings)
        filling.fill(stores.handover, day.ZONE, now(), wings, lambda notes: told(f"the day before, {notes:,} notes"))
        first, second = sorted({wing.place for wing in wings})
        with processes.handover(stores) as one, processes.handover(stores) as other:
            tokens = {place: day.log_in(one.port, [place]) for place in (first, second)}

            def job(place: str, at: Server, to: Server, feeds: int, rate: float, posters: int) -> Job:
                return Job(at.port, at.pid, tokens[place], plan.feed_s, posters, feeds, rate, to=to.port, place=place)

            for round_ in range(plan.rounds["across"] + 1):
                told(f"round {round_}" if round_ else "warming up")
                elsewhere = job(first, other, one, FEEDS, RATE, POSTERS)
                quiet = job(second, other, other, FEEDS // 10, RATE, POSTERS)
                seen = {
                    SAME: processes.run(job(first, one, one, FEEDS, RATE, POSTERS)),
                    OTHER: processes.run(elsewhere),
                    ALONE: processes.run(quiet),
                }
                with _meanwhile(job(second, other, other, FEEDS // 10, BURST_RATE, BURST_POSTERS)):
                    seen[BUSY] = processes.run(elsewhere)
                with _meanwhile(job(first, one, one, FEEDS // 10, BURST_RATE, BURST_POSTERS)):
                    seen[BESIDE] = processes.run(quiet)
                if round_:
                    for what, result in seen.items():
                        found.rounds[what].append(result.latencies)
                        found.missing += result.missing
    return found


@contextmanager
def _meanwhile(job: Job) -> Iterator[None]:
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(processes.run, job)
        yield
        done.result()


def table(found: Across) -> Table:
    """What was measured, in rows."""
    shown = Table(
        title=f"{found.engine}: two processes; medians of {len(found.rounds[SAME])} rounds, ms", title_justify="left"
    )
    shown.add_column("")
    for name in ("p50", "p99", "aim"):
        shown.add_column(name, justify="right")
    for what, title in TITLES.items():
        late = found.of(what, 0.99)
        aim = f"p99 ≤ {MOST_P99:.0f} {'missed' if late > MOST_P99 else 'kept'}" if what in AIMED else ""
        shown.add_row(title, f"{found.of(what, 0.5):,.1f}", f"{late:,.1f}", aim)
    return shown
