"""A table as it is printed in Markdown, in LaTeX or on an HTML page: texts of cells and their style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: The plain text.
        bold: Whether the text is bold.
        verdict: The verdict that an HTML page shows by setting the text in bold green, red or grey.
    """

    text: str
    bold: bool = False
    verdict: Literal["", "good", "bad", "unknown"] = ""


@dataclass(frozen=True)
class PrintedTable:
    """The texts of a table.

    Attributes:
        headings: The headings of the columns.
        rows: The cells of each row.
        right_aligned: Whether the cells of each column are aligned at the right.
        wrapped: Whether an HTML page wraps long texts in cells; otherwise a wide table scrolls.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    right_aligned: Sequence[bool]
    wrapped: bool = False
