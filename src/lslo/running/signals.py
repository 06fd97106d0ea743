"""Signals by which a batch system or a person asks a job to end."""

from __future__ import annotations

import signal
import threading
from types import FrameType

# SLURM sends SIGTERM before the walltime ends and at scancel; Ctrl-C sends SIGINT.
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """A context that notes SIGTERM and SIGINT but lets the work go on, to end where it can be continued.

    Several signals often come for one reason. Those after the first change nothing, because the state must
    still be saved. No signal is noted outside the main thread.

    Attributes:
        asked: The name of the first signal that came; None as long as none has come.
    """

    def __init__(self) -> None:
        self.asked: str | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = self.asked or signal.Signals(number).name
