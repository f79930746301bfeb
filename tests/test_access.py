"""Who may read and do what: the contract's rules as a table, the decisions held against it, and every way in against
the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handover.domain.access import (
    CLIENT_HANDLING,
    WIDE,
    Facts,
    Principal,
    belongs,
    handover_reach,
    may,
    may_amend,
    may_hear_of_handover,
    may_hold,
    may_read,
    may_read_anywhere,
    may_read_handover,
    may_read_sealed,
    may_withdraw,
    operator,
    sights,
)
from tests.support.rights import ALIKE, HANDLING, RELATIONS, ROLES, change, reads, relation_to
from tests.support.service import Caller, Prison, Service

UNIT, OTHER = "A", "B"


def somebody(role: str, relation: str) -> Principal:
    """A member of staff of ALM who stands so to unit A; the writer has gone to BEL since."""
    postings = {"U": [("ALM", "A")], "O": [("ALM", "B")], "E": [], "X": [("BEL", "A")], "W": [("BEL", "A")]}[relation]
    place = "BEL" if relation in "XW" else "ALM"
    id_ = "writer" if relation == "W" else "reader"
    return Principal("user", id_, id_, id_, role, frozenset({place}), frozenset(postings))


def system(
    *handling: str, place: str = "ALM", scopes: tuple[str, ...] = ("notes:read",), id_: str = "offices"
) -> Principal:
    """Another system, bound to a prison and to classes."""
    bound = frozenset(handling)
    return Principal("client", id_, id_, id_, "integration", frozenset({place}), frozenset(), frozenset(scopes), bound)


def note(handling: str, unit: str = UNIT, author: str = "writer", status: str = "ACTIVE") -> Facts:
    return Facts("ALM", unit, handling, author, status)


@pytest.mark.parametrize("status", ["ACTIVE", "CORRECTED", "RESTRICTED", "RETRACTED"])
@pytest.mark.parametrize("role", ROLES)
def test_staff_read_what_the_contract_says_and_nothing_else(role: str, status: str) -> None:
    for handling in HANDLING:
        for relation in RELATIONS:
            verdict = may_read(somebody(role, relation), note(handling, status=status))
            assert bool(verdict) is reads(role, handling, relation, status), (handling, relation, verdict.reason)
            assert verdict.reason, "every decision says why"


@pytest.mark.parametrize("role", ALIKE)
def test_who_sees_what_officers_see_is_asked_for_by_the_same_statements(role: str) -> None:
    for relation in RELATIONS:
        assert sights(somebody(role, relation)) == sights(somebody("officer", relation))


def test_somebody_of_several_units_reads_as_staff_of_each() -> None:
    night = Principal("user", "n", "n", "n", "officer", frozenset({"ALM"}), frozenset({("ALM", "A"), ("ALM", "B")}))
    assert may_read(night, note("UNIT", "A"))
    assert may_read(night, note("UNIT", "B"))
    assert not may_read(night, note("UNIT", "C"))


def test_a_unit_of_the_same_name_elsewhere_is_another_unit() -> None:
    both = Principal("user", "n", "n", "n", "officer", frozenset({"ALM", "BEL"}), frozenset({("BEL", "A")}))
    assert not may_read(both, note("UNIT", "A"))


@pytest.mark.parametrize("bound", [(), *((one,) for one in HANDLING), CLIENT_HANDLING, HANDLING])
def test_another_system_reads_the_classes_it_is_bound_to(bound: tuple[str, ...]) -> None:
    for handling in HANDLING:
        assert bool(may_read(system(*bound), note(handling))) is (handling in bound)
        assert not may_read(system(*bound, place="BEL"), note(handling)), "bound to another prison"
        assert may_read(system(*bound, place="BEL", id_="writer"), note(handling)), "what it wrote itself"
    assert CLIENT_HANDLING == ("UNIT", "ESTABLISHMENT"), "what a client is bound to when nothing is said"


@pytest.mark.parametrize("role", [*ROLES, "integration", "operator"])
def test_the_text_of_a_retracted_note_is_for_the_auditor_of_its_prison_alone(role: str) -> None:
    for relation in RELATIONS:
        here = relation in "UOE"
        verdict = may_read_sealed(somebody(role, relation), note("UNIT", status="RETRACTED"))
        assert bool(verdict) is (role == "auditor" and here)
    assert not may_read_sealed(system(*HANDLING), note("UNIT", status="RETRACTED"))


@pytest.mark.parametrize("role", ROLES)
def test_a_note_is_put_right_by_its_author_or_by_a_manager_of_its_prison(role: str) -> None:
    for relation in RELATIONS:
        expected = relation == "W" or (relation in "UOE" and role in ("supervisor", "governor"))
        assert bool(may_amend(somebody(role, relation), note("UNIT"))) is expected
    assert not may_amend(system(*HANDLING), note("UNIT"))
    assert may_amend(system(id_="writer"), note("UNIT"))


WRITERS = "officer supervisor governor health chaplain assessor"
STAFF = f"{WRITERS} auditor admin"
OPERATIONS = {
    "notes.record": (f"{WRITERS} guest", "notes:write"),
    "notes.amend": (f"{WRITERS} guest", "notes:write"),
    "notes.read": (f"{STAFF} guest", "notes:read"),
    "receipts.record": (f"{WRITERS} guest", "notes:write"),
    "needs.read": (f"{STAFF} guest", "needs:read"),
    "needs.change": (WRITERS, "needs:write"),
    "events.read": (f"{STAFF} guest", "events:read"),
    "roster.read": (STAFF, "roster:read"),
    "handovers.read": (STAFF, "handovers:read"),
    "handovers.give": ("officer supervisor governor", None),
    "attention.change": (WRITERS, "notes:write"),
    "roster.write": ("admin operator", "roster:write"),
    "roster.move": ("admin operator supervisor governor", "roster:write"),
    "access-log.read": ("auditor", None),
}
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


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_for_certain_roles_and_for_one_scope(operation: str) -> None:
    roles, needed = OPERATIONS[operation]
    for role in (*ROLES, "operator"):
        verdict = may(somebody(role, "U"), operation)
        assert bool(verdict) is (role in roles.split()), (role, verdict.reason)
    for scope in SCOPES:
        verdict = may(system(*HANDLING, scopes=(scope,)), operation)
        assert bool(verdict) is (scope == needed), (scope, verdict.reason)


@pytest.mark.parametrize("role", ROLES)
def test_a_handover_is_seen_by_whoever_reads_what_is_for_either_unit(role: str) -> None:
    shift, transfer = [("ALM", "A")], [("BEL", "A"), ("ALM", "A")]
    for relation in RELATIONS:
        who = somebody(role, relation)
        assert bool(may_read_handover(who, shift, "writer")) is reads(role, "UNIT", relation), relation
        # A person who goes from ALM to BEL: whoever is X to the wing that is left is staff of the one that takes over.
        takes_over = reads(role, "UNIT", relation_to("A", "BEL", sorted(who.units)))
        verdict = may_read_handover(who, transfer, "writer")
        assert bool(verdict) is (takes_over or reads(role, "UNIT", relation)), (relation, verdict.reason)
        assert not may_read_handover(who, [], "somebody else"), "it lies nowhere"
    for handling in HANDLING:
        assert bool(may_read_handover(system(handling), shift, "writer")) is (handling == "UNIT")
        assert bool(may_read_handover(system(handling, place="BEL"), transfer, "writer")) is (handling == "UNIT")
        assert not may_read_handover(system(handling, place="BEL"), shift, "writer")


@pytest.mark.parametrize("role", ROLES)
def test_what_lies_in_two_units_is_for_whoever_may_read_it_in_one(role: str) -> None:
    for handling in HANDLING:
        for relation in RELATIONS:
            who = somebody(role, relation)
            relations = {relation, relation_to("A", "BEL", sorted(who.units))} if relation != "W" else {"W"}
            expected = any(reads(role, handling, one) for one in relations)
            if handling == "COMPLAINT" and "U" in relations:
                expected = False  # staff of a unit concerned, whatever else it lies in
            verdict = may_read_anywhere(who, [("BEL", "A"), ("ALM", "A")], handling, "writer")
            assert bool(verdict) is expected, (handling, relation, verdict.reason)


@pytest.mark.parametrize("role", ROLES)
def test_a_complaint_is_never_for_staff_of_a_unit_it_lies_in(role: str) -> None:
    for unit in ("A", "B"):
        who = Principal("user", "r", "r", "r", role, frozenset({"ALM"}), frozenset({("ALM", unit)}))
        assert not may_read_anywhere(who, [("ALM", "B"), ("ALM", "A")], "COMPLAINT", "writer"), unit


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("offered_by", ["writer", "somebody else"])
def test_a_change_to_an_item_is_told_to_whoever_may_read_both_it_and_the_handover(role: str, offered_by: str) -> None:
    for handling in HANDLING:
        [(of, by)] = handover_reach(offered_by, [(handling, "writer")])
        for relation in RELATIONS:
            who = somebody(role, relation)
            told = bool(may_hear_of_handover(who, note(of, author=by)))
            both = may_read_handover(who, [("ALM", "A")], offered_by) and reads(role, handling, relation)
            if relation == "W" and handling not in WIDE:
                assert not told, "not to whoever wrote it and has gone, even if it was he who offered the handover"
            else:
                assert told is bool(both), (handling, relation)
        for bound in HANDLING:
            assert not may_hear_of_handover(system(bound), note(of, author=by)) or bound == handling == "UNIT"
            assert may_hear_of_handover(system(bound, "UNIT"), note(of, author=by)) or handling not in (bound, "UNIT")
    whole = {("UNIT", offered_by)}
    assert handover_reach(offered_by, []) == handover_reach(offered_by, [("HEALTH", "a"), ("UNIT", "b")]) == whole


@pytest.mark.parametrize("role", ROLES)
def test_a_unit_is_held_by_its_staff_and_by_managers_of_its_prison(role: str) -> None:
    for relation in RELATIONS:
        expected = relation == "U" or (relation in "UOE" and role in ("supervisor", "governor"))
        verdict = may_hold(somebody(role, relation), "ALM", "A")
        assert bool(verdict) is expected, (relation, verdict.reason)
    assert not may_hold(system(*HANDLING), "ALM", "A")


@pytest.mark.parametrize("role", ROLES)
def test_an_offer_is_taken_back_by_whose_it_is_and_by_managers_of_its_prison(role: str) -> None:
    for relation in RELATIONS:
        who = somebody(role, relation)
        assert may_withdraw(who, "ALM", ("somebody", who.id))
        manages = relation in "UOE" and role in ("supervisor", "governor")
        assert bool(may_withdraw(who, "ALM", ("somebody", None))) is manages, relation
    assert not may_withdraw(system(*HANDLING), "ALM", ("somebody", None))


def test_the_operator_reads_nobodys_notes() -> None:
    for handling in HANDLING:
        for status in ("ACTIVE", "RETRACTED"):
            assert not may_read(operator("root", ["ALM"]), note(handling, status=status))


def test_whoever_belongs_nowhere_reads_nothing() -> None:
    for role in ROLES:
        nobody = Principal("user", "x", "x", "x", role, frozenset())
        assert not any(may_read(nobody, note(handling, status="RETRACTED")) for handling in HANDLING)
        assert not belongs(nobody, "ALM")


# --- Every way in agrees with every other, whoever asks -----------------------------------------------------------


@dataclass
class World:
    """Two prisons full of notes, and one reader whose rights are changed again and again."""

    service: Service
    here: Prison
    there: Prison
    reader: Caller
    notes: dict[str, dict[str, Any]]
    needs: dict[str, dict[str, Any]]

    def expected(self, role: str, postings: set[tuple[str, str]], things: dict[str, dict[str, Any]]) -> set[str]:
        """What the table says the reader reads."""
        return {
            id_
            for id_, thing in things.items()
            if thing["own"]
            or any(
                reads(role, thing["handling"], relation_to(unit, thing["establishment"], postings), thing["status"])
                for unit in thing["units"]
            )
        }


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    here, there = service.prison(), service.prison()
    places = [(here.code, ""), (there.code, "")]
    reader = here.hire("reader", "supervisor")
    change(service, reader, places=places)
    world = World(service, here, there, reader, {}, {})
    for prison in (here, there):
        keep(world, prison, prison.hire("keyes", "governor"))
    return world


def keep(world: World, prison: Prison, writer: Caller) -> None:
    """Fills a prison: every class on two wings by somebody else and by the reader; some put right, some taken back."""
    for unit, person in (("A", prison.receive("A1")), ("B", prison.receive("B1", "B"))):
        for handling in HANDLING:
            for by in (writer, world.reader):
                remember(world, by, by.note(person, handling=handling, needs=[{"code": "PHONE"}]))
            if unit == "A":
                old = writer.note(person, handling=handling, needs=[{"code": "MAIL"}])
                # A note that is put right says everything again; its needs go on under the new one.
                again = {"basis": "SAW", "fact": "Ate a little.", "handling": handling}
                new = writer.post(f"/v1/notes/{old['id']}/corrections", {"reason": "Looked again.", "note": again})
                remember(world, writer, {**old, "needs": []}, "CORRECTED")
                remember(world, writer, new)
                gone = writer.note(person, handling=handling, needs=[{"code": "FOOD"}])
                writer.post(f"/v1/notes/{gone['id']}/retractions", {"reason": "NOT_TRUE"})
                remember(world, writer, gone, "RETRACTED")
    # Somebody on the way from A to B, whom nobody has accepted: what is open lies in both, but for a complaint.
    moving = prison.receive("M1")
    for handling in HANDLING:
        note = writer.note(moving, handling=handling, needs=[{"code": "PHONE"}])
        remember(world, writer, note, lies=("A",) if handling == "COMPLAINT" else ("A", "B"))
    to = {"establishment": prison.code, "unit": "B", "reason": "Asked."}
    prison.admin.post(f"/v1/inmates/{moving}/moves", to)


def remember(
    world: World, by: Caller, note: dict[str, Any], status: str = "ACTIVE", lies: tuple[str, ...] = ()
) -> None:
    kept = {"establishment": note["establishment"], "units": (note["unit"],), "handling": note["handling"]}
    world.notes[note["id"]] = {**kept, "status": status, "own": by is world.reader}
    kept["units"] = lies or kept["units"]
    for need in note["needs"]:
        # Of a retracted note's need nothing is left to look into, for the auditor either.
        world.needs[need["id"]] = {**kept, "status": "OPEN", "own": by is world.reader}


def everything_read(world: World, reader: Caller, kind: str, things: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Each way in, and the ids it shows."""
    yield "list", {item["id"] for item in reader.all(f"/v1/{kind}", limit=200)}
    single = {id_: reader.http.get(f"/v1/{kind}/{id_}").status_code for id_ in things}
    assert set(single.values()) <= {200, 404}
    yield "single", {id_ for id_, status in single.items() if status == 200}


def everything_heard(events: list[Any], kind: str) -> set[str]:
    return {event["data"]["id"] for event in events if event["type"].startswith(kind)}


def tried(world: World, check: Callable[[World, st.DataObject], None], readers: int) -> None:
    """Checks it for so many readers; for half as many where the statements only go to another engine."""
    embedded = world.service.settings.database_url.startswith("sqlite")
    many = settings(max_examples=readers if embedded else readers // 2)
    many(given(st.data())(lambda data: check(world, data)))()


def test_list_single_pull_and_feed_show_the_same_to_any_reader(world: World) -> None:
    tried(world, shows_the_same_to_any_reader, 9)


def test_list_single_pull_and_feed_show_the_same_to_any_other_system(world: World) -> None:
    tried(world, shows_the_same_to_any_other_system, 5)


def shows_the_same_to_any_reader(world: World, data: st.DataObject) -> None:
    spots = [(prison.code, unit) for prison in (world.here, world.there) for unit in ("", "A", "B")]
    role = data.draw(st.sampled_from(ROLES), "role")
    postings = data.draw(st.sets(st.sampled_from(spots), min_size=1), "postings")
    change(world.service, world.reader, role=role, places=sorted(postings))
    in_reach = {prison for prison, _ in postings}
    pulled, _ = world.reader.pull()
    with world.reader.feed() as feed:
        fed = feed.until_live()
    assert [(e["source"], e["sequence"], e["data"]) for e in sorted(pulled, key=place_of)] == [
        (e["source"], e["sequence"], e["data"]) for e in sorted(fed, key=place_of)
    ]
    for kind, things in (("notes", world.notes), ("needs", world.needs)):
        expected = world.expected(role, postings, things)
        for way, shown in everything_read(world, world.reader, kind, things):
            assert shown == expected, f"{way} of {kind} as {role}"
        # A log is a prison's: what one wrote in another prison is still read there, and no longer heard from there.
        audible = {id_ for id_ in expected if things[id_]["establishment"] in in_reach}
        assert everything_heard(pulled, kind[:-1] + ".") == audible, f"events of {kind} as {role}"


def place_of(event: Any) -> tuple[str, int]:
    return event["source"], event["sequence"]


def shows_the_same_to_any_other_system(world: World, data: st.DataObject) -> None:
    bound = data.draw(st.sets(st.sampled_from(HANDLING), min_size=1), "classes")
    prisons = data.draw(st.sets(st.sampled_from([world.here.code, world.there.code]), min_size=1), "prisons")
    name = f"system{len(world.service.callers)}"
    scopes = ("notes:read", "needs:read", "events:read")
    client = world.here.connect(name, *scopes, handling=tuple(bound), establishments=sorted(prisons))
    pulled, _ = client.pull()
    with client.feed() as feed:
        fed = feed.until_live()
    assert sorted(map(place_of, pulled)) == sorted(map(place_of, fed))
    for kind, things in (("notes", world.notes), ("needs", world.needs)):
        expected = {i for i, t in things.items() if t["handling"] in bound and t["establishment"] in prisons}
        for way, shown in everything_read(world, client, kind, things):
            assert shown == expected, f"{way} of {kind}"
        assert everything_heard(pulled, kind[:-1] + ".") == expected
