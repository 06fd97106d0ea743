"""What an engine's process gives back, and what all of them share."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass
class EngineResult:
    """One run of an engine.

    seconds: of each row that the engine has in the table; '' is the engine itself, and another name a
    variant of it. work: what was done, in the comparison's units. parts: seconds of the steps. outputs: what
    is compared between engines. notes: what the reader must know.
    peak_memory_bytes: of the GPU, or the largest resident set of the process.
    """

    seconds: dict[str, float]
    work: dict[str, int]
    parts: dict[str, float]
    outputs: Any
    notes: list[str] = field(default_factory=list)
    peak_memory_bytes: int = 0

    def write(self, path: Path) -> None:
        """Write a JSON file."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> EngineResult:
        """Read a JSON file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(device: torch.device) -> int:
    """Bytes: of the GPU, or the largest resident set of this process so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.is_file():
        # Not getrusage, whose number a process inherits from the one that started it.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def say(text: str, *, every: int = 1, number: int = 0) -> None:
    """Print progress at once; every so many numbers only."""
    if number % every == 0:
        print(f"    {text}", flush=True)
