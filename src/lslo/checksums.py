"""The SHA-256 of a folder's files, in the form that `sha256sum --check SHA256SUMS` reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

FILE = "SHA256SUMS"


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: Path) -> None:
    """Write `SHA256SUMS` over all files in the folder and below."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / FILE)
    lines = (f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    (folder / FILE).write_text("".join(lines), encoding="utf-8")


def check_checksums(folder: Path) -> None:
    """Raise ValueError naming the first file that is not as it was written, or gone.

    A folder without `SHA256SUMS` is not checked: it may have been made by something else.
    """
    sums = folder / FILE
    if not sums.is_file():
        return
    for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64:
            raise ValueError(f"{sums}: damaged, '{line}' is not a hash and a file; make the folder again")
        path = folder / name
        if folder.resolve() not in path.resolve().parents or not path.is_file():
            raise ValueError(f"{path}: missing, though {sums} names it; make the folder again")
        if file_sha256(path) != digest:
            raise ValueError(f"{path}: damaged, its SHA-256 is not that of {sums}; make the folder again")
