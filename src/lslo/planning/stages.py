"""The stages of a run, and the totals of the jobs of a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lslo.planning.planned_job import PlannedJob

# The rules of each stage, in the order of the work.
STAGES = {
    "downloads": (
        *("fetch_source", "extract_source", "convert_base_model", "fetch_hub_model"),
        "fetch_scoring_model",
    ),
    "corpus": ("make_corpus",),
    "weight learning": ("learn_weights",),
    "ISE, LSP": ("estimate_subspaces",),
    "fine-tuning": ("finetune",),
    "translation": ("translate", "gather_translations"),
    "Figure 3's translation": ("translate_epochs",),
    "scores": ("score", "score_epochs"),
    "tables, figures, report": (
        *("make_results_table", "make_setup_table", "make_figure", "claims"),
        *("describe_run", "report", "all"),
    ),
}


@dataclass(frozen=True)
class JobTotals:
    """The planned totals of some jobs.

    Attributes:
        jobs: Number of jobs.
        pairs: Sentence pairs; a translated sentence counts as one.
        target_tokens: Target tokens of the trainings among the jobs.
        flops: Floating-point operations.
        seconds: Time on one device, or on one core for jobs that need no device.
        bytes: Size of the outputs.
    """

    jobs: int
    pairs: float
    target_tokens: float
    flops: float
    seconds: float
    bytes: float

    @classmethod
    def of(cls, jobs: Sequence[PlannedJob]) -> JobTotals:
        """Returns the totals of jobs."""
        return cls(
            len(jobs),
            sum(job.sums.pairs for job in jobs),
            sum(job.sums.target_tokens for job in jobs if job.metrics),
            sum(job.flops for job in jobs),
            sum(job.seconds for job in jobs),
            sum(job.bytes for job in jobs),
        )
