"""Figures: what was measured, the ratios between the two, and whether they keep the aims."""

import os
import platform
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

LEAST_RATE, MOST_P99 = 0.5, 2.0


@dataclass(frozen=True)
class Kind:
    """Something measured, and the ratio of service to stand-in that it must keep."""

    key: str
    title: str
    least: float | None = None
    most: float | None = None
    digits: int = 0

    def keeps(self, ratio: float) -> bool | None:
        """Whether a ratio keeps the aim; None where there is none."""
        if self.least is not None:
            return ratio >= self.least
        return None if self.most is None else ratio <= self.most

    @property
    def aim(self) -> str:
        """The aim in words."""
        if self.least is not None:
            return f"≥ {self.least}"
        return "" if self.most is None else f"≤ {self.most}"


KINDS = (
    Kind("rate_1", "durable POST/s, 1 client", least=LEAST_RATE),
    Kind("rate_32", "durable POST/s, 32 clients", least=LEAST_RATE),
    Kind("post_p99_32", "POST p99 at 32 clients, ms", digits=1),
    Kind("p50", "POST to received p50, ms", digits=1),
    Kind("p99", "POST to received p99, ms", most=MOST_P99, digits=1),
    Kind("cpu_post", "server CPU per POST, µs"),
    Kind("cpu_note", "server CPU per note fanned out, ms", digits=1),
)


@dataclass
class Figures:
    """One engine's rounds: for each kind, (stand-in, service) of every round."""

    engine: str
    pairs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    missing: int = 0
    load_busy: float = 0.0

    def add(self, standin: dict[str, float], service: dict[str, float]) -> None:
        """Takes in a round."""
        for key, value in service.items():
            self.pairs.setdefault(key, []).append((standin[key], value))

    def medians(self, key: str) -> tuple[float, float]:
        """The median of the stand-in, and of the service."""
        return median(a for a, _ in self.pairs[key]), median(b for _, b in self.pairs[key])

    def ratio(self, key: str) -> float:
        """The median over the rounds of service over stand-in: both were measured within seconds, so drift cancels
        out."""
        return median(b / a if a else 0.0 for a, b in self.pairs[key])

    def spread(self, key: str) -> tuple[float, float]:
        """The smallest and largest ratio of a round."""
        ratios = [b / a if a else 0.0 for a, b in self.pairs[key]]
        return min(ratios), max(ratios)

    def missed(self) -> list[str]:
        """The aims it misses, in words."""
        out = [
            f"{self.engine}: {kind.title} is {self.ratio(kind.key):.2f} of the stand-in's; it must be {kind.aim}."
            for kind in KINDS
            if kind.key in self.pairs and kind.keeps(self.ratio(kind.key)) is False
        ]
        if self.missing:
            out.append(f"{self.engine}: {self.missing} notes did not reach a feed.")
        return out

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            kind.key: {
                "title": kind.title,
                "standin": self.medians(kind.key)[0],
                "handover": self.medians(kind.key)[1],
                "ratio": self.ratio(kind.key),
                "rounds": self.pairs[kind.key],
                "least": kind.least,
                "most": kind.most,
                "kept": kind.keeps(self.ratio(kind.key)),
            }
            for kind in KINDS
            if kind.key in self.pairs
        }


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    ordered: Sequence[float] = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
        "fsync_ms": round(_fsync_ms(), 3),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _fsync_ms() -> float:
    """What one durable append costs where the stores will lie; next to nothing means a disk that only says so."""
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in count():
            file.write(b"x" * 4096)
            file.flush()
            began = perf_counter()
            os.fsync(file.fileno())
            times.append(perf_counter() - began)
            if sum(times) > 0.2 or len(times) >= 200:
                return median(times) * 1000
    return 0.0
