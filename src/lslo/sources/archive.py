"""The members of tar and zip archives, read without trusting what the archive says of itself."""

from __future__ import annotations

import errno
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# What tarfile and zipfile raise for archives that are cut short, damaged, encrypted or of an unknown kind.
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

# The headers that tarfile reads into memory as a whole: they hold long names and further attributes.
EXTENSIONS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
LARGEST_EXTENSION = 1 << 20
BLOCK = 512
CHUNK = 1 << 20


@dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Attributes:
        name: The path that the archive gives the entry.
        kind: `file`, `folder`, or a description of anything else.
        size: The bytes of the content, as the archive states them.
        open: The function that opens the content for reading.
    """

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes]]


def archive_error(archive: Path, member: str | None, fault: str) -> ValueError:
    """Returns the error that names an archive, the member at fault if there is one, and the fault."""
    return ValueError(f"{archive}, member {member!r}: {fault}" if member else f"{archive}: {fault}")


@contextmanager
def naming_damage(archive: Path, member: str | None = None) -> Iterator[None]:
    """Turns the errors of a damaged archive into a ValueError that names the archive and the member."""
    try:
        yield
    except DAMAGE as error:
        # A full disk or a forbidden file has an error number. Bad data in a decompressor has none; an
        # impossible position in the archive is an invalid argument.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise archive_error(archive, member, f"damaged, or no tar or zip archive ({reason})") from None


def members_of(archive: Path) -> Iterator[Member]:
    """Yields the members of a tar or zip archive in their order.

    Raises:
        ValueError: The archive is damaged or of an unknown kind.
    """
    with naming_damage(archive):
        if zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive):
            members = _zip_members(archive)
        else:
            members = _tar_members(archive)
    last = None
    while True:
        with naming_damage(archive, last):
            member = next(members, None)
        if member is None:
            return
        last = member.name
        yield member


class _Header(tarfile.TarInfo):
    """The header of a tar member. A header that would make tarfile fill the memory counts as damage."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.type in EXTENSIONS and not 0 <= header.size <= LARGEST_EXTENSION:
            raise tarfile.ReadError(f"a header of {header.size} bytes")
        return header


def _tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive, tarinfo=_Header) as tar:
        for info in tar:
            yield Member(info.name, _tar_kind(info), info.size, lambda info=info: tar.extractfile(info))
        # tarfile takes a cut between two members, or a damaged header, for the end. A real end is a block of
        # zeros. Reading on to the end of the compressed stream makes the decompressor check its checksum.
        tar.fileobj.seek(tar.offset)
        if tar.fileobj.read(BLOCK) != bytes(BLOCK):
            raise tarfile.ReadError("it does not end as a tar archive does")
        while tar.fileobj.read(CHUNK):
            pass


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.isdir():
        return "folder"
    if info.isreg() and not info.issparse():
        return "file"
    kinds = {tarfile.SYMTYPE: "a symbolic link", tarfile.LNKTYPE: "a hard link"}
    return kinds.get(info.type, "a device or of an unusual kind")


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            # `filename` is cut at the first NUL, the original name is not.
            yield Member(
                info.orig_filename, _zip_kind(info), info.file_size, lambda info=info: file.open(info)
            )


def _zip_kind(info: zipfile.ZipInfo) -> str:
    # The upper half is the mode of Unix; it is zero if the archive was made on another system.
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        return "a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a device or of an unusual kind"
    return "folder" if info.is_dir() else "file"
