"""Three times as much is asked as can be done, for ten seconds; then two thousand feeds stop reading. What calls
somebody is to come through, who is refused is to be told soon, memory is to stay, and afterwards all is to be as
before."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks import load, processes, setup
from benchmarks.figures import percentile
from benchmarks.flooding import Job, Result

OVER, SECONDS, DEAF, TERMINALS = 3.0, 10.0, 2000, 40
CALM_RATE, CALM_S, CALM_FEEDS = 20.0, 4.0, 20
SPARE_S = 300.0
MOST_SLOWER = 1.5


@dataclass
class Storm:
    """One engine's storm."""

    engine: str
    capacity: float = 0.0
    during: Result = field(default_factory=Result)
    deaf: Result = field(default_factory=Result)
    before: float = 0.0
    between: float = 0.0
    after: float = 0.0

    @property
    def share_refused(self) -> float:
        """Of the ordinary notes that were asked for."""
        done, refused = len(self.during.done["notes"]), len(self.during.refused["notes"])
        return refused / max(1, done + refused)

    def missed(self) -> list[str]:
        """The aims it misses, in words."""
        out = []
        if lost := sum(len(self.during.refused[kind]) for kind in ("calls", "takings")):
            out.append(f"{self.engine}: {lost} calls or acceptances were refused in the storm.")
        if self.during.odd or self.deaf.odd:
            out.append(f"{self.engine}: {self.during.odd} answers were odd, {self.deaf.odd} deaf feeds not cut off.")
        if self.after > MOST_SLOWER * self.before:
            out.append(f"{self.engine}: POST p50 was {self.before:.1f} ms before and {self.after:.1f} after.")
        return out

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"capacity": self.capacity, **dict(self.rows()), "memory_deaf": self.deaf.memory}

    def rows(self) -> list[tuple[str, str]]:
        """What was measured, in words."""
        during, deaf = self.during, self.deaf

        def times(values: list[float]) -> str:
            return f"{percentile(values, 0.5):,.0f} / {percentile(values, 0.99):,.0f} ({len(values):,})"

        refused = [one for kind in during.refused.values() for one in kind]
        return [
            ("POST/s at 32 clients before", f"{self.capacity:,.0f}"),
            ("POST/s kept in the storm", f"{sum(map(len, during.done.values())) / max(during.seconds, 0.1):,.0f}"),
            ("ACT_NOW notes p50 / p99, ms", times(during.done["calls"])),
            ("ACCEPTED receipts p50 / p99, ms", times(during.done["takings"])),
            ("other notes that were kept p50 / p99, ms", times(during.done["notes"])),
            ("share of them refused", f"{self.share_refused:.0%}"),
            ("refused, told within p50 / p99, ms", times(refused)),
            ("calls and acceptances refused", str(sum(len(during.refused[kind]) for kind in ("calls", "takings")))),
            ("resident MB before / most / after", " / ".join(f"{one:,.0f}" for one in during.memory)),
            (f"{DEAF:,} deaf feeds: cut off after, s", f"{deaf.seconds:,.0f}"),
            ("resident MB open / most / after", " / ".join(f"{one:,.0f}" for one in deaf.memory)),
            (
                "POST to received p50 before / after the storm / after the deaf, ms",
                f"{self.before:.1f} / {self.between:.1f} / {self.after:.1f}",
            ),
        ]


def table(found: Storm) -> Table:
    """What was measured, in rows."""
    title = f"{found.engine}: {OVER:g} times what can be done for {SECONDS:.0f} s, then {DEAF:,} feeds that do not read"
    shown = Table(title=title, title_justify="left")
    shown.add_column("")
    shown.add_column("", justify="right")
    for row in found.rows():
        shown.add_row(*row)
    return shown


def measure(engine: str, told: Callable[[str], None]) -> Storm:
    """One storm, and what stands after it."""
    found = Storm(engine)
    with setup.stores(engine) as stores:
        setup.found_prison(stores.handover)
        with processes.handover(stores) as server:
            tokens = setup.log_in(server.port, TERMINALS)

            def calm() -> float:
                job = load.Job(server.port, server.pid, tokens, CALM_S, 8, CALM_FEEDS, CALM_RATE)
                return median(processes.run(job).latencies)

            told("capacity")
            processes.run(load.Job(server.port, server.pid, tokens, 1.0, 32))
            flood = processes.run(load.Job(server.port, server.pid, tokens, 2.0, 32))
            found.capacity = flood.done / flood.seconds
            told("before")
            found.before = calm()
            told("the storm")
            found.during = _run(Job(server.port, server.pid, tokens, SECONDS, OVER * found.capacity))
            told("after the storm")
            found.between = calm()
            told("deaf feeds")
            found.deaf = _run(Job(server.port, server.pid, tokens, SECONDS, deaf=DEAF))
            told("after them")
            found.after = calm()
    return found


def _run(job: Job) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.flooding"],
        input=json.dumps(asdict(job)),
        stdout=subprocess.PIPE,
        cwd=processes.ROOT,
        text=True,
        check=True,
        timeout=SPARE_S,
    )
    return Result(**json.loads(done.stdout))
