"""The planned and the actual costs of the finished jobs of a run, and the time that the others will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lslo.planning.measured import measured_job
from lslo.planning.planned_job import PlannedJob
from lslo.planning.stages import JobTotals


@dataclass(frozen=True)
class PlannedAndActual:
    """The planned and the actual costs of the finished jobs of a stage.

    Attributes:
        jobs: Number of jobs of the stage, finished or not; without the target `all`.
        planned: The planned totals of the finished jobs.
        jobs_done: Number of finished jobs.
        target_tokens: Target tokens of the finished trainings.
        seconds: Time on one device, or on one core for jobs that need no device.
        bytes: Size of the outputs.
        memory: The most main memory of a job in bytes; None if Snakemake saw none.
    """

    jobs: int
    planned: JobTotals
    jobs_done: int
    target_tokens: float
    seconds: float
    bytes: float
    memory: float | None

    @classmethod
    def of(cls, jobs: Sequence[PlannedJob]) -> PlannedAndActual | None:
        """Returns planned and actual of the jobs of a stage; None if no job is finished."""
        done = [(job, taken) for job in jobs if (taken := measured_job(job)) is not None]
        if not done:
            return None
        memory = [taken.memory for _, taken in done if taken.memory]
        return cls(
            jobs=len([job for job in jobs if job.benchmark]),
            planned=JobTotals.of([job for job, _ in done]),
            jobs_done=len(done),
            target_tokens=sum(taken.target_tokens or 0 for _, taken in done),
            seconds=sum(taken.seconds * job.devices for job, taken in done),
            bytes=sum(taken.bytes for _, taken in done),
            memory=max(memory, default=None),
        )


def remaining_seconds(jobs: Sequence[PlannedJob]) -> float | None:
    """Returns the time that the unfinished jobs will take at the pace of the finished ones.

    A job goes at the pace of its rule. Trainings and translations of rules without a finished job go at the
    pace of all trainings and translations together; the other jobs take their planned time.

    Args:
        jobs: Finished and unfinished jobs.

    Returns:
        Seconds on one device; None if neither a training nor a translation is finished.
    """
    done, left = [], []
    for job in jobs:
        taken = measured_job(job)
        (left if taken is None else done).append((job, taken))
    planned, took = {}, {}
    for job, taken in done:
        planned[job.rule] = planned.get(job.rule, 0.0) + job.seconds
        took[job.rule] = took.get(job.rule, 0.0) + taken.seconds * job.devices
    # A small job, which mostly starts, or a download shows nothing of the pace of trainings and translations.
    device_rules = dict.fromkeys(job.rule for job, _ in done if job.on_device)
    if not device_rules:
        return None
    device_pace = sum(took[rule] for rule in device_rules) / sum(planned[rule] for rule in device_rules)

    def pace(job: PlannedJob) -> float:
        if planned.get(job.rule):
            return took[job.rule] / planned[job.rule]
        return device_pace if job.on_device else 1.0

    return sum(job.seconds * pace(job) for job, _ in left)
