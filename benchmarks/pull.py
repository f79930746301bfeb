"""Another system pulls everything there is, as JSON pages and as NDJSON."""

from benchmarks import notes, past, processes, setup
from benchmarks.figures import Figures, Kind
from benchmarks.plan import Plan, Told
from benchmarks.pulling import Job
from benchmarks.watching import cpu_of

PAGE = 200
FORMS = {"json": "application/json", "ndjson": "application/x-ndjson"}
MARK = '"data":{'
"""What each event has once."""


def kinds(plan: Plan) -> tuple[Kind, ...]:
    """What is measured."""
    words = {"json": "JSON pages", "ndjson": "NDJSON"}
    return tuple(
        kind
        for form in FORMS
        for kind in (
            Kind(f"rate_{form}", f"{plan.pulled:,} notes pulled as {words[form]}, events/s", least=0.5),
            Kind(f"mb_{form}", "the same, MB/s", digits=1),
            Kind(f"cpu_{form}", "the same: server CPU per event, µs", digits=1),
        )
    )


def measure(engine: str, plan: Plan, told: Told) -> Figures:
    """The stand-in reads the stored bytes of the same events from the same store, through the same stack."""
    figures = Figures("pull", engine, kinds(plan))
    with setup.stores(engine) as stores:
        secret = past.found(stores.handover, plan.pulled, lambda n: told(f"filled {n:,} notes"))
        with processes.standin(stores) as standin, processes.handover(stores) as service:
            token = past.token(service.port, secret)
            first = {
                standin.name: f"/v1/events?after=0&limit={PAGE}",
                service.name: f"/v1/events?establishment={notes.ESTABLISHMENT}&limit={PAGE}",
            }
            for round_ in range(1, plan.rounds["pull"] + 1):
                seen: dict[str, dict[str, float]] = {standin.name: {}, service.name: {}}
                items: dict[str, int] = {}
                for form, accept in FORMS.items():
                    for server in (standin, service) if round_ % 2 else (service, standin):
                        told(f"round {round_}, {form} from {server.name}")
                        before = cpu_of(server.pid)
                        result = processes.pull(Job(server.port, token, first[server.name], accept, MARK))
                        seen[server.name] |= {
                            f"rate_{form}": result.items / result.seconds,
                            f"mb_{form}": result.size / result.seconds / 1e6,
                            f"cpu_{form}": (cpu_of(server.pid) - before) / result.items * 1e6,
                        }
                        items[server.name] = result.items
                    figures.missing += abs(items[standin.name] - items[service.name])
                figures.add(seen[standin.name], seen[service.name])
    return figures
