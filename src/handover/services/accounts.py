"""Accounts of staff and clients of other systems, kept up by the operator on the server."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.engine import RowMapping

from handover.domain.access import CLIENT_HANDLING, HANDLING, ROLES, SCOPES
from handover.domain.logins import key as attempts_key
from handover.errors import Conflict, FieldError, Invalid, NotFound
from handover.schemas.common import EstablishmentCode, Name, UnitCode, fault
from handover.services.passwords import SHORTEST, Hasher, new_token
from handover.services.unit_of_work import UnitOfWork
from handover.store import accounts, roster, seats

PRACTICE_PASSWORD = "practice"  # noqa: S105 - printed by `handover demo`, and refused everywhere else
RESERVED = frozenset({"operator", "handover"})
"""What the service itself and whoever keeps it are called in the access log."""
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_ESTABLISHMENT: TypeAdapter[str] = TypeAdapter(EstablishmentCode)
_UNIT: TypeAdapter[str] = TypeAdapter(UnitCode)


def add_user(
    uow: UnitOfWork,
    hasher: Hasher,
    username: str,
    *,
    name: str,
    role: str,
    places: Sequence[tuple[str, str]],
    password: str,
    practice: bool = False,
) -> str:
    """Makes an account. `places` are (establishment, unit) pairs, unit empty for the establishment as a whole.
    Answers its id."""
    username = username.strip().lower()
    uow.doing("accounts.add", subject=username, role=role, places=_listed(_told(places)))
    name = name.strip() or username
    errors = [*_names(username, role), *_name(name), *_password(username, password, practice), *_places(places)]
    if not places:
        errors.append(FieldError("/establishment", "say at least one establishment"))
    if errors:
        raise Invalid(*errors)
    if accounts.account(uow.conn, username) is not None:
        raise Conflict(f"There is an account {username} already; change it with `handover user change {username} …`.")
    _free(uow, username)
    id_ = uow.new_id()
    row = {
        "id": id_,
        "username": username,
        "name": name,
        "role": role,
        "password": hasher.hash(password),
        "active": True,
        "created_at": uow.now,
    }
    accounts.add_account(uow.conn, row)
    accounts.post(uow.conn, id_, _with_whole(places))
    return id_


def change_user(
    uow: UnitOfWork,
    username: str,
    *,
    name: str | None = None,
    role: str | None = None,
    places: Sequence[tuple[str, str]] | None = None,
    active: bool | None = None,
) -> None:
    """Changes an account. Open feeds follow within seconds; disabling ends every login at once."""
    uow.doing("accounts.change", subject=username, role=role, active=active)
    row = _account(uow, username)
    name = name if name is None else name.strip()
    columns = {k: v for k, v in {"name": name, "role": role, "active": active}.items() if v is not None}
    errors = [*([] if name is None else _name(name)), *_places(places or ())]
    if role is not None and role not in ROLES:
        errors.append(FieldError("/role", f"one of {', '.join(ROLES)}"))
    if places is not None and not places:
        errors.append(
            FieldError("/establishment", "say at least one establishment; to shut somebody out, disable the account")
        )
    if errors:
        raise Invalid(*errors)
    if columns:
        accounts.change_account(uow.conn, row["id"], **columns)
    if places:
        uow.about(places=_told(places))
        accounts.post(uow.conn, row["id"], _with_whole(places))
    if active is False:
        accounts.revoke_grants_of(uow.conn, uow.now, account=row["id"])
    if role is not None or places or active is False:
        # With other rights it is another person who comes: the password says so.
        seats.end_all_of(uow.conn, row["id"])
    uow.rights_changed = True


def set_password(uow: UnitOfWork, hasher: Hasher, username: str, password: str) -> None:
    """Gives an account a new password and ends its logins. Its PIN is gone with the old one, of which it lived."""
    uow.doing("accounts.password", subject=username)
    row = _account(uow, username)
    errors = _password(row["username"], password, practice=False)
    if errors:
        raise Invalid(*errors)
    accounts.change_account(uow.conn, row["id"], password=hasher.hash(password), pin=None)
    seats.end_all_of(uow.conn, row["id"])
    accounts.revoke_grants_of(uow.conn, uow.now, account=row["id"])
    accounts.clear_attempts(uow.conn, [attempts_key("account", row["username"])])
    uow.rights_changed = True


def users(uow: UnitOfWork) -> list[dict[str, Any]]:
    """Every account, without its password."""
    uow.doing("accounts.list")
    return [
        {
            **{k: row[k] for k in ("username", "name", "role", "active")},
            "places": _told(accounts.postings_of(uow.conn, row["id"])),
        }
        for row in accounts.all_accounts(uow.conn)
    ]


def add_client(
    uow: UnitOfWork,
    hasher: Hasher,
    client: str,
    *,
    name: str,
    scopes: Sequence[str],
    establishments: Sequence[str],
    handling: Sequence[str] = (),
) -> str:
    """Makes a client of another system. Answers its secret, which is shown this once and kept only as a hash."""
    handling = handling or CLIENT_HANDLING
    uow.doing(
        "clients.add",
        subject=client,
        scopes=_listed(scopes),
        establishments=_listed(establishments),
        handling=_listed(handling),
    )
    name = name.strip() or client
    errors = [
        *_username(client),
        *_name(name),
        *_places([(place, "") for place in establishments]),
        *(
            FieldError("/scope", f"{s} is not a scope; there are {', '.join(SCOPES)}")
            for s in scopes
            if s not in SCOPES
        ),
        *(FieldError("/handling", f"{h} is not one of {', '.join(HANDLING)}") for h in handling if h not in HANDLING),
    ]
    if not scopes:
        errors.append(FieldError("/scope", "say at least one scope"))
    if not establishments:
        errors.append(FieldError("/establishment", "say at least one establishment"))
    if errors:
        raise Invalid(*errors)
    before = accounts.client(uow.conn, client)
    if before is not None:
        still = "already; revoke it, or" if before["active"] else "that was revoked;"
        raise Conflict(f"There is a client {client} {still} choose another name.")
    _free(uow, client)
    secret = new_token("secret")
    row = {
        "id": client,
        "name": name,
        "secret": hasher.hash(secret),
        "scopes": " ".join(sorted(set(scopes))),
        "establishments": " ".join(sorted(set(establishments))),
        "handling": " ".join(sorted(set(handling))),
        "active": True,
        "created_at": uow.now,
    }
    accounts.add_client(uow.conn, row)
    return secret


def revoke_client(uow: UnitOfWork, client: str) -> None:
    """Ends a client: its tokens stop working, its feeds close."""
    uow.doing("clients.revoke", subject=client)
    if _username(client) or accounts.client(uow.conn, client) is None:
        raise NotFound(f"There is no client {client}.")
    accounts.change_client(uow.conn, client, active=False)
    accounts.revoke_grants_of(uow.conn, uow.now, client=client)
    uow.rights_changed = True


def clients(uow: UnitOfWork) -> list[dict[str, Any]]:
    """Every client, without its secret."""
    uow.doing("clients.list")
    names = ("scopes", "establishments", "handling")
    return [
        {**{k: row[k] for k in ("id", "name", "active")}, **{k: row[k].split() for k in names}}
        for row in accounts.all_clients(uow.conn)
    ]


def not_there(uow: UnitOfWork, places: Iterable[tuple[str, str]]) -> list[str]:
    """Which of these places nobody has set up: they may come with the next roster, or be a slip of the finger."""
    return [
        f"{place}/{unit}" if unit else place
        for place, unit in sorted(set(places))
        if (roster.unit(uow.conn, place, unit) if unit else roster.establishment(uow.conn, place)) is None
    ]


def _free(uow: UnitOfWork, name: str) -> None:
    """Refuses a name that another could be taken for: notes and the access log name people and systems by it alone."""
    taken = accounts.account(uow.conn, name.lower()) or accounts.client_named(uow.conn, name)
    if taken is not None or name.lower() in RESERVED:
        raise Conflict(f"{name} is the name of somebody else here; choose another.")


def _account(uow: UnitOfWork, username: str) -> RowMapping:
    username = username.strip().lower()
    row = None if _username(username) else accounts.account(uow.conn, username)
    if row is None:
        raise NotFound(f"There is no account {username}.")
    return row


def _with_whole(places: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Whoever belongs to a unit belongs to its establishment."""
    return {pair for place, unit in places for pair in ((place, unit), (place, ""))}


def _told(places: Iterable[tuple[str, str]]) -> list[str]:
    return sorted({f"{place}/{unit}" if unit else place for place, unit in places})


def _listed(typed: Iterable[str]) -> list[str]:
    """What was typed, in order, as the access log can hold it: a keyboard may send what are no letters."""
    return sorted(one.encode(errors="replace").decode() for one in typed)


def _username(username: str) -> list[FieldError]:
    sound = 0 < len(username) <= 64 and all(c.isalnum() or c in "._-@" for c in username) and username.isascii()
    return [] if sound else [FieldError("/username", "use up to 64 letters, digits, and . _ - @")]


def _names(username: str, role: str) -> list[FieldError]:
    errors = _username(username)
    if role not in ROLES:
        errors.append(FieldError("/role", f"{role} is not a role; there are {', '.join(ROLES)}"))
    return errors


def _name(name: str) -> list[FieldError]:
    return _shape(_NAME, "/name", name)


def _places(places: Iterable[tuple[str, str]]) -> list[FieldError]:
    establishments, units = {place for place, _ in places}, {unit for _, unit in places if unit}
    return [
        *(error for place in sorted(establishments) for error in _shape(_ESTABLISHMENT, "/establishment", place)),
        *(error for unit in sorted(units) for error in _shape(_UNIT, "/unit", unit)),
    ]


def _shape(kind: TypeAdapter[str], pointer: str, value: str) -> list[FieldError]:
    try:
        kind.validate_python(value)
    except ValidationError as error:
        return [FieldError(pointer, f"{value!r:.40}: {fault(error.errors()[0])}")]
    return []


def _password(username: str, password: str, practice: bool) -> list[FieldError]:
    if len(password) < SHORTEST:
        return [
            FieldError(
                "/password", f"at least {SHORTEST} characters; a few words are easier to type and harder to guess"
            )
        ]
    if len(password) > 1024:
        return [FieldError("/password", "at most 1,024 characters")]
    plain = password.strip().lower()
    if plain == username or (plain == PRACTICE_PASSWORD and not practice):
        return [FieldError("/password", "everybody could guess this one; choose another")]
    return []
