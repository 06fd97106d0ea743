"""Archives from elsewhere, extracted without trusting them.

Only folders and ordinary files are let in, and this module writes their contents itself: no links, devices,
owners or permissions come out of an archive.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePosixPath

from lslo.files.atomic import atomic_folder
from lslo.sources.archive import Member, archive_error, members_of, naming_damage

MAXIMUM_SIZE = 64 << 30
MAXIMUM_MEMBERS = 100_000

# Drive letters and backslashes have a meaning on other systems.
FOREIGN = re.compile(r"^[A-Za-z]:|\\")
# The bytes of a member's name, the bytes of one part of it, and the number of parts. File systems take no
# longer names, Python no deeper folders.
LONGEST_NAME, LONGEST_PART, DEEPEST = 1000, 255, 100
CHUNK = 1 << 20


def extract(
    archive: Path | str,
    folder: Path | str,
    *,
    maximum_size: int = MAXIMUM_SIZE,
    maximum_members: int = MAXIMUM_MEMBERS,
) -> Path:
    """Extracts a tar (also gz, xz, bz2) or zip archive into a folder, which appears when it is complete.

    Args:
        archive: The archive.
        folder: The folder. What was in it before is replaced.
        maximum_size: The most bytes that all files of the archive may have together.
        maximum_members: The most members that the archive may have.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: There is no archive.
        ValueError: The archive is damaged, is too large, or would write anything but new files below
            `folder`. The message names the archive and the member.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise FileNotFoundError(f"{archive}: there is no such archive")
    size = 0
    with atomic_folder(folder) as partial:
        for count, member in enumerate(members_of(archive), start=1):
            size += member.size
            if count > maximum_members:
                raise archive_error(archive, member.name, f"more than {maximum_members} members")
            if member.size < 0 or size > maximum_size:
                raise archive_error(archive, member.name, f"more than {maximum_size} bytes in all")
            _write(archive, member, partial)
    return folder


def _write(archive: Path, member: Member, root: Path) -> None:
    """Writes one member below `root`. Nothing else writes there, so `root` holds no links."""
    path = root / _safe_path(archive, member)
    try:
        if member.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("xb")
    except (FileExistsError, NotADirectoryError):
        raise archive_error(archive, member.name, "stands twice, or is a file and a folder") from None
    with target, naming_damage(archive, member.name), member.open() as contents:
        shutil.copyfileobj(contents, target, CHUNK)
    if path.stat().st_size != member.size:
        raise archive_error(archive, member.name, "is cut short")


def _safe_path(archive: Path, member: Member) -> PurePosixPath:
    """Returns the path of a member; raises ValueError if it leads elsewhere or is no file or folder."""
    path = PurePosixPath(member.name)
    if member.kind not in ("file", "folder"):
        raise archive_error(archive, member.name, f"is {member.kind}; only files and folders are extracted")
    strange = FOREIGN.search(member.name) or not member.name.isprintable()
    if path.is_absolute() or ".." in path.parts or strange:
        raise archive_error(archive, member.name, "is not a path inside the folder that is extracted to")
    parts = [len(part.encode()) for part in path.parts]
    if sum(parts) > LONGEST_NAME or max(parts, default=0) > LONGEST_PART or len(parts) > DEEPEST:
        raise archive_error(archive, f"{member.name[:40]}…", "has a name that is too long")
    return path
