"""A prison with a past: so many notes of ten wings, and another system that may read them all."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx

from benchmarks import growth, notes, setup
from benchmarks.filling import Wing, fill
from handover.clock import now
from handover.domain.access import operator
from handover.services import accounts, opening
from handover.services.passwords import Hasher
from handover.services.unit_of_work import Asker

CLIENT = "bench-system"
SCOPES = ("events:read", "notes:read", "needs:read", "handovers:read", "roster:read")
CLASSES = ("UNIT", "ESTABLISHMENT", "HEALTH", "SECURITY", "COMPLAINT")


def found(url: str, count: int, told: Callable[[int], None]) -> str:
    """Founds it in an empty database. Answers the other system's secret."""
    zone, at, place = ZoneInfo("Etc/GMT"), now(), notes.ESTABLISHMENT
    each = -(-count // len(growth.UNITS))
    wings = [Wing(place, unit, each, growth.staff_of(place, unit)) for unit in growth.UNITS]
    if url.startswith("postgresql"):
        opening.migrate(setup.settings(url))
    with growth.desk_of(url, {"now": at - timedelta(days=wings[0].days + 1)}) as desk:
        hasher, keeper = Hasher(desk.settings), Asker(operator("operator", (place,)))
        try:
            desk.do(keeper, lambda uow: growth.build(uow, zone, wings))
            secret = desk.do(
                keeper,
                lambda uow: accounts.add_client(
                    uow,
                    hasher,
                    CLIENT,
                    name="Bench",
                    scopes=SCOPES,
                    establishments=[place],
                    handling=CLASSES,
                ),
            )
        finally:
            hasher.close()
    fill(url, zone, at, wings, told)
    return secret


def token(port: int, secret: str) -> str:
    """The other system's access token."""
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": secret}
    answer = httpx.post(f"http://127.0.0.1:{port}/oauth/token", data=form, trust_env=False)
    answer.raise_for_status()
    return str(answer.json()["access_token"])
