"""Durable POSTs: how many a second, and how long one takes, with few and with many who post at a time."""

import time

from benchmarks import processes, setup
from benchmarks.figures import Figures, Kind, percentile
from benchmarks.load import Job
from benchmarks.plan import Plan, Told
from benchmarks.processes import Server

CLIENTS = (1, 8, 32, 64)
LEAST = {1: 0.5, 32: 0.6}
WITHIN_MS = {32: 20.0}
WARM_S = 0.3
SETTLE_S = 0.3
"""After a job, for its connections to be seen off before the next one is measured."""
KINDS = (
    *(
        kind
        for n in CLIENTS
        for kind in (
            Kind(f"rate_{n}", f"durable POST/s, {n} client{'s' * (n > 1)}", least=LEAST.get(n)),
            Kind(f"p99_{n}", f"POST p99 at {n} client{'s' * (n > 1)}, ms", within=WITHIN_MS.get(n), digits=1),
        )
    ),
    Kind("cpu_post", "server CPU per POST at 32 clients, µs"),
)


def measure(engine: str, plan: Plan, told: Told) -> Figures:
    """Every round measures both, one right after the other, in turns first: whatever else this machine does hits
    both."""
    figures = Figures("rates", engine, KINDS)
    with setup.stores(engine) as stores:
        setup.found_prison(stores.handover)
        with processes.standin(stores) as standin, processes.handover(stores) as service:
            tokens = setup.log_in(service.port, max(CLIENTS))
            for round_ in range(plan.rounds["rates"] + 1):
                seen: dict[str, dict[str, float]] = {standin.name: {}, service.name: {}}
                for clients in CLIENTS:
                    told(f"round {round_}, {clients} clients" if round_ else "warming up")
                    for server in (standin, service) if round_ % 2 else (service, standin):
                        seen[server.name] |= _one(figures, server, tokens, clients, plan.post_s if round_ else WARM_S)
                if round_:
                    figures.add(seen[standin.name], seen[service.name])
    return figures


def _one(figures: Figures, server: Server, tokens: list[str], clients: int, seconds: float) -> dict[str, float]:
    result = processes.run(Job(server.port, server.pid, tokens, seconds, clients))
    time.sleep(SETTLE_S)
    figures.load_busy = max(figures.load_busy, result.busy)
    seen = {f"rate_{clients}": result.done / result.seconds, f"p99_{clients}": percentile(result.latencies, 0.99)}
    return seen | ({"cpu_post": result.server_cpu / result.done * 1e6} if clients == 32 and result.done else {})
