"""The language this terminal speaks. It is the machine's, not anybody's: chosen once, when a command begins.

Every word an officer reads goes through here: `t` for one, `plural` where a number decides, `later` for one that is
written down before the language is known. English is in the code; the others are in `locale/*.po`.
"""

import os
from functools import cache

from handover import languages
from handover.languages import ENGLISH, Catalogue
from handover.terminal.unclear import Unclear

_PACKAGE = "handover.terminal"
_ASKED = ("HANDOVER_LANG", "LC_ALL", "LC_MESSAGES", "LANG")

_catalogue = cache(languages.catalogue)


class _Tongue:
    language = ENGLISH
    catalogue = Catalogue({})


def offered() -> list[str]:
    """The languages there are beside English."""
    return languages.offered(_PACKAGE)


def asked(first: str | None = None) -> str:
    """The language that is asked for, by what was typed or the environment; English where there is no such one."""
    wanted = first or next((os.environ[name] for name in _ASKED if os.environ.get(name)), "")
    return languages.best(wanted.partition(".")[0].replace("_", "-"), frozenset(offered()))


def chosen(lang: str) -> str:
    """The language that `--lang` names; Unclear where there is no such one."""
    known = [ENGLISH, *offered()]
    if lang.partition("_")[0].partition("-")[0].lower() not in known:
        raise Unclear(f"--lang {lang!r}: there is {', '.join(known)}.")
    return asked(lang)


def speak(language: str) -> None:
    """From here on, this language."""
    _Tongue.language = language
    _Tongue.catalogue = Catalogue({}) if language == ENGLISH else _catalogue(_PACKAGE, language)


def language() -> str:
    """The language that is spoken, as it is asked for (`Accept-Language`)."""
    return _Tongue.language


def t(message: str, /, **values: object) -> str:
    """A message in this language, with its values filled in."""
    said = _Tongue.catalogue.one(message)
    return said.format(**values) if values else said


def plural(one: str, many: str, number: int, /, **values: object) -> str:
    """The message for so many; the number is `{n}`."""
    return _Tongue.catalogue.many(one, many, number).format(n=number, **values)


def later(message: str) -> str:
    """Marks a message that is written here and said elsewhere, by `t`."""
    return message
