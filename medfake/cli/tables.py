"""Rows as a table for people."""

from collections.abc import Sequence
from typing import Any, Final

_NARROW: Final = 30  # characters of a text at least, however narrow the terminal


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


def print_columns(rows: Sequence[tuple[str, ...]], width: int | None) -> None:
    """Print short words in aligned columns, and a text behind them.

    Args:
        rows: Words, then the text.
        width: Columns of the terminal, within which the text is broken under itself; None for a line a row, as files
            and pipes want it.
    """
    import textwrap

    import click

    widths = [max(map(len, words)) for words in zip(*(row[:-1] for row in rows), strict=True)]
    for *words, text in rows:
        before = "".join(f"{word:{wide}}  " for word, wide in zip(words, widths, strict=True))
        room = max((width or 0) - len(before), _NARROW)
        lines = textwrap.wrap(text, room, break_on_hyphens=False) if width else [text]
        click.echo(f"{before}{lines[0]}")
        for line in lines[1:]:
            click.echo(f"{' ' * len(before)}{line}")


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None where it is none."""
    import shutil
    import sys

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _cell(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
