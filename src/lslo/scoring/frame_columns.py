"""A check that a data frame has the columns that a function reads."""

from __future__ import annotations

from collections.abc import Sequence

import pandas

from lslo.errors import one_line


def require_columns(frame: pandas.DataFrame, columns: Sequence[str], name: str) -> None:
    """Raises ValueError if a data frame lacks a column.

    Args:
        frame: The data frame to check.
        columns: The columns that it must have.
        name: The data frame's name in the message, such as the path of its file.

    Raises:
        ValueError: A column is missing; the message names all missing columns.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        present = one_line(", ".join(frame.columns))
        raise ValueError(f"{name}: no column {', '.join(missing)}; its columns are {present}")
