"""Which version of a thing an officer has last seen on this machine, so that a change says what it rests on.

A list is read, and minutes later something in it is changed. If somebody was quicker, the officer has to hear of it: so
the version on the screen is kept, and sent along with the change.
"""

import json
from collections.abc import Mapping
from contextlib import suppress

from handover.client.files import read_json, write_durably
from handover.client.server import Server, file_name

_MOST = 1000


def versions_seen(server: Server, reader: str) -> dict[str, int]:
    """Id → version, the longest ago first."""
    kept = read_json(server.folder / "seen" / f"{file_name(reader)}.json") or {}
    return {id_: version for id_, version in kept.items() if isinstance(version, int)}


def keep_seen(server: Server, reader: str, versions: Mapping[str, int]) -> None:
    """Keeps what was just shown; of older things, the newest."""
    known = {id_: one for id_, one in versions_seen(server, reader).items() if id_ not in versions} | dict(versions)
    newest = dict(list(known.items())[-_MOST:])
    # Where the disk is full, the change rests on what is there now.
    with suppress(OSError):
        write_durably(server.folder / "seen" / f"{file_name(reader)}.json", json.dumps(newest))
