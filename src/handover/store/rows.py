"""New rows on their way into the store."""

from typing import Any, Protocol

import sqlalchemy as sa


class Rows(Protocol):
    """Takes new rows; they are written together, before the commit and before anything that must see them."""

    def add(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        """Takes rows of one table, all with the same columns."""
