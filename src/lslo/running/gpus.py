"""GPUs for the jobs of one machine, so that two of them do not share one by accident.

Under a batch system the job already sees only its own GPUs. On a workstation Snakemake counts GPUs
(`--resources gpu=4`) but does not say which; a job claims as many as it was given by locking a file for each.
"""

from __future__ import annotations

import fcntl
import logging
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

logger = logging.getLogger(__name__)

# Set by the batch systems that give a job GPUs of its own.
BATCH_SYSTEMS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")

# Set by tests, whose jobs are given GPUs that are none.
STAND_IN = "LSLO_STAND_IN_GPUS"


def requested_gpus(resources: Mapping[str, Any]) -> int:
    """GPUs that a job asked for: the resource `gpu`, or where that is 0 the number in `gres`.

    gres: what some SLURM clusters want instead, `gpu`, `gpu:2` or `gpu:a100:2`.
    """
    if resources.get("gpu", 0):
        return resources["gpu"]
    name, *rest = (resources.get("gres") or "").split(":")
    if name != "gpu":
        return 0
    return int(rest[-1]) if rest and rest[-1].isdigit() else 1


def visible_gpus(environment: Mapping[str, str], installed: int) -> list[str]:
    """Names of the GPUs that this process may use. installed: how many the machine has."""
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return [str(number) for number in range(installed)]
    return [name.strip() for name in named.split(",") if name.strip()]


@contextmanager
def claim_gpus(
    wanted: int, installed: int, folder: Path | str, *, poll_seconds: float = 5.0
) -> Iterator[list[str]]:
    """Claim GPUs and set CUDA_VISIBLE_DEVICES to them; they are free again at the end, or if the job dies.

    wanted: GPUs of the job; with 0 it sees none and computes on the CPU. In a batch job that has just so
    many nothing is claimed. folder: where the lock files lie, the same for all jobs. Waits until enough
    are free. Raises ValueError where there are fewer: hours on the CPU instead would be no favour.
    """
    if wanted == 0:
        with _visible([]):
            yield []
        return
    available = visible_gpus(os.environ, installed)
    if STAND_IN in os.environ:
        yield available[:wanted]
        return
    if wanted > min(len(available), installed):
        raise ValueError(
            f"the job wants {wanted} GPUs, PyTorch sees {min(len(available), installed)} on "
            f"{platform.node()}; ask for fewer by `gpus` in the configuration (0 computes on the CPU), or "
            "mend the driver: python -c 'import torch; print(torch.cuda.device_count())'"
        )
    batch_job = next((os.environ[name] for name in BATCH_SYSTEMS if name in os.environ), None)
    if batch_job and len(available) == wanted:
        yield available
        return
    # In a batch job, GPUs are counted from 0 in each; and a file system may be that of several machines.
    owner = f"{platform.node()}-{batch_job}" if batch_job else platform.node()
    Path(folder).mkdir(parents=True, exist_ok=True)
    with ExitStack() as locks:
        claimed: list[str] = []
        told = False
        while len(claimed) < wanted:
            # Always in the same order and all or none, so that two waiting jobs cannot block each other.
            attempt = ExitStack()
            claimed = []
            for name in available:
                if len(claimed) < wanted and _lock(attempt, Path(folder) / f"{owner}-gpu{name}.lock"):
                    claimed.append(name)
            if len(claimed) == wanted:
                locks.enter_context(attempt)
            else:
                attempt.close()
                if not told:
                    logger.info("waiting for %d free GPUs", wanted)
                    told = True
                time.sleep(poll_seconds)
        with _visible(claimed):
            yield claimed


@contextmanager
def _visible(gpus: Sequence[str]) -> Iterator[None]:
    """Have CUDA see these GPUs only."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


@contextmanager
def claimed_gpus(wanted: int, folder: Path | str) -> Iterator[list[str]]:
    """`claim_gpus` on this machine, whatever it has."""
    # Counting does not start CUDA in this process, so CUDA_VISIBLE_DEVICES may still be set.
    with claim_gpus(wanted, torch.cuda.device_count() if wanted else 0, folder) as gpus:
        yield gpus


def _lock(stack: ExitStack, path: Path) -> bool:
    """Whether the file could be locked; the lock lives as long as the stack."""
    file = stack.enter_context(path.open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
