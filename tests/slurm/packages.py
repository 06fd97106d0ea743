"""SLURM's programs, from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("slurmctld", "slurmd", "munged")
COMMANDS = ("sbatch", "srun", "squeue", "sinfo", "scancel", "scontrol")
# The daemons lie in folders that are not on the PATH of an ordinary user.
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


class ClusterError(RuntimeError):
    """SLURM cannot be installed or started; the message is one line and says why."""


def program_path(name: str) -> str | None:
    """Returns the path of one of SLURM's programs, or None if it is not installed."""
    return shutil.which(name, path=SYSTEM_PATH)


def installed() -> bool:
    """Returns whether all of SLURM's programs are installed."""
    return all(program_path(program) for program in (*PROGRAMS, *COMMANDS))


def install() -> None:
    """Installs SLURM from Debian's packages, unless it is installed.

    Raises:
        ClusterError: SLURM cannot be installed.
    """
    if installed():
        return
    by_hand = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"
    if shutil.which("apt-get") is None:
        raise ClusterError("SLURM is not installed, and there is no apt-get to install it with")
    if os.geteuid() != 0:
        raise ClusterError(f"SLURM is not installed; as root: {by_hand}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = [
        "apt-get",
        "--option",
        "DPkg::Lock::Timeout=300",
        "install",
        "--yes",
        "--no-install-recommends",
        *PACKAGES,
    ]
    for attempt in (command, ["apt-get", "update"], command):
        result = subprocess.run(
            attempt, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, timeout=300
        )
        if installed():
            return
    last = (result.stdout.strip().splitlines() or ["no output"])[-1]
    raise ClusterError(f"SLURM could not be installed ({by_hand}): {last}")
