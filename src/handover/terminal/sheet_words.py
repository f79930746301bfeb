"""A unit's sheet in words: whose it is, then people by the attention staff asked for, then the rest of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from handover.terminal import item_words, phrases, shifts, standing
from handover.terminal.handles import handles
from handover.terminal.incidents import NEWEST, counted
from handover.terminal.phrases import Reader
from handover.terminal.speech import plain
from handover.terminal.tongue import later, plural, t
from handover.terminal.units import Unit

_MARKED = ("ACT_NOW", "WATCH")
Sheet = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SheetWords:
    """One sheet, to be put into words."""

    sheet: Sheet
    unit: Unit
    reader: Reader
    every: bool = False
    """Whether older notes are shown too, and those about whom there is nothing to pass on."""

    def lines(self) -> Iterator[Text]:
        """The sheet, line by line."""
        yield from self._head()
        marks = handles(self._ids())
        for one in self._incidents():
            yield from self._incident(one, marks)
        pressing, rest = self._wing_notes()
        for note in pressing:
            mark, words = phrases.mark(note["attention"])
            head = Text.assemble(f"{mark} ", (t("The wing"), "bold"), "  ")
            head.append(words, "bold reverse" if note["attention"] == "ACT_NOW" else "bold")
            yield head.append(" " + t("until {until}", until=self.reader.time(note["attention_until"])))
            yield from self._wing_note(note, marks)
        for person in self.sheet["people"]:
            yield from self._person(person, marks)
        yield from self._wing(rest, marks)
        yield from self._rest()
        yield _line(
            t(
                "Sheet {sequence}, given {given_at}, hash {hash}…  Not valid after the next handover.",
                sequence=self.sheet["sequence"],
                given_at=self.reader.time(self.sheet["given_at"], seconds=True),
                hash=str(self.sheet["hash"])[:12],
            )
        )

    def _ids(self) -> list[str]:
        people = self.sheet["people"]
        things = [thing for one in people for thing in (*one["notes"], *one["needs"])]
        things += [one["began"] for one in self._incidents()]
        return [str(one["id"]) for one in (*things, *self.sheet["wing_notes"], *self.sheet["wing_needs"])]

    def _head(self) -> Iterator[Text]:
        sheet, reader = self.sheet, self.reader
        standing_now = sheet["handover"]
        title = f"{self.unit.name} ({sheet['establishment']})"
        yield _line(
            t(
                "{title} as it stood {at}. {owner}",
                title=title,
                at=reader.time(sheet["at"]),
                owner=standing.owner(standing_now["last"], reader),
            )
        )
        state = standing.where(standing_now, reader)
        asked = standing_now["open_queries"]
        questions = plural("; {n} question open", "; {n} questions open", asked) if asked else ""
        yield _line(state + questions + ".", "bold" if standing_now["state"] != "DRAFT" else "")
        yield _line(standing.roll(sheet["roll"], standing_now["roll"]) + ".")
        if standing_now["remarks"]:
            by = phrases.person(standing_now["outgoing"])
            yield _line(t("{by} adds: {remarks}", by=by, remarks=standing_now["remarks"]))

    def _incidents(self) -> list[dict[str, Any]]:
        """What goes on in the unit; a server that is older than this terminal says nothing of it."""
        return list(self.sheet.get("incidents", ()))

    def _incident(self, one: Mapping[str, Any], marks: Mapping[str, str]) -> Iterator[Text]:
        """One line for all that was written about it, and what it began with."""
        began, reader = one["began"], self.reader
        asks = began["attention"] if began["attention"] in _MARKED else "WATCH"
        mark, words = phrases.mark(asks) if one["until"] else ("-", t("over"))
        head = Text.assemble(f"{mark} ", (t("INCIDENT since {since}", since=reader.time(one["since"])), "bold"), "  ")
        head.append(words, "bold reverse" if began["attention"] == "ACT_NOW" and one["until"] else "bold")
        until = " " + t("until {until}", until=reader.time(one["until"])) if one["until"] else ""
        told = t("{notes}, latest {latest}", notes=counted(one["count"]), latest=reader.time(one["latest"]))
        yield head.append(f"{until}  {told}")
        yield from self._wing_note(began, marks)

    def _person(self, person: Mapping[str, Any], marks: Mapping[str, str]) -> Iterator[Text]:
        mark, words = phrases.mark(person["attention"])
        cell = f"{person['cell']}  " if person["cell"] else ""
        head = Text.assemble(f"{mark} {plain(cell)}", (plain(person["name"]), "bold"), f"  {person['inmate']}  ")
        if words:
            head.append(words, "bold reverse" if person["attention"] == "ACT_NOW" else "bold")
            head.append(" " + t("until {until}", until=self.reader.time(person["attention_until"])))
        yield head.append_text(_text(self._why(person)))
        if told := shifts.changes(person["changes"], self.reader):
            yield _line(f"    {told}")
        yield from self._learned(person)  # first: it is there only while attention is asked for
        live, rest = self._apart(person)
        for note in live:
            yield from self._note(note, marks[note["id"]])
        for one in person["if_then"]:
            yield _line(
                "    "
                + t(
                    "IF IT HAPPENS ({by}, {at}): {text}", by=one["by"], at=self.reader.time(one["at"]), text=one["text"]
                ),
                "bold",
            )
        for need in person["needs"]:
            yield self._open(need, marks)
        yield from self._older(person, rest, marks)

    def _why(self, person: Mapping[str, Any]) -> str:
        """What is not said by the lines below: rules that look at several notes, and that a time has run out."""
        rules = {reason["rule"] for reason in person["reasons"]}
        found = []
        if "WORSE_TWICE" in rules:
            found.append(t("two of the last three shifts worse than usual: have a look"))
        if "RAN_OUT" in rules:
            found.append(t("attention ran out: renew or close?"))
        return ("  " if person["attention"] != "ROUTINE" else "") + "; ".join(found) if found else ""

    def _apart(self, person: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Notes that ask for attention now, and the others."""
        live = {reason["note"] for reason in person["reasons"] if reason["rule"] in _MARKED}
        notes = person["notes"]
        return [one for one in notes if one["id"] in live], [one for one in notes if one["id"] not in live]

    def _note(self, note: dict[str, Any], handle: str | None, beside: str = "") -> Iterator[Text]:
        first, *more = item_words.note_lines(note, self.reader, handle)
        yield _line(f"    {first}{beside}")
        yield from (_line(f"      {line}") for line in more)

    def _open(self, need: dict[str, Any], marks: Mapping[str, str]) -> Text:
        return _line("    " + t("need {need}", need=item_words.need_line(need, self.reader, marks[need["id"]])))

    def _older(
        self, person: Mapping[str, Any], notes: list[dict[str, Any]], marks: Mapping[str, str]
    ) -> Iterator[Text]:
        ended = {reason["note"] for reason in person["reasons"] if reason["rule"] == "RAN_OUT"}
        for note in self._newest(notes, 1):
            over = " " + t(
                "[{handle}, ran out {until}]",
                handle=marks[note["id"]],
                until=self.reader.time(note["attention_until"]),
            )
            yield from self._note(note, None, over if note["id"] in ended else "")
        if left := len(notes) - len(self._newest(notes, 1)):
            yield _line("    " + t("({left} older: handover sheet --all)", left=left))

    def _newest(self, things: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
        return things if self.every else things[:most]

    def _learned(self, person: Mapping[str, Any]) -> Iterator[Text]:
        for name, words in (("worked", t("worked")), ("did_not", t("did not help"))):
            if told := [item_words.tried(one, self.reader) for one in self._newest(person[name], 3)]:
                yield _line(f"    {words}: {'; '.join(told)}")
        for one in self._newest(person["openings"], 1):
            place = f", {self.reader.label('place', one['place'])}" if one["place"] else ""
            yield _line(
                "    "
                + t(
                    "opened up ({by}, {at}{place}): {fact}",
                    by=one["by"],
                    at=self.reader.time(one["at"]),
                    place=place,
                    fact=one["fact"] or "",
                )
            )

    def _wing_notes(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Notes on the wing itself that ask for attention now, and the others."""
        began = {one["began"]["id"] for one in self._incidents()}  # told at the top
        notes = [one for one in self.sheet["wing_notes"] if one["id"] not in began]
        live = [one for one in notes if one["attention"] in _MARKED and self.reader.is_ahead(one["attention_until"])]
        return live, [one for one in notes if one not in live]

    def _wing_note(self, note: dict[str, Any], marks: Mapping[str, str]) -> Iterator[Text]:
        yield from self._note(note, marks[note["id"]])
        if note["if_then"]:
            yield _line("    " + t("IF IT HAPPENS: {if_then}", if_then=note["if_then"]), "bold")

    def _wing(self, notes: list[dict[str, Any]], marks: Mapping[str, str]) -> Iterator[Text]:
        sheet = self.sheet
        if notes or sheet["wing_needs"]:
            yield _line(f"- {t('The wing')}", "bold")
        about = [note for note in notes if note.get("incident")]
        older = [note["id"] for note in about[len(self._newest(about, NEWEST)) :]]
        for note in notes:
            if note["id"] not in older:
                yield from self._wing_note(note, marks)
        if older:
            yield _line("    " + t("({older} older about the incident: handover sheet --all)", older=len(older)))
        for need in sheet["wing_needs"]:
            yield self._open(need, marks)

    def _rest(self) -> Iterator[Text]:
        sheet, reader = self.sheet, self.reader
        names = {one["inmate"]: called(one) for one in (*sheet["people"], *sheet["others"])}
        for note in sheet["late"]:
            who = names.get(note["inmate"], note["inmate"]) if note["inmate"] else t("the wing")
            yield _line(
                t(
                    "LATE, after the handover: {who}: {note_lines}",
                    who=who,
                    note_lines="; ".join(item_words.note_lines(note, reader)),
                )
            )
        for one in sheet["in_transit"]:
            late = (
                t(", {minutes} min LATE", minutes=one["late_by_min"])
                if one["late_by_min"]
                else t(", due {due}", due=reader.time(one["due_at"]))
            )
            yield _line(
                t(
                    "ON THE WAY: {name} ({inmate}) from {start} to {end} since {since}{late}; until somebody accepts, "
                    "{outgoing} answers for him or her",
                    name=one["name"],
                    inmate=one["inmate"],
                    start=standing.spot(one["from"]),
                    end=standing.spot(one["to"]),
                    since=reader.time(one["since"]),
                    late=late,
                    outgoing=phrases.person(one["outgoing"]),
                ),
                "bold",
            )
        for word, side, told in (
            ("arrived", "from", later("arrived {at}: {who} from {place}: {reason}")),
            ("left", "to", later("left {at}: {who} to {place}: {reason}")),
        ):
            for one in sheet[word]:
                who, at, place = f"{one['name']} ({one['inmate']})", reader.time(one["at"]), standing.spot(one[side])
                yield _line(t(told, at=at, who=who, place=place, reason=one["reason"]))
        yield from self._not_observed()
        if said := [one for one in sheet["others"] if any(told["change"] for told in one["changes"])]:
            yield _line(
                t("nothing to pass on:") + " " + ", ".join(f"{called(o)} {shifts.shape(o['changes'])}" for o in said)
            )

    def _not_observed(self) -> Iterator[Text]:
        missing = self.sheet["not_observed"]
        if not missing:
            yield _line(t("Everybody was observed this shift."))
            return
        if len(missing) == len(self.sheet["people"]) + len(self.sheet["others"]) and not self.every:
            yield _line(
                t("NOT OBSERVED this shift: all {missing}; nobody has written of anybody yet.", missing=len(missing))
            )
            return
        told = [called(one) + self._whyever(one) for one in missing]
        yield _line(t("NOT OBSERVED this shift ({missing}): {told}", missing=len(missing), told=", ".join(told)))

    def _whyever(self, one: Mapping[str, Any]) -> str:
        return f" {self.reader.label('not_observed', one['why'])}" if one["why"] else ""


def called(one: Mapping[str, Any]) -> str:
    """By the cell first: that is how one goes along a landing."""
    return f"{one['cell']} {one['name']}" if one["cell"] else str(one["name"])


def _line(words: str, style: str = "") -> Text:
    """A line of the sheet; one that an author has broken goes on set in: it is not to look like one of the sheet's."""
    inset = len(words) - len(words.lstrip(" ")) + 4
    return Text(plain(words).replace("\n", "\n" + " " * inset), style=style)


def _text(words: str) -> Text:
    return Text(plain(words))
