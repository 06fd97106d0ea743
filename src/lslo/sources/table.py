"""The files that an experiment downloads, one row of `config/sources.tsv` each, and what they must be.

A mirror or a local file can stand in for a source's URL; the same size and hash are asked of it. Where the
table has none, those of the first download are recorded beside the file and asked for from then on.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from lslo.files.tsv import read_rows

COLUMNS = ["name", "url", "sha256", "size", "licence"]

# Names are used in configurations, names of files in paths.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
SHA256 = re.compile(r"[0-9a-f]{64}")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

# What a file must be: `size` and `sha256`, as far as they are known, each with where that is written.
Expected = dict[str, tuple[Any, str]]


@dataclass(frozen=True)
class Source:
    """One row of `config/sources.tsv`.

    url: http, https or file. sha256: hexadecimal, "" if not known. size: bytes, None if not known.
    mirror: a URL or local path that stands in for the URL, "" for none.
    """

    name: str
    url: str
    sha256: str
    size: int | None
    licence: str
    mirror: str = ""

    @property
    def file(self) -> str:
        """The file's name once downloaded: the URL's, wherever it is really fetched from."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def location(self) -> str:
        """Where the file is fetched from."""
        return self.mirror or self.url

    @property
    def local_path(self) -> Path | None:
        """The location as a path, None if it is on a server."""
        match = SCHEME.match(self.location)
        if match is None:
            return Path(self.location).expanduser()
        return Path(url2pathname(urlsplit(self.location).path)) if match[1].lower() == "file" else None


def read_sources(path: Path | str) -> dict[str, Source]:
    """Sources by name, in the order of the file. Raises ValueError naming the file and line at fault."""
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
            # They may lie in one folder, where one would overwrite the other.
            if source.file in {other.file for other in sources.values()}:
                raise ValueError(f"another source's file is called '{source.file}', too")
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        sources[source.name] = source
    return sources


def _source(row: list[str]) -> Source:
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
    """Raises ValueError for a URL or path that cannot be fetched, whether or not a file is there."""
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
        # Not told, since it may hold a password.
        raise ValueError(f"{what} is not a URL with https, http or file") from None
    if parts.username is not None:
        # The location is told in logs and error messages.
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
    """The sources, fetched from other places. mirrors: source's name to a URL or a local path.

    Raises ValueError for a name that is no source and for a URL that cannot be fetched.
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


def read_record(path: Path) -> dict[str, Any]:
    """`url`, `size` and `sha256` as they were at the first download; empty where there was none.

    Raises ValueError for a file that is no such record.
    """
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {"url": str(record["url"]), "size": int(record["size"]), "sha256": str(record["sha256"])}
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise ValueError(f"{path}: not a record of a download; delete it") from None


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write under a temporary name, then rename; for one writer at a time."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def expected_of(source: Source, record: Mapping[str, Any], record_path: Path) -> Expected:
    """What the source's file must be: as the table says and, where it is silent, as was recorded."""
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
    """`size` and `sha256` of a file. Raises ValueError where others are expected; name: for its message."""
    found: dict[str, Any] = {"size": path.stat().st_size}
    refuse_other(name, "size", found["size"], expected)
    with path.open("rb") as file:
        found["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    refuse_other(name, "sha256", found["sha256"], expected)
    return found


def refuse_other(name: str, key: str, found: Any, expected: Expected) -> None:
    """Raises ValueError, with both values, if another size or hash is expected. key: `size` or `sha256`."""
    value, origin = expected.get(key, (found, ""))
    if found != value:
        what = "SHA-256" if key == "sha256" else "size"
        raise ValueError(f"{name}: {what} is {found} instead of {value} ({origin})")
