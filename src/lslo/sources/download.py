"""Downloads that survive dropped connections and killed jobs, and are checked before they are used.

While `{file}` is fetched, `{file}.partial` and `{file}.partial.json` lie in its folder (see `PartialFile`);
afterwards `{file}.sha256.json` records the size and hash that the file had when it was first fetched.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from lslo.files.locks import wait_for_lock
from lslo.sources.partial_file import PartialFile
from lslo.sources.resumable_download import download
from lslo.sources.table import Source
from lslo.sources.verification import Expected, expected_of, read_record, verify, write_record

# Seconds before each further try after one that brought nothing.
WAITS = (2.0, 5.0, 15.0, 30.0, 60.0)

logger = logging.getLogger(__name__)


def fetch(
    source: Source,
    folder: Path | str,
    *,
    waits: Sequence[float] = WAITS,
    terminal: TextIO | None = None,
) -> Path:
    """Fetches a source's file into a folder, unless the file is there and right.

    Where sources.tsv has no hash or size, the file must have those of the first download. If two jobs fetch
    the same file, the second waits for the first.

    Args:
        source: The source.
        folder: The folder, which is made where it is missing.
        waits: Seconds before each further try. Their number is how many tries in a row may bring nothing.
        terminal: The terminal that shows the progress; None if there is none.

    Returns:
        The path of the file.

    Raises:
        FileNotFoundError: There is no such file.
        ConnectionError: The server cannot be reached or keeps failing.
        ValueError: The file has another size or hash, or the disk has no room for it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, partial = folder / source.file, PartialFile(folder / f"{source.file}.partial")
    record_path = folder / f"{source.file}.sha256.json"
    waiting = f"another job is fetching {source.file}: waiting for it"
    with wait_for_lock(folder / f".{source.file}.lock", waiting):
        record = read_record(record_path)
        # The record of another URL, and the file beside it, are of a source that the table named earlier.
        outdated = bool(record) and record["url"] != source.url
        expected = expected_of(source, {} if outdated else record, record_path)
        if path.is_file() and (source.sha256 or not outdated):
            try:
                found = {"url": source.url, **verify(path, str(path), expected)}
                if found != record:
                    write_record(record_path, found)
                return path
            except ValueError as error:
                logger.warning("%s; fetching it again", error)
        found = {"url": source.url, **_fetch_anew(source, partial, expected, waits, terminal)}
        write_record(record_path, found)
        partial.path.replace(path)
        partial.discard()
    logger.info("%s: %d bytes, SHA-256 %s", path, found["size"], found["sha256"])
    return path


def _fetch_anew(
    source: Source, partial: PartialFile, expected: Expected, waits: Sequence[float], terminal: TextIO | None
) -> dict[str, Any]:
    """Completes the partial file and returns its `size` and `sha256`; discards it if others are expected."""
    if source.local_path is not None:
        _copy(source, source.local_path, partial)
    else:
        download(source, partial, expected, waits, terminal)
    try:
        return verify(partial.path, source.location, expected)
    except ValueError as error:
        partial.discard()
        raise ValueError(f"{error}; the fetched copy is removed") from None


def _copy(source: Source, local_path: Path, partial: PartialFile) -> None:
    """Copies the local file that stands in for a download."""
    if not local_path.is_file():
        raise FileNotFoundError(f"{source.location}: there is no such file for source '{source.name}'")
    partial.discard()
    partial.check_room(local_path.stat().st_size)
    shutil.copyfile(local_path, partial.path)
