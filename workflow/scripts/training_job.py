"""The inputs and parameters that the three training rules share, as a TrainingJob."""

from pathlib import Path
from typing import Any

from lslo.experiment.hyperparameters import Recipe
from lslo.recipes.training_job import TrainingJob, state_fingerprint
from lslo.running.gpus import requested_gpus


def training_job(snakemake: Any) -> TrainingJob:
    """The job of a rule with the inputs corpus and base_model."""
    return TrainingJob(
        base_model=Path(snakemake.input.base_model[0]).parent,
        corpus=Path(snakemake.input.corpus[0]).parent,
        resource_classes=dict(snakemake.params.resource_classes),
        codes=dict(snakemake.params.codes),
        recipe=Recipe(
            **snakemake.params.recipe,
            checkpoint_minutes=snakemake.config["training"].get("checkpoint_minutes", 10.0),
        ),
        metrics=Path(snakemake.output.metrics),
        state=Path(snakemake.params.state),
        # The number of processes determines the bits too.
        fingerprint=state_fingerprint(snakemake.input, snakemake.params, requested_gpus(snakemake.resources)),
    )
