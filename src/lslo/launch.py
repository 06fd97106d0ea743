"""Running a function in one process, or in several that train together."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from torch.distributed.launcher.api import LaunchConfig, elastic_launch


def launch(function: Callable, arguments: dict[str, Any], processes: int) -> None:
    """Call `function(**arguments)`, in so many processes as torchrun would start them.

    function: one of a module (it is found by name in the new processes). arguments: must be picklable;
    `progress`, a terminal, is left out where there are several processes. Each process finds its place with
    `Workers.join`. Raises torch's ChildFailedError if one of them fails.
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
    elastic_launch(config, _call)(function, {**arguments, "progress": None})


def _call(function: Callable, arguments: dict[str, Any]) -> None:
    function(**arguments)
