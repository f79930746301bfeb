"""The two lines at the top of everything: which unit and shift, whose the handover is; who I am, and whether what I see
is so."""

from rich.text import Text

from handover.terminal import phrases
from handover.terminal.phrases import Reader
from handover.terminal.screens.station import Station
from handover.terminal.shifts import running, shift_words
from handover.terminal.speech import plain
from handover.terminal.tongue import plural, t

Standing = dict[str, object]


def place(station: Station, width: int) -> Text:
    """`A wing · late · offered by P. Ngata, NOT ACCEPTED, due 21:15`. What gives way is the name, not the time."""
    practice = t("PRACTICE") + " · " if station.practice else ""
    if station.here is None:
        where = t("LOCKED · {name}", name=station.unit.name) if station.unit is not None else t("handover · log in")
        return Text(plain(practice + where), style="bold")
    if station.unit is None:
        return Text(plain(practice + t("no unit")), style="bold")
    if station.sheet is None:
        return Text(plain(f"{practice}{station.unit.name} · {t('not known yet')}"), style="bold")
    standing, reader = station.sheet["handover"], station.reader
    pattern = station.shifts.get(station.unit.establishment)
    shift = running(pattern, reader) if pattern else shift_words(standing["from_shift"], reader)
    head = f"{practice}{station.unit.name} · {shift} · "
    words = Text(plain(head + state(standing, reader)), style="bold")
    if (over := words.cell_len - width) > 0:
        words = Text(plain(head + state(standing, reader, over)), style="bold")
    if words.cell_len > width and (short := shortest(standing, reader)):
        words = Text(plain(head + short), style="bold")
    return words


def shortest(standing: Standing, reader: Reader) -> str | None:
    """What waits and by when, where there is no room for by whom."""
    due = reader.time(standing["due_at"])
    return {
        "OFFERED": t("NOT ACCEPTED, due {due}", due=due),
        "OVERDUE": t("OVERDUE since {due}: nobody has accepted", due=due),
        "ESCALATED": t("WITH THE DUTY MANAGER, due {due}", due=due),
        "DRAFT": t("not offered, due {due}", due=due),
    }.get(str(standing["state"]))


def state(standing: Standing, reader: Reader, over: int = 0) -> str:
    """Where the handover stands, as short as it can be said; by so much shorter as there is no room."""
    now, due = standing["state"], reader.time(standing["due_at"])
    by = _cut(phrases.person(standing["outgoing"]), over)
    last = standing["last"]
    whose = (
        t("{name}'s", name=_cut(phrases.person(last.get("incoming")), over))
        if isinstance(last, dict)
        else t("nobody's yet")
    )
    match now:
        case "DRAFT":
            return f"{whose} · {t('not offered, due {due}', due=due)}"
        case "OFFERED":
            return t("offered by {by}, NOT ACCEPTED, due {due}", by=by, due=due)
        case "OVERDUE":
            return t("{by}'s · OVERDUE since {due}: nobody has accepted", by=by, due=due)
        case "ESCALATED":
            return t("{by}'s · WITH THE DUTY MANAGER, due {due}", by=by, due=due)
    return f"{whose} · {reader.label('handover_state', now)}"


Part = tuple[list[str], str]
"""A piece of the line: its forms, each shorter than the one before, and its style."""
_GIVES_WAY = ("name", "blind", "radio", "drafts", "page", "blind", "name", "news")
"""What is said shorter where the line has no room for all of it, in this order. What is about safety stays: that
somebody calls, that this screen is blind and since when, how much has not been sent."""
_SHORTEST_NAME = 6


def self_and_sight(station: Station, unsent: tuple[int, int], drafts: int, width: int) -> Text:
    """`you are L. Hartmann · up to date 13:31:04 · not sent: 0 · 5 NEW`. `unsent`: how many notes wait, how many were
    refused."""
    if station.here is None:
        return Text(t("Nobody is logged in here."), style="bold", no_wrap=True)
    parts = _parts(station, unsent, drafts)
    for name in _GIVES_WAY:
        over = _line(parts).cell_len - width
        if over <= 0:
            break
        forms, style = parts.get(name, ([""], ""))
        parts[name] = (forms[1:] or [_cut(forms[0], over)], style)
    return _line(parts)


def _parts(station: Station, unsent: tuple[int, int], drafts: int) -> dict[str, Part]:
    reader, name = station.reader, station.desk.login.me.name
    parts: dict[str, Part] = {}
    if many := len(station.pages):
        pages = plural("{n} PAGE NOT TAKEN", "{n} PAGES NOT TAKEN", many), plural("{n} PAGE", "{n} PAGES", many)
        parts["page"] = [f" {one} " for one in pages], "bold reverse"
    parts["name"] = [plain(t("you are {name}", name=name)), plain(name)], "bold"
    if (blind := station.blind_since) is not None:
        at, short = reader.time(blind, seconds=True), reader.time(blind)
        told = [t("NOT CONNECTED since {since}", since=since) for since in (at, short)]
        parts["blind"] = [f" {one} " for one in (*told, t("NOT CONNECTED {since}", since=short))], "bold reverse"
    elif station.certain_at is None:
        parts["sight"] = [t("connecting …")], ""
    else:
        parts["sight"] = [t("up to date {time}", time=reader.time(station.certain_at, seconds=True))], ""
    waiting, refused = unsent
    parts["unsent"] = [t("not sent: {n}", n=waiting)], "bold reverse" if waiting else ""
    if refused:
        parts["refused"] = [t("refused: {n}", n=refused)], "bold reverse"
    if new := len(station.news.waiting):
        parts["news"] = [plural("{n} NEW", "{n} NEW", new), ""], "bold"
    if drafts:
        parts["drafts"] = [plural("{n} draft", "{n} drafts", drafts), ""], ""
    if blind is not None:
        parts["radio"] = [t("Urgent? Radio"), t("RADIO")], ""
    return parts


def _line(parts: dict[str, Part]) -> Text:
    line = Text(no_wrap=True)
    for words, style in ((forms[0], style) for forms, style in parts.values() if forms[0]):
        line.append("" if not line else " " if line.plain[-1] == " " or words[0] == " " else " · ").append(words, style)
    return line


def _cut(words: str, over: int) -> str:
    short = Text(words)
    short.truncate(max(_SHORTEST_NAME, short.cell_len - over), overflow="ellipsis")
    return short.plain
