"""Rows as a table for people."""

from collections.abc import Sequence
from typing import Any


def print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print some columns of rows; nothing when there are no rows.

    Args:
        rows: Alike.
        columns: Keys of a row, in their order.
    """
    if rows:
        from rich.console import Console
        from rich.table import Table

        table = Table()
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*(_cell(row[column]) for column in columns))
        Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
