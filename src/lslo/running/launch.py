"""The launch of a function in one process, or in several that train together."""

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
    """Calls `function(**arguments)` here, or in several new processes as torchrun starts them.

    Each new process finds its place in the group with `ProcessGroup.join`.

    Args:
        function: A function or bound method that can be pickled.
        arguments: The arguments, which must be picklable. With several processes `progress`, a terminal, is
            replaced by None.
        processes: The number of processes; with 0 or 1 the function is called in this process.

    Raises:
        ValueError: One of several processes failed through an error of the user's; this has its message.
        Stopped: The processes stopped because of a signal to this one.
        ChildFailedError: One of several processes failed otherwise.
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
        message = Path(folder) / "error.txt"
        try:
            elastic_launch(config, _call)(function, {**arguments, "progress": None}, message)
        except (ChildFailedError, SignalException) as error:
            # torch passes a signal to this process on to the others, which save their state first.
            if message.exists():
                kind = Stopped if isinstance(error, SignalException) else ValueError
                raise kind(message.read_text(encoding="utf-8")) from None
            raise


def _call(function: Callable, arguments: dict[str, Any], message_file: Path) -> None:
    """Calls the function, and hands a user's error to the launching process through a file."""
    set_up_logging()
    try:
        function(**arguments)
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        message_file.write_text(message.removeprefix("error: "), encoding="utf-8")
        raise SystemExit(1) from None
