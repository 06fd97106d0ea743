"""The progress of a job: a bar on a terminal, and a line every minute in a log."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

# `lslo.running.script` sends the lines of this logger to a file beside the job's log.
logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60.0


def progress_bar(description: str, unit: str, terminal: TextIO | None, *, total: int | None) -> tqdm:
    """Returns a bar of `total` steps, which the caller moves; it is invisible without a terminal.

    Args:
        description: The words before the bar.
        unit: The word for one step.
        terminal: The terminal; None if there is none.
        total: The number of steps; None if it is not known.
    """
    return tqdm(
        desc=description, total=total, unit=unit, file=terminal, disable=terminal is None, leave=False
    )


class Progress:
    """A bar, and a line every minute, for work of a known size; as a context, it removes the bar at its end.

    Args:
        description: The name of the work, for example `epoch 2/15`.
        unit: The word for one unit of the work, in the singular.
        terminal: The terminal of the bar; None if there is none.
        total: The number of units.
        done: The units that were done before the work was continued. They do not count as fast work.
        later: The units that follow this work, as those of the later epochs.
        shown: Whether this process shows the progress; one process of a job does.
    """

    def __init__(
        self,
        description: str,
        unit: str,
        terminal: TextIO | None,
        *,
        total: int,
        done: int = 0,
        later: int = 0,
        shown: bool = True,
    ):
        self.description, self.unit, self.total, self.later = description, unit, total, later
        self.done = self.before = done
        self.tokens = 0
        self._started = self._told = time.monotonic()
        self.shown = shown
        self.bar = progress_bar(description, unit, terminal if shown else None, total=total)
        self.bar.update(done)

    def step(self, number: int = 1, *, tokens: int = 0, **values: float) -> None:
        """Counts units that were done, and logs a line if the last one is a minute old.

        Args:
            number: The units.
            tokens: The tokens in them.
            **values: Numbers that the line shows by their names.
        """
        self.done += number
        self.tokens += tokens
        self.bar.update(number)
        now = time.monotonic()
        if self.shown and now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            logger.info("%s", self.line(now - self._started, **values))

    def line(self, seconds: float, **values: float) -> str:
        """Returns a line with the work done, its speed, and the time that the rest will take.

        Args:
            seconds: The time that the work took since it was begun or continued.
            **values: Numbers that the line shows by their names.
        """
        each = seconds / max(self.done - self.before, 1)
        parts = [f"{self.description}: {self.unit} {self.done:,} of {self.total:,}"]
        parts += [f"{name} {value:.4f}" for name, value in values.items()]
        if self.tokens:
            parts.append(f"{self.tokens / seconds:,.0f} tokens/s")
        parts.append(f"{_duration(each * (self.total - self.done))} left")
        if self.later:
            parts.append(f"{_duration(each * (self.total - self.done + self.later))} with what follows")
        return ", ".join(parts)

    def close(self) -> None:
        """Removes the bar from the terminal."""
        self.bar.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _duration(seconds: float) -> str:
    """Returns a duration as hours, minutes and seconds, `1:02:03`."""
    return str(timedelta(seconds=round(seconds)))
