"""The files a page is made of, read when the first of them is asked for. Their address has a digest of them all, so a
browser may keep them for good and never mixes two releases."""

import re
from dataclasses import dataclass
from functools import cache
from gzip import compress
from hashlib import sha256
from importlib.resources import files

from fastapi import Request
from starlette.responses import Response

from handover.accepting import packed
from handover.board import words
from handover.errors import NotFound
from handover.schemas import exercises

KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"
_FOR_READERS = {
    ".js": re.compile(rb"^ *//.*$|^ +|(?<=[;{},]) +// .*$", re.MULTILINE),
    ".css": re.compile(rb"/\*.*?\*/|^ +", re.MULTILINE),
}
"""Comments and indentation: an eighth of what a first visit takes over the wire. The lines keep their numbers."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent."""

    kind: str
    plain: bytes
    packed: bytes


@cache
def shipped() -> dict[str, File]:
    """All of them, by name. Packing them takes as long as a tenth of a start."""
    found = {}
    for one in sorted((files("handover.board") / "static").iterdir(), key=lambda entry: entry.name):
        dot = one.name.rfind(".")
        if one.name[dot:] in KINDS:
            kind, plain = one.name[dot:], one.read_bytes()
            plain = _FOR_READERS[kind].sub(b"", plain) if kind in _FOR_READERS else plain
            found[one.name] = File(KINDS[kind], plain, compress(plain, mtime=0))
    for language in words.offered():
        told = words.as_script(words.of(language))
        found[f"words.{language}.json"] = File("application/json", told, compress(told, mtime=0))
    for language in exercises.offered():
        lesson = exercises.exercises(language).model_dump_json(exclude_none=True).encode()
        found[f"exercises.{language}.json"] = File("application/json", lesson, compress(lesson, mtime=0))
    return found


@cache
def digest() -> str:
    """What tells this release's files from those of any other."""
    return sha256(b"".join(name.encode() + file.plain for name, file in shipped().items())).hexdigest()[:16]


def answer(request: Request, release: str, name: str) -> Response:
    """One of the files, packed where the browser can unpack it."""
    file = shipped().get(name)
    if file is None or release != digest():
        raise NotFound("There is no such file in this release; load the page anew.")
    smaller = packed(request.headers.get("accept-encoding", ""))
    etag = '"gzip"' if smaller else '"plain"'  # which release's is in the address
    headers = {"Cache-Control": FOR_GOOD, "ETag": etag, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if smaller:
        return Response(file.packed, 200, {**headers, "Content-Encoding": "gzip"}, file.kind)
    return Response(file.plain, 200, headers, file.kind)
