"""A real service on a real port with a real store, in a thread of the test's process, and people who use it."""

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from handover.app import create_app, server
from handover.clock import Agreed
from handover.domain.access import ROLE_SCOPES, operator
from handover.logs import configure_logging
from handover.schemas.roster import EstablishmentDraft, InmateDraft, UnitDraft
from handover.services import accounts, audit, logins, roster
from handover.services.passwords import Hasher
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.settings import Settings
from tests.support.wire import Wire

PASSWORD = "a few good words"
_numbers = itertools.count(1)


class Clock:
    """The real time, moved. `ahead` may also be set back."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self.frozen: datetime | None = None

    def __call__(self) -> datetime:
        return self.frozen or datetime.now(UTC) + self.ahead


def settings_for(url: str, **more: Any) -> Settings:
    """Settings of a test's service: cheap passwords, a quick poll, a port the system chooses."""
    given: dict[str, Any] = {
        "database_url": url,
        "port": 0,
        "argon2_memory_kib": 64,
        "argon2_time_cost": 1,
        "heartbeat_s": 1.0,
        "poll_s": 0.3,
        "timers_s": 0.2,
        "rights_check_s": 0.5,
        "queue_s": 60.0,  # a machine that is busy with other tests is no overload
        **more,
    }
    return Settings(**given)


@dataclass
class Caller:
    """Somebody with a token: a member of staff, or another system."""

    service: "Service"
    name: str
    token: str
    refresh: str | None = None
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=self.service.url,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=40,
            trust_env=False,
            transport=Wire(),
        )
        self.service.callers.append(self)

    def at(self, service: "Service") -> "Caller":
        """The same person, at another service on the same store."""
        return Caller(service, self.name, self.token)

    def post(self, path: str, body: dict[str, Any], status: int = 201, **headers: str) -> Any:
        """Posts, expects this status, answers the JSON."""
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        """Gets, expects this status, answers the JSON."""
        answer = self.http.get(path, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    def put(self, path: str, body: dict[str, Any], *status: int) -> Any:
        """Puts, expects 200 or 201 (or what is given), answers the JSON."""
        answer = self.http.put(path, json=body)
        assert answer.status_code in (status or (200, 201)), answer.text
        return answer.json()

    def note(self, inmate: str | None = None, **fields: Any) -> Any:
        """Records a note; SAW and a fact where nothing else is said."""
        body = {"basis": "SAW", **({"inmate": inmate} if inmate else {}), **fields}
        if not {"fact", "mood", "change", "indicators", "needs", "responses"} & set(body):
            body["fact"] = "Ate nothing at lunch."
        return self.post("/v1/notes", body)

    def all(self, path: str, **params: Any) -> list[Any]:
        """Every item of a list, page by page."""
        items, cursor = [], None
        while True:
            page = self.get(path, **{**params, **({"cursor": cursor} if cursor else {})})
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def pull(self, after: str | None = None, **params: Any) -> tuple[list[Any], str]:
        """Every event from there on, and the cursor behind the last."""
        items: list[Any] = []
        while True:
            page = self.get("/v1/events", limit=200, **{**params, **({"after": after} if after else {})})
            items += page["items"]
            after = page["cursor"]
            if not page["more"]:
                assert after is not None
                return items, after

    @contextmanager
    def feed(self, **params: str) -> Iterator["Feed"]:
        """An open feed."""
        query = str(httpx.QueryParams(params))
        with connect(
            f"{self.service.url.replace('http', 'ws')}/v1/feed?{query}",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            subprotocols=["handover.v1"],  # type: ignore[list-item]
            proxy=None,
            close_timeout=1,
        ) as socket:
            yield Feed(socket)


@dataclass
class Feed:
    """The frames of a feed."""

    socket: ClientConnection

    def frame(self, timeout: float = 20) -> Any:
        """The next frame, whatever it is."""
        return json.loads(self.socket.recv(timeout))

    def next(self, type_: str, timeout: float = 20) -> Any:
        """The next frame of this type; heartbeats in between are passed over, other frames are not."""
        while True:
            frame = self.frame(timeout)
            if frame["type"] == type_:
                return frame
            assert frame["type"] == "heartbeat", frame

    def event(self, timeout: float = 20) -> Any:
        """The next event."""
        return self.next("event", timeout)["event"]

    def until_live(self) -> list[Any]:
        """Hello, then all that was missed, up to the live frame."""
        assert self.frame()["type"] == "hello"
        missed = []
        while (frame := self.frame())["type"] == "event":
            missed.append(frame["event"])
        assert frame["type"] == "live"
        return missed


@dataclass
class Prison:
    """An establishment of its own for one test, with wings A and B."""

    service: "Service"
    code: str
    admin: Caller

    def hire(self, name: str, role: str = "officer", *units: str) -> Caller:
        """A member of staff who has logged in. User names are made unique by the prison's code."""
        return self.service.do(lambda uow: self._hire(uow, name, role, *units))()

    def _hire(self, uow: UnitOfWork, name: str, role: str, *units: str) -> Callable[[], Caller]:
        # The login comes along: to knock at the door for it takes thrice as long, where the door is not what is tested.
        username = f"{name}.{self.code}".lower()
        places = [(self.code, unit) for unit in units] or [(self.code, "")]
        account = accounts.add_user(
            uow, self.service.hasher, username, name=name.title(), role=role, places=places, password=PASSWORD
        )
        given = logins.grant(uow, " ".join(ROLE_SCOPES[role]), account=account)
        return lambda: Caller(self.service, username, given.access, given.refresh)

    def connect(self, name: str, *scopes: str, handling: tuple[str, ...] = (), **kwargs: Any) -> Caller:
        """Another system that has authenticated; as with `hire`, the token comes along."""
        client = f"{name}.{self.code}".lower()

        def register(uow: UnitOfWork) -> str:
            places = kwargs.get("establishments", [self.code])
            accounts.add_client(
                uow, self.service.hasher, client, name=name, scopes=scopes, establishments=places, handling=handling
            )
            return logins.grant(uow, " ".join(scopes), client=client).access

        return Caller(self.service, client, self.service.do(register))

    def receive(self, number: str, unit: str = "A", name: str = "Weir, J.", cell: str = "A1-07") -> str:
        """Takes a person in; answers the number, made unique by the prison's code."""
        full = f"{number}{self.code}"
        draft = InmateDraft(name=name, establishment=self.code, unit=unit, cell=cell)
        self.service.do(lambda uow: roster.put_inmate(uow, full, draft), self.code)
        return full


class Service:
    """A running service. `desk` reaches behind it, for setting up; tests look at it from outside."""

    def __init__(
        self,
        settings: Settings,
        lane: bool = True,
        *,
        practice: bool = False,
        at: datetime | None = None,
        agrees: bool = False,
        ahead: timedelta = timedelta(0),
    ) -> None:
        """`agrees`: its clock is this machine's, which may be wrong; it goes by the store's where that has one."""
        configure_logging("ERROR")
        self.settings = settings
        self.callers: list[Caller] = []
        self.clock = Clock()
        self.clock.frozen, self.clock.ahead = at, ahead
        clock = Agreed(self.clock) if agrees else self.clock
        self.app = create_app(settings, clock=clock, lane=lane, practice=practice)
        self.desk: Desk = self.app.state.parts.desk
        self.hasher = Hasher(settings)
        self.server = server(self.app, settings)
        self._thread = threading.Thread(target=self.server.run, name="service", daemon=True)
        self._thread.start()
        deadline = threading.Event()
        while not self.server.started:
            assert self._thread.is_alive(), "the service did not start"
            deadline.wait(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """Stops as a signal would."""
        for caller in self.callers:
            caller.http.close()
        self.app.state.parts.hub.stop_soon()
        self.server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive(), "the service did not stop"
        self.hasher.close()

    def do(self, work: Any, *establishments: str) -> Any:
        """A unit of work by the operator."""
        return self.desk.do(Asker(operator("operator", establishments)), work)

    def prison(self) -> Prison:
        """An establishment nobody else uses."""
        code = f"T{next(_numbers):03d}"
        prison = Prison(self, code, None)  # type: ignore[arg-type]  # the admin is hired by it

        def found(uow: UnitOfWork) -> Callable[[], Caller]:
            roster.put_establishment(uow, code, EstablishmentDraft(name=f"HMP {code}", timezone="Europe/London"))
            for unit in ("A", "B"):
                roster.put_unit(uow, code, unit, UnitDraft(name=f"{unit} wing"))
            return prison._hire(uow, "admin", "admin")

        prison.admin = self.do(found, code)()
        return prison

    def login(self, username: str, password: str = PASSWORD) -> Caller:
        """Logs a member of staff in."""
        told = self._token({"grant_type": "password", "username": username, "password": password})
        return Caller(self, username, told["access_token"], told["refresh_token"])

    def authenticate(self, client: str, secret: str) -> Caller:
        """Authenticates another system."""
        told = self._token({"grant_type": "client_credentials", "client_id": client, "client_secret": secret})
        return Caller(self, client, told["access_token"])

    def _token(self, form: dict[str, str]) -> Any:
        # A client of httpx's own, with TLS that nobody speaks here, takes longer to make than the answer does.
        with httpx.Client(base_url=self.url, trust_env=False, transport=Wire()) as nobody:
            answer = nobody.post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        return answer.json()


def sound(service: Service) -> bool:
    """Whether the access log is as it was written."""
    found = service.desk.store.read(lambda conn: audit.verify_store(conn)).result()
    assert found.faults == ()
    return True


def run(coroutine: Any) -> Any:
    """Runs a coroutine to its end."""
    return asyncio.run(coroutine)
