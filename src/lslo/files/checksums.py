"""The SHA-256 of a folder's files, in the form that `sha256sum --check SHA256SUMS` reads."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "SHA256SUMS"


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class DamagedError(ValueError):
    """A file is not as it was written."""


def content_sha256(path: Path) -> str | None:
    """Hexadecimal SHA-256 of a file, or of the names and contents of a folder's files; None if neither.

    Hidden files are left out: Snakemake puts one into folders that it made.
    """
    if path.is_file():
        return file_sha256(path)
    if not path.is_dir():
        return None
    digest = hashlib.sha256()
    for file in sorted(file for file in path.rglob("[!.]*") if file.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{file_sha256(file)}\n".encode())
    return digest.hexdigest()


def write_checksums(folder: Path) -> None:
    """Write `SHA256SUMS` over all files in the folder and below."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / FILE)
    lines = (f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    (folder / FILE).write_text("".join(lines), encoding="utf-8")


def check_checksums(folder: Path) -> None:
    """Raise DamagedError naming the first file that is not as it was written, or gone.

    A folder without `SHA256SUMS` is not checked: it may have been made by something else.
    """
    sums = folder / FILE
    if not sums.is_file():
        return
    if not sums.stat().st_size:
        raise DamagedError(f"{sums}: damaged, it is empty")
    for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64:
            raise DamagedError(f"{sums}: damaged, '{line}' is not a hash and a file")
        path = folder / name
        if folder.resolve() not in path.resolve().parents or not path.is_file():
            raise DamagedError(f"{path}: missing, though {sums} names it")
        if file_sha256(path) != digest:
            raise DamagedError(f"{path}: damaged, its SHA-256 is not that of {sums}")


@contextmanager
def damaged_set_aside(folder: Path | None) -> Iterator[None]:
    """Where what is read within the context is damaged, the folder takes the name `{folder}.damaged`.

    So the workflow, started again, makes it anew. Raises the DamagedError with that added.
    """
    try:
        yield
    except DamagedError as error:
        if folder is None or not folder.is_dir():
            raise
        aside = folder.with_name(f"{folder.name}.damaged")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        raise DamagedError(f"{error}; moved to {aside}, start again and it is made anew") from None
