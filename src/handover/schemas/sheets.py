"""The sheet: one unit as it stands, on one screen or one page."""

from pydantic import Field

from handover.schemas.common import Id, Person, Resource, Time
from handover.schemas.handovers import RollCount
from handover.schemas.needs import Need
from handover.schemas.notes import Mood, Note
from handover.schemas.roster import Place


class Reason(Resource):
    """Why somebody is on the sheet: a rule that names itself, and its source."""

    rule: str = Field(
        description=(
            "ACT_NOW, WATCH: attention that staff asked for; RAN_OUT: such attention that ended, to be renewed or "
            "closed; NEED_OVERDUE, PROMISED, NEED: an open need; WORSE_TWICE: in two of the last three shifts worse "
            "than usual; WORSE: in one; NOTED: written about in the last three shifts."
        ),
        examples=["WATCH"],
    )
    note: Id | None
    need: Id | None
    by: str
    at: Time
    basis: str | None


class Carried(Resource):
    """Somebody who took a need over."""

    by: Person
    at: Time


class SheetNeed(Need):
    """An open need, and who has carried it since it was opened."""

    carried: list[Carried]


class IfThen(Resource):
    """What to do if it happens."""

    text: str
    note: Id
    by: str
    at: Time


class ShiftChange(Resource):
    """How somebody was in one shift, compared with usual; null where nobody wrote it."""

    shift: str
    change: str | None
    mood: Mood | None
    note: Id | None
    by: str | None
    at: Time | None
    basis: str | None


class Told(Resource):
    """A note's own word that somebody opened up."""

    note: Id
    by: str
    at: Time
    place: str | None
    fact: str | None


class Tried(Told):
    """What staff did, and whether it helped."""

    code: str
    effect: str


class Learned(Resource):
    """What worked with a person, what did not, and when he or she opened up; the newest first, each with its source.
    Nothing is counted or ranked."""

    worked: list[Tried]
    did_not: list[Tried]
    openings: list[Told]


class SheetPerson(Learned):
    """Somebody who needs attention, and why. What worked is there while attention is asked for."""

    inmate: str
    name: str
    cell: str | None
    attention: str
    attention_until: Time | None
    reasons: list[Reason]
    if_then: list[IfThen]
    needs: list[SheetNeed]
    changes: list[ShiftChange]
    notes: list[Note]


class SheetOther(Resource):
    """Somebody about whom there is nothing to pass on."""

    inmate: str
    name: str
    cell: str | None
    changes: list[ShiftChange]


class Incident(Resource):
    """What goes on in the unit, or was over in the last three shifts, as far as this reader may see it."""

    incident: Id = Field(description="The note it began with: `incident` of each of its notes.")
    since: Time
    until: Time | None = Field(description="When it ends, unless somebody says so before; null once it is over.")
    count: int = Field(description="How many notes there are about it.")
    latest: Time = Field(description="When the latest of them was recorded.")
    began: Note = Field(description="The note it began with, as it reads after its corrections.")


class NotObserved(Resource):
    """Somebody nobody has seen this shift, as far as the notes say."""

    inmate: str
    name: str
    cell: str | None
    why: str | None = Field(description="ASLEEP, AWAY or NOT_SEEN, where somebody wrote that.")
    last: Time | None = Field(description="When somebody was last with the person, in the last three shifts.")


class Moved(Resource):
    """Somebody who came or went."""

    inmate: str
    name: str
    from_: Place = Field(alias="from")
    to: Place
    at: Time
    reason: str


class InTransit(Resource):
    """Somebody who has left and whom nobody has accepted yet. Whoever sent answers for him or her."""

    handover: Id
    inmate: str
    name: str
    from_: Place = Field(alias="from")
    to: Place
    state: str
    outgoing: Person
    since: Time
    due_at: Time
    late_by_min: int


class Accepted(Resource):
    """The unit's last handover that somebody accepted."""

    id: Id
    state: str
    from_shift: str
    to_shift: str
    outgoing: Person
    incoming: Person
    offered_at: Time
    due_at: Time
    accepted_at: Time
    remarks: str | None


class Standing(Resource):
    """Where the unit's handover stands; DRAFT and without an id while nobody has offered it."""

    id: Id | None
    state: str
    from_shift: str
    to_shift: str
    outgoing: Person | None
    incoming: Person | None
    offered_at: Time | None
    due_at: Time
    accepted_at: Time | None
    roll: RollCount | None
    remarks: str | None
    open_queries: int
    last: Accepted | None


class RosterRoll(Resource):
    """How many people the roster has in the unit, without those who are still on their way to it."""

    expected: int
    in_transit: int


class Sheet(Resource):
    """One unit as this reader may see it: people by the attention staff asked for, then by what is due, then by
    name."""

    establishment: str
    unit: str
    at: Time = Field(description="The moment it shows.")
    sequence: int = Field(description="The establishment's newest event it knows of.")
    hash: str = Field(description="SHA-256 over all it says but `hash` and `given_at`.")
    given_at: Time = Field(description="When it was given out; with the hash, it can be checked against the log.")
    handover: Standing
    roll: RosterRoll
    incidents: list[Incident]
    people: list[SheetPerson]
    wing_notes: list[Note]
    wing_needs: list[SheetNeed]
    late: list[Note] = Field(description="Written after the unit's last offer or acceptance, about what was before.")
    not_observed: list[NotObserved]
    arrived: list[Moved]
    left: list[Moved]
    in_transit: list[InTransit]
    others: list[SheetOther]


class GivenSheet(Resource):
    """A sheet that was given out as it is."""

    establishment: str
    unit: str
    hash: str
    given_at: Time
    given_to: str
    at: Time
    sequence: int | None
