"""Events in plain words: time, unit, person, what. Shape and words carry the meaning; style only underlines it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from handover.client.feed_protocol import Event
from handover.terminal import calls, phrases, standing
from handover.terminal.calls import Told
from handover.terminal.phrases import Reader
from handover.terminal.speech import plain
from handover.terminal.tongue import later, t

_INDENT = 7
_RECEIPTS = {
    "SEEN": later("has seen a note"),
    "ACCEPTED": later("has taken a note on"),
    "QUERY": later("asks about a note"),
    "READ_BACK": later("reads a note back"),
}
_THIN = {
    "RETRACTED": later("a note was taken back: disregard it"),
    "RESTRICTED": later("a note is disputed: decide nothing on it"),
    "CORRECTED": later("a note was corrected"),
}


_THINGS = {
    "need": later("a need"),
    "handover": later("a handover"),
    "inmate": later("a person"),
    "receipt": later("a receipt"),
    "page": later("a page"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line to show; those that belong to the one above are set in."""

    text: Text
    inset: bool = True


def lines_for(event: Event, reader: Reader, names: Mapping[str, str], *, with_place: bool) -> list[Line]:
    """What an event says, the first line at the margin."""
    raw, data = event.raw, event.raw.get("data")
    place = str(raw.get("source", "")).rpartition("/")[2] + " " if with_place else ""
    told = data if isinstance(data, dict) else {}
    subject = calls.asked_about(told) if event.type == "handover.queried" else raw.get("subject")
    who = names.get(str(subject), str(subject)) if subject else t("the wing")
    head, under = _told(event.type, told, reader)
    margin = plain(f"{reader.time(raw.get('time'))}  {place}{raw.get('unit') or '-'}  ")
    beside = ("  ", head) if head else ()
    first = Text.assemble(margin, (plain(who), "bold"), *beside)
    return [Line(first, inset=False), *(Line(text) for text in under)]


def needs_somebody_now(event: Event, reader: Reader) -> bool:
    """Whether somebody must act at once, and it is not over yet: then the terminal may make a noise."""
    data = event.raw.get("data")
    if not isinstance(data, dict) or event.type not in ("note.recorded", "note.corrected"):
        return False
    urgent = data.get("attention") == "ACT_NOW" or any(need.get("urgency") == "NOW" for need in data.get("needs") or [])
    return urgent and data.get("status") == "ACTIVE" and reader.is_ahead(data.get("attention_until"))


def show(console: Console, lines: list[Line]) -> None:
    """Prints the lines, each set in and folded so that a glance down the margin finds the next event."""
    for line in lines:
        margin = " " * (_INDENT if line.inset else 0)
        if not console.is_terminal:
            # Lines that a file or a program reads are not folded at some width.
            console.print(Text(margin) + line.text, soft_wrap=True)
            continue
        # The first line may begin at the margin, but what is folded under it never does.
        folded = line.text.wrap(console, max(20, console.width - _INDENT))
        for number, part in enumerate(folded):
            part.rstrip()
            console.print(Text(" " * _INDENT if number else margin) + part)


def _told(kind: str, data: dict[str, Any], reader: Reader) -> Told:
    if data.keys() <= {"id", "status"}:
        return Text(_thin(kind, str(data.get("status", "")), reader)), []
    teller = _TELLERS.get(kind.partition(".")[0])
    if teller is None:
        return Text(kind.replace(".", " ").replace("_", " ")), []
    return teller(kind, data, reader)


def _thin(kind: str, status: str, reader: Reader) -> str:
    if kind.startswith("note."):
        return t(_THIN.get(status, later("a note that is not for you to read")))
    thing = kind.partition(".")[0]
    words = t(_THINGS[thing]) if thing in _THINGS else thing
    return t("{thing} changed ({status})", thing=words, status=reader.label("need_status", status))


def _note(kind: str, note: dict[str, Any], reader: Reader) -> Told:
    if kind == "note.attention_ended":
        return calls.ran_out(note, reader)
    if kind == "note.attention_changed":
        return calls.looked_after(note, reader)
    author, when = phrases.person(note.get("author")), reader.time(note.get("occurred_at"))
    if note.get("status") == "RETRACTED":
        why = note.get("retraction") or {}
        reason = reader.label("retraction_reason", why.get("reason"))
        by = phrases.person(why.get("by"))
        return _text(
            t(
                "{author}'s note of {when} was taken back by {by}: {reason}. Disregard it.",
                author=author,
                when=when,
                by=by,
                reason=reason,
            )
        ), []
    if note.get("status") == "CORRECTED":
        return _text(t("{author}'s note of {when} was corrected and no longer stands.", author=author, when=when)), []
    head = _marked(note, reader)
    if note.get("status") == "RESTRICTED":
        head.append(" " + t("DISPUTED: decide nothing on it"), "bold")
    if kind == "note.corrected":
        head.append_text(
            _text(
                " "
                + t(
                    "CORRECTED, replaces {author}'s earlier note: {correction_reason}",
                    author=author,
                    correction_reason=note.get("correction_reason"),
                )
            )
        )
    return head, list(_said(note, reader))


def _marked(note: dict[str, Any], reader: Reader) -> Text:
    words = phrases.attention(note, reader)
    if words is None:
        return Text()
    words = t("INCIDENT, {attention}", attention=words) if phrases.opens_incident(note) else words
    # Reverse and in capitals: it stands out on a monochrome screen, to the colour-blind, and in a file.
    return Text.assemble((f" {words} ", "bold reverse" if note.get("attention") == "ACT_NOW" else "bold"))


def _said(note: dict[str, Any], reader: Reader) -> list[Text]:
    lines = []
    if words := phrases.state(note, reader):
        lines.append(_text("; ".join(words)))
    lines.append(_text(phrases.how(note)))
    if note.get("opinion"):
        sure = f" ({reader.label('confidence', note['confidence'])})" if note.get("confidence") else ""
        lines.append(
            _text(
                t(
                    "{author} thinks{sure}: {opinion}",
                    author=phrases.person(note.get("author")),
                    sure=sure,
                    opinion=note["opinion"],
                ),
                "italic",
            )
        )
    lines += [_text(t("need: {need}", need=phrases.need(one, reader))) for one in note.get("needs") or []]
    if did := phrases.responses(note, reader):
        lines.append(_text(t("did: {did}", did=", ".join(did))))
    if note.get("if_then"):
        lines.append(_text(t("if it happens: {if_then}", if_then=note["if_then"])))
    if late := phrases.late(note, reader):
        lines.append(_text(late))
    if handling := phrases.handling(note, reader):
        lines.append(_text(handling))
    return lines


def _need(kind: str, need: dict[str, Any], reader: Reader) -> Told:
    what = t("need: {need}", need=phrases.need(need, reader))
    if need.get("owner"):
        what += t("; with {owner}", owner=need["owner"])
    if kind == "need.opened":
        return _text(what), []
    if kind == "need.overdue":
        return Text.assemble((f" {t('OVERDUE')} ", "bold reverse"), " ", _text(what)), _ways(need)
    status = reader.label("need_status", need.get("status"))
    outcome = need.get("outcome") or need.get("reason")
    now = f"{status}" + (f", {outcome}" if outcome else "")
    by = need.get("opened_by") or {}
    if need.get("status") != "OPEN" and reader.me == by.get("username") is not None:
        return _text(what), [_text(t("your note led to: {now}", now=now), "bold")]
    return _text(what), [_text(t("now: {now}", now=now), "bold")]


def _ways(need: dict[str, Any]) -> list[Text]:
    tail = str(need.get("id"))[-4:]
    return [_text(t('handover needs done {tail} "…"   or   not-possible {tail} "…"   or   take {tail}', tail=tail))]


def _receipt(_: str, receipt: dict[str, Any], reader: Reader) -> Told:
    kind = str(receipt.get("kind"))
    did = t(_RECEIPTS[kind]) if kind in _RECEIPTS else reader.label("receipt_kind", kind)
    said = f": {receipt['text']}" if receipt.get("text") else ""
    return _text(f"{phrases.person(receipt.get('by'))} {did}{said}"), []


def _inmate(kind: str, data: dict[str, Any], _: Reader) -> Told:
    if kind == "inmate.moved":
        move = data.get("move")
        if not isinstance(move, dict):
            return _text(t("has left this establishment")), []
        way = t("moved from {start} to {end}", start=standing.spot(move.get("from")), end=standing.spot(move.get("to")))
        return _text(
            t("{way} by {by}: {reason}", way=way, by=phrases.person(move.get("by")), reason=move.get("reason"))
        ), []
    if kind == "inmate.merged":
        return _text(t("number {previous} is the same person: it is now {number}", **_numbers(data))), []
    if kind == "inmate.unmerged":
        undone = t("a note is about number {number} again, and not about {previous}", **_numbers(data))
        return _text(undone), []
    cell = t(", cell {cell}", cell=data["cell"]) if data.get("cell") else ""
    return _text(
        t("on the roster: {name}, unit {unit}{cell}", name=data.get("name"), unit=data.get("unit"), cell=cell)
    ), []


def _numbers(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data.get(name) for name in ("number", "previous")}


def _text(words: str, style: str = "") -> Text:
    # Several lines in a fact stay several lines; everything else that could drive the terminal is made visible.
    return Text(plain(words).replace("\t", " "), style=style)


_TELLERS: dict[str, Callable[[str, dict[str, Any], Reader], Told]] = {
    "note": _note,
    "need": _need,
    "receipt": _receipt,
    "inmate": _inmate,
    "handover": calls.handover,
    "page": calls.page,
}
