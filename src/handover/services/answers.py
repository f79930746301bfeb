"""Creating requests are answered once: the same Idempotency-Key and body get the first answer again."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import orjson

from handover.domain.access import may_read_handover
from handover.errors import FieldError, Invalid, NotFound
from handover.services import views
from handover.services.unit_of_work import UnitOfWork
from handover.store import handovers, idempotency


class Answer(NamedTuple):
    """An answer ready to be sent. `note` is the note whose text it carries, so that a retraction can blank it."""

    status: int
    body: str
    headers: Mapping[str, str] = MappingProxyType({})
    note: str | None = None


def once(uow: UnitOfWork, key: str | None, fingerprint: str, work: Callable[[UnitOfWork], Answer]) -> Answer:
    """Does the work, or gives the answer it had under this key. Key and work are one transaction: neither is kept
    without the other."""
    if key is None:
        return work(uow)
    caller = uow.who.id
    first = idempotency.get(uow.conn, caller, key)
    if first is not None:
        uow.doing("answer.repeat", subject=first["note"], key=key)
        if first["fingerprint"] != fingerprint:
            raise Invalid(
                FieldError(
                    "/header/Idempotency-Key", "this key was used for another request; a new request needs a new key"
                )
            )
        seen = first["note"] and handovers.get(uow.conn, first["note"])
        if seen and not may_read_handover(uow.who, views.places_of(orjson.loads(seen["document"])), seen["author"]):
            raise NotFound("No such handover.")  # its answer was kept; the right to it was not
        body = views.still(first["body"], seen["document"], uow.who, uow.sights) if seen else first["body"]
        if body is None:
            raise NotFound("No such query.")
        return Answer(first["status"], body, {**orjson.loads(first["headers"]), "Idempotency-Replayed": "true"})
    answer = work(uow)
    idempotency.add(
        uow.rows,
        {
            "caller": caller,
            "key": key,
            "fingerprint": fingerprint,
            "status": answer.status,
            "headers": orjson.dumps(dict(answer.headers)).decode(),
            "body": answer.body,
            "note": answer.note,
            "at": uow.now,
        },
    )
    return answer
