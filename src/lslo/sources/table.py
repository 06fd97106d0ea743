"""The table of downloads: one row of `config/sources.tsv` for each file that an experiment may download.

A mirror or a local file can stand in for a source's URL; its size and hash must be the same.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from lslo.files.tsv import read_rows

COLUMNS = ["name", "url", "sha256", "size", "licence"]

# A configuration refers to a source by its name; a file's name becomes part of paths.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
SHA256 = re.compile(r"[0-9a-f]{64}")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True)
class Source:
    """One row of `config/sources.tsv`.

    Attributes:
        name: The name by which a configuration refers to the source.
        url: A URL with http, https or file.
        sha256: The file's SHA-256 in hexadecimal digits; "" if not known.
        size: The file's bytes; None if not known.
        licence: The licence of the file's content.
        mirror: A URL or local path that stands in for the URL; "" for none.
    """

    name: str
    url: str
    sha256: str
    size: int | None
    licence: str
    mirror: str = ""

    @property
    def file(self) -> str:
        """The file's name once downloaded: the one in the URL, even if a mirror calls it otherwise."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def location(self) -> str:
        """The URL or local path that the file is fetched from."""
        return self.mirror or self.url

    @property
    def local_path(self) -> Path | None:
        """The location as a local path; None if it is on a server."""
        match = SCHEME.match(self.location)
        if match is None:
            return Path(self.location).expanduser()
        return Path(url2pathname(urlsplit(self.location).path)) if match[1].lower() == "file" else None


def read_sources(path: Path | str) -> dict[str, Source]:
    """Reads a table of downloads.

    Returns:
        The sources by name, in the order of the table.

    Raises:
        ValueError: A row is no source, or repeats a name. The message names the table and the line.
    """
    path = Path(path)
    sources: dict[str, Source] = {}
    rows = read_rows(path)
    if not rows or rows[0] != COLUMNS:
        raise ValueError(f"{path}, line 1: the columns must be {' '.join(COLUMNS)}, separated by tabs")
    for number, row in enumerate(rows[1:], start=2):
        try:
            source = _source(row)
            if source.name in sources:
                raise ValueError(f"the name '{source.name}' stands twice")
            # The files of all sources lie in one folder.
            if source.file in {other.file for other in sources.values()}:
                raise ValueError(f"another source's file is called '{source.file}', too")
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        sources[source.name] = source
    return sources


def _source(row: list[str]) -> Source:
    """Returns the source of a row; raises ValueError for a row that is none."""
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns instead of {len(COLUMNS)}")
    name, url, sha256, size, licence = row
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name (letters, digits, _ and -, 100 characters at most)")
    if not SCHEME.match(url):
        raise ValueError(f"url {url!r} is not a URL with https, http or file")
    _check_location(url, "url")
    if sha256 and not SHA256.fullmatch(sha256):
        raise ValueError(f"sha256 {sha256!r} is not 64 digits of 0-9 and a-f; leave it empty if not known")
    if size and not re.fullmatch(r"[1-9][0-9]{0,17}", size):
        raise ValueError(f"size {size!r} is not a number of bytes; leave it empty if not known")
    if not licence.strip():
        raise ValueError("licence is empty")
    source = Source(name, url, sha256, int(size) if size else None, licence)
    if not FILE_NAME.fullmatch(source.file):
        raise ValueError(
            f"url {url!r} does not end in the name of a file of at most 200 letters, digits, . _ + -"
        )
    return source


def _check_location(location: str, what: str) -> None:
    """Raises ValueError for a URL or path that cannot be fetched, whether or not the file exists.

    Args:
        location: A URL or a local path.
        what: The words for the location in the message.
    """
    match = SCHEME.match(location)
    if match is None:
        try:
            Path(location).expanduser()
        except RuntimeError:
            raise ValueError(f"{what} {location!r} is in the home of a user who is not there") from None
        return
    try:
        parts = urlsplit(location)
    except ValueError:
        # The message does not show the URL, which may hold a password.
        raise ValueError(f"{what} is not a URL with https, http or file") from None
    if parts.username is not None:
        # Logs and error messages show a location.
        host = parts.netloc.rpartition("@")[2]
        raise ValueError(f"{what} on {host!r} holds a user name: put user name and password into ~/.netrc")
    if match[1].lower() == "file":
        if parts.netloc not in ("", "localhost"):
            raise ValueError(f"{what} {location!r} is on another machine: write file:///, then the path")
    elif match[1].lower() not in ("http", "https"):
        raise ValueError(f"{what} {location!r} is not a URL with https, http or file")
    elif parts.hostname is None:
        raise ValueError(f"{what} {location!r} names no server")


def use_mirrors(sources: Mapping[str, Source], mirrors: Mapping[str, str]) -> dict[str, Source]:
    """Returns the sources with mirrors in place of some of their URLs.

    Args:
        sources: The sources by name.
        mirrors: A URL or a local path for the name of each source that has a mirror.

    Raises:
        ValueError: A name is no source, or a mirror cannot be fetched.
    """
    found = dict(sources)
    for name, mirror in mirrors.items():
        if name not in sources:
            close = difflib.get_close_matches(name, list(sources), n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"sources are {', '.join(sources)}"
            raise ValueError(f"there is no source {name!r}: {hint}")
        if not mirror.strip():
            raise ValueError(f"the mirror of '{name}' is empty: give a URL or a local path, or leave it out")
        _check_location(mirror, f"mirror of '{name}':")
        found[name] = replace(sources[name], mirror=mirror)
    return found
