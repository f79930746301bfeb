"""A call in the middle of a burst: the notes of an incident come as fast as they are written, and one of them says
self-harm. How long until every open feed is called, and how long the notes around it take."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks import processes, setup
from benchmarks.figures import percentile
from benchmarks.load import Job

FEEDS, NOTES, RATE, TERMINALS = 250, 190, 100.0, 24
MOST_P99 = 1000.0


@dataclass
class Burst:
    """One engine's rounds: milliseconds from the POST to each feed, of the call and of the notes."""

    engine: str
    pages: list[list[float]] = field(default_factory=list)
    notes: list[list[float]] = field(default_factory=list)
    missing: int = 0

    def of(self, what: str, share: float) -> float:
        """Of the call (`pages`) or the notes: the median over the rounds of what this share was told within."""
        return median(percentile(one, share) for one in getattr(self, what))

    @property
    def worst(self) -> float:
        """The longest that a feed waited for the call, of all rounds."""
        return max(max(one) for one in self.pages)

    def missed(self) -> list[str]:
        """The aims it misses, in words."""
        out = []
        if self.of("pages", 0.99) >= MOST_P99:
            took = self.of("pages", 0.99)
            out.append(f"{self.engine}: a call takes {took:.0f} ms (p99) in a burst; it must be < {MOST_P99:.0f}.")
        if self.missing:
            out.append(f"{self.engine}: {self.missing} notes or calls of the burst did not reach a feed.")
        return out

    def told(self) -> dict[str, Any]:
        """As JSON."""
        names = [(what, name, share) for what in ("pages", "notes") for name, share in (("p50", 0.5), ("p99", 0.99))]
        return {f"{what}_{name}": self.of(what, share) for what, name, share in names} | {"pages_most": self.worst}


def measure(engine: str, rounds: int, told: Callable[[str], None]) -> Burst:
    """Each round is a burst of its own, with feeds of its own."""
    found = Burst(engine)
    with setup.stores(engine) as stores:
        setup.found_prison(stores.handover)
        with processes.handover(stores) as server:
            tokens = setup.log_in(server.port, FEEDS)
            for round_ in range(rounds + 1):
                told(f"round {round_}" if round_ else "warming up")
                seconds = NOTES / RATE if round_ else 0.5
                job = Job(server.port, server.pid, tokens, seconds, TERMINALS, FEEDS, RATE, incident=True)
                result = processes.run(job)
                if round_:
                    found.pages.append(result.pages)
                    found.notes.append(result.latencies)
                    found.missing += result.missing
    return found
