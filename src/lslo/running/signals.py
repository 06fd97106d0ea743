"""Leaving in good order when a batch system or a person ends a job."""

from __future__ import annotations

import signal
import threading
from types import FrameType

# Sent by SLURM before the walltime ends and by scancel; by Ctrl-C.
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Within the context, SIGTERM and SIGINT are noted, not obeyed: the work ends where it can be continued.

    asked: the name of the first signal that came, None before. Further ones change nothing, because several
    often come for one reason, and the state must still be saved. Outside the main thread no signal is noted.
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
