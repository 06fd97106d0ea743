"""One job of a run, and one training, as far as they are planned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lslo.planning.token_counts import NO_PAIRS, PairSums

# Seconds, measured on one core: of a job that neither trains nor translates, which imports little.
START = 0.5


@dataclass(frozen=True)
class PlannedJob:
    """One job, or what is planned of it.

    rule: its name. name: of the job among those of the rule. benchmark: the file that Snakemake writes when
    it is done. outputs: what it leaves, as far as it takes space. metrics: of a training. sums: of its
    sentence pairs, those of a training once an epoch. flops, seconds (on one device), bytes (of outputs).
    on_device: whether it computes on a GPU where there are any. devices: of the job.
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


@dataclass(frozen=True)
class PlannedTraining:
    """What is known of a setting, or of weight learning, ISE and LSP: what is trained and kept.

    bytes: of the adapter or model. trained: parameters. flops, seconds: of one seed. seeds: how many.
    """

    name: str
    trained: int
    bytes: float
    flops: float
    seconds: float
    seeds: int = 1
