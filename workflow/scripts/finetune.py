"""Fine-tunes one setting with one seed."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.experiment.pruning_schedule import GradualPruningSchedule
from lslo.experiment.setting_notation import Setting
from lslo.recipes.finetuning import FineTuning, FineTuningOutputs
from lslo.recipes.training_job import run_training
from lslo.running.gpus import requested_gpus
from lslo.running.script import script_job
from training_inputs import training_job

if "snakemake" in globals() and __name__ == "__main__":
    with script_job(snakemake.log[0], snakemake.threads) as terminal, recorded(snakemake):
        strategy, pruning = snakemake.input.get("strategy"), snakemake.params.pruning
        run_training(
            FineTuning(
                training_job(snakemake),
                Setting.from_slug(snakemake.wildcards.setting),
                pruning=GradualPruningSchedule(**pruning) if pruning else None,
                learned_strategy=Path(strategy) if strategy else None,
                keep_epochs=snakemake.params.keep_epochs,
            ),
            FineTuningOutputs(
                output=Path(snakemake.output.adapter),
                parameters=Path(snakemake.output.parameters),
                epochs_output=Path(snakemake.output.epochs),
            ),
            requested_gpus(snakemake.resources),
            Path(snakemake.params.locks),
            terminal,
        )
