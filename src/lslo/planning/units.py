"""Numbers as a person reads them: times, sizes and counts."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Returns a time in seconds, minutes, hours or days, as `5.0 min`."""
    for unit, length, longest in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < longest:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 86_400:.1f} days"


def hours(seconds: float) -> str:
    """Returns a time in hours without the unit, to be followed by `GPU hours` or `core hours`."""
    value = seconds / 3600
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def size(number: float) -> str:
    """Returns a number of bytes in B, kB, MB or GB, as `2.5 kB`; 0 is `-`."""
    if not number:
        return "-"
    for unit, length in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= length:
            return f"{number / length:,.1f} {unit}"
    return f"{number:.0f} B"


def count(number: float) -> str:
    """Returns a number of sentence pairs or tokens, from a million on as `2.5 M`; 0 is `-`."""
    if not number:
        return "-"
    return millions(number) if number >= 1e6 else f"{number:,.0f}"


def millions(number: float) -> str:
    """Returns a large number as papers write it, with k, M, G or T: `615.0 M`."""
    for unit, length in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= length:
            return f"{number / length:,.1f} {unit}"
    return f"{number:,.0f}"
