"""Every permission there is. Each is a pure function that returns its reason, or a falsy refusal with the reason in
words.

Two questions are kept apart, because their refusals differ: *may this role or scope do this at all* (else 403), and
*may this reader see this very thing* (else it does not exist: 404, and absent from every list, count, search and feed).

What a reader may see is stated as data (`sights`), so that one decision serves a single note (`may_read`), an SQL
filter and an open feed alike.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

ROLES = ("officer", "supervisor", "governor", "health", "chaplain", "assessor", "auditor", "admin", "guest")
SCOPES = (
    "notes:read",
    "notes:write",
    "needs:read",
    "needs:write",
    "handovers:read",
    "events:read",
    "roster:read",
    "roster:write",
)
HANDLING = ("UNIT", "ESTABLISHMENT", "HEALTH", "SECURITY", "COMPLAINT")
WIDE = ("UNIT", "ESTABLISHMENT")
"""Classes that everybody on the unit may read: only their words go on paper, which lies there."""
UNMENTIONED = ("COMPLAINT",)
"""Classes of which nothing is mentioned on the unit, not even that there is something."""
STAYS_BEHIND = ("COMPLAINT",)
"""Classes that do not go along with a person who moves: a complaint is for the governor of the prison it is about."""
CLIENT_HANDLING = ("UNIT", "ESTABLISHMENT")
"""What an integration is bound to when nothing is said."""

MANAGERS = frozenset({"supervisor", "governor"})
_WRITERS = frozenset({"officer", "supervisor", "governor", "health", "chaplain", "assessor"})
_STAFF = frozenset(ROLES) - {"guest"}
_HOLDERS = frozenset({"officer"}) | MANAGERS
"""Who can be answerable for a unit: hand it over, take it over, ask about it."""

_ALLOWED: dict[str, tuple[frozenset[str], str | None]] = {
    # operation: (roles that may, scope an integration needs)
    "notes.record": (_WRITERS | {"guest"}, "notes:write"),
    "notes.read": (frozenset(ROLES), "notes:read"),
    "notes.amend": (_WRITERS | {"guest"}, "notes:write"),
    "receipts.record": (_WRITERS | {"guest"}, "notes:write"),
    "needs.read": (frozenset(ROLES), "needs:read"),
    "needs.change": (_WRITERS, "needs:write"),
    "events.read": (frozenset(ROLES), "events:read"),
    "roster.read": (_STAFF, "roster:read"),
    "listening.read": (MANAGERS, "roster:read"),
    "handovers.read": (_STAFF, "handovers:read"),
    "handovers.give": (_HOLDERS, None),
    "attention.change": (_WRITERS, "notes:write"),
    "roster.write": (frozenset({"admin", "operator"}), "roster:write"),
    "roster.move": (frozenset({"admin", "operator"}) | MANAGERS, "roster:write"),
    "access-log.read": (frozenset({"auditor"}), None),
    "pin.use": (_WRITERS | {"guest"}, None),
    "pages.pass": (frozenset(ROLES), None),
}
"""Which roles may do what at all, and the scope another system needs for it. An operation that is not here does not
exist."""

ROLE_SCOPES: dict[str, tuple[str, ...]] = {
    role: tuple(
        scope for scope in SCOPES if any(role in roles for roles, needed in _ALLOWED.values() if needed == scope)
    )
    for role in (*ROLES, "operator")
}
"""What each role may do, in the words of scopes: what its tokens say."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody we know: a member of staff, or another system."""

    kind: Literal["user", "client"]
    id: str
    username: str
    name: str
    role: str
    establishments: frozenset[str]
    units: frozenset[tuple[str, str]] = frozenset()
    scopes: frozenset[str] = frozenset()
    handling: frozenset[str] = frozenset()

    def units_in(self, establishment: str) -> frozenset[str]:
        """The units of one establishment that this person belongs to."""
        return frozenset(unit for place, unit in self.units if place == establishment)


class Verdict(NamedTuple):
    """Yes or no, and why. It is truthy when the answer is yes."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision about reading one thing may rest on. `also_unit`: a second unit of the establishment that it
    lies in (a need whose person is on the way, a handover of such a person)."""

    establishment: str
    unit: str
    handling: str
    author: str | None
    status: str = "ACTIVE"
    also_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """One class of things a reader sees in one establishment. `units` None means every unit."""

    establishment: str
    handling: str
    reason: str
    units: frozenset[str] | None = None
    except_units: frozenset[str] = field(default=frozenset())
    status: str | None = None

    def covers(self, thing: Facts) -> bool:
        """Whether the thing is of this class."""
        return (
            thing.establishment == self.establishment
            and thing.handling == self.handling
            and (self.units is None or thing.unit in self.units or thing.also_unit in self.units)
            and thing.unit not in self.except_units
            and thing.also_unit not in self.except_units
            and (self.status is None or thing.status == self.status)
        )


def operator(name: str, establishments: Iterable[str]) -> Principal:
    """Whoever types commands on the server itself: keeps accounts and roster, reads nobody's notes."""
    return Principal("user", "operator", name, name, "operator", frozenset(establishments))


def may(who: Principal, operation: str) -> Verdict:
    """Whether this role (or this integration's scopes) allows the operation at all."""
    roles, scope = _ALLOWED[operation]
    if who.kind == "client":
        if scope is None:
            return Verdict(False, "Other systems cannot do this; a person with the right role can.")
        if scope in who.scopes:
            return Verdict(True, f"scope {scope}")
        return Verdict(False, f"This needs the scope {scope}; ask whoever runs this service to add it to your client.")
    if who.role in roles:
        return Verdict(True, f"role {who.role}")
    return Verdict(False, f"The role {who.role} may not do this; these may: {', '.join(sorted(roles))}.")


def sights(who: Principal) -> tuple[Sight, ...]:
    """Everything this reader sees of notes and needs, apart from what he or she wrote."""
    return tuple(sight for place in sorted(who.establishments) for sight in _sights_in(who, place))


def _sights_in(who: Principal, place: str) -> Iterable[Sight]:
    if who.kind == "client":
        for handling in sorted(who.handling):
            yield Sight(place, handling, f"bound to the class {handling}")
        return
    if who.role in ("guest", "operator"):
        return
    own = who.units_in(place)
    yield Sight(place, "ESTABLISHMENT", "staff of the establishment")
    if who.role in MANAGERS:
        yield Sight(place, "UNIT", f"{who.role} of the establishment")
        yield Sight(place, "SECURITY", f"{who.role} of the establishment")
    elif own:
        yield Sight(place, "UNIT", "staff of the unit", units=own)
    if who.role == "health":
        yield Sight(place, "HEALTH", "health staff")
    if who.role == "governor":
        yield Sight(place, "COMPLAINT", "governor, not of the unit concerned", except_units=own)
    if who.role == "auditor":
        for handling in HANDLING:
            # "Never the unit concerned" holds for an auditor who is staff there, too.
            concerned = own if handling == "COMPLAINT" else frozenset[str]()
            yield Sight(place, handling, "auditor, for what was retracted", except_units=concerned, status="RETRACTED")


def may_read(who: Principal, thing: Facts, seen: tuple[Sight, ...] | None = None) -> Verdict:
    """Whether this reader may see this note or need. Pass `seen` (from `sights`) where many things are judged for
    one reader."""
    if thing.author is not None and thing.author == who.id:
        return Verdict(True, "the author can always read what he or she wrote")
    for sight in sights(who) if seen is None else seen:
        if sight.covers(thing):
            return Verdict(True, sight.reason)
    return Verdict(False, "not in this reader's sight")


def may_read_sealed(who: Principal, thing: Facts) -> Verdict:
    """Whether this reader may have the text of a retracted note: the auditor of its establishment alone."""
    if who.kind == "user" and who.role == "auditor" and thing.establishment in who.establishments:
        return Verdict(True, "auditor")
    return Verdict(False, "the text of a retracted note is for the auditor alone")


def may_amend(who: Principal, note: Facts) -> Verdict:
    """Whether this person may correct or retract a note he or she can read: its author, or a manager of the
    establishment."""
    if note.author == who.id:
        return Verdict(True, "the author")
    if who.kind == "user" and who.role in MANAGERS and note.establishment in who.establishments:
        return Verdict(True, f"{who.role} of the establishment")
    return Verdict(
        False, "Only the author, a supervisor or the governor may correct or retract a note; ask one of them."
    )


def may_read_handover(
    who: Principal, places: Iterable[tuple[str, str]], author: str | None, seen: tuple[Sight, ...] | None = None
) -> Verdict:
    """Whether this reader may see a handover: whoever may read what is for the unit, in the unit that takes over or in
    the one that hands over (`places`: establishment and unit of each), and whoever offered it."""
    return may_read_anywhere(who, places, "UNIT", author, seen)


def may_read_anywhere(
    who: Principal,
    places: Iterable[tuple[str, str]],
    handling: str,
    author: str | None,
    seen: tuple[Sight, ...] | None = None,
) -> Verdict:
    """Whether this reader may see something of this class that lies in several units: who may in one of them may. But a
    complaint is for the staff of none of them: it may be about each."""
    verdict = Verdict(False, "not in this reader's sight")
    lies = tuple(places)
    if handling == "COMPLAINT" and author != who.id and not who.units.isdisjoint(lies):
        return Verdict(False, "a complaint, and staff of a unit it lies in")
    for place, unit in lies:
        verdict = may_read(who, Facts(place, unit, handling, author), seen)
        if verdict:
            break
    return verdict


def handover_reach(offered_by: str, about: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """By which classes, and as whose, a change to a handover is told (`may_hear_of_handover`). `about`: class and
    author of each item that it is about; where there are none, or one is of the class by which handovers are read, it
    is told to all who read the handover, as whoever offered it."""
    items = {(handling, offered_by if handling in WIDE else author) for handling, author in about}
    return items if items and all(handling != "UNIT" for handling, _ in items) else {("UNIT", offered_by)}


def may_hear_of_handover(who: Principal, told: Facts, seen: tuple[Sight, ...] | None = None) -> Verdict:
    """Whether this reader may learn of a change to a handover: whoever may read what it is about, and the handover. To
    have written an item that is for few is no right to the handover it lies in."""
    handover = replace(told, handling="UNIT", author=told.author if told.handling in WIDE else None)
    return may_read(who, handover, seen) and may_read(who, told, seen)


def may_hold(who: Principal, establishment: str, unit: str) -> Verdict:
    """Whether this person may hand a unit over or take it over: its staff, and the managers of its establishment."""
    if (establishment, unit) in who.units:
        return Verdict(True, "staff of the unit")
    if who.role in MANAGERS and establishment in who.establishments:
        return Verdict(True, f"{who.role} of the establishment")
    return Verdict(False, "Only staff of the unit, a supervisor or the governor can hand it over or take it over.")


def may_withdraw(who: Principal, establishment: str, whose: Collection[str | None]) -> Verdict:
    """Whether this person may take an offer back that he or she can read: whoever offered it or has the unit (`whose`),
    and the managers of its establishment."""
    if who.id in whose:
        return Verdict(True, "his or her own")
    if who.kind == "user" and who.role in MANAGERS and establishment in who.establishments:
        return Verdict(True, f"{who.role} of the establishment")
    return Verdict(False, "Whoever offered it, whoever the unit is with, or a manager takes an offer back.")


def answers_for(who: Principal) -> frozenset[tuple[str, str]]:
    """The units, with their establishments, whose staff this person is and for which he or she can be answerable:
    somebody who hears what is told there, and can go."""
    return who.units if who.kind == "user" and who.role in _HOLDERS else frozenset()


def may_use_pin(who: Principal, allowing: Collection[str]) -> Verdict:
    """Whether this person may come back to a terminal by PIN. Whoever keeps rosters or reads the access log gives the
    password; and as a login opens all the prisons one belongs to, each of them must allow it (`allowing`)."""
    verdict = may(who, "pin.use")
    if not verdict:
        return verdict
    refusing = sorted(who.establishments - set(allowing))
    if refusing or not who.establishments:
        return Verdict(False, f"No PIN is allowed in {' and '.join(refusing) or 'no prison'}: give the password.")
    return Verdict(True, "allowed in each of the establishments")


def belongs(who: Principal, establishment: str) -> Verdict:
    """Whether the establishment is one of the caller's."""
    if establishment in who.establishments:
        return Verdict(True, "bound to the establishment")
    return Verdict(False, "not one of the caller's establishments")
