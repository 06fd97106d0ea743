"""The result that an engine's process writes, and helpers that engines share."""

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
    """The result of one run of an engine.

    Attributes:
        seconds: The seconds of each of the engine's rows in the table; the key '' is the engine itself, any
            other key a variant of it.
        work: The amount of work done, by unit.
        parts: The seconds of each step.
        outputs: The results that are compared between engines.
        notes: Remarks for the report.
        peak_memory_bytes: The most memory used: on a GPU the GPU's, otherwise the process's largest resident
            set.
    """

    seconds: dict[str, float]
    work: dict[str, int]
    parts: dict[str, float]
    outputs: Any
    notes: list[str] = field(default_factory=list)
    peak_memory_bytes: int = 0

    def write(self, path: Path) -> None:
        """Writes the result to a JSON file."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> EngineResult:
        """Reads a result from a JSON file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def synchronise(device: torch.device) -> None:
    """Waits until the device has finished its queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(device: torch.device) -> int:
    """Returns the most memory used so far, in bytes: the GPU's, or this process's largest resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.is_file():
        # Not from getrusage, whose number includes that of the process that started this one.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def say(text: str, *, every: int = 1, number: int = 0) -> None:
    """Prints progress at once, for every `every`-th number only."""
    if number % every == 0:
        print(f"    {text}", flush=True)
