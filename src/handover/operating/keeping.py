"""Keeping accounts of staff and clients of other prison systems."""

from typing import Annotated

import typer

from handover.domain.access import HANDLING, ROLES, SCOPES
from handover.operating.shared import (
    Establishments,
    Json,
    PasswordStdin,
    Units,
    ask_password,
    do,
    fail,
    places_of,
    settings_from,
    split,
    tell,
)
from handover.services import accounts
from handover.services.passwords import Hasher
from handover.services.unit_of_work import UnitOfWork

users = typer.Typer(no_args_is_help=True, help="Accounts of staff (on the server).")
clients = typer.Typer(no_args_is_help=True, help="Clients of other prison systems (on the server).")


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
    password = ask_password(password_stdin)
    settings = settings_from()
    places = places_of(establishment, unit)
    hasher = Hasher(settings)

    def add(uow: UnitOfWork) -> tuple[str, list[str]]:
        id_ = accounts.add_user(uow, hasher, username, name=name, role=role, places=places, password=password)
        return id_, accounts.not_there(uow, places)

    id_, missing = do(settings, add)
    _warn(missing)
    tell(as_json, {"id": id_, "username": username.lower(), "role": role}, f"{username.lower()} can log in as {role}.")


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
        fail("Say --establishment too: the places given replace those before.", 2)
    places = places_of(establishment, unit) if establishment else None

    def change(uow: UnitOfWork) -> list[str]:
        accounts.change_user(uow, username, name=name, role=role, places=places)
        return accounts.not_there(uow, places or ())

    _warn(do(settings_from(), change))
    tell(as_json, {"username": username}, f"{username} is changed.")


@users.command("disable")
def user_disable(username: str, as_json: Json = False) -> None:
    """End an account's logins and feeds, and let it not log in again."""
    do(settings_from(), lambda uow: accounts.change_user(uow, username, active=False))
    tell(as_json, {"username": username, "active": False}, f"{username} is disabled.")


@users.command("enable")
def user_enable(username: str, as_json: Json = False) -> None:
    """Let a disabled account log in again."""
    do(settings_from(), lambda uow: accounts.change_user(uow, username, active=True))
    tell(as_json, {"username": username, "active": True}, f"{username} can log in again.")


@users.command("password")
def user_password(username: str, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """Give an account a new password; ends its logins."""
    password, settings = ask_password(password_stdin), settings_from()
    hasher = Hasher(settings)
    do(settings, lambda uow: accounts.set_password(uow, hasher, username, password))
    tell(as_json, {"username": username}, f"{username} has a new password.")


@users.command("list")
def user_list(as_json: Json = False) -> None:
    """List the accounts."""
    for row in do(settings_from(), accounts.users):
        state = "" if row["active"] else "  disabled"
        tell(
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
    settings = settings_from()
    hasher = Hasher(settings)
    scopes, classes, places = split(scope), split(handling or []), split(establishment)

    def add(uow: UnitOfWork) -> tuple[str, list[str]]:
        secret = accounts.add_client(
            uow, hasher, client, name=name, scopes=scopes, establishments=places, handling=classes
        )
        return secret, accounts.not_there(uow, [(place, "") for place in places])

    secret, missing = do(settings, add)
    _warn(missing)
    told = {"client_id": client, "client_secret": secret, "scopes": sorted(scopes), "establishments": sorted(places)}
    tell(as_json, told, f"client_id      {client}\nclient_secret  {secret}\nThe secret is not shown again.")


@clients.command("revoke")
def client_revoke(client: str, as_json: Json = False) -> None:
    """End a client: its tokens stop working, its feeds close."""
    do(settings_from(), lambda uow: accounts.revoke_client(uow, client))
    tell(as_json, {"client_id": client, "active": False}, f"{client} is revoked.")


@clients.command("list")
def client_list(as_json: Json = False) -> None:
    """List the clients."""
    for row in do(settings_from(), accounts.clients):
        state = "" if row["active"] else "  revoked"
        tell(as_json, row, f"{row['id']:<20} {' '.join(row['scopes'])}  at {' '.join(row['establishments'])}{state}")


def _warn(missing: list[str]) -> None:
    """Says which places are not there: an account that belongs to one sees nothing, and nobody would know why."""
    for place in missing:
        typer.echo(f"{place} is not set up here (yet). If it is written rightly, load the roster next.", err=True)
