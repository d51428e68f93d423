"""What a section of the report is made of: paragraphs, tables, drawings, pictures."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: As shown.
        value: What rows are sorted by; None sorts by the text.
        below: Smaller, under the text, such as an interval.
    """

    text: str
    value: float | None = None
    below: str = ""


Row = Sequence[Cell | str]
"""Cells, as many as there are headings; the first names the row."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that readers may sort by any column.

    Attributes:
        caption: What it shows, in a sentence or two.
        head: A heading a column.
        rows: In the order in which they stand at first.
        best: Places of rows that stand out.
        theirs: Places of rows that are a paper's.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Row]
    best: Sequence[int] = ()
    theirs: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A drawing that takes its colours from the page.

    Attributes:
        svg: From `drawing.draw`; trusted.
        alt: What it shows, with its figures, in words.
        caption: Beneath it.
    """

    svg: str
    alt: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image of pixels.

    Attributes:
        png: The file's bytes.
        alt: What it shows, in words.
        caption: Beneath it.
    """

    png: bytes
    alt: str
    caption: str

    def __post_init__(self) -> None:
        if not self.png.startswith(_PNG):
            message = f"a picture must be a PNG file, but got {self.png[:8]!r}"
            raise ValueError(message)

    @property
    def uri(self) -> str:
        """The file as an address without a request."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True, kw_only=True)
class Details:
    """What only some readers want: closed at first.

    Attributes:
        summary: What is in it, a few words.
        parts: As of a section.
    """

    summary: str
    parts: "Sequence[Part]"


Part = str | Table | Drawing | Picture | Details
"""A paragraph of plain text, or one of these; neighbouring drawings and pictures stand side by side."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the report.

    Attributes:
        heading: Of the section.
        nav: One or two words that lead to it from the top of the page.
        parts: In their order; the first says what is found, in words.
    """

    heading: str
    nav: str
    parts: Sequence[Part]
