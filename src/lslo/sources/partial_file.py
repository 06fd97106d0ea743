"""A file that is still being fetched, and what the server said of it when the download began."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from lslo.files.atomic import write_text_atomically


@dataclass(frozen=True)
class Announcement:
    """The description that a server gives of a file when it begins to send it.

    Attributes:
        location: The URL.
        validator: The strong ETag, or else the date of the last change. With it the rest of the same file can
            be asked for. "" if the server gives neither.
        size: The file's bytes; None if the server does not say.
    """

    location: str
    validator: str
    size: int | None


@dataclass(frozen=True)
class PartialFile:
    """A file that is being fetched, `{file}.partial`, and its announcement, `{file}.partial.json`."""

    path: Path

    @property
    def _announcement_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def length(self) -> int:
        """The bytes that have come so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self, announcement: Announcement) -> None:
        """Discards what has come so far, and writes down what the next bytes will belong to."""
        self.discard()
        write_text_atomically(self._announcement_path, json.dumps(asdict(announcement), indent=1) + "\n")

    def announcement(self, location: str) -> Announcement | None:
        """Returns what the server said when the download began; None if it cannot be resumed.

        Args:
            location: The URL that the file is fetched from now.
        """
        if not self._announcement_path.exists() or not self.path.exists():
            return None
        try:
            found = Announcement(**json.loads(self._announcement_path.read_text(encoding="utf-8")))
            fits = found.location == location and isinstance(found.validator, str) and found.validator
            return found if fits and (found.size is None or self.length <= found.size) else None
        except (ValueError, TypeError):
            return None

    def discard(self) -> None:
        """Removes the file and its announcement."""
        self.path.unlink(missing_ok=True)
        self._announcement_path.unlink(missing_ok=True)

    def check_room(self, size: int) -> None:
        """Raises ValueError if the disk has no room for `size` bytes more."""
        folder = self.path.parent
        free = shutil.disk_usage(folder).free
        if size > free:
            raise ValueError(
                f"{folder}: no room, {size / 1e9:.1f} GB are to come and {free / 1e9:.1f} GB are free"
            )
