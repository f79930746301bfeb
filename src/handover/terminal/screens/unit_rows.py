"""A unit's sheet as rows: who needs you, what is due, everyone by cell. The rules are the server's."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.cells import set_cell_size
from rich.text import Text

from handover.client.resources import Document
from handover.terminal import calls, item_words, phrases, shifts, standing
from handover.terminal.incidents import counted
from handover.terminal.phrases import Reader
from handover.terminal.screens.lines import Row, row
from handover.terminal.screens.station import Station
from handover.terminal.sheet_words import called
from handover.terminal.speech import plain
from handover.terminal.tongue import t

_MARKED = ("ACT_NOW", "WATCH")
_PRESSING = ("ACT_NOW", "WATCH", "RAN_OUT", "NEED_OVERDUE", "WORSE_TWICE")
Sheet = Mapping[str, Any]


def needs_you(sheet: Sheet, station: Station, reader: Reader) -> Iterator[Row]:
    """Calls nobody has taken, what goes on, and everybody for whom somebody asked to look out."""
    here = {one["inmate"]: called(one) for one in (*sheet["people"], *sheet["others"])}
    for page in station.pages.values():
        unit, number = station.unit_name(page["establishment"], page["unit"]), page["inmate"]
        who = here.get(number) or f"{unit}, {station.roster.get(number, number)}" if number else unit
        yield _page(page, who, reader)
    for one in sheet.get("incidents", ()):
        yield from _incident(one, reader)
    for one in sheet["in_transit"]:
        if one["to"]["unit"] == sheet["unit"]:
            yield row(
                t(
                    "> ON THE WAY HERE: {name}, from {place}: take over (t)",
                    name=one["name"],
                    place=standing.spot(one["from"]),
                ),
                ("transfer", ""),
            )
    for note in sheet["wing_notes"]:
        if note["attention"] in _MARKED and reader.is_ahead(note["attention_until"]) and not _began(sheet, note):
            yield Row(
                _marked(t("The wing"), note["attention"], note["attention_until"], reader), ("wing", ""), whole=False
            )
            yield _under(phrases.matter(note, reader), note["id"])
    for person in sheet["people"]:
        if any(reason["rule"] in _PRESSING for reason in person["reasons"]):
            yield from _person(person, reader)


def due(sheet: Sheet, reader: Reader) -> list[Row]:
    """Needs that are due before the handover, or promised, or wanted at once; those first whose time comes first."""
    end = str(sheet["handover"]["due_at"])
    found = []
    for one in (*sheet["people"], {"inmate": None, "needs": sheet["wing_needs"]}):
        for need in one["needs"]:
            soon = need["due_at"] is not None and need["due_at"] <= end
            if soon or need["promised"] or need["urgency"] in ("NOW", "THIS_SHIFT"):
                found.append((need["due_at"] or "9", one, need))
    found.sort(key=lambda entry: entry[0])
    return [_need(one, need, reader) for _, one, need in found]


def everyone(sheet: Sheet, reader: Reader) -> Iterator[Row]:
    """A line for everybody, by cell."""
    missing = {one["inmate"]: one for one in sheet["not_observed"]}
    found = [*sheet["people"], *sheet["others"]]
    for one in sorted(found, key=lambda one: (one["cell"] is None, str(one["cell"]), one["name"])):
        mark = phrases.mark(one["attention"])[0] if one.get("attention") in _MARKED else " "
        why = missing.get(one["inmate"])
        seen = "" if why is None else reader.label("not_observed", why["why"]) if why["why"] else t("not observed")
        head = f"{mark} {one['cell'] or '-':<7} {set_cell_size(one['name'], 22)} {one['inmate']:<9} "
        yield row(f"{head}{shifts.shape(one['changes']):<9} {seen}", ("person", one["inmate"]), whole=False)


def heading(words: str) -> Row:
    """The name of a part."""
    return Row(Text(f"— {words} ", style="bold"), whole=False)


def _person(person: Mapping[str, Any], reader: Reader) -> Iterator[Row]:
    key = ("person", person["inmate"])
    rules = {reason["rule"] for reason in person["reasons"]}
    head = _marked(called(person), person["attention"], person["attention_until"], reader)
    told = []
    if "RAN_OUT" in rules and person["attention"] == "ROUTINE":  # else there is attention that runs
        told.append(t("attention ran out: renew or close?"))
    if "WORSE_TWICE" in rules:
        told.append(t("worse in two of the last three shifts"))
    if "NEED_OVERDUE" in rules:
        told.append(t("a need is OVERDUE"))
    yield Row(head.append(f"  {'; '.join(told)}" if told else ""), key, whole=False)
    live = {reason["note"] for reason in person["reasons"] if reason["rule"] in (*_MARKED, "RAN_OUT")}
    for note in [one for one in person["notes"] if one["id"] in live][:1] or person["notes"][:1]:
        yield _under(f"{reader.time(note['occurred_at'])} {phrases.matter(note, reader)}", note["id"])
    for one in person["if_then"][:1]:
        yield _under(t("IF IT HAPPENS: {if_then}", if_then=one["text"]), one["note"], "bold")


def _need(one: Mapping[str, Any], need: dict[str, Any], reader: Reader) -> Row:
    who = called(one) if one["inmate"] else t("the wing")
    at = reader.time(need["due_at"]) if need["due_at"] else "—"
    late = f"{t('OVERDUE')} " if item_words.is_overdue(need, reader) else ""
    words = phrases.need({**need, "due_at": None}, reader)
    owner = t("; with {owner}", owner=need["owner"]) if need["owner"] else ""
    told = f"{at:>9}  {late}{who}: {words}{owner}"
    return row(told, ("need", need["id"]), whole=False, note=need["note"], need=need["id"])


def _incident(one: Mapping[str, Any], reader: Reader) -> Iterator[Row]:
    since = reader.time(one["since"])
    words = (
        t("INCIDENT since {since}", since=since) if one["until"] else t("incident, over, since {since}", since=since)
    )
    told = t("{notes}, latest {latest}", notes=counted(one["count"]), latest=reader.time(one["latest"]))
    head = Text.assemble(
        f"{'!' if one['until'] else '-'} ",
        (words, "bold"),
    )
    yield Row(head.append(f"  {told}"), ("incident", one["incident"]), whole=False)
    yield _under(phrases.matter(one["began"], reader), one["began"]["id"])


def _page(page: Document, who: str, reader: Reader) -> Row:
    kind = calls.kind_of(page)
    words = Text.assemble(
        "! ", (" " + t("PAGE: {kind}", kind=kind) + " ", "bold reverse"), plain(f" {who}: {calls.called(page, reader)}")
    )
    return Row(words, ("page", page["id"]), whole=False)


def _began(sheet: Sheet, note: Mapping[str, Any]) -> bool:
    return any(one["began"]["id"] == note["id"] for one in sheet.get("incidents", ()))


def _marked(who: str, attention: str, until: object, reader: Reader) -> Text:
    mark, words = phrases.mark(attention)
    head = Text.assemble(f"{mark} ", (plain(who), "bold"), "  ")
    if words:
        head.append(words, "bold reverse" if attention == "ACT_NOW" else "bold").append(
            " " + t("until {until}", until=reader.time(until))
        )
    return head


def _under(words: str, note: str, style: str = "") -> Row:
    return row("    " + words.replace("\n", " "), style=style, whole=False, note=note)
