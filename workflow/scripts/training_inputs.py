"""The inputs and parameters that the three training rules share, as a TrainingJob."""

from pathlib import Path
from typing import Any

from lslo.experiment.config_reading import read_config
from lslo.experiment.hyperparameters import Recipe
from lslo.recipes.training_job import TrainingJob, state_fingerprint
from lslo.running.gpus import requested_gpus


def training_job(snakemake: Any) -> TrainingJob:
    """Returns the job of a rule with the inputs corpus and base_model."""
    training = read_config(snakemake.config).training
    return TrainingJob(
        base_model=Path(snakemake.input.base_model[0]).parent,
        corpus=Path(snakemake.input.corpus[0]).parent,
        resource_classes=dict(snakemake.params.resource_classes),
        codes=dict(snakemake.params.codes),
        # No parameter of the rule, since no result depends on it.
        recipe=Recipe(**snakemake.params.recipe, checkpoint_minutes=training.checkpoint_minutes),
        metrics=Path(snakemake.output.metrics),
        state=Path(snakemake.params.state),
        # The number of processes determines the bits too.
        fingerprint=state_fingerprint(snakemake.input, snakemake.params, requested_gpus(snakemake.resources)),
    )
