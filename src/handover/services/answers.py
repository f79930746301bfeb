"""Creating requests are answered once: the same Idempotency-Key and body get the first answer again."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from handover.domain.access import may_read, may_read_handover
from handover.errors import FieldError, Invalid, NotFound
from handover.services import views
from handover.services.unit_of_work import UnitOfWork
from handover.store import handovers, idempotency, notes


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
        body = _left(uow, first)
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


def _left(uow: UnitOfWork, first: Mapping[str, Any]) -> str:
    """What the caller may still be told of a first answer: it was kept, the right to what it says need not be."""
    body: str = first["body"]
    about = first["note"]
    if about is None:
        return body
    handover = handovers.get(uow.conn, about)
    if handover is not None:
        places = views.places_of(orjson.loads(handover["document"]))
        if not may_read_handover(uow.who, places, handover["author"], uow.sights):
            raise NotFound("No such handover.")
        left = views.still(body, handover["document"], uow.who, uow.sights)
        if left is None:
            raise NotFound("No such query.")
        return left
    note = notes.get(uow.conn, about)
    # Whoever wrote it reads it for good; but others renew its attention, or take it back.
    if note is not None and not may_read(uow.who, views.facts(note), uow.sights):
        raise NotFound("No such note.")
    return body
