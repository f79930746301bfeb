"""Coming back by PIN: what the server gave this terminal for it, for each officer who gave the password here. It opens
nothing without the PIN; the server ends it after some hours or five wrong ones."""

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from handover import clock
from handover.client.files import read_as, remove_durably, write_durably
from handover.client.server import Server, file_name


class Kept(BaseModel):
    """One officer's."""

    model_config = ConfigDict(frozen=True)

    username: str
    seat: str = Field(repr=False)
    until: datetime


def keep(server: Server, username: str, seat: str | None, expires_in: int | None) -> None:
    """Keeps what was given; what was given before is of no use any more."""
    if seat is None or expires_in is None:
        forget(server, username)
        return
    kept = Kept(username=username, seat=seat, until=clock.now() + timedelta(seconds=expires_in))
    write_durably(_path(server, username), kept.model_dump_json())


def of(server: Server, username: str) -> Kept | None:
    """What is kept for this officer; None where only the password does."""
    return _read(_path(server, username.strip().lower()))


def names(server: Server) -> list[str]:
    """Who may come back here by PIN, by user name."""
    found = (_read(path) for path in sorted((server.folder / "seats").glob("*.json")))
    return [one.username for one in found if one is not None]


def forget(server: Server, username: str) -> None:
    """The password is wanted."""
    path = _path(server, username)
    if path.exists():
        remove_durably(path)


def _path(server: Server, username: str) -> Path:
    return server.folder / "seats" / f"{file_name(username)}.json"


def _read(path: Path) -> Kept | None:
    kept = read_as(Kept, path)
    return kept if kept is not None and kept.until > clock.now() else None
