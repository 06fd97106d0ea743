"""Runs intrinsic subspace estimation or language-specific pruning (Sections 4.2 and 7.2)."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.recipes.subspaces import SubspaceEstimation, SubspaceEstimationOutputs
from lslo.recipes.training_job import run_training
from lslo.running.gpus import requested_gpus
from lslo.running.script import script_job
from training_inputs import training_job

if "snakemake" in globals() and __name__ == "__main__":
    with script_job(snakemake.log[0], snakemake.threads) as terminal, recorded(snakemake):
        run_training(
            SubspaceEstimation(
                training_job(snakemake),
                analysis=snakemake.wildcards.analysis,
                rank=snakemake.params.rank,
                schedule=GradualPruningSchedule(**snakemake.params.schedule),
                strategy_file=Path(snakemake.input.strategy),
            ),
            SubspaceEstimationOutputs(scores_file=Path(snakemake.output.scores)),
            requested_gpus(snakemake.resources),
            Path(snakemake.params.locks),
            terminal,
        )
