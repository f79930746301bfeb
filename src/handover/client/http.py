"""One thin layer over HTTP: a problem document becomes ServerRefused, what is no answer of ours CannotReach."""

import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from handover import __version__, clock
from handover.client import skew
from handover.client.refusals import CannotReach, NotLoggedIn, ServerRefused
from handover.client.server import Server
from handover.schemas.problems import ProblemField

M = TypeVar("M", bound=BaseModel)
Params = Mapping[str, str | int | Sequence[str] | None]

AGENT = f"handover/{__version__}"
PATIENCE_S = 8.0
"""How long a request that was not done, because too much was asked at once, is sent again and again."""
_TIMEOUT_S = 15.0
_JSON, _PROBLEM = "application/json", "application/problem+json"
_NO_SUCH_NAME = ("name or service not known", "getaddrinfo", "name resolution", "nodename nor servname")
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Access:
    """An access token and when it should be renewed."""

    token: str
    renew_at: datetime


class TokenSource(Protocol):
    """Whoever can say as whom we ask."""

    def access(self, *, unlike: str | None = None) -> Access:
        """A token good for now; never `unlike`, the one that was just refused. Raises NotLoggedIn."""


class Api:
    """The service at one address, asked by one caller."""

    def __init__(
        self,
        server: Server,
        tokens: TokenSource | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.server = server
        self.tokens = tokens
        self._http = httpx.Client(
            headers={"User-Agent": AGENT, "Accept": "application/json"},
            timeout=httpx.Timeout(_TIMEOUT_S, connect=5),
            # The system's own certificates: a closed prison network has its own authority. No proxy to ourselves.
            verify=tls(server),
            trust_env=not server.loopback,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, model: type[M], params: Params | None = None) -> M:
        """The resource at a path."""
        return self.read(self.call("GET", path, params=params), model)

    def read(self, answer: httpx.Response, model: type[M]) -> M:
        """The answer's body as this model."""
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise self._no_answer() from error

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: str | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
        patience_s: float = PATIENCE_S,
    ) -> httpx.Response:
        """One request and its good answer (or 304), renewing the login once if it has run out. Where too much was asked
        at once, it waits as long as the server says and asks again, for `patience_s` in all."""
        asked = dict(headers or {})
        if body is not None:
            asked["Content-Type"] = "application/json"
        request = self._http.build_request(
            method,
            self.server.url + path,
            params={name: value for name, value in (params or {}).items() if value is not None},
            content=None if body is None else body.encode(),
            data=form,
            headers=asked,
            timeout=httpx.Timeout(timeout_s, connect=5),
        )
        give_up = time.monotonic() + patience_s
        while True:
            try:
                return self._good(self._asked(request))
            except ServerRefused as refusal:
                pause = refusal.retry_after or 1.0
                if not refusal.undone or time.monotonic() + pause > give_up:
                    raise
                time.sleep(pause)

    def _asked(self, request: httpx.Request) -> httpx.Response:
        if self.tokens is None:
            return self._send(request)
        access = self.tokens.access()
        answer = self._send(request, access.token)
        if answer.status_code == 401:
            answer = self._send(request, self.tokens.access(unlike=access.token).token)
        if answer.status_code == 401:
            raise NotLoggedIn("The server no longer accepts this login. Log in again.")
        return answer

    def _send(self, request: httpx.Request, token: str | None = None) -> httpx.Response:
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        asked = clock.now()
        try:
            answer = self._http.send(request)
        except httpx.HTTPError as error:
            never_sent = isinstance(error, _NEVER_SENT)
            raise CannotReach(self.server.url, in_words(error), never_sent=never_sent) from error
        if _kind(answer) in (_JSON, _PROBLEM):  # else a proxy's page, or a portal's, on its own clock
            skew.heard(self.server, _date(answer.headers.get("date")), asked)
        return answer

    def _good(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success or answer.status_code == 304:
            return answer
        refused = refusal_in(answer)
        if refused is None:
            raise self._no_answer(answer.status_code)
        raise refused

    def _no_answer(self, status: int | None = None) -> CannotReach:
        said = f" (HTTP {status})" if status else ""
        return CannotReach(self.server.url, f"something answers there{said}, but not as a handover server")


def refusal_in(answer: httpx.Response) -> ServerRefused | None:
    """The refusal in an answer. None where it is not ours: a proxy's error page must never cost anyone a note."""
    if _kind(answer) != _PROBLEM:
        return None
    try:
        problem = answer.json()
    except ValueError:
        return None
    if not isinstance(problem, dict):
        return None
    return ServerRefused(
        status=answer.status_code,
        type_=str(problem.get("type", "about:blank")),
        title=str(problem.get("title") or "Refused"),
        detail=str(problem.get("detail") or problem.get("error_description") or ""),
        instance=str(problem["instance"]) if problem.get("instance") else None,
        errors=_fields(problem.get("errors")),
        retry_after=seconds(answer.headers.get("retry-after")),
        answered_at=_date(answer.headers.get("date")),
    )


def tls(server: Server) -> ssl.SSLContext:
    """How to check who the server is: with the certificates this machine trusts, or none where none will be shown."""
    if server.url.startswith("https://"):
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def in_words(error: Exception) -> str:
    """Why a connection failed, as a person would say it."""
    said = str(error)
    low = said.lower()
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "no answer in time"
    if "refused" in low or "connect call failed" in low:
        return "nothing answers at that address"
    if any(clue in low for clue in _NO_SUCH_NAME):
        return "there is no machine of that name on this network"
    if "certificate" in low:
        return "its certificate is not one this machine trusts"
    if "unreachable" in low:
        return "this machine has no network"
    return "the connection broke" + (f" ({said[:120].rstrip('.')})" if said else "")


def _fields(errors: object) -> tuple[ProblemField, ...]:
    if not isinstance(errors, list):
        return ()
    return tuple(
        ProblemField(pointer=str(error.get("pointer", "")), detail=str(error.get("detail", "")))
        for error in errors
        if isinstance(error, dict)
    )


def seconds(header: str | None) -> float | None:
    """What `Retry-After` says; None where it does not, or says it as a date, which ours does not."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _kind(answer: httpx.Response) -> str:
    return str(answer.headers.get("content-type", "")).split(";")[0].strip().lower()


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except ValueError:
        return None
