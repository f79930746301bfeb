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

SPARE = {"postgresql": 1.3}
"""On PostgreSQL the aims are the same within 30 %. Those of ratios are the same: the stand-in is on PostgreSQL, too."""


@dataclass(frozen=True)
class Kind:
    """Something measured, and what it must keep: the ratio of service to stand-in, or what the service takes by itself
    (`within`, in the title's unit)."""

    key: str
    title: str
    least: float | None = None
    most: float | None = None
    within: float | None = None
    digits: int = 0

    def keeps(self, ratio: float, value: float, spare: float = 1.0) -> bool | None:
        """Whether it keeps its aim; None where it has none."""
        kept = []
        if self.least is not None:
            kept.append(ratio >= self.least)
        if self.most is not None:
            kept.append(ratio <= self.most)
        if self.within is not None:
            kept.append(value <= self.within * spare)
        return all(kept) if kept else None

    def aim(self, spare: float = 1.0) -> str:
        """The aim in words."""
        within = None if self.within is None else self.within * spare
        bounds = (("ratio ≥", self.least), ("ratio ≤", self.most), ("≤", within))
        return ", ".join(f"{words} {bound:,g}" for words, bound in bounds if bound is not None)


@dataclass
class Figures:
    """One part's rounds on one engine: for each kind, (stand-in, service) of every round."""

    part: str
    engine: str
    kinds: Sequence[Kind]
    pairs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    missing: int = 0
    load_busy: float = 0.0

    @property
    def spare(self) -> float:
        """How far this engine may pass what the service is to keep by itself."""
        return SPARE.get(self.engine, 1.0)

    @property
    def rounds(self) -> int:
        """How many there were."""
        return max(map(len, self.pairs.values()), default=0)

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

    def keeps(self, kind: Kind) -> bool | None:
        """Whether the medians keep the aim."""
        return kind.keeps(self.ratio(kind.key), self.medians(kind.key)[1], self.spare)

    @property
    def shown(self) -> list[Kind]:
        """Of what there are figures."""
        return [kind for kind in self.kinds if kind.key in self.pairs]

    def missed(self) -> list[str]:
        """The aims it misses, in words."""
        out = [
            f"{self.engine}: {kind.title} is {self.medians(kind.key)[1]:,.{kind.digits}f}, "
            f"{self.ratio(kind.key):.2f} of the stand-in's; it must be {kind.aim(self.spare)}."
            for kind in self.shown
            if self.keeps(kind) is False
        ]
        if self.missing:
            out.append(f"{self.engine}: {self.missing} notes or events did not reach a feed ({self.part}).")
        return out

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"load_busy": self.load_busy, "missing": self.missing} | {
            kind.key: {
                "title": kind.title,
                "standin": self.medians(kind.key)[0],
                "handover": self.medians(kind.key)[1],
                "ratio": self.ratio(kind.key),
                "rounds": self.pairs[kind.key],
                "aim": kind.aim(self.spare),
                "kept": self.keeps(kind),
            }
            for kind in self.shown
        }


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    ordered: Sequence[float] = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": cores(),
        "processor": _processor(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
        "fsync_ms": round(_fsync_ms(), 3),
    }


def cores() -> int:
    """Processors that may be used."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
