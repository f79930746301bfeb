"""What time it is where the service is. This machine's clock may be an hour wrong, and what is promised for six is
meant on the prison's."""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from handover import clock
from handover.client.files import read_json, write_durably
from handover.client.server import Server

_NONE = timedelta(0)
_SMALL = timedelta(seconds=2)
"""What a `Date` in whole seconds may make of two clocks that agree."""
_known: dict[Path, timedelta] = {}


def now(server: Server) -> datetime:
    """The present instant, as the service's last answer has it."""
    return clock.now() + behind(server)


def behind(server: Server) -> timedelta:
    """How much later it is there than this machine says; kept on disk for commands that reach nobody."""
    if server.folder not in _known:
        kept = (read_json(_file(server)) or {}).get("behind_s")
        _known[server.folder] = timedelta(seconds=kept) if isinstance(kept, int | float) else _NONE
    return _known[server.folder]


def heard(server: Server, date: datetime | None, asked: datetime) -> None:
    """The service has said what time it is there, at some moment since it was `asked`: an answer may be long on its
    way, and is no reason to doubt what fits it."""
    if date is None:
        return
    found = min(max(behind(server), date - clock.now()), date - asked)
    found = found if abs(found) >= _SMALL else _NONE
    if abs(found - behind(server)) >= _SMALL:
        _known[server.folder] = found
        with suppress(OSError):  # a full disk keeps nobody from asking
            write_durably(_file(server), f'{{"behind_s": {found.total_seconds()}}}\n')


def _file(server: Server) -> Path:
    return server.folder / "clock.json"
