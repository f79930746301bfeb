"""Plays a hand-written week into a practice store: every act at its own time, by its own person, through the same
services as real ones."""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from handover.domain.access import Principal, operator
from handover.domain.shifts import ShiftStart
from handover.errors import StoreNotReady
from handover.practice import changeovers
from handover.practice.changeovers import Act
from handover.schemas.needs import NeedChange
from handover.schemas.notes import AttentionDraft, CorrectionDraft, NoteDraft, ReceiptDraft, RetractionDraft
from handover.schemas.roster import EstablishmentDraft, InmateDraft, UnitDraft
from handover.services import accounts, needs, notes, opening, roster
from handover.services.accounts import PRACTICE_PASSWORD
from handover.services.passwords import Hasher
from handover.services.timers import fire
from handover.services.unit_of_work import Asker, Desk, UnitOfWork, given
from handover.settings import Settings
from handover.store import timers

RECORDED_AFTER_MIN = 4
TAKEN_AFTER = timedelta(minutes=5)
TAKERS = ("z.marsh", "v.mortimer")
"""Who takes what calls for somebody at once: one of them never wrote it, and both know every wing."""
_NOT_IN_A_DRAFT = {"key", "day", "at", "recorded_after_min", "by", "needs"}


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody to log in as."""

    username: str
    name: str
    role: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prison:
    """What was set up: whom to log in as, and the secrets of its clients."""

    name: str
    code: str
    staff: tuple[Staff, ...]
    people: dict[str, Principal]
    clients: dict[str, str]


_Do = Callable[[UnitOfWork], None]
_Moment = Callable[[int, str], datetime]
_Made = dict[str, dict[str, Any]]


def build(settings: Settings, now: datetime) -> Prison:
    """Fills an empty practice store with the week that ends now."""
    moment = [now - timedelta(days=8)]
    desk = opening.open_desk(settings, lambda: moment[0], practice=True)
    hasher = Hasher(settings)
    try:
        if not desk.store.identity.practice:
            raise StoreNotReady("The practice prison is only ever set up in a practice store.")
        prison = _set_up(desk, hasher)
        for act in sorted([*_acts(now), *_changeovers(prison, now)], key=lambda act: act.at):
            _come_to(desk, moment, act.at)
            desk.do(Asker(prison.people[act.by], "127.0.0.1"), act.do)
        _come_to(desk, moment, now)
        return prison
    finally:
        hasher.close()
        desk.store.close()


def _come_to(desk: Desk, moment: list[datetime], at: datetime) -> None:
    """Lets time go by: what comes due on the way happens at its own time, as in a real prison."""
    while due := desk.store.read(lambda conn: timers.due(conn, at, 1)).result():
        moment[0] = max(moment[0], due[0][0])
        desk.do(Asker(None), lambda uow: fire(uow, *due[0]))
    moment[0] = max(moment[0], at)


def _changeovers(prison: Prison, now: datetime) -> Iterator[Act]:
    place = _read("prison.toml")["establishment"]
    pattern = tuple(ShiftStart(one["code"], time.fromisoformat(one["starts"])) for one in place["shifts"])
    officers: dict[str, list[str]] = {}
    for one in prison.staff:
        if one.role == "officer" and len(one.units) == 1:
            officers.setdefault(one.units[0], []).append(one.username)
    yield from changeovers.acts(prison.code, pattern, ZoneInfo(place["timezone"]), now, officers)
    for moving in _read("prison.toml")["moving"]:
        where = {name: moving[name] for name in ("number", "unit", "cell", "by", "reason")}
        yield changeovers.move(prison.code, now=now, **where)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("handover.practice") / name).read_text("utf-8"))


def _set_up(desk: Desk, hasher: Hasher) -> Prison:
    raw = _read("prison.toml")
    place = raw["establishment"]
    code = place["code"]
    keeper = Asker(operator("practice", {code}))
    draft = EstablishmentDraft.model_validate({k: v for k, v in place.items() if k != "code"})
    desk.do(keeper, lambda uow: roster.put_establishment(uow, code, draft))

    def put_unit(uow: UnitOfWork, unit: dict[str, str]) -> None:
        roster.put_unit(uow, code, unit["code"], UnitDraft(name=unit["name"]))

    def put_person(uow: UnitOfWork, person: dict[str, str]) -> None:
        entry = {k: v for k, v in person.items() if k != "number"}
        roster.put_inmate(uow, person["number"], InmateDraft.model_validate({**entry, "establishment": code}))

    for unit in raw["units"]:
        desk.do(keeper, given(put_unit, unit))
    for future in [desk.submit(keeper, given(put_person, person)) for person in _read("people.toml")["people"]]:
        future.result()
    staff = tuple(Staff(s["username"], s["name"], s["role"], tuple(s.get("units", ()))) for s in raw["staff"])
    people = {}
    for one in staff:
        id_ = desk.do(keeper, given(partial(_account, hasher=hasher, code=code), one))
        people[one.username] = _principal(one, id_, code)
    clients = {}
    for client in raw["clients"]:
        clients[client["id"]] = desk.do(keeper, given(partial(_client, hasher=hasher, code=code), client))
    return Prison(place["name"], code, staff, people, clients)


def _account(uow: UnitOfWork, one: Staff, hasher: Hasher, code: str) -> str:
    return accounts.add_user(
        uow,
        hasher,
        one.username,
        name=one.name,
        role=one.role,
        places=[(code, unit) for unit in one.units] or [(code, "")],
        password=PRACTICE_PASSWORD,
        practice=True,
    )


def _client(uow: UnitOfWork, client: dict[str, Any], hasher: Hasher, code: str) -> str:
    return accounts.add_client(
        uow,
        hasher,
        client["id"],
        name=client["name"],
        scopes=client["scopes"],
        establishments=[code],
        handling=client.get("handling", ()),
    )


def _principal(one: Staff, id_: str, code: str) -> Principal:
    return Principal(
        kind="user",
        id=id_,
        username=one.username,
        name=one.name,
        role=one.role,
        establishments=frozenset({code}),
        units=frozenset((code, unit) for unit in one.units),
    )


def _acts(now: datetime) -> list[Act]:
    """The week's acts; what would lie in the future is left out."""
    zone = ZoneInfo(_read("prison.toml")["establishment"]["timezone"])
    today = now.astimezone(zone).date()

    def moment(day: int, at: str) -> datetime:
        return datetime.combine(today + timedelta(days=day), time.fromisoformat(at), zone).astimezone(UTC)

    made: dict[str, dict[str, Any]] = {}
    acts: list[Act] = []
    for file in sorted(f.name for f in files("handover.practice").iterdir() if f.name.startswith("week_")):
        week = _read(file)
        for raw in week.get("notes", ()):
            occurred = moment(raw["day"], raw["at"])
            recorded = occurred + timedelta(minutes=raw.get("recorded_after_min", RECORDED_AFTER_MIN))
            draft = _draft(raw, moment).model_copy(update={"occurred_at": occurred, "captured_at": recorded})
            key = raw.get("key", f"{file} {len(acts)}")
            acts.append(Act(recorded, raw["by"], _recording(draft, key, made)))
            if draft.attention == "ACT_NOW":
                by = next(name for name in TAKERS if name != raw["by"])
                taken = {"note": key, "receipt": "ACCEPTED"}
                acts.append(Act(recorded + TAKEN_AFTER, by, _receipt(taken, made, moment)))
        for raw in week.get("acts", ()):
            at = moment(raw["day"], raw["at"])
            acts.append(Act(at, raw["by"], _ACTS[raw["kind"]](raw, made, moment)))
    return [act for act in acts if act.at <= now]


def _draft(raw: dict[str, Any], moment: _Moment) -> NoteDraft:
    needs_ = [
        {
            **{k: v for k, v in need.items() if not k.startswith("due_")},
            "due_at": moment(need["due_day"], need["due_at"]),
        }
        if "due_at" in need
        else need
        for need in raw.get("needs", ())
    ]
    said = {k: v for k, v in raw.items() if k not in _NOT_IN_A_DRAFT}
    return NoteDraft.model_validate({**said, "needs": needs_})


def _recording(draft: NoteDraft, key: str, made: _Made) -> _Do:
    def do(uow: UnitOfWork) -> None:
        made[key] = orjson.loads(notes.record(uow, draft).document)

    return do


def _need(raw: dict[str, Any], made: _Made, moment: _Moment) -> _Do:
    del moment
    change = NeedChange.model_validate({k: raw[k] for k in ("status", "outcome", "reason", "owner") if k in raw})
    return lambda uow: void(needs.change(uow, made[raw["note"]]["needs"][raw["need"]]["id"], None, change))


def _receipt(raw: dict[str, Any], made: _Made, moment: _Moment) -> _Do:
    del moment
    draft = ReceiptDraft(kind=raw["receipt"], text=raw.get("text"))
    return lambda uow: void(notes.acknowledge(uow, made[raw["note"]]["id"], draft))


def _correction(raw: dict[str, Any], made: _Made, moment: _Moment) -> _Do:
    draft = CorrectionDraft(reason=raw["reason"], note=_draft(raw["draft"], moment))

    def do(uow: UnitOfWork) -> None:
        made[raw["note"]] = orjson.loads(notes.correct(uow, made[raw["note"]]["id"], draft).document)

    return do


def _retraction(raw: dict[str, Any], made: _Made, moment: _Moment) -> _Do:
    del moment
    draft = RetractionDraft(reason=raw["reason"], detail=raw.get("detail"))
    return lambda uow: void(notes.retract(uow, made[raw["note"]]["id"], draft))


def _closing(raw: dict[str, Any], made: _Made, moment: _Moment) -> _Do:
    del moment
    draft = AttentionDraft(close=True, reason=raw["reason"])
    return lambda uow: void(notes.attend(uow, made[raw["note"]]["id"], draft))


def void(_value: object) -> None:
    """Drops an answer nobody needs."""


_ACTS = {
    "need": _need,
    "receipt": _receipt,
    "correction": _correction,
    "retraction": _retraction,
    "attention": _closing,
}
