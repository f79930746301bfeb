"""What every endpoint is handed: who asks, and the ways to have a unit of work done for them."""

import re
import sys
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.responses import Response

from handover.api.describing import query_names
from handover.errors import (
    Conflict,
    FieldError,
    InProgress,
    Invalid,
    PreconditionMissing,
    QuotaExceeded,
    Stale,
    Unauthenticated,
)
from handover.services.answers import Answer, once
from handover.services.logins import Session
from handover.services.paging import Page
from handover.services.parts import Parts
from handover.services.unit_of_work import Asker, UnitOfWork, as_json

T = TypeVar("T")
JSON = b"application/json"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_VERSION = re.compile(r'"[1-9][0-9]{0,17}"')
"""The ETag of what keeps a version."""


@dataclass(slots=True)
class Ask:
    """One request by somebody known. `over`: what to answer if it is more than the caller's share, unless it goes
    first."""

    request: Request
    parts: Parts
    session: Session
    asker: Asker
    over: QuotaExceeded | None = None

    async def read(self, work: Callable[[UnitOfWork], T], unless: Callable[[T], bool] = lambda _: False) -> T:
        """Has something read; its access-log line is durable before this returns (`unless` it is not passed on)."""
        self.parts.desk.admit(reads=True)
        return await self.parts.desk.read(self.asker, work, unless)

    async def write(
        self, work: Callable[[UnitOfWork], T], gathers: bool = False, person: str | None = None, first: bool = False
    ) -> T:
        """Has something changed; durable when this returns. What is to be `first` is put before all that is not, is
        never more than a caller's share, and is refused last."""
        if self.over is not None and not first:
            raise self.over
        self.parts.desk.admit(first=first)
        return await self.parts.desk.write(self.asker, work, gathers, person, first)

    async def create(
        self,
        work: Callable[[UnitOfWork], Answer],
        gathers: bool = False,
        person: str | None = None,
        first: bool = False,
    ) -> Response:
        """Has something made, once for each Idempotency-Key."""
        key = self._key()
        fingerprint = await self._fingerprint() if key else ""
        running = (self.session.principal.id, key or "")

        def made(uow: UnitOfWork) -> Answer:
            return once(uow, key, fingerprint, work)

        if key and running in self.parts.desk.in_progress:
            raise InProgress(
                "The first request with this Idempotency-Key is still being worked on; ask again in a moment."
            )
        if key:
            self.parts.desk.in_progress.add(running)
        try:
            answer = await self.write(made, gathers, person, first)
        except (Conflict, Stale):
            if not key:
                raise
            # What stands in the way may be this very request, at another process; then its answer is kept by now.
            answer = await self.write(made, gathers, person, first)
        finally:
            if key:
                self.parts.desk.in_progress.discard(running)
        return Told(answer.body, answer.status, answer.headers)

    async def _fingerprint(self) -> str:
        path = f"{self.request.method} {self.request.url.path}?{self.request.url.query}\n"
        return sha256(path.encode() + await self.request.body()).hexdigest()

    def _key(self) -> str | None:
        sent: list[bytes] = [value for name, value in self.request.scope["headers"] if name == b"idempotency-key"]
        if len(sent) > 1:
            raise Invalid(FieldError("/header/Idempotency-Key", "send one; only one can be kept"))
        key = sent[0].decode("latin-1") if sent else None
        if key is not None and not _KEY.fullmatch(key):
            raise Invalid(FieldError("/header/Idempotency-Key", "up to 255 visible ASCII characters, e.g. a UUID"))
        return key

    def versions(self, required: bool = False) -> Container[int] | None:
        """The versions named by If-Match, 0 where there must be none; None where any will do, or none."""
        text = _lines(self.request, "if-match")
        if text is None and (_lines(self.request, "if-none-match") or "").strip() == "*":
            return {0}  # only where there is none yet (RFC 9110 §13.1.2)
        if text is None and required:
            raise PreconditionMissing("Send If-Match with the ETag you read, so that nobody's change is overwritten.")
        if text is None:
            return None
        if text.strip() == "*":
            return range(1, sys.maxsize)
        return {int(tag[1:-1]) for tag in _tags(text) if _VERSION.fullmatch(tag)}

    def fresh(self, document: str) -> None:
        """Refuses a change to what is not any more as the caller read it, where If-Match says how that was. `document`:
        the resource as the caller would read it now."""
        text = _lines(self.request, "if-match")
        if text is not None and text.strip() != "*" and f'"{tag_of(document)}"' not in _tags(text):
            raise Stale("Somebody changed this since you read it; read it again.")

    def single(self, body: str, tag: str | int, status: int = 200, **headers: str) -> Response:
        """A single resource with its ETag; 304 where the caller has it already."""
        return single(self.request, body, tag, status, **headers)

    def page(self, found: Page, **beside: Any) -> Response:
        """A page of a list, with the link to the next, and what is told beside it."""
        headers = {"Cache-Control": "no-store"}
        if found.next is not None:
            pairs = [(k, v) for k, v in self.request.query_params.multi_items() if k != "cursor"]
            query = urlencode([*pairs, ("cursor", found.next)])
            headers["Link"] = f'<{self.request.url.path}?{query}>; rel="next"'
        after = f'"{found.next}"' if found.next is not None else "null"
        more = "".join(f',"{name}":{as_json(value)}' for name, value in beside.items())
        return Told(f'{{"items":[{",".join(found.items)}],"next":{after}{more}}}', 200, headers)


def single(request: Request, body: str, tag: str | int, status: int = 200, **headers: str) -> Response:
    """A single resource with its ETag; 304 where the caller has it already."""
    etag = f'"{tag}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache, private", **headers}
    wanted = _lines(request, "if-none-match")
    if request.method == "GET" and wanted is not None and (wanted.strip() == "*" or etag in _tags(wanted)):
        return Response(status_code=304, headers=headers)
    return Told(body, status, headers)


class Told(Response):
    """JSON, with the headers it needs and no others: the framework looks whether each of its own is there already."""

    def __init__(self, body: str, status: int, headers: Mapping[str, str], kind: bytes = JSON) -> None:
        self.status_code = status
        self.background = None
        self.body = body.encode()
        self.raw_headers = [
            (b"content-length", b"%d" % len(self.body)),
            (b"content-type", kind),
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()),
        ]


def _lines(request: Request, name: str) -> str | None:
    """A list that a proxy, or the caller, may have sent as several header lines (RFC 9110 §5.3)."""
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None


def _tags(header: str) -> Iterable[str]:
    return [part.strip().removeprefix("W/") for part in header.split(",")]


def tag_of(document: str) -> str:
    """An ETag for a document that keeps no version."""
    return sha256(document.encode()).hexdigest()[:16]


def parts(request: Request) -> Parts:
    """The parts of the service this request came to."""
    found: Parts = request.app.state.parts
    return found


async def somebody(request: Request) -> Ask:
    """Who asks; refused where it is more than the caller's share."""
    return within(await pressing(request))


def within(ask: Ask) -> Ask:
    """Refuses what is more than the caller's share."""
    if ask.over is not None:
        raise ask.over
    return ask


async def pressing(request: Request) -> Ask:
    """Who asks, where it may be something that goes first, whatever the caller's share; refused where nobody known
    does. Refuses parameters that the operation does not have: a typo must not widen a list."""
    return await asked(request, checked=False)


async def asked(request: Request, *, checked: bool) -> Ask:
    """The same; `checked`: the parameters have been looked at."""
    known = parts(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send `Authorization: Bearer …` with an access token from /oauth/token.")
    session = await known.sessions.of(token.strip())
    if session is None:
        await known.sessions.tried(token.strip(), anybody(request))
        raise Unauthenticated("This access token does not work (any more); get a new one from /oauth/token.")
    if not checked and request.scope["query_string"]:
        _check_query(request)
    share = known.limits.take(session.principal.id)
    request.scope["state"]["share"] = share
    over = None
    if share.wait_s:
        over = QuotaExceeded(
            "You ask more than one caller may; the others have to be served, too. Go on later.", share.wait_s
        )
    return Ask(request, known, session, Asker(session.principal, _address(request), request.scope["state"]["id"]), over)


def _check_query(request: Request) -> None:
    allowed = query_names(request.app, request.scope["route"].path, request.method)
    names = [name for name, _ in request.query_params.multi_items()]
    errors = []
    for name in dict.fromkeys(names):
        if name not in allowed:
            errors.append(FieldError(f"/query/{name}", "there is no such parameter; check its spelling"))
        elif names.count(name) > 1 and not allowed[name]:
            errors.append(FieldError(f"/query/{name}", "this is there twice; only one can be meant"))
    if errors:
        raise Invalid(*errors)


def anybody(request: Request) -> Asker:
    """A request by somebody not known yet."""
    return Asker(None, _address(request), request.state.id)


def _address(request: Request) -> str | None:
    client = request.scope.get("client")
    return client[0][:64] if client else None


Somebody = Annotated[Ask, Depends(somebody)]
Pressing = Annotated[Ask, Depends(pressing)]
