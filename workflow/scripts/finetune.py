"""Fine-tune one setting with one seed."""

from pathlib import Path

from lslo.finetuning import fine_tune
from lslo.gpus import claimed_gpus
from lslo.job import job
from lslo.launch import launch
from lslo.settings import Setting
from training_job import training_job


def main(arguments: dict, gpus: int, locks: Path) -> None:
    """Write the adapter folder. arguments: of `lslo.finetuning.fine_tune`."""
    with claimed_gpus(gpus, locks):
        launch(fine_tune, arguments, gpus)


if "snakemake" in globals() and __name__ == "__main__":
    with job(snakemake.log[0], snakemake.threads) as terminal:
        main(
            {
                "job": training_job(snakemake),
                "setting": Setting.from_slug(snakemake.wildcards.setting),
                "pruning": tuple(snakemake.params.pruning),
                "learned_strategy": (
                    Path(snakemake.input.strategy) if snakemake.input.get("strategy") else None
                ),
                "output": Path(snakemake.output.adapter),
                "parameters": Path(snakemake.output.parameters),
                "epochs_output": Path(snakemake.output.epochs),
                "keep_epochs": snakemake.params.keep_epochs,
                "progress": terminal,
            },
            snakemake.resources.get("gpu", 0),
            Path(snakemake.params.locks),
        )
