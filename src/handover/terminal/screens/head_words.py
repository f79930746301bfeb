"""The two lines at the top of everything: which unit and shift, whose the handover is; who I am, and whether what I see
is so."""

from rich.text import Text

from handover.terminal import phrases
from handover.terminal.phrases import Reader
from handover.terminal.screens.station import Station
from handover.terminal.shifts import shift_words
from handover.terminal.speech import plain

Standing = dict[str, object]


def place(station: Station) -> Text:
    """`A wing · late · offered 20:51 by P. Ngata, NOT ACCEPTED, due 21:15`."""
    if station.here is None:
        where = f"LOCKED · {station.unit.name}" if station.unit is not None else "handover · log in"
        return Text(plain(where), style="bold")
    practice = "PRACTICE · " if station.here.login.me.practice else ""
    if station.unit is None:
        return Text(plain(f"{practice}no unit"), style="bold")
    if station.sheet is None:
        return Text(plain(f"{practice}{station.unit.name} · not known yet"), style="bold")
    standing, reader = station.sheet["handover"], station.reader
    shift = shift_words(standing["from_shift"], reader)
    return Text(plain(f"{practice}{station.unit.name} · {shift} · {state(standing, reader)}"), style="bold")


def state(standing: Standing, reader: Reader) -> str:
    """Where the handover stands, as short as it can be said."""
    now, due = standing["state"], reader.time(standing["due_at"])
    by = phrases.person(standing["outgoing"])
    last = standing["last"]
    whose = f"{phrases.person(last.get('incoming'))}'s" if isinstance(last, dict) else "nobody's yet"
    match now:
        case "DRAFT":
            return f"{whose} · not offered, due {due}"
        case "OFFERED":
            return f"offered by {by}, NOT ACCEPTED, due {due}"
        case "OVERDUE":
            return f"{by}'s · OVERDUE since {due}: nobody has accepted"
        case "ESCALATED":
            return f"{by}'s · WITH THE DUTY MANAGER, due {due}"
    return f"{whose} · {str(now).replace('_', ' ').lower()}"


def self_and_sight(station: Station, not_sent: int, drafts: int) -> Text:
    """`you are L. Hartmann · up to date 13:31:04 · 0 not sent · 5 new`."""
    words = Text(no_wrap=True)
    if station.here is None:
        return words.append("Nobody is logged in here. Nothing is heard: use the radio.", "bold")
    reader = station.reader
    if station.pages:
        many = len(station.pages)
        words.append(f" {many} PAGE{'S' if many > 1 else ''} NOT TAKEN ", "bold reverse").append(" ")
    words.append(plain(f"you are {station.here.login.me.name}"), "bold").append(" · ")
    if station.blind_since is not None:
        since = reader.time(station.blind_since, seconds=True)
        words.append(f" NOT CONNECTED since {since} ", "bold reverse").append(" · ")
    elif station.certain_at is None:
        words.append("connecting … · ")
    else:
        words.append(f"up to date {reader.time(station.certain_at, seconds=True)} · ")
    words.append(f"not sent: {not_sent}", "bold reverse" if not_sent else "")
    if new := len(station.news.waiting):
        words.append(" · ").append(f"{new} NEW", "bold")
    if drafts:
        words.append(f" · {drafts} draft{'s' if drafts > 1 else ''}")
    if station.blind_since is not None:
        words.append(" · Urgent? Radio")
    return words
