"""Archives from elsewhere, extracted without trusting them.

Only folders and ordinary files are let in, and their contents written by this module: no links, devices,
owners or permissions come out of an archive.
"""

from __future__ import annotations

import errno
import lzma
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

MAXIMUM_SIZE = 64 << 30
MAXIMUM_MEMBERS = 100_000

# What tarfile and zipfile raise for archives that are cut short, damaged, encrypted or of an unknown method.
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

# Drive letters and backslashes mean something on other systems.
FOREIGN = re.compile(r"^[A-Za-z]:|\\")
# Of a member's name: in all, of a part, and parts. File systems take no more, Python no deeper folders.
LONGEST_NAME, LONGEST_PART, DEEPEST = 1000, 255, 100

# What tarfile reads into memory as a whole: the headers that hold long names and further attributes.
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
class _Member:
    """kind: `file`, `folder`, or what else it is. size: bytes. open: gives the contents."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes]]


def extract(
    archive: Path | str,
    folder: Path | str,
    members: Collection[str] | None = None,
    *,
    maximum_size: int = MAXIMUM_SIZE,
    maximum_members: int = MAXIMUM_MEMBERS,
) -> Path:
    """Extract a tar (also gz, xz, bz2) or zip archive into `folder`, which appears when all is there.

    What was in `folder` before is replaced. members: files, or folders with all in them, to take; all of the
    archive if None. maximum_size: bytes of all the archive's files, taken or not.
    Raises FileNotFoundError if there is no archive, ValueError naming archive and member for one that is
    damaged, too large, lacks one of `members`, or would write anything but new files below `folder`.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise FileNotFoundError(f"{archive}: there is no such archive")
    folder.parent.mkdir(parents=True, exist_ok=True)
    wanted = None if members is None else {PurePosixPath(member) for member in members}
    found: set[PurePosixPath] = set()
    count = size = 0
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        for member in _members(archive):
            count, size = count + 1, size + member.size
            if count > maximum_members:
                raise _fault(archive, member.name, f"more than {maximum_members} members")
            if member.size < 0 or size > maximum_size:
                raise _fault(archive, member.name, f"more than {maximum_size} bytes in all")
            if wanted is not None:
                path = PurePosixPath(member.name)
                asked_for = wanted & {path, *path.parents}
                if not asked_for:
                    continue
                found |= asked_for
            _write(archive, member, new)
        if wanted is not None and wanted - found:
            raise ValueError(f"{archive}: has no member '{min(wanted - found)}'")
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        new.rename(folder)
    return folder


def _write(archive: Path, member: _Member, root: Path) -> None:
    """Write one member below `root`; nothing else writes there, so it holds no links."""
    path = root / _safe_path(archive, member)
    try:
        if member.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("xb")
    except (FileExistsError, NotADirectoryError):
        raise _fault(archive, member.name, "stands twice, or is a file and a folder") from None
    with target, _naming_damage(archive, member.name), member.open() as contents:
        shutil.copyfileobj(contents, target, CHUNK)
    if path.stat().st_size != member.size:
        raise _fault(archive, member.name, "is cut short")


def _safe_path(archive: Path, member: _Member) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if member.kind not in ("file", "folder"):
        raise _fault(archive, member.name, f"is {member.kind}; only files and folders are extracted")
    strange = FOREIGN.search(member.name) or not member.name.isprintable()
    if path.is_absolute() or ".." in path.parts or strange:
        raise _fault(archive, member.name, "is not a path inside the folder that is extracted to")
    parts = [len(part.encode()) for part in path.parts]
    if sum(parts) > LONGEST_NAME or max(parts, default=0) > LONGEST_PART or len(parts) > DEEPEST:
        raise _fault(archive, f"{member.name[:40]}…", "has a name that is too long")
    return path


def _fault(archive: Path, member: str | None, fault: str) -> ValueError:
    return ValueError(f"{archive}, member {member!r}: {fault}" if member else f"{archive}: {fault}")


def _members(archive: Path) -> Iterator[_Member]:
    """The members in their order. Raises ValueError if the archive is damaged or of an unknown kind."""
    with _naming_damage(archive):
        if zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive):
            members = _zip_members(archive)
        else:
            members = _tar_members(archive)
    last = None
    while True:
        with _naming_damage(archive, last):
            member = next(members, None)
        if member is None:
            return
        last = member.name
        yield member


@contextmanager
def _naming_damage(archive: Path, member: str | None = None) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        # A full disk or a file that may not be read has its number. Bad data of a decompressor has none, an
        # impossible place in the archive is an invalid argument.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _fault(archive, member, f"damaged, or no tar or zip archive ({reason})") from None


class _Header(tarfile.TarInfo):
    """A member's header. One that would have tarfile fill the memory is taken for damage."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.type in EXTENSIONS and not 0 <= header.size <= LARGEST_EXTENSION:
            raise tarfile.ReadError(f"a header of {header.size} bytes")
        return header


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive, tarinfo=_Header) as tar:
        for info in tar:
            yield _Member(info.name, _tar_kind(info), info.size, lambda info=info: tar.extractfile(info))
        # tarfile takes a cut between two members, or a damaged header, for the end. A real end is a block of
        # zeros; reading on from there to the end of the compressed stream has its checksum checked.
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


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            # The original name: what follows a NUL is cut from the other.
            yield _Member(
                info.orig_filename, _zip_kind(info), info.file_size, lambda info=info: file.open(info)
            )


def _zip_kind(info: zipfile.ZipInfo) -> str:
    # The upper half holds what Unix calls the mode, zero if the archive was made elsewhere.
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        return "a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a device or of an unusual kind"
    return "folder" if info.is_dir() else "file"
