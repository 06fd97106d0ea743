"""The processes of a cluster: how to find them, and how to wait for a condition."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

# The environment variable that marks a cluster's daemons and the processes that tests start for it.
MARK = "LSLO_TEST_CLUSTER"


def environment_of(process: int) -> dict[str, str]:
    """Returns the environment that a process was started in; empty if it has ended or is another user's."""
    try:
        content = Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in content.split("\0") if "=" in entry)


def processes_of(folder: Path | str) -> list[int]:
    """Returns the ids of the processes of a cluster and of its jobs, without this process.

    Args:
        folder: The folder of the cluster.
    """
    processes = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for process in processes if process != os.getpid() and _belongs_to(folder, process)]


def _belongs_to(folder: Path | str, process: int) -> bool:
    environment = environment_of(process)
    if environment.get(MARK) == str(folder):
        return True
    # A job that somebody submitted by hand, but not that person's shell.
    return environment.get("SLURM_CONF") == f"{folder}/slurm.conf" and "SLURM_JOB_ID" in environment


def wait_until(condition: Callable[[], object], seconds: float, pause: float = 0.1) -> bool:
    """Waits until a condition is true and returns whether it became true within the given seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
