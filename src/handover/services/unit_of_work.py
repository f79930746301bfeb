"""A unit of work: one connection, one asker, one moment, one line in the access log.

A service function takes it first, says what it is `doing`, asks the domain, calls the store, records its events, and
returns.
Only the writer commits, and before anybody is answered. A read's line is durable before its answer leaves.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from random import randint
from typing import Any, NamedTuple, TypeVar

import orjson
from sqlalchemy.engine import Connection

from handover.clock import Clock
from handover.domain.access import Principal, Sight, may, sights
from handover.domain.codelists import CodeList, Lists, by_code
from handover.errors import Forbidden, Moved, NotFound, Overloaded, Refusal, Unauthenticated
from handover.services.ids import uuid7
from handover.services.waking import Waking
from handover.settings import Settings
from handover.store import codelists
from handover.store.accesslog import Line, canonical
from handover.store.eventlog import Event
from handover.store.store import Batch, Store
from handover.store.writer import Task

T = TypeVar("T")
X = TypeVar("X")
LAST = 5
"""How much longer what goes first may have to wait for its turn than the rest: it is refused last."""
MOST_S = 5
"""A refusal asks for no more than twice this, however long the queue seems to be: it may be gone by then."""


class Asker(NamedTuple):
    """Who asks, from where. Nobody known is an error wherever somebody is needed, never a system user."""

    principal: Principal | None
    address: str | None = None
    request: str | None = None


@dataclass(slots=True)
class _Doing:
    action: str
    establishment: str | None
    unit: str | None
    subject: str | None
    actor: str | None
    actor_role: str | None
    places: frozenset[str]
    detail: dict[str, Any] = field(default_factory=dict)


class UnitOfWork:
    """One unit of work. `conn` sees and changes the store; nothing it changes is real until the writer has
    committed."""

    def __init__(
        self, asker: Asker, now: datetime, lists: Lists, settings: Settings, store: Connection | Batch | None
    ) -> None:
        self._store = store
        self.asker = asker
        self.now = now
        self.lists = lists
        self.settings = settings
        self.events: list[Event] = []
        self.rights_changed = False
        self._doing: _Doing | None = None
        self._sights: tuple[Sight, ...] | None = None

    @property
    def conn(self) -> Connection:
        """To read, and to change what is there. Asked for when it is needed: what others of the commit wrote may be on
        its way."""
        if self._store is None:
            raise RuntimeError("this unit of work has no store")
        return self._store.conn if isinstance(self._store, Batch) else self._store

    @property
    def rows(self) -> Batch:
        """Where new rows go. They are written with those of the other requests in the commit."""
        if not isinstance(self._store, Batch):
            raise RuntimeError("a reading unit of work writes nothing")
        return self._store

    @property
    def who(self) -> Principal:
        """Who asks."""
        if self.asker.principal is None:
            raise Unauthenticated("Send an access token; get one from /oauth/token.")
        return self.asker.principal

    @property
    def sights(self) -> tuple[Sight, ...]:
        """What the asker sees of notes and needs."""
        if self._sights is None:
            self._sights = sights(self.who)
        return self._sights

    def new_id(self) -> str:
        """A UUIDv7 (RFC 9562) of this unit's moment."""
        return uuid7(self.now)

    def doing(
        self,
        action: str,
        *,
        establishment: str | None = None,
        unit: str | None = None,
        subject: str | None = None,
        actor: str | None = None,
        **detail: Any,
    ) -> None:
        """Says what this is, for the access log: before anything can be refused, so that a refusal has its line too."""
        who = self.asker.principal
        self._doing = _Doing(
            action,
            establishment,
            unit,
            subject,
            who.username if who else actor,
            who.role if who else None,
            who.establishments if who else frozenset(),
            {k: v for k, v in detail.items() if v is not None},
        )

    def about(
        self, *, establishment: str | None = None, unit: str | None = None, subject: str | None = None, **detail: Any
    ) -> None:
        """Adds to the line what has been found out since."""
        if self._doing is None:
            raise RuntimeError("say what this unit of work is doing first")
        self._doing.establishment = establishment or self._doing.establishment
        self._doing.unit = unit or self._doing.unit
        self._doing.subject = subject or self._doing.subject
        self._doing.detail.update({k: v for k, v in detail.items() if v is not None})

    def concerning(self, establishments: Iterable[str]) -> None:
        """Says whose auditors the line is for, where nobody known asks and it is about nothing in one establishment."""
        if self._doing is None:
            raise RuntimeError("say what this unit of work is doing first")
        self._doing.places = frozenset(establishments)

    def allow(self, operation: str) -> Principal:
        """Refuses unless the asker's role or scopes allow the operation; answers who asks."""
        verdict = may(self.who, operation)
        if not verdict:
            raise Forbidden(verdict.reason)
        return self.who

    def record(self, event: Event) -> None:
        """Appends an event to its establishment's log, in this transaction."""
        self.events.append(event)

    def line(self, outcome: str) -> Line:
        """This unit's line in the access log."""
        doing = self._doing
        if doing is None:
            raise RuntimeError("a unit of work that has not said what it is doing cannot be logged")
        # Whose auditors see it: those of the establishment it is about, and where that is not named, or not the
        # asker's, those of all the asker's.
        places = sorted(doing.places) if doing.establishment not in doing.places else []
        alone = doing.establishment is None and len(places) == 1
        return Line(
            at=self.now,
            actor=doing.actor,
            actor_role=doing.actor_role,
            action=doing.action,
            outcome=outcome,
            establishment=places[0] if alone else doing.establishment,
            unit=doing.unit,
            subject=doing.subject,
            detail=canonical(doing.detail),
            address=self.asker.address,
            request=self.asker.request,
            places=f" {' '.join(places)} " if places and not alone else None,
        )


Fresh = Callable[[str], None]
"""Refuses where a resource, as its reader would read it now, is not what the caller meant to change."""


def as_it_is(_document: str) -> None:
    """Whichever it is."""


Work = Callable[[UnitOfWork], T]
Refusing = Callable[[UnitOfWork], T | Refusal]
"""Work that may *return* a refusal: one that must leave a mark behind (a counted attempt, an ended login) is not
rolled back."""


def given(work: Callable[[UnitOfWork, X], T], item: X) -> Work[T]:
    """The same work, for one of many items."""
    return lambda uow: work(uow, item)


def outcome_of(error: BaseException) -> str | None:
    """What a refusal is called in the access log; None for those that are nobody's attempt to see or do more than
    they may."""
    if isinstance(error, Unauthenticated):
        return "FAILED"
    return "DENIED" if isinstance(error, Forbidden | NotFound) else None


class Desk:
    """Where units of work are done: the store, the clock, the settings and the code lists of this process."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self.in_progress: set[tuple[str, str]] = set()
        self._waking = Waking(store.writer)
        self.code_lists: tuple[CodeList, ...] = store.read(codelists.load).result()
        self.lists: Lists = by_code(self.code_lists)

    def _job(
        self, asker: Asker, work: Refusing[T]
    ) -> tuple[Callable[[Batch], T | Refusal], Callable[[Batch, BaseException], None]]:
        unit: UnitOfWork | None = None

        def job(batch: Batch) -> T | Refusal:
            nonlocal unit
            unit = uow = UnitOfWork(asker, self.clock(), self.lists, self.settings, batch)
            value = work(uow)
            batch.lines.append(uow.line((outcome_of(value) or "OK") if isinstance(value, Refusal) else "OK"))
            batch.events += uow.events
            batch.rights_changed |= uow.rights_changed
            return value

        def denied(batch: Batch, error: BaseException) -> None:
            outcome = outcome_of(error)
            if outcome and unit:
                batch.lines.append(unit.line(outcome))

        return job, denied

    def submit(self, asker: Asker, work: Refusing[T]) -> "Future[T | Refusal]":
        """Hands a unit of work to the writer; the future resolves once it is durable. A refusal that must leave a
        mark is *returned*."""
        return self.store.write(*self._job(asker, work))

    def do(self, asker: Asker, work: Refusing[T]) -> T:
        """Does a unit of work and waits for it: for commands and threads."""
        return _or_raise(self.submit(asker, work).result())

    def admit(self, reads: bool = False, first: bool = False) -> None:
        """Refuses what somebody asks where its turn would not come in good time: what waits is then never much more
        than can be done. What the service does by itself is not asked for, and not refused."""
        wait = self.store.writer.wait(first)
        if reads:  # its line has to be written, too
            wait = max(wait, self.store.wait_to_read())
        if wait > self.settings.queue_s * (LAST if first else 1):
            raise overloaded(wait)

    async def write(
        self,
        asker: Asker,
        work: Refusing[T],
        gathers: bool = False,
        person: str | None = None,
        first: bool = False,
    ) -> T:
        """Does a unit of work on the writer; durable when this returns. `person`: whom it will look up. `first`: before
        all that is not."""
        job, denied = self._job(asker, work)
        waiting = self._waking.hand_over(lambda told: Task(job, told, denied, gathers, person, first))
        value: T | Refusal = await waiting
        return _or_raise(value)

    async def read(self, asker: Asker, work: Work[T], unless: Callable[[T], bool] = lambda _: False) -> T:
        """Does a reading unit of work on a reader; its line is durable when this returns or refuses. `unless`: what
        was read is not passed on, so that there is nothing to log (a waiting pull that found nothing yet)."""

        waiting, told = self._waking.waiter()

        def job(conn: Connection) -> None:
            uow = UnitOfWork(asker, self.clock(), self.lists, self.settings, conn)
            found: tuple[T | None, Refusal | None]
            try:
                value = work(uow)
                found, line = (value, None), None if unless(value) else uow.line("OK")
            except Refusal as refusal:
                outcome = "OK" if isinstance(refusal, Moved) else outcome_of(refusal)
                found, line = (None, refusal), uow.line(outcome) if outcome else None
            # From here, where the transaction is still to be ended: that is a trip to a server, and nothing waits for
            # it. The loop is woken once, when what was read and its line are both there.
            if line is None:
                told(found, None)
            else:
                self.store.writer.submit(Task(_adding(line), lambda _, error: told(found, error), gathers=True))

        def failed(done: "Future[None]") -> None:
            if error := done.exception():
                told(None, error)

        self.store.read(job).add_done_callback(failed)
        value, refusal = await waiting
        if refusal is not None:
            raise refusal
        return value  # type: ignore[no-any-return]  # None only beside a refusal

    async def peek(self, work: Callable[[Connection], T]) -> T:
        """Reads what is nobody's personal data (tokens, heads of logs): no line."""
        return await self._of(self.store.glance(work))

    async def past(self, work: Callable[[Connection], T]) -> T:
        """Reads of a log what a feed has missed: its own lines tell of it."""
        return await self._of(self.store.read(work))

    async def elsewhere(self, work: Callable[[Connection], T]) -> T | None:
        """The same where it may be a little old; None where nobody is there to be asked."""
        return await self._of(self.store.read_past(work)) if self.store.engines.past is not None else None

    async def quietly(self, work: Callable[[Connection], T]) -> T:
        """Writes what is nobody's act and has no line: counters, housekeeping."""
        return await self._of(self.store.write(lambda batch: work(batch.conn)))

    async def log(self, line: Line) -> None:
        """Makes a line durable."""
        await self._of(self.store.write(_adding(line), gathers=True))

    async def _of(self, future: "Future[T]") -> T:
        """What a thread is working on, once it is there. Whoever waits may go away; what was handed over is finished
        all the same."""
        waiting, told = self._waking.waiter()
        future.add_done_callback(lambda done: told(None, None))
        await waiting
        return future.result()

    def line(self, asker: Asker, action: str, concerning: Iterable[str] | None = None, **about: Any) -> Line:
        """A line of its own, where no unit of work stands behind it: a feed closing, a token that was taken away."""
        uow = UnitOfWork(asker, self.clock(), self.lists, self.settings, None)
        outcome = about.pop("outcome", "OK")
        uow.doing(action, **about)
        if concerning is not None:
            uow.concerning(concerning)
        return uow.line(outcome)


def _adding(line: Line) -> Callable[[Batch], None]:
    return lambda batch: batch.lines.append(line)


def overloaded(wait: float) -> Overloaded:
    """The refusal where somebody would have to wait so many seconds. It asks for as long as the queue is now, to twice
    as long: not all who are refused come back together."""
    seconds = min(ceil(wait), MOST_S)
    return Overloaded(
        "There is more to do than can be done now, and this was not; send it again later.",
        randint(seconds, 2 * seconds),  # noqa: S311 - spreads load, guards nothing
    )


def _or_raise(value: T | Refusal) -> T:
    if isinstance(value, Refusal):
        raise value
    return value


def person(who: Principal) -> dict[str, str]:
    """Who did it, as answers name them."""
    return {"username": who.username, "name": who.name, "role": who.role}


def as_json(value: Mapping[str, Any]) -> str:
    """A document as kept and answered: times in UTC with a `Z`."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
