"""Progress bars, drawn on a terminal only."""

from __future__ import annotations

from typing import TextIO

from tqdm import tqdm


def progress_bar(description: str, unit: str, terminal: TextIO | None, *, total: int | None) -> tqdm:
    """A bar of `total` steps that the caller moves on; invisible without a terminal."""
    return tqdm(
        desc=description, total=total, unit=unit, file=terminal, disable=terminal is None, leave=False
    )
