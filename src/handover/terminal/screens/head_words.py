"""The two lines at the top of everything: which unit and shift, whose the handover is; who I am, and whether what I see
is so."""

from rich.text import Text

from handover.terminal import phrases
from handover.terminal.phrases import Reader
from handover.terminal.screens.station import Station
from handover.terminal.shifts import shift_words
from handover.terminal.speech import plain
from handover.terminal.tongue import plural, t

Standing = dict[str, object]


def place(station: Station) -> Text:
    """`A wing · late · offered 20:51 by P. Ngata, NOT ACCEPTED, due 21:15`."""
    if station.here is None:
        where = t("LOCKED · {name}", name=station.unit.name) if station.unit is not None else t("handover · log in")
        return Text(plain(where), style="bold")
    practice = t("PRACTICE") + " · " if station.here.login.me.practice else ""
    if station.unit is None:
        return Text(plain(practice + t("no unit")), style="bold")
    if station.sheet is None:
        return Text(plain(f"{practice}{station.unit.name} · {t('not known yet')}"), style="bold")
    standing, reader = station.sheet["handover"], station.reader
    shift = shift_words(standing["from_shift"], reader)
    return Text(plain(f"{practice}{station.unit.name} · {shift} · {state(standing, reader)}"), style="bold")


def state(standing: Standing, reader: Reader) -> str:
    """Where the handover stands, as short as it can be said."""
    now, due = standing["state"], reader.time(standing["due_at"])
    by = phrases.person(standing["outgoing"])
    last = standing["last"]
    whose = t("{name}'s", name=phrases.person(last.get("incoming"))) if isinstance(last, dict) else t("nobody's yet")
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


def self_and_sight(station: Station, not_sent: int, drafts: int) -> Text:
    """`you are L. Hartmann · up to date 13:31:04 · 0 not sent · 5 new`."""
    words = Text(no_wrap=True)
    if station.here is None:
        return words.append(t("Nobody is logged in here."), "bold")
    reader = station.reader
    if station.pages:
        many = len(station.pages)
        words.append(f" {plural('{n} PAGE NOT TAKEN', '{n} PAGES NOT TAKEN', many)} ", "bold reverse").append(" ")
    words.append(plain(t("you are {name}", name=station.here.login.me.name)), "bold").append(" · ")
    if station.blind_since is not None:
        since = reader.time(station.blind_since, seconds=True)
        words.append(" " + t("NOT CONNECTED since {since}", since=since) + " ", "bold reverse").append(" · ")
    elif station.certain_at is None:
        words.append(t("connecting …") + " · ")
    else:
        words.append(t("up to date {time}", time=reader.time(station.certain_at, seconds=True)) + " · ")
    words.append(t("not sent: {n}", n=not_sent), "bold reverse" if not_sent else "")
    if new := len(station.news.waiting):
        words.append(" · ").append(plural("{n} NEW", "{n} NEW", new), "bold")
    if drafts:
        words.append(" · " + plural("{n} draft", "{n} drafts", drafts))
    if station.blind_since is not None:
        words.append(" · " + t("Urgent? Radio"))
    return words
