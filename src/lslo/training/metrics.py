"""The metrics of a training run: a JSON line an update."""

from __future__ import annotations

import json
from pathlib import Path

from lslo.files.atomic import write_atomically


class MetricsLog:
    """Lines kept in memory and written as a whole, so that the file never ends in the middle of one."""

    def __init__(self, path: Path | None):
        self.path = path
        self.lines: list[str] = []

    def add(self, **values: float) -> None:
        """One line."""
        rounded = {
            key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in values.items()
        }
        self.lines.append(json.dumps(rounded))

    def mean(self, epoch: int, key: str = "loss") -> float:
        """Mean of a value over the updates of an epoch, nan where every update was skipped."""
        values = [line[key] for line in map(json.loads, self.lines) if line["epoch"] == epoch]
        return sum(values) / len(values) if values else float("nan")

    def write(self) -> None:
        """Write all lines so far."""
        if self.path:
            text = "".join(line + "\n" for line in self.lines)
            write_atomically(self.path, lambda path: path.write_text(text))
