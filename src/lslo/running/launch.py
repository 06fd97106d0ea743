"""Running a function in one process, or in several that train together."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from lslo.errors import Stopped, user_message
from lslo.running.script import set_up_logging


def launch(function: Callable, arguments: dict[str, Any], processes: int) -> None:
    """Call `function(**arguments)`, in so many processes as torchrun would start them.

    function: one of a module (it is found by name in the new processes). arguments: must be picklable;
    `progress`, a terminal, is left out where there are several processes. Each process finds its place with
    `ProcessGroup.join`.

    Raises ValueError with the message of a user's error in one of them, Stopped where they
    stopped at a signal to this one, and torch's ChildFailedError if one fails otherwise.
    """
    if processes <= 1:
        function(**arguments)
        return
    # Each process would otherwise take all cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        run_id=str(os.getpid()),
        start_method="spawn",
        max_restarts=0,
    )
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "error.txt"
        try:
            elastic_launch(config, _call)(function, {**arguments, "progress": None}, told)
        except (ChildFailedError, SignalException) as error:
            # A signal to this process is passed on to the others, which save their state first.
            if told.exists():
                kind = Stopped if isinstance(error, SignalException) else ValueError
                raise kind(told.read_text(encoding="utf-8")) from None
            raise


def _call(function: Callable, arguments: dict[str, Any], told: Path) -> None:
    """Call the function; a user's error is told to the launching process through a file."""
    set_up_logging()
    try:
        function(**arguments)
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        told.write_text(message.removeprefix("error: "), encoding="utf-8")
        raise SystemExit(1) from None
