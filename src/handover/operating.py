"""The commands of whoever runs the service: serve, demo, migrate, and the keeping of accounts, clients, rosters and
access log."""

import getpass
import json
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from handover import __version__
from handover.app import create_app
from handover.app import serve as serve_app
from handover.clock import now
from handover.domain.access import HANDLING, ROLES, SCOPES, operator
from handover.errors import Conflict, Invalid, NotFound, Refusal, StoreNotReady
from handover.practice import week
from handover.services import accounts, audit, importing, opening
from handover.services.accounts import PRACTICE_PASSWORD
from handover.services.passwords import Hasher
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.settings import Settings
from handover.store.accesslog import Head

T = TypeVar("T")
users = typer.Typer(no_args_is_help=True, help="Accounts of staff (on the server).")
clients = typer.Typer(no_args_is_help=True, help="Clients of other prison systems (on the server).")
imports = typer.Typer(no_args_is_help=True, help="Rosters from files (on the server).")
audits = typer.Typer(no_args_is_help=True, help="The access log (on the server).")
PANEL = "Server"
OFFICERS_SHOWN = 5
err = Console(stderr=True, highlight=False)
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Establishments = Annotated[list[str], typer.Option("--establishment", help="An establishment's code; may be repeated.")]
Units = Annotated[
    list[str] | None,
    typer.Option("--unit", help="A unit's code, in each establishment; or ALM/A for one. May be repeated."),
]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def register(app: typer.Typer) -> None:
    """Adds these commands to the command."""
    for command in (serve, demo, migrate, version):
        app.command(rich_help_panel=PANEL)(command)
    for name, group in (("user", users), ("client", clients), ("import", imports), ("audit", audits)):
        app.add_typer(group, name=name, rich_help_panel=PANEL)


# --- Serving ---------------------------------------------------------------------------------------------------------


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HANDOVER_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (HANDOVER_PORT).")] = None,
) -> None:
    """Run the service."""
    settings = _settings(host=host, port=port)
    _port_is_free(settings)
    serve_app(_ready(lambda: create_app(settings)), settings)


def demo(port: Annotated[int | None, typer.Option(help="Port to listen on (HANDOVER_PORT).")] = None) -> None:
    """Run a practice prison: HMP Aldermoor, fictional people, a week of notes. This machine only; gone when it
    stops."""
    with tempfile.TemporaryDirectory(prefix="handover-practice-") as folder:
        settings = _settings(
            database_url=f"sqlite:///{folder}/practice.sqlite3",
            host="127.0.0.1",
            port=port,
            argon2_memory_kib=1024,  # every practice password is printed below: there is nothing to protect
            argon2_time_cost=1,
        )
        _port_is_free(settings)
        with err.status("Setting up HMP Aldermoor and its week …"):
            prison = _ready(lambda: week.build(settings, now()))
        _welcome(prison, settings)
        serve_app(create_app(settings, practice=True), settings)


def migrate() -> None:
    """Bring the store's schema up to date (PostgreSQL; the embedded store does it by itself)."""
    settings = _settings()
    revision = _ready(lambda: opening.migrate(settings))
    typer.echo(f"The store is at revision {revision}.")


def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _welcome(prison: week.Prison, settings: Settings) -> None:
    server = f"http://{settings.host}:{settings.port}"
    shown = [one for i, one in enumerate(prison.staff) if one.role != "officer" or i < OFFICERS_SHOWN]
    err.rule("[bold reverse] PRACTICE [/] nothing here is real")
    err.print(
        f"{prison.name} ({prison.code}) is on [bold]{server}[/] · every password is [bold]{PRACTICE_PASSWORD}[/]\n"
    )
    for one in shown:
        where = "wings " + ", ".join(one.units) if one.units else "the whole prison"
        err.print(f"  {one.username:<14} {one.name:<18} {one.role:<11} {where}")
    err.print("\nIn a second terminal, in this folder:\n")
    prefix = "" if settings.port == 8000 else f"export HANDOVER_SERVER={server}; "
    handover = Path(sys.argv[0]).resolve()
    command = str(handover.relative_to(Path.cwd())) if handover.is_relative_to(Path.cwd()) else "handover"
    for line in (
        f"{prefix}{command} login p.ngata",
        (
            f"{command} post A4417KD --mood low --change worse"
            ' --saw "quiet since the visit was cancelled" --need phone!promised'
        ),
        f"{command} watch",
    ):
        err.print(f"  [bold]{line}[/]", soft_wrap=True)
    client, secret = next(iter(prison.clients.items()))
    err.print("\nAs another prison system:\n")
    err.print(f"  export HANDOVER_CLIENT_ID={client} HANDOVER_CLIENT_SECRET={secret}", soft_wrap=True)
    err.print(f"  [bold]{command} pull[/]\n")
    err.print(f"The API: {server}/docs · Stop with Ctrl-C.")


def _port_is_free(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            _fail(
                f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}). Choose another with --port.", 2
            )


# --- Accounts --------------------------------------------------------------------------------------------------------


@users.command("add")
def user_add(
    username: Annotated[str, typer.Argument(help="The name to log in with.")],
    establishment: Establishments,
    name: Annotated[str, typer.Option(help="The name colleagues know.")] = "",
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "officer",
    unit: Units = None,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Make an account for a member of staff."""
    password = _password(password_stdin)
    settings = _settings()
    places = _places(establishment, unit)
    hasher = Hasher(settings)
    id_ = _do(
        settings,
        lambda uow: accounts.add_user(uow, hasher, username, name=name, role=role, places=places, password=password),
    )
    _tell(as_json, {"id": id_, "username": username.lower(), "role": role}, f"{username.lower()} can log in as {role}.")


@users.command("change")
def user_change(
    username: str,
    name: Annotated[str | None, typer.Option(help="The name colleagues know.")] = None,
    role: Annotated[str | None, typer.Option(help=f"One of {', '.join(ROLES)}.")] = None,
    establishment: Annotated[
        list[str] | None, typer.Option(help="All establishments he or she belongs to from now on.")
    ] = None,
    unit: Units = None,
    as_json: Json = False,
) -> None:
    """Change an account. Open feeds follow within seconds."""
    if unit and not establishment:
        _fail("Say --establishment too: the places given replace those before.", 2)
    places = _places(establishment, unit) if establishment else None
    _do(_settings(), lambda uow: accounts.change_user(uow, username, name=name, role=role, places=places))
    _tell(as_json, {"username": username}, f"{username} is changed.")


@users.command("disable")
def user_disable(username: str, as_json: Json = False) -> None:
    """End an account's logins and feeds, and let it not log in again."""
    _do(_settings(), lambda uow: accounts.change_user(uow, username, active=False))
    _tell(as_json, {"username": username, "active": False}, f"{username} is disabled.")


@users.command("enable")
def user_enable(username: str, as_json: Json = False) -> None:
    """Let a disabled account log in again."""
    _do(_settings(), lambda uow: accounts.change_user(uow, username, active=True))
    _tell(as_json, {"username": username, "active": True}, f"{username} can log in again.")


@users.command("password")
def user_password(username: str, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """Give an account a new password; ends its logins."""
    password, settings = _password(password_stdin), _settings()
    hasher = Hasher(settings)
    _do(settings, lambda uow: accounts.set_password(uow, hasher, username, password))
    _tell(as_json, {"username": username}, f"{username} has a new password.")


@users.command("list")
def user_list(as_json: Json = False) -> None:
    """List the accounts."""
    for row in _do(_settings(), accounts.users):
        state = "" if row["active"] else "  disabled"
        _tell(
            as_json, row, f"{row['username']:<20} {row['name']:<24} {row['role']:<11} {' '.join(row['places'])}{state}"
        )


@clients.command("add")
def client_add(
    client: Annotated[str, typer.Argument(metavar="NAME", help="The client id.")],
    scope: Annotated[list[str], typer.Option(help=f"One of {', '.join(SCOPES)}; may be repeated.")],
    establishment: Establishments,
    handling: Annotated[
        list[str] | None,
        typer.Option(help=f"A class it may read: {', '.join(HANDLING)}; UNIT and ESTABLISHMENT if left out."),
    ] = None,
    name: Annotated[str, typer.Option(help="What it is.")] = "",
    as_json: Json = False,
) -> None:
    """Make a client for another prison system. Its secret is shown this once."""
    settings = _settings()
    hasher = Hasher(settings)
    scopes, classes, places = _split(scope), _split(handling or []), _split(establishment)
    secret = _do(
        settings,
        lambda uow: accounts.add_client(
            uow, hasher, client, name=name, scopes=scopes, establishments=places, handling=classes
        ),
    )
    told = {"client_id": client, "client_secret": secret, "scopes": sorted(scopes), "establishments": sorted(places)}
    _tell(as_json, told, f"client_id      {client}\nclient_secret  {secret}\nThe secret is not shown again.")


@clients.command("revoke")
def client_revoke(client: str, as_json: Json = False) -> None:
    """End a client: its tokens stop working, its feeds close."""
    _do(_settings(), lambda uow: accounts.revoke_client(uow, client))
    _tell(as_json, {"client_id": client, "active": False}, f"{client} is revoked.")


@clients.command("list")
def client_list(as_json: Json = False) -> None:
    """List the clients."""
    for row in _do(_settings(), accounts.clients):
        state = "" if row["active"] else "  revoked"
        _tell(as_json, row, f"{row['id']:<20} {' '.join(row['scopes'])}  at {' '.join(row['establishments'])}{state}")


# --- Rosters ---------------------------------------------------------------------------------------------------------


@imports.command("establishments")
def import_establishments(file: Path, as_json: Json = False) -> None:
    """Load establishments from a CSV file with the columns code, name, timezone."""
    _import(file, as_json, lambda desk, advance: importing.establishments(desk, getpass.getuser(), file, advance))


@imports.command("inmates")
def import_inmates(
    file: Path,
    create_units: Annotated[bool, typer.Option(help="Set up units that are not there yet.")] = False,
    as_json: Json = False,
) -> None:
    """Load people from a CSV file with the columns number, name, establishment, unit, and optionally cell, language."""
    _import(
        file,
        as_json,
        lambda desk, advance: importing.inmates(desk, getpass.getuser(), file, advance, create_units=create_units),
    )


def _import(file: Path, as_json: bool, run: Callable[[Desk, Callable[[int], None]], importing.Report]) -> None:
    if not file.is_file():
        _fail(f"There is no file {file}.", 2)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=as_json) as progress:
        try:
            task = progress.add_task(file.name, total=importing.count(file))
            report = _with_desk(_settings(), lambda desk: run(desk, lambda n: progress.advance(task, n)))
        except UnicodeDecodeError:
            _fail(f"{file} is not UTF-8; save it as CSV UTF-8.", 2)
    refused = [{"line": r.line, "why": r.why} for r in report.refused]
    told = {"created": report.created, "changed": report.changed, "refused": refused}
    _tell(as_json, told, f"{report.created} new, {report.changed} there before, {len(refused)} refused.")
    if not as_json:
        for line in report.refused:
            err.print(f"  line {line.line}: {line.why}", markup=False)
    if refused:
        raise typer.Exit(1)


# --- The access log --------------------------------------------------------------------------------------------------


@audits.command("verify")
def audit_verify(
    file: Annotated[Path | None, typer.Argument(help="An export to check; the store itself if left out.")] = None,
    head: Annotated[
        list[str] | None, typer.Option(help="A head noted earlier, CHAIN:LINE:HASH; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that no line of the access log was changed, removed or swapped. Works with the service stopped, and on
    an export."""
    noted = [_head(text) for text in head or []]
    if file is not None:
        if not file.is_file():
            _fail(f"There is no file {file}.", 2)
        with file.open(encoding="utf-8", errors="replace") as lines:
            found = audit.verify_export(lines, noted)
    else:
        found = _with_desk(
            _settings(), lambda desk: desk.store.read(lambda conn: audit.verify_store(conn, noted)).result()
        )
    heads = [f"{h.chain}:{h.position}:{h.hash}" for h in found.heads]
    told: dict[str, Any] = {
        "sound": not found.faults,
        "lines": found.lines,
        "faults": [{"chain": f.chain, "line": f.position, "what": f.what} for f in found.faults],
        "heads": heads,
    }
    if found.faults:
        words = "\n".join(["The access log is NOT as it was written:", *(f"  {audit.told(f)}" for f in found.faults)])
    else:
        newest = heads[0] if heads else "-"
        words = f"{found.lines} lines in {len(heads)} chains, all as written.\nNewest head, to note down: {newest}"
    _tell(as_json, told, words)
    if found.faults:
        raise typer.Exit(1)


@audits.command("export")
def audit_export() -> None:
    """Print the whole access log as lines of JSON, for `handover audit verify FILE` elsewhere."""

    def run(desk: Desk) -> None:
        desk.do(Asker(operator(getpass.getuser(), ())), audit.exported)
        desk.store.read(lambda conn: typer.echo("\n".join(audit.export(conn)))).result()

    _with_desk(_settings(), run)


def _head(text: str) -> Head:
    chain, _, rest = text.partition(":")
    position, _, digest = rest.partition(":")
    if not position.isdigit() or len(digest) != 64:
        _fail("A head reads CHAIN:LINE:HASH, as `handover audit verify` prints it.", 2)
    return Head(chain, int(position), digest)


# --- What the commands share -----------------------------------------------------------------------------------------


def _settings(**given: Any) -> Settings:
    try:
        return Settings(**{k: v for k, v in given.items() if v is not None})
    except ValueError as error:
        _fail(f"A setting cannot be used: {error}", 2)


def _ready(start: Callable[[], T]) -> T:
    try:
        return start()
    except StoreNotReady as error:
        _fail(str(error), 1)


def _with_desk(settings: Settings, run: Callable[[Desk], T]) -> T:
    desk = _ready(lambda: opening.open_desk(settings, now))
    try:
        return run(desk)
    except Invalid as refusal:
        _fail(
            "\n".join(e.detail if not e.pointer else f"{e.pointer.strip('/')}: {e.detail}" for e in refusal.errors), 2
        )
    except (Conflict, NotFound) as refusal:
        _fail(refusal.detail, 1)
    except Refusal as refusal:
        _fail(refusal.detail, 3)
    finally:
        desk.store.close()


def _do(settings: Settings, work: Callable[[UnitOfWork], T]) -> T:
    asker = Asker(operator(getpass.getuser(), ()))
    return _with_desk(settings, lambda desk: desk.do(asker, work))


def _places(establishments: list[str], units: list[str] | None) -> list[tuple[str, str]]:
    codes = _split(establishments)
    places = [(code, "") for code in codes]
    for unit in _split(units or []):
        place, slash, code = unit.partition("/")
        if slash and place not in codes:
            _fail(f"{unit}: say --establishment {place} too.", 2)
        places += [(place, code)] if slash else [(known, unit) for known in codes]
    return places


def _split(values: list[str]) -> list[str]:
    return [part for value in values for part in value.replace(",", " ").split()]


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _tell(as_json: bool, data: dict[str, Any], words: str) -> None:
    typer.echo(json.dumps(data) if as_json else words)


def _fail(words: str, code: int) -> NoReturn:
    err.print(words, style="bold", markup=False, soft_wrap=True)
    raise typer.Exit(code)
