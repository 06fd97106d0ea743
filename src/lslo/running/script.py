"""The surroundings of a workflow script's work: its log, its threads, and how it fails."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from lslo.errors import Stopped, user_message
from lslo.running.progress import logger as progress_logger

# The environment variable that tells the processes of a job where the job's log is.
LOG_VARIABLE = "LSLO_LOG"
KEPT_LOGS = 3


@contextmanager
def script_job(log: Path | str, threads: int = 1) -> Iterator[TextIO | None]:
    """Runs a script's work within the context: its output and log lines go to the script's log file.

    A line of the log has the time and the stage, as `demo/finetune/2-2-8_WL-seed1`. The lines of progress
    are in a file of their own, `{log}.progress`. An error of a user or of the machine ends the process with
    status 1 and one line, on standard error and in the log.

    Args:
        log: The log file. The logs of earlier attempts are kept beside it.
        threads: The CPU threads of numerical libraries.

    Yields:
        The terminal, for bars of progress; None if there is none.
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
            # The log may be on the full disk.
            with suppress(OSError):
                print(message, file=sys.stderr, flush=True)
            sys.exit(1)


def _keep_earlier(log: Path) -> None:
    """Renames the logs of earlier attempts, the last one to `{log}.1`: they say why the attempts failed."""
    for number in range(KEPT_LOGS - 1, -1, -1):
        earlier = log.with_name(f"{log.name}.{number}") if number else log
        if earlier.is_file() and earlier.stat().st_size:
            earlier.replace(log.with_name(f"{log.name}.{number + 1}"))


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(f"stopped by {signal.Signals(number).name}; start again")


def set_up_logging() -> None:
    """Sends log lines to standard error, in a job's own form; does nothing in a process of no job.

    A process that a job starts calls this too, and finds the job's log by an environment variable.
    """
    log = os.environ.get(LOG_VARIABLE)
    if log is None:
        return
    stage = str(Path(log).with_suffix("")).removeprefix("logs/").replace("%", "%%")
    layout = logging.Formatter(f"%(asctime)s {stage}: %(message)s")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, force=True)
    logging.getLogger().handlers[0].setFormatter(layout)
    # Snakemake shows the whole log of a job that fails: a line every minute for a day must stay out of it.
    for handler in list(progress_logger.handlers):
        progress_logger.removeHandler(handler)
    handler = logging.FileHandler(f"{log}.progress", delay=True, encoding="utf-8")
    handler.setFormatter(layout)
    progress_logger.addHandler(handler)
    progress_logger.propagate = False
    _quieten_libraries()


def _quieten_libraries() -> None:
    if "transformers" in sys.modules:
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()


def _limit_threads(threads: int) -> None:
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
