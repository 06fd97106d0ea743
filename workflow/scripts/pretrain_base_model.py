"""Pretrains the demo's base model from scratch and writes a record of its training."""

from pathlib import Path

from lslo.experiment.config_text_and_model import CldrPhrases, Pretraining
from lslo.experiment.hyperparameters import Decoding
from lslo.recipes.pretraining import DemoPretraining
from lslo.running.script import script_job

if "snakemake" in globals() and __name__ == "__main__":
    with script_job(snakemake.log[0], snakemake.threads) as terminal:
        DemoPretraining(
            snakemake.params.resource_classes,
            CldrPhrases.model_validate(snakemake.params.embedded),
            Pretraining.model_validate(snakemake.params.pretraining),
            Decoding(**snakemake.params.translation),
        ).run(Path(snakemake.output.folder), Path(snakemake.output.metrics), terminal)
