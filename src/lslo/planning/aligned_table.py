"""Markdown tables whose columns are aligned, so that they read well in a terminal too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tabulate import SEPARATING_LINE, tabulate


def aligned_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yields the lines of a Markdown table with aligned columns, and an empty line.

    Columns are as wide as their widest cell. The first column is aligned left, the others right.
    """
    alignment = ("left", *("right",) * (len(head) - 1))
    # tabulate makes a column two characters wider than its header. The head is therefore given as a row with
    # a separating line below; the line above, which such a table has too, is left out.
    table = tabulate(
        [head, SEPARATING_LINE, *rows], tablefmt="pipe", colalign=alignment, disable_numparse=True
    )
    yield from table.splitlines()[1:]
    yield ""
