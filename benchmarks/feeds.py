"""Open feeds: from a note's POST to its arrival on all of them, how many are delivered at full load, and what they
take of the server's memory."""

import time

from benchmarks import processes, setup
from benchmarks.figures import Figures, Kind, percentile
from benchmarks.load import Job
from benchmarks.plan import Plan, Told
from benchmarks.processes import Server
from benchmarks.rates import SETTLE_S

RATE, POSTERS, FULL_POSTERS = 20.0, 8, 32
FULL_FEEDS = 1000
WARM_FEEDS, WARM_S = 20, 0.5
RATIO = {("p99", 200): 2.0, ("p50", 1000): 1.5, ("p99", 1000): 1.5}
WITHIN_MS = {("p99", 2000): 50.0}
"""Aims for so many feeds."""
KIB_A_FEED, MB_IN_ALL = 40.0, 120.0


def kinds(plan: Plan) -> tuple[Kind, ...]:
    """What is measured: the aims are for the full plan's numbers of feeds."""
    most = max(plan.feeds)
    latencies = (
        Kind(
            f"{name}_{feeds}",
            f"POST to received by {feeds:,} feeds, {name}, ms",
            most=RATIO.get((name, feeds)),
            within=WITHIN_MS.get((name, feeds)),
            digits=1,
        )
        for feeds in plan.feeds
        for name in ("p50", "p99")
    )
    return (
        *latencies,
        Kind("cpu_note", f"server CPU per note to {most:,} feeds, ms", digits=1),
        Kind("delivered", f"deliveries/s at full load, {min(FULL_FEEDS, most):,} feeds", least=0.6),
        Kind("kib", f"memory a feed, of {most:,}, KiB", within=KIB_A_FEED, digits=1),
        Kind("mb", f"memory with {most:,} feeds, MB", within=MB_IN_ALL),
    )


def measure(engine: str, plan: Plan, told: Told) -> Figures:
    """Each round begins with servers that have not had a feed, and with the most feeds: memory that was used once stays
    with a process."""
    figures = Figures("feeds", engine, kinds(plan))
    tokens: list[str] = []
    with setup.stores(engine) as stores:
        setup.found_prison(stores.handover)
        for round_ in range(1, plan.rounds["feeds"] + 1):
            with processes.standin(stores) as standin, processes.handover(stores) as service:
                if not tokens:
                    told(f"{max(plan.feeds):,} logins")
                    tokens = setup.log_in(service.port, max(plan.feeds))
                seen: dict[str, dict[str, float]] = {standin.name: {}, service.name: {}}
                both = (standin, service) if round_ % 2 else (service, standin)
                for feeds in (WARM_FEEDS, *sorted(plan.feeds, reverse=True)):
                    told(f"round {round_}, {feeds:,} feeds")
                    for server in both:
                        seen[server.name] |= _steady(figures, server, tokens, feeds, plan)
                told(f"round {round_}, full load")
                for server in both:
                    seen[server.name] |= _full(figures, server, tokens, min(FULL_FEEDS, max(plan.feeds)), plan)
                seen = {name: {key: told[key] for key in _keys(figures)} for name, told in seen.items()}
                figures.add(seen[standin.name], seen[service.name])
    return figures


def _keys(figures: Figures) -> list[str]:
    return [kind.key for kind in figures.kinds]


def _steady(figures: Figures, server: Server, tokens: list[str], feeds: int, plan: Plan) -> dict[str, float]:
    seconds = WARM_S if feeds == WARM_FEEDS else plan.feed_s
    result = processes.run(Job(server.port, server.pid, tokens, seconds, POSTERS, feeds, RATE))
    time.sleep(SETTLE_S)
    figures.missing += result.missing
    figures.load_busy = max(figures.load_busy, result.busy)
    seen = {f"{name}_{feeds}": percentile(result.latencies, share) for name, share in (("p50", 0.5), ("p99", 0.99))}
    if feeds == max(plan.feeds):
        before, after = result.rss
        seen |= {"kib": (after - before) / feeds, "mb": after * 1024 / 1e6}
        seen["cpu_note"] = result.server_cpu / result.done * 1000
    return seen


def _full(figures: Figures, server: Server, tokens: list[str], feeds: int, plan: Plan) -> dict[str, float]:
    result = processes.run(Job(server.port, server.pid, tokens, plan.feed_s, FULL_POSTERS, feeds))
    time.sleep(SETTLE_S)
    figures.load_busy = max(figures.load_busy, result.busy)
    return {"delivered": result.delivered / result.seconds}
