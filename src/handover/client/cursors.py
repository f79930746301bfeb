"""How far a reader has come, kept on disk so that a restart goes on where it stopped."""

import json
from datetime import datetime
from pathlib import Path

from handover.client.files import write_durably
from handover.client.server import Server, file_name


def cursor_file(server: Server, reader: str, *wanted: str | None) -> Path:
    """Where the cursor of this reader and filter is kept."""
    return server.folder / "cursors" / f"{file_name(reader, reader, *(part or '' for part in wanted))}.json"


def read_cursor(path: Path) -> tuple[str, datetime | None] | None:
    """The cursor kept in a file, and when it was kept; None where there is none. Raises OSError where the disk does not
    give it: whoever began without it would pass over what came since."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("cursor"), str) or not found["cursor"]:
        return None
    try:
        return found["cursor"], datetime.fromisoformat(str(found.get("at")))
    except ValueError:
        return found["cursor"], None


def write_cursor(path: Path, cursor: str, now: datetime) -> None:
    """Keeps the cursor, and when that was, on the service's clock. Write it only after what came before it is safe: a
    cursor ahead of its reader loses events."""
    write_durably(path, json.dumps({"cursor": cursor, "at": now.isoformat()}) + "\n")
