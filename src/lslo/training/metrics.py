"""The metrics of a training run, one line of JSON for each update."""

from __future__ import annotations

import json
from pathlib import Path

from lslo.files.atomic import write_atomically


class MetricsLog:
    """Lines of JSON that are kept in memory and always written together: the file never ends within a line.

    Attributes:
        path: The file; None writes nothing.
        lines: The lines so far, without line breaks.
    """

    def __init__(self, path: Path | None):
        self.path = path
        self.lines: list[str] = []

    def add(self, **values: float) -> None:
        """Adds a line of named values; those of type float are rounded to six significant digits."""
        rounded = {
            key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in values.items()
        }
        self.lines.append(json.dumps(rounded))

    def mean_loss(self, epoch: int) -> float:
        """Returns the mean loss of the updates of an epoch, nan if every update was skipped."""
        values = [line["loss"] for line in map(json.loads, self.lines) if line["epoch"] == epoch]
        return sum(values) / len(values) if values else float("nan")

    def write(self) -> None:
        """Writes all lines so far."""
        if self.path:
            text = "".join(line + "\n" for line in self.lines)
            write_atomically(self.path, lambda path: path.write_text(text))
