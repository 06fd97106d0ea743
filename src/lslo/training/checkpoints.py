"""Training state on disk: renamed when it is whole, known by its hash, used by one job at a time."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import torch

from lslo.files.checksums import file_sha256

logger = logging.getLogger(__name__)

# The last one, and the one before in case the last cannot be read.
KEPT_STATES = 2


class CheckpointStore:
    """The training state of one job: files `state-{number}-{fingerprint}-{SHA-256}.pt`, the newest two kept.

    fingerprint: a hexadecimal digest of all that determines the state (settings, data, code); a state made by
    another is not used, and removed at the next save. A file whose content is not that of its hash is named
    in the log and not used.
    """

    def __init__(self, folder: Path | str, fingerprint: str):
        self.folder = Path(folder)
        self.fingerprint = fingerprint

    @property
    def files(self) -> list[Path]:
        """The saved states of any fingerprint, newest first."""
        return sorted(self.folder.glob("state-*-*-*.pt"), key=_number, reverse=True)

    def _own(self, path: Path) -> bool:
        return path.name.split("-")[2] == self.fingerprint

    @property
    def has_own(self) -> bool:
        """Whether there is a state of this fingerprint to go on from."""
        return any(map(self._own, self.files))

    def save(self, state: dict[str, Any]) -> None:
        """state: tensors, numbers, strings and containers of them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        older = self.files
        temporary = self.folder / "partial.pt"
        try:
            with temporary.open("wb") as file:
                _save(state, file)
                file.flush()
                os.fsync(file.fileno())
            digest = file_sha256(temporary)
            number = _number(older[0]) + 1 if older else 1
            temporary.rename(self.folder / f"state-{number}-{self.fingerprint}-{digest}.pt")
        finally:
            temporary.unlink(missing_ok=True)
        kept = [path for path in older if self._own(path)][: KEPT_STATES - 1]
        for path in older:
            if path not in kept:
                path.unlink()

    def load(self) -> dict[str, Any] | None:
        """The newest saved state that is whole, or None where there is none of this fingerprint."""
        for path in self.files:
            if not self._own(path):
                logger.info("%s: of other settings, data or code; it is not used", path)
            elif not path.exists():
                continue
            elif file_sha256(path) != path.stem.split("-")[3]:
                logger.warning("%s: damaged, its SHA-256 is not the one in its name; it is not used", path)
                # Or the next save would keep it, as the newest but one, and remove the one that is whole.
                _set_aside(path)
            else:
                return torch.load(path, map_location="cpu", weights_only=True)
        return None

    def remove(self) -> None:
        """Delete the states, and their folder if nothing else is in it."""
        for path in [*self.files, *self.folder.glob("damaged-*.pt"), self.folder / "partial.pt"]:
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


class _Watched:
    """A file that remembers why it could not be written."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        return self._watch(self.file.write, content)

    def flush(self) -> None:
        self._watch(self.file.flush)

    def _watch(self, method: Callable, *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except OSError as error:
            self.error = error
            raise


def _save(state: dict[str, Any], file: BinaryIO) -> None:
    """torch.save, whose own error does not tell a full disk. Raises OSError."""
    watched = _Watched(file)
    try:
        torch.save(state, watched)
    except RuntimeError:
        if watched.error is None:
            raise
        raise watched.error from None


def _set_aside(path: Path) -> None:
    # Several processes load the same states; one of them is the first.
    with suppress(FileNotFoundError):
        path.rename(path.with_name(f"damaged-{path.name}"))


def _number(path: Path) -> int:
    return int(path.name.split("-")[1])
