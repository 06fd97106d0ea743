"""A job of a run with the work, time and disk space that are planned for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lslo.planning.token_counts import NO_PAIRS, PairSums

# Seconds that a job takes which neither trains nor translates and imports little, measured on one core.
START = 0.5
# Seconds that a job takes to import PyTorch and load the model, measured with the demo's model on one core.
START_WITH_MODEL = 4.5


@dataclass(frozen=True)
class PlannedJob:
    """A job of a run with the work, time and disk space that are planned for it.

    Attributes:
        rule: The name of the Snakemake rule.
        name: The name of the job among the jobs of its rule; empty where the rule has one job.
        benchmark: The file that Snakemake writes when the job is done; None for the target `all`.
        outputs: The files and folders that the job leaves, as far as their size matters.
        metrics: The `metrics.jsonl` of a training; None for other jobs.
        sums: Sums over the job's sentence pairs. A training's pairs count once for each epoch.
        flops: Floating-point operations.
        seconds: Time on one device, or on one core if the job needs no device.
        bytes: Size of the outputs.
        on_device: Whether the job computes on a GPU where the run has GPUs.
        devices: GPUs that the job occupies at once.
    """

    rule: str
    name: str
    benchmark: Path | None
    outputs: tuple[Path, ...] = ()
    metrics: Path | None = None
    sums: PairSums = NO_PAIRS
    flops: float = 0.0
    seconds: float = START
    bytes: float = 0.0
    on_device: bool = False
    devices: int = 1
