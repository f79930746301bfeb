"""Handovers, pages and times that ran out, as a watch tells them: who has to do what, and with which words."""

from typing import Any

from rich.text import Text

from handover.terminal import phrases, standing
from handover.terminal.phrases import Reader
from handover.terminal.speech import plain
from handover.terminal.tongue import later, plural, t

Told = tuple[Text, list[Text]]
KINDS = {
    "ACT_NOW": later("ACT NOW"),
    "HANDOVER": later("HANDOVER NOT ACCEPTED"),
    "TRANSFER": later("PERSON ON THE WAY, NOT ACCEPTED"),
    "UNOFFERED": later("UNIT NOT HANDED OVER"),
}


def handover(kind: str, data: dict[str, Any], reader: Reader) -> Told:
    """What became of a handover."""
    what = t("handover")
    if moving := data.get("transfer"):
        what = t(
            "move from {start} to {end}", start=standing.spot(moving.get("from")), end=standing.spot(moving.get("to"))
        )
    outgoing, due = phrases.person(data.get("outgoing")), reader.time(data.get("due_at"))
    match kind.partition(".")[2]:
        case "offered":
            offered = what if moving else f"{what} {standing.way(data, reader)}"
            lines = [t("{by} adds: {remarks}", by=outgoing, remarks=data["remarks"])] if data.get("remarks") else []
            return _bold(
                t(
                    "{offered} offered by {outgoing}: to be accepted by {due}",
                    offered=offered,
                    outgoing=outgoing,
                    due=due,
                )
            ), _under(*lines, t(_ACCEPT))
        case "accepted":
            return _accepted(what, data, reader), []
        case "overdue":
            return _loud(t("OVERDUE since {due}: nobody has accepted the {what}", due=due, what=what)), _under(
                t("{outgoing} still answers", outgoing=outgoing)
            )
        case "escalated":
            calls = t("WITH THE DUTY MANAGER: nobody has accepted the {what} since {due}", what=what, due=due)
            return _loud(calls), _under(t(_ACCEPT))
        case "withdrawn":
            end = data.get("withdrawal") or {}
            return _text(
                t(
                    "{by} took the {what} back: {reason}",
                    by=phrases.person(end.get("by")),
                    what=what,
                    reason=end.get("reason"),
                )
            ), []
        case "queried":
            newest = (data.get("queries") or [{}])[-1]
            words = t(
                "{by} asks about the {what}: {text}",
                by=phrases.person(newest.get("by")),
                what=what,
                text=newest.get("text"),
            )
            return _bold(words), _under(t('answer: handover answer {handle} "…"', handle=str(newest.get("id"))[-4:]))
        case "answered":
            return _answered(data), []
        case "updated":
            return _text(t("a note in the {what} was changed or taken back", what=what)), []
    return _text(f"{what} {kind.partition('.')[2].replace('_', ' ')} ({outgoing})"), []


_ACCEPT = later("take it over: handover accept")


def _accepted(what: str, data: dict[str, Any], reader: Reader) -> Text:
    incoming, outgoing = phrases.person(data.get("incoming")), phrases.person(data.get("outgoing"))
    since = reader.time(data.get("accepted_at"))
    whom = t("answers for him or her") if data.get("transfer") else t("owns unit {unit}", unit=data.get("unit"))
    open_ = sum(not query.get("answers") for query in data.get("queries") or [])
    questions = plural("; {n} question open", "; {n} questions open", open_) if open_ else ""
    return _bold(
        t(
            "{what} accepted: {incoming} {whom} since {since}, from {outgoing}{questions}",
            what=what,
            incoming=incoming,
            whom=whom,
            since=since,
            outgoing=outgoing,
            questions=questions,
        )
    )


def asked_about(data: dict[str, Any]) -> object:
    """The number of whom the newest question about a handover is about."""
    query = (data.get("queries") or [{}])[-1]
    items = [*(data.get("items") or []), *(data.get("attention") or [])]
    asked = query.get("note"), query.get("need")
    return next((one.get("inmate") for one in items if (one.get("note"), one.get("need")) == asked), None)


def _answered(data: dict[str, Any]) -> Text:
    pairs = [(one, query) for query in data.get("queries") or [] for one in query.get("answers") or []]
    if not pairs:
        return _text(t("a question was answered"))
    newest, query = max(pairs, key=lambda pair: str(pair[0].get("at")))
    return _bold(
        t(
            "{by} answers “{question}”: {answer}",
            by=phrases.person(newest.get("by")),
            question=query.get("text"),
            answer=newest.get("text"),
        )
    )


def page(kind: str, data: dict[str, Any], reader: Reader) -> Told:
    """A page, on one line: what it calls for and whether somebody has taken it."""
    what = kind_of(data)
    match kind.partition(".")[2]:
        case "raised":
            return _loud(t("PAGE: {what}, {called}", what=what, called=called(data, reader))), []
        case "accepted":
            when = reader.time(data.get("accepted_at"))
            return _bold(
                t(
                    "PAGE TAKEN by {accepted_by} {when}: {what}",
                    accepted_by=phrases.person(data.get("accepted_by")),
                    when=when,
                    what=what,
                )
            ), []
    return _text(t("page closed, what it called for is over, corrected or taken back: {what}", what=what)), []


def kind_of(page: dict[str, Any]) -> str:
    """What a page calls for, in capitals."""
    code = str(page.get("kind"))
    return t(KINDS[code]) if code in KINDS else code


def answer(page: dict[str, Any]) -> str:
    """What ends a page that is not about a note."""
    if page.get("kind") == "UNOFFERED":
        return t("hand it over: handover offer --unit {unit}", unit=page["unit"])
    return t("take it over: handover accept --unit {unit}", unit=page["unit"])


def called(data: dict[str, Any], reader: Reader) -> str:
    """`called 3 times since 14:02, nobody has taken it`."""
    times = int(data.get("repeated") or 0) + 1
    return plural(
        "called since {since}, nobody has taken it",
        "called {n} times since {since}, nobody has taken it",
        times,
        since=reader.time(data.get("raised_at")),
    )


def ran_out(note: dict[str, Any], reader: Reader) -> Told:
    """Attention that ended by itself."""
    code, tail = phrases.attention_words(note.get("attention"), reader), str(note.get("id"))[-4:]
    ways = t('handover attention {tail} --renew "why"   or   --close "why"', tail=tail)
    head = _bold(
        t(
            "{code} ran out {until}: renew or close?",
            code=code,
            until=reader.time(note.get("attention_until")),
        )
    )
    return head, _under(phrases.matter(note, reader), ways)


def looked_after(note: dict[str, Any], reader: Reader) -> Told:
    """Somebody's word about a note's attention."""
    last = (note.get("renewals") or [{}])[-1]
    code, until = phrases.attention_words(note.get("attention"), reader), reader.time(last.get("until"))
    by, reason = phrases.person(last.get("by")), last.get("reason")
    if last.get("closed"):
        return _text(t("{code} is over, says {by}: {reason}", code=code, by=by, reason=reason)), []
    words = t("{code} goes on until {until}, says {by}: {reason}", code=code, until=until, by=by, reason=reason)
    return _text(words), []


def _under(*lines: str) -> list[Text]:
    return [_text(line) for line in lines]


def _loud(words: str) -> Text:
    return Text(plain(f" {words} "), style="bold reverse")


def _bold(words: str) -> Text:
    return Text(plain(words), style="bold")


def _text(words: str) -> Text:
    return Text(plain(words).replace("\t", " "))
