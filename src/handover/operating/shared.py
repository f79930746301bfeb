"""What the commands share: settings, the open store, refusals in words, answers in JSON or words."""

import getpass
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar

import structlog
import typer
from pydantic import ValidationError

from handover.clock import Agreed
from handover.domain.access import operator
from handover.errors import Conflict, Invalid, NotFound, Refusal, StoreNotReady
from handover.logs import configure_logging
from handover.schemas.common import fault
from handover.services import opening
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.settings import Settings

T = TypeVar("T")
_KINDS = {1: "refused", 2: "usage", 3: "cannot-reach"}
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Establishments = Annotated[list[str], typer.Option("--establishment", help="An establishment's code; may be repeated.")]
Units = Annotated[
    list[str] | None,
    typer.Option("--unit", help="A unit's code, in each establishment; or ALM/A for one. May be repeated."),
]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def settings_from(**given: Any) -> Settings:
    """Settings from the environment and what was given on the line."""
    try:
        settings = Settings(**{k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        fail("\n".join(f"HANDOVER_{str(e['loc'][0]).upper()}: {fault(e)}" for e in error.errors()), 2)
    if not structlog.is_configured():
        configure_logging(settings.log_level)
    return settings


def ready(start: Callable[[], T]) -> T:
    """What starts up, or its refusal in words."""
    try:
        return start()
    except StoreNotReady as error:
        fail(str(error), 1)


def with_desk(settings: Settings, run: Callable[[Desk], T]) -> T:
    """Does something with the store of these settings open; a refusal becomes words and an exit code. An embedded store
    that is not there yet is made, which is said: it may be another than the one that is served."""
    if made := opening.not_yet(settings):
        typer.secho(f"There was no store at {made}: a new one, with nothing in it, is made.", err=True)
    desk = ready(lambda: opening.open_desk(settings, Agreed()))
    try:
        return run(desk)
    except Invalid as refusal:
        fail("\n".join(e.detail if not e.pointer else f"{e.pointer.strip('/')}: {e.detail}" for e in refusal.errors), 2)
    except (Conflict, NotFound) as refusal:
        fail(refusal.detail, 1)
    except Refusal as refusal:
        fail(refusal.detail, 3)
    finally:
        desk.store.close()


def do(settings: Settings, work: Callable[[UnitOfWork], T]) -> T:
    """Does one unit of work as the operator."""
    asker = Asker(operator(getpass.getuser(), ()))
    return with_desk(settings, lambda desk: desk.do(asker, work))


def places_of(establishments: list[str], units: list[str] | None) -> list[tuple[str, str]]:
    """Establishments and units as (establishment, unit) pairs."""
    codes = split(establishments)
    places = [(code, "") for code in codes]
    for unit in split(units or []):
        place, slash, code = unit.partition("/")
        if slash and place not in codes:
            fail(f"{unit}: say --establishment {place} too.", 2)
        places += [(place, code)] if slash else [(known, unit) for known in codes]
    return places


def split(values: list[str]) -> list[str]:
    """Values that were repeated, or separated by commas or spaces."""
    return [part for value in values for part in value.replace(",", " ").split()]


def ask_password(from_stdin: bool) -> str:
    """A password, from standard input or typed twice."""
    try:
        if from_stdin:
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
        password.encode()
    except UnicodeError:
        fail("The password is not UTF-8.", 2)
    return password


def tell(as_json: bool, data: dict[str, Any], words: str) -> None:
    """Answers in JSON or in words."""
    typer.echo(json.dumps(data) if as_json else words)


def fail(words: str, code: int) -> NoReturn:
    """Says what to do, in JSON where that is asked for (see `cli.py`), and ends."""
    if "--json" in sys.argv[1:]:
        typer.echo(json.dumps({"error": _KINDS[code], "detail": words}), err=True)
    else:
        typer.secho(words, err=True, bold=True)
    raise typer.Exit(code)
