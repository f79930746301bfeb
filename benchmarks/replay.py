"""Coming back: one terminal, and two hundred at once, that missed ten thousand events; and how long notes take to the
other feeds meanwhile."""

import time

from benchmarks import notes, processes, setup
from benchmarks.figures import Figures, Kind, percentile
from benchmarks.load import Job
from benchmarks.plan import Plan, Told
from benchmarks.processes import Server
from benchmarks.rates import SETTLE_S
from handover.clock import now
from handover.services import cursors, hub, opening
from handover.store import eventlog

OTHERS, RATE, POSTERS = 50, 20.0, 8
TURNS, PAUSE_S = 5, hub.PAGE_S + 2
"""One terminal comes back so often, and so long after the last time that nothing is kept any more of what was read for
it then."""
MOST_S = 240.0
FILL_S, FILL_CLIENTS = 2.0, 32
ONE_MS, ALL_MS, OTHERS_MS = 50.0, 3000.0, 100.0


def kinds(plan: Plan) -> tuple[Kind, ...]:
    """What is measured."""
    missed, many = f"{plan.missed:,} missed events", f"{plan.terminals} terminals"
    return (
        Kind("cpu_1", f"one terminal, {missed}: server CPU, ms", within=ONE_MS, digits=1),
        Kind("ms_1", "the same, from its request until it is live, ms", digits=1),
        Kind("ms_all", f"{many} at once, {missed} each: until all are live, ms", within=ALL_MS),
        Kind("cpu_all", "the same: server CPU, ms"),
        Kind("others", f"the other {OTHERS} feeds meanwhile: POST to received p99, ms", within=OTHERS_MS, digits=1),
    )


def measure(engine: str, plan: Plan, told: Told) -> Figures:
    """The stand-in replays the same events from the same store."""
    figures = Figures("replay", engine, kinds(plan))
    with setup.stores(engine) as stores:
        setup.found_prison(stores.handover)
        with processes.standin(stores) as standin, processes.handover(stores) as service:
            tokens = setup.log_in(service.port, plan.terminals)
            told(f"{plan.missed:,} events")
            for round_ in range(1, plan.rounds["replay"] + 1):
                while (head := _head(stores.handover))[1] < plan.missed:
                    processes.run(Job(service.port, service.pid, tokens, FILL_S, FILL_CLIENTS))
                    time.sleep(SETTLE_S)
                told(f"round {round_}")
                store, newest = head
                after = {
                    standin.name: str(newest - plan.missed),
                    service.name: cursors.cursor_of(store, {notes.ESTABLISHMENT: newest - plan.missed}),
                }
                seen = {
                    server.name: _one(figures, server, tokens, after[server.name], plan)
                    for server in ((standin, service) if round_ % 2 else (service, standin))
                }
                figures.add(seen[standin.name], seen[service.name])
    return figures


def _head(url: str) -> tuple[str, int]:
    """The store's id, and the newest event's sequence."""
    desk = opening.open_desk(setup.settings(url), now)
    try:
        heads = desk.store.read(lambda conn: eventlog.heads(conn, [notes.ESTABLISHMENT])).result()
        return desk.store.identity.id, heads[notes.ESTABLISHMENT]
    finally:
        desk.store.close()


def _one(figures: Figures, server: Server, tokens: list[str], after: str, plan: Plan) -> dict[str, float]:
    alone = Job(server.port, server.pid, tokens, MOST_S, terminals=1, after=after, turns=TURNS, pause=PAUSE_S)
    one = processes.run(alone)
    time.sleep(SETTLE_S)
    storm = Job(server.port, server.pid, tokens, MOST_S, POSTERS, OTHERS, RATE, terminals=plan.terminals, after=after)
    every = processes.run(storm)
    time.sleep(SETTLE_S)
    figures.missing += every.missing + sum(max(0, plan.missed - result.replayed) for result in (one, every))
    figures.load_busy = max(figures.load_busy, one.busy, every.busy)
    return {
        "cpu_1": one.server_cpu / TURNS * 1000,
        "ms_1": sorted(one.replays)[TURNS // 2],
        "ms_all": every.replays[0],
        "cpu_all": every.server_cpu * 1000,
        "others": percentile(every.latencies, 0.99),
    }
