"""Downloads that survive dropped connections and killed jobs, and are checked before they are used.

Beside `{file}` lie, while it is fetched, `{file}.partial` and `{file}.partial.json` (what the server said of
it), and from then on `{file}.sha256.json`: the size and hash it had when it was first fetched.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import requests
from urllib3.exceptions import HTTPError

from lslo.files.locks import wait_for_lock
from lslo.running.progress import progress_bar
from lslo.sources.table import Expected, Source, expected_of, read_record, refuse_other, verify, write_json

# Seconds before each further try after one that brought nothing.
WAITS = (2.0, 5.0, 15.0, 30.0, 60.0)

# Seconds to wait for a connection and for the next bytes.
TIMEOUT = (20.0, 60.0)

CHUNK = 1 << 18
TOO_BUSY = (408, 429)
CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)")

log = logging.getLogger(__name__)


class _InterruptedError(Exception):
    """A failure that another try may mend."""


def fetch(
    source: Source,
    folder: Path | str,
    *,
    waits: Sequence[float] = WAITS,
    terminal: TextIO | None = None,
) -> Path:
    """The path of the source's file in `folder`, fetched unless it is there and right.

    Where sources.tsv has no hash or size, those of the first download are asked for. Of two jobs that fetch
    the same file, the second waits for the first. waits: seconds before each further try, their number is
    how many tries in a row may bring nothing.
    Raises FileNotFoundError if there is no such file, ConnectionError if the server cannot be reached or
    keeps failing, ValueError if the file has another size or hash, or the disk has no room for it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, partial = folder / source.file, folder / f"{source.file}.partial"
    record_path = folder / f"{source.file}.sha256.json"
    waiting = f"another job is fetching {source.file}: waiting for it"
    with wait_for_lock(folder / f".{source.file}.lock", waiting):
        record = read_record(record_path)
        # A record of another URL is of a file that the table named once; neither stands for this one.
        outdated = bool(record) and record["url"] != source.url
        expected = expected_of(source, {} if outdated else record, record_path)
        if path.is_file() and not (outdated and not source.sha256):
            try:
                found = {"url": source.url, **verify(path, str(path), expected)}
                if found != record:
                    write_json(record_path, found)
                return path
            except ValueError as error:
                log.warning("%s; fetching it again", error)
        if source.local_path is not None:
            _copy(source, partial)
        else:
            _download(source, partial, expected, waits, terminal)
        try:
            found = verify(partial, source.location, expected)
        except ValueError as error:
            _discard(partial)
            raise ValueError(f"{error}; the fetched copy is removed") from None
        write_json(record_path, {"url": source.url, **found})
        partial.replace(path)
        _discard(partial)
    log.info("%s: %d bytes, SHA-256 %s", path, found["size"], found["sha256"])
    return path


def _copy(source: Source, partial: Path) -> None:
    if not source.local_path.is_file():
        raise FileNotFoundError(f"{source.location}: there is no such file for source '{source.name}'")
    _discard(partial)
    _check_room(partial, source.local_path.stat().st_size)
    shutil.copyfile(source.local_path, partial)


def _check_room(partial: Path, size: int) -> None:
    free = shutil.disk_usage(partial.parent).free
    if size > free:
        raise ValueError(
            f"{partial.parent}: no room, {size / 1e9:.1f} GB are to come and {free / 1e9:.1f} GB are free"
        )


def _discard(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _state_of(partial).unlink(missing_ok=True)


def _state_of(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _download(
    source: Source,
    partial: Path,
    expected: Expected,
    waits: Sequence[float],
    terminal: TextIO | None,
) -> None:
    """Bring the partial file to its end, in as many tries as get further, and `waits` that do not."""
    furthest = failures = 0
    while True:
        try:
            _try_download(source, partial, expected, terminal)
            return
        except (_InterruptedError, HTTPError, requests.RequestException) as error:
            reason, reached = _reason(error), _length(partial)
            failures = 1 if reached > furthest else failures + 1
            furthest = max(reached, furthest)
            hopeless = isinstance(error, ValueError | requests.TooManyRedirects) or "CERTIFICATE" in reason
            if hopeless or failures > len(waits):
                raise ConnectionError(
                    f"{source.location}: {reason}; try again later, or give a mirror or a local file for "
                    f"'{source.name}'"
                ) from None
        log.warning("%s: %s; trying again in %g s", source.location, reason, waits[failures - 1])
        time.sleep(waits[failures - 1])


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    """What went wrong, in one line; errors of requests hold the cause, several layers deep."""
    cause: Any = error
    while isinstance(cause, _InterruptedError | HTTPError | requests.RequestException):
        cause = getattr(cause, "reason", None) or (cause.args[0] if cause.args else type(cause).__name__)
    return " ".join(str(cause).split())


def _try_download(source: Source, partial: Path, expected: Expected, terminal: TextIO | None) -> None:
    state = _resumable_state(source, partial)
    offset = _length(partial) if state else 0
    if state and offset == state["size"]:
        return
    # A compressed transfer could not be resumed, and its length would not be the file's.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": state["validator"]}
    with requests.get(source.location, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416 or (
            response.status_code == 206 and not _continues(response, offset, state)
        ):
            _discard(partial)
            raise _InterruptedError("what the server offers does not continue what was begun")
        _check_response(response, source)
        if response.status_code == 200:
            offset, state = 0, _announced(response, source)
            if state["size"] is not None:
                refuse_other(source.location, "size", state["size"], expected)
            # Before the first byte is kept, what it belongs to is written down.
            _discard(partial)
            write_json(_state_of(partial), state)
        total = state["size"]
        _check_room(partial, (total or 0) - offset)
        log.info("%s: fetching %s bytes from byte %d", source.location, total or "all", offset)
        _receive(response, partial, offset, total, source, terminal)
    if total is not None and _length(partial) != total:
        raise _InterruptedError(f"the connection ended after {_length(partial)} of {total} bytes")


def _resumable_state(source: Source, partial: Path) -> dict[str, Any] | None:
    """What the server said when the partial file was begun; None if it cannot be continued."""
    path = _state_of(partial)
    if not path.exists() or not partial.exists():
        return None
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        fits = state["location"] == source.location and isinstance(state["validator"], str)
        fits = fits and state["validator"]
        return state if fits and (state["size"] is None or _length(partial) <= state["size"]) else None
    except (ValueError, KeyError, TypeError):
        return None


def _announced(response: requests.Response, source: Source) -> dict[str, Any]:
    """What the server says of the file that it begins to send."""
    length, etag = response.headers.get("Content-Length", ""), response.headers.get("ETag", "")
    return {
        "location": source.location,
        # A weak ETag may stay the same when bytes change, so it does not allow gluing.
        "validator": etag if etag.startswith('"') else response.headers.get("Last-Modified", ""),
        "size": int(length) if length.isdecimal() else None,
    }


def _continues(response: requests.Response, offset: int, state: dict[str, Any] | None) -> bool:
    """Whether a partial answer is the rest of the file begun: some servers heed Range but not If-Range."""
    match = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None or state is None or int(match[1]) != offset:
        return False
    header = "ETag" if state["validator"].startswith('"') else "Last-Modified"
    same_file = response.headers.get(header, state["validator"]) == state["validator"]
    return same_file and (match[2] == "*" or state["size"] in (None, int(match[2])))


def _check_response(response: requests.Response, source: Source) -> None:
    status, headers = response.status_code, response.headers
    answer = f"the server answers {status} {response.reason}".rstrip()
    if status in TOO_BUSY or status >= 500:
        raise _InterruptedError(answer)
    if status not in (200, 206):
        raise FileNotFoundError(
            f"{source.location}: {answer}; give a mirror or a local file for '{source.name}'"
        )
    # Without a known hash, the page of a login or of a company's filter would pass for the file.
    if headers.get("Content-Type", "").startswith("text/html"):
        raise ValueError(f"{source.location}: the server sends a web page, not {source.file}")
    # Some servers call an archive as it lies there a compressed transfer; anything else would come out wrong.
    if headers.get("Content-Encoding", "identity") != "identity" and not source.file.endswith(".gz"):
        raise ValueError(f"{source.location}: the server compresses {source.file}, though asked not to")


def _receive(
    response: requests.Response,
    partial: Path,
    offset: int,
    total: int | None,
    source: Source,
    terminal: TextIO | None,
) -> None:
    with (
        partial.open("ab" if offset else "wb") as file,
        progress_bar(source.file, "B", terminal, total=total) as bar,
    ):
        bar.unit_scale, bar.n, bar.initial = True, offset, offset
        bar.refresh()
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            file.write(chunk)
            bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
