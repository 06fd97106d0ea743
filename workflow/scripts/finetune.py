"""Fine-tune one setting with one seed."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.experiment.settings import Setting
from lslo.recipes.finetuning import fine_tune
from lslo.recipes.training_job import run
from lslo.running.gpus import requested_gpus
from lslo.running.script import script_job
from training_job import training_job


def main(arguments: dict, outputs: dict, gpus: int, locks: Path) -> None:
    """Write the adapter folder. arguments, outputs: of `lslo.recipes.finetuning.fine_tune`."""
    run(fine_tune, arguments, outputs, gpus, locks)


if "snakemake" in globals() and __name__ == "__main__":
    with script_job(snakemake.log[0], snakemake.threads) as terminal, recorded(snakemake):
        main(
            {
                "job": training_job(snakemake),
                "setting": Setting.from_slug(snakemake.wildcards.setting),
                "pruning": tuple(snakemake.params.pruning),
                "learned_strategy": (
                    Path(snakemake.input.strategy) if snakemake.input.get("strategy") else None
                ),
                "keep_epochs": snakemake.params.keep_epochs,
                "progress": terminal,
            },
            {
                "output": Path(snakemake.output.adapter),
                "parameters": Path(snakemake.output.parameters),
                "epochs_output": Path(snakemake.output.epochs),
            },
            requested_gpus(snakemake.resources),
            Path(snakemake.params.locks),
        )
