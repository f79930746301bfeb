"""The sheet on paper."""

from typing import Any


def print_sheet(sheet: dict[str, Any], practice: bool) -> str:
    """The sheet as a page of HTML."""
    return f"<!doctype html><title>{practice}</title>{sheet['unit']}"
