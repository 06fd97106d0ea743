"""SHA-256 digests of texts, files and folders; the library hashes nothing elsewhere.

A folder's digests are kept in a file that `sha256sum --check SHA256SUMS` reads.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# The file of a folder's digests.
FILE = "SHA256SUMS"


class DamagedError(ValueError):
    """A file is not as it was written."""


def text_sha256(text: str) -> str:
    """Returns the hexadecimal SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Returns the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents_sha256(paths: Iterable[Path]) -> str:
    """Returns the hexadecimal SHA-256 of the contents of several files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        _add_file(path, digest)
    return digest.hexdigest()


def files_fingerprint(paths: Iterable[Path]) -> str:
    """Returns the hexadecimal SHA-256 over the names and contents of files, in the order given.

    A file's folder does not count.
    """
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0".encode())
        _add_file(path, digest)
        digest.update(b"\0")
    return digest.hexdigest()


def _add_file(path: Path, digest: hashlib._Hash) -> None:
    """Adds a file's content to a digest, piece by piece: weights are larger than what memory should hold."""
    with path.open("rb") as file:
        hashlib.file_digest(file, lambda: digest)


def file_or_folder_sha256(path: Path) -> str | None:
    """Returns the hexadecimal SHA-256 of a file, or over the names and contents of a folder's files.

    Hidden files do not count: Snakemake puts one into the folders that it made.

    Returns:
        The digest; None if there is neither a file nor a folder.
    """
    if path.is_file():
        return file_sha256(path)
    if not path.is_dir():
        return None
    files = sorted(file for file in path.rglob("[!.]*") if file.is_file())
    return text_sha256(
        "".join(f"{file.relative_to(path).as_posix()}\0{file_sha256(file)}\n" for file in files)
    )


def write_checksums(folder: Path) -> None:
    """Writes `SHA256SUMS` over all files in the folder and below."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / FILE)
    lines = (f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    (folder / FILE).write_text("".join(lines), encoding="utf-8")


def check_checksums(folder: Path) -> None:
    """Checks that the files of a folder are as they were when its `SHA256SUMS` was written.

    A folder without `SHA256SUMS` passes: another program may have made it.

    Raises:
        DamagedError: A file has changed or is gone. The message names the first such file.
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
    """Renames a folder to `{folder}.damaged` if its files prove damaged within the context.

    The workflow, started again, then makes the folder anew.

    Args:
        folder: The folder that is read within the context; None if there is none.

    Raises:
        DamagedError: The error from within the context, with the new name added.
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
