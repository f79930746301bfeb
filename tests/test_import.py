"""Rosters from files: what a file says is there afterwards; a line that cannot be taken is named, with the reason."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from handover.cli import command
from tests.support.service import Prison, Service, settings_for

PRISONS = """\
code,name,timezone
ACI,Altcourse (HMP & YOI),Europe/London
AGI,Askham Grange (HMP & YOI),Europe/London
HMI,"Humber, the (HMP)",Europe/London
"""
PEOPLE = """\
number,name,establishment,unit,cell,language,remark
A4417KD,"Weir, J.",ACI,A,A1-07,,
B1002XX,"Ọbi, Tọ́lá",ACI,B,,yo,speaks English too
C7,Ashworth P.,AGI,A,A1-17,en-GB,
"""


def load(url: str, *words: str | Path) -> Result:
    """Types `handover import …` on the server."""
    typed = ["import", *map(str, words)]
    return CliRunner().invoke(command(typed), typed, env={"HANDOVER_DATABASE_URL": url, "COLUMNS": "200"})


def told(result: Result) -> Any:
    return json.loads(result.stdout)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def test_a_file_of_prisons_and_one_of_people_make_a_roster(url: str, tmp_path: Path) -> None:
    prisons, people = write(tmp_path / "prisons.csv", PRISONS), write(tmp_path / "people.csv", PEOPLE)
    first = load(url, "establishments", prisons)
    assert first.exit_code == 0, first.output
    assert "3 new, 0 there before, 0 refused" in first.stdout
    assert "3/3" in first.stderr, "how far it has come is shown"
    again = load(url, "establishments", prisons, "--json")
    assert (again.exit_code, told(again), again.stderr) == (0, {"created": 0, "changed": 3, "refused": []}, "")
    refused = load(url, "inmates", people, "--json")
    assert (refused.exit_code, [line["line"] for line in told(refused)["refused"]]) == (1, [2, 3, 4])
    assert "no unit A" in told(refused)["refused"][0]["why"]
    result = load(url, "inmates", people, "--create-units", "--json")
    assert (result.exit_code, told(result)) == (0, {"created": 3, "changed": 0, "refused": []})
    service = Service(settings_for(url))
    try:
        cole = Prison(service, "ACI", None).hire("cole", "supervisor")  # type: ignore[arg-type]  # no admin is needed
        here = cole.get("/v1/establishments/ACI")
        assert (here["name"], [unit["code"] for unit in here["units"]]) == ("Altcourse (HMP & YOI)", ["A", "B"])
        assert len(here["shifts"]) == 3
        found = {one["number"]: one for one in cole.all("/v1/inmates")}
        assert set(found) == {"A4417KD", "B1002XX"}, "who is in another prison is not seen from here"
        assert (found["A4417KD"]["name"], found["A4417KD"]["cell"]) == ("Weir, J.", "A1-07")
        assert (found["B1002XX"]["name"], found["B1002XX"]["language"]) == ("Ọbi, Tọ́lá", "yo")
        assert [(e["type"], e["subject"]) for e in cole.pull()[0]] == [
            ("inmate.updated", "A4417KD"),
            ("inmate.updated", "B1002XX"),
        ]
        quill = Prison(service, "ACI", None).hire("quill", "auditor")  # type: ignore[arg-type]
        lines = [line for line in quill.all("/v1/access-log") if line["action"] == "inmates.put"]
        assert {line["actor_role"] for line in lines} == {"operator"}, "an import is in the access log, line by line"
    finally:
        service.stop()


def test_shifts_that_were_set_outlive_an_import(prison: Prison, database_url: str, tmp_path: Path) -> None:
    path = f"/v1/establishments/{prison.code}"
    shifts = [{"code": "DAY", "starts": "07:00"}, {"code": "NIGHT", "starts": "19:00"}]
    prison.admin.put(path, {"name": "Old", "timezone": "Europe/London", "shifts": shifts})
    file = write(tmp_path / "prisons.csv", f"code,name,timezone\n{prison.code},New,Europe/Paris\n")
    assert load(database_url, "establishments", file).exit_code == 0
    now = prison.admin.get(path)
    assert (now["name"], now["timezone"], now["shifts"]) == ("New", "Europe/Paris", shifts)


def test_a_line_that_cannot_be_taken_is_named_and_the_others_are_taken(url: str, tmp_path: Path) -> None:
    file = write(
        tmp_path / "prisons.csv",
        "code,name,timezone\n"
        "ACI,Altcourse,Europe/London\n"
        "aci,Small letters,Europe/London\n"
        "BAD,Nowhere,Europe/Londres\n"
        "NON,,Europe/London\n"
        '"TWO","A name\non two lines",Europe/London\n'
        "SHORT\n"
        "\n"
        "AGI,Askham Grange,Europe/London,and,more\n",
    )
    result = load(url, "establishments", file, "--json")
    assert result.exit_code == 1
    assert (told(result)["created"], told(result)["changed"]) == (2, 0)
    refused = {line["line"]: line["why"] for line in told(result)["refused"]}
    assert set(refused) == {3, 4, 5, 6, 8}
    for line, words in (
        (3, "code: an establishment's code"),
        (4, "timezone: not a time zone"),
        (5, "name"),
        (8, "name"),
    ):
        assert words in refused[line]
    assert "Value error" not in str(refused)
    plain = load(url, "establishments", file)
    assert "0 new, 2 there before, 5 refused" in plain.stdout
    assert "line 4: timezone: not a time zone" in plain.stderr


def test_people_are_refused_for_what_is_wrong_with_them(url: str, tmp_path: Path) -> None:
    load(url, "establishments", write(tmp_path / "prisons.csv", PRISONS))
    file = write(
        tmp_path / "people.csv",
        "number,name,establishment,unit,language\n"
        "A1,Weir,ACI,A,ro\n"
        "A 2,Weir,ACI,A,ro\n"
        "A3,Weir,ZZZ,A,ro\n"
        "A4,Weir,ACI,A wing,ro\n"
        "A5,Weir,ACI,A,Romanian language\n",
    )
    result = load(url, "inmates", file, "--create-units", "--json")
    refused = {line["line"]: line["why"] for line in told(result)["refused"]}
    assert (told(result)["created"], set(refused)) == (1, {3, 4, 5, 6})
    for line, words in ((3, "number: a number is"), (4, "set it up first"), (5, "unit: a unit's code"), (6, "BCP 47")):
        assert words in refused[line]


def test_a_file_that_is_no_roster_is_refused_whole(url: str, tmp_path: Path) -> None:
    file = tmp_path / "prisons.csv"
    for content, words in (
        (b"", "code, name, timezone"),
        (b"code,name\nACI,Altcourse\n", "timezone"),
        (PRISONS.replace("&", "é").encode("latin-1"), "UTF-8"),
        (PRISONS.encode("utf-16"), "UTF-8"),
        (PRISONS.encode() + b'BIG,"' + b"x" * 200_000 + b'",Europe/London\n', "line 5 cannot be read"),
    ):
        file.write_bytes(content)
        result = load(url, "establishments", file)
        assert (result.exit_code, words in result.stderr) == (2, True), result.output
    file.write_text(PRISONS, encoding="utf-8")
    assert told(load(url, "establishments", file, "--json"))["created"] == 3, "until now, nothing had been taken"


def test_a_quotation_mark_that_is_not_closed_does_not_swallow_the_people_behind_it(url: str, tmp_path: Path) -> None:
    load(url, "establishments", write(tmp_path / "prisons.csv", PRISONS))
    lines = ["number,name,establishment,unit", *(f"A{n},Weir {n},ACI,A" for n in range(2, 52))]
    for wrong, more, after in ((5, "", ""), (51, "", "\n"), (51, "", ""), (5, 'C1,"Weir, J.",ACI,A', "\n")):
        people = [*lines, more] if more else list(lines)
        people[wrong - 1] = people[wrong - 1].replace("Weir", '"Weir')
        file = write(tmp_path / "people.csv", "\n".join(people) + after)
        result = load(url, "inmates", file, "--create-units")
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert f"a quotation mark is opened in line {wrong} and not closed" in result.stderr
    for text in (
        '"number,name,establishment,unit\nA1,Weir,ACI,A\n',
        'number,name,establishment,unit\nA1,"Weir" J.,ACI,A\n',
    ):
        result = load(url, "inmates", write(file, text))
        assert (result.exit_code, result.stdout) == (2, ""), result.output
    file = write(
        file, "\n".join([*lines[:4], '\nA5,"Weir', "A6,Weir", 'A7,Weir",ACI,A', *lines[8:]]) + "\nA 99,Weir,ACI,A"
    )
    result = load(url, "inmates", file, "--create-units", "--json")
    assert told(result)["created"] == 3 + 43
    [one, other] = told(result)["refused"]
    assert (one["line"], other["line"]) == (6, 52)
    assert "a quotation mark makes one of the lines 6 to 8" in one["why"]


def test_a_file_that_says_something_twice_is_refused_whole(url: str, tmp_path: Path) -> None:
    for kind, text, words in (
        ("establishments", PRISONS + "ACI ,Another,Europe/Paris\n", ["line 5: the same code as in line 2"]),
        (
            "establishments",
            PRISONS + "\n" + "\n".join(PRISONS.splitlines()[1:]),
            ["line 6: ", "line 8: the same code as in line 4"],
        ),
        ("inmates", PEOPLE + "A4417KD,Weir,AGI,B,A1-08,,\n", ["line 5: the same number as in line 2"]),
        ("establishments", "code,name,Name ,timezone\nACI,One,Other,Europe/London\n", ["names a column twice: name"]),
        ("inmates", PEOPLE.replace("remark", "cell"), ["names a column twice: cell"]),
    ):
        result = load(url, kind, write(tmp_path / "twice.csv", text), "--json")
        assert (result.exit_code, result.stdout) == (2, ""), text
        assert [word for word in words if word not in result.stderr] == []
    many = write(tmp_path / "many.csv", "code,name,timezone\n" + "ACI,Altcourse,Europe/London\n" * 500)
    assert "and 489 more like these" in (said := load(url, "establishments", many).stderr)
    assert len(said.splitlines()) < 20
    assert told(load(url, "establishments", write(many, PRISONS), "--json"))["created"] == 3, "nothing had been taken"


def test_a_file_as_a_spreadsheet_saves_it_is_read(url: str, tmp_path: Path) -> None:
    text = PRISONS.replace("code,name,timezone", " Code ,NAME,Timezone").replace("\n", "\r\n")
    result = load(url, "establishments", write(tmp_path / "en.csv", text, "utf-8-sig"), "--json")
    assert (result.exit_code, told(result)) == (0, {"created": 3, "changed": 0, "refused": []})
    for name, separator in (("de", ";"), ("tabs", "\t")):
        text = PRISONS.replace('"Humber, the (HMP)"', "Humber").replace(",", separator)
        result = load(url, "establishments", write(tmp_path / f"{name}.csv", text), "--json")
        assert (result.exit_code, told(result)) == (0, {"created": 0, "changed": 3, "refused": []})


def test_a_file_that_is_not_there_is_said_to_be_missing(url: str, tmp_path: Path) -> None:
    for missing in (tmp_path / "none.csv", tmp_path):
        result = load(url, "inmates", missing)
        assert (result.exit_code, "no file" in result.stderr) == (2, True)
