"""Opening the store for a process: schema up to date, identity known, code lists in, access-log chain begun."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import inf
from pathlib import Path
from secrets import token_hex
from time import monotonic, sleep

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from handover.clock import Clock
from handover.domain.codelists import shipped
from handover.errors import Conflict, Refusal, StoreNotReady, Unavailable
from handover.services.agreeing import agree
from handover.services.ids import uuid7
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.settings import Settings
from handover.store import accesslog, codelists, engine, eventlog, marks, schema
from handover.store.accesslog import Head, Line
from handover.store.engine import Engines, one_process_only, open_engines, passes, writable
from handover.store.store import Identity, Store, read_identity, rename, write_identity

REMEMBERED = 100
"""How many other chains a new access-log chain names the heads of."""
CHECK_S = 2.0
PATIENCE_S = 60.0
REST_S = 0.5
"""How long `handover migrate` tries to get what a running service holds, and how long it leaves it alone in between."""
log = structlog.get_logger("handover.store")


def _ignore(_count: int, _seconds: float) -> None:
    """Measures nothing."""


def open_desk(
    settings: Settings,
    clock: Clock,
    *,
    practice: bool = False,
    measure: Callable[[int, float], None] = _ignore,
    serves: bool = False,
) -> Desk:
    """Opens the store this process works on. The embedded one is brought up to date; PostgreSQL must have been, by
    `handover migrate`. `serves`: this process serves it, which is written down."""
    engines = open_engines(settings.database_url, settings.listen_url, settings.standby_url, serves=serves)
    try:
        identity = _prepare(engines, practice, migrate=engines.embedded)
        if not engines.embedded:
            with engines.read.connect() as conn:
                agree(conn, clock)
    except DBAPIError as error:
        engines.close()
        raise _not_opened(engines, error) from error
    except BaseException:
        engines.close()
        raise
    store = Store(
        engines,
        identity,
        readers=settings.read_threads,
        batch=settings.batch,
        open_chain=_open_chain,
        measure=measure,
        tidies=serves,
    )
    desk = Desk(store, settings, clock)
    if serves:
        try:
            desk.do(Asker(None), _started)
        except (Refusal, DBAPIError) as error:
            store.close()
            why = error.detail if isinstance(error, Refusal) else engine.why(error)
            raise StoreNotReady(f"The store was opened, but cannot be written: {why}") from error
    return desk


def hold(settings: Settings) -> AbstractContextManager[object]:
    """Keeps any other process from serving the embedded store meanwhile."""
    return engine.hold(settings.database_url)


def not_yet(settings: Settings) -> Path | None:
    """The embedded store's file, where opening it would make a new store of it."""
    return engine.not_yet(settings.database_url)


def prepare(settings: Settings) -> None:
    """Looks whether several processes can serve the store, before they are started, and gets it ready for all of
    them."""
    if one_process_only(settings.database_url):
        raise StoreNotReady(
            "The embedded store has one writer and so one process: leave --workers (HANDOVER_WORKERS) at 1, or name "
            "a postgresql://… in HANDOVER_DATABASE_URL."
        )
    with _opened(settings) as engines:
        _prepare(engines, practice=False, migrate=False)


def migrate(settings: Settings) -> str:
    """Brings the store of these settings up to date; answers the revision it has now."""
    with _opened(settings) as engines:
        until = monotonic() + PATIENCE_S
        while True:
            try:
                _prepare(engines, practice=False, migrate=True)
                return schema.newest()
            except DBAPIError as error:
                # A service that goes on meanwhile held what this one wanted. It comes first: somebody works with it.
                if not passes(error):
                    raise
                if monotonic() > until:
                    raise StoreNotReady(
                        f"Nothing was changed: for {PATIENCE_S:.0f} seconds something held the store's tables (a long "
                        f"report, a backup?). Run `handover migrate` again when it is done. ({engine.why(error)})"
                    ) from error
            sleep(REST_S)


@contextmanager
def _opened(settings: Settings) -> Iterator[Engines]:
    engines = open_engines(settings.database_url)
    try:
        yield engines
    except DBAPIError as error:
        raise _not_opened(engines, error) from error
    finally:
        engines.close()


def _not_opened(engines: Engines, error: DBAPIError) -> StoreNotReady:
    where = f" ({engines.file[0]})" if engines.file else ""
    remedy = _REMEDIES.get((getattr(error.orig, "sqlite_errorname", None) or "").removeprefix("SQLITE_"), "")
    return StoreNotReady(f"The store cannot be opened: {engine.why(error)}{where}.{remedy}")


_REMEDIES = {
    "CANTOPEN": " Look at the owner and the rights of the file and its folder.",
    "READONLY": " Look at the owner and the rights of the file and its folder.",
    "CORRUPT": " Restore the last backup, as docs/operations.md says.",
    "NOTADB": " Look whether HANDOVER_DATABASE_URL names the right file; or restore the last backup.",
    "BUSY": " Another program holds it; end that, then start again.",
    "FULL": " There is no room left on the disk.",
}
"""What to do about it, by the embedded store's own names."""


def _prepare(engines: Engines, practice: bool, migrate: bool) -> Identity:
    with engines.write.connect() as conn, conn.begin():
        present = schema.present(conn)
        ahead = not schema.known(present)
        if ahead and (migrate or not schema.serves(conn)):
            raise StoreNotReady(
                f"A newer release than this one has written this store (revision {present}). Start that."
            )
        if migrate:
            schema.migrate(conn)
        elif not ahead and present != schema.newest():
            raise StoreNotReady("The store's schema is behind this release. Run `handover migrate`, then start again.")
        identity = read_identity(conn)
        if identity is None:
            identity = Identity(token_hex(4), practice, token_hex(32))
            write_identity(conn, identity)
        if identity.practice and not practice:
            raise StoreNotReady(
                "This is a practice store: its accounts are known to everybody. Choose another HANDOVER_DATABASE_URL."
            )
        if practice and not identity.practice:
            raise StoreNotReady("This is a real store; practice needs one of its own.")
        if ahead:
            log.warning("the store is of a newer release, which this one can still serve", revision=present)
        else:
            codelists.sync(conn, shipped())  # of a newer one, its own are there: ours would retire what is new in them
        return identity


def _open_chain(conn: Connection, like: Line) -> Head:
    """The first line of this process's chain names the heads of the chains before it, so that none can vanish
    unnoticed."""
    detail = accesslog.canonical({"heads": [[h.chain, h.position, h.hash] for h in accesslog.heads(conn, REMEMBERED)]})
    first = Line(
        at=like.at,
        actor=None,
        actor_role=None,
        action="chain.open",
        outcome="OK",
        establishment=None,
        unit=None,
        subject=None,
        detail=detail,
        address=None,
        request=None,
    )
    return accesslog.open_chain(conn, uuid7(like.at), first)


def _started(uow: UnitOfWork) -> None:
    """A server process began to serve."""
    uow.doing("server.start", actor="handover")


def stopped(uow: UnitOfWork) -> None:
    """A server process ended in order."""
    uow.doing("server.stop", actor="handover")


def restored(uow: UnitOfWork) -> None:
    """The store was restored from a backup. What readers have of what came after it is not there any more, and other
    events have its numbers: each of them is to reload, and none to go on from its cursor."""
    uow.doing("store.restored")
    if not eventlog.places(uow.conn):  # a mistyped address of the embedded store makes one that is empty
        raise Conflict("There is no prison in this store. Look whether HANDOVER_DATABASE_URL names the restored one.")
    rename(uow.conn, uow.new_id())


async def check(desk: Desk) -> None:
    """Refuses unless the store can be read and written now: a store that makes everybody wait is not ready."""
    if missing := desk.store.engines.missing():
        raise Unavailable(missing)
    try:
        async with asyncio.timeout(CHECK_S):
            await desk.quietly(_try)
            if desk.store.heard == -inf:  # the last change was not kept: a full disk may take only what needs no room
                await desk.write(Asker(None), _tried)
            await desk.peek(_look)
    except TimeoutError:
        raise Unavailable(f"The store has not answered within {CHECK_S:g} s.") from None
    except DBAPIError as error:
        raise Unavailable("The store cannot be read right now.") from error


def _try(conn: Connection) -> None:
    writable(conn)
    with conn.begin_nested() as tried:
        marks.change(conn, marks.TRIED)  # a server that takes writes may have no room for them
        if not one_process_only(conn.dialect.name):
            tried.rollback()  # it is every process's: nobody is to wait for it until this commit


def _tried(uow: UnitOfWork) -> None:
    """A server process can write again what is new."""
    uow.doing("server.try", actor="handover")


def _look(conn: Connection) -> None:
    conn.exec_driver_sql("SELECT 1")
