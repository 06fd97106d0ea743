"""Intrinsic subspace estimation and language-specific pruning (Sections 4.2 and 7.2)."""

from pathlib import Path

from lslo.architecture import estimate_subspaces
from lslo.gpus import claimed_gpus
from lslo.job import job
from lslo.launch import launch
from lslo.pruning import GradualPruningSchedule
from training_job import training_job


def main(arguments: dict, gpus: int, locks: Path) -> None:
    """Write the score of each B matrix. arguments: of `lslo.architecture.estimate_subspaces`."""
    with claimed_gpus(gpus, locks):
        launch(estimate_subspaces, arguments, gpus)


if "snakemake" in globals() and __name__ == "__main__":
    with job(snakemake.log[0], snakemake.threads) as terminal:
        main(
            {
                "job": training_job(snakemake),
                "analysis": snakemake.wildcards.analysis,
                "rank": snakemake.params.rank,
                "schedule": GradualPruningSchedule(**snakemake.params.schedule),
                "strategy_file": Path(snakemake.input.strategy),
                "scores_file": Path(snakemake.output.scores),
                "progress": terminal,
            },
            snakemake.resources.get("gpu", 0),
            Path(snakemake.params.locks),
        )
