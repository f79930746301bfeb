"""A unit's sheet: read, sealed again, and held against the service's log."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handover.client.http import Api
from handover.client.resources import Document, read
from handover.schemas.common import in_utc

UNSEALED = ("hash", "given_at")
"""What a sheet says about itself; all else is what it says about the unit, and is sealed."""


def seal(sheet: Mapping[str, Any]) -> str:
    """The hash of a sheet as it was answered: SHA-256 over its canonical JSON (sorted keys, no blanks, UTF-8), without
    the hash itself and the moment it was given out. The file may be set out with blanks and in any order."""
    rest = {name: value for name, value in sheet.items() if name not in UNSEALED}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sheet_of(api: Api, establishment: str, unit: str, at: datetime | None = None) -> Document:
    """The unit as it stands, or as it was known to stand then."""
    params = {"at": in_utc(at)} if at is not None else None
    return read(api, f"/v1/establishments/{establishment}/units/{unit}/sheet", params)


def without(sheet: Any, id_: str, status: str) -> Any:
    """A sheet, or a part of one, that says nothing of a note or need that was taken back or corrected, nor of the needs
    of a note that was taken back; those of one that was corrected go on. An incident that began with it comes back with
    the next sheet, if it goes on."""
    if isinstance(sheet, list):
        return [without(one, id_, status) for one in sheet if not (isinstance(one, dict) and _says(one, id_, status))]
    return {name: without(one, id_, status) for name, one in sheet.items()} if isinstance(sheet, dict) else sheet


def _says(one: Mapping[str, Any], id_: str, status: str) -> bool:
    if id_ in (one.get("id"), one.get("need"), (one.get("began") or {}).get("id")):
        return True
    # What has an id of its own and names a note is a need; else it repeats the note.
    of_need = "id" in one or one.get("need") is not None
    return id_ == one.get("note") and not (of_need and status == "CORRECTED")


def given(api: Api, establishment: str, unit: str, hash_: str, given_at: datetime) -> Document:
    """To whom a sheet with this hash was given out then; ServerRefused 404 where none was."""
    path = f"/v1/establishments/{establishment}/units/{unit}/sheets/{hash_}"
    return read(api, path, {"given_at": in_utc(given_at)})
