"""Training state on disk, written beside its name and then renamed, so that a killed job leaves it whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Have `write` produce a file under a temporary name, flush it to disk, then rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class CheckpointStore:
    """The training state of one job, one file that each save replaces.

    fingerprint: identifies all that determines the state (settings, data, code); a state made by another
    is not used, and replaced at the next save.
    """

    def __init__(self, folder: Path | str, fingerprint: str):
        self.path = Path(folder) / "state.pt"
        self.fingerprint = fingerprint

    def save(self, state: dict[str, Any]) -> None:
        """state: tensors, numbers, strings and containers of them."""
        write_atomically(self.path, lambda path: torch.save({"fingerprint": self.fingerprint, **state}, path))

    def load(self) -> dict[str, Any] | None:
        """The saved state, or None where there is none of this fingerprint."""
        if not self.path.exists():
            return None
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        return state if state["fingerprint"] == self.fingerprint else None

    def remove(self) -> None:
        """Delete the state, and its folder if nothing else is in it."""
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
