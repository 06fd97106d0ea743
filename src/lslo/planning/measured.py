"""The time, memory, tokens and disk space of finished jobs, read from benchmarks, metrics and outputs."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lslo.planning.planned_job import PlannedJob


@dataclass(frozen=True)
class MeasuredJob:
    """The time, memory, tokens and disk space that a finished job took.

    Attributes:
        seconds: Time of the last attempt.
        memory: The most main memory in bytes; None if the job was too short for Snakemake to see it.
        target_tokens: Target tokens of a training; None for other jobs and where the metrics are gone.
        bytes: Size of the outputs.
    """

    seconds: float
    memory: float | None
    target_tokens: float | None
    bytes: float


def measured_job(job: PlannedJob) -> MeasuredJob | None:
    """Returns what a job took; None if it is not done, or its benchmark cannot be read."""
    if job.benchmark is None or not job.benchmark.is_file():
        return None
    try:
        with job.benchmark.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        seconds = float(rows[-1]["s"])
        memory = _finite_number(rows[-1].get("max_rss"))
    except (ValueError, KeyError, IndexError, TypeError, OSError):
        return None
    return MeasuredJob(
        seconds,
        None if memory is None else memory * 2**20,
        _target_tokens(job.metrics) if job.metrics else None,
        size_on_disk(job.outputs),
    )


def _finite_number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _target_tokens(metrics: Path) -> float | None:
    try:
        lines = metrics.read_text(encoding="utf-8").splitlines()
        return float(sum(json.loads(line)["target_tokens"] for line in lines))
    except (ValueError, KeyError, TypeError, OSError):
        return None


def size_on_disk(paths: Iterable[Path]) -> float:
    """Returns the bytes of files and of all files in folders; paths that do not exist count nothing."""
    total = 0
    for path in paths:
        files = path.rglob("*") if path.is_dir() else [path]
        total += sum(file.stat().st_size for file in files if file.is_file())
    return float(total)
