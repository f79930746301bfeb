"""The sheet on paper: one A4 page for a wing, in black and white, from the document as it is answered.

The document is turned into words here (codes by their labels, times by the establishment's clock), laid out by
`sheet.html` and `sheet.css`, and set in the largest type with which it fits the page. The page runs no script and asks
nothing of anybody, so it can be kept, mailed to a printer or read on a screen.
"""

import re
from base64 import b64encode
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from handover.domain.codelists import CodeList, by_code, shipped
from handover.domain.sheets import RANK

Document = Mapping[str, Any]

_CSS = (files("handover.api") / "sheet.css").read_text("utf-8")
_PAGES = Environment(
    loader=PackageLoader("handover.api", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)
_SHAPES = {"MUCH_WORSE": "▼▼", "WORSE": "▼", "USUAL": "=", "BETTER": "▲", "MUCH_BETTER": "▲▲", "DONT_KNOW_PERSON": "?"}
_BLANK, _UNWRITTEN = "–", "no word"
_ELSE = "•"
_WAITING = ("OFFERED", "OVERDUE", "ESCALATED")
_GONE = ("RETRACTED", "CORRECTED")
_CARRIERS = 3
"""Names of those who carried a need that are printed, the latest; how many more there are is said."""


def print_sheet(
    sheet: dict[str, Any],
    practice: bool,
    *,
    zone: str = "UTC",
    place: str | None = None,
    unit: str | None = None,
    lists: Iterable[CodeList] | None = None,
) -> str:
    """The sheet as a page of HTML. `zone`, `place` and `unit`: the establishment's clock and the names people know;
    `lists`: the code lists in use, those of this release if left out."""
    words = _Words(sheet, zone, tuple(lists) if lists is not None else shipped())
    view = _view(sheet, words, place or sheet["establishment"], unit or f"Unit {sheet['unit']}")
    size = _fit(view)
    whose = f"{'PRACTICE · ' if practice else ''}{view['unit']}, {view['place']} · given out {view['given']} · hash "
    return _PAGES.get_template("sheet.html").render(
        view, practice=practice, size=size, style=_style(whose + sheet["hash"][:8])
    )


def policy(page: str) -> str:
    """The Content-Security-Policy for a page that `print_sheet` gave: its own style, and nothing else."""
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _style(whose: str) -> Markup:
    """The style, with the line that each printed page carries. In it, all but letters and digits are escaped as CSS
    wants it, so no name can end the string."""
    safe = re.sub(r"[^A-Za-z0-9]", lambda found: f"\\{ord(found[0]):06x}", whose)
    return Markup(f':root {{ --whose: "{safe}"; }}\n{_CSS}')  # noqa: S704 - ours, and a string escaped right above


# --- Words ------------------------------------------------------------------------------------------------------------


class _Words:
    """Codes, times and names of one sheet as an officer says them."""

    def __init__(self, sheet: Document, zone: str, lists: tuple[CodeList, ...]) -> None:
        self._lists = by_code(lists)
        self._zone = ZoneInfo(zone)
        self.at = self.local(sheet["at"])
        everybody = [*sheet["people"], *sheet["others"]]
        self.cells = {one["inmate"]: one["cell"] for one in everybody}
        self.names = {one["inmate"]: one["name"] for one in everybody}

    def label(self, name: str, code: str | None) -> str:
        """A code by its label, or by itself where a list does not know it."""
        if code is None:
            return ""
        entry = self._lists.get(name, {}).get(code)
        return entry.label if entry else code.replace("_", " ").capitalize()

    def low(self, name: str, code: str | None) -> str:
        """A label in the middle of a sentence."""
        label = self.label(name, code)
        return label if label.startswith("I ") else label[:1].lower() + label[1:]

    def local(self, text: str) -> datetime:
        """A time on the establishment's clock."""
        return datetime.fromisoformat(text).astimezone(self._zone)

    def when(self, text: str) -> str:
        """A time, with the day where it is another one."""
        time = self.local(text)
        days = abs((time.date() - self.at.date()).days)
        if days == 0:
            return f"{time:%H:%M}"
        if days < 7:
            return f"{time:%a %H:%M}"
        return f"{time.day} {time:%b %H:%M}" if time.year == self.at.year else f"{time.day} {time:%b %Y %H:%M}"

    def date(self, text: str, seconds: bool = False) -> str:
        """A time in full."""
        time = self.local(text)
        return f"{time:%a} {time.day} {time:%b %Y}, {time:%H:%M:%S}" if seconds else self.date(text, True)[:-3]

    def past(self, text: str) -> bool:
        """Whether a time has come."""
        return self.local(text) <= self.at

    def since(self, text: str) -> str:
        """How long ago."""
        minutes = max(0, (self.at - self.local(text)) // timedelta(minutes=1))
        if minutes < 60:
            return f"{minutes} min"
        hours = minutes // 60
        return f"{hours} h" if hours < 24 else f"{hours // 24} d {hours % 24} h"

    def shift(self, key: str) -> str:
        """A shift's name without its day."""
        return key.rpartition("/")[2].replace("_", " ").capitalize()

    def dated_shift(self, key: str) -> str:
        """A shift's name with its day."""
        day = datetime.fromisoformat(key.partition("/")[0])
        return f"{day:%a} {day.day} {day:%b} · {self.shift(key)} shift"

    def person(self, person: Document) -> str:
        """A member of staff, with the role unless it is the usual one."""
        name: str = person["name"]
        return name if person["role"] == "officer" else f"{name} ({self.low('roles', person['role'])})"

    def whom(self, inmate: str | None) -> str:
        """Somebody on the sheet by cell and name; the unit itself where it is nobody."""
        if inmate is None:
            return "The unit"
        return _joined(" ", self.cells.get(inmate), self.names.get(inmate, inmate))

    def place(self, place: Document, here: str) -> str:
        """Where somebody was or is."""
        house = "" if place["establishment"] == here else f"{place['establishment']} "
        return _joined(", ", f"{house}unit {place['unit']}", place["cell"])

    def mood(self, mood: Document | None) -> str:
        """Mood in the words of its lists."""
        if mood is None:
            return ""
        if mood["not_observed"]:
            return self.low("not_observed", mood["not_observed"])
        said = [
            f"{what} {self.low(name, str(value))}"
            for what, name, value in (
                ("mood", "mood_valence", mood["valence"]),
                ("energy", "mood_energy", mood["energy"]),
            )
            if value is not None
        ]
        return ", ".join([*said, *(["as the person says"] if mood["source"] == "SELF_REPORTED" else [])])


def _joined(by: str, *parts: str | None) -> str:
    return by.join(part for part in parts if part)


# --- What is on the page ----------------------------------------------------------------------------------------------


def _view(sheet: Document, words: _Words, place: str, unit: str) -> dict[str, Any]:
    """All that the template prints, in words."""
    unseen = {one["inmate"]: one for one in sheet["not_observed"]}
    people = [_person(one, unseen.get(one["inmate"]), words) for one in sheet["people"]]
    others = [_other(one, unseen.get(one["inmate"]), words) for one in sheet["others"]]
    handover, here = sheet["handover"], sheet["establishment"]
    shifts = [[was["shift"] for was in one["changes"]] for one in (*sheet["people"], *sheet["others"])]
    looked_back = next((keys for keys in shifts if keys), [])
    order = ", ".join(words.shift(key).lower() for key in looked_back) or "the latest shift first"
    printed = {note["id"] for one in sheet["people"] for note in one["notes"]}
    printed |= {note["id"] for note in sheet["wing_notes"]}
    return {
        "unit": unit,
        "place": place,
        "code": sheet["unit"],
        "shift": words.dated_shift(looked_back[0] if looked_back else handover["from_shift"]),
        "at": words.date(sheet["at"]),
        "clock": f"times are {words.at.tzinfo} time",
        "owner": _owner(handover),
        "standing": _standing(handover, words),
        "last": _last(handover["last"], words),
        "remarks": list(_remarks(handover)),
        "roll": _roll(sheet),
        "number": len(people) + len(others),
        "people": people,
        "wing_notes": [_note(note, words) for note in sheet["wing_notes"] if note["status"] not in _GONE],
        "wing_needs": [_need(need, words) for need in sheet["wing_needs"]],
        "late": [_late(note, note["id"] in printed, words) for note in sheet["late"] if note["status"] not in _GONE],
        "movements": [
            (
                "In transit: whoever sent answers until somebody accepts",
                [_transit(one, here, words) for one in sheet["in_transit"]],
            ),
            ("Arrived", [_moved(one, here, words) for one in sheet["arrived"]]),
            ("Left", [_moved(one, here, words) for one in sheet["left"]]),
        ],
        "unseen": _unseen(sheet["not_observed"], words),
        "unseen_number": len(sheet["not_observed"]),
        "others": others,
        "unwritten": _UNWRITTEN,
        "order": order,
        "legend": _legend(others, words),
        "given": words.date(sheet["given_at"], seconds=True),
        "given_at": sheet["given_at"],
        "sequence": sheet["sequence"],
        "hash": " ".join(re.findall(".{1,4}", sheet["hash"])),
    }


def _owner(handover: Document) -> str:
    """Whose the unit is."""
    last = handover["last"]
    owner = handover["outgoing"] if handover["state"] in _WAITING else last and last["incoming"]
    return f"The unit is with {owner['name']}." if owner else "Nobody has taken the unit over yet."


def _standing(handover: Document, words: _Words) -> str:
    """Where the handover stands."""
    due, state = words.when(handover["due_at"]), words.label("handover_state", handover["state"])
    ends = f"{words.shift(handover['from_shift'])} → {words.shift(handover['to_shift'])}"
    due = f"{'was ' if words.past(handover['due_at']) else ''}due {due}"
    parts = [] if handover["state"] == "OFFERED" else [state.lower() if handover["state"] == "DRAFT" else state.upper()]
    if handover["state"] in _WAITING:
        parts.append(f"offered {words.when(handover['offered_at'])} by {handover['outgoing']['name']}")
        parts.append("nobody has accepted it yet")
    parts.append(due)
    if handover["open_queries"]:
        parts.append(f"questions not answered: {handover['open_queries']}")
    return f"{ends}: {', '.join(parts)}."


def _last(last: Document | None, words: _Words) -> str:
    if last is None:
        return ""
    ends = f"{words.shift(last['from_shift'])} → {words.shift(last['to_shift'])}"
    return (
        f"Last taken over {words.when(last['accepted_at'])} by {last['incoming']['name']} from "
        f"{last['outgoing']['name']} ({ends}: {words.low('handover_state', last['state'])})."
    )


def _remarks(handover: Document) -> Iterable[str]:
    """What the outgoing officers said of the whole unit."""
    last = handover["last"]
    if handover["remarks"] and handover["outgoing"]:
        yield f"{handover['outgoing']['name']} says: {handover['remarks']}"
    if last and last["remarks"]:
        yield f"{last['outgoing']['name']} said: {last['remarks']}"


def _roll(sheet: Document) -> dict[str, Any]:
    told = sheet["handover"]["roll"] or {"expected": None, "actual": None, "mismatch_reason": None}
    more = []
    if sheet["roll"]["in_transit"]:
        more.append(f"and on the way here: {sheet['roll']['in_transit']}")
    if told["expected"] not in (None, sheet["roll"]["expected"]):
        more.append(f"The offer says {told['expected']}")
    if told["actual"] is not None:
        more.append(_joined(": ", f"Counted {told['actual']}", told["mismatch_reason"]))
    return {"expected": sheet["roll"]["expected"], "more": more}


def _person(person: Document, unseen: Document | None, words: _Words) -> dict[str, Any]:
    asked = person["attention"] != "ROUTINE"
    look, attention = _attention(person, words)
    worked, did_not = (_newest(person[kind]) if asked else [] for kind in ("worked", "did_not"))
    tried = [*_tried("Worked", worked, words), *_tried("Did not", did_not, words)]
    known = _Known(
        changes={was["note"] for was in person["changes"]},
        told={(one["note"], one["code"]) for one in (*worked, *did_not)},
        ran_out={reason["note"] for reason in person["reasons"] if reason["rule"] == "RAN_OUT"},
    )
    notes = {one["id"]: _note(one, words, known) for one in person["notes"] if one["status"] not in _GONE}
    notes = {id_: said for id_, said in notes.items() if any(said[part] for part in _SAYING)}
    return {
        "cell": person["cell"] or "no cell",
        "name": person["name"],
        "inmate": person["inmate"],
        "look": look,
        "attention": attention,
        "unseen": _not_seen(unseen, words),
        "changes": [_change(one, words, sourced=one["note"] not in notes) for one in person["changes"]],
        "rules": _rules(person["reasons"], words, bool(notes)),
        "notes": list(notes.values()),
        "if_then": [_if_then(one, one["note"] in notes, words) for one in person["if_then"]],
        "tried": [*tried, *(_opened(one, notes, words) for one in person["openings"])] if asked else [],
        "needs": [_need(one, words) for one in person["needs"]],
    }


_LOOKS = {"ACT_NOW": "now", "WATCH": "watch"}


def _attention(person: Document, words: _Words) -> tuple[str, str]:
    """The attention that is asked for, or else that has run out and waits for a word; and how the row looks."""
    asked, until = person["attention"], person["attention_until"]
    if asked != "ROUTINE":
        label = words.label("attention", asked).upper()
        return _LOOKS.get(asked, ""), f"{label} until {words.when(until)}" if until else label
    lapsed = {reason["note"] for reason in person["reasons"] if reason["rule"] == "RAN_OUT"}
    ended = [note for note in person["notes"] if note["id"] in lapsed]
    if not ended:
        return "", ""
    worst = min(
        ended,
        key=lambda note: (RANK.get(note["attention"], len(RANK)), -words.local(note["attention_until"]).timestamp()),
    )
    label = words.label("attention", worst["attention"]).upper()
    return "ran", f"{label} ran out {words.when(worst['attention_until'])}: renew or close"


def _if_then(one: Document, printed: bool, words: _Words) -> dict[str, str]:
    """What to do if it happens; who says so, unless the note is printed beside it."""
    return {"text": one["text"], "by": "" if printed else f"{one['by']} {words.when(one['at'])}"}


_RULES = {
    "NEED_OVERDUE": "A need is overdue",
    "PROMISED": "Something was promised",
    "NEED": "A need is open",
    "WORSE_TWICE": "Worse than usual in two of the last three shifts",
    "WORSE": "Worse than usual in one of the last three shifts",
}


def _rules(reasons: Sequence[Document], words: _Words, noted: bool) -> list[str]:
    """Rules that brought somebody here and that no note beside them tells."""
    telling = [one for one in reasons if one["rule"] == "WORSE_TWICE"]
    if not telling and not noted:
        telling = [one for one in reasons if one["rule"] in _RULES][:1]
    return [f"{_RULES[one['rule']]} ({one['by']} {words.when(one['at'])})" for one in telling]


def _change(was: Document, words: _Words, sourced: bool = False) -> dict[str, str]:
    """How somebody was in one shift: a shape and the words for it; how it is known, unless somebody saw it; who says
    so, where that is not printed beside it (`sourced`)."""
    mood = words.mood(was["mood"])
    shape, word = _BLANK, _UNWRITTEN
    if was["change"]:
        shape, word = _SHAPES.get(was["change"], _ELSE), words.low("change", was["change"])
    elif mood:
        shape, word, mood = _ELSE, mood, ""
    basis = words.low("basis", was["basis"]) if was["basis"] not in (None, "SAW") else ""
    sourced = sourced and was["change"] not in (None, "USUAL")
    source = f"{was['by']} {words.when(was['at'])}" if sourced else ""
    more = _joined(", ", mood, basis, source)
    return {"shift": words.shift(was["shift"]), "shape": shape, "word": word, "more": more}


@dataclass(frozen=True, slots=True)
class _Known:
    """What is printed of a person's notes in another place: notes whose change and mood stand with the shifts, what was
    tried and stands with what worked; and notes whose attention has run out."""

    changes: Container[str] = ()
    told: Container[tuple[str, str]] = ()
    ran_out: Container[str] = ()


_NOTHING = _Known()
_SAYING = ("tag", "fact", "seen", "opinion")


def _note(note: Document, words: _Words, known: _Known = _NOTHING) -> dict[str, str]:
    """One note: the fact with who, when and how they know; apart from it, what its author thinks."""
    author = words.person(note["author"])
    place, basis = words.low("place", note["place"]), words.low("basis", note["basis"])
    late = f"written {words.when(note['recorded_at'])}, late" if note["late"] else ""
    sure = words.low("confidence", note["confidence"])
    return {
        "tag": " ".join(_tags(note, words, note["id"] in known.ran_out)),
        "fact": note["fact"] or "",
        "seen": _seen(note, words, known),
        "source": _joined(
            ", ", f"{author} {words.when(note['occurred_at'])}", basis, place, _joined(": ", late, note["late_reason"])
        ),
        "opinion": f"{author} thinks{f' ({sure})' if sure else ''}: {note['opinion']}" if note["opinion"] else "",
    }


def _tags(note: Document, words: _Words, ran_out: bool) -> Iterable[str]:
    """What must be known before the words are read."""
    if note["attention"] != "ROUTINE" and not words.past(note["attention_until"]):
        yield f"{words.label('attention', note['attention'])}:"
    elif ran_out:
        label, until = words.label("attention", note["attention"]), words.when(note["attention_until"])
        yield f"{label} ran out {until}:"
    if note["status"] != "ACTIVE":
        yield f"[{words.label('note_status', note['status'])}: its accuracy is disputed]"
    if note["handling"] != "UNIT":
        yield f"[may be read by: {words.low('handling', note['handling'])}]"
    if note["opening"]:
        yield "Opened up."


def _seen(note: Document, words: _Words, known: _Known) -> str:
    """What the codes of a note say."""
    noticed = ", ".join(
        _joined(
            " ", words.low("indicators", one["code"]), f"({words.low('trends', one['trend'])})" if one["trend"] else ""
        )
        for one in note["indicators"]
    )
    did = [
        _joined(" – ", words.low("responses", one["code"]), words.low("effects", one["effect"]))
        for one in note["responses"]
        if (note["id"], one["code"]) not in known.told
    ]
    kept = [
        f"kept up by {one['by']['name']} {words.when(one['at'])}: {one['reason']}"
        for one in note.get("renewals", ())[-1:]
        if not one["closed"]
    ]
    mood = "" if note["id"] in known.changes else words.mood(note["mood"])
    done = f"staff: {', '.join(did)}" if did else ""
    said = [f"noticed: {noticed}" if noticed else "", mood, done, *kept]
    text = "; ".join(part for part in said if part)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _newest(tried: Sequence[Document]) -> list[Document]:
    """What staff did, once for each kind. The others stay with their notes."""
    return list({one["code"]: one for one in reversed(tried)}.values())[::-1]


def _tried(what: str, tried: Sequence[Document], words: _Words) -> Iterable[str]:
    """What staff did, with its source."""
    for one in tried:
        effect = "" if what == "Worked" else f" – {words.low('effects', one['effect'])}"
        yield f"{what}: {words.low('responses', one['code'])}{effect} ({one['by']} {words.when(one['at'])})"


def _opened(one: Document, printed: Container[str], words: _Words) -> str:
    """When the person opened up, and in which words unless they are printed beside it."""
    source = _joined(", ", f"{one['by']} {words.when(one['at'])}", words.low("place", one["place"]))
    fact = one["fact"] if one["note"] not in printed else None
    return _joined(" ", "Opened up:" if fact else "Opened up", fact, f"({source})")


def _need(need: Document, words: _Words) -> dict[str, Any]:
    """An open need: what, by when, and through whose hands it has gone."""
    due, overdue = need["due_at"], bool(need["due_at"]) and words.past(need["due_at"])
    wanted = words.low("urgency", need["urgency"]) if need["urgency"] != "ROUTINE" else ""
    carried = [f"{one['by']['name']} {words.when(one['at'])}" for one in need["carried"]]
    shown = carried[-_CARRIERS:]
    before = f" and {len(carried) - len(shown)} before" if len(carried) > len(shown) else ""
    return {
        "what": words.label("needs", need["code"]),
        "promised": need["promised"],
        "overdue": overdue,
        "due": f"OVERDUE since {words.when(due)}" if overdue else f"due {words.when(due)}" if due else wanted,
        "detail": need["detail"] or "",
        "history": _joined(
            ", ",
            f"open {words.since(need['opened_at'])}",
            f"from {need['opened_by']['name']}",
            f"carried by {', '.join(shown)}{before}" if carried else "",
            f"sees to it: {need['owner']}" if need["owner"] else "",
        ),
    }


def _late(note: Document, printed: bool, words: _Words) -> dict[str, Any]:
    """A late entry; only where to find it, if it is printed above."""
    if not printed:
        return {"whom": words.whom(note["inmate"]), "note": _note(note, words)}
    where = f"for {words.when(note['occurred_at'])}, written {words.when(note['recorded_at'])} by "
    return {"whom": words.whom(note["inmate"]), "note": None, "where": f"{where}{note['author']['name']}: see above"}


def _transit(one: Document, here: str, words: _Words) -> str:
    late = f", LATE by {one['late_by_min']} min" if one["late_by_min"] else ""
    return (
        f"{one['name']} {one['inmate']}: {words.place(one['from'], here)} → {words.place(one['to'], here)}, left "
        f"{words.when(one['since'])}, due {words.when(one['due_at'])}{late}, with {one['outgoing']['name']}"
    )


def _moved(one: Document, here: str, words: _Words) -> str:
    ends = f"{words.place(one['from'], here)} → {words.place(one['to'], here)}"
    return f"{one['name']} {one['inmate']}: {ends}, {words.when(one['at'])}: {one['reason']}"


def _not_seen(unseen: Document | None, words: _Words) -> str:
    if unseen is None:
        return ""
    last = f"since {words.when(unseen['last'])}" if unseen["last"] else "for three shifts"
    return f"not observed {last}{f' ({why})' if (why := words.low('not_observed', unseen['why'])) else ''}"


def _unseen(unseen: Sequence[Document], words: _Words) -> list[tuple[str, str]]:
    """Who was not observed, by cell, as a landing is walked; by name too where others share the cell."""
    cells = list(words.cells.values())
    found: dict[str, list[str]] = {}
    for one in unseen:
        alone = one["cell"] is not None and cells.count(one["cell"]) == 1
        why = words.label("not_observed", one["why"]) or "Nothing written"
        found.setdefault(why, []).append(one["cell"] if alone else _joined(" ", one["cell"], one["name"]))
    return [(why, ", ".join(whom)) for why, whom in found.items()]


def _other(other: Document, unseen: Document | None, words: _Words) -> dict[str, Any]:
    changes = [_change(one, words) for one in other["changes"]]
    return {
        "cell": other["cell"] or _BLANK,
        "name": other["name"],
        "unseen": unseen is not None,
        "last": words.when(unseen["last"]) if unseen and unseen["last"] else "",
        "changes": changes,
        "more": ", ".join(f"{was['shift']} {was['word']}" for was in changes if was["shape"] == _ELSE),
    }


def _legend(others: Iterable[Document], words: _Words) -> list[tuple[str, str]]:
    """The shapes that stand without their words, and the words."""
    used = {was["shape"] for one in others for was in one["changes"]}
    known = {shape: words.low("change", code) for code, shape in _SHAPES.items()}
    known |= {_BLANK: _UNWRITTEN, _ELSE: "as beside it", "○": "not observed this shift, and when last"}
    return [(shape, word) for shape, word in known.items() if shape in used or shape in (_BLANK, "○")]


# --- How large --------------------------------------------------------------------------------------------------------

_SIZES = (9.0, 8.75, 8.5, 8.25, 8.0, 7.75, 7.5, 7.25, 7.0, 6.75, 6.5)
_FLOWING = 8.0
"""For what does not fit one page anyway: then it may as well be easy to read."""
_WIDE, _HIGH, _MM = 194.0, 281.0, 0.3528
_EM, _LINE = 0.47, 1.14
"""How wide a letter is on average and how high a line, in ems: a little more than with the usual fonts."""


def _fit(view: Document) -> str:
    """The class for the largest type with which it fits one page, with room to write by hand."""
    for size in _SIZES:
        if _height(view, size) <= _HIGH:
            return f"one s{size * 100:.0f}"
    return f"s{_FLOWING * 100:.0f}"


def _height(view: Document, size: float) -> float:
    """How high it will be, in mm, a little too much rather than too little."""
    em = size * _MM

    def lines(texts: Iterable[str], share: float, indent: float = 0.7) -> int:
        wide = (_WIDE * share / em - indent) / _EM - 2
        return sum(ceil(len(text) / wide) for text in texts)

    def note(one: Document) -> list[str]:
        return [" ".join((one["tag"], one["fact"], one["seen"], one["source"])), one["opinion"]]

    def need(one: Document) -> str:
        return " ".join((one["what"], one["due"], one["detail"], one["history"], "x" * (10 if one["promised"] else 0)))

    rows = 0.0
    for one in view["people"]:
        was = " ".join(
            f"{w['shift']} {w['shape']} {w['word'] if w['word'] != _UNWRITTEN else ''} {w['more']}"
            for w in one["changes"]
        )
        who = [f"{one['cell']} {one['name']} {one['inmate']}", one["attention"], f"{was} {one['unseen']}"]
        why = [*one["rules"], *(text for said in one["notes"] for text in note(said))]
        then = [
            *(f"{i['text']} {i['by']}" for i in one["if_then"]),
            *(need(n) for n in one["needs"]),
            " ".join(one["tried"]),
        ]
        columns = ((who, 0.22), (why, 0.40), (then, 0.38))
        rows += max(lines(texts, share) * _LINE + len(texts) * 0.05 for texts, share in columns) + 0.4
    unit = [need(one) for one in view["wing_needs"]] + [text for one in view["wing_notes"] for text in note(one)]
    late = [f"{one['whom']} {' '.join(note(one['note'])) if one['note'] else one['where']}" for one in view["late"]]
    unseen = [f"{why}: {whom}" for why, whom in view["unseen"]]
    for told in (unit, late, unseen, *(moves for _, moves in view["movements"])):
        rows += lines(["x" * 40 + " · ".join(told)], 1) * _LINE + 0.35 if told else 0
    rest = [
        f"{one['cell']} {one['name']} {'○ ' if one['unseen'] else ''}{one['last']} {one['more']}"
        for one in view["others"]
    ]
    rows += (ceil(lines(rest, 0.2) / 4) + 2) * (_LINE + 0.06) + 0.6
    head = [f"{view['owner']} {view['standing']} {view['last']}", *view["remarks"]]
    rows += max((lines(head, 0.75) + 1) * _LINE + 1.8, 5.0) + 2 * _LINE + 1.2  # and the table's caption and heads
    rows += 4 * _LINE + 2.0  # the foot, and the heading of what is written by hand
    return rows * em + 10  # and room to write by hand
