"""What is sent, from what was typed: a text that is too long is said in the name of its option."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from handover.schemas.common import fault
from handover.terminal.tongue import t
from handover.terminal.unclear import Unclear

M = TypeVar("M", bound=BaseModel)


def drafted(model: type[M], options: Mapping[str, str], **fields: Any) -> M:
    """The draft, of those fields that were given; raises Unclear."""
    try:
        return model.model_validate({name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        raise Unclear("\n".join(_said(options, one["loc"], fault(one)) for one in error.errors())) from None


def _said(options: Mapping[str, str], where: tuple[int | str, ...], message: str) -> str:
    option = options.get(str(where[0]), str(where[0])) if where else t("what was typed")
    return f"{option}: {message}"
