"""Handovers, pages and times that ran out, as a watch tells them: who has to do what, and with which words."""

from typing import Any

from rich.text import Text

from handover.terminal import phrases, standing
from handover.terminal.phrases import Reader
from handover.terminal.speech import plain

Told = tuple[Text, list[Text]]
KINDS = {
    "ACT_NOW": "ACT NOW",
    "HANDOVER": "HANDOVER NOT ACCEPTED",
    "TRANSFER": "PERSON ON THE WAY, NOT ACCEPTED",
    "UNOFFERED": "UNIT NOT HANDED OVER",
}


def handover(kind: str, data: dict[str, Any], reader: Reader) -> Told:
    """What became of a handover."""
    what = "handover"
    if moving := data.get("transfer"):
        what = f"move from {standing.spot(moving.get('from'))} to {standing.spot(moving.get('to'))}"
    outgoing, due = phrases.person(data.get("outgoing")), reader.time(data.get("due_at"))
    match kind.partition(".")[2]:
        case "offered":
            offered = what if moving else f"{what} {standing.way(data, reader)}"
            lines = [f"{outgoing} adds: {data['remarks']}"] if data.get("remarks") else []
            return _bold(f"{offered} offered by {outgoing}: to be accepted by {due}"), _under(*lines, _ACCEPT)
        case "accepted":
            return _accepted(what, data, reader), []
        case "overdue":
            return _loud(f"OVERDUE since {due}: nobody has accepted the {what}"), _under(f"{outgoing} still answers")
        case "escalated":
            calls = f"WITH THE DUTY MANAGER: nobody has accepted the {what} since {due}"
            return _loud(calls), _under(_ACCEPT)
        case "withdrawn":
            end = data.get("withdrawal") or {}
            return _text(f"{phrases.person(end.get('by'))} took the {what} back: {end.get('reason')}"), []
        case "queried":
            newest = (data.get("queries") or [{}])[-1]
            words = f"{phrases.person(newest.get('by'))} asks about the {what}: {newest.get('text')}"
            return _bold(words), _under(f'answer: handover answer {str(newest.get("id"))[-4:]} "…"')
        case "answered":
            return _answered(data), []
        case "updated":
            return _text(f"a note in the {what} was changed or taken back"), []
    return _text(f"{what} {kind.partition('.')[2].replace('_', ' ')} ({outgoing})"), []


_ACCEPT = "take it over: handover accept"


def _accepted(what: str, data: dict[str, Any], reader: Reader) -> Text:
    incoming, outgoing = phrases.person(data.get("incoming")), phrases.person(data.get("outgoing"))
    since = reader.time(data.get("accepted_at"))
    whom = "answers for him or her" if data.get("transfer") else f"owns unit {data.get('unit')}"
    open_ = sum(not query.get("answers") for query in data.get("queries") or [])
    questions = f"; {open_} question{'s' if open_ > 1 else ''} open" if open_ else ""
    return _bold(f"{what} accepted: {incoming} {whom} since {since}, from {outgoing}{questions}")


def _answered(data: dict[str, Any]) -> Text:
    pairs = [(one, query) for query in data.get("queries") or [] for one in query.get("answers") or []]
    if not pairs:
        return _text("a question was answered")
    newest, query = max(pairs, key=lambda pair: str(pair[0].get("at")))
    return _bold(f"{phrases.person(newest.get('by'))} answers “{query.get('text')}”: {newest.get('text')}")


def page(kind: str, data: dict[str, Any], reader: Reader) -> Told:
    """A page, on one line: what it calls for and whether somebody has taken it."""
    what = KINDS.get(str(data.get("kind")), str(data.get("kind")))
    match kind.partition(".")[2]:
        case "raised":
            return _loud(f"PAGE: {what}, {called(data, reader)}"), []
        case "accepted":
            when = reader.time(data.get("accepted_at"))
            return _bold(f"PAGE TAKEN by {phrases.person(data.get('accepted_by'))} {when}: {what}"), []
    return _text(f"page closed, what it called for is over: {what}"), []


def answer(page: dict[str, Any]) -> str:
    """What ends a page that is not about a note."""
    if page.get("kind") == "UNOFFERED":
        return f"hand it over: handover offer --unit {page['unit']}"
    return f"take it over: handover accept --unit {page['unit']}"


def called(data: dict[str, Any], reader: Reader) -> str:
    """`called 3 times since 14:02, nobody has taken it`."""
    times = int(data.get("repeated") or 0) + 1
    often = f"called {times} times" if times > 1 else "called"
    return f"{often} since {reader.time(data.get('raised_at'))}, nobody has taken it"


def ran_out(note: dict[str, Any], reader: Reader) -> Told:
    """Attention that ended by itself."""
    code, tail = str(note.get("attention")).replace("_", " "), str(note.get("id"))[-4:]
    ways = f'handover attention {tail} --renew "why"   or   --close "why"'
    head = _bold(f"{code} ran out {reader.time(note.get('attention_until'))}: renew or close?")
    return head, _under(phrases.how(note), ways)


def looked_after(note: dict[str, Any], reader: Reader) -> Told:
    """Somebody's word about a note's attention."""
    last = (note.get("renewals") or [{}])[-1]
    word = "is over" if last.get("closed") else f"goes on until {reader.time(last.get('until'))}"
    code = str(note.get("attention")).replace("_", " ")
    return _text(f"{code} {word}, says {phrases.person(last.get('by'))}: {last.get('reason')}"), []


def _under(*lines: str) -> list[Text]:
    return [_text(line) for line in lines]


def _loud(words: str) -> Text:
    return Text(plain(f" {words} "), style="bold reverse")


def _bold(words: str) -> Text:
    return Text(plain(words), style="bold")


def _text(words: str) -> Text:
    return Text(plain(words).replace("\t", " "))
