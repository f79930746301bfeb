"""What is on the page, each part ready to be printed where it stands."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handover.api.paper import heading
from handover.api.paper.reach import printable
from handover.api.paper.words import BLANK, CARRIERS, ELSE, GONE, SHAPES, Document, Words, joined
from handover.domain.sheets import RANK


def view_of(whole: Document, words: Words, place: str, unit: str, narrow: Mapping[str, str]) -> dict[str, Any]:
    """All that the template prints, in words. `narrow`: notes that not everybody on the wing may read, by class."""
    sheet, hidden = printable(whole, narrow)
    unseen = {one["inmate"]: one for one in sheet["not_observed"]}
    people = [_person(one, unseen.get(one["inmate"]), words, hidden) for one in sheet["people"]]
    others = [_other(one, unseen.get(one["inmate"]), words) for one in sheet["others"]]
    handover, here = sheet["handover"], sheet["establishment"]
    shifts = [[was["shift"] for was in one["changes"]] for one in (*sheet["people"], *sheet["others"])]
    looked_back = next((keys for keys in shifts if keys), [])
    order = ", ".join(words.low_shift(key) for key in looked_back) or words.t("the latest shift first")
    printed = {note["id"] for one in sheet["people"] for note in one["notes"]}
    printed |= {note["id"] for note in sheet["wing_notes"]}
    began = {one["began"]["id"] for one in sheet["incidents"]}
    return {
        "unit": unit,
        "place": place,
        "code": sheet["unit"],
        "shift": words.dated_shift(looked_back[0] if looked_back else handover["from_shift"]),
        "at": words.date(sheet["at"]),
        "clock": words.t("times are {zone} time", zone=words.at.tzinfo),
        "owner": heading.owner(handover, words),
        "standing": heading.standing(handover, words),
        "last": heading.taken_over(handover["last"], words),
        "remarks": list(heading.remarks(handover, words)),
        "roll": heading.roll(sheet, words),
        "number": len(people) + len(others),
        "incidents": [_incident(one, words) for one in sheet["incidents"]],
        "people": people,
        "wing_notes": [
            _note(note, words) for note in sheet["wing_notes"] if note["status"] not in GONE and note["id"] not in began
        ],
        "unprinted": _unprinted(sheet["unprinted"], words),
        "wing_needs": [_need(need, words) for need in sheet["wing_needs"]],
        "late": [_late(note, note["id"] in printed, words) for note in sheet["late"] if note["status"] not in GONE],
        "movements": [
            (
                words.t("In transit: whoever sent answers until somebody accepts"),
                [_transit(one, here, words) for one in sheet["in_transit"]],
            ),
            (words.t("Arrived"), [_moved(one, here, words) for one in sheet["arrived"]]),
            (words.t("Left"), [_moved(one, here, words) for one in sheet["left"]]),
        ],
        "unseen": _unseen(sheet["not_observed"], words),
        "unseen_number": len(sheet["not_observed"]),
        "others": others,
        "unwritten": words.t("no word"),
        "order": order,
        "legend": _legend(others, words),
        "given": words.date(sheet["given_at"], seconds=True),
        "given_at": sheet["given_at"],
        "sequence": sheet["sequence"],
        "hash": " ".join(re.findall(".{1,4}", sheet["hash"])),
    }


def _unprinted(number: int, words: Words) -> str:
    """That there is more, for those who may read it at a screen."""
    if not number:
        return ""
    return words.n(
        "not printed: {n} note that not everybody on the wing may read",
        "not printed: {n} notes that not everybody on the wing may read",
        number,
    )


def _incident(one: Document, words: Words) -> dict[str, Any]:
    """One line for all that was written about it, and what it began with."""
    head = words.t(
        "Incident since {since}, {until}: {notes}, the latest {latest}.",
        since=words.when(one["since"]),
        until=words.t("until {time}", time=words.when(one["until"])) if one["until"] else words.t("over"),
        notes=words.n("{n} note", "{n} notes", one["count"]),
        latest=words.when(one["latest"]),
    )
    return {"head": head, "note": _note({**one["began"], "incident": None}, words)}


def _person(person: Document, unseen: Document | None, words: Words, hidden: Container[str]) -> dict[str, Any]:
    asked = person["attention"] != "ROUTINE"
    look, attention = _attention(person, words)
    worked, did_not = (_newest(person[kind]) if asked else [] for kind in ("worked", "did_not"))
    tried = [*_tried(worked, True, words), *_tried(did_not, False, words)]
    known = _Known(
        changes={was["note"] for was in person["changes"]},
        told={(one["note"], one["code"]) for one in (*worked, *did_not)},
        ran_out={reason["note"] for reason in person["reasons"] if reason["rule"] == "RAN_OUT"},
    )
    shown = [one for one in person["notes"] if one["status"] not in GONE and one["id"] not in hidden]
    notes = {one["id"]: _note(one, words, known) for one in shown}
    notes = {id_: said for id_, said in notes.items() if any(said[part] for part in _SAYING)}
    return {
        "cell": person["cell"] or words.t("no cell"),
        "name": person["name"],
        "inmate": person["inmate"],
        "look": look,
        "attention": attention,
        "unseen": _not_seen(unseen, words),
        "changes": [_change(one, words, sourced=one["note"] not in notes) for one in person["changes"]],
        "unprinted": _unprinted(person["unprinted"], words),
        "rules": _rules(person["reasons"], words, bool(notes)),
        "notes": list(notes.values()),
        "if_then": [_if_then(one, one["note"] in notes, words) for one in person["if_then"]],
        "tried": [*tried, *(_opened(one, notes, words) for one in person["openings"])] if asked else [],
        "needs": [_need(one, words) for one in person["needs"]],
    }


_LOOKS = {"ACT_NOW": "now", "WATCH": "watch"}


def _attention(person: Document, words: Words) -> tuple[str, str]:
    """The attention that is asked for, or else that has run out and waits for a word; and how the row looks."""
    asked, until = person["attention"], person["attention_until"]
    if asked != "ROUTINE":
        label = words.label("attention", asked).upper()
        shown = words.t("{what} until {time}", what=label, time=words.when(until)) if until else label
        return _LOOKS.get(asked, ""), shown
    lapsed = {reason["note"] for reason in person["reasons"] if reason["rule"] == "RAN_OUT"}
    ended = [note for note in person["notes"] if note["id"] in lapsed]
    if not ended:
        return "", ""
    worst = min(
        ended,
        key=lambda note: (RANK.get(note["attention"], len(RANK)), -words.local(note["attention_until"]).timestamp()),
    )
    label = words.label("attention", worst["attention"]).upper()
    ended_at = words.when(worst["attention_until"])
    return "ran", words.t("{what} ran out {time}: renew or close", what=label, time=ended_at)


def _if_then(one: Document, printed: bool, words: Words) -> dict[str, str]:
    """What to do if it happens; who says so, unless the note is printed beside it."""
    return {"text": one["text"], "by": "" if printed else f"{one['by']} {words.when(one['at'])}"}


def _named(words: Words) -> dict[str, str]:
    """Rules by what they say."""
    return {
        "NEED_OVERDUE": words.t("A need is overdue"),
        "PROMISED": words.t("Something was promised"),
        "NEED": words.t("A need is open"),
        "WORSE_TWICE": words.t("Worse than usual in two of the last three shifts"),
        "WORSE": words.t("Worse than usual in one of the last three shifts"),
    }


def _rules(reasons: Sequence[Document], words: Words, noted: bool) -> list[str]:
    """Rules that brought somebody here and that no note beside them tells."""
    named = _named(words)
    telling = [one for one in reasons if one["rule"] == "WORSE_TWICE"]
    if not telling and not noted:
        telling = [one for one in reasons if one["rule"] in named][:1]
    return [f"{named[one['rule']]} ({one['by']} {words.when(one['at'])})" for one in telling]


def _change(was: Document, words: Words, sourced: bool = False) -> dict[str, str]:
    """How somebody was in one shift: a shape and the words for it; how it is known, unless somebody saw it; who says
    so, where that is not printed beside it (`sourced`)."""
    mood = words.mood(was["mood"])
    shape, word = BLANK, words.t("no word")
    if was["change"]:
        shape, word = SHAPES.get(was["change"], ELSE), words.low("change", was["change"])
    elif mood:
        shape, word, mood = ELSE, mood, ""
    basis = words.low("basis", was["basis"]) if was["basis"] not in (None, "SAW") else ""
    sourced = sourced and was["change"] not in (None, "USUAL")
    source = f"{was['by']} {words.when(was['at'])}" if sourced else ""
    more = joined(", ", mood, basis, source)
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


def _note(note: Document, words: Words, known: _Known = _NOTHING) -> dict[str, str]:
    """One note: the fact with who, when and how they know; apart from it, what its author thinks."""
    author = words.person(note["author"])
    place, basis = words.low("place", note["place"]), words.low("basis", note["basis"])
    late = words.t("written {time}, late", time=words.when(note["recorded_at"])) if note["late"] else ""
    sure = words.low("confidence", note["confidence"])
    return {
        "tag": " ".join(_tags(note, words, note["id"] in known.ran_out)),
        "fact": note["fact"] or "",
        "seen": _seen(note, words, known),
        "source": joined(
            ", ", f"{author} {words.when(note['occurred_at'])}", basis, place, joined(": ", late, note["late_reason"])
        ),
        "opinion": words.t(
            "{name} thinks{sure}: {words}", name=author, sure=f" ({sure})" if sure else "", words=note["opinion"]
        )
        if note["opinion"]
        else "",
    }


def _tags(note: Document, words: Words, ran_out: bool) -> Iterable[str]:
    """What must be known before the words are read."""
    if note["attention"] != "ROUTINE" and not words.past(note["attention_until"]):
        yield f"{words.label('attention', note['attention'])}:"
    elif ran_out:
        label, until = words.label("attention", note["attention"]), words.when(note["attention_until"])
        yield words.t("{what} ran out {time}:", what=label, time=until)
    if note["status"] != "ACTIVE":
        yield words.t("[{status}: its accuracy is disputed]", status=words.label("note_status", note["status"]))
    if note["handling"] != "UNIT":
        yield words.t("[may be read by: {whom}]", whom=words.low("handling", note["handling"]))
    if note["opening"]:
        yield words.t("Opened up.")
    if note.get("incident") not in (None, note["id"]):
        yield words.t("About the incident.")


def _seen(note: Document, words: Words, known: _Known) -> str:
    """What the codes of a note say."""
    noticed = ", ".join(
        joined(
            " ", words.low("indicators", one["code"]), f"({words.low('trends', one['trend'])})" if one["trend"] else ""
        )
        for one in note["indicators"]
    )
    did = [
        joined(" – ", words.low("responses", one["code"]), words.low("effects", one["effect"]))
        for one in note["responses"]
        if (note["id"], one["code"]) not in known.told
    ]
    kept = [
        words.t(
            "kept up by {name} {time}: {reason}",
            name=one["by"]["name"],
            time=words.when(one["at"]),
            reason=one["reason"],
        )
        for one in note.get("renewals", ())[-1:]
        if not one["closed"]
    ]
    mood = "" if note["id"] in known.changes else words.mood(note["mood"])
    done = words.t("staff: {did}", did=", ".join(did)) if did else ""
    said = [words.t("noticed: {what}", what=noticed) if noticed else "", mood, done, *kept]
    text = "; ".join(part for part in said if part)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _newest(tried: Sequence[Document]) -> list[Document]:
    """What staff did, once for each kind. The others stay with their notes."""
    return list({one["code"]: one for one in reversed(tried)}.values())[::-1]


def _tried(tried: Sequence[Document], helped: bool, words: Words) -> Iterable[str]:
    """What staff did, with its source."""
    what = words.t("Worked") if helped else words.t("Did not")
    for one in tried:
        effect = "" if helped else f" – {words.low('effects', one['effect'])}"
        yield f"{what}: {words.low('responses', one['code'])}{effect} ({one['by']} {words.when(one['at'])})"


def _opened(one: Document, printed: Container[str], words: Words) -> str:
    """When the person opened up, and in which words unless they are printed beside it."""
    source = joined(", ", f"{one['by']} {words.when(one['at'])}", words.low("place", one["place"]))
    fact = one["fact"] if one["note"] not in printed else None
    return joined(" ", words.t("Opened up:") if fact else words.t("Opened up"), fact, f"({source})")


def _need(need: Document, words: Words) -> dict[str, Any]:
    """An open need: what, by when, and through whose hands it has gone."""
    due, overdue = need["due_at"], bool(need["due_at"]) and words.past(need["due_at"])
    wanted = words.low("urgency", need["urgency"]) if need["urgency"] != "ROUTINE" else ""
    carried = [f"{one['by']['name']} {words.when(one['at'])}" for one in need["carried"]]
    shown = carried[-CARRIERS:]
    more = len(carried) - len(shown)
    before = words.t(" and {number} before", number=more) if more else ""
    return {
        "what": words.label("needs", need["code"]),
        "promised": need["promised"],
        "overdue": overdue,
        "due": words.t("OVERDUE since {time}", time=words.when(due))
        if overdue
        else words.t("due {time}", time=words.when(due))
        if due
        else wanted,
        "detail": need["detail"] or "",
        "history": joined(
            ", ",
            words.t("open {how_long}", how_long=words.since(need["opened_at"])),
            words.t("from {name}", name=need["opened_by"]["name"]),
            words.t("carried by {names}", names=", ".join(shown)) + before if carried else "",
            words.t("sees to it: {name}", name=need["owner"]) if need["owner"] else "",
        ),
    }


def _late(note: Document, printed: bool, words: Words) -> dict[str, Any]:
    """A late entry; only where to find it, if it is printed above."""
    if not printed:
        return {"whom": words.whom(note["inmate"]), "note": _note(note, words)}
    where = words.t(
        "for {time}, written {written} by {name}: see above",
        time=words.when(note["occurred_at"]),
        written=words.when(note["recorded_at"]),
        name=note["author"]["name"],
    )
    return {"whom": words.whom(note["inmate"]), "note": None, "where": where}


def _transit(one: Document, here: str, words: Words) -> str:
    ends = f"{words.place(one['from'], here)} → {words.place(one['to'], here)}"
    late = words.t("LATE by {number} min", number=one["late_by_min"]) if one["late_by_min"] else ""
    return joined(
        ", ",
        f"{one['name']} {one['inmate']}: {ends}",
        words.t("left {time}", time=words.when(one["since"])),
        words.t("due {time}", time=words.when(one["due_at"])),
        late,
        words.t("with {name}", name=one["outgoing"]["name"]),
    )


def _moved(one: Document, here: str, words: Words) -> str:
    ends = f"{words.place(one['from'], here)} → {words.place(one['to'], here)}"
    return f"{one['name']} {one['inmate']}: {ends}, {words.when(one['at'])}: {one['reason']}"


def _not_seen(unseen: Document | None, words: Words) -> str:
    if unseen is None:
        return ""
    since = unseen["last"] and words.when(unseen["last"])
    said = words.t("not observed since {time}", time=since) if since else words.t("not observed for three shifts")
    why = words.low("not_observed", unseen["why"])
    return f"{said} ({why})" if why else said


def _unseen(unseen: Sequence[Document], words: Words) -> list[tuple[str, str]]:
    """Who was not observed, by cell, as a landing is walked; by name too where others share the cell."""
    cells = list(words.cells.values())
    found: dict[str, list[str]] = {}
    for one in unseen:
        alone = one["cell"] is not None and cells.count(one["cell"]) == 1
        why = words.label("not_observed", one["why"]) or words.t("Nothing written")
        found.setdefault(why, []).append(one["cell"] if alone else joined(" ", one["cell"], one["name"]))
    return [(why, ", ".join(whom)) for why, whom in found.items()]


def _other(other: Document, unseen: Document | None, words: Words) -> dict[str, Any]:
    changes = [_change(one, words) for one in other["changes"]]
    return {
        "cell": other["cell"] or BLANK,
        "name": other["name"],
        "unseen": unseen is not None,
        "last": words.when(unseen["last"]) if unseen and unseen["last"] else "",
        "changes": changes,
        "more": ", ".join(f"{was['shift']} {was['word']}" for was in changes if was["shape"] == ELSE),
    }


def _legend(others: Iterable[Document], words: Words) -> list[tuple[str, str]]:
    """The shapes that stand without their words, and the words."""
    used = {was["shape"] for one in others for was in one["changes"]}
    known = {shape: words.low("change", code) for code, shape in SHAPES.items()}
    known |= {BLANK: words.t("no word"), ELSE: words.t("as beside it")}
    known["○"] = words.t("not observed this shift, and when last")
    return [(shape, word) for shape, word in known.items() if shape in used or shape in (BLANK, "○")]
