"""The sheet on paper: one A4 page for a wing, in black and white, from the document as it is answered.

It is laid out by `sheet.html` and `sheet.css`, and set in the largest type with which it fits the page. The page runs
no script and asks nothing of anybody, so it can be kept, mailed to a printer or read on a screen.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from handover.api.paper.size import fit
from handover.api.paper.view import view_of
from handover.api.paper.words import Words
from handover.domain.codelists import CodeList, shipped
from handover.languages import ENGLISH

if TYPE_CHECKING:
    from jinja2 import Template

_CSS = (files("handover.api.paper") / "sheet.css").read_text("utf-8")


@cache
def _template() -> "Template":
    # Not above: no start waits for it, and a server that prints nothing does without.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=PackageLoader("handover.api.paper", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    ).get_template("sheet.html")


def print_sheet(
    sheet: dict[str, Any],
    practice: bool,
    *,
    zone: str = "UTC",
    place: str | None = None,
    unit: str | None = None,
    lists: Iterable[CodeList] | None = None,
    language: str = ENGLISH,
    narrow: Mapping[str, str] | None = None,
) -> str:
    """The sheet as a page of HTML. `zone`, `place` and `unit`: the establishment's clock and the names people know;
    `lists`: the code lists in use, those of this release if left out; `language`: its reader's; `narrow`: ids of
    notes that not everybody on the wing may read, of which the sheet has only what they led to."""
    words = Words(sheet, zone, tuple(lists) if lists is not None else shipped(), language)
    view = view_of(
        sheet, words, place or sheet["establishment"], unit or words.t("Unit {code}", code=sheet["unit"]), narrow or {}
    )
    given = words.t("given out {time} · hash {hash}", time=view["given"], hash=sheet["hash"][:8])
    whose = f"{words.t('PRACTICE') + ' · ' if practice else ''}{view['unit']}, {view['place']} · {given}"
    return _template().render(
        view,
        practice=practice,
        size=fit(view),
        style=_style(whose=whose, page=words.t("page "), of=words.t(" of ")),
        language=language,
        t=words.t,
    )


def policy(page: str) -> str:
    """The Content-Security-Policy for a page that `print_sheet` gave: its own style, and nothing else."""
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _style(**texts: str) -> Markup:
    """The style, with the line that each printed page carries. In it, all but letters and digits are escaped as CSS
    wants it, so no name can end the string."""
    safe = {name: re.sub(r"[^A-Za-z0-9]", lambda found: f"\\{ord(found[0]):06x}", text) for name, text in texts.items()}
    said = " ".join(f'--{name}: "{text}";' for name, text in safe.items())
    return Markup(f":root {{ {said} }}\n{_CSS}")  # noqa: S704 - ours, and strings escaped right above
