"""The size and hash that a downloaded file must have: the table's, or else those of the first download.

The size and hash of each download are recorded beside the file. Where the table of downloads says nothing,
later downloads must have what the record says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lslo.files.atomic import write_text_atomically
from lslo.files.checksums import file_sha256
from lslo.sources.table import Source

# The `size` and `sha256` that a file must have, as far as they are known, each with its origin.
Expected = dict[str, tuple[Any, str]]


def read_record(path: Path) -> dict[str, Any]:
    """Returns `url`, `size` and `sha256` of the first download; an empty dictionary if there was none.

    Raises:
        ValueError: The file is no such record.
    """
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {"url": str(record["url"]), "size": int(record["size"]), "sha256": str(record["sha256"])}
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise ValueError(f"{path}: not a record of a download; delete it") from None


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Writes the record of a first download: `url`, `size` and `sha256`."""
    write_text_atomically(path, json.dumps(record, indent=1) + "\n")


def expected_of(source: Source, record: Mapping[str, Any], record_path: Path) -> Expected:
    """Returns what a source's file must be: what the table says and, where it is silent, what was recorded.

    Args:
        source: The source.
        record: The record of its first download; empty if there is none.
        record_path: The record's file, for messages.
    """
    expected: Expected = {
        key: (record[key], f"{record_path}; delete that record if a new file is right")
        for key in ("size", "sha256")
        if key in record
    }
    if source.size is not None:
        expected["size"] = (source.size, "sources.tsv")
    if source.sha256:
        expected["sha256"] = (source.sha256, "sources.tsv")
    return expected


def verify(path: Path, name: str, expected: Expected) -> dict[str, Any]:
    """Checks a file's size and hash.

    Args:
        path: The file.
        name: The file's name in the message.
        expected: The size and hash that the file must have.

    Returns:
        The file's `size` in bytes and `sha256`.

    Raises:
        ValueError: The file has another size or hash.
    """
    found: dict[str, Any] = {"size": path.stat().st_size}
    check_value(name, "size", found["size"], expected)
    found["sha256"] = file_sha256(path)
    check_value(name, "sha256", found["sha256"], expected)
    return found


def check_value(name: str, key: str, found: Any, expected: Expected) -> None:
    """Raises ValueError, with both values, if a file's size or hash is not the expected one.

    Args:
        name: The file's name in the message.
        key: `size` or `sha256`.
        found: The file's size or hash.
        expected: The size and hash that the file must have.
    """
    value, origin = expected.get(key, (found, ""))
    if found != value:
        what = "SHA-256" if key == "sha256" else "size"
        raise ValueError(f"{name}: {what} is {found} instead of {value} ({origin})")
