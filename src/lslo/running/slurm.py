"""Jobs that a killed run left in SLURM's queue.

Snakemake that was killed leaves its jobs running and, started again, knows nothing of them: a second job
would write what the first one is still writing.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


def leftover_jobs(folder: Path | str, marks: Sequence[str]) -> list[str]:
    """Ids of this user's waiting, running or ending SLURM jobs that Snakemake submitted from this folder.

    marks: only jobs whose script contains one of these texts count, since runs of several experiments
    may share a folder; a job whose script cannot be read counts. Empty on a machine without SLURM.
    """
    if shutil.which("squeue") is None:
        return []
    found = []
    for line in _output(
        "squeue", "--noheader", f"--user={getpass.getuser()}", "--format=%i|%k|%Z"
    ).splitlines():
        job, comment, submitted_from = line.split("|", 2)
        # Snakemake's SLURM plugin writes the rule there.
        if comment.startswith(("rule_", "group_")) and Path(submitted_from) == Path(folder):
            script = _output("scontrol", "write", "batch_script", job, "-")
            if not script or any(mark in script for mark in marks):
                found.append(job)
    return found


def _output(*command: str) -> str:
    """What a command prints; nothing where it fails or SLURM does not answer."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
