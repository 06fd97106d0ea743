"""Learns which language each layer follows, source or target (weight learning, Section 4.1)."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.recipes.training_job import run_training
from lslo.recipes.weight_learning import WeightLearning, WeightLearningOutputs
from lslo.running.gpus import requested_gpus
from lslo.running.script import script_job
from training_inputs import training_job

if "snakemake" in globals() and __name__ == "__main__":
    with script_job(snakemake.log[0], snakemake.threads) as terminal, recorded(snakemake):
        run_training(
            WeightLearning(training_job(snakemake), snakemake.params.rank),
            WeightLearningOutputs(
                weights_file=Path(snakemake.output.weights),
                strategy_file=Path(snakemake.output.strategy),
            ),
            requested_gpus(snakemake.resources),
            Path(snakemake.params.locks),
            terminal,
        )
