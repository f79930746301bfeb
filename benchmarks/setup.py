"""What has to stand before anything is measured: two empty stores, a prison with people in one of them, and who logs
in."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from benchmarks import notes
from handover.clock import now
from handover.domain.access import operator
from handover.schemas.roster import EstablishmentDraft, InmateDraft, Times, UnitDraft
from handover.services import accounts, opening, roster
from handover.services.passwords import Hasher
from handover.services.unit_of_work import Asker, UnitOfWork
from handover.settings import Settings
from tests.support import postgres

ENGINES = ("sqlite", "postgresql")
OFFICERS, LOGINS = 20, 8
PASSWORD = "a few good words"


@dataclass(frozen=True)
class Stores:
    """The database of the service and that of the stand-in, on the same engine and the same disk."""

    engine: str
    folder: Path
    handover: str
    standin: str


@contextmanager
def stores(engine: str) -> Iterator[Stores]:
    """Two empty databases, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="handover-bench-") as name:
        folder = Path(name)
        if engine == "sqlite":
            yield Stores(
                engine, folder, f"sqlite:///{folder / 'handover.sqlite3'}", f"sqlite:///{folder / 'standin.sqlite3'}"
            )
            return
        urls = [postgres.create_database(), postgres.create_database()]
        try:
            yield Stores(engine, folder, *urls)
        finally:
            for url in urls:
                postgres.drop_database(url)


def warnings(engine: str) -> list[str]:
    """What would make this engine's figures mean less than they say."""
    if engine == "sqlite":
        return []
    with psycopg.connect(postgres.admin_url()) as conn:
        row = conn.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')").fetchone()
    if row == ("on", "on"):
        return []
    told = "This PostgreSQL does not wait for its disk (fsync or synchronous_commit is off): nothing here is durable."
    return [f"{told} Name a real one in {postgres.VARIABLE}."]


def settings(url: str) -> Settings:
    """The service as anybody runs it, but for cheap passwords: hashing them is not what is measured."""
    return Settings(database_url=url, argon2_memory_kib=1024, argon2_time_cost=1, access_token_s=3600)


def found_prison(url: str) -> None:
    """One prison with one wing that everybody hears, its people, its officers: a real store, as the operator sets it
    up."""
    chosen = settings(url)
    if url.startswith("postgresql"):
        opening.migrate(chosen)
    desk, hasher = opening.open_desk(chosen, now), Hasher(chosen)
    asker = Asker(operator("operator", (notes.ESTABLISHMENT,)))

    def found(uow: UnitOfWork) -> None:
        patient = Times(page=1440)  # nobody takes the calls of one round: they are not repeated in the next
        draft = EstablishmentDraft(name="HMP Bench End", timezone="Europe/London", times=patient)
        roster.put_establishment(uow, notes.ESTABLISHMENT, draft)

    def wing(uow: UnitOfWork) -> None:
        roster.put_unit(uow, notes.ESTABLISHMENT, notes.UNIT, UnitDraft(name="A wing"))

    def receive(uow: UnitOfWork, person: int) -> None:
        draft = InmateDraft(name=f"Weir, {person}", establishment=notes.ESTABLISHMENT, unit=notes.UNIT, cell="A1-07")
        roster.put_inmate(uow, notes.number_of(person), draft)

    def hire(uow: UnitOfWork, officer: int) -> None:
        places = [(notes.ESTABLISHMENT, notes.UNIT)]
        accounts.add_user(
            uow, hasher, username(officer), name=f"Officer {officer}", role="officer", places=places, password=PASSWORD
        )

    try:
        desk.do(asker, found)
        desk.do(asker, wing)
        for person in range(notes.PEOPLE):
            desk.do(asker, lambda uow, person=person: receive(uow, person))  # type: ignore[misc]  # the default binds it
        for officer in range(OFFICERS):
            desk.do(asker, lambda uow, officer=officer: hire(uow, officer))  # type: ignore[misc]  # the default binds it
    finally:
        desk.store.close()
        hasher.close()


def username(officer: int) -> str:
    """The user name of one of the officers."""
    return f"officer{officer:02d}"


def log_in(port: int, terminals: int) -> list[str]:
    """Access tokens, one login for each terminal, as a prison has them."""
    return log_in_as(port, [username(terminal % OFFICERS) for terminal in range(terminals)])


def log_in_as(port: int, usernames: Sequence[str]) -> list[str]:
    """Access tokens, one for each of these, some logins at a time."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as http:

        def token(name: str) -> str:
            answer = http.post("/oauth/token", data={"grant_type": "password", "username": name, "password": PASSWORD})
            answer.raise_for_status()
            return str(answer.json()["access_token"])

        with ThreadPoolExecutor(LOGINS) as pool:
            return list(pool.map(token, usernames))
