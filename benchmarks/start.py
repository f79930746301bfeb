"""Cold start: from the start of the process to the first answer that it is ready, with notes in the store."""

from benchmarks import past, processes, setup
from benchmarks.figures import Figures, Kind
from benchmarks.plan import Plan, Told
from benchmarks.watching import rss_of

WITHIN_S = 1.0


def kinds(plan: Plan) -> tuple[Kind, ...]:
    """What is measured."""
    return (
        Kind("ready", f"start to ready, {plan.stored:,} notes in the store, s", within=WITHIN_S, digits=2),
        Kind("mb", "memory then, MB"),
    )


def measure(engine: str, plan: Plan, told: Told) -> Figures:
    """Started in turns; the first start of each, which sets up what is new, is not counted."""
    figures = Figures("start", engine, kinds(plan))
    with setup.stores(engine) as stores:
        past.found(stores.handover, plan.stored, lambda n: told(f"filled {n:,} notes"))
        for round_ in range(plan.rounds["start"] + 1):
            told(f"round {round_}" if round_ else "warming up")
            seen = {}
            for start in (processes.standin, processes.handover):
                with start(stores) as server:
                    seen[server.name] = {"ready": server.start_s, "mb": rss_of(server.pid) * 1024 / 1e6}
            if round_:
                figures.add(seen["standin"], seen["handover"])
    return figures
