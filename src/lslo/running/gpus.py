"""GPUs for the jobs of one machine, so that no two jobs share one by accident.

A batch system shows a job only the job's own GPUs. On a workstation, Snakemake counts GPUs
(`--resources gpu=4`) but does not say which: a job claims its GPUs by locking a file for each.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from lslo.files.locks import lock_free_files

logger = logging.getLogger(__name__)

# Environment variables of the batch systems that give a job GPUs of its own.
BATCH_SYSTEMS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")

# With this environment variable, tests run jobs that ask for GPUs on a machine that has none.
STAND_IN = "LSLO_STAND_IN_GPUS"


def requested_gpus(resources: Mapping[str, Any]) -> int:
    """Returns the number of GPUs that a job asked for.

    Args:
        resources: The resources of the job. The number is `gpu`, or, where that is 0, the one in `gres`,
            which some SLURM clusters want instead: `gpu`, `gpu:2` or `gpu:a100:2`.
    """
    if resources.get("gpu", 0):
        return resources["gpu"]
    name, *rest = (resources.get("gres") or "").split(":")
    if name != "gpu":
        return 0
    return int(rest[-1]) if rest and rest[-1].isdigit() else 1


def visible_gpus(environment: Mapping[str, str], installed: int) -> list[str]:
    """Returns the names of the GPUs that this process may use.

    Args:
        environment: The environment variables.
        installed: The number of GPUs that the machine has.
    """
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return [str(number) for number in range(installed)]
    return [name.strip() for name in named.split(",") if name.strip()]


@contextmanager
def claimed_gpus(
    wanted: int, folder: Path | str, *, installed: int | None = None, poll_seconds: float = 5.0
) -> Iterator[list[str]]:
    """Claims GPUs within the context and sets CUDA_VISIBLE_DEVICES to them; waits until enough are free.

    The GPUs are free again when the context or the process ends. A batch job that sees exactly the GPUs that
    it wants claims nothing.

    Args:
        wanted: The number of GPUs of the job. With 0 the job sees none and computes on the CPU.
        folder: The folder of the lock files, the same for all jobs.
        installed: The number of GPUs that PyTorch sees on this machine; None asks PyTorch.
        poll_seconds: Seconds between two attempts while too few are free.

    Yields:
        The names of the GPUs.

    Raises:
        ValueError: The machine has fewer GPUs. The job would take hours on the CPU instead.
    """
    if wanted == 0:
        with _visible([]):
            yield []
        return
    # Counting does not start CUDA in this process, so CUDA_VISIBLE_DEVICES can still be set.
    installed = torch.cuda.device_count() if installed is None else installed
    available = visible_gpus(os.environ, installed)
    if STAND_IN in os.environ:
        yield available[:wanted]
        return
    _check_enough(wanted, min(len(available), installed))
    batch_job = next((os.environ[name] for name in BATCH_SYSTEMS if name in os.environ), None)
    if batch_job and len(available) == wanted:
        yield available
        return
    with _locked(available, wanted, Path(folder), batch_job, poll_seconds) as claimed, _visible(claimed):
        yield claimed


def _check_enough(wanted: int, seen: int) -> None:
    """Raises ValueError if a job wants more GPUs than PyTorch sees."""
    if wanted > seen:
        raise ValueError(
            f"the job wants {wanted} GPUs, PyTorch sees {seen} on "
            f"{platform.node()}; ask for fewer by `gpus` in the configuration (0 computes on the CPU), or "
            "mend the driver: python -c 'import torch; print(torch.cuda.device_count())'"
        )


@contextmanager
def _locked(
    available: Sequence[str], wanted: int, folder: Path, batch_job: str | None, poll_seconds: float
) -> Iterator[list[str]]:
    """Holds the locks of GPUs within the context, once enough are free, and yields the GPUs' names."""
    # The GPUs of each batch job are counted from 0, and several machines may share the file system.
    owner = f"{platform.node()}-{batch_job}" if batch_job else platform.node()
    gpu_of = {folder / f"{owner}-gpu{name}.lock": name for name in available}
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        locked = lock_free_files(gpu_of, wanted, held)
        if not locked:
            logger.info("waiting for %d free GPUs", wanted)
        while not locked:
            time.sleep(poll_seconds)
            locked = lock_free_files(gpu_of, wanted, held)
        yield [gpu_of[file] for file in locked]


@contextmanager
def _visible(gpus: Sequence[str]) -> Iterator[None]:
    """Lets CUDA see only these GPUs within the context."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = before
