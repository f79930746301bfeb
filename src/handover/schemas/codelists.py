"""Code lists as served: language-neutral codes with a label and a behavioural anchor."""

from pydantic import Field

from handover.schemas.common import Resource


class CodeEntry(Resource):
    """One code. Retired codes stay, with `active` false, because old notes use them."""

    code: str
    label: str
    anchor: str = Field(description="When to use it, as behaviour one can see or hear.")
    group: str | None
    words: list[str] = Field(description="What an officer might type for it.")
    forces: str | None = Field(description="The attention this code forces, whatever the author chose.")
    version: int = Field(description="The list's version in which this entry last changed.")
    active: bool


class CodeList(Resource):
    """A code list."""

    name: str
    title: str
    version: int
    items: list[CodeEntry]


class CodeLists(Resource):
    """All code lists."""

    items: list[CodeList]
    next: str | None = None
