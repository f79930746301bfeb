"""The exercises of the practice unit, where nothing counts (`exercises/*.toml`, a file for each language).

Every answer has its reason, and nowhere stands which one is right: what is not there cannot be counted.
"""

import tomllib
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from handover.languages import ENGLISH

LEFT, GIVEN = "-", "*"
"""In a look: the field was left empty; something stands in it, whatever it is."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(_Part):
    """One way to answer, and what speaks for it or against it."""

    says: str
    because: str


class Task(_Part):
    """Something that happened or was written, a question, and the answers there are."""

    says: str
    asks: str
    answers: tuple[Answer, ...]


class Look(_Part):
    """What is said about one field of a note that was written to practise."""

    field: Literal["mood", "change", "basis", "fact", "opinion", "needs", "responses", "attention", "if_then"]
    when: tuple[str, ...]
    """Codes in that field; or `-`, `*`. Of needs also PROMISED, NOT_PROMISED, DUE, NOT_DUE."""
    because: str


class Writing(_Part):
    """A note to write, on the form that is used every day, about somebody who does not exist."""

    inmate: str
    name: str
    cell: str
    tells: str
    beside: tuple[str, ...]
    """What is known about the person: it stands beside the form."""
    looks: tuple[Look, ...]


class Exercise(_Part):
    """One exercise: tasks, and sometimes a note to write at the end."""

    code: str
    title: str
    about: str
    tasks: tuple[Task, ...]
    note: Writing | None = None


class Exercises(_Part):
    """All of them, in one language."""

    items: tuple[Exercise, ...]


def offered() -> list[str]:
    """The languages there are."""
    found = (one.name for one in (files("handover.schemas") / "exercises").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def exercises(language: str) -> Exercises:
    """All of them, in a language; in English where there are none in that."""
    name = language if language in offered() else ENGLISH
    text = (files("handover.schemas") / "exercises" / f"{name}.toml").read_text("utf-8")
    return Exercises.model_validate(tomllib.loads(text))
