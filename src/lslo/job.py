"""What surrounds the work of a workflow script: its log, its threads, and how it fails."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

# What a user can cause and mend, told in one line; anything else is a defect and shows its traceback.
USER_ERRORS = (ValueError, FileNotFoundError, FloatingPointError, ConnectionError)


@contextmanager
def job(log: Path | str, threads: int = 1) -> Iterator[TextIO | None]:
    """Send output and log lines of a script to its log file; yields the terminal, None if there is none.

    A user's error ends the process with status 1 and one line on standard error and in the log.
    threads: CPU threads of numerical libraries.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    stderr = os.fdopen(os.dup(2), "w", buffering=1)
    with Path(log).open("w", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        logging.basicConfig(
            stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", force=True
        )
        _quieten_libraries()
        _limit_threads(threads)
        try:
            yield stderr if stderr.isatty() else None
        except USER_ERRORS as error:
            message = f"error: {error}"
            print(message, file=sys.stderr, flush=True)
            print(message, file=stderr, flush=True)
            sys.exit(1)


def _quieten_libraries() -> None:
    if "transformers" in sys.modules:
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()


def _limit_threads(threads: int) -> None:
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
