"""Tables that a user edits: columns separated by tabs, no quoting, UTF-8."""

from __future__ import annotations

import csv
from pathlib import Path


def read_rows(path: Path) -> list[list[str]]:
    """Returns the fields of each line of a table, the header's included.

    Raises:
        ValueError: The file is no such table. The message names the file and, for bad columns, the line.
    """
    # Some editors put a byte-order mark before UTF-8.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        try:
            return list(reader)
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None
        except csv.Error as error:
            raise ValueError(
                f"{path}, line {reader.line_num}: no columns separated by tabs ({error})"
            ) from None
