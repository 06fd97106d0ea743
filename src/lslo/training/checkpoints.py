"""Training states on disk: complete files only, each with its hash in its name.

One job at a time uses them (`lslo.files.locks.only_job`).
"""

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

# The last state, and the one before in case the last cannot be read.
KEPT_STATES = 2


class CheckpointStore:
    """The saved states of one job: files `state-{number}-{fingerprint}-{SHA-256}.pt`, the newest two kept.

    A state of another fingerprint is not used and is removed at the next save. A file whose content does not
    have the hash in its name is named in the log and not used.

    Attributes:
        folder: The folder of the files.
        fingerprint: A hexadecimal digest of everything that determines the state (settings, data, code).
    """

    def __init__(self, folder: Path | str, fingerprint: str):
        self.folder = Path(folder)
        self.fingerprint = fingerprint

    @property
    def files(self) -> list[Path]:
        """The saved states of all fingerprints, newest first."""
        return sorted(self.folder.glob("state-*-*-*.pt"), key=_number, reverse=True)

    def _own(self, path: Path) -> bool:
        return path.name.split("-")[2] == self.fingerprint

    @property
    def has_own(self) -> bool:
        """Whether there is a state of this fingerprint that training can go on from."""
        return any(map(self._own, self.files))

    def save(self, state: dict[str, Any]) -> None:
        """Saves a state under a name of its own and removes older ones.

        Args:
            state: Tensors, numbers, strings and containers of them.

        Raises:
            OSError: The state could not be written, for example because the disk is full.
        """
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
        """Returns the newest undamaged state of this fingerprint, None if there is none."""
        for path in self.files:
            if not self._own(path):
                logger.info("%s: of other settings, data or code; it is not used", path)
            elif not path.exists():
                continue
            elif file_sha256(path) != path.stem.split("-")[3]:
                logger.warning("%s: damaged, its SHA-256 is not the one in its name; it is not used", path)
                # Otherwise the next save would keep it as the newest but one, and remove the undamaged state.
                _set_aside(path)
            else:
                return torch.load(path, map_location="cpu", weights_only=True)
        return None

    def remove(self) -> None:
        """Deletes all states, and their folder if it holds nothing else."""
        for path in [*self.files, *self.folder.glob("damaged-*.pt"), self.folder / "partial.pt"]:
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


class _Watched:
    """A file that remembers why it could not be written.

    Attributes:
        error: The error of the last write or flush that failed, None before.
    """

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
    """Saves a state, and raises the file's own OSError where torch.save hides it (a full disk)."""
    watched = _Watched(file)
    try:
        torch.save(state, watched)
    except RuntimeError:
        if watched.error is None:
            raise
        raise watched.error from None


def _set_aside(path: Path) -> None:
    # Several processes load the same states; whichever finds the damage first renames the file.
    with suppress(FileNotFoundError):
        path.rename(path.with_name(f"damaged-{path.name}"))


def _number(path: Path) -> int:
    return int(path.name.split("-")[1])
