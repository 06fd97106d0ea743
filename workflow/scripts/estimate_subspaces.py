"""Intrinsic subspace estimation and language-specific pruning (Sections 4.2 and 7.2)."""

from pathlib import Path

from lslo.experiment.hyperparameters import GradualPruningSchedule
from lslo.experiment.provenance import recorded
from lslo.recipes.subspaces import estimate_subspaces
from lslo.recipes.training_job import run
from lslo.running.gpus import requested_gpus
from lslo.running.script import script_job
from training_job import training_job


def main(arguments: dict, outputs: dict, gpus: int, locks: Path) -> None:
    """Write the score of each B matrix. arguments, outputs: of `estimate_subspaces`."""
    run(estimate_subspaces, arguments, outputs, gpus, locks)


if "snakemake" in globals() and __name__ == "__main__":
    with script_job(snakemake.log[0], snakemake.threads) as terminal, recorded(snakemake):
        main(
            {
                "job": training_job(snakemake),
                "analysis": snakemake.wildcards.analysis,
                "rank": snakemake.params.rank,
                "schedule": GradualPruningSchedule(**snakemake.params.schedule),
                "strategy_file": Path(snakemake.input.strategy),
                "progress": terminal,
            },
            {"scores_file": Path(snakemake.output.scores)},
            requested_gpus(snakemake.resources),
            Path(snakemake.params.locks),
        )
