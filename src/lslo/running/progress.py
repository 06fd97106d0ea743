"""How far a job is: a bar on a terminal, and a line a minute in a log."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

# `lslo.running.script` sends this logger's lines to a file of their own beside the job's log.
logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60.0


def progress_bar(description: str, unit: str, terminal: TextIO | None, *, total: int | None) -> tqdm:
    """A bar of `total` steps that the caller moves on; invisible without a terminal."""
    return tqdm(
        desc=description, total=total, unit=unit, file=terminal, disable=terminal is None, leave=False
    )


class Progress:
    """A bar and a line a minute for work of a known size.

    description: `epoch 2/15`, for example. unit: what is counted, in the singular. done: what was done
    before, so that it is not taken for fast. later: units that follow after these, as the other epochs.
    shown: False in all processes of a job but one.
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
        self.started = self.told = time.monotonic()
        self.shown = shown
        self.bar = progress_bar(description, unit, terminal if shown else None, total=total)
        self.bar.update(done)

    def step(self, number: int = 1, *, tokens: int = 0, **values: float) -> None:
        """So many units more are done. tokens: in them. values: shown in the line as they are."""
        self.done += number
        self.tokens += tokens
        self.bar.update(number)
        now = time.monotonic()
        if self.shown and now - self.told >= SECONDS_BETWEEN_LINES:
            self.told = now
            logger.info("%s", self.line(now - self.started, **values))

    def line(self, seconds: float, **values: float) -> str:
        """What is done after so many seconds, how fast, and how long the rest will take."""
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
        """Take the bar away."""
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
    """Hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))
