"""Who may read what, as the contract says it (§2), written down by hand: tests compare the service with this, not with
itself."""

import base64
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any

import httpx
import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from handover.services import accounts
from tests.support.service import Caller, Feed, Service

HANDLING = ("UNIT", "ESTABLISHMENT", "HEALTH", "SECURITY", "COMPLAINT")
ROLES = ("officer", "supervisor", "governor", "health", "chaplain", "assessor", "auditor", "admin", "guest")
ALIKE = ("chaplain", "assessor", "admin")
"""Roles that see what officers see: the store is asked for it by the same statements, so they are tried on one
engine."""
RELATIONS = "UOEXW"
"""How a reader stands to a note: staff of its Unit, of anOther unit, of the Establishment without a unit, of another
prison (X), or the one who Wrote it, wherever he or she is now."""

_READS = """
role        UNIT   ESTABLISHMENT  HEALTH  SECURITY  COMPLAINT
officer     U...W  UOE.W          ....W   ....W     ....W
supervisor  UOE.W  UOE.W          ....W   UOE.W     ....W
governor    UOE.W  UOE.W          ....W   UOE.W     .OE.W
health      U...W  UOE.W          UOE.W   ....W     ....W
chaplain    U...W  UOE.W          ....W   ....W     ....W
assessor    U...W  UOE.W          ....W   ....W     ....W
auditor     U...W  UOE.W          ....W   ....W     ....W
admin       U...W  UOE.W          ....W   ....W     ....W
guest       ....W  ....W          ....W   ....W     ....W
"""
_RETRACTED = {"UNIT": "UOE", "ESTABLISHMENT": "UOE", "HEALTH": "UOE", "SECURITY": "UOE", "COMPLAINT": ".OE"}
"""What an auditor reads besides, of notes that were taken back: everything of the establishment, but no complaint about
the auditor's own unit."""

READS = {
    (row[0], handling): row[i]
    for row in (line.split() for line in _READS.strip().splitlines()[1:])
    for i, handling in enumerate(HANDLING, start=1)
}


def reads(role: str, handling: str, relation: str, status: str = "ACTIVE") -> bool:
    """Whether the table says that this reader may."""
    if role == "auditor" and status == "RETRACTED" and relation in _RETRACTED[handling]:
        return True
    return relation in READS[role, handling]


def tried(item: pytest.Item) -> bool:
    """Whether a test is of a role that is tried on the other engine."""
    with_what: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    return with_what.get("role") in ALIKE and with_what.get("database_url") == "postgresql"


def relation_to(unit: str, place: str, postings: Iterable[tuple[str, str]]) -> str:
    """How somebody with these postings stands to a thing of this unit."""
    here = {posted for prison, posted in postings if prison == place}
    if not here:
        return "X"
    if unit in here:
        return "U"
    return "O" if here - {""} else "E"


def stranger(service: Service) -> Caller:
    """Somebody at the service's door without a token; always the same one, who keeps the connections open."""
    for caller in service.callers:
        if caller.name == "a stranger":
            return caller
    caller = Caller(service, "a stranger", "none")
    del caller.http.headers["Authorization"]
    return caller


def ask_for_token(service: Service, headers: Mapping[str, str], **form: str) -> httpx.Response:
    """One request to the token endpoint."""
    return stranger(service).http.post("/oauth/token", data=form, headers=headers)


def password_grant(service: Service, username: str, password: str, address: str | None = None) -> httpx.Response:
    """An officer's login; `address` is where the proxy in front of the service says it came from."""
    headers = {"X-Forwarded-For": address} if address else {}
    return ask_for_token(service, headers, grant_type="password", username=username, password=password)


def basic(client: str, secret: str) -> dict[str, str]:
    """HTTP Basic, with nothing encoded."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


def told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """An answer without what differs between any two: the number of the occurrence."""
    body = orjson.loads(answer.content)
    body.pop("instance", None)
    return answer.status_code, body


def closed(feed: Feed, within: float = 5) -> tuple[int, str]:
    """Reads a feed to its end; answers the close code and the words."""
    deadline = monotonic() + within
    with pytest.raises(ConnectionClosed) as end:  # noqa: PT012 - heartbeats go on arriving on a feed that should have ended
        while True:
            feed.frame(max(0.0, deadline - monotonic()))
    last = end.value.rcvd
    assert last is not None, "the connection was dropped without a word"
    return last.code, last.reason


def change(service: Service, who: Caller, **changes: Any) -> None:
    """The operator changes an account."""
    service.do(lambda uow: accounts.change_user(uow, who.name, **changes))


def revoke_client(service: Service, client: Caller) -> None:
    """The operator ends a client."""
    service.do(lambda uow: accounts.revoke_client(uow, client.name))
