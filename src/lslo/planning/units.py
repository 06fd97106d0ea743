"""Numbers and tables as a person reads them, in a file and in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table, its columns as wide as their widest cell: it is read in a terminal too."""
    rows = [list(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return (
            "| "
            + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])
            + " |"
        )

    yield line(head)
    yield "| " + " | ".join(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]) + " |"
    yield from map(line, rows)
    yield ""


def duration(seconds: float) -> str:
    """In seconds, minutes, hours or days."""
    for unit, length, longest in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < longest:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 86_400:.1f} days"


def hours(seconds: float) -> str:
    """Of one device."""
    value = seconds / 3600
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def size(number: float) -> str:
    """Bytes in a unit that suits them."""
    if not number:
        return "-"
    for unit, length in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= length:
            return f"{number / length:,.1f} {unit}"
    return f"{number:.0f} B"


def count(number: float) -> str:
    """A number of pairs or tokens."""
    if not number:
        return "-"
    return millions(number) if number >= 1e6 else f"{number:,.0f}"


def millions(number: float) -> str:
    """A large number, as papers write them."""
    for unit, length in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= length:
            return f"{number / length:,.1f} {unit}"
    return f"{number:,.0f}"
