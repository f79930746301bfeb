"""The code lists as last served, kept on disk so that words can be checked without a network."""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

from handover import clock
from handover.client.files import read_as, write_durably
from handover.client.http import Api
from handover.client.refusals import Trouble
from handover.client.server import Server
from handover.languages import ENGLISH
from handover.schemas.codelists import CodeEntry, CodeList, CodeLists

_STALE_AFTER = timedelta(hours=1)


class _Kept(BaseModel):
    asked_at: datetime
    etag: str | None
    lists: CodeLists


def lists_for(api: Api, language: str = ENGLISH) -> dict[str, CodeList]:
    """The lists by name, the newest to be had: asked for with the ETag of what is kept, or else what is kept."""
    kept = _kept(api.server, language)
    headers = {"Accept-Language": language} | ({"If-None-Match": kept.etag} if kept and kept.etag else {})
    with suppress(Trouble):
        answer = api.call("GET", "/v1/codelists", headers=headers, timeout_s=5)
        if kept is not None and answer.status_code == 304:
            kept = kept.model_copy(update={"asked_at": clock.now()})
        else:
            kept = _Kept(asked_at=clock.now(), etag=answer.headers.get("etag"), lists=api.read(answer, CodeLists))
        # A disk that is full must not keep anyone from using what the server has just said.
        with suppress(OSError):
            write_durably(_file(api.server, language), kept.model_dump_json())
    return kept_lists(api.server) if kept is None else _by_name(kept.lists)


def lists_are_stale(server: Server, language: str = ENGLISH) -> bool:
    """Whether it is time to ask for the lists again."""
    kept = _kept(server, language)
    return kept is None or abs(clock.now() - kept.asked_at) > _STALE_AFTER


def kept_lists(server: Server, language: str = ENGLISH) -> dict[str, CodeList]:
    """The lists by name as they were last served, in English where they never were in this language; empty where they
    never were at all."""
    kept = _kept(server, language) or _kept(server, ENGLISH)
    return {} if kept is None else _by_name(kept.lists)


def entry(lists: dict[str, CodeList], name: str, code: str | None) -> CodeEntry | None:
    """What a list says about a code; None where the list or the code is not known here."""
    found = lists.get(name)
    return None if found is None else next((item for item in found.items if item.code == code), None)


def label(lists: dict[str, CodeList], name: str, code: str | int | None) -> str:
    """The words for a code; the code itself where nothing better is known."""
    found = entry(lists, name, str(code))
    return found.label if found else str(code).replace("_", " ").lower()


def _file(server: Server, language: str) -> Path:
    """A file for each language: what the codes are called differs, and an ETag is of one of them."""
    return server.folder / ("codelists.json" if language == ENGLISH else f"codelists.{language}.json")


def _kept(server: Server, language: str) -> _Kept | None:
    return read_as(_Kept, _file(server, language))


def _by_name(lists: CodeLists) -> dict[str, CodeList]:
    return {item.name: item for item in lists.items}
