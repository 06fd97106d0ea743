"""Progress bars, drawn on a terminal only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from tqdm import tqdm


def progress_bar(
    things: Iterable | None, description: str, unit: str, terminal: TextIO | None, *, total: int | None = None
) -> tqdm:
    """A bar over `things`, or one of `total` steps that the caller moves on; invisible without a terminal."""
    return tqdm(things, description, total, unit=unit, file=terminal, disable=terminal is None, leave=False)
