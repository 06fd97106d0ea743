"""What surrounds the work of a workflow script: its log, its threads, and how it fails."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from lslo.errors import Stopped, user_message

# Names the log of a job to the processes that it starts.
LOG_VARIABLE = "LSLO_LOG"
KEPT_LOGS = 3


@contextmanager
def job(log: Path | str, threads: int = 1) -> Iterator[TextIO | None]:
    """Send output and log lines of a script to its log file; yields the terminal, None if there is none.

    A user's error and a full disk end the process with status 1 and one line on standard error and in the
    log. A line of the log has the time and the stage, as `demo/finetune/2-2-8_WL-seed1`. How far the job is
    stands in a file of its own, `{log}.progress`. threads: CPU threads of numerical libraries.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    _keep_earlier(Path(log))
    with Path(log).open("w", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        Path(f"{log}.progress").unlink(missing_ok=True)
        os.environ[LOG_VARIABLE] = str(log)
        set_up_logging()
        _limit_threads(threads)
        signal.signal(signal.SIGTERM, _stop)
        try:
            yield stderr if stderr.isatty() else None
        except (Exception, KeyboardInterrupt) as error:
            message = user_message(error)
            if message is None:
                raise
            print(message, file=stderr, flush=True)
            # The log may lie on the full disk.
            with suppress(OSError):
                print(message, file=sys.stderr, flush=True)
            sys.exit(1)


def _keep_earlier(log: Path) -> None:
    """Keep the logs of earlier attempts, the last as `{log}.1`: they say why they failed."""
    for number in range(KEPT_LOGS - 1, -1, -1):
        earlier = log.with_name(f"{log.name}.{number}") if number else log
        if earlier.is_file() and earlier.stat().st_size:
            earlier.replace(log.with_name(f"{log.name}.{number + 1}"))


def _stop(number: int, frame: object) -> None:
    raise Stopped(f"stopped by {signal.Signals(number).name}; start again")


def set_up_logging() -> None:
    """Log lines to standard error, in a job's own form; in the processes that a job starts too."""
    log = os.environ.get(LOG_VARIABLE)
    if log is None:
        return
    stage = str(Path(log).with_suffix("")).removeprefix("logs/").replace("%", "%%")
    layout = logging.Formatter(f"%(asctime)s {stage}: %(message)s")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, force=True)
    logging.getLogger().handlers[0].setFormatter(layout)
    # A line a minute for a day stays out of the log, which Snakemake shows whole when a job fails.
    progress = logging.getLogger("lslo.running.progress")
    for handler in list(progress.handlers):
        progress.removeHandler(handler)
    handler = logging.FileHandler(f"{log}.progress", delay=True, encoding="utf-8")
    handler.setFormatter(layout)
    progress.addHandler(handler)
    progress.propagate = False
    _quieten_libraries()


def _quieten_libraries() -> None:
    if "transformers" in sys.modules:
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()


def _limit_threads(threads: int) -> None:
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
