"""Jobs that a killed run left in SLURM's queue.

A Snakemake that was killed leaves its jobs running. Started again, it knows nothing of them: a second job
would write what the first one is still writing.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


def leftover_jobs(folder: Path | str, marks: Sequence[str]) -> list[str]:
    """Finds this user's SLURM jobs that Snakemake submitted from a folder and that have not ended.

    Args:
        folder: The folder that Snakemake was started in.
        marks: The texts that identify the run: a job counts if its script contains one of them, because
            several experiments may run in one folder. A job whose script cannot be read counts too.

    Returns:
        The ids of waiting, running and ending jobs; none on a machine without SLURM.
    """
    if shutil.which("squeue") is None:
        return []
    found = []
    for line in _output(
        "squeue", "--noheader", f"--user={getpass.getuser()}", "--format=%i|%k|%Z"
    ).splitlines():
        job, comment, submitted_from = line.split("|", 2)
        # Snakemake's SLURM plugin writes the rule into the comment.
        if comment.startswith(("rule_", "group_")) and Path(submitted_from) == Path(folder):
            script = _output("scontrol", "write", "batch_script", job, "-")
            if not script or any(mark in script for mark in marks):
                found.append(job)
    return found


def _output(*command: str) -> str:
    """Returns what a command prints; nothing if it fails or SLURM does not answer."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
