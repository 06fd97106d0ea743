"""One file over HTTP, in several tries if need be: each goes on where the last one was cut off."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Sequence
from typing import Any, TextIO

import requests
from urllib3.exceptions import HTTPError

from lslo.running.progress import progress_bar
from lslo.sources.partial_file import Announcement, PartialFile
from lslo.sources.table import Source
from lslo.sources.verification import Expected, check_value

# Seconds to wait for a connection and for the next bytes.
TIMEOUT = (20.0, 60.0)

CHUNK = 1 << 18
TOO_BUSY = (408, 429)
CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)")

logger = logging.getLogger(__name__)


class _TransientError(Exception):
    """A failure that another try may mend."""


def download(
    source: Source,
    partial: PartialFile,
    expected: Expected,
    waits: Sequence[float],
    terminal: TextIO | None,
) -> None:
    """Completes a partial file from a server.

    Args:
        source: The source, whose location is a URL.
        partial: The file, perhaps begun by an earlier job.
        expected: The size that the server must announce, if it is known.
        waits: Seconds before each further try. Their number is how many tries in a row may bring nothing.
        terminal: The terminal that shows the progress; None if there is none.

    Raises:
        FileNotFoundError: The server has no such file.
        ConnectionError: The server cannot be reached or keeps failing.
        ValueError: The server sends something else, or the disk has no room for the file.
    """
    furthest = failures = 0
    while True:
        try:
            _try_download(source, partial, expected, terminal)
            return
        except (_TransientError, HTTPError, requests.RequestException) as error:
            reason, reached = _reason(error), partial.length
            failures = 1 if reached > furthest else failures + 1
            furthest = max(reached, furthest)
            hopeless = isinstance(error, ValueError | requests.TooManyRedirects) or "CERTIFICATE" in reason
            if hopeless or failures > len(waits):
                raise ConnectionError(
                    f"{source.location}: {reason}; try again later, or give a mirror or a local file for "
                    f"'{source.name}'"
                ) from None
        logger.warning("%s: %s; trying again in %g s", source.location, reason, waits[failures - 1])
        time.sleep(waits[failures - 1])


def _reason(error: Exception) -> str:
    """Returns what went wrong, in one line; errors of requests hold the cause several layers deep."""
    cause: Any = error
    while isinstance(cause, _TransientError | HTTPError | requests.RequestException):
        cause = getattr(cause, "reason", None) or (cause.args[0] if cause.args else type(cause).__name__)
    return " ".join(str(cause).split())


def _try_download(source: Source, partial: PartialFile, expected: Expected, terminal: TextIO | None) -> None:
    """Asks the server once for the file or the rest of it, and keeps what comes."""
    begun = partial.announcement(source.location)
    offset = partial.length if begun else 0
    if begun and offset == begun.size:
        return
    # A compressed transfer could not be resumed, and its length would not be the file's.
    headers = {"Accept-Encoding": "identity"}
    if begun and offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": begun.validator}
    with requests.get(source.location, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416 or (
            response.status_code == 206 and not _continues(response, offset, begun)
        ):
            partial.discard()
            raise _TransientError("what the server offers does not continue what was begun")
        _check_response(response, source)
        if response.status_code == 200:
            offset, begun = 0, _announcement(response, source)
            if begun.size is not None:
                check_value(source.location, "size", begun.size, expected)
            partial.begin(begun)
        total = begun.size
        partial.check_room((total or 0) - offset)
        logger.info("%s: fetching %s bytes from byte %d", source.location, total or "all", offset)
        _receive(response, partial, offset, total, source, terminal)
    if total is not None and partial.length != total:
        raise _TransientError(f"the connection ended after {partial.length} of {total} bytes")


def _announcement(response: requests.Response, source: Source) -> Announcement:
    """Returns what the server says of the file that it begins to send."""
    length, etag = response.headers.get("Content-Length", ""), response.headers.get("ETag", "")
    return Announcement(
        location=source.location,
        # A weak ETag may stay the same when bytes change: parts of different files would be joined.
        validator=etag if etag.startswith('"') else response.headers.get("Last-Modified", ""),
        size=int(length) if length.isdecimal() else None,
    )


def _continues(response: requests.Response, offset: int, begun: Announcement | None) -> bool:
    """Returns whether a partial answer is the rest of the file: some servers heed Range but not If-Range."""
    match = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None or begun is None or int(match[1]) != offset:
        return False
    header = "ETag" if begun.validator.startswith('"') else "Last-Modified"
    same_file = response.headers.get(header, begun.validator) == begun.validator
    return same_file and (match[2] == "*" or begun.size in (None, int(match[2])))


def _check_response(response: requests.Response, source: Source) -> None:
    """Raises an error for an answer that does not bring the file."""
    status, headers = response.status_code, response.headers
    answer = f"the server answers {status} {response.reason}".rstrip()
    if status in TOO_BUSY or status >= 500:
        raise _TransientError(answer)
    if status not in (200, 206):
        raise FileNotFoundError(
            f"{source.location}: {answer}; give a mirror or a local file for '{source.name}'"
        )
    # Without a known hash, the page of a login or of a company's filter would pass for the file.
    if headers.get("Content-Type", "").startswith("text/html"):
        raise ValueError(f"{source.location}: the server sends a web page, not {source.file}")
    # Some servers call a .gz file a compressed transfer of its content; any other file would arrive changed.
    if headers.get("Content-Encoding", "identity") != "identity" and not source.file.endswith(".gz"):
        raise ValueError(f"{source.location}: the server compresses {source.file}, though asked not to")


def _receive(
    response: requests.Response,
    partial: PartialFile,
    offset: int,
    total: int | None,
    source: Source,
    terminal: TextIO | None,
) -> None:
    """Adds the bytes of an answer to the partial file, from `offset` on, and flushes them to the disk."""
    with (
        partial.path.open("ab" if offset else "wb") as file,
        progress_bar(source.file, "B", terminal, total=total) as bar,
    ):
        bar.unit_scale, bar.n, bar.initial = True, offset, offset
        bar.refresh()
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            file.write(chunk)
            bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
